"""Changes the user's file as its owner would: one line, and everything else stays as it is."""

import re
from collections.abc import Callable, MutableMapping
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import Any

from cartesia_cli.access import check_header
from cartesia_cli.errors import UsageError
from cartesia_cli.files import naming, replace_file
from cartesia_cli.settings.files import explain_unknown, read_file
from cartesia_cli.settings.keys import SETTINGS
from cartesia_cli.settings.locking import alone_in
from cartesia_cli.settings.sources import raise_problem

_Table = MutableMapping[str, Any]

Where = tuple[str, ...]
"""The tables that a setting stands in, then its own name: ``("profiles", "work", "voice")``."""

_ENTRIES = ("headers", "aliases")
_API_KEY = re.compile(r"\bsk_car_")


def split_name(name: str) -> Where:
    """Return where a setting stands that is written like ``voice`` or ``profiles.work.headers.X-Team``.

    What follows the name of a table is one name, with all its dots; so nothing has to be quoted.
    """
    table, _, rest = name.partition(".")
    if rest and table in _ENTRIES:
        return table, rest
    if not rest or table != "profiles":
        return (name,)
    if entry := re.fullmatch(rf"(.+?)\.({'|'.join(_ENTRIES)})\.(.+)", rest):
        return table, *entry.groups()
    profile, _, key = rest.rpartition(".")
    return (table, profile, key) if profile else (table, rest)


def join_name(where: Where) -> str:
    """Return how a person writes it."""
    return ".".join(where)


def parse_value(where: Where, text: str) -> Any:
    """Return the value of a setting, checked, as it is written into the file.

    Raises:
        UsageError: there is no such setting, or it cannot have this value; a secret is not shown.
    """
    *tables, name = where
    above = tuple(tables)
    try:
        if above[-1:] == ("headers",):
            value: Any = check_header(name, text)
        elif above[-1:] == ("aliases",):
            value = SETTINGS["voice"].parse_text(text)
        elif name in SETTINGS and len(above) in {0, 2}:
            value = SETTINGS[name].parse_text(text)
        else:
            raise no_setting(where)
    except ValueError as error:
        raise UsageError(f"{join_name(where)} {error}.") from error
    if _API_KEY.search(text):
        raise UsageError(
            "This value holds an API key, which does not belong into the configuration.",
            hint="Keep it with 'cartesia auth login', and take it out of your shell's history.",
        )
    return str(value) if isinstance(value, str) else value  # an enum's member is more than its text


def write_setting(path: Path, where: Where, value: Any) -> None:
    """Set a value in the user's file, which is made if need be.

    Args:
        path: the file.
        where: the setting; its tables are made if need be.
        value: as ``parse_value`` returns it.

    Raises:
        UsageError: the file is not TOML, or has something else where a table is needed.
        OutputError: it cannot be written.
    """

    def change(document: _Table) -> None:
        table = document
        for depth, each in enumerate(where[:-1], start=1):
            if each not in table:
                # At once: some tables that the library hands out are copies.
                table[each] = reduce(lambda inner, name: {name: inner}, reversed(where[depth:]), value)
                return
            table = table[each]
            if not isinstance(table, MutableMapping):
                above = join_name(where[:depth])
                raise UsageError(
                    f"{above} must be a table, like [{above}], in {path}.",
                    hint="Correct the file: cartesia config edit",
                )
        name = _same_name(table, where)
        is_new = name not in table
        table[name] = value
        if is_new:
            _move_up(table, name)

    with naming(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone_in(path.parent):
        _edit(path, change)


def remove_setting(path: Path, where: Where) -> bool:
    """Remove a setting or a table, whatever it is, from the user's file; return whether it was there.

    Raises:
        UsageError: the file is not TOML.
        OutputError: it cannot be written.
    """
    with alone_in(path.parent):
        return _remove(path, where)


def _remove(path: Path, where: Where) -> bool:
    file = read_file(path, raise_problem)
    table: Any = file.table if file else {}
    for name in where[:-1]:
        table = table.get(name) if isinstance(table, dict) else None
    if not isinstance(table, dict) or _same_name(table, where) not in table:
        return False

    def change(document: _Table) -> None:
        table = document
        for name in where[:-1]:
            table = table[name]
        del table[_same_name(table, where)]

    _edit(path, change)
    return True


def require_known(where: Where) -> None:
    """Make sure that there is such a setting, or such a table.

    Raises:
        UsageError: there is none.
    """
    *tables, name = where
    is_entry = bool(tables) and tables[-1] in _ENTRIES
    is_table = name in _ENTRIES or (not tables and name == "profiles") or tables == ["profiles"]
    if not (is_entry or is_table or (name in SETTINGS and len(tables) in {0, 2})):
        raise no_setting(where)


def no_setting(where: Where) -> UsageError:
    """Return the mistake of naming what is no setting: nothing at all, or a table."""
    *tables, name = where
    if name in _ENTRIES or name == "profiles" or tables == ["profiles"]:
        full = join_name(where)
        return UsageError(f"{full} is a table.", hint=f"Name what is in it, like {full}.NAME.")
    message, hint = explain_unknown(name, tuple(tables))
    return UsageError(f"{message[0].upper()}{message[1:]}.", hint=hint)


def _same_name(table: _Table, where: Where) -> str:
    """Return the name as it stands in the table already: those of headers differ in more than capitals."""
    name = where[-1]
    if where[-2:-1] != ("headers",):
        return name
    return next((each for each in table if each.lower() == name.lower()), name)


def _move_up(table: _Table, name: str) -> None:
    """Put a new setting after those of its table, and before the comment on the table that follows."""
    from tomlkit.container import Container
    from tomlkit.items import Comment, Table, Whitespace

    container = table.value if isinstance(table, Table) else table
    if not isinstance(container, Container):
        return
    body = container.body
    at = next(number for number, (key, _) in enumerate(body) if key is not None and key.key == name)
    follower = body[at + 1][1] if at + 1 < len(body) else None
    place = at
    while place and isinstance(body[place - 1][1], Comment):
        place -= 1
    if place < at and isinstance(follower, Table):
        follower.trivia.indent = follower.trivia.indent.removeprefix("\n")
        body[at][1].trivia.trail = "\n\n"
    elif follower is not None or (not place and container is table):
        return  # there is no comment, or it is one on the whole file
    while place and isinstance(body[place - 1][1], Whitespace):
        place -= 1
        body[at][1].trivia.trail = "\n"
    body.insert(place, body.pop(at))


def _edit(path: Path, change: Callable[[_Table], None]) -> None:
    """Change a file and replace it whole; one that holds headers becomes its owner's alone."""
    import tomllib

    import tomlkit

    before = read_file(path, raise_problem)
    raw = path.read_bytes() if before else b""
    expected = deepcopy(before.table) if before else {}
    change(expected)
    document = tomlkit.parse(before.text if before else "")
    change(document)
    text = tomlkit.dumps(document)
    # What comes out is not taken on trust: a setting that got lost would be the user's loss.
    if _without_empty(tomllib.loads(text)) != _without_empty(expected):
        raise UsageError(
            f"Cannot change {path} and keep its form.", hint="Change it yourself: cartesia config edit"
        )
    if b"\r\n" in raw:
        text = text.replace("\n", "\r\n")
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    _write(path, mark + text.encode(), private=_holds_headers(expected))


def _without_empty(table: _Table) -> _Table:
    """Return a table without the tables that hold nothing, which need not be written."""
    kept = {
        name: _without_empty(value) if isinstance(value, MutableMapping) else value
        for name, value in table.items()
    }
    return {name: value for name, value in kept.items() if value != {}}


def _holds_headers(document: _Table) -> bool:
    profiles = document.get("profiles", {})
    tables = [document, *(profiles.values() if isinstance(profiles, MutableMapping) else ())]
    return any(isinstance(table, MutableMapping) and table.get("headers") for table in tables)


def _write(path: Path, data: bytes, *, private: bool) -> None:
    with naming(path), replace_file(path, private=private) as file:
        file.write(data)
