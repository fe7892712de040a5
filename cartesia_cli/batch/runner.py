"""Many jobs on a few threads; their outcomes keep the order of the jobs.

The consumer's thread reads the jobs and puts them into one queue. The workers take them from there, and tell
in another what has ended. So jobs begin in their order, and the one that is waited for has always begun.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, OutputError, UnavailableError

Job = TypeVar("Job")
Result = TypeVar("Result")

_AHEAD = 512
"""Jobs held beyond those of the workers, so that nobody idles while the first of them takes long."""

_IN_VAIN = 8
"""Jobs, and one for each worker, that fail in a row for want of an answer: then there will be none."""


class StoppedError(Exception):
    """Raised by work that gave up because the run was stopped: its job is left for another run."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Job, Result]):
    """How one job ended: with a result, with an error, or not at all."""

    job: Job
    result: Result | None = None
    error: CartesiaError | None = None
    is_left: bool = False
    """Whether the run was stopped before it: there is neither a result nor an error."""


def run_jobs(
    jobs: Iterable[Job | Outcome[Job, Result]],
    work: Callable[[Job], Result],
    *,
    n_workers: int,
    ahead: int | None = None,
    stop: threading.Event | None = None,
) -> Generator[Outcome[Job, Result], None, None]:
    """Yield one outcome for each job that was read, in the order of ``jobs``.

    A job that fails does not stop the others. What would fail every job does: a missing or refused key, a
    limit that no waiting helps against, a full disk, no answer to any job, an exception that is not ours. It
    is raised once all that was begun has been told, and its own job is left. Closing the generator stops the
    run too, without waiting.

    Args:
        jobs: read in the consumer's thread as they are needed; may be endless. What has an outcome already
            is passed on in its place.
        work: does one job, in any thread. It may raise ``StoppedError`` once ``stop`` is set.
        n_workers: how many are done at a time, at least 1.
        ahead: how many are held beyond the one that is waited for; None for 512 and one for each worker.
        stop: ends the run when it is set: no more jobs are read, those not begun are left, those under way
            are waited for. A run that ends before its time sets it.

    Raises:
        CredentialsError, LimitError, OutputError, UnavailableError: every other job would fail with it, or
            there is no thread to do any.
        CartesiaError: of ``jobs``.
    """
    workers = _Workers(work, n_workers, stop or threading.Event())
    ahead = n_workers + _AHEAD if ahead is None else ahead
    source = iter(jobs)
    held: deque[_Task[Job, Result]] = deque()
    failure: BaseException | None = None
    is_read = False
    try:
        while True:
            while len(held) <= ahead and not (is_read or workers.stop.is_set()):
                try:
                    item = next(source)
                    held.append(_Task(item.job, item) if isinstance(item, Outcome) else workers.begin(item))
                except StopIteration:
                    is_read = True
                except CartesiaError as error:
                    failure = error
                    workers.stop.set()
            if not held:
                break
            task = held.popleft()
            ending = workers.wait_for(task)
            if isinstance(ending, BaseException):
                failure = failure or ending
                ending = Outcome(task.job, is_left=True)
            yield ending
    except BaseException:  # the consumer's, too: closed, or Ctrl-C
        workers.stop.set()
        raise
    finally:
        workers.dismiss()
    if failure is not None:
        raise failure


@dataclass(slots=True)
class _Task(Generic[Job, Result]):
    """A job that a worker has, or will have."""

    job: Job
    ending: Outcome[Job, Result] | BaseException | None = None
    """None where it is not known yet; an exception if it is one that ends the run."""


class _Workers(Generic[Job, Result]):
    """Threads, and what goes to them and comes back. They are no daemons: a job under way may end."""

    def __init__(self, work: Callable[[Job], Result], n_workers: int, stop: threading.Event) -> None:
        self.stop = stop
        self._work = work
        self._n_missing = n_workers
        self._n_hired = 0
        self._n_in_vain = 0
        self._most_in_vain = n_workers + _IN_VAIN
        self._todo: SimpleQueue[_Task[Job, Result] | None] = SimpleQueue()
        self._ended: SimpleQueue[tuple[_Task[Job, Result], Outcome[Job, Result] | BaseException]] = (
            SimpleQueue()
        )

    # ---- the consumer's thread

    def begin(self, job: Job) -> _Task[Job, Result]:
        """Have a job done when a worker is free.

        Raises:
            UnavailableError: there will be no worker.
        """
        task: _Task[Job, Result] = _Task(job)
        self._todo.put(task)
        if self._n_missing:
            self._hire()
        return task

    def wait_for(self, task: _Task[Job, Result]) -> Outcome[Job, Result] | BaseException:
        """Return how a task ended, once it has; note those that end before it."""
        while task.ending is None:
            other, ending = self._ended.get()
            other.ending = ending
        return task.ending

    def dismiss(self) -> None:
        """Send the workers home, once they have no more to do."""
        self._todo.put(None)

    def _hire(self) -> None:
        """Start another worker; where the system has no more threads, those that there are do.

        Raises:
            UnavailableError: there is none.
        """
        try:
            start_thread(threading.Thread(target=self._serve, name="job"))
        except UnavailableError:
            if not self._n_hired:
                raise
            self._n_missing = 0
        else:
            self._n_hired += 1
            self._n_missing -= 1

    # ---- the workers' threads

    def _serve(self) -> None:
        while (task := self._todo.get()) is not None:
            self._ended.put((task, self._attempt(task.job)))
        self._todo.put(None)  # for the next of them

    def _attempt(self, job: Job) -> Outcome[Job, Result] | BaseException:
        if self.stop.is_set():
            return Outcome(job, is_left=True)
        try:
            result = self._work(job)
            self._n_in_vain = 0
            return Outcome(job, result)
        except StoppedError:
            return Outcome(job, is_left=True)
        except BaseException as error:  # noqa: BLE001  it is raised where the outcomes are read
            if isinstance(error, CartesiaError) and not (fails_all(error) or self._is_in_vain(error)):
                return Outcome(job, error=error)
            self.stop.set()
            return error

    def _is_in_vain(self, error: CartesiaError) -> bool:
        """Return whether so many jobs in a row had no answer that the others will have none either."""
        if not (isinstance(error, UnavailableError) and error.is_passing):
            return False
        self._n_in_vain += 1  # of several threads: one more or less does not matter
        return self._n_in_vain >= self._most_in_vain


def start_thread(thread: threading.Thread) -> None:
    """Start a thread.

    Raises:
        UnavailableError: there is no memory for it, or there are as many as may be.
    """
    try:
        thread.start()
    except RuntimeError as error:
        raise UnavailableError(
            f"No thread can be started: {error}.",
            hint="Free some memory, or raise the limit of processes (ulimit -u, or that of the container).",
        ) from error


def fails_all(error: CartesiaError) -> bool:
    """Return whether every other job would fail with this, too."""
    is_final = error.is_passing is False
    return isinstance(error, CredentialsError) or (isinstance(error, (LimitError, OutputError)) and is_final)
