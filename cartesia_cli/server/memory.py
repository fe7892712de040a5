"""Memory that was freed and that the C library keeps."""

import ctypes
import sys


def return_memory() -> None:
    """Give it back to the system; after a burst of long sentences it is 150 MB."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # which only glibc has
        if trim is not None:
            trim(0)
