"""Lets one process at a time change the user's file, so that none undoes what another has just set."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cartesia_cli.errors import OutputError

if sys.platform != "win32":
    import fcntl

_PATIENCE = 5.0
_POLL = 0.01
"""Seconds; a change takes a few hundredths of one."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep the other processes that change files in ``folder`` out; nothing is written to do so.

    Where a folder cannot be locked (it is not there, on Windows, on some network drives) there is no waiting.

    Raises:
        OutputError: another process had it all the time.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield
        return
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OutputError(
                    f"Another program is changing the settings in {folder}.",
                    hint="Try again when it is done.",
                ) from None
            time.sleep(_POLL)
        except OSError:  # a file system without locks
            return
        else:
            return
