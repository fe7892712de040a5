"""A blocking generator as the body of an answer: pulled in threads, closed whatever happens."""

import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cartesia_cli.errors import CartesiaError
from cartesia_cli.server.hosting import close_connection

_log = logging.getLogger(__name__)

Pieces = Generator[bytes, None, None]
"""The body of an answer, made piece by piece by code that blocks."""


class PulledResponse(StreamingResponse):
    """Sends what a blocking generator yields, and closes it when the client leaves.

    An error after the first byte cannot have a status any more: the connection closes without the end of
    the body, so that no client takes the beginning for the whole.
    """

    def __init__(self, first: bytes, pieces: Pieces, *, headers: dict[str, str]) -> None:
        self._pieces = pieces
        self._body = _pull(first, pieces)
        super().__init__(self._body, headers=headers)

    @classmethod
    async def of(cls, pieces: Pieces, *, headers: dict[str, str]) -> "PulledResponse":
        """Return the response once its first piece is there: an error before it is raised, for a status.

        Raises:
            CartesiaError: the body failed before it began.
        """
        return cls(await run_in_threadpool(next, pieces, b""), pieces, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with aclosing(self._body):
                await super().__call__(scope, receive, send)
        except CartesiaError as error:
            _log.warning("answer broken off: %s", error)
            close_connection(scope)
        finally:
            # A body that was never asked for a piece would not close what it pulls from.
            with CancelScope(shield=True):
                await run_in_threadpool(self._pieces.close)


async def _pull(first: bytes, pieces: Pieces) -> AsyncGenerator[bytes, None]:
    """Yield ``first`` and what ``pieces`` yields, each fetched in a thread."""
    piece: bytes | None = first
    while piece is not None:
        yield piece
        # StopIteration cannot cross from a thread into a coroutine: None says the same.
        piece = await run_in_threadpool(next, pieces, None)
