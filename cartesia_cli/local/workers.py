"""Who does the heavy work: the thread that asks, or others; and work on every core, in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_THREADS = 8


class Work(Protocol):
    """Has work done. One who has much to do at once may give turns."""

    def __call__(self, work: Callable[[], Result], due: float, /) -> Result:
        """Return what ``work`` returns, or raise what it raises; ``work`` itself has nothing else done here.

        Args:
            work: a twentieth of a second, or a few.
            due: when somebody waits for the result, on the clock of ``time.monotonic``; the past is now.
        """


def at_once(work: Callable[[], Result], _due: float, /) -> Result:
    """Do some work here and now. Fits ``Work``."""
    return work()


def work_in_order(
    items: Iterable[Item], work: Callable[[Item], Result], n_threads: int | None = None
) -> Iterator[Result]:
    """Yield the result of ``work`` for each item, in order.

    Items are taken only as fast as they are worked on, so that memory does not grow with their number.

    Args:
        items: any number of them.
        work: called by several threads at once.
        n_threads: by default as many as there are cores, and at most 8.
    """
    n_threads = n_threads or min(_MOST_THREADS, count_cores())
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(n_threads, "recognizer")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            while len(waiting) > n_threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
