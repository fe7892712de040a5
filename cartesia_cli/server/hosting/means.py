"""What an app gets with every request, besides what ASGI has: ways to close, to finish, to send in parts."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from cartesia_cli.server.hosting.patience import patient

CLOSE, BUSY, FRAGMENTS = "cartesia.close", "cartesia.busy", "cartesia.fragments"
"""Where that is, among the extensions of a request's scope."""


def close_connection(scope: MutableMapping[str, Any]) -> None:
    """Close the client's connection once what was written is sent, without completing the answer.

    Raises:
        ConnectionAbortedError: another server runs the app; it then breaks the connection in its own way.
    """
    close = scope.get("extensions", {}).get(CLOSE)
    if close is None:
        raise ConnectionAbortedError
    close()


def let_finish(scope: MutableMapping[str, Any], is_busy: Callable[[], bool]) -> None:
    """Have the socket of ``scope`` stay open while it is busy, for a moment, when the server ends."""
    if (bind := scope.get("extensions", {}).get(BUSY)) is not None:
        bind(is_busy)


class Guarded:
    """Hands every request means that ASGI has not, to close its connection above all; ends its waiting."""

    def __init__(
        self,
        app: ASGIApp,
        transport: asyncio.Transport,
        *,
        body: float | None = None,
        means: Mapping[str, Any] | None = None,
    ) -> None:
        self._app = app
        self._transport = transport
        self._body = body
        self._means = {CLOSE: transport.close, BUSY: self._bind, **(means or {})}
        self.is_busy: Callable[[], bool] = lambda: False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; that its client has left is no error."""
        scope["extensions"] = {**scope.get("extensions", {}), **self._means}
        try:
            await self._app(scope, receive if self._body is None else patient(receive, self._body), send)
        except (ClientDisconnect, ClientDisconnected, WebSocketDisconnect):
            self._transport.close()

    def _bind(self, is_busy: Callable[[], bool]) -> None:
        self.is_busy = is_busy
