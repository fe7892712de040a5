"""Which recordings a command works on, and what their results are called."""

import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from cartesia_cli.errors import OutputError, UsageError

STDIN = "-"
_ENDINGS = (
    *(
        ".aac",
        ".aif",
        ".aiff",
        ".amr",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".m4b",
        ".mka",
        ".mkv",
        ".mov",
        ".mp2",
    ),
    *(".mp3", ".mp4", ".mpeg", ".mpg", ".mpga", ".oga", ".ogg", ".opus", ".w64", ".wav", ".webm", ".wma"),
)
"""What is taken from a folder; a file that is named itself may be called anything."""

_BLOCK_SIZE = 1 << 20


class Source(NamedTuple):
    """One recording."""

    name: str
    """As the user knows it; ``-`` is stdin."""

    path: Path


def find_sources(
    given: Sequence[str], list_file: str | None, *, recursive: bool, stack: ExitStack
) -> list[Source]:
    """Return every recording, folders opened, each once and in the order given.

    Args:
        given: files, folders and ``-``.
        list_file: names further ones, one a line; ``-`` is stdin.
        recursive: whether folders within folders count.
        stack: deletes the copy of stdin when it closes.

    Raises:
        UsageError: there is none, or a folder without recordings. A file that does not exist is left
            to whoever opens it, so that it fails alone.
    """
    names = [*given, *(_read_list(list_file) if list_file is not None else ())]
    if not names and list_file is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(
                "There is nothing to transcribe.", hint="For example: cartesia transcribe talk.mp3"
            )
        names = [STDIN]
    if list_file == STDIN and STDIN in names:
        raise UsageError("Standard input cannot be both the list and a recording.")
    found: dict[str, Source] = {}
    for name in names:
        for source in _expand(name, recursive=recursive, stack=stack):
            found.setdefault(source.name, source)
    if not found:
        raise UsageError("There is nothing to transcribe.", hint="The list of sources is empty.")
    return list(found.values())


def _expand(name: str, *, recursive: bool, stack: ExitStack) -> Iterator[Source]:
    if name == STDIN:
        yield Source(STDIN, _copy_stdin(stack))
        return
    path = Path(name)
    if not path.is_dir():
        yield Source(name, path)
        return
    try:
        inside = path.rglob("*") if recursive else path.iterdir()
        recordings = sorted(p for p in inside if p.suffix.lower() in _ENDINGS and p.is_file())
    except OSError as error:
        raise UsageError(f"Cannot read the folder {name}: {error.strerror}.") from error
    if not recordings:
        deeper = "" if recursive else " Add --recursive to look into folders within it."
        raise UsageError(
            f"The folder {name} holds no recordings.", hint=f"Name the files themselves.{deeper}"
        )
    for recording in recordings:
        yield Source(str(recording), recording)


def _read_list(list_file: str) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if list_file == STDIN else Path(list_file).read_bytes()
        return [line for line in data.decode("utf-8-sig").replace("\r\n", "\n").split("\n") if line.strip()]
    except OSError as error:
        raise UsageError(f"Cannot read the list {list_file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The list {list_file} is not UTF-8.") from error


def _copy_stdin(stack: ExitStack) -> Path:
    """Return a file that holds stdin: engines go back to the start, and may be asked twice."""
    import tempfile

    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cartesia-")))
    copy = folder / "stdin"
    if sys.stdin is None:
        raise UsageError("Standard input is closed.", hint="Name a file.")
    try:
        with copy.open("wb") as file:
            while block := sys.stdin.buffer.read(_BLOCK_SIZE):
                file.write(block)
    except OSError as error:
        raise OutputError(f"Cannot keep standard input in {folder}: {error.strerror}.") from error
    return copy


def name_results(sources: Sequence[Source]) -> list[str]:
    """Return a file name without an ending for the result of each source; no two alike on any file system.

    It is the source's name without its ending; where that would be shared, with its ending, and where
    that is not enough, with as many of its folders in front as it takes.
    """
    parts = [_parts(source) for source in sources]
    names = [Path(own[-1]).stem or own[-1] for own in parts]
    depth = 1
    while shared := _shared(names):
        if depth > max(map(len, parts)):
            return [f"{name}-{i + 1}" if i in shared else name for i, name in enumerate(names)]
        for i in shared:
            names[i] = "_".join(parts[i][-depth:])
        depth += 1
    return names


def _parts(source: Source) -> tuple[str, ...]:
    if source.name == STDIN:
        return ("stdin",)
    return tuple(part for part in Path(os.path.abspath(source.name)).parts if part != os.sep)  # noqa: PTH100  resolve() would follow links


def _shared(names: Sequence[str]) -> set[int]:
    folded = [unicodedata.normalize("NFC", name).casefold() for name in names]
    counts = Counter(folded)
    return {i for i, name in enumerate(folded) if counts[name] > 1}
