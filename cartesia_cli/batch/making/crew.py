"""Jobs done in child processes, so that a voice on this machine speaks on every core."""

import multiprocessing
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NamedTuple, NoReturn

from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.making.workshop import Maker
from cartesia_cli.errors import CartesiaError, UnavailableError

_LEAVING = 5.0
"""Seconds that a child has to leave; it takes away what it has not finished."""


class _Child(NamedTuple):
    process: BaseProcess
    connection: Connection


class Crew:
    """Child processes that do jobs, one at a time each; there are as many as threads that ask at once.

    Args:
        open_maker: called in every child; it must be picklable.
    """

    def __init__(self, open_maker: Callable[[], Maker]) -> None:
        self._open_maker = open_maker
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self._children: set[_Child] = set()
        self._free: list[_Child] = []
        self._is_closed = False

    def make(self, job: Job) -> Made:
        """Have a job done by a child that is free, or a new one.

        Raises:
            CartesiaError: the job failed.
            UnavailableError: the child broke down; the next job gets a new one.
        """
        child = self._take()
        try:
            child.connection.send(job)
            answer = child.connection.recv()
        except (EOFError, OSError) as error:
            self._bury(child)
            failure = UnavailableError(
                f"The process that spoke broke down{_how(child.process)}.",
                hint="Try again; with fewer --jobs if memory is short.",
            )
            failure.is_passing = True
            raise failure from error
        with self._lock:
            self._free.append(child)
        if isinstance(answer, BaseException):
            raise answer
        made: Made = answer
        return made

    def close(self) -> None:
        """End the children: those at rest at once; the others leave what they do, and nothing behind."""
        with self._lock:
            self._is_closed = True
            children, self._children = self._children, set()
            free, self._free = set(self._free), []
        for child in children:
            if child in free:
                child.connection.close()
            else:  # somebody waits for its answer, and is told by its end that there will be none
                child.process.terminate()
        for child in children:
            child.process.join(_LEAVING)
            if child.process.is_alive():
                child.process.kill()
                child.process.join()
            child.connection.close()

    def _take(self) -> _Child:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._is_closed:
                raise UnavailableError("The run is over.")
            ours, theirs = self._context.Pipe()
            process = self._context.Process(
                target=_work, args=(theirs, self._open_maker), name="speaker", daemon=True
            )
            try:
                with _no_signals():
                    process.start()
            except OSError as error:
                raise UnavailableError(
                    f"No further process can be started: {error.strerror or error}.",
                    hint="Give fewer --jobs.",
                ) from error
            finally:
                theirs.close()
            child = _Child(process, ours)
            self._children.add(child)
            return child

    def _bury(self, child: _Child) -> None:
        with self._lock:
            known = child in self._children
            self._children.discard(child)
        if known:
            child.connection.close()
            child.process.join(_LEAVING)


@contextmanager
def _no_signals() -> Iterator[None]:
    """Let what is started in the block never see Ctrl-C: whoever started it decides when it ends."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(process: BaseProcess) -> str:
    """Return how a process ended, as far as it is known."""
    process.join(1)
    code = process.exitcode
    if code is None or code >= 0:
        return f" (status {code})" if code else ""
    with suppress(ValueError):
        return f" ({signal.Signals(-code).name})"
    return ""


def _work(connection: Connection, open_maker: Callable[[], Maker]) -> None:
    """Do jobs until there are no more of them, or nobody is there to give any."""
    signal.signal(signal.SIGTERM, _leave)
    maker: Maker | None = None
    with closing(connection), suppress(EOFError, ConnectionError):
        try:
            while True:
                job = connection.recv()
                try:
                    maker = maker or open_maker()
                    answer: Made | Exception = maker.make(job)
                except CartesiaError as error:
                    answer = error
                except Exception as bug:  # noqa: BLE001  carried to the parent, who raises it
                    answer = _portable(bug)
                    answer.add_note(traceback.format_exc())
                connection.send(answer)
        finally:
            if maker is not None:
                maker.close()


def _portable(bug: Exception) -> Exception:
    """Return an exception that arrives in another process: that of a library may not."""
    try:
        pickle.loads(pickle.dumps(bug))  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever its class does
        return RuntimeError(f"{type(bug).__name__}: {bug}")
    return bug


def _leave(_signum: int, _frame: FrameType | None) -> NoReturn:
    """Leave by way of everything that has to be put away."""
    raise SystemExit(0)
