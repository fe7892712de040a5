"""Layers of settings from TOML files; every mistake is told with its file and line."""

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cartesia_cli.access import check_header
from cartesia_cli.errors import UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.settings.keys import SETTINGS
from cartesia_cli.settings.sources import Complain, Layer, header_key

PROJECT_FILE = ".cartesia.toml"
_MOST_BYTES = 2**20
_TABLES = ("headers", "aliases", "profiles")
_KEY_NAMES = frozenset(["api_key", "apikey", "key", "token", "api_key_file"])

_Path = tuple[str, ...]
"""Where a key stands: the names of its tables, then its own."""


def config_path(environ: Mapping[str, str]) -> Path | None:
    """Return the user's file, which may not exist; None if the user has no home."""
    folder = user_folder("config", environ)
    return folder and folder / "config.toml"


def read_user_file(path: Path, complain: Complain) -> tuple[Layer, dict[str, Layer]]:
    """Return what the user's file sets, and what each of its profiles sets."""
    file = read_file(path, complain)
    if file is None:
        return {}, {}
    top = {name: value for name, value in file.table.items() if name != "profiles"}
    layer = _read_table(file, top, (), str(path), complain)
    profiles = file.table.get("profiles", {})
    if not isinstance(profiles, dict):
        complain(file.problem(("profiles",), "profiles must be tables, like [profiles.work]"))
        return layer, {}
    named: dict[str, Layer] = {}
    for name, table in profiles.items():
        if isinstance(table, dict):
            origin = f"{path} [profiles.{name}]"
            named[name] = _read_table(file, table, ("profiles", name), origin, complain)
        else:
            complain(file.problem(("profiles", name), f"profiles.{name} must be a table"))
    return layer, named


def read_project_file(cwd: Path, complain: Complain) -> Layer:
    """Return what the nearest project file sets, looking in ``cwd`` and the folders above it.

    It may come with a cloned repository, so it can set nothing that could send a key elsewhere.
    """
    for folder in (cwd, *cwd.parents):
        path = folder / PROJECT_FILE
        try:
            found = stat.S_ISREG(path.stat().st_mode)
        except OSError:
            continue
        if found:
            file = read_file(path, complain)
            return _read_table(file, file.table, (), str(path), complain, in_project=True) if file else {}
    return {}


class File(NamedTuple):
    """A TOML file that was read without an error of syntax."""

    path: Path
    text: str
    table: dict[str, Any]

    def problem(self, key: _Path, message: str, hint: str | None = None) -> UsageError:
        """Return a mistake with the line in which ``key`` stands."""
        lines = {
            found: line for found, line in _key_lines(self.text) if found[: len(key)] == key[: len(found)]
        }
        longest = max((found for found in lines if len(found) <= len(key)), key=len, default=None)
        line = lines[longest] if longest else min(lines.values(), default=1)
        return UsageError(f"{self.path}:{line}: {message}.", hint=hint)


def read_file(path: Path, complain: Complain) -> File | None:
    """Return a file's content; None if there is no such file, or nothing of it can be used."""
    try:
        with path.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:  # such as a device that never ends
            complain(UsageError(f"{path} is too large for settings.", hint="Is it the right file?"))
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        complain(UsageError(f"Cannot read {path}: {error.strerror}.", hint="Check its permissions."))
        return None
    import tomllib

    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return File(path, text, tomllib.loads(text))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = UsageError(f"{path}:{line}: not UTF-8.", hint="Save the file as UTF-8.")
    except (ValueError, RecursionError) as error:
        found = re.search(r"(.*?) \(at line (\d+), column \d+\)", str(error))
        last = data.count(b"\n") + (not data.endswith(b"\n"))
        message, line = (found[1], int(found[2])) if found else ("not valid TOML", last)
        problem = UsageError(f"{path}:{line}: {message}.", hint='A line looks like: voice = "heart"')
    complain(problem)
    return None


def _read_table(
    file: File,
    table: Mapping[str, Any],
    above: _Path,
    origin: str,
    complain: Complain,
    *,
    in_project: bool = False,
) -> Layer:
    """Return the layer of the whole file or of one profile; ``above`` is where the table stands."""
    layer: Layer = {}
    for name, value in table.items():
        key = (*above, name)
        setting = SETTINGS.get(name)
        if in_project and (name in {"headers", "profiles"} or (setting and not setting.in_project)):
            hint = "Set it in your own configuration, or in the environment."
            complain(file.problem(key, f"a project file cannot set {name}", hint))
        elif setting:
            try:
                layer[name] = setting.parse(value), origin
            except ValueError as error:
                complain(file.problem(key, f"{name} {error}"))
        elif name not in {"headers", "aliases"}:
            complain(file.problem(key, *explain_unknown(name, above)))
        elif isinstance(value, dict):
            layer |= _read_entries(file, key, value, origin, complain)
        else:
            complain(file.problem(key, f"{name} must be a table, like [{'.'.join(key)}]"))
    return layer


def _read_entries(
    file: File, above: _Path, table: Mapping[str, Any], origin: str, complain: Complain
) -> Layer:
    """Return the entries of a table of headers or aliases."""
    layer: Layer = {}
    for name, value in table.items():
        try:
            if above[-1] == "headers":
                layer[header_key(name)] = check_header(name, value), origin
            else:
                layer[f"aliases.{name}"] = SETTINGS["voice"].parse(value), origin
        except ValueError as error:
            complain(file.problem((*above, name), f"{above[-1]}.{name} {error}"))
    return layer


def explain_unknown(name: str, above: _Path) -> tuple[str, str]:
    """Return what is wrong with a key that does not exist, and a hint."""
    if name.lower().replace("-", "_") in _KEY_NAMES:
        return "an API key does not belong into this file", "Keep it with 'cartesia auth login'."
    from difflib import get_close_matches

    known = [*SETTINGS, *(_TABLES[:-1] if above else _TABLES)]
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
    return f"there is no setting {name!r}", hint


def _key_lines(text: str) -> Iterator[tuple[_Path, int]]:
    """Yield the keys and table headers of valid TOML in order, each as a path with its line, from 1.

    The parser of the standard library does not tell lines. What stands inside an inline table or
    an array has the line of its key.
    """
    string = r'"""(?:\\[\s\S]|[^\\])*?"{3,5}|\'\'\'[\s\S]*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
    token = re.compile(rf"(?P<string>{string})|(?P<comment>#[^\n]*)|(?P<bare>[\w+-]+)|(?P<sign>[^ \t])")
    table: _Path = ()
    names: list[str] = []
    depth = 0
    state = "key"
    line = 1
    for found in token.finditer(text):
        kind, sign = found.lastgroup, found.group()
        if sign == "\n" and not depth:
            if state == "header":
                table = tuple(names)
            names, state = [], "key"
        elif state in {"key", "header"} and kind in {"bare", "string"}:
            names.append(_unquoted(sign) if kind == "string" else sign)
        elif state == "key" and sign == "[" and not names:
            state = "header"
        elif state == "header" and sign == "]":
            yield tuple(names), line
        elif state == "key" and sign == "=":
            yield (*table, *names), line
            state = "value"
        elif state == "value" and kind == "sign":
            depth += (sign in "[{") - (sign in "]}")
        line += sign.count("\n")


def _unquoted(name: str) -> str:
    """Return what a quoted key means."""
    import tomllib

    return str(next(iter(tomllib.loads(f"{name} = 0"))))
