"""Pronunciations as people write them: TEXT=ALIAS, and files of them."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cartesia_cli.errors import UsageError
from cartesia_cli.models import Pronunciation

_MOST_NAMED = 5
"""Mistakes that are named; of the others only their number is told."""

_MOST_BYTES = 64 * 2**20
"""No dictionary is as large, but a device may go on without end."""

_PAIR = re.compile(r"((?:[^\\=]|\\.)*)=(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\=])")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0", ""}
_COLUMNS = {"text": "text", "alias": "alias", "pronunciation": "alias", "case_sensitive": "case_sensitive"}


class _Row(NamedTuple):
    """What a file says of one word, before it is checked."""

    line: int
    item: Pronunciation | str
    """Or what is wrong with it, a clause."""


def read_pairs(pairs: Sequence[str]) -> list[Pronunciation]:
    r"""Return pronunciations given as TEXT=ALIAS.

    The first ``=`` ends the text; in it ``\=`` is an equals sign and ``\\`` a backslash.

    Raises:
        UsageError: one cannot be understood.
    """
    items = []
    for pair in pairs:
        item = _pair(pair)
        if isinstance(item, str):
            raise UsageError(f"{pair!r} is no TEXT=ALIAS: {item}.", hint="Write it like Nike=NYE-kee.")
        items.append(item)
    return items


def read_items(file: str) -> list[Pronunciation]:
    """Return the pronunciations in a file, whose ending says what it is; ``-`` is stdin, with TEXT=ALIAS.

    Raises:
        UsageError: it cannot be read, is empty, or there are mistakes in it; they are named with their lines.
    """
    text = _read(file)
    ending = "" if file == "-" else Path(file).suffix.lower()
    readers: dict[str, Callable[[str], Iterator[_Row]]] = {
        ".csv": lambda text: _read_table(text, ","),
        ".tsv": lambda text: _read_table(text, "\t"),
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
        ".json": _read_json,
    }
    rows = list(readers.get(ending, _read_lines)(text))
    if not rows:
        raise UsageError(
            f"There are no words in {file}.", hint="See what it may hold: cartesia dicts add --help"
        )
    mistakes = [f"line {row.line}: {row.item}" for row in [*rows, *_twice(rows)] if isinstance(row.item, str)]
    if mistakes:
        more = len(mistakes) - _MOST_NAMED
        named = "; ".join(mistakes[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
        raise UsageError(f"{file} cannot be used: {named}.", hint="Nothing was changed. Mend the file first.")
    return [row.item for row in rows if isinstance(row.item, Pronunciation)]


def _pair(pair: str) -> Pronunciation | str:
    found = _PAIR.fullmatch(pair)
    if found is None:
        return "there is no ="
    return _item(_ESCAPED.sub(r"\1", found[1]), found[2])


def _item(text: object, alias: object, case_sensitive: object = False) -> Pronunciation | str:
    """Return a pronunciation, or what is wrong with it."""
    if not isinstance(text, str) or not text.strip():
        return "there is no text"
    if not isinstance(alias, str) or not alias.strip():
        return "there is no alias"
    if not isinstance(case_sensitive, bool):
        return f"case_sensitive is {case_sensitive!r:.40}, neither true nor false"
    return Pronunciation(text.strip(), alias.strip(), case_sensitive)


def _twice(rows: Sequence[_Row]) -> Iterator[_Row]:
    seen: dict[str, int] = {}
    for row in rows:
        if isinstance(row.item, Pronunciation):
            first = seen.setdefault(row.item.text, row.line)
            if first != row.line:
                yield _Row(row.line, f"{row.item.text!r:.60} is in line {first} too")


def _read(file: str) -> str:
    try:
        if file == "-":
            if sys.stdin is None:
                raise UsageError("Standard input is closed.", hint="Name a file.")
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"{file} is too large for a dictionary.", hint="Is it the right file?")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{file} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}.") from error


def _read_lines(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _Row(number, _pair(line))


def _read_table(text: str, separator: str) -> Iterator[_Row]:
    lines = io.StringIO(text, newline="")
    if separator == ",":
        reader = csv.reader(lines, strict=True)
    else:  # where quotation marks are nothing special
        reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    names: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                known = [_COLUMNS.get(cell.strip().lower(), "") for cell in cells]
                names = ["text", "alias", "case_sensitive"]
                if {"text", "alias"} <= set(known):
                    names = known
                    continue
            yield _Row(line, _table_item(cells, names))
    except csv.Error as error:
        yield _Row(begins, str(error))


def _table_item(cells: Sequence[str], names: Sequence[str]) -> Pronunciation | str:
    if len(cells) > len(names):
        return f"there are {len(cells)} columns, and {len(names)} are expected"
    row = dict(zip(names, cells, strict=False))
    case: object = row.get("case_sensitive", "").strip().lower()
    case = True if case in _TRUE else False if case in _FALSE else case
    return _item(row.get("text"), row.get("alias"), case)


def _read_json_lines(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _Row(number, f"no JSON ({str(error).partition(':')[0]})")
        else:
            yield _Row(number, _json_item(value))


def _read_json(text: str) -> Iterator[_Row]:
    """Yield what a list holds, or an object as ``dicts show --json`` prints it; or JSON lines."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield from _read_json_lines(text)
        return
    items = value.get("items", [value]) if isinstance(value, dict) else value
    if not isinstance(items, list):
        yield _Row(1, "there is no list of words")
        return
    position = 0
    for item in items:
        # The line of the text, as near as can be known once it is parsed.
        written = json.dumps(item.get("text") if isinstance(item, dict) else item, ensure_ascii=False)
        position = max(position, text.find(written, position))
        yield _Row(text.count("\n", 0, position) + 1, _json_item(item))


def _json_item(value: object) -> Pronunciation | str:
    if not isinstance(value, dict):
        return "no object with text and alias"
    alias = value.get("alias")
    return _item(
        value.get("text"),
        value.get("pronunciation") if alias is None else alias,
        value.get("case_sensitive", False),
    )
