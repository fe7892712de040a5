"""Bytes that are still arriving, read as they come; the wait for them can be ended."""

import io
import os
import select
import time
from typing import BinaryIO

_POLL = 0.05
"""Seconds between two looks whether the end was asked for."""


class Inlet(io.RawIOBase):
    """A pipe, a terminal or a socket: ``read`` gives what is there, and waits only for the first byte.

    Args:
        stream: where the bytes come from; if it is a file of the system, nothing was read ahead of it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._is_stopped = False
        self._first = b""
        try:
            self._descriptor: int | None = stream.fileno()
        except OSError:
            self._descriptor = None

    def stop(self) -> None:
        """End the bytes here, also for who waits for one; any thread may call it, and a signal's handler.

        Where the system cannot wait for a pipe (Windows), the wait ends with the next byte.
        """
        self._is_stopped = True

    def put_back(self, data: bytes) -> None:
        """Let ``data`` be read next."""
        self._first = data + self._first

    def readable(self) -> bool:
        """Return that this is what it is for."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return 1 to ``size`` bytes; none at the end."""
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        while not self._is_stopped:
            if self._descriptor is None:
                return self._stream.read(size)
            if self._has_come(self._descriptor):
                try:
                    return os.read(self._descriptor, size)
                except BlockingIOError:
                    time.sleep(_POLL / 10)
        return b""

    def read_all(self, size: int) -> bytes:
        """Return ``size`` bytes; fewer at the end."""
        data = b""
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        return data

    @staticmethod
    def _has_come(descriptor: int) -> bool:
        """Wait a moment; return whether there is something to read, be it the end."""
        if not hasattr(select, "poll"):
            return True
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(_POLL * 1000))
