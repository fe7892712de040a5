"""Waiting for what another thread or process does: never longer than it takes, and never for ever."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], seconds: float = 10) -> bool:
    """Return whether a condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
