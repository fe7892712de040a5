"""Any ASGI app on a port of its own, as ``cartesia serve`` runs it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from cartesia_cli.server.hosting.patience import Patience
from cartesia_cli.server.hosting.serving import create_server, server_url


@contextmanager
def running_app(app: ASGIApp, *, patience: Patience | None = None) -> Iterator[str]:
    """Run an app in a thread; yield its address. It stops when every answer is over."""
    server = _QuickServer(create_server(app, patience=patience or Patience()).config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.005)
        assert thread.is_alive(), "the server did not start"
    try:
        yield server_url(server)
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"


class _QuickServer(uvicorn.Server):
    """Looks often whether it is to stop."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - the flag is uvicorn's own
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.tasks:  # noqa: ASYNC110 - a set of uvicorn's own
            await asyncio.sleep(0.005)
