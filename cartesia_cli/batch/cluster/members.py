"""The scheduler and the workers of a cluster: who is there, who is fit, and what they are told of a run.

What is called is called in the event loop in which the client of Dask runs.
"""

import asyncio
import logging
import pickle
import pkgutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from secrets import token_hex
from typing import Any

from cartesia_cli import __version__
from cartesia_cli.batch.cluster import station
from cartesia_cli.batch.packages import INSTALL
from cartesia_cli.errors import UnavailableError, UsageError

_CONNECTING = 10.0
"""Seconds that the scheduler has to answer at first."""

_ANSWER = 20.0
"""Seconds that a worker has to answer."""

_PULSE = 1.0
"""Seconds after which it is looked whether a worker that does not answer is still there."""

_LEAVING = 5.0
"""Seconds for a farewell, and again to disconnect."""

_VERSION = "cartesia_cli:__version__"
"""Where every machine has its version, as ``pkgutil.resolve_name`` takes it."""

_LOGGERS = ("asyncio", "bokeh", "distributed", "distributed.client", "distributed.gc", "tornado")


class Members:
    """A cluster as a run sees it.

    Args:
        address: of the scheduler.
        recipe: what each worker gets.
        secret: what those get that have no key of their own.
        most: how many requests may be under way in all of them.
    """

    def __init__(self, address: str, recipe: station.Recipe, secret: Any, most: int) -> None:
        self.run = token_hex(8)
        """Tells this run from others."""

        self.n_threads = 0
        """How many jobs all workers together do at a time, as of the last look."""

        self._address = address
        self._recipe = recipe
        self._secret = secret
        self._most = most
        self._client: Any = None
        self._semaphore: Any = None
        self._welcomes: dict[str, asyncio.Task[None]] = {}
        self._fit: set[str] = set()

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is there."""
        return self._client is not None and self._client.status == "running"

    async def join(self, patience: float) -> None:
        """Connect, in so many seconds and not more than ten.

        Raises:
            UnavailableError: there is no scheduler.
            UsageError: its address is none, or it is not fit.
        """
        from distributed import Semaphore

        _silence()
        client = self._client = await _connect(self._address, min(patience, _CONNECTING))
        await _check_version("scheduler", client.run_on_scheduler(pkgutil.resolve_name, _VERSION))
        self._semaphore = await Semaphore(
            self._most, station.gate_name(self.run), scheduler_rpc=client.scheduler, loop=client.loop
        )

    async def look(self) -> list[str]:
        """Return the addresses of the workers; none if the scheduler does not answer."""
        try:
            async with asyncio.timeout(_ANSWER):
                identity = await self._client.scheduler.identity(n_workers=-1)
        except (OSError, TimeoutError):
            return []
        self.n_threads = identity["total_threads"]
        return list(identity["workers"])

    def submit(self, key: Any, function: Callable[..., Any], *args: Any) -> Any:
        """Return the future of a task."""
        return self._client.submit(function, *args, key=key, pure=False)

    async def welcome(self, worker: str) -> None:
        """Tell a worker of the run, unless that is being done. Whether it heard is shown by its replies.

        Raises:
            UsageError: it is not fit.
        """
        if worker not in self._welcomes:
            welcome = self._welcomes[worker] = asyncio.create_task(self._introduce(worker))
            welcome.add_done_callback(lambda _: self._welcomes.pop(worker, None))
        await asyncio.shield(self._welcomes[worker])

    async def check(self) -> None:
        """See whether all workers are of this version.

        Raises:
            UsageError: one is not.
        """
        await asyncio.gather(*map(self._is_fit, await self.look()))

    async def tell_all(self, what: Callable[[str], None]) -> None:
        """Call a function of ``station`` in all workers that were told of the run."""
        workers = self._fit.intersection(await self.look())
        await asyncio.gather(*(self._ask(worker, what, self.run) for worker in workers))

    async def leave(self) -> None:
        """Have the workers forget the run, and disconnect; it is not waited for long."""
        if self._client is None:
            return
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LEAVING):
                if self.is_connected:
                    await self.tell_all(station.leave)
                    if self._semaphore is not None:
                        await self._semaphore.close()
        await _close(self._client)

    async def _introduce(self, worker: str) -> None:
        if not await self._is_fit(worker):
            return
        self._fit.add(worker)
        pad = await self._ask(worker, station.greet, self.run, self._recipe, self._most)
        if pad is not None:
            hidden = station.cover(pickle.dumps(self._secret), pad)
            await self._ask(worker, station.hand_over, self.run, hidden)

    async def _is_fit(self, worker: str) -> bool:
        """Return whether a worker answers and is of this version.

        Raises:
            UsageError: it is not.
        """
        asked = self._ask(worker, pkgutil.resolve_name, _VERSION)
        return await _check_version(f"worker {worker}", asked) is not None

    async def _ask(self, worker: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in a worker, past the tasks; return None if there is no answer."""
        call = asyncio.ensure_future(self._client.run(function, *args, workers=[worker]))
        try:
            for _ in range(int(_ANSWER / _PULSE)):
                done, _ = await asyncio.wait([call], timeout=_PULSE)
                if done:
                    return call.result().get(worker)
                if worker not in await self.look():
                    return None
        except OSError:
            return None
        else:
            return None  # it froze
        finally:
            call.cancel()


def _silence() -> None:
    """Keep from the terminal what Dask and its packages say: what matters of it is in our errors."""
    import distributed  # noqa: F401  the import sets the loggers up

    for name in _LOGGERS:
        log = logging.getLogger(name)
        log.handlers, log.propagate = [logging.NullHandler()], False


async def _connect(address: str, seconds: float) -> Any:
    """Return a client of a scheduler.

    Raises:
        UnavailableError: there is none at this address.
        UsageError: it is no address.
    """
    from distributed import Client

    client: Any = None
    try:
        async with asyncio.timeout(seconds + 1):
            client = Client(
                address, asynchronous=True, set_as_default=False, timeout=seconds, name="cartesia"
            )
            await client
    except (OSError, TimeoutError) as error:
        raise UnavailableError(
            f"There is no scheduler at {address}.", hint="Check --cluster, or start one with: dask scheduler"
        ) from error
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(
            f"{address} cannot be the address of a scheduler: {error}.",
            hint="Write it like tcp://HOST:8786; for tls:// the settings of Dask name the certificates.",
        ) from error
    finally:
        if client is not None and client.status != "running":
            await _close(client)
    return client


async def _close(client: Any) -> None:
    """Close a client, whatever became of its scheduler: one that is not closed complains at the end."""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_LEAVING):
            await client.close(_LEAVING / 2)
    await asyncio.sleep(0)  # what it cancelled ends


async def _check_version(who: str, asked: Coroutine[Any, Any, str | None]) -> str | None:
    """Return the version of this program somewhere else, which is ours; None if there was no answer.

    Raises:
        UsageError: it is another one, or missing.
    """
    try:
        version = await asked
    except (ImportError, AttributeError):
        version = ""
    if version not in {None, __version__}:
        found = f"cartesia-cli {version}" if version else "no cartesia-cli"
        raise UsageError(
            f"The {who} has {found}, and this is {__version__}.",
            hint=f"Install the same version on every machine of the cluster, as with: {INSTALL}",
        )
    return version
