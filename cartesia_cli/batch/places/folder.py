"""A folder of this machine as the place where files go."""

import os
import stat
from pathlib import Path

from cartesia_cli.batch.journal import digest_of
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import Signature, is_written_in_place, naming, signature_of

_MOST_FOLDERS = 1_000
"""That are kept in mind."""


class Folder:
    """Where files go. Fits ``making.workshop.Output``.

    Args:
        path: of the folder; it is made with the first file if it is not there.
    """

    is_remote = False

    def __init__(self, path: Path) -> None:
        self.root = path
        self._ready: set[str] = set()
        """Folders that are there, and lead nowhere else."""

        self._real = os.path.join(os.path.realpath(path), "")  # noqa: PTH118  with a separator at its end

    def path(self, name: str) -> Path:
        """Return where to write a file of this name; its folder is there.

        Raises:
            OutputError: a symbolic link leads outside, a folder cannot be made, or there is a pipe.
        """
        path, folder = self.root / name, name.rpartition("/")[0]
        if folder in self._ready and _is_ordinary(path):
            return path
        with naming(path):
            real = os.path.realpath(path)
        if not real.startswith(self._real):
            raise OutputError(
                f"{path} leads outside of {self.root}.",
                hint="Remove the symbolic link, or choose another folder.",
            )
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if is_written_in_place(path):  # who opens a pipe waits for its reader, perhaps for ever
            raise OutputError(f"{path} is a pipe or a device.", hint="Remove it, or choose another folder.")
        if len(self._ready) >= _MOST_FOLDERS:
            self._ready.clear()
        self._ready.add(folder)
        return path

    def signature(self, name: str) -> Signature | None:
        """Return the signature of a file; None if there is none."""
        return signature_of(self.root / name)

    def digest(self, name: str) -> str | None:
        """Return what tells the content of a file; None if it cannot be read."""
        try:
            return digest_of(self.root / name)
        except OSError:
            return None

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            UsageError: there is a file of this name.
            OutputError: it cannot be made.
        """
        with naming(self.root):
            if self.root.exists() and not self.root.is_dir():
                raise UsageError(
                    f"{self.root} is a file where a folder is needed.", hint="Name another folder."
                )
            self.root.mkdir(parents=True, exist_ok=True)

    def deliver(self, name: str) -> Signature:
        """Return the signature of a file that was published: it is where it belongs."""
        with naming(self.root / name):
            facts = (self.root / name).stat()
        return Signature(facts.st_size, facts.st_mtime_ns)

    def close(self) -> None:
        """Free nothing."""


def _is_ordinary(path: Path) -> bool:
    """Whether there is a file that is no link, or nothing yet."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
    except OSError:
        return False
