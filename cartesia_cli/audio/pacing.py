"""Recorded sound at the pace at which it was spoken, or another."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_T = TypeVar("_T")


def paced(
    blocks: Iterable[_T],
    seconds_of: Callable[[_T], float],
    pace: float | None,
    stop: threading.Event | None = None,
) -> Iterator[_T]:
    """Yield each block when its sound is over, as a microphone would.

    Whoever takes them late gets them without waiting until the pace is reached again.

    Args:
        blocks: of sound.
        seconds_of: how long a block sounds.
        pace: 1 for real time, 2 for twice as fast; None for as fast as they are taken.
        stop: ends the blocks, also while waiting for the time of one.
    """
    stop = stop or threading.Event()
    started, seconds = time.monotonic(), 0.0
    for block in blocks:
        if pace is not None:
            seconds += seconds_of(block)
            stop.wait(max(0.0, started + seconds / pace - time.monotonic()))
        if stop.is_set():
            return
        yield block
