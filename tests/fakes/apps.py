"""Any ASGI app on a port of its own, as ``cartesia serve`` runs it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from cartesia_cli.server.hosting.serving import create_server, server_url


@contextmanager
def running_app(app: ASGIApp, *, waits: bool = True, **options: Any) -> Iterator[str]:
    """Run an app in a thread, on a free port of the loopback interface; yield its address.

    Args:
        app: what answers.
        waits: whether it stops when every answer is over, so that what they leave behind can be seen;
            otherwise it breaks them off.
        options: as of ``create_server``.
    """
    server = _QuickServer(create_server(app, **options).config, waits=waits)
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

    def __init__(self, config: uvicorn.Config, *, waits: bool) -> None:
        super().__init__(config)
        self._waits = waits

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - the flag is uvicorn's own
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
            if not self._waits:
                # What is still to be sent, or lingers for the rest of an upload, would outlive the loop.
                connection.transport.abort()
        await asyncio.sleep(0)
        while self._waits and self.server_state.tasks:  # noqa: ASYNC110 - a set of uvicorn's own
            await asyncio.sleep(0.005)
