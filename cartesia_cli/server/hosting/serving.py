"""The HTTP server under the app: uvicorn, told when to begin, when to end and whom to wait for."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from types import FrameType
from typing import Any

import uvicorn
from anyio import CapacityLimiter, to_thread
from anyio._backends._asyncio import WorkerThread
from starlette.types import ASGIApp

from cartesia_cli.memory import return_memory
from cartesia_cli.server.entrance.site import SiteMiddleware
from cartesia_cli.server.entrance.visitors import Answered, Visitors
from cartesia_cli.server.hosting.connections import ConnectionConfig, SocketConnection
from cartesia_cli.server.hosting.patience import Patience

App = ASGIApp
"""What answers requests."""

_MAX_MESSAGE = 16 * 2**20
"""Bytes in one message of a socket."""

_BACKLOG = 2048
"""Clients that may wait to be let in."""

_TICK = 0.02
"""Seconds between two looks whether a server that ends has come to its end."""

_LAST_MOMENT = 0.5
"""Seconds for what is broken off to come to its end."""

_TICKS_A_SECOND = 10
"""Of uvicorn: how often it looks whether it is to end."""

_POOL_IDLE = 4
"""Seconds after which a thread that has nothing to do is one too many."""

_MANY = 16
"""Connections; when half of so many have gone, it is worth while to give memory back."""

_USUAL = Patience()


def create_server(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    hosts: Collection[str] | None = (),
    patience: Patience = _USUAL,
    on_answer: Callable[[Answered], None] | None = None,
) -> "Server":
    """Return a server that runs ``app`` once its ``run()`` is called.

    Args:
        app: what answers.
        host: where it listens, if ``run()`` is given no socket.
        port: the same; 0 takes a free one.
        hosts: as in ``SiteMiddleware``: names besides the loopback interface's by which it may be asked; None
            lets pages of every site in, as it should be only where ``app`` asks everybody for a key.
        patience: with slow clients.
        on_answer: told about each request that is over.
    """
    guarded: ASGIApp = SiteMiddleware(app, hosts=hosts)
    return Server(
        ConnectionConfig(
            guarded if on_answer is None else Visitors(guarded, on_answer),
            patience=patience,
            on_answer=on_answer,
            host=host,
            port=port,
            ws_max_size=_MAX_MESSAGE,
            backlog=_BACKLOG,
            lifespan="off",
            log_config=None,
            log_level="warning",  # what it would tell of a socket has the key in its query
            access_log=False,
            server_header=False,
        )
    )


def server_url(server: uvicorn.Server) -> str:
    """Return the address of a server that has started, like ``http://127.0.0.1:8420``."""
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen_on(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one. Clients wait until they are served.

    Raises:
        OSError: the port is taken, or may not be taken; or there is no such host here (``gaierror``).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "No host can have that name") from error
    # A name often has an address of either kind, and clients that know one only know the older.
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    is_any = family == socket.AF_INET6 and address[0] == "::"
    listener = socket.create_server(
        address[:2],
        family=family,
        backlog=_BACKLOG,
        dualstack_ipv6=is_any and socket.has_dualstack_ipv6(),
    )
    # asyncio sees to it only where a socket names its protocol; without it the end of an answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve_forever(
    app: ASGIApp,
    listener: socket.socket,
    *,
    on_ready: Callable[[str], None],
    hosts: Collection[str] | None = (),
    patience: Patience = _USUAL,
    on_answer: Callable[[Answered], None] | None = None,
) -> int:
    """Serve ``app`` until a signal ends it: SIGINT, SIGTERM or SIGHUP; return which it was.

    Answers that are running have a few seconds to end, a second signal ends them at once. What was still
    running then is left behind, its threads too: the process is to end. A signal that was ignored before is
    ignored. Call it in the main thread.

    Args:
        app: what answers.
        listener: of ``listen_on``; it is closed in the end.
        on_ready: told the address, when requests to it are answered.
        hosts: as in ``create_server``.
        patience: as in ``create_server``.
        on_answer: as in ``create_server``.
    """
    server = create_server(app, hosts=hosts, patience=patience, on_answer=on_answer)
    server.on_ready = on_ready
    WorkerThread.MAX_IDLE_TIME = _POOL_IDLE  # 10 s in a library that cannot know that there are crowds
    with _signals(server) as received:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(server.serve(sockets=[listener]))
        finally:
            listener.close()
            if loop.run_until_complete(_everything_ends()):
                loop.close()
            else:
                _left_behind.append(loop)
    return received[0]


_left_behind: list[asyncio.AbstractEventLoop] = []
"""Loops of which something may still run: they are not to be cleared away under its hands."""


class Server(uvicorn.Server):
    """Says when it is ready; at the end, closes what is idle, and waits for the rest for a moment."""

    config: ConnectionConfig
    on_ready: Callable[[str], None] | None = None
    _most = 0  # connections since memory was given back
    _busy_at = 0  # the second in which there were some

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether there is something to do; return whether it is to end."""
        if counter % _TICKS_A_SECOND == 0:
            await self._tidy(counter // _TICKS_A_SECOND)
        return await super().on_tick(counter)

    async def _tidy(self, second: int) -> None:
        """Give back what was needed for clients that have gone."""
        n_now = len(self.server_state.connections)
        self._most = max(self._most, n_now)
        if self._most >= _MANY and n_now <= self._most // 2:
            self._most = n_now
            gc.collect()  # a connection and what serves it know each other
            return_memory()
        if n_now:
            self._busy_at = second
        if 0 <= second - self._busy_at <= 2 * _POOL_IDLE:
            # The idle threads of its pool end when one of them is asked for something, not before.
            await to_thread.run_sync(int, limiter=CapacityLimiter(1))  # not behind those that work

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        if self.on_ready is not None:
            self.on_ready(server_url(self))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: first what is idle, after a moment all that is left."""
        for listener in self.servers:
            listener.close()
        loop, state, told = asyncio.get_running_loop(), self.server_state, set[Any]()
        deadline = loop.time() + self.config.patience.end
        while (state.connections or state.tasks) and not self.force_exit and loop.time() < deadline:
            for connection in state.connections - told:
                if not (isinstance(connection, SocketConnection) and connection.is_busy):
                    told.add(connection)
                    connection.shutdown()
            await asyncio.sleep(_TICK)
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(0)
        for connection in list(state.connections):
            connection.shutdown()
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: who runs it decides about them."""
        yield


@contextlib.contextmanager
def _signals(server: uvicorn.Server) -> Iterator[list[int]]:
    """Have signals end ``server``, the second at once; yield which came."""
    received: list[int] = []

    def end(signum: int, _frame: FrameType | None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True
        received.append(signum)

    previous = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        signum = getattr(signal, name, None)
        if signum is not None and signal.getsignal(signum) is not signal.SIG_IGN:
            previous[signum] = signal.signal(signum, end)
    try:
        yield received
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


async def _everything_ends() -> bool:
    """Break off what still runs; return whether it has all come to its end."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks:
        return True
    _, running = await asyncio.wait(tasks, timeout=_LAST_MOMENT)
    return not running
