"""The HTTP server under the app: uvicorn, told to let the app close a connection."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_EXTENSION = "cartesia.close"
_MAX_MESSAGE = 16 * 2**20
"""Bytes in one message of a socket."""


class _Protocol(H11Protocol):
    """Hands every request the means to close its connection: ASGI itself has none."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        app: Any = self.app

        async def with_close(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_EXTENSION] = transport.close
            await app(scope, receive, send)

        self.app = with_close


class _SocketProtocol(WebSocketsSansIOProtocol):
    """Knows that a handshake that the app refused with a body is over, where uvicorn would log an error."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True


def close_connection(scope: MutableMapping[str, Any]) -> None:
    """Close the client's connection once what was written is sent, without completing the answer.

    Raises:
        ConnectionAbortedError: another server runs the app; it then breaks the connection in its own way.
    """
    close = scope.get("extensions", {}).get(_EXTENSION)
    if close is None:
        raise ConnectionAbortedError
    close()


def create_server(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Server:
    """Return a server that runs ``app`` once its ``run()`` is called; port 0 takes a free one."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_Protocol,
            ws=_SocketProtocol,
            ws_max_size=_MAX_MESSAGE,
            lifespan="off",
            log_config=None,
            log_level="warning",  # what it would tell of a socket has the key in its query
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )


def server_url(server: uvicorn.Server) -> str:
    """Return the address of a server that has started, like ``http://127.0.0.1:8420``."""
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
