"""The connections of one client on which texts are spoken; they are kept for the next text."""

import threading
import time
from collections.abc import Callable

from cartesia_cli.api.contexts import Line
from cartesia_cli.api.sockets import Socket
from cartesia_cli.errors import CartesiaError


class Lines:
    """The connections of one client. Safe for use by several threads.

    Args:
        open_socket: opens one, in several attempts if need be.
        count_reconnect: called where one was lost after it had been in use, and another one is open.
    """

    def __init__(self, open_socket: Callable[[], Socket], count_reconnect: Callable[[], None]) -> None:
        self._open_socket = open_socket
        self._count_reconnect = count_reconnect
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._failed: tuple[float, CartesiaError] | None = None
        self._n_lost = 0  # that were in use, and were not opened again

    def take(self, *, alone: bool = False) -> Line:
        """Return a connection for a context.

        Args:
            alone: whether it is for one context at a time; then ``give_back`` it.

        Raises:
            CartesiaError: there is none.
        """
        began = time.monotonic()
        if (line := self._find(alone=alone)) is not None:
            return line
        if alone:
            return self._open(alone=True)
        with self._opening:  # one for all who wait here
            if (line := self._find(alone=False)) is not None:
                return line
            if self._failed is not None and self._failed[0] >= began:
                raise self._failed[1]
            try:
                return self._open(alone=False)
            except CartesiaError as error:
                self._failed = time.monotonic(), error
                raise

    def give_back(self, line: Line) -> None:
        """Let others use a connection that was taken alone."""
        line.is_alone = False
        if line.is_doubtful and line.is_idle:
            line.close()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.close()

    def _find(self, *, alone: bool) -> Line | None:
        with self._lock:
            lost = [line for line in self._lines if not line.is_usable]
            self._n_lost += sum(line.n_opened > 0 for line in lost)
            self._lines = [line for line in self._lines if line.is_usable]
            for line in self._lines:
                if not line.is_alone and (line.is_idle or not alone):
                    line.is_alone = alone
                    return line
        return None

    def _open(self, *, alone: bool) -> Line:
        line = Line(self._open_socket(), is_alone=alone)
        with self._lock:
            self._lines.append(line)
            is_again, self._n_lost = self._n_lost > 0, max(self._n_lost - 1, 0)
        if is_again:
            self._count_reconnect()
        return line
