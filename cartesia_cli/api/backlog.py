"""What has arrived and was not taken: in memory, and beyond some of it in a file without a name.

Reading never waits for whoever takes: where it did, the server's pings would wait behind minutes of audio
that nobody has heard yet, and it would take the client for dead.
"""

import tempfile
from collections import deque
from typing import IO, NamedTuple, cast

from cartesia_cli.errors import OutputError
from cartesia_cli.models import AudioChunk, SpeechEvent

_MEMORY = 4 * 2**20
"""Bytes of audio that wait in memory."""


class _Kept(NamedTuple):
    """Where audio lies in the file."""

    start: int
    size: int


class Backlog:
    """Events in order. Whoever uses it from several threads brings the lock.

    Args:
        memory: bytes of audio to keep in memory.
    """

    def __init__(self, memory: int = _MEMORY) -> None:
        self.n_bytes = 0
        """Of audio, wherever it lies."""

        self._memory = memory
        self._events: deque[SpeechEvent | _Kept] = deque()
        self._file: IO[bytes] | None = None
        self._n_in_file = self._file_end = 0

    def __bool__(self) -> bool:
        return bool(self._events)

    def add(self, event: SpeechEvent) -> None:
        """Keep an event.

        Raises:
            OutputError: there is no space for its audio.
        """
        if not isinstance(event, AudioChunk):
            self._events.append(event)
            return
        size = len(event.data)
        in_memory = self.n_bytes - self._n_in_file + size <= self._memory
        self._events.append(event if in_memory else self._keep(event.data))
        self.n_bytes += size

    def take(self, n_bytes: int) -> list[SpeechEvent]:
        """Return the next events, until so much audio is among them.

        Raises:
            OutputError: what was kept cannot be read.
        """
        taken: list[SpeechEvent] = []
        n_taken = 0
        while self._events and n_taken < n_bytes:
            event = self._events.popleft()
            if isinstance(event, _Kept):
                event = self._read(event)
            if isinstance(event, AudioChunk):
                n_taken += len(event.data)
            taken.append(event)
        self.n_bytes -= n_taken
        if not self._events:
            self._file_end = 0  # the file is used again from its start
        return taken

    def clear(self) -> None:
        """Forget everything, and give back the space."""
        self._events.clear()
        self.n_bytes = self._n_in_file = self._file_end = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, data: bytes) -> _Kept:
        kept = _Kept(self._file_end, len(data))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by clear()
            self._file.seek(kept.start)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise OutputError(
                f"Audio that waits to be heard cannot be kept in {tempfile.gettempdir()}: {error.strerror}.",
                hint="Free some space, or set TMPDIR to a folder that has it.",
            ) from error
        self._file_end += kept.size
        self._n_in_file += kept.size
        return kept

    def _read(self, kept: _Kept) -> AudioChunk:
        file = cast("IO[bytes]", self._file)  # open, or nothing would lie in it
        try:
            file.seek(kept.start)
            data = file.read(kept.size)
        except OSError as error:
            raise OutputError(f"Audio that waited to be heard cannot be read: {error.strerror}.") from error
        self._n_in_file -= kept.size
        return AudioChunk(data)
