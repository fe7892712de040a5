"""The records of a file: lines, JSON objects or the rows of a table, each with its line number.

Lines end with LF, CRLF or CR. However long a line or a record is, little of it is held; what is longer than
``LONGEST`` is skipped and told as a mistake, and so are bytes that are not UTF-8.
"""

import csv
import json
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

LONGEST = 2**22
"""Bytes of a line, and of a record of several lines."""

_BLOCK = 2**16
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Mistake(NamedTuple):
    """What is wrong with a line."""

    number: int
    """Of the line of the file at which its record begins, from 1; that of a line that is no text."""

    message: str
    """One sentence."""


class JsonObject(dict[str, object]):
    """A JSON object that tells when a key came twice."""

    __slots__ = ("n_pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.n_pairs = len(pairs)


def read_lines(file: BinaryIO) -> Iterator[tuple[int, str | Mistake]]:
    """Yield each line that is not blank, without its end."""
    for number, line in enumerate(_lines(file), 1):
        if line is None:
            yield number, _too_long(number)
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            yield number, _not_utf8(number, line, error)
            continue
        if not text.isspace():
            yield number, text.rstrip("\r\n")


def read_objects(file: BinaryIO) -> Iterator[tuple[int, JsonObject | Mistake]]:
    """Yield the object on each line."""
    decode = json.JSONDecoder(object_pairs_hook=JsonObject).decode
    for number, line in read_lines(file):
        if isinstance(line, Mistake):
            yield number, line
            continue
        try:
            value = decode(line)
        except json.JSONDecodeError as error:
            problem = f"This is not JSON: {error.msg}, at character {error.pos + 1}."
        except ValueError:
            problem = "A number has too many digits."
        except RecursionError:
            problem = "This JSON is nested too deeply."
        else:
            if isinstance(value, JsonObject):
                yield number, value
                continue
            problem = 'A line must be a JSON object, such as {"text": "Hello"}.'
        yield number, Mistake(number, problem)


def read_rows(file: BinaryIO, delimiter: str) -> Iterator[tuple[int, list[str] | Mistake]]:
    """Yield each row of a table that has something in a field; fields in quotes may hold line ends."""
    # The module has one limit for the whole process, and it is lower.
    csv.field_size_limit(max(LONGEST, csv.field_size_limit()))
    feed = _Feed(file)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        number = feed.begin()
        problem = None
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = Mistake(number, _explain(str(error), delimiter))
        except _TooLongError:
            problem = Mistake(number, f"A record is longer than {LONGEST >> 20} MiB: is a quote not closed?")
        if mistake := feed.problem or problem:
            yield number, mistake
        elif any(row) and not all(map(str.isspace, filter(None, row))):
            yield number, row


class _TooLongError(Exception):
    """A record has no end in sight."""


class _Feed:
    """The lines of a table as the csv module wants them, counted and measured."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _lines(file)
        self._number = 0
        self._n_held = 0
        self.problem: Mistake | None = None
        """The first line of the record that is not UTF-8."""

    def begin(self) -> int:
        """Begin a record; return the number of its first line."""
        self._n_held = 0
        self.problem = None
        return self._number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._number += 1
        if line is None:
            raise _TooLongError
        self._n_held += len(line)
        if self._n_held > LONGEST:
            raise _TooLongError
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.problem = self.problem or _not_utf8(self._number, line, error)
            return line.decode(errors="replace")  # so that the record ends where it should


def _explain(error: str, delimiter: str) -> str:
    """Return a sentence for what the csv module says."""
    if "expected after" in error:
        separator = "tab" if delimiter == "\t" else "comma"
        return f"After a closing quote there must be a {separator}: write a quote inside of a field twice."
    if "end of data" in error:
        return "A quote is opened here and never closed."
    return f"This is not a row of a table: {error}."


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield each line with its end; None for one that is too long."""
    rest = b""
    is_skipping = False
    block = file.read(_BLOCK).removeprefix(_BOM)
    while block:
        lines: list[bytes | None] = [*(rest + block).splitlines(keepends=True)]
        # A line feed may still follow a carriage return.
        rest = b"" if block.endswith(b"\n") else lines.pop() or b""
        if lines and (is_skipping or len(lines[0] or b"") > LONGEST):
            lines[0] = None
            is_skipping = False
        yield from lines
        del lines
        if is_skipping or len(rest) > LONGEST:
            is_skipping = True
            rest = rest[-1:]  # which may be that carriage return
        block = file.read(_BLOCK)
    if rest:
        yield None if is_skipping else rest


def _too_long(number: int) -> Mistake:
    return Mistake(number, f"This line is longer than {LONGEST >> 20} MiB.")


def _not_utf8(number: int, line: bytes, error: UnicodeDecodeError) -> Mistake:
    if number == 1 and line.startswith(_UTF16):
        return Mistake(number, "The file is UTF-16, not UTF-8: convert it first, for example with iconv.")
    return Mistake(
        number, f"This is not UTF-8: byte 0x{line[error.start]:02x}, the {error.start + 1}. of the line."
    )
