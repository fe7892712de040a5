"""Work in turns: as much of it at once as there are cores, what is waited for first."""

import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, TypeVar

from cartesia_cli.local.workers import count_cores
from cartesia_cli.memory import return_memory

Result = TypeVar("Result")

_PATIENCE = 5.0
"""Seconds after which work that was not due has waited long enough."""

_IDLE = 5.0


class Turnstile:
    """Fits ``local.workers.Work``: does the work of many threads on a few, one task of each at a time.

    What is due earlier goes first: a listener who has heard nothing yet goes before one who has sound left.
    Nothing is put off by more than five seconds for that. That few threads work keeps the memory small, for
    the C library keeps what each thread has freed, until nothing is left to do.

    Args:
        n_workers: how many tasks are worked on at once; by default one for each core.
        idle: seconds after which a thread without work ends.
        clock: seconds; the clock of what is due.
    """

    def __init__(
        self,
        n_workers: int | None = None,
        *,
        idle: float = _IDLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._n_workers = n_workers or count_cores()
        self._idle = idle
        self._clock = clock
        self._changed = Condition()
        self._waiting: list[_Task] = []
        self._numbers = itertools.count()
        self._n_threads = self._n_idle = 0

    def __call__(self, work: Callable[[], Result], due: float, /) -> Result:
        """Return what ``work`` returns, or raise what it raises, once it had its turn."""
        done: Future[Result] = Future()
        with self._changed:
            now = self._clock()
            # Who is late already is not more urgent for that: they would all be late in the end.
            task = _Task(min(max(due, now), now + _PATIENCE), next(self._numbers), work, done)
            heapq.heappush(self._waiting, task)
            self._changed.notify()
            if len(self._waiting) > self._n_idle and self._n_threads < self._n_workers:
                Thread(target=self._run, name="worker", daemon=True).start()
                self._n_threads += 1
        return done.result()

    def _run(self) -> None:
        while self._run_next():
            pass
        return_memory()

    def _run_next(self) -> bool:
        """Do the most urgent work; False if there was none for some time."""
        with self._changed:
            self._n_idle += 1
            is_work = self._changed.wait_for(lambda: self._waiting, self._idle)
            self._n_idle -= 1
            if not is_work:
                self._n_threads -= 1
                return False
            task = heapq.heappop(self._waiting)
        task.run()
        return True


@dataclass(frozen=True, slots=True, order=True)
class _Task:
    """Somebody's work; the smallest is the most urgent."""

    due: float
    number: int
    work: Callable[[], Any] = field(compare=False)
    done: "Future[Any]" = field(compare=False)

    def run(self) -> None:
        try:
            result = self.work()
        except BaseException as error:  # noqa: BLE001  it is raised to who waits
            self.done.set_exception(error)
        else:
            self.done.set_result(result)
