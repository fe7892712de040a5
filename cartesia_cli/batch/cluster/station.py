"""The part of a run on a cluster that is in each worker process: its workshop, and the key that it was sent.

What is here runs in Dask's workers. ``do`` is a task, in one of the threads for them; ``greet``,
``hand_over``, ``finish`` and ``leave`` are called past the tasks, in the thread of the worker's event loop.
"""

import hashlib
import os
import pickle
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.batch.making.recipe import Gate
from cartesia_cli.batch.making.workshop import Maker
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.runner import StoppedError
from cartesia_cli.credentials.finding import KEY_VARIABLE
from cartesia_cli.errors import CartesiaError, UnavailableError
from cartesia_cli.files import Signature

if TYPE_CHECKING:
    from distributed import Semaphore, Worker

Marks = tuple[Signature | None, ...]
"""What was at the names of a job's files."""

_LEASE = 5.0
"""Seconds that a request waits at the gate before it looks whether the run still goes on."""

_FORGOTTEN = 600.0
"""Seconds without a job after which a station closes: nobody may be there any more to tell it."""


class Recipe(Protocol):
    """How the files of a run are made; picklable, and without any secret."""

    @property
    def target(self) -> str:
        """Where they go: a URL, or a folder that all workers share."""

    def open(self, secret: Any, /, *, gate: Gate, stop: threading.Event) -> Maker:
        """Return what makes them, until ``stop`` is set; then it may raise ``StoppedError``.

        Args:
            secret: what the coordinator has for it; None if this worker has a key of its own.
            gate: to be held around each request to the API.
            stop: is set when the run ends.

        Raises:
            CartesiaError: this worker cannot make anything.
        """


State = Literal["made", "failed", "left", "unready", "unusable"]


@dataclass(frozen=True, slots=True)
class Reply:
    """How an attempt at a job ended."""

    worker: str
    """Its address."""

    state: State
    """``unready``: the worker knows nothing of the run. ``unusable``: it can make nothing."""

    made: Made | None = None
    error: CartesiaError | None = None


class _Station:
    """A run's place in one worker process."""

    def __init__(self, recipe: Recipe, gate: "Semaphore", worker: "Worker") -> None:
        self._recipe = recipe
        self._semaphore = gate
        self._worker = worker
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._workshop: Maker | None = None
        self._n_busy = 0
        self._n_done = 0
        self.pad = None if os.environ.get(KEY_VARIABLE) else secrets.token_bytes()
        self.secret: Any = None
        self.is_ready = self.pad is None
        self.stop = threading.Event()

    def do(self, job: Job, before: Marks) -> Reply:
        """Do a job, in any thread."""
        with self._lock:
            if self.stop.is_set():
                return self._reply("left")
            self._n_busy += 1
        try:
            return self._attempt(job, before)
        except StoppedError:
            return self._reply("left")
        finally:
            with self._lock:
                self._n_busy -= 1
                self._n_done += 1
            self._close_if_over()

    def end(self) -> None:
        """Let nothing more begin; when the last job is done everything is put away."""
        self.stop.set()
        self.secret = None
        self._close_if_over()

    def forget_if_idle(self, run: str, n_done: int = -1) -> None:
        """Close if nothing was done since the last time; otherwise come back."""
        if _STATIONS.get(run) is not self:
            return
        if self._n_busy == 0 and self._n_done == n_done:
            leave(run)
        else:
            self._worker.loop.call_later(_FORGOTTEN, self.forget_if_idle, run, self._n_done)

    def _attempt(self, job: Job, before: Marks) -> Reply:
        try:
            workshop = self._open()
        except CartesiaError as error:
            cause = f"The worker {self._worker.address} can make nothing. {error}"
            return self._reply("unusable", error=type(error)(cause, hint=error.hint))
        try:
            return self._reply("made", made=self._find(job, before) or workshop.make(job))
        except CartesiaError as error:
            return self._reply("failed", error=error)

    def _open(self) -> Maker:
        with self._opening:
            if self._workshop is None:
                self._place = open_place(self._recipe.target)
                self._workshop = self._recipe.open(self.secret, gate=self._gate, stop=self.stop)
            return self._workshop

    def _find(self, job: Job, before: Marks) -> Made | None:
        """Return what became of a job that was done by a worker which is lost; None if it was not.

        Its files changed since the run looked at them. Who wrote them got no further than that.
        """
        found: list[MadeFile] = []
        for name, mark in reversed(tuple(zip(job.names, before, strict=True))):
            now = self._place.signature(name)
            if now is None or now == mark:  # the last one is written last
                return None
            found.append(MadeFile(now, self._place.digest(name) or ""))
        lost = "A worker that was lost had made it; how long it is and what it cost is not known."
        return Made("done", None, tuple(reversed(found)), warnings=(lost,))

    @contextmanager
    def _gate(self) -> Iterator[None]:
        self._acquire()
        try:
            yield
        finally:
            self._semaphore.release()

    def _acquire(self) -> None:
        while not self.stop.is_set():
            try:
                if self._semaphore.acquire(timeout=_LEASE):
                    return
            except (OSError, RuntimeError, KeyError) as error:  # the scheduler, or its semaphore, is gone
                if self.stop.is_set():
                    break
                raise UnavailableError(
                    "The scheduler of the cluster went away.", hint="Start it, then run the command again."
                ) from error
        raise StoppedError

    def _close_if_over(self) -> None:
        with self._lock:
            if not self.stop.is_set() or self._n_busy:
                return
            workshop, self._workshop = self._workshop, None
        # Its leases would be renewed for as long as the worker lives.
        self._worker.loop.add_callback(self._semaphore.refresh_callback.stop)
        if workshop is not None:
            workshop.close()
            self._place.close()

    def _reply(self, state: State, *, made: Made | None = None, error: CartesiaError | None = None) -> Reply:
        return Reply(self._worker.address, state, made, error)


_STATIONS: dict[str, _Station] = {}
"""By the run."""


def greet(run: str, recipe: Recipe, most: int, dask_worker: "Worker") -> bytes | None:
    """Learn of a run; return a pad to hide the secret with, None if there is no need of it.

    Dask itself adds the worker.
    """
    from distributed import Semaphore

    station = _STATIONS.get(run)
    if station is None:
        gate = Semaphore(most, gate_name(run), scheduler_rpc=dask_worker.scheduler, loop=dask_worker.loop)
        station = _STATIONS[run] = _Station(recipe, gate, dask_worker)
        station.forget_if_idle(run)
    return station.pad


def hand_over(run: str, hidden: bytes) -> None:
    """Take the secret of a run, hidden with the pad that this worker gave."""
    station = _STATIONS.get(run)
    if station is not None and station.pad is not None:
        station.secret = pickle.loads(cover(hidden, station.pad))  # noqa: S301  so does all of Dask
        station.pad, station.is_ready = None, True


def finish(run: str) -> None:
    """Let the jobs that are under way be the last of a run."""
    if run in _STATIONS:
        _STATIONS[run].end()


def leave(run: str) -> None:
    """Forget a run."""
    station = _STATIONS.pop(run, None)
    if station is not None:
        station.end()


def do(run: str, job: Job, before: Marks) -> Reply:
    """Do a job of a run; this is the task."""
    from distributed import get_worker

    station = _STATIONS.get(run)
    if station is None or not station.is_ready:
        return Reply(get_worker().address, "unready")
    return station.do(job, before)


def gate_name(run: str) -> str:
    """Return the name of the semaphore of a run."""
    return f"cartesia-{run}"


def cover(data: bytes, pad: bytes) -> bytes:
    """Hide data, or show it again.

    A scheduler may be told to log every message: so none has a secret as it is. Whoever can read the network
    between the machines is kept out by TLS alone.
    """
    stream = hashlib.shake_256(pad).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))
