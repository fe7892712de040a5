"""Does what ``cartesia config`` was asked for."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._tables import Column, is_plain, print_table
from cartesia_cli.commands.config import GetOptions, ListOptions, SetOptions, TalkOptions, UnsetOptions
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.settings import SETTINGS, Settings, config_path
from cartesia_cli.settings.files import read_user_file
from cartesia_cli.settings.sources import Problems, header_key
from cartesia_cli.settings.writing import (
    Where,
    join_name,
    no_setting,
    parse_value,
    remove_setting,
    require_known,
    split_name,
    write_setting,
)

_HIDDEN = "[hidden]"
"""In place of the value of a header, which may hold the secret of a proxy."""

_MOST_BYTES = 65_536
_EXAMPLE = "For example: cartesia config set voice heart"


class _Row(NamedTuple):
    """A setting as it is shown."""

    name: str
    value: Any
    origin: str

    @property
    def text(self) -> str:
        """The value; "" for none."""
        return "" if self.value is None else str(self.value)

    @property
    def facts(self) -> dict[str, Any]:
        """The row as JSON has it."""
        return {"name": self.name, "value": self.value, "origin": self.origin}


def run_get(options: GetOptions, talk: TalkOptions) -> None:
    """Print one value.

    Raises:
        UsageError: there is no such setting.
    """
    _configure(talk, json=options.json)
    where = _where(options.name)
    row = _own_row(where) if where[0] == "profiles" else _row(where, _load(options.profile))
    if options.json:
        console.data_json(row.facts)
    else:
        console.data(f"{row.text}\n")


def run_set(options: SetOptions, talk: TalkOptions) -> None:
    """Write one value into the user's file.

    Raises:
        UsageError: there is no such setting, it cannot have this value, or the file is broken.
        OutputError: the file cannot be written.
    """
    _configure(talk)
    where = _where(options.name, options.profile)
    if options.value is None:
        require_known(where)
        raise UsageError(f"{join_name(where)} is given no value.", hint=_EXAMPLE)
    text = _read_value() if options.value == "-" else options.value
    value = parse_value(where, text)
    path = _path()
    write_setting(path, where, value)
    if where[0] != "profiles":
        _tell_if_hidden(where, path)


def run_unset(options: UnsetOptions, talk: TalkOptions) -> None:
    """Remove one value from the user's file.

    Raises:
        UsageError: there is no such setting, or the file is broken.
        OutputError: the file cannot be written.
    """
    _configure(talk)
    where = _where(options.name, options.profile)
    path = _path()
    if not remove_setting(path, where):  # a mistake in the file can be removed as well
        require_known(where)
        console.note(f"{join_name(where)} is not set in {path}")


def run_list(options: ListOptions, talk: TalkOptions) -> None:
    """Print all values."""
    _configure(talk, json=options.json)
    settings = _load(options.profile)
    entries = [f"headers.{name}" for name in settings.headers] + [
        f"aliases.{name}" for name in settings.aliases
    ]
    rows = [_row(split_name(name), settings) for name in (*SETTINGS, *entries)]
    if options.json:
        for row in rows:
            console.data_json(row.facts)
        return
    n_columns = 3 if options.show_origin else 2
    table = [(row.name, row.text, row.origin)[:n_columns] for row in rows]
    # A value that is cut would be no use: where it does not fit, it has a line of its own.
    plain = talk.color == "never" or is_plain(settings)
    print_table([Column("")] * n_columns, table, plain=plain)


def run_path(talk: TalkOptions) -> None:
    """Print where the user's file is.

    Raises:
        OutputError: there is no place for one.
    """
    _configure(talk)
    console.data(f"{_path()}\n")


def run_edit(talk: TalkOptions) -> None:
    """Let a person change the user's file.

    Raises:
        UsageError: there is no editor, or the file has mistakes now.
        OutputError: there is no place for the file.
    """
    from cartesia_cli.commands._config_editing import open_editor

    _configure(talk)
    path = _path()
    open_editor(path)
    problems: Problems = []
    read_user_file(path, problems.append)
    for problem in problems:
        console.warn(str(problem))
    if problems:
        found = f"are {len(problems)} mistakes" if len(problems) > 1 else "is a mistake"
        raise UsageError(f"There {found} in {path}.", hint="Correct it: cartesia config edit")


def _configure(talk: TalkOptions, *, json: bool = False) -> None:
    console.configure(json=json, quiet=talk.quiet, verbose=talk.verbose, log_file=talk.log_file)
    console.set_color(talk.color or "auto")


def _path() -> Path:
    path = config_path(os.environ)
    if path is None:
        raise OutputError("There is no home folder to keep a configuration in.", hint="Set HOME.")
    return path


def _load(profile: str | None) -> Settings:
    """Return the settings of a run here; mistakes, which would end it, are told."""
    problems: Problems = []
    try:
        cwd = Path.cwd()
    except OSError:  # it is gone, and no project with it
        cwd = Path("/")
    settings = Settings.load(options={"profile": profile}, environ=os.environ, cwd=cwd, problems=problems)
    for problem in problems:
        console.warn(str(problem))
    return settings


def _where(name: str | None, profile: str | None = None) -> Where:
    """Return which setting is meant.

    Raises:
        UsageError: none is.
    """
    if not name:
        raise UsageError("No setting is named.", hint="See all of them: cartesia config list")
    where = split_name(name)
    if profile is None:
        return where
    if where[0] == "profiles":
        raise UsageError(f"{name} and --profile name two profiles.", hint="Leave out one of them.")
    return ("profiles", profile, *where)


def _row(where: Where, settings: Settings) -> _Row:
    """Return the value that counts.

    Raises:
        UsageError: there is no such setting, or no such header or alias.
    """
    name = where[-1]
    if where[0] in SETTINGS and len(where) == 1:
        return _Row(name, getattr(settings, name), settings.origin(name))
    if len(where) == 1:
        raise no_setting(where)
    full = join_name(where)
    if where[0] == "headers":
        if name.lower() in settings.headers:
            return _Row(full, _HIDDEN, settings.origin(header_key(name)))
    elif name in settings.aliases:
        return _Row(full, settings.aliases[name], settings.origin(full))
    raise UsageError(f"{full} is not set.", hint="See all settings: cartesia config list")


def _own_row(where: Where) -> _Row:
    """Return what a profile sets.

    Raises:
        UsageError: it does not set this, or there is no such setting.
    """
    if len(where) <= 2 or (len(where) == 3 and where[-1] not in SETTINGS):
        raise no_setting(where)
    problems: Problems = []
    _, profiles = read_user_file(_path(), problems.append)
    for problem in problems:
        console.warn(str(problem))
    _, profile, *rest = where
    name = join_name(tuple(rest))
    layer = profiles.get(profile, {})
    key = name.lower() if rest[0] == "headers" else name
    if key not in layer:
        raise UsageError(f"{join_name(where)} is not set.", hint="See what is: cartesia config edit")
    value, origin = layer[key]
    return _Row(join_name(where), _HIDDEN if rest[0] == "headers" else value, origin)


def _read_value() -> str:
    """Return a value from standard input: argv is public, and a header may be secret."""
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Pipe the value in.")
    try:
        return sys.stdin.buffer.read(_MOST_BYTES).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise UsageError("The value on standard input is not UTF-8 text.") from None
    except OSError as error:
        raise UsageError(f"Cannot read standard input: {error.strerror}.") from error


def _tell_if_hidden(where: Where, path: Path) -> None:
    """Tell a person where another value stands that wins over the one just written."""
    try:
        origin = _row(where, _load(None)).origin
    except UsageError:
        return
    if origin != str(path):
        console.note(f"{join_name(where)} from {origin} wins over it here")
