"""Jobs done by the workers of a Dask cluster; their outcomes keep the order of the jobs.

The event loop of Dask's client runs in the consumer's thread, while that waits for outcomes. In a task is
a job and nothing else: recipe and secret go to each worker directly, see ``batch.station``.
"""

import asyncio
import pickle
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

from cartesia_cli.batch.cluster import station
from cartesia_cli.batch.cluster.members import Members
from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.journal import Place
from cartesia_cli.batch.packages import INSTALL, has_cluster
from cartesia_cli.batch.runner import Outcome, fails_all
from cartesia_cli.errors import UnavailableError, UsageError

_AHEAD = 512
"""Jobs held beyond the one that is waited for."""

_PER_THREAD = 2
"""Jobs under way for each thread of the cluster, so that none waits for the next."""

_TICK = 0.2
"""Seconds between two looks at whether the run shall stop."""

_LOOK = 1.0
"""Seconds between two looks at the cluster."""

_MOST_DEATHS = 2
"""How often a job is given anew to a cluster that lost as many workers with it as its settings allow."""

_MOST_ATTEMPTS = 100
"""At a job whose workers are never ready for it."""


def run_on_cluster(
    address: str,
    recipe: station.Recipe,
    jobs: Iterable[Job | Outcome[Job, Made]],
    *,
    secret: Any,
    most: int,
    place: Place,
    stop: Event | None = None,
    patience: float = 60.0,
) -> Generator[Outcome[Job, Made], None, None]:
    """Yield one outcome for each job that was read, in the order of ``jobs``, as ``run_jobs`` does.

    Closing the generator stops the run: what waits is withdrawn, and a worker ends after the job or the
    request that it is at.

    Args:
        address: of the scheduler, like ``tcp://HOST:8786``.
        recipe: how the files are made.
        jobs: read in the consumer's thread, as they are needed; may be endless. What has an outcome already
            is passed on in its place.
        secret: for workers that have no key of their own; picklable. It stands in no message as it is.
        most: how many requests may be under way in the whole cluster.
        place: where the files go. A job is given away with what is there then, so that one whose worker was
            lost when its files were written is not done twice.
        stop: ends the run when it is set, and is set when the run ends before its time.
        patience: seconds for which there may be no worker.

    Raises:
        UsageError: a package is missing, here or there, or is of another version there.
        UnavailableError: the scheduler cannot be reached, or went away; or there are no workers.
        CredentialsError, LimitError, OutputError: every other job would fail with it too.
        CartesiaError: of ``jobs``; what is under way is withdrawn.
    """
    if not has_cluster():
        raise UsageError("A cluster needs more packages.", hint=f"Install them with: {INSTALL}")
    stop = stop or Event()
    source = iter(jobs)
    held: deque[_Task] = deque()
    with asyncio.Runner() as runner:
        cluster = _Cluster(address, Members(address, recipe, secret, most), stop, patience)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of versions that differ
                runner.run(cluster.join())
            while True:
                read = list(_read(source, place, stop, _AHEAD + 1 - len(held), cluster.n_free))
                held += read
                if not held:
                    break
                begun = [task for task in read if task.outcome is None]
                runner.run(cluster.advance(begun, waits=held[0].outcome is None))
                while held and (outcome := held[0].outcome) is not None:
                    held.popleft()
                    yield outcome
        except BaseException:  # the consumer's, too: closed, or Ctrl-C
            stop.set()
            raise
        finally:
            runner.run(cluster.leave())
    if cluster.failure is not None:
        raise cluster.failure


@dataclass(eq=False, slots=True)
class _Task:
    """A job that the cluster has."""

    job: Job
    before: station.Marks
    """What was where its files go, when it was read."""

    outcome: Outcome[Job, Made] | None = None


class _Cluster:
    """The jobs of a run that a cluster has. All of it is called in the runner's event loop."""

    def __init__(self, address: str, members: Members, stop: Event, patience: float) -> None:
        self.failure: BaseException | None = None
        """What ended the run before its time."""

        self._address = address
        self._members = members
        self._stop = stop
        self._patience = patience
        self._attempts: set[asyncio.Task[Outcome[Job, Made]]] = set()
        self._changed = asyncio.Event()
        self._looked_at = self._manned_at = time.monotonic()
        self._is_finishing = False

    @property
    def n_free(self) -> int:
        """How many jobs more the cluster should have."""
        return max(0, max(1, self._members.n_threads) * _PER_THREAD - len(self._attempts))

    async def join(self) -> None:
        """Connect, wait for workers, and tell them of the run.

        Raises:
            UsageError, UnavailableError: the jobs cannot be done there.
        """
        await self._members.join(self._patience)
        while not (workers := await self._look()):
            if self.failure is not None:
                raise self.failure
            await asyncio.sleep(_TICK)
        await asyncio.gather(*map(self._members.welcome, workers))

    async def advance(self, begun: Iterable[_Task], *, waits: bool) -> None:
        """Give new jobs to the cluster; then wait for something to change, but for a moment at most."""
        self._changed.clear()
        for task in begun:
            attempt = asyncio.create_task(self._see_through(task))
            self._attempts.add(attempt)
            attempt.add_done_callback(partial(self._note, task))
        if self._stop.is_set() and not self._is_finishing:
            self._is_finishing = True
            await self._members.tell_all(station.finish)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK if waits else 0):
                await self._changed.wait()
        if time.monotonic() - self._looked_at > _LOOK:
            await self._look()

    async def leave(self) -> None:
        """Withdraw what waits, and part from the cluster."""
        for attempt in self._attempts:
            attempt.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)
        await self._members.leave()

    async def _see_through(self, task: _Task) -> Outcome[Job, Made]:
        """Have a job done, by another worker if one is lost.

        Raises:
            CartesiaError: every other job would fail with it too.
        """
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        n_deaths = 0
        for i in range(_MOST_ATTEMPTS):
            if self._stop.is_set():
                return Outcome(task.job, is_left=True)
            try:
                reply = await self._attempt(task, i)
            except KilledWorker:
                n_deaths += 1
                if n_deaths > _MOST_DEATHS:
                    await self._members.check()
                    break
                # Others were lost with it: one of them is to blame, and they had better not meet again.
                await asyncio.sleep(_TICK * (task.job.line % 8))
                continue
            except CommClosedError as broken:  # on the way to the scheduler, or to a result
                await asyncio.sleep(_TICK)
                if not self._members.is_connected:
                    raise self._lost() from broken
                continue
            if reply.error is not None:
                if reply.state == "unusable" or fails_all(reply.error):
                    raise reply.error
                return Outcome(task.job, error=reply.error)
            if reply.state != "unready":
                return Outcome(task.job, reply.made, is_left=reply.state == "left")
            await self._members.welcome(reply.worker)
            await asyncio.sleep(_TICK * min(i, 10) / 10)
        error = UnavailableError(
            "Every worker that tried it was lost." if n_deaths else "No worker became ready for it.",
            hint="The logs of the workers may tell why; then run the command again.",
        )
        return Outcome(task.job, error=error)

    async def _attempt(self, task: _Task, i: int) -> station.Reply:
        """Have a job tried once.

        Raises:
            KilledWorker: as many workers as the scheduler allows were lost with it.
            UnavailableError: the scheduler went away.
            UsageError: a worker is not fit.
        """
        from distributed.client import FutureCancelledError

        run = self._members.run
        key = (station.gate_name(run), task.job.line, i)
        future = self._members.submit(key, station.do, run, task.job, task.before)
        try:
            reply: station.Reply = await future
        except FutureCancelledError as error:
            raise self._lost() from error
        except (ImportError, AttributeError, TypeError, pickle.UnpicklingError):
            # It joined late and is of another version; mostly it ends, as it cannot read what it is to do.
            await self._members.check()
            raise
        finally:
            future.release()
        return reply

    def _note(self, task: _Task, attempt: "asyncio.Task[Outcome[Job, Made]]") -> None:
        self._attempts.discard(attempt)
        self._changed.set()
        error = None if attempt.cancelled() else attempt.exception()
        if attempt.cancelled() or error is not None:
            task.outcome = Outcome(task.job, is_left=True)
        else:
            task.outcome = attempt.result()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self._stop.set()
        self._changed.set()

    def _give_up(self, error: UnavailableError) -> None:
        """Wait no longer for what is under way."""
        self._fail(error)
        for attempt in self._attempts:
            attempt.cancel()

    def _lost(self) -> UnavailableError:
        return UnavailableError(
            f"The scheduler at {self._address} went away.",
            hint="Run the command again when it is back: it does what is missing.",
        )

    async def _look(self) -> list[str]:
        """Return the workers that there are; end the run if it would have no end of its own."""
        workers = await self._members.look()
        self._looked_at = time.monotonic()
        if workers:
            self._manned_at = self._looked_at
        if not self._members.is_connected:
            self._give_up(self._lost())
        elif self._looked_at - self._manned_at > self._patience:
            self._give_up(
                UnavailableError(
                    f"The cluster at {self._address} has no workers.",
                    hint="Start some on any machine, with: dask worker ADDRESS",
                )
            )
        return workers


def _read(
    source: Iterator[Job | Outcome[Job, Made]], place: Place, stop: Event, most: int, n_free: int
) -> Iterator[_Task]:
    """Yield what comes next; among it no more jobs than there is room for. An outcome takes none."""
    for _ in range(most):
        if stop.is_set() or not n_free:
            return
        item = next(source, None)
        if item is None:
            return
        if isinstance(item, Outcome):
            yield _Task(item.job, (), item)
        else:
            n_free -= 1
            yield _Task(item, tuple(place.signature(name) for name in item.names))
