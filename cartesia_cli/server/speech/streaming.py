"""A blocking generator as the body of an answer: pulled by a thread, closed whatever happens."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from threading import Lock

from anyio import CancelScope
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cartesia_cli.errors import CartesiaError
from cartesia_cli.server.hosting.means import close_connection

_log = logging.getLogger(__name__)

_MOST_AHEAD = 2**18
"""Bytes that are pulled before the client takes them: 3 s of 16-bit samples, or 1 s of events."""

Pieces = Generator[bytes, None, None]
"""The body of an answer, made piece by piece by code that blocks."""


class PulledResponse(StreamingResponse):
    """Sends what a blocking generator yields, and closes it when the client leaves.

    An error after the first byte cannot have a status any more: the connection closes without the end of
    the body, so that no client takes the beginning for the whole.
    """

    def __init__(self, first: bytes, basin: "_Basin", *, headers: dict[str, str]) -> None:
        self._basin = basin
        self._body = _drain(first, basin)
        super().__init__(self._body, headers=headers)

    @classmethod
    async def of(cls, pieces: Pieces, *, headers: dict[str, str]) -> "PulledResponse":
        """Return the response once its first piece is there: an error before it is raised, for a status.

        Raises:
            CartesiaError: the body failed before it began.
        """
        basin = _Basin(pieces)
        return cls(await basin.take(), basin, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with aclosing(self._body):
                await super().__call__(scope, receive, send)
        except CartesiaError as error:
            _log.warning("answer broken off: %s", error)
            close_connection(scope)
        finally:
            with CancelScope(shield=True):
                await self._basin.close()


async def _drain(first: bytes, basin: "_Basin") -> AsyncGenerator[bytes, None]:
    """Yield ``first`` and what flows into ``basin``."""
    data = first
    while data:
        yield data
        data = await basin.take()


class _Basin:
    """What a blocking generator yields, pulled by a thread ahead of who takes it.

    There is a thread only while there is something to pull: one who takes slowly finds a full basin, and
    costs neither a thread nor any work until it is empty.
    """

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._ready: list[bytes] = []
        self._n_ready = 0
        self._news = asyncio.Event()
        self._filling: asyncio.Future[bool] | None = None
        self._is_abandoned = False

    async def take(self) -> bytes:
        """Return all that is there, as soon as there is anything; no bytes are the end.

        Raises:
            CartesiaError: of the generator, behind all that it had yielded.
        """
        while True:
            self._news.clear()
            if data := self._emptied():
                return data
            if self._filling is None:
                self._filling = self._in_thread(1)  # nothing more keeps the first piece from being sent
            elif self._filling.done():
                if self._filling.result():
                    return b""
                self._filling = self._in_thread(_MOST_AHEAD)
            await self._news.wait()

    async def close(self) -> None:
        """Close the generator, as soon as its thread comes out of it."""
        self._is_abandoned = True
        while self._filling is None or not self._filling.done() or not self._is_over(self._filling):
            if self._filling is None or self._filling.done():  # full, perhaps just now
                self._filling = self._in_thread(0)  # which closes it
            await asyncio.wait([self._filling])

    def _in_thread(self, most: int) -> "asyncio.Future[bool]":
        thread = ThreadPoolExecutor(1, "answer")
        filling = self._loop.run_in_executor(thread, self._fill, most)
        filling.add_done_callback(lambda _: self._news.set())
        thread.shutdown(wait=False)
        return filling

    def _fill(self, most: int) -> bool:
        """Pull until so many bytes are ready, or to the end; return whether it is the end."""
        while not self._is_abandoned:
            piece = next(self._pieces, None)
            if piece is None:
                return True
            with self._lock:
                self._ready.append(piece)
                self._n_ready += len(piece)
                is_first, is_full = len(self._ready) == 1, self._n_ready >= most
            if is_first:
                self._loop.call_soon_threadsafe(self._news.set)
            if is_full:
                return False
        self._pieces.close()
        return True

    def _emptied(self) -> bytes:
        with self._lock:
            data = b"".join(self._ready)
            self._ready.clear()
            self._n_ready = 0
        return data

    @staticmethod
    def _is_over(filling: "asyncio.Future[bool]") -> bool:
        """Return whether a generator has ended, in whatever way."""
        return filling.exception() is not None or filling.result()
