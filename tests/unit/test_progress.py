"""How far a run is: on one line of the terminal, and now and then where no person looks."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Iterator

import pytest

from cartesia_cli import console
from cartesia_cli.commands._columns import columns_of
from cartesia_cli.commands._progress import Progress
from tests.fakes.waiting import eventually

NEW_PICTURE = "\r\x1b[2K"


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(threading.Thread):
    """A terminal that stands in for standard error, and somebody who looks at it."""

    def __init__(self, columns: int) -> None:
        super().__init__(daemon=True)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.file = os.fdopen(theirs, "w", encoding="utf-8")
        self._data = b""

    def run(self) -> None:
        with contextlib.suppress(OSError):  # the other side is closed
            while piece := os.read(self._ours, 4096):
                self._data += piece
        os.close(self._ours)

    @property
    def text(self) -> str:
        """Everything that was written so far."""
        return self._data.decode()

    @property
    def pictures(self) -> list[str]:
        """What the line showed, one after the other; empty where it was cleared. To be asked at the end."""
        self.file.close()
        self.join(10)
        assert not self.is_alive()
        first, *pictures = self.text.split(NEW_PICTURE)
        assert first == ""
        return pictures


@contextlib.contextmanager
def watching(columns: int = 80) -> Iterator[Terminal]:
    terminal = Terminal(columns)
    terminal.start()
    try:
        with contextlib.redirect_stderr(terminal.file):
            yield terminal
    finally:
        terminal.file.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def usual_console() -> Iterator[None]:
    console.configure()
    yield
    console.configure()


def work(progress: Progress, clock: Clock, n_items: int, seconds: float) -> None:
    """Finish items at an even pace."""
    for _ in range(n_items):
        clock.now += seconds / n_items
        progress.finish()


def shown(n_done: int, n_items: int | None, seconds: float, columns: int = 80, n_failed: int = 0) -> str:
    """Return the last picture of a run that has done so much in so long."""
    clock = Clock()
    with watching(columns) as terminal:
        with Progress(n_items, "done", tick=None, clock=clock) as progress:
            for _ in range(n_failed):
                progress.finish(failed=True)
            work(progress, clock, n_done - n_failed, seconds)
        *_, last, cleared = terminal.pictures
    assert cleared == ""
    return last


# What the line says


def test_the_line_has_count_failures_rate_and_time_left() -> None:
    assert (
        shown(1234, 10_000, 1231 / 42, n_failed=3) == "1,234 of 10,000 done, 3 failed, 42 a second, 3:28 left"
    )


@pytest.mark.parametrize(
    ("n_done", "n_items", "seconds", "expected"),
    [
        (100_000, 1_000_000, 20, "5,000 a second, 3:00 left"),
        (45, 50, 10, "4.5 a second, 0:01 left"),
        (30, 40, 60, "30 a minute, 0:20 left"),
        (21, 10_021, 42 * 60, "30 an hour, 14 days left"),
        (30, 930, 600, "3.0 a minute, 5:00:00 left"),
        (1, 4, 7200, "0.5 an hour, 6:00:00 left"),
        (20, 20, 10, "2.0 a second"),
    ],
)
def test_rates_and_times_are_told_in_the_unit_that_fits(
    n_done: int, n_items: int, seconds: float, expected: str
) -> None:
    assert shown(n_done, n_items, seconds) == f"{n_done:,} of {n_items:,} done, {expected}"


def test_without_a_total_there_is_a_rate_and_no_time_left() -> None:
    assert shown(50, None, 10) == "50 done, 5.0 a second"


def test_more_items_than_were_expected_are_only_counted() -> None:
    assert shown(12, 10, 10) == "12 done, 1.2 a second"


def test_there_is_no_rate_before_there_is_something_to_measure() -> None:
    assert shown(40, 100, 0.9) == "40 of 100 done"


def test_a_total_that_becomes_known_or_changes_is_taken_over(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(None, "done", tick=None, clock=clock) as progress:
            work(progress, clock, 10, 10)
            progress.expect(40)
            work(progress, clock, 10, 10)
            progress.expect(100)
            work(progress, clock, 1, 1)
        pictures = terminal.pictures

    assert "10 done, 1.0 a second" in pictures
    assert "20 of 40 done, 1.0 a second, 0:20 left" in pictures
    assert pictures[-2] == "21 of 100 done, 1.0 a second, 1:19 left"


# The rate


def test_skipped_items_are_finished_and_do_not_change_the_rate(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(1000, "done", tick=None, clock=clock) as progress:
            for _ in range(500):  # what a run before this one did takes a second each to be looked up
                clock.now += 1
                progress.finish(skipped=True)
            work(progress, clock, 100, 25)
            for _ in range(100):
                clock.now += 1
                progress.finish(skipped=True)
            work(progress, clock, 100, 25)
        pictures = terminal.pictures

    assert "500 of 1,000 done" in pictures
    # Only the second between the last that took work and the first that took none is one of work.
    assert pictures[-2] == "800 of 1,000 done, 3.9 a second, 0:52 left"


def test_skipped_items_between_others_do_not_raise_the_rate(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(1000, "done", tick=None, clock=clock) as progress:
            for _ in range(40):
                work(progress, clock, 1, 1)
                for _ in range(9):
                    progress.finish(skipped=True)
        *_, last, _ = terminal.pictures

    assert last == "400 of 1,000 done, 1.0 a second, 10:00 left"


def test_a_rate_is_that_of_the_last_half_minute(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(100_000, "done", tick=None, clock=clock) as progress:
            work(progress, clock, 60_000, 60)
            work(progress, clock, 320, 32)
        *_, last, _ = terminal.pictures

    assert "10 a second" in last


def test_a_pause_shows_and_passes(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(100_000, "done", tick=None, clock=clock) as progress:
            work(progress, clock, 4000, 40)
            clock.now += 600
            with progress.paused():
                pass
            work(progress, clock, 4000, 40)
        pictures = terminal.pictures

    [after] = [i for i, each in enumerate(pictures) if each.startswith("4,000 of")]
    assert pictures[after - 1] == ""
    assert "100 a second" in pictures[after - 2]
    assert re.search(r" \d\.\d a minute", pictures[after])
    assert "100 a second" in pictures[-2]


def test_slow_items_have_a_steady_rate(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(50, "done", tick=None, clock=clock) as progress:
            for _ in range(40):
                clock.now += 120
                progress.finish()
        pictures = terminal.pictures

    assert {re.sub(r".*done, (.*), .*", r"\1", each) for each in pictures[1:-1]} == {"30 an hour"}


# Checking


def test_the_check_of_the_manifest_is_shown_until_items_are_expected(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(None, "done", tick=None, clock=clock) as progress:
            for n_lines in (1, 340_000, 680_000):
                clock.now += 5
                progress.checking(n_lines)
            clock.now += 5
            progress.expect(1000)
            work(progress, clock, 10, 10)
        pictures = terminal.pictures

    assert pictures[:3] == ["0 done", "checked 1 line", "checked 340,000 lines"]
    assert pictures[3:5] == ["checked 680,000 lines", "0 of 1,000 done"]
    assert pictures[-2] == "10 of 1,000 done, 1.0 a second, 16:30 left"  # the check is no work


def test_a_finished_item_ends_the_check(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(10, "done", tick=None, clock=clock) as progress:
            progress.checking(10)
            progress.finish()
        *_, last, _ = terminal.pictures

    assert last == "1 of 10 done"


# The terminal


def test_nothing_is_drawn_more_often_than_ten_times_a_second(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(100_000, "done", tick=None, clock=clock) as progress:
            work(progress, clock, 100_000, 2)
        pictures = terminal.pictures

    assert 20 <= len(pictures) <= 23
    assert pictures[-2:] == ["100,000 of 100,000 done, 50,000 a second", ""]


def test_the_last_state_is_drawn_after_a_pause_and_at_the_end(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(3, "done", tick=None, clock=clock) as progress:
            progress.finish()
            progress.finish()
            with progress.paused():
                print("cartesia: b: It failed.", end="", file=terminal.file, flush=True)
            progress.finish(failed=True)
        pictures = terminal.pictures

    assert pictures == [
        "0 of 3 done",
        "cartesia: b: It failed.",
        "2 of 3 done",
        "3 of 3 done, 1 failed",
        "",
    ]


def test_a_line_that_says_the_same_is_not_drawn_again(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(3, "done", tick=None, clock=clock) as progress:
            for _ in range(10):
                clock.now += 1
                progress.expect(3)
        pictures = terminal.pictures

    assert pictures == ["0 of 3 done", ""]


def test_time_goes_on_though_nothing_happens(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(100, "done", tick=0.01, clock=clock) as progress:
            work(progress, clock, 50, 10)
            clock.now += 90
            assert eventually(lambda: re.search(r"50 of 100 done, 1\d a minute, 3:\d\d left", terminal.text))

        assert terminal.pictures[-1] == ""


@pytest.mark.parametrize("columns", [1, 2, 10, 20, 30, 45, 60])
def test_the_line_is_never_wider_than_the_terminal(columns: int) -> None:
    last = shown(1234, 10_000, 1231 / 42, columns=columns, n_failed=3)

    parts = ["1,234 of 10,000 done", "3 failed", "42 a second", "3:28 left"]
    wholes = [", ".join(parts[: i + 1]) for i in range(4)]
    assert columns_of(last) <= max(1, columns - 1)
    assert last in wholes or wholes[0].startswith(last)


def test_what_is_under_way_is_shown_behind_the_count(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(3, "transcribed", tick=None, clock=clock) as progress:
            first, second = progress.reporter("a.wav"), progress.reporter("会\x1b[2J議.wav")
            first(0.25)
            clock.now += 0.2
            second(0.5)
            progress.finish("a.wav")
        pictures = terminal.pictures

    assert pictures == [
        "0 of 3 transcribed",
        "0 of 3 transcribed  a.wav 25%  会 [2J議.wav 50%",
        "1 of 3 transcribed  会 [2J議.wav 50%",
        "",
    ]


def test_no_items_are_no_line(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(0, "done", tick=None, clock=clock) as progress, progress.paused():
            clock.now += 100
        terminal.file.close()
        terminal.join(10)

    assert terminal.text == ""


@pytest.mark.parametrize(("quiet", "json"), [(True, False), (False, True)])
def test_who_wants_no_progress_gets_none_on_a_terminal(clock: Clock, *, quiet: bool, json: bool) -> None:
    console.configure(quiet=quiet, json=json)

    with watching() as terminal:
        with Progress(100, "done", tick=None, clock=clock) as progress:
            work(progress, clock, 50, 500)
        terminal.file.close()
        terminal.join(10)

    assert terminal.text == ""


def test_threads_that_finish_items_lose_none(clock: Clock) -> None:
    with watching() as terminal:
        with Progress(4000, "done", clock=clock) as progress:
            threads = [threading.Thread(target=work, args=(progress, clock, 1000, 0)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
        *_, last, _ = terminal.pictures

    assert last == "4,000 of 4,000 done"


# Where no person looks


def test_elsewhere_there_is_a_line_every_half_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(10_000, "done", tick=None, clock=clock) as progress:
        work(progress, clock, 1190, 29.75)
        assert capsys.readouterr().err == ""
        work(progress, clock, 40, 1)
        first = capsys.readouterr().err
        for _ in range(3):
            progress.finish(failed=True)
        work(progress, clock, 1200, 30)
        second = capsys.readouterr().err
        work(progress, clock, 10, 0.25)
    rest = capsys.readouterr().err

    assert first == "cartesia: 1,200 of 10,000 done, 40 a second, about 3:40 left\n"
    assert second == "cartesia: 2,403 of 10,000 done, 3 failed, 40 a second, about 3:09 left\n"
    assert rest == ""


def test_the_time_between_two_lines_can_be_chosen(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(None, "done", interval=5, tick=None, clock=clock) as progress:
        for n_lines in range(1, 13):
            clock.now += 1
            progress.checking(n_lines)

    assert capsys.readouterr().err == "cartesia: checked 5 lines\ncartesia: checked 10 lines\n"


def test_a_pause_writes_nothing_elsewhere(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(10, "done", tick=None, clock=clock) as progress:
        clock.now += 100
        with progress.paused():
            pass

    assert capsys.readouterr().err == ""


def test_lines_come_though_nothing_happens(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    told = ""

    def is_told() -> bool:
        nonlocal told
        told += capsys.readouterr().err
        return bool(told)

    with Progress(10, "done", tick=0.01, clock=clock) as progress:
        progress.finish()
        clock.now += 31
        assert eventually(is_told)

    assert told == "cartesia: 1 of 10 done, 1.9 a minute, about 4:39 left\n"


@pytest.mark.parametrize(("interval", "quiet"), [(None, False), (30, True)])
def test_who_wants_no_progress_gets_none_elsewhere(
    clock: Clock, capsys: pytest.CaptureFixture[str], interval: float | None, *, quiet: bool
) -> None:
    console.configure(quiet=quiet)

    with Progress(100, "done", interval=interval, tick=None, clock=clock) as progress:
        work(progress, clock, 50, 500)

    assert capsys.readouterr().err == ""


def test_no_thread_is_left(clock: Clock) -> None:
    before = threading.active_count()

    with watching(), Progress(100, "done", clock=clock):
        during = threading.active_count()

    assert during == before + 2  # the one who looks at the terminal is a thread as well
    assert eventually(lambda: threading.active_count() == before)
