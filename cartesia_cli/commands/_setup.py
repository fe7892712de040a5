"""The first steps of every command: how it reports, what it was set up with, and its key."""

import os
from collections.abc import Mapping
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.commands._options import EngineOptions, ReportOptions
from cartesia_cli.credentials import Key, find_key
from cartesia_cli.errors import CartesiaError, UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.settings import Settings


def set_up(engine: EngineOptions, report: ReportOptions, options: Mapping[str, object | None]) -> Settings:
    """Return the settings of this run and tell the console how to speak.

    Args:
        engine: which engine, and how patiently it is asked.
        report: what the run tells about itself.
        options: further settings given on the command line, by name; None counts as not given.
    """
    console.configure(json=report.json, quiet=report.quiet, verbose=report.verbose, log_file=report.log_file)
    settings = Settings.load(
        options={
            "engine": engine.engine,
            "profile": engine.profile,
            "base_url": engine.base_url,
            "timeout": engine.timeout,
            "retries": engine.retries,
            "color": report.color,
            **options,
        },
        environ=os.environ,
        cwd=_working_folder(),
    )
    console.set_color(settings.color)
    return settings


def find_secret_key(settings: Settings) -> Key | None:
    """Return the key of this run, which the console will never show; None if there is none, or no need.

    Raises:
        CredentialsError: there is one that cannot be used.
    """
    if settings.engine == "local":
        return None
    key = find_key(os.environ, folder=user_folder("config", os.environ))
    console.keep_secret(key.value if key else None)
    return key


def tell_fallback(failure: CartesiaError, instead: str) -> None:
    """Say that the embedded engine goes on where the cloud failed.

    Args:
        failure: of the cloud.
        instead: what takes over, ``voice`` or ``recogniser``.
    """
    console.note(f"{str(failure).rstrip('.')}. Going on with the built-in {instead}.")


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("The folder this runs in is gone.", hint="Change to one that exists.") from error
