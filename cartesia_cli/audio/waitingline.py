"""Who is heard, and who waits, among the programs of one user: files in a folder.

Whoever is heard holds a lock that the system takes back when its holder dies. The file that is locked
says who that is. Whoever waits has a file of its own beside it, locked too, whose name tells how long it
has waited; the one that has waited longest comes next. To cut in is to make a file that is named after the
holder's turn, which the holder looks out for.
"""

import os
import stat
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_LOCK = "loudspeaker"
_WAITING = "waiting-"
_REQUEST = "stop-"
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)

_LOCKED_BYTE = 1 << 30
"""The byte that is locked on Windows: far behind what is to be read."""

_ASLEEP = 2.0
"""Seconds without a try after which one that waits was stopped (Ctrl-Z), and others go first."""


def runtime_folder() -> Path:
    """Return the folder for the locks of this user, made where need be.

    Raises:
        OSError: it cannot be made, or others can write there.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if sys.platform == "win32":
        import tempfile

        folder = Path(tempfile.gettempdir(), "cartesia")  # which is the user's own there
        folder.mkdir(exist_ok=True)
        return folder
    # Of another user it is after `sudo`, for example.
    if base and _is_private(Path(base)):
        folder = Path(base, "cartesia")
    else:
        import tempfile

        folder = Path(tempfile.gettempdir(), f"cartesia-{os.geteuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if not _is_private(folder):
        raise PermissionError(f"{folder} is open to other users")
    return folder


def _is_private(folder: Path) -> bool:
    """Return whether nobody else can put anything into a folder; a link to one is none."""
    if sys.platform == "win32":
        return True
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


class Holder(NamedTuple):
    """Who is heard now, as it says itself."""

    pid: int
    token: str
    """Names its turn, this one time."""

    command: str


class Hold(NamedTuple):
    """A turn that is held."""

    descriptor: int
    request: Path
    """What exists when another cuts in."""

    ended: threading.Event

    def is_asked_to_stop(self) -> bool:
        """Return whether another program cuts in."""
        return os.path.lexists(self.request)

    def end(self) -> None:
        """Give the turn back."""
        self.ended.set()
        with suppress(OSError):
            self.request.unlink()
        with suppress(OSError):
            os.ftruncate(self.descriptor, 0)
        _unlock(self.descriptor)
        os.close(self.descriptor)


class WaitingLine:
    """One try to be heard: the files in the folder, and this process's place among them."""

    def __init__(self, folder: Path, *, command: str) -> None:
        self._folder = folder
        self._command = command
        self._place: int | None = None
        self._name = ""
        self._asked: set[str] = set()
        self._files: list[Path] = []
        self._descriptors: list[int] = []

    def try_at_once(self, *, urgent: bool) -> Hold | None:
        """Return the turn if nobody has it, and nobody waits for it who would be overtaken."""
        return self._try() if urgent or not self._is_anyone_before("~") else None

    def try_in_order(self) -> Hold | None:
        """Return the turn if nobody has it, and nobody has waited longer."""
        if self._place is not None:
            os.utime(self._place if os.utime in os.supports_fd else self._folder / self._name)
        return None if self._is_anyone_before(self._name) else self._try()

    def _try(self) -> Hold | None:
        descriptor = os.open(self._folder / _LOCK, _FLAGS, 0o600)
        hold = None
        try:
            if _lock(descriptor) and os.fstat(descriptor).st_nlink > 0:
                hold = self._held(descriptor)
        finally:
            if hold is None:
                os.close(descriptor)
        return hold

    def _held(self, descriptor: int) -> Hold:
        token = os.urandom(8).hex()
        for name in _names(self._folder, _REQUEST):  # for one who is gone
            with suppress(OSError):
                (self._folder / name).unlink()
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{os.getpid()} {token} {self._command}\n".encode())
        return Hold(descriptor, self._folder / f"{_REQUEST}{token}", threading.Event())

    def holder(self) -> Holder | None:
        """Return who is heard; None if it has not said so yet, or not any more."""
        with suppress(OSError, ValueError):
            text = (self._folder / _LOCK).read_text("utf-8", errors="replace")
            pid, token, command = text[:200].split(" ", 2)
            if command.endswith("\n") and token.isalnum():
                return Holder(int(pid), token, command.rstrip())
        return None

    def ask_to_stop(self) -> None:
        """Tell the holder to be silent; once."""
        holder = self.holder()
        if holder is not None and holder.token not in self._asked:
            self._asked.add(holder.token)
            request = self._folder / f"{_REQUEST}{holder.token}"
            self._files.append(request)
            request.touch(mode=0o600)

    def stand(self, *, urgent: bool) -> None:
        """Stand in the line until ``leave``; an urgent one before all others."""
        while self._place is None:
            # The clock is the same for all processes.
            name = f"{_WAITING}{int(not urgent)}-{time.monotonic_ns():020d}-{os.getpid()}"
            self._files.append(self._folder / name)  # first, since Ctrl-C may come between the two
            place = os.open(self._folder / name, _FLAGS | os.O_EXCL, 0o600)
            self._descriptors.append(place)
            if _lock(place) and os.fstat(place).st_nlink > 0:
                self._place, self._name = place, name
            # Or else another took it for one whose owner is dead.

    def leave(self) -> None:
        """Leave the line, and take back what was asked of a holder, who may have been gone by then."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        for file in self._files:
            with suppress(OSError):
                file.unlink()

    def _is_anyone_before(self, ours: str) -> bool:
        """Return whether a live process has waited longer, and has not been put to sleep."""
        now = time.time()
        for name in sorted(_names(self._folder, _WAITING)):
            if name >= ours:
                return False
            path = self._folder / name
            with suppress(FileNotFoundError):
                if not _remove_if_dead(path) and now - path.stat().st_mtime < _ASLEEP:
                    return True
        return False


def _names(folder: Path, prefix: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.name.startswith(prefix)]


def _remove_if_dead(path: Path) -> bool:
    """Remove the file of a process that waited and is dead; return False if it lives."""
    try:
        if sys.platform == "win32":  # where a file that is open cannot be removed
            path.unlink()
            return True
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    try:
        if not _lock(descriptor):
            return False
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file, if no other has; return whether."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _unlock(descriptor: int) -> None:
    """Unlock it, for children of this process too, which may still hold it."""
    with suppress(OSError):
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
