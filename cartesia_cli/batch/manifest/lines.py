"""The lines of a manifest, or what is wrong with each. A manifest of any size is read a line at a time."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import Any, BinaryIO, Literal

from cartesia_cli.batch.manifest.records import Mistake, read_lines, read_objects, read_rows
from cartesia_cli.errors import UsageError
from cartesia_cli.models import FILE_FORMATS, SPEEDS, VOLUMES
from cartesia_cli.sentences import clean_text, is_speakable
from cartesia_cli.wire.values import MalformedError, finite, shorten

ManifestFormat = Literal["jsonl", "csv", "tsv", "txt"]

COLUMNS = ("text", "id", "output", "voice", "model", "language", "speed", "volume", "emotion", "format")
"""What a line may say; only ``text`` must be there."""

_ENDINGS: dict[str, ManifestFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "txt",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_MISTAKES = 20
"""Of one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one line of a manifest asks for; None leaves it to the options of the run."""

    number: int
    """Of the line of the file at which its record begins, from 1."""

    text: str
    """Fit to be spoken, without control characters."""

    id: str | None = None
    output: str | None = None
    voice: str | None = None
    model: str | None = None
    language: str | None = None
    speed: float | Literal["slow", "normal", "fast"] | None = None
    """Within ``SPEEDS``, or one of the API's names."""

    volume: float | None = None
    """Within ``VOLUMES``."""

    emotion: tuple[str, ...] = ()
    format: str | None = None
    """One of ``FILE_FORMATS``."""

    n_dropped: int = 0
    """Control characters that the text had."""


def manifest_format(name: str) -> ManifestFormat:
    """Return how a manifest is written, by the ending of its name.

    Raises:
        UsageError: the ending says nothing.
    """
    ending = PurePath(name).suffix.lower()
    if ending not in _ENDINGS:
        raise UsageError(
            f"The ending of {name} does not say how the manifest is written.",
            hint="Add --manifest-format jsonl, csv, tsv or txt (where every line is a text).",
        )
    return _ENDINGS[ending]


def read_manifest(file: BinaryIO, format: ManifestFormat) -> Iterator[Line | Mistake]:
    """Yield the lines in their order, or instead of a line everything that is wrong with it.

    Blank lines are skipped. What is held at a time does not depend on the size of the file.
    """
    match format:
        case "txt":
            return _read_texts(file)
        case "jsonl":
            return _read_objects(file)
        case "csv":
            return _read_table(file, ",")
        case "tsv":
            return _read_table(file, "\t")


def _read_texts(file: BinaryIO) -> Iterator[Line | Mistake]:
    for number, text in read_lines(file):
        yield from [text] if isinstance(text, Mistake) else _check(number, {"text": text})


def _read_objects(file: BinaryIO) -> Iterator[Line | Mistake]:
    for number, found in read_objects(file):
        if isinstance(found, Mistake):
            yield found
            continue
        twice = [Mistake(number, "A key is given twice.")] if len(found) != found.n_pairs else []
        yield from _check(number, {key: value for key, value in found.items() if value is not None}, twice)


def _read_table(file: BinaryIO, delimiter: str) -> Iterator[Line | Mistake]:
    columns: list[str] = []
    for number, row in read_rows(file, delimiter):
        if isinstance(row, Mistake):
            yield row
        elif columns:
            yield from _check_row(number, columns, row)
            continue
        elif mistakes := list(_check_header(number, row)):
            yield from mistakes
        else:
            columns = [name.strip() for name in row]
        if not columns:  # without which nothing can be judged
            return
    if not columns:
        yield Mistake(1, "There is no header: name the columns in the first line, such as text.")


def _check_header(number: int, row: list[str]) -> Iterator[Mistake]:
    names = [name.strip() for name in row[: len(COLUMNS) + _MOST_MISTAKES]]
    for position, name in enumerate(names):
        if name not in COLUMNS:
            yield Mistake(number, _explain_unknown(name[:80], "column"))
        elif name in names[:position]:
            yield Mistake(number, f'The column "{name}" is there twice.')
    if "text" not in names:
        yield Mistake(number, 'The header has no column "text".')


def _check_row(number: int, columns: list[str], row: list[str]) -> Iterable[Line | Mistake]:
    if len(row) != len(columns):
        fields_here = f"{len(row)} field{'s' if len(row) > 1 else ''}"
        return [Mistake(number, f"This line has {fields_here}, and the header has {len(columns)}.")]
    fields: dict[str, object] = {}
    for name, value in zip(columns, row, strict=True):
        if name == "text":
            fields[name] = value
        elif given := value.strip():
            fields[name] = _FROM_TABLE[name](given) if name in _FROM_TABLE else given
    return _check(number, fields)


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _names(value: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", value) if name]


_FROM_TABLE = {"speed": _number_or_text, "volume": _number_or_text, "emotion": _names}
"""What a field of text stands for."""


def _check(
    number: int, fields: dict[str, object], mistakes: list[Mistake] | None = None
) -> Iterable[Line | Mistake]:
    """Return the line that these fields make, or else their mistakes after those given."""
    mistakes = mistakes or []
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            if name == "text":
                values["text"], values["n_dropped"] = _text(value)
            elif name in _CHECKS:
                values[name] = _CHECKS[name](value)
            else:
                mistakes.append(Mistake(number, _explain_unknown(name[:80], "key")))
        except ValueError as error:
            mistakes.append(Mistake(number, f'"{name}" {error}.'))
        except UsageError as error:
            mistakes.append(Mistake(number, str(error)))
        if len(mistakes) >= _MOST_MISTAKES:
            return mistakes
    if "text" not in fields:
        mistakes.append(Mistake(number, 'There is no "text".'))
    return mistakes or (Line(number, **values),)


def _text(value: object) -> tuple[str, int]:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {shorten(value)}")  # noqa: TRY004  the caller's one kind
    text, n_dropped = clean_text(value)
    if not is_speakable(text):
        empty = "the text is empty or only punctuation" if text.strip() else "the text is empty"
        raise UsageError(f"There is nothing to say: {empty}.")
    return text, n_dropped


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {shorten(value)}")  # noqa: TRY004  as above
    if not value or value.isspace():
        raise ValueError("is empty: leave it out")
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError("holds a control character")
    return value


def _identifier(value: object) -> str:
    return _word(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _emotions(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(_word, value))
    return (_word(value),)


def _speed(value: object) -> float | str:
    if isinstance(value, str) and value in {"slow", "normal", "fast"}:
        return value
    return _within(SPEEDS, value, ", or slow, normal or fast")


def _volume(value: object) -> float:
    return _within(VOLUMES, value)


def _within(limits: tuple[float, float], value: object, alternatives: str = "") -> float:
    try:
        number = finite(value)
    except MalformedError:
        number = -1.0
    low, high = limits
    if not low <= number <= high:
        raise ValueError(f"must be a number from {low} to {high}{alternatives}, not {shorten(value)}")
    return number


def _format(value: object) -> str:
    if not (isinstance(value, str) and value in FILE_FORMATS):
        raise ValueError(f"must be one of {', '.join(FILE_FORMATS)}, not {shorten(value)}")
    return value


_CHECKS: dict[str, Callable[[object], Any]] = {
    "id": _identifier,
    **dict.fromkeys(("output", "voice", "model", "language"), _word),
    "speed": _speed,
    "volume": _volume,
    "emotion": _emotions,
    "format": _format,
}
"""Each returns what ``Line`` holds, or raises ValueError with the rest of a sentence."""


@lru_cache(maxsize=256)  # a mistake in one line is one in a million of them
def _explain_unknown(name: str, kind: Literal["column", "key"]) -> str:
    if kind == "column" and (";" in name or "\t" in name):
        return f"There is no column {shorten(name)}: write a comma between the columns of a .csv file."
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), COLUMNS, n=1)
    known = f"did you mean {close[0]}?" if close else f"there are {', '.join(COLUMNS)}."
    return f"There is no {kind} {shorten(name)}: {known}"
