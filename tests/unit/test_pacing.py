"""Recorded sound comes no earlier than it would from a microphone."""

import threading
import time

import pytest

from cartesia_cli.audio.pacing import paced


@pytest.mark.parametrize("pace", [1.0, 4.0])
def test_no_block_comes_before_its_sound_is_over(pace: float) -> None:
    started = time.monotonic()

    arrivals = [time.monotonic() - started for _ in paced([0.1] * 5, lambda seconds: seconds, pace)]

    assert all(at >= 0.1 * (i + 1) / pace - 0.001 for i, at in enumerate(arrivals))
    assert arrivals[-1] < 5.0


def test_without_a_pace_nothing_is_waited_for() -> None:
    started = time.monotonic()

    blocks = list(paced(["a", "b"], lambda _block: 3600.0, None))

    assert blocks == ["a", "b"]
    assert time.monotonic() - started < 10


def test_blocks_that_are_taken_late_catch_up() -> None:
    blocks = paced([0.1] * 4, lambda seconds: seconds, 1.0)
    started = time.monotonic()
    next(blocks)

    time.sleep(0.4)
    rest = list(blocks)

    assert len(rest) == 3
    assert time.monotonic() - started < 0.4 + 0.25


def test_the_wait_ends_at_once() -> None:
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    started = time.monotonic()

    blocks = list(paced([60.0], lambda seconds: seconds, 1.0, stop))

    timer.join()
    assert blocks == []
    assert time.monotonic() - started < 10
