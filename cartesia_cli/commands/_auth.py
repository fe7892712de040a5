"""Does what ``cartesia auth`` was asked for."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cartesia_cli import console
from cartesia_cli.commands._options import EngineOptions, ReportOptions
from cartesia_cli.commands._setup import set_up
from cartesia_cli.commands.auth import KeepOptions, StatusOptions, TalkOptions, TokenOptions
from cartesia_cli.credentials import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    Key,
    checked_key,
    decode_key,
    find_all,
    find_key,
)
from cartesia_cli.engines import open_cloud
from cartesia_cli.errors import CredentialsError, OutputError, UsageError
from cartesia_cli.folders import user_folder

_MOST_BYTES = 65_536
_PROMPT = "API key (it is not shown): "
_NO_KEY_HINT = f"Keep one with 'cartesia auth login', or set {KEY_VARIABLE}."
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_LONGEST = 3600
"""Seconds that the API lets a token live."""

_GRANTS = ("tts", "stt", "agent")
_USUAL_GRANTS = ("tts", "stt")


def run_login(keep: KeepOptions, talk: TalkOptions) -> None:
    """Keep a key.

    Raises:
        CredentialsError: what was typed is none.
        OutputError: it cannot be kept where it was to be.
    """
    from cartesia_cli.credentials import keeping

    _configure(talk)
    folder = _folder()
    if not keep.insecure_storage:
        keeping.require_keyring()
    key = Key(_ask(), "input")
    console.keep_secret(key.value)
    shown = _shown(key)
    if keep.insecure_storage:
        path, failure = keeping.keep_in_file(key.value, folder)
        if failure is not None:
            console.warn(f"{failure} It is not used any more.")
        console.note(f"kept the key{shown} in {path}, readable by you alone")
    else:
        keeping.keep_in_keyring(key.value, folder)
        console.note(f"kept the key{shown} in the system's keyring")
    _tell_of_variables("is set, and wins over it")


def run_status(options: StatusOptions, talk: TalkOptions) -> None:
    """Show which key is used.

    Raises:
        CredentialsError: there is none, or it cannot be used.
    """
    _configure(talk, json=options.json)
    found = list(find_all(os.environ, folder=user_folder("config", os.environ)))
    if not found:
        raise CredentialsError("No API key.", hint=_NO_KEY_HINT)
    if options.json:
        hides = [_facts(each) for each in found[1:]]
        console.data_json({**_facts(found[0]), "hides": hides})
    else:
        for number, each in enumerate(found):
            console.data(f"{'hidden by it: ' if number else ''}{_line(each)}\n")
    if isinstance(found[0], CredentialsError):
        raise found[0]


def run_logout(talk: TalkOptions) -> None:
    """Remove the key that was kept.

    Raises:
        OutputError: it is still there.
    """
    from cartesia_cli.credentials import keeping

    _configure(talk)
    folder = _folder()
    # The file first: it needs nobody's permission, while the keyring may not answer.
    removed = [place for place in (keeping.forget_file(folder), keeping.forget_keyring(folder)) if place]
    console.note(f"removed the key from: {', '.join(removed)}" if removed else "there was no key to remove")
    _tell_of_variables("is still set, and gives a key")


def run_token(options: TokenOptions, talk: TalkOptions) -> None:
    """Print an access token.

    Raises:
        UsageError: the time is none, or too long.
        CredentialsError: there is no key.
        LimitError, RequestError, UnavailableError: the API gives no token.
    """
    seconds = _seconds(options.expires)
    grants = _grants(options.grant)
    settings = set_up(
        EngineOptions(
            profile=options.profile,
            base_url=options.base_url,
            timeout=options.timeout,
            retries=options.retries,
        ),
        ReportOptions(options.json, talk.quiet, talk.verbose, talk.log_file, talk.color),
        {},
    )
    # Whatever engine is set: only the cloud has tokens.
    key = find_key(os.environ, folder=user_folder("config", os.environ))
    console.keep_secret(key.value if key else None)
    with open_cloud(settings, key) as client:
        token = client.create_access_token(seconds, grants)
    if options.json:
        console.data_json({"token": token, "expires_in": seconds, "grants": grants})
    else:
        console.data(f"{token}\n")


def _configure(talk: TalkOptions, *, json: bool = False) -> None:
    console.configure(json=json, quiet=talk.quiet, verbose=talk.verbose, log_file=talk.log_file)
    console.set_color(talk.color or "auto")


def _folder() -> Path:
    folder = user_folder("config", os.environ)
    if folder is None:
        raise OutputError(
            "There is no home folder to keep a key in.", hint=f"Set HOME, or set {KEY_VARIABLE} instead."
        )
    return folder


def _ask() -> str:
    """Return a key from standard input, typed without echo if that is a terminal.

    Raises:
        CredentialsError: it is none; the message does not show it.
    """
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Pipe the key in, or run this at a terminal.")
    if sys.stdin.isatty():
        return checked_key(_ask_person().strip(), "the input")
    try:
        value = decode_key(sys.stdin.buffer.read(_MOST_BYTES + 1))
    except ValueError as error:
        raise CredentialsError(
            f"Cannot read the API key from standard input: {error}.", hint="Pipe in the key alone."
        ) from error
    except OSError as error:
        raise UsageError(f"Cannot read standard input: {error.strerror}.") from error
    if not value:
        raise CredentialsError(
            "There is no API key on standard input.", hint="Pipe the key in, or run this at a terminal."
        )
    return checked_key(value, "standard input")


def _ask_person() -> str:
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            # Where it cannot turn the echo off, it would warn and show what is typed.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass(_PROMPT)
    except getpass.GetPassWarning as error:
        raise UsageError("This terminal would show the key.", hint="Pipe the key in instead.") from error
    except EOFError as error:
        raise CredentialsError("No API key was typed.", hint="Paste it, and press Enter.") from error


def _tell_of_variables(what: str) -> None:
    """Tell a person which variable has the last word, whatever is kept."""
    for name in (KEY_VARIABLE, KEY_FILE_VARIABLE):
        if os.environ.get(name):
            console.note(f"{name} {what}")


def _shown(key: Key) -> str:
    return f" ending in {key.last_four}" if key.last_four else ""


def _line(found: Key | CredentialsError) -> str:
    if isinstance(found, CredentialsError):
        return f"unusable: {found}"
    return f"key{_shown(found)}, from {found.origin}"


def _facts(found: Key | CredentialsError) -> dict[str, Any]:
    if isinstance(found, CredentialsError):
        return {"usable": False, "message": str(found)}
    return {"usable": True, "origin": found.origin, "last_four": found.last_four}


def _grants(wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return what a token allows, each once.

    Raises:
        UsageError: the API knows no such grant.
    """
    for name in wanted or ():
        if name not in _GRANTS:
            raise UsageError(f"--grant must be {', '.join(_GRANTS[:-1])} or {_GRANTS[-1]}, not {name!r:.40}.")
    return tuple(dict.fromkeys(wanted or _USUAL_GRANTS))


def _seconds(text: str) -> int:
    """Return how long a token lives.

    Raises:
        UsageError: no time, or none that the API gives.
    """
    found = re.fullmatch(r"(\d{1,9})([smh]?)", text.strip().lower(), re.ASCII)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise UsageError(
            f"--expires must be a time like 90s, 10m or 1h, above 0 and at most 1h, not {text!r:.40}.",
            hint="For example: cartesia auth token --expires 10m",
        )
    return seconds
