"""Keeps two runs out of one folder: they would make the same files twice."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cartesia_cli.errors import OutputError
from cartesia_cli.files import naming

if sys.platform != "win32":
    import fcntl

_SHARD_FILE = re.compile(r"\.cartesia-shard-[0-9]+-of-([0-9]+)")


class Shard(NamedTuple):
    """Every ``n``-th line, from the ``i``-th on, both from 1."""

    i: int
    n: int

    def has(self, position: int) -> bool:
        """Whether the line at a position, from 0, belongs to it."""
        return position % self.n == self.i - 1


@contextmanager
def occupied(folder: Path, shard: Shard) -> Iterator[None]:
    """Hold a folder for one run; other shards of the same manifest may be there too.

    Where files cannot be locked (on Windows, on some network drives) nobody is kept out.

    Args:
        folder: which is there.
        shard: of which the run does the work.

    Raises:
        OutputError: another run is at work in it: on all of it, on the same shard, or on one of another
            count, whose lines are not others than these.
    """
    if sys.platform == "win32":
        yield
        return
    with _held(folder, folder, os.O_RDONLY | os.O_DIRECTORY, is_shared=shard.n > 1):
        if shard.n == 1:
            yield
            return
        path = folder / f".cartesia-shard-{shard.i}-of-{shard.n}"
        with _held(path, folder, os.O_RDWR | os.O_CREAT, is_shared=False):
            try:
                _check_count(folder, shard)
                yield
            finally:
                with suppress(OSError):
                    path.unlink()  # while it is held: whoever waits for it finds that it is gone


def _check_count(folder: Path, shard: Shard) -> None:
    """Raise OutputError where the work is shared by another number of runs.

    Each holds its own file before it looks at those of others: of two that begin at once, one sees the other.
    """
    with naming(folder), os.scandir(folder) as entries:  # of which there may be a million
        found = [match for entry in entries if (match := _SHARD_FILE.fullmatch(entry.name))]
    for match in found:
        if int(match[1]) == shard.n:
            continue
        with suppress(OSError), (folder / match[0]).open("rb") as file:  # gone, or without locks
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(
                    f"Another batch is at work in {folder}, on one of {match[1]} shards.",
                    hint=f"Wait until it is done, or share the work as it does: --shard I/{match[1]}.",
                ) from None


@contextmanager
def _held(path: Path, folder: Path, flags: int, *, is_shared: bool) -> Iterator[None]:
    descriptor = None
    while descriptor is None:
        descriptor = _lock(path, folder, flags, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, folder: Path, flags: int, how: int) -> int | None:
    """Return the descriptor of what is held; None if it was removed just before.

    Raises:
        OutputError: another run holds it, or it cannot be opened.
    """
    with naming(path):
        descriptor = os.open(path, flags, 0o666)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"Another batch is at work in {folder}.",
                hint="Wait until it is done, or share the work: --shard 1/2 here, --shard 2/2 there.",
            ) from None
        except OSError:  # a file system without locks
            pass
        if flags & os.O_CREAT and not os.fstat(descriptor).st_nlink:
            return None  # to hold it keeps nobody out: the next run makes a new one
        stack.pop_all()
        return descriptor
