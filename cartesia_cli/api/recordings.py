"""A recording on its way to the API: every byte as it is, in constant memory."""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cartesia_cli.errors import UsageError
from cartesia_cli.wire.values import one_line

_STEP = 0.005
"""The share of a recording after which progress is told again."""


class Recording:
    """The file of a form, as httpx reads it. Use it in a ``with`` block, which closes what it opened.

    Args:
        source: a file, or a stream of bytes that is sent from where it stands.
        progress: told which share has been read, 0 to 1, if the size is known.

    Raises:
        UsageError: it does not exist, cannot be read, or is empty.
    """

    def __init__(self, source: Path | BinaryIO, progress: Callable[[float], None] | None = None) -> None:
        self.name = _name_of(source)
        self._progress = progress
        self._position = 0
        self._told = 0.0
        self._owned = isinstance(source, Path)
        self._stream = self._open(source) if isinstance(source, Path) else source
        try:
            self._start, self.size = self._measure()
            self._first = self._take(io.DEFAULT_BUFFER_SIZE) if self.size is None else b""
            self._require_content()
        except BaseException:
            self.close()
            raise

    size: int | None
    """Bytes; None for a pipe."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if this opened it."""
        if self._owned:
            self._stream.close()

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent from the start, again or for the first time."""
        return self.size is not None or self._position == 0

    def read(self, n_bytes: int) -> bytes:
        """Return the next bytes, none at the end.

        Raises:
            UsageError: it cannot be read, or has become shorter than it was.
        """
        if self.size is None:
            data, self._first = self._first or self._take(n_bytes), b""
        else:  # what was added to the file meanwhile is not sent
            data = self._take(min(n_bytes, self.size - self._position))
            if not data and self._position < self.size:
                raise UsageError(f"{self.name} became shorter while it was sent.")
        self._position += len(data)
        self._tell()
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the start, or return the size as the position of the end: httpx asks for nothing else.

        Raises:
            io.UnsupportedOperation: this is a pipe.
        """
        if self.size is None:
            raise io.UnsupportedOperation("a pipe has neither a size nor a way back")
        if whence == os.SEEK_END:
            return self.size
        if self._position:
            self._stream.seek(self._start)
            self._position, self._told = 0, 0.0
        return offset

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def _open(self, path: Path) -> BinaryIO:
        try:
            return path.open("rb")
        except FileNotFoundError as error:
            raise UsageError(f"{self.name} does not exist.") from error
        except IsADirectoryError as error:
            raise UsageError(f"{self.name} is a folder, not a recording.") from error
        except (OSError, ValueError) as error:  # a name with a null character is a ValueError
            raise UsageError(f"{self.name} cannot be read: {_reason(error)}.") from error

    def _measure(self) -> tuple[int, int | None]:
        """Return where the recording starts, and its size if it has one."""
        with suppress(OSError):
            if self._stream.seekable():
                start = self._stream.tell()
                size = self._stream.seek(0, os.SEEK_END) - start
                self._stream.seek(start)
                return start, size
        return 0, None

    def _require_content(self) -> None:
        if not self.size and not self._first:
            raise UsageError(f"{self.name} is empty.")

    def _take(self, n_bytes: int) -> bytes:
        try:
            return self._stream.read(n_bytes)
        except OSError as error:
            raise UsageError(f"{self.name} cannot be read: {_reason(error)}.") from error

    def _tell(self) -> None:
        if self._progress is None or not self.size:
            return
        share = self._position / self.size
        if share >= self._told + _STEP or self._told < share == 1:
            self._told = share
            self._progress(share)


def _name_of(source: Path | BinaryIO) -> str:
    """Return the name by which the API, and an error, calls a recording."""
    name = source if isinstance(source, Path) else getattr(source, "name", None)
    text = os.fsencode(name).decode("utf-8", "replace") if isinstance(name, str | Path) else ""
    return one_line(Path(text).name, 200) or "recording"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
