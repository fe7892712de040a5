"""Whose work is done when: a few threads for the work of many."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

import pytest

from cartesia_cli.errors import UsageError
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest, TextPiece
from cartesia_cli.server.speech.turnstile import Turnstile
from tests.fakes.waiting import eventually

Result = TypeVar("Result")

PATIENCE = 10.0
TEXT = "Good morning. The kettle is on. Sit down."


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Recorder:
    """Work that says in which order it was done."""

    done: list[str] = field(default_factory=list)

    def task(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)


@contextmanager
def occupied(turnstile: Turnstile) -> Iterator[None]:
    """Keep one worker busy until the end of the block."""
    begun, over = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert over.wait(PATIENCE)

    thread = threading.Thread(target=turnstile, args=(work, 0.0))
    thread.start()
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)


def n_waiting(turnstile: Turnstile) -> int:
    return len(turnstile._waiting)  # noqa: SLF001  nothing else says that a thread has come so far


class Queue:
    """Threads that come to a turnstile one after the other."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._pool = ThreadPoolExecutor(16)
        self._results: list[Future[None]] = []

    def add(self, work: Callable[[], None], due: float) -> None:
        before = n_waiting(self._turnstile)
        self._results.append(self._pool.submit(self._turnstile, work, due))
        assert eventually(lambda: n_waiting(self._turnstile) > before)

    def finish(self) -> None:
        for result in self._results:
            result.result(PATIENCE)
        self._pool.shutdown()


def test_what_work_returns_is_returned_and_what_it_raises_is_raised() -> None:
    turnstile = Turnstile(1, idle=0.01)

    def fail() -> None:
        raise UsageError("No.")

    assert turnstile(lambda: 7, 0.0) == 7
    with pytest.raises(UsageError, match="No"):
        turnstile(fail, 0.0)
    assert turnstile(lambda: 8, 0.0) == 8


@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_as_much_is_worked_on_at_once_as_there_are_workers(n_workers: int) -> None:
    turnstile, lock = Turnstile(n_workers, idle=0.01), threading.Lock()
    now, most = 0, 0
    together = threading.Barrier(n_workers, timeout=PATIENCE)

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()  # only passes if so many are here at once
        with lock:
            now -= 1

    with ThreadPoolExecutor(12) as pool:
        for result in [pool.submit(turnstile, work, 0.0) for _ in range(12)]:
            result.result(PATIENCE)

    assert most == n_workers


def test_what_is_due_first_is_done_first() -> None:
    clock, recorder = Clock(), Recorder()
    turnstile = Turnstile(1, idle=0.01, clock=clock)
    queue = Queue(turnstile)

    with occupied(turnstile):
        queue.add(recorder.task("in three seconds"), 103.0)
        queue.add(recorder.task("now"), 100.0)
        queue.add(recorder.task("also now"), 100.0)
        queue.add(recorder.task("in a second"), 101.0)
    queue.finish()

    assert recorder.done == ["now", "also now", "in a second", "in three seconds"]


def test_who_is_late_already_waits_in_line() -> None:
    clock, recorder = Clock(), Recorder()
    turnstile = Turnstile(1, idle=0.01, clock=clock)
    queue = Queue(turnstile)

    with occupied(turnstile):
        queue.add(recorder.task("now"), 100.0)
        queue.add(recorder.task("a minute ago"), 40.0)
    queue.finish()

    assert recorder.done == ["now", "a minute ago"]


def test_nobody_is_put_off_for_ever() -> None:
    clock, recorder = Clock(), Recorder()
    turnstile = Turnstile(1, idle=0.01, clock=clock)
    queue = Queue(turnstile)

    with occupied(turnstile):
        queue.add(recorder.task("not urgent"), inf)
        clock.now += 4
        queue.add(recorder.task("urgent soon after"), 104.0)
        clock.now += 2
        queue.add(recorder.task("urgent long after"), 106.0)
    queue.finish()

    assert recorder.done == ["urgent soon after", "not urgent", "urgent long after"]


def test_threads_without_work_end() -> None:
    turnstile = Turnstile(2, idle=0.01)
    names: set[threading.Thread] = set()

    turnstile(lambda: names.add(threading.current_thread()), 0.0)

    (worker,) = names
    assert worker is not threading.current_thread()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert turnstile(lambda: "again", 0.0) == "again"


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    """An engine whose work is done by one worker."""
    found = LocalEngine(work=Turnstile(1, idle=0.1))
    found.load()
    return found


def request(text: str = TEXT) -> SpeechRequest:
    return SpeechRequest(text, "heart", AudioFormat(), word_timestamps=True)


def test_speech_is_the_same_whoever_works(engine: LocalEngine) -> None:
    assert list(engine.synthesize(request())) == list(LocalEngine().synthesize(request()))


def test_who_does_not_listen_keeps_nobody_waiting(engine: LocalEngine) -> None:
    slow = engine.synthesize(request())
    assert isinstance(next(slow), AudioChunk)

    assert list(engine.synthesize(request()))

    slow.close()


def test_who_waits_for_text_keeps_nobody_waiting(engine: LocalEngine) -> None:
    asked, over = threading.Event(), threading.Event()

    def pieces() -> Iterator[TextPiece]:
        yield "Good morning. And"
        asked.set()
        assert over.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: list(engine.stream(request(), pieces())))
        assert asked.wait(PATIENCE)
        assert list(engine.synthesize(request()))
        assert not waiting.done()
        over.set()
        assert waiting.result(PATIENCE)


def test_a_first_sound_is_due_at_once_and_the_rest_when_it_is_over() -> None:
    dues: list[float] = []

    def work(task: Callable[[], Result], due: float) -> Result:
        dues.append(due - time.monotonic())
        return task()

    assert list(LocalEngine(work=work).synthesize(request()))

    first, second, third = dues
    assert -0.1 < first <= 0.0
    assert 0.2 < second < third < 5.0
