"""What the doctor looks at first: the settings and the key, with everything that is wrong with them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._doctor_running import Finding, examine
from cartesia_cli.credentials import Key, find_all
from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.local.packages import has_speech
from cartesia_cli.settings import Settings, config_path

_PATIENCE = 10.0
"""Seconds for files on a network drive, and for a keyring that asks."""


class SetUp(NamedTuple):
    """What the checks go by."""

    settings: Settings
    key: Key | None


def look_up(color: str | None) -> tuple[SetUp, list[Finding]]:
    """Return the settings and the key, and what is found on the way to them."""
    settings: list[Settings] = []
    keys: list[Key] = []
    findings = examine("settings", lambda: _check_settings(color, settings), _PATIENCE)
    usual = settings[0] if settings else Settings()
    findings += examine("key", lambda: _check_key(usual, keys), _PATIENCE)
    return SetUp(usual, keys[0] if keys else None), findings


def _check_settings(color: str | None, result: list[Settings]) -> Iterator[Finding]:
    problems: list[UsageError] = []
    loaded = Settings.load(
        options={"color": color}, environ=os.environ, cwd=_working_folder(), problems=problems
    )
    result.append(loaded)
    for problem in problems:
        yield Finding("settings", "problem", str(problem), problem.hint)
    if not problems:
        path = config_path(os.environ)
        found = path is not None and path.is_file()
        yield Finding(
            "settings", "ok", f"{path} is in order." if found else f"No file {path}; none is needed."
        )


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path(tempfile.gettempdir())  # ours is gone; no project file, then


def _check_key(settings: Settings, result: list[Key]) -> Iterator[Finding]:
    found = list(find_all(os.environ, folder=user_folder("config", os.environ)))
    for each in found:
        if isinstance(each, Key):
            console.keep_secret(each.value)
            break
    if not found:
        yield _no_key(settings)
        return
    first, *hidden = found
    if isinstance(first, CredentialsError):
        yield Finding("key", "problem", str(first), first.hint)
    else:
        result.append(first)
        yield Finding("key", "ok", f"From {first.origin}; it ends in {first.last_four}.")
    for each in hidden:
        if isinstance(each, CredentialsError):
            yield Finding("key", "warning", f"{each} It is not used.", each.hint)
        else:
            yield Finding("key", "ok", f"Another one from {each.origin} is not used.")


def _no_key(settings: Settings) -> Finding:
    fix = "Run 'cartesia auth login', or set CARTESIA_API_KEY."
    if settings.engine == "local":
        return Finding("key", "ok", "None, and the built-in engine needs none.")
    if settings.engine == "auto" and has_speech():
        return Finding("key", "warning", "No API key; the built-in voice speaks.", fix)
    return Finding("key", "problem", "No API key.", fix)
