"""A bounded pool of workers that keeps the order of its jobs."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from cartesia_cli.errors import CartesiaError, CredentialsError

Job = TypeVar("Job")
Result = TypeVar("Result")

_AHEAD = 2
"""Jobs taken on for each worker, so that none waits for the reader of the outcomes."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Job, Result]):
    """How one job ended: with a result or with an error."""

    job: Job
    result: Result | None = None
    error: CartesiaError | None = None


def run_jobs(
    jobs: Iterable[Job], work: Callable[[Job], Result], *, n_workers: int
) -> Generator[Outcome[Job, Result], None, None]:
    """Yield one outcome for each job, in the order of ``jobs``; ``jobs`` is read as it is needed.

    A job that fails does not stop the others. What would fail every job does: a
    missing or refused key. So does an exception that is not ours, which is a bug.

    Args:
        jobs: may be endless; at most ``2 × n_workers`` are held.
        work: does one job, in any thread.
        n_workers: how many are done at a time.

    Raises:
        CredentialsError: the key is of no use for any job.
    """

    def attempt(job: Job) -> Outcome[Job, Result]:
        try:
            return Outcome(job, result=work(job))
        except CredentialsError:
            raise
        except CartesiaError as error:
            return Outcome(job, error=error)

    waiting = iter(jobs)
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="job")
    running: deque[Future[Outcome[Job, Result]]] = deque(
        pool.submit(attempt, job) for job in islice(waiting, n_workers * _AHEAD)
    )
    try:
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(attempt, job) for job in islice(waiting, 1))
    finally:  # Ctrl-C, or an error for all: what runs may end, what waits never starts
        pool.shutdown(wait=False, cancel_futures=True)
