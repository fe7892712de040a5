"""How many requests may be under way at once: as many as the API takes, found by trying.

Nobody ever waits for a lock here. What is to change goes into one line of changes, and whoever comes by works
it off; so a request may even be given up by the garbage collector while its own thread makes a change. Who
has to wait for a place does so at a queue of its own, into which the word is put.
"""

import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from enum import Enum, auto
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TypeVar

from cartesia_cli.batch.asking.level import MOST_REFUSALS, Level
from cartesia_cli.batch.runner import StoppedError, start_thread
from cartesia_cli.errors import CartesiaError, LimitError
from cartesia_cli.models import Speak, SpeechEvents, SpeechRequest

_Result = TypeVar("_Result")

LONGEST_WISH = 60.0
"""Seconds; a server that asks for a longer pause is not obeyed: as for single requests, in ``api.retry``."""


class Throttle:
    """Gives a place to each request, and asks again what was refused. Safe for use by several threads.

    A refusal (429) halves the places, once for all requests that were begun before the last halving. Each
    success brings one back, up to where the refusal was; from there on it takes many. Places are given in
    the order in which they were asked for.

    Args:
        most: places that there are at first, and never more.
        retries: how often a request is asked again that fails in another way.
        stop: ends all waiting when it is set.
        clock: returns seconds.
        jitter: returns a number from 0 to 1; up to a quarter of each backoff is taken off.

    Raises:
        UnavailableError: the thread that waits for ``stop`` cannot be started.
    """

    def __init__(
        self,
        most: int,
        *,
        retries: int,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._retries = retries
        self._stop = stop or threading.Event()
        self._clock = clock
        self._jitter = jitter

        self._changes: deque[Callable[[], None]] = deque()
        self._changing = threading.Lock()  # is tried, and never waited for; guards all that follows
        self._level = Level(most)
        self._waiting: deque[_Place] = deque()
        self._n_held = 0
        self._not_before = clock()
        self._n_retries = 0
        if stop is not None:
            end = threading.Thread(target=_pass_on, args=(stop, weakref.ref(self)), name="stop", daemon=True)
            start_thread(end)

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return self._level.limit

    @property
    def n_retries(self) -> int:
        """How many requests were asked again, whatever the reason."""
        return self._n_retries

    def wrap(self, speak: Speak) -> Speak:
        """Return ``speak`` with a place for each request, from before its beginning to after its end.

        What fails before its first event is asked again where that may help. What it returns raises
        ``StoppedError`` where it would have to wait after ``stop`` was set, and LimitError where the API
        refuses everything.
        """

        def ask(request: SpeechRequest) -> SpeechEvents:
            tries = _Tries()
            while True:
                is_begun = False
                try:
                    with _Place(self), closing(speak(request)) as events:
                        for event in events:
                            is_begun = True
                            yield event
                except CartesiaError as error:
                    if is_begun:
                        raise
                    self._prepare(tries, error)
                else:
                    return

        return ask

    def call(self, work: Callable[[], _Result]) -> _Result:
        """Return what ``work`` does, with a place while it does it; again, where it fails and that may help.

        Raises:
            LimitError: the API refuses everything.
            CartesiaError: of ``work``.
            StoppedError: ``stop`` is set, and it would have to wait.
        """
        tries = _Tries()
        while True:
            try:
                with _Place(self):
                    return work()
            except CartesiaError as error:
                self._prepare(tries, error)

    def pause(self, n_failures: int) -> None:
        """Wait 0.5, 1, 2, 4, 8, 8, ... seconds, a little less each, before another attempt.

        Args:
            n_failures: how many attempts failed before the last one.

        Raises:
            StoppedError: ``stop`` is set.
        """
        if self._stop.wait(self._backoff(n_failures)):
            raise StoppedError

    def _backoff(self, n_failures: int) -> float:
        return min(0.5 * 2.0 ** min(n_failures, 10), 8.0) * (1 - 0.25 * self._jitter())

    def _prepare(self, tries: "_Tries", error: CartesiaError) -> None:
        """Wait before a request is asked again, without a place.

        Raises:
            CartesiaError: it is not: that is of no use, or was done often enough.
        """
        if _is_refusal(error):
            if self._level.is_hopeless:
                raise _hopeless(error) from error
        elif error.is_passing and tries.n_faults < self._retries:
            tries.n_faults += 1
        else:
            raise error
        self.tell(self._count_retry)
        tries.n_failures += 1
        if not _wish(error):  # which all who wait for a place obey
            self.pause(tries.n_failures - 1)

    # ---- changes

    def tell(self, change: Callable[[], None]) -> None:
        """Make a change, or leave it to the thread that is making one; then give out places."""
        self._changes.append(change)
        while self._changes and self._changing.acquire(blocking=False):
            try:
                while self._changes:
                    self._changes.popleft()()
                self._admit()
            finally:
                self._changing.release()

    def line_up(self, place: "_Place") -> None:
        """Have a place be waited for."""
        self._waiting.append(place)

    def take_back(self, place: "_Place", error: BaseException | None) -> None:
        """Free a place, or have it not be waited for any more; learn from how its request ended."""
        if not place.is_held:
            with suppress(ValueError):  # it was told to stop
                self._waiting.remove(place)
            return
        self._n_held -= 1
        if error is None:
            self._level.succeed(place.begun_at, place.n_begun)
        elif isinstance(error, CartesiaError):
            pause = _wish(error)
            if _is_refusal(error) and self._level.refuse(place.begun_at, place.n_begun):
                n_alone = self._level.n_refusals
                if 0 < n_alone < MOST_REFUSALS:  # there are no fewer places than one: all have to wait
                    pause = max(pause, self._backoff(n_alone - 1))
            self._not_before = max(self._not_before, self._clock() + pause)

    def _count_retry(self) -> None:
        self._n_retries += 1

    def _admit(self) -> None:
        while self._waiting and (self._stop.is_set() or self._n_held < self._level.limit):
            first = self._waiting[0]
            if self._stop.is_set():
                first.told.put(_Word.STOP)
            elif (pause := self._not_before - self._clock()) > 0:
                first.told.put(pause)
                break
            else:
                self._n_held += 1
                first.is_held = True
                first.begun_at, first.n_begun = self._level.n_halvings, self._n_held
                first.told.put(_Word.GO)
            self._waiting.popleft()


class _Word(Enum):
    """What is said to who waits for a place; a number is a pause in seconds."""

    GO = auto()
    STOP = auto()


class _Place:
    """One request's place: waited for by ``with``, given back at its end."""

    def __init__(self, throttle: Throttle) -> None:
        self.told: SimpleQueue[_Word | float] = SimpleQueue()
        self.is_held = False
        self.begun_at = self.n_begun = 0
        """How many halvings there had been by then, and how many places were held."""

        self._throttle = throttle

    def __enter__(self) -> None:
        """Wait for the place.

        Raises:
            StoppedError: the run is stopped.
        """
        try:
            self._throttle.tell(partial(self._throttle.line_up, self))
            self._wait()
        except BaseException as error:  # Ctrl-C, too
            self._throttle.tell(partial(self._throttle.take_back, self, error))
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._throttle.tell(partial(self._throttle.take_back, self, error))

    def _wait(self) -> None:
        pause: float | None = None
        while True:
            try:
                word = self.told.get(timeout=pause)
            except Empty:
                pause = None
                self._throttle.tell(_nothing)  # but it is time to give out places
                continue
            if word is _Word.GO:
                return
            if word is _Word.STOP:
                raise StoppedError
            pause = word


class _Tries:
    """What became of one request so far."""

    def __init__(self) -> None:
        self.n_failures = 0
        self.n_faults = 0
        """Those that were no refusals."""


def _nothing() -> None:
    pass


def _pass_on(stop: threading.Event, throttle: "weakref.ref[Throttle]") -> None:
    """Tell those who wait for a place that the run is stopped, once it is."""
    stop.wait()
    if (alive := throttle()) is not None:
        alive.tell(_nothing)


def _is_refusal(error: CartesiaError) -> bool:
    return isinstance(error, LimitError) and error.is_passing is not False


def _wish(error: CartesiaError) -> float:
    """Return the seconds that a server asks all to wait; 0 if it does not, or is not obeyed."""
    wish = error.retry_after or 0.0
    return wish if wish <= LONGEST_WISH else 0.0


def _hopeless(error: CartesiaError) -> LimitError:
    final = LimitError(
        f"The API refused {MOST_REFUSALS} requests in a row, one at a time: {str(error).removesuffix('.')}.",
        hint="Lower --jobs, or try again later: the same command goes on where it stopped.",
        title=error.title,
        code=error.code,
        request_id=error.request_id,
    )
    final.is_passing = False
    return final
