"""Subtitle files by name: which format each has, how it is read, where results go."""

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.captions import Subtitles, read_subtitles
from cartesia_cli.errors import UsageError
from cartesia_cli.files import replace_file

STDIN = STDOUT = "-"
FORMATS = ("srt", "vtt", "ass", "lrc", "tsv", "json")
_ENDINGS = {**{name: name for name in FORMATS}, "ssa": "ass"}


def input_format(name: str, wanted: str | None) -> str:
    """Return the format of a file that is read: the one asked for, or else that of its ending.

    Raises:
        UsageError: neither says it.
    """
    found = wanted or _ENDINGS.get(_ending(name))
    if found is None:
        raise UsageError(
            f"{shown_name(name)} does not say which format it has.",
            hint=f"Add --from: {', '.join(FORMATS)}.",
        )
    return found


def output_format(name: str, wanted: str | None) -> str:
    """Return the format of a file that is written: that of its ending, or else the one asked for.

    Raises:
        UsageError: neither says it, or they contradict each other.
    """
    by_ending = _ending(name) if _ending(name) in FORMATS else None
    if by_ending is None and wanted is None:
        raise UsageError(
            f"{name} does not say which format it shall have.", hint=f"Add --format: {', '.join(FORMATS)}."
        )
    if None not in {by_ending, wanted} and by_ending != wanted:
        raise UsageError(
            f"--format {wanted} contradicts the ending of {name}.",
            hint="Leave out --format, or change the name.",
        )
    return str(wanted or by_ending)


def _ending(name: str) -> str:
    return "" if name == STDIN else Path(name).suffix[1:].lower()


def shown_name(name: str) -> str:
    """Return what a message calls a source."""
    return "standard input" if name == STDIN else name


def read_source(name: str, format: str) -> Subtitles:
    """Return what a subtitle file says.

    Raises:
        UsageError: it cannot be read, or is not in this format; the message names file and line.
    """
    text = read_text_file(name)
    with _naming(name):
        return read_subtitles(format, text)


def read_text_file(name: str) -> str:
    """Return the text of a file or of stdin: UTF-8, or UTF-16 if it begins with its byte order mark.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = _read_stdin() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {shown_name(name)}: {error.strerror}.") from error
    except ValueError as error:  # a NUL byte in the name
        raise UsageError(f"Cannot read {name!r}: {error}.") from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{shown_name(name)}, line {line}: this is not {encoding.upper()}.",
            hint="Convert it first, for example with: iconv -f LATIN1 -t UTF-8",
        ) from error


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Name a file.")
    return sys.stdin.buffer.read()


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Put the name of the file before a message that begins with its line."""
    try:
        yield
    except UsageError as error:
        where, said = shown_name(name), str(error)
        located = f"{where}, {said[0].lower()}{said[1:]}"
        raise UsageError(located, hint=error.hint) from error


def write_text_file(name: str, text: str, *, clobber: bool) -> None:
    """Write a whole file, or to stdout.

    Raises:
        UsageError: it is there and must not be replaced, or is a folder.
        OutputError: it cannot be written.
    """
    if name == STDOUT:
        console.data(text)
        return
    with replace_file(Path(name), clobber=clobber) as file:
        file.write(text.encode())
