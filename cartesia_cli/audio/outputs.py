"""Files and pipes that hold the payload as it comes; no sample is touched here."""

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from cartesia_cli.audio import wav
from cartesia_cli.files import TargetFile, naming
from cartesia_cli.models import Encoding


class OutputSink(ABC):
    """A sink whose completion has two steps, so that several outputs appear together."""

    live: bool
    written: int

    @property
    @abstractmethod
    def part(self) -> Path | None:
        """The file that has not got its name yet, whole after ``finish``; None if there is no such thing."""

    @abstractmethod
    def open(self) -> None:
        """Open the output; nothing remains of it if this fails."""

    @abstractmethod
    def write(self, data: bytes, /) -> None:
        """See ``sinks.Sink``."""

    @abstractmethod
    def mark(self) -> None:
        """See ``sinks.Sink``."""

    @abstractmethod
    def rewind(self) -> bool:
        """See ``sinks.Sink``."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is left. Everything that can be expected to fail fails here."""

    @abstractmethod
    def publish(self) -> None:
        """Give the finished output its name."""

    @abstractmethod
    def discard(self) -> None:
        """Free what is held and leave nothing; does nothing after ``publish``."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        try:
            if kind is None:
                self.finish()
                self.publish()
        finally:
            self.discard()


class FileSink(OutputSink):
    """A file that holds the payload as it comes, after a header if it is a WAV."""

    live = False
    _target: TargetFile
    _file: BinaryIO

    def __init__(
        self, path: Path, *, wav_format: tuple[Encoding, int] | None = None, clobber: bool = True
    ) -> None:
        self._path = path
        self._wav_format = wav_format
        self._clobber = clobber
        self._n_header = 0
        self._n_data = 0
        self._n_marked = 0
        self.written = 0

    def open(self) -> None:
        """Open a file beside the target."""
        self._target = TargetFile(self._path, clobber=self._clobber)
        self._file = self._target.file
        if self._wav_format is not None:
            self._n_header = self._file.write(wav.file_header(*self._wav_format, 0))

    def write(self, data: bytes, /) -> None:
        """Append the payload."""
        self._file.write(data)
        self._n_data += len(data)

    def mark(self) -> None:
        """Remember the length."""
        self._n_marked = self._n_data

    def rewind(self) -> bool:
        """Go back to the length remembered."""
        self._cut(self._n_marked)
        return True

    def patch(self, offset: int, data: bytes) -> None:
        """Write over bytes at ``offset`` of the payload."""
        self._file.seek(self._n_header + offset)
        self._file.write(data)
        self._file.seek(self._n_header + self._n_data)

    def finish(self) -> None:
        """Correct the header, now that the size is known, and bring all to the disk."""
        padding = b""
        if self._wav_format is not None:
            encoding, sample_rate = self._wav_format
            self._cut(self._n_data - self._n_data % encoding.sample_width)
            padding = wav.padding(self._n_data)
            self._file.write(padding)
            self._file.seek(0)
            self._file.write(wav.file_header(encoding, sample_rate, self._n_data))
        self.written = self._n_header + self._n_data + len(padding)
        self._target.finish()

    @property
    def part(self) -> Path:
        """See ``OutputSink``."""
        return self._target.part

    def publish(self) -> None:
        """Rename the file to its target."""
        self._target.publish()

    def discard(self) -> None:
        """Remove the file."""
        if hasattr(self, "_target"):
            self._target.discard()

    def _cut(self, n_data: int) -> None:
        self._n_data = n_data
        self._file.seek(self._n_header + n_data)
        self._file.truncate()


class LiveSink(OutputSink):
    """Stdout, a named pipe or a device: every byte goes out at once."""

    live = True
    _stream: BinaryIO

    def __init__(self, target: Path | BinaryIO, *, wav_format: tuple[Encoding, int] | None = None) -> None:
        self._destination = target
        self._target: TargetFile | None = None
        # Sent with the first payload: a request that fails leaves a pipe empty.
        self._header = b"" if wav_format is None else wav.pipe_header(*wav_format)
        self._written_since_mark = False
        self.written = 0

    @property
    def part(self) -> None:
        """See ``OutputSink``."""

    def open(self) -> None:
        """Open the pipe, which waits for its reader; stdout is open already."""
        if isinstance(self._destination, Path):
            self._target = TargetFile(self._destination)
            self._stream = self._target.file
        else:
            self._stream = self._destination

    def write(self, data: bytes, /) -> None:
        """Send the payload, before its first byte the header."""
        if not data:
            return
        with naming("stdout"):
            self._send_header()
            self._stream.write(data)
            self._stream.flush()
        self.written += len(data)
        self._written_since_mark = True

    def mark(self) -> None:
        """Begin a part."""
        self._written_since_mark = False

    def rewind(self) -> bool:
        """Return whether nothing was sent since ``mark``."""
        return not self._written_since_mark

    def patch(self, offset: int, data: bytes) -> None:
        """Do nothing: the header is on its way."""

    def finish(self) -> None:
        """Send what a buffer holds."""
        with naming("stdout"):
            self._send_header()
            self._stream.flush()

    def publish(self) -> None:
        """Close the pipe; stdout stays open."""
        if self._target is not None:
            self._target.publish()

    def discard(self) -> None:
        """Close the pipe."""
        if self._target is not None:
            self._target.discard()

    def _send_header(self) -> None:
        if self._header:
            self._stream.write(self._header)
            self.written += len(self._header)
            self._header = b""
