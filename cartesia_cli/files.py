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
        with naming(path):
            self._target, status = _follow(path)
            self.in_place = _is_in_place(path, status)
            """Whether bytes reach their reader at once and cannot be taken back."""

            if self.in_place:
                self._raw = _GuardedFile(path, _open_in_place(path))
            else:
                before = _replaceable(self._target, status, clobber=clobber)
                self._part, self._raw = _create_part(path, self._target, before)
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
    try:
        return _is_in_place(path, path.stat())
    except (OSError, ValueError):
        return _is_in_place(path, None)


class naming:  # noqa: N801  used like a function; as a generator it would take four times as long
    """Translate what the operating system says about a path; BrokenPipeError stays what it is.

    Raises:
        UsageError: it is a folder where a file is needed, or no name at all.
        OutputError: it cannot be written.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path | str) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Raise what was translated."""
        if isinstance(error, (OSError, ValueError)) and not isinstance(error, BrokenPipeError):
            raise _explain(self._path, error) from error


def _explain(path: Path | str, error: OSError | ValueError) -> UsageError | OutputError:
    if isinstance(error, IsADirectoryError):
        return UsageError(f"{path} is a folder where a file is needed.", hint="Add a file name.")
    if isinstance(error, FileNotFoundError):
        folder = Path(os.path.realpath(path)).parent
        return OutputError(
            f"Cannot write {path}: there is no folder {folder}.", hint="Create the folder first."
        )
    if isinstance(error, OSError):
        failure = OutputError(
            f"Cannot write {path}: {error.strerror or error}.",
            hint="Choose another place, or change its permissions.",
        )
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            failure.hint = "Free some space, or write to another disk."
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            failure.is_passing = False  # for nothing that will be written there
        return failure
    # a NUL byte in the name
    return UsageError(f"Cannot write {str(path)!r}: {error}.", hint="Choose another name.")


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


def _follow(path: Path) -> tuple[Path, os.stat_result | None]:
    """Return what a path means, links followed, and the status of that; None if there is nothing."""
    try:
        status = path.lstat()
        if not stat.S_ISLNK(status.st_mode):
            return path, status
        path = Path(os.path.realpath(path))
        return path, path.stat()
    except FileNotFoundError:
        return path, None


def _is_in_place(path: Path, status: os.stat_result | None) -> bool:
    if _OWN_DESCRIPTORS.fullmatch(os.fspath(path)):
        return True
    return status is not None and not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def _create_part(path: Path, target: Path, before: os.stat_result | None) -> tuple[Path, _GuardedFile]:
    """Return a new, empty, locked file beside ``target``, with the permissions that this one will have.

    Args:
        path: as the user knows the file.
        target: what that means.
        before: the status of the file that will be replaced, None if there is none.
    """
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


def _replaceable(target: Path, status: os.stat_result | None, *, clobber: bool) -> os.stat_result | None:
    """Return the status of a file if it may be replaced, None if there is none."""
    if status is None:
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
