"""How long slow clients are waited for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive

from cartesia_cli.server.failures import StalledError

_LINGER = 2.0
"""Seconds for a client to read an answer that came before it had sent all it wanted."""

_LOOKS = 4
"""How often it is looked, while a client is waited for, whether it has taken something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds; whoever takes longer is not served any further."""

    head: float = 30.0
    """Until the head of a request is there, however it trickles; and for the rest of a body that nobody
    reads any more."""

    idle: float = 60.0
    """Between two requests on one connection."""

    body: float = 30.0
    """Between two pieces of a request's body."""

    answer: float = 60.0
    """During which a client takes nothing of what waits for it."""

    pong: float = 20.0
    """Between two questions to a socket whether it is still there, and until it must have said something."""

    end: float = 5.0
    """For running answers, once the server is to end."""


def patient(receive: Receive, seconds: float) -> Receive:
    """Return ``receive`` for a body whose next piece comes within ``seconds``; else it is a StalledError.

    Once the body is there, it waits for ever: what comes then is the client's end.
    """
    is_whole = False

    async def receive_soon() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError as error:
            raise StalledError(
                f"Nothing of the request's body came for {seconds:g} seconds.", title="Request Timeout"
            ) from error
        is_whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return receive_soon


class WatchedTransport:
    """A connection that breaks off when its client takes nothing for ``seconds`` of what waits for it.

    Nothing is done, or waited for, while nothing waits.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._n_written = 0
        self._n_taken = 0
        self._taken_at = 0.0
        self._is_watching = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, as soon as the client takes it."""
        self._n_written += len(data)
        self._transport.write(data)
        waiting = self._transport.get_write_buffer_size()
        if waiting and not self._is_watching:
            self._is_watching = True
            self._n_taken, self._taken_at = self._n_written - waiting, self._loop.time()
            self._look_later()

    def _look_later(self) -> None:
        self._loop.call_later(self._seconds / _LOOKS, self._look)

    def _look(self) -> None:
        waiting = self._transport.get_write_buffer_size()
        if not waiting:
            self._is_watching = False
            return
        now, n_taken = self._loop.time(), self._n_written - waiting
        if n_taken > self._n_taken:
            self._n_taken, self._taken_at = n_taken, now
        elif now - self._taken_at >= self._seconds:
            self._transport.abort()
            return
        self._look_later()


class LingeringTransport(WatchedTransport):
    """A connection that, when it is closed, first lets the client read what it was answered.

    The system throws that away if there is something that was sent and not read. ``until`` says whether all
    of it was read.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float, *, until: Callable[[], bool]) -> None:
        super().__init__(transport, seconds)
        self._is_read = until
        self._is_lingering = False

    def close(self) -> None:
        """Close, at once or a little later."""
        if self._is_lingering or self._is_read():
            self._transport.close()
        else:
            self.linger()

    def linger(self) -> None:
        """Send nothing more, and close when the client does, or a little later."""
        if self._transport.is_closing():
            return
        self._is_lingering = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(_LINGER, self._transport.close)

    def is_closing(self) -> bool:
        """Whether it is as good as closed."""
        return self._is_lingering or self._transport.is_closing()
