"""Memory that the C library keeps although it was freed; only glibc can be told about it."""

import ctypes
import sys

_M_ARENA_MAX = -8
"""Of ``mallopt``, in glibc's ``malloc.h``."""


def return_memory() -> None:
    """Give it back to the system; after a burst of long sentences it is 150 MB."""
    _call("malloc_trim", 0)


def share_memory() -> None:
    """Have the threads that begin from now on share it: what goes from one to another is not kept by each."""
    _call("mallopt", _M_ARENA_MAX, 1)


def _call(name: str, *arguments: int) -> None:
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            function(*arguments)
