"""Tables and facts: aligned for a person at a terminal of any width, separated by tabs for a program."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._columns import columns_of
from cartesia_cli.settings import Settings

_GAP = "  "
_FEW = 100
"""Rows that settle the widths; as many as the API sends at once."""

_NARROWEST_VALUE = 20
"""Columns that the value of a fact needs beside its name; with less it stands below."""

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class Column(NamedTuple):
    """A column of a table."""

    title: str
    least: int | None = None
    """To how many columns of the terminal its cells may be cut; None: never."""


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, plain: bool = False, few: int = _FEW
) -> int:
    """Print rows as they come and return how many there were.

    A terminal shows aligned columns under their titles, as wide as the first rows need them; where that does
    not fit, every cell has a line of its own. Anything else gets the cells separated by tabs.

    Args:
        columns: what each row has.
        rows: a cell for each column; control characters become spaces.
        plain: print for a screen reader, that is as for a program.
        few: how many rows settle the widths.
    """
    n_rows = 0
    counted = ([one_line(cell) for cell in row] for row in rows)
    if plain or not console.stdout_is_terminal():
        for n_rows, row in enumerate(counted, start=1):  # noqa: B007  the last one is what is returned
            console.data("\t".join(row) + "\n")
        return n_rows
    first = list(islice(counted, few))
    width = line_width()
    widths = _fitting_widths(columns, first, width)
    if first and widths and any(column.title for column in columns):
        console.data(_heading(_aligned([column.title for column in columns], widths, width)) + "\n")
    for shown in (first, counted):
        for row in shown:
            n_rows += 1
            lines = [_aligned(row, widths, width)] if widths else _stacked(row, width)
            console.data("".join(f"{line}\n" for line in lines))
        console.pass_on(b"")  # a person reads while the rest is on its way
    return n_rows


def print_facts(facts: Iterable[tuple[str, str]], *, plain: bool = False) -> None:
    """Print names and values, a line each; on a terminal long values are broken into lines that fit.

    Args:
        facts: name and value of each; control characters become spaces.
        plain: print for a screen reader, that is as for a program.
    """
    shown = [(name, one_line(value)) for name, value in facts]
    if plain or not console.stdout_is_terminal():
        for name, value in shown:
            console.data(f"{name}\t{value}\n")
        return
    width = line_width()
    indent = max((columns_of(name) for name, _ in shown), default=0) + len(_GAP)
    for name, value in shown:
        longest = max(map(columns_of, value.split()), default=0)
        is_whole_below = width - indent < longest <= width - len(_GAP)
        if width - indent < _NARROWEST_VALUE or is_whole_below:
            console.data("".join(f"{line}\n" for line in _stacked([name, value], width)))
            continue
        for number, line in enumerate(wrap(value, width - indent) or [""]):
            beginning = _padded("" if number else name, indent)
            console.data(f"{beginning}{line}".rstrip() + "\n")


def is_plain(settings: Settings) -> bool:
    """Whether tables are for a screen reader: colours were refused, and not just by NO_COLOR."""
    return settings.color == "never" and not settings.origin("color").startswith("environment")


def line_width() -> int:
    """Return how many columns a line on stdout has; the last one is left free, or some terminals would wrap.

    ``COLUMNS`` has the last word.
    """
    try:
        columns = int(os.environ.get("COLUMNS") or 0)
    except ValueError:
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (AttributeError, OSError, ValueError):
            columns = 0
    return max(1, (columns or shutil.get_terminal_size().columns) - 1)


def wrap(text: str, width: int) -> list[str]:
    """Return a text as lines of at most ``width`` columns; a word that is longer than that is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if columns_of(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, width)
        lines += whole
    return [*lines, line] if line else lines


def cut(text: str, width: int) -> str:
    """Return a text, or as much of its beginning as fits into ``width`` columns, with a mark at its end."""
    if columns_of(text) <= width:
        return text
    kept = next(_pieces(text, width - 1))
    return (kept.rstrip() if columns_of(kept) < width else "") + "…"


def one_line(text: str) -> str:
    """Return a text on one line, without control characters: a name must not drive a terminal."""
    return "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" else c for c in text)


def _pieces(word: str, width: int) -> Iterator[str]:
    """Yield a text in pieces of at most ``width`` columns, though of one character at least."""
    piece, taken = "", 0
    for character in word:
        columns = columns_of(character)
        if piece and taken + columns > width:
            yield piece
            piece, taken = "", 0
        piece += character
        taken += columns
    yield piece


def _fitting_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return how wide each column is, cut from the last one on; None if they do not fit at all."""
    widths = [
        max([columns_of(column.title), *(columns_of(row[place]) for row in rows)])
        for place, column in enumerate(columns)
    ]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    for place in reversed(range(len(columns))):
        least = columns[place].least
        if excess > 0 and least is not None and widths[place] > least:
            spared = min(excess, widths[place] - least)
            widths[place] -= spared
            excess -= spared
    return None if excess > 0 else widths


def _aligned(cells: Sequence[str], widths: Sequence[int], width: int) -> str:
    """Return a row as one line; a late cell that is wider than the first ones were is cut."""
    *before, last = (cut(cell, cell_width) for cell, cell_width in zip(cells, widths, strict=True))
    padded = [_padded(cell, cell_width) for cell, cell_width in zip(before, widths, strict=False)]
    return cut(_GAP.join([*padded, last]).rstrip(), width)


def _stacked(cells: Sequence[str], width: int) -> list[str]:
    """Return a row as lines: its first cell, and the others below it, indented."""
    head, *rest = cells
    indent = _GAP if width > len(_GAP) else ""
    return wrap(head, width) + [
        indent + line for cell in rest for line in wrap(cell, max(1, width - len(indent)))
    ]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns_of(text))


def _heading(line: str) -> str:
    return f"{_BOLD}{line}{_PLAIN}" if console.use_color(sys.stdout) else line
