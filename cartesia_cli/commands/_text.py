"""Where the text to be spoken comes from."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.errors import UsageError
from cartesia_cli.sentences import clean_text, is_speakable


def read_text(words: Sequence[str], file: str | None) -> str:
    """Return the text from arguments, a file, or piped stdin, fit to be spoken.

    Raises:
        UsageError: there is no text, two sources, nothing to say, or it is not UTF-8.
    """
    text, n_dropped = clean_text(_read(words, file))
    if n_dropped:
        console.warn(f"{n_dropped} control character{'s' if n_dropped > 1 else ''} dropped from the text")
    if not is_speakable(text):
        raise UsageError(
            "There is nothing to say: the text is empty or only punctuation."
            if text.strip()
            else "There is nothing to say: the text is empty.",
            hint="Give the text as an argument, with --file, or on standard input.",
        )
    return text


def _read(words: Sequence[str], file: str | None) -> str:
    if words and file is not None:
        raise UsageError("The text is given twice: as an argument and with --file.", hint="Give one of them.")
    if file == "-" or list(words) == ["-"]:
        return _read_stdin()
    if file is not None:
        return _read_file(Path(file))
    if words:
        return _checked_argument(" ".join(words))
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("There is no text to say.", hint='For example: cartesia say "Hello there" --play')
    return _read_stdin()


def _read_stdin() -> str:
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Give the text as an argument, or with --file.")
    try:
        return _decoded(sys.stdin.buffer.read(), "standard input")
    except OSError as error:
        raise UsageError(f"Cannot read standard input: {error.strerror}.") from error


def _read_file(path: Path) -> str:
    try:
        return _decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{source} is not UTF-8: byte 0x{data[error.start]:02x} in line {line}.",
            hint="Convert it first, for example with: iconv -f LATIN1 -t UTF-8",
        ) from error


def _checked_argument(text: str) -> str:
    """Return an argument; Python carries bytes that are not UTF-8 as lone surrogates."""
    return _decoded(text.encode(errors="surrogateescape"), "the text")
