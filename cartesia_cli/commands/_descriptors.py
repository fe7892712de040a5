"""How many files and connections may be open at once, and how many jobs that is enough for."""

import sys

from cartesia_cli import console

if sys.platform != "win32":
    import resource

_MOST = 65_536
"""More is of no use, and slow for programs that we start and that close each of them."""

_OWN = 64
"""What is open whatever is done: streams, journal, cache, libraries."""

_EACH = 4
"""What a job holds open, besides its timings: its connection, its file, its place in the cache, and one more
for the moments in which something new is there before the old one is gone."""


def raise_limit() -> int | None:
    """Let this process have as many files open as the system allows; return the number, None if unknown."""
    if sys.platform == "win32":
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return None if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS has another limit besides
        return soft
    return wanted


def fitting_jobs(n_jobs: int, *, n_timings: int = 0) -> int:
    """Return how many jobs can be done at once, at least 1; warn if they are fewer than was asked for.

    Args:
        n_jobs: how many are wanted.
        n_timings: files that each has open besides its sound.
    """
    limit = raise_limit()
    if limit is None:
        return n_jobs
    most = max((limit - _OWN) // (_EACH + n_timings), 1)
    if most >= n_jobs:
        return n_jobs
    console.warn(
        f"only {most:,} of {n_jobs:,} jobs at once: no more than {limit:,} files may be open (ulimit -n)"
    )
    return most
