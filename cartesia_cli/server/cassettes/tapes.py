"""Cassettes as files: their names, how they are written, and what is read of them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any, BinaryIO

from cartesia_cli.errors import UsageError
from cartesia_cli.server.cassettes.asking import Asked
from cartesia_cli.server.cassettes.texts import described_bytes, described_text

FORMAT = 1
_READ_SIZE = 2**18
_NAME = re.compile(r"(\d{4,})-[^/]*")
_WIDTH = 100
"""Characters of a value that stands on one line."""

_HINT = "Delete it, or record it again with cartesia serve --record DIR."


@dataclass(frozen=True, slots=True)
class Tape:
    """A cassette in its folder."""

    path: Path
    asked: Asked
    is_socket: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer on a cassette."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | Path
    """The bytes, or the file that has them."""

    chunks: Sequence[int]

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in its pieces.

        Raises:
            OSError: the file cannot be read.
        """
        if isinstance(self.body, bytes):
            yield from _cut(iter((self.body,)), self.chunks)
            return
        with self.body.open("rb") as file:
            yield from _cut(_blocks(file), self.chunks)

    @property
    def size(self) -> int | None:
        """Of the body, in bytes, if it is one piece."""
        return len(self.body) if isinstance(self.body, bytes) and not self.chunks else None


def file_stem(number: int, asked: Asked) -> str:
    """Return the name of a cassette without its ending."""
    words = re.sub(r"[^0-9A-Za-z]+", "-", asked.path).strip("-").lower()[:60].rstrip("-")
    return "-".join(filter(None, (f"{number:04}", asked.method.lower(), words)))


def last_number(folder: Path) -> int:
    """Return the highest number in a folder, 0 for none."""
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return max((int(match[1]) for match in found if match), default=0)


def dump(document: Mapping[str, Any]) -> bytes:
    """Return a cassette's text: short values on one line, everything else on lines of its own."""
    return (_pretty(document, 0) + "\n").encode()


def find_tapes(folder: Path) -> list[Tape]:
    """Return the cassettes of a folder, in their order, each of them checked.

    Raises:
        UsageError: there is no such folder, no cassette in it, or one that is damaged.
    """
    try:
        names = [path for path in folder.iterdir() if path.suffix == ".json" and _NAME.fullmatch(path.name)]
    except OSError as error:
        raise UsageError(
            f"{folder} is no folder that can be read: {error.strerror}.",
            hint="Record cassettes first, with cartesia serve --record DIR.",
        ) from error
    if not names:
        raise UsageError(
            f"There are no cassettes in {folder}.",
            hint="Record them first, with cartesia serve --record DIR.",
        )
    return [
        _find_tape(path) for path in sorted(names, key=lambda path: (int(path.name.split("-")[0]), path.name))
    ]


def read_answer(path: Path) -> Answer:
    """Return the answer on a cassette.

    Raises:
        UsageError: it is damaged, or gone.
    """
    with _reading(path):
        response = _load(path)["response"]
        status, headers, chunks = response["status"], response["headers"], response.get("chunks", [])
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError(f"{status!r} is no status of an answer")
        pairs = [(str(name).lower(), str(value)) for name, value in headers]
        "".join(chain(*pairs)).encode("latin-1")  # as they are sent: others are no headers
        if not all(isinstance(size, int) and size > 0 for size in chunks):
            raise ValueError("a chunk is no number of bytes")
        body = response["body"]
        if body is not None and "file" in body:
            return Answer(status, pairs, _beside(path, body["file"]), chunks)
        return Answer(status, pairs, described_bytes(body), chunks)


def read_messages(path: Path) -> Iterator[tuple[Mapping[str, Any], tuple[Path, int, int] | None]]:
    """Yield the messages on a cassette, and where each of them is if it is in a file of its own.

    Raises:
        UsageError: it is damaged, or gone.
    """
    with _reading(path):
        messages = _load(path)["socket"]["messages"]
        if isinstance(messages, list):
            for message in messages:
                yield _checked(message), None
            return
        file_path = _beside(path, messages["file"])
        with file_path.open("rb") as file:
            offset = 0
            for line in file:
                yield _checked(json.loads(line)), (file_path, offset, len(line))
                offset += len(line)


def read_closing(path: Path) -> tuple[int, str] | None:
    """Return the code and the reason with which the server closed a socket; None if it did not.

    Raises:
        UsageError: the cassette is damaged, or gone.
    """
    with _reading(path):
        closing = _load(path)["socket"]["close"]
        if closing["from"] != "server":
            return None
        code, reason = closing["code"], closing["reason"]
        if not isinstance(code, int) or not isinstance(reason, str):
            raise TypeError("its close has no code or no reason")
        return code, reason


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever is wrong with a cassette into one error that names it.

    Raises:
        UsageError: it is damaged, or gone.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"The cassette {path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except KeyError as error:
        raise UsageError(f"The cassette {path} is damaged: it has no {error}.", hint=_HINT) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"The cassette {path} is damaged: {error}.", hint=_HINT) from error


def _find_tape(path: Path) -> Tape:
    with _reading(path):
        document = _load(path)
        tape = Tape(path, Asked.from_fields(document["request"]), "socket" in document)
    if tape.is_socket:
        read_closing(path)
    else:
        read_answer(path)
    return tape


def _load(path: Path) -> Any:
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict):
        raise TypeError("it is no object")
    version = document["cassette"]
    if version != FORMAT:
        raise ValueError(f"its format is {version!r}, and this program reads {FORMAT}")
    return document


def _beside(path: Path, name: object) -> Path:
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{name!r} is no name of a file beside it")
    beside = path.with_name(name)
    if not beside.is_file():
        raise ValueError(f"the file {name} beside it is missing")
    return beside


def _checked(message: Any) -> Mapping[str, Any]:
    if message["from"] == "client" and "sound" in message:
        sound: object = message["sound"]["bytes"]
        if not isinstance(sound, int):
            raise TypeError("a sound has no number of bytes")
    elif message["from"] not in {"client", "server"}:
        raise ValueError("a message is neither from the client nor from the server")
    elif "base64" not in message:
        described_text(message)
    fields: Mapping[str, Any] = message
    return fields


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_READ_SIZE):
        yield block


def _cut(blocks: Iterator[bytes], sizes: Sequence[int]) -> Iterator[bytes]:
    """Yield what is in ``blocks`` in pieces of ``sizes``; the last size repeats."""
    if not sizes:
        yield from filter(None, blocks)
        return
    wanted = chain(sizes, repeat(sizes[-1]))
    size = next(wanted)
    rest = bytearray()
    for block in blocks:
        rest += block
        start = 0
        while len(rest) - start >= size:
            yield bytes(rest[start : start + size])
            start += size
            size = next(wanted)
        del rest[:start]
    if rest:
        yield bytes(rest)


def _pretty(value: Any, level: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(line) + 2 * level <= _WIDTH:
        return line
    if isinstance(value, dict):
        items = [
            f"{json.dumps(name, ensure_ascii=False)}: {_pretty(each, level + 1)}"
            for name, each in value.items()
        ]
        opening, closing = "{}"
    elif all(isinstance(each, int | float) for each in value):
        return line
    else:
        items = [_pretty(each, level + 1) for each in value]
        opening, closing = "[]"
    inner = "  " * (level + 1)
    return f"{opening}\n{inner}" + f",\n{inner}".join(items) + f"\n{'  ' * level}{closing}"
