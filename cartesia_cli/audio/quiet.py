"""Keeps libraries written in C from talking to the user: an error is one line, and ours."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_lock = threading.Lock()
_shown: list[int | None] = []
"""What C's ``stderr`` was before each of the blocks under way."""


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the complaints of PortAudio, ALSA and mpg123 off the terminal; blocks may overlap.

    They write to C's ``stderr``, a variable that glibc lets a program assign. Python's
    ``sys.stderr`` does not use it.
    """
    if not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"):
        yield
        return
    stderr = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    with _lock:
        _shown.append(stderr.value)
        stderr.value = _nowhere()
    try:
        yield
    finally:
        with _lock:
            before = _shown.pop()
            if not _shown:
                stderr.value = before


@cache
def _nowhere() -> int | None:
    """Return a C stream that shows nothing; never closed, since a library's thread may still hold it."""
    fopen = ctypes.CDLL(None).fopen
    fopen.restype = ctypes.c_void_p
    fopen.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    stream: int | None = fopen(b"/dev/null", b"w")
    return stream
