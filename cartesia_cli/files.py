"""A file appears whole or not at all; a device or a pipe is written where it is."""

import errno
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, cast

from cartesia_cli.errors import OutputError, UsageError

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".cartesia-part"
_PART_ENDING = re.compile("[0-9A-Za-z_-]+" + re.escape(_SUFFIX))
_FOLDERS = 1_000
"""Of which something is kept in mind."""

_BUFFER_SIZE = 1 << 16
_OPEN_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_OWN_DESCRIPTORS = re.compile(r"/dev/fd/(\d+)|/proc/(?:self|thread-self)/fd/(\d+)|/dev/(stdout|stderr)")
_STANDARD_STREAMS = {"stdout": 1, "stderr": 2}


class Signature(NamedTuple):
    """What tells a finished file from any other that had its name."""

    n_bytes: int
    mark: int | str
    """Changes with each writing, not with renaming: when that was, in nanoseconds since 1970; of an object in
    a store its tag."""


class TargetFile:
    """A file being written that takes its name when it is published, and not before.

    Used as a context manager it is published when the block succeeds and discarded when the
    block raises. Several files appear together if each is finished before the first is published.

    Args:
        path: the name it will have. A symbolic link stays; the file it points to is replaced.
        clobber: whether an existing file may be replaced.

    Raises:
        UsageError: the path is a folder, or exists although it must not.
        OutputError: the folder is missing or not writable.
    """

    def __init__(self, path: Path, *, clobber: bool = True) -> None:
        self._path = path
        self._clobber = clobber
        self._part: Path | None = None
        self.in_place = is_written_in_place(path)
        """Whether bytes reach their reader at once and cannot be taken back."""

        with naming(path):
            if self.in_place:
                self._raw = _GuardedFile(path, _open_in_place(path))
            else:
                self._target = Path(os.path.realpath(path))
                self._part, self._raw = _create_part(path, self._target, clobber=clobber)
        self.file = cast("BinaryIO", io.BufferedWriter(self._raw, _BUFFER_SIZE))
        """Where to write; seekable unless ``in_place``."""

    def finish(self) -> None:
        """Bring every byte to the disk. What can fail for want of space fails here.

        Raises:
            OutputError: the disk is full or broke.
            BrokenPipeError: the reader of a pipe went away.
        """
        self.file.flush()
        if not self.in_place:
            with naming(self._path):
                os.fsync(self._raw.fileno())

    @property
    def part(self) -> Path:
        """Where the bytes are until ``publish``."""
        return self._part or self._path

    def publish(self) -> None:
        """Give the file its name and close it.

        Raises:
            UsageError: another program made a file of this name meanwhile, and it must not be replaced.
            OutputError: the file cannot be renamed.
        """
        if self._part is not None:
            if sys.platform == "win32":  # where an open file cannot be renamed
                self.file.close()
            with naming(self._path):
                if self._clobber:
                    self._part.replace(self._target)
                else:
                    _rename_to_new(self._part, self._target)
            self._part = None
        self.file.close()

    def discard(self) -> None:
        """Close the file and remove what was written. Does nothing after ``publish``."""
        with suppress(OSError, OutputError):
            self._raw.close()  # not `file`, which would try once more to write what it holds
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink()
            self._part = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
                self.publish()
        finally:
            self.discard()

    def __del__(self) -> None:
        # Ctrl-C may come between the opening and the `with` that would discard it.
        if getattr(self, "_part", None) is not None:
            self.discard()


@contextmanager
def replace_file(path: Path, *, clobber: bool = True, private: bool = False) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that becomes ``path`` when the block succeeds.

    A ``private`` one was never open to others; the mask that sees to it is that of all threads.

    If the block raises, ``path`` is left as it was and nothing remains beside it, so an interrupted
    download never looks like a finished one. What is not a regular file, such as /dev/null or a
    named pipe, is written in place.

    Raises:
        UsageError: the path is a folder, or exists although ``clobber`` is off.
        OutputError: the folder is missing or not writable, or there is no space.
        BrokenPipeError: the reader of a named pipe went away.
    """
    with _private(path) if private else nullcontext(), TargetFile(path, clobber=clobber) as target:
        yield target.file


@contextmanager
def _private(path: Path) -> Iterator[None]:
    with naming(path):
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o600)  # which the new one takes over
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def signature_of(path: Path) -> Signature | None:
    """Return the signature of a file; None if there is none."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return None
    return Signature(facts.st_size, facts.st_mtime_ns) if stat.S_ISREG(facts.st_mode) else None


def is_written_in_place(path: Path) -> bool:
    """Return whether ``path`` is a device, a pipe or one of this process's own descriptors."""
    if _OWN_DESCRIPTORS.fullmatch(os.fspath(path)):
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Translate what the operating system says about ``path``; BrokenPipeError stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder where a file is needed.", hint="Add a file name.") from error
    except FileNotFoundError as error:
        folder = Path(os.path.realpath(path)).parent
        raise OutputError(
            f"Cannot write {path}: there is no folder {folder}.", hint="Create the folder first."
        ) from error
    except OSError as error:
        failure = OutputError(
            f"Cannot write {path}: {error.strerror or error}.",
            hint="Choose another place, or change its permissions.",
        )
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            failure.hint = "Free some space, or write to another disk."
            failure.is_passing = False  # for nothing that will be written there
        raise failure from error
    except ValueError as error:  # a NUL byte in the name
        raise UsageError(f"Cannot write {str(path)!r}: {error}.", hint="Choose another name.") from error


class _GuardedFile(io.FileIO):
    """A file whose failures are errors of this program; a reader that goes away stays a BrokenPipeError."""

    def __init__(self, path: Path, descriptor: int) -> None:
        super().__init__(descriptor, "w")
        self._path = path

    def write(self, data: Any, /) -> int:
        with naming(self._path):
            return super().write(data) or 0

    def truncate(self, size: int | None = None, /) -> int:
        with naming(self._path):
            return super().truncate(size)

    def close(self) -> None:
        with naming(self._path):
            super().close()


def _create_part(path: Path, target: Path, *, clobber: bool) -> tuple[Path, _GuardedFile]:
    """Return a new, empty, locked file beside ``target``, with the permissions that this one will have."""
    before = _replaceable(target, clobber=clobber)
    # One that is to replace a private file must not be readable while it is written either.
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode) & 0o666
    prefix = _part_prefix(target)
    _remove_stale_parts(target.parent, prefix)
    while True:
        part = target.with_name(prefix + os.urandom(6).hex() + _SUFFIX)
        raw = None
        try:
            raw = _GuardedFile(path, os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN_FLAGS, mode))
            if _lock(raw.fileno()):
                if before is not None:
                    _copy_permissions(raw.fileno(), before)
                return part, raw
            raw.close()  # another run took it for a stale one before it was locked
        except BaseException:
            if raw is not None:
                raw.close()
            part.unlink(missing_ok=True)
            raise


def _replaceable(target: Path, *, clobber: bool) -> os.stat_result | None:
    """Return the status of the file that will be replaced, None if there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not clobber:
        raise _exists(target)
    if not os.access(target, os.W_OK):
        # A rename would succeed, but whoever protected the file does not expect that.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return status


def _copy_permissions(descriptor: int, before: os.stat_result) -> None:
    if sys.platform == "win32":
        return
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        with suppress(OSError):  # only root may give files away
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


def _exists(target: Path) -> UsageError:
    return UsageError(f"{target} exists already.", hint="Choose another name, or leave out --no-clobber.")


def _open_in_place(path: Path) -> int:
    own = _OWN_DESCRIPTORS.fullmatch(os.fspath(path))
    if own is None:
        return os.open(path, os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0))
    number = next(group for group in own.groups() if group)
    # Opening /dev/stdout anew would write over what a file behind it already holds.
    return os.dup(_STANDARD_STREAMS[number] if number in _STANDARD_STREAMS else int(number))


def _rename_to_new(part: Path, target: Path) -> None:
    """Rename, unless there is a file of that name, however late it came.

    Raises:
        UsageError: there is one.
    """
    try:
        if sys.platform == "win32":
            part.rename(target)  # which refuses to replace there
            return
        try:
            target.hardlink_to(part)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: claim the name, then replace the claim
            target.touch(exist_ok=False)
            part.replace(target)
        else:
            part.unlink()
    except FileExistsError as error:
        raise _exists(target) from error


def _part_prefix(target: Path) -> str:
    """Return how the names of a file's parts begin, short enough for its file system."""
    longest = _longest_name(target.parent)
    name = target.name
    while len(os.fsencode(f".{name}.{'x' * 12}{_SUFFIX}")) > longest:
        name = name[:-1]
    return f".{name}."


@lru_cache(_FOLDERS)
def _longest_name(folder: Path) -> int:
    """Return how many bytes a name may have in a folder."""
    if sys.platform != "win32":
        with suppress(OSError):
            return os.pathconf(folder, "PC_NAME_MAX")
    return 255


def _remove_stale_parts(folder: Path, prefix: str) -> None:
    """Remove the parts that no live process holds: their run was killed."""
    for name in _parts_in(folder):
        if name.startswith(prefix) and _PART_ENDING.fullmatch(name, len(prefix)):
            with suppress(OSError):  # alive, or another user's
                _remove_if_free(folder / name)


@lru_cache(_FOLDERS)
def _parts_in(folder: Path) -> tuple[str, ...]:
    """Return the names of all parts in a folder; read once a run, since it may hold a million files."""
    with suppress(OSError), os.scandir(folder) as entries:
        return tuple(entry.name for entry in entries if entry.name.endswith(_SUFFIX))
    return ()


def _remove_if_free(part: Path) -> None:
    """Remove a part.

    Raises:
        OSError: a live process holds it.
    """
    if sys.platform == "win32":  # where an open file cannot be removed
        part.unlink()
        return
    descriptor = os.open(part, os.O_RDWR | os.O_NONBLOCK | _OPEN_FLAGS)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink()  # while it is locked, so that whoever made it this instant sees that it is gone
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Hold a part for as long as it is open; return False if another run removed it or is about to."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where no run removes what another one made
        return True
    return os.fstat(descriptor).st_nlink > 0
