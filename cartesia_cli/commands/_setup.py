"""The first step of every command: how it reports, and what it was set up with."""

import os
from collections.abc import Mapping
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.commands._options import EngineOptions, ReportOptions
from cartesia_cli.errors import UsageError
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


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("The folder this runs in is gone.", hint="Change to one that exists.") from error
