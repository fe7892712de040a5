"""One exchange on its way into a cassette: what is large goes to a file beside it at once."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import TargetFile, naming, replace_file
from cartesia_cli.server.cassettes.asking import Asked
from cartesia_cli.server.cassettes.covers import Cover
from cartesia_cli.server.cassettes.tapes import FORMAT, dump, file_stem, last_number

_log = logging.getLogger(__name__)

_MOST_INLINE = 2**20
"""Bytes of text that stand in the cassette itself."""

_MOST_CHUNKS = 256
"""Sizes that are kept: enough to see how an answer begins, and little enough to be read."""

BodyFields = Callable[[bytes, str | None], Mapping[str, Any]]
"""Makes fields of a cassette from what was written, or from the name of the file that has it."""


class Studio:
    """The folder in which cassettes are recorded. Safe for use by several threads.

    Args:
        folder: made if it is not there.

    Raises:
        OutputError: it cannot be made, or written in.
        UsageError: it is no folder.
    """

    def __init__(self, folder: Path, cover: Cover) -> None:
        self._folder = folder
        self._cover = cover
        self._lock = threading.Lock()
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is no folder.", hint="Name one for the cassettes.")
        with naming(folder / "cassette"):
            folder.mkdir(parents=True, exist_ok=True)
            self._number = last_number(folder)
        trial = TargetFile(folder / "0000-trial")
        trial.discard()

    def next_number(self) -> int:
        """Return the number of the exchange that begins now."""
        with self._lock:
            self._number += 1
            return self._number

    def take(self, number: int, asked: Asked, *, suffix: str, is_text: bool = True) -> "Take":
        """Return what records an exchange; what is no text always gets a file of its own."""
        most = _MOST_INLINE if is_text else 0
        return Take(self._folder / file_stem(number, asked), self._cover, suffix, most)


class Take:
    """The body of one answer, or the messages of one socket. What cannot be written is told in the log.

    Args:
        stem: of the names of its files.
        cover: of what must not be written down.
        suffix: of a file beside the cassette.
        most_inline: bytes that stand in the cassette itself.
    """

    def __init__(self, stem: Path, cover: Cover, suffix: str, most_inline: int) -> None:
        self._stem = stem
        self._covered = cover.stream()
        self._suffix = suffix
        self._most_inline = most_inline
        self._inline = bytearray()
        self._beside: TargetFile | None = None
        self._is_over = False
        self._chunks: list[int] = []

    @property
    def chunks(self) -> Sequence[int]:
        """The sizes of the pieces; the last one repeats. None where all is one piece."""
        sizes = list(self._chunks)
        is_whole = len(sizes) == 1
        if 1 < len(sizes) < _MOST_CHUNKS and sizes[-1] <= sizes[-2]:
            sizes.pop()
        while len(sizes) > 1 and sizes[-1] == sizes[-2]:
            sizes.pop()
        return () if is_whole else sizes

    def write(self, data: bytes) -> None:
        """Keep the next piece."""
        if self._is_over:
            return
        if len(self._chunks) < _MOST_CHUNKS:
            self._chunks.append(len(data))
        try:
            self._put(self._covered.feed(data))
        except (OutputError, UsageError) as error:
            self._fail(error)

    def keep(self, document: Mapping[str, Any], body: BodyFields) -> None:
        """Make the cassette, and whatever belongs beside it.

        Args:
            document: its fields.
            body: told what was written, or the name of the file that has it; returns the further fields.
        """
        if self._is_over:
            return
        try:
            self._put(self._covered.flush())
            if self._beside is not None:
                self._beside.finish()
                self._beside.publish()
            name = None if self._beside is None else self._name
            fields = {"cassette": FORMAT, **document, **body(bytes(self._inline), name)}
            with replace_file(self._stem.with_name(f"{self._stem.name}.json"), clobber=False) as file:
                file.write(dump(fields))
        except (OutputError, UsageError) as error:
            self._fail(error)
        self._is_over = True

    def discard(self) -> None:
        """Forget what was not kept."""
        self._is_over = True
        if self._beside is not None:
            self._beside.discard()

    @property
    def _name(self) -> str:
        return f"{self._stem.name}{self._suffix}"

    def _put(self, data: bytes) -> None:
        if self._beside is None:
            self._inline += data
            if len(self._inline) <= self._most_inline:
                return
            self._beside = TargetFile(self._stem.with_name(self._name), clobber=False)
            data = bytes(self._inline)
            self._inline.clear()
        self._beside.file.write(data)

    def _fail(self, error: Exception) -> None:
        _log.error("not recorded: %s", error)
        self.discard()
