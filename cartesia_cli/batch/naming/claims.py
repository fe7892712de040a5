"""Which line has which file, so that no two of them have the same."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from cartesia_cli.batch.naming.filenames import fold
from cartesia_cli.errors import OutputError

_N_SPOTS = 2**22
_MOST_PENDING = 1_000
_MOST_FOLDERS = 10_000


class Claims:
    """Which line has which file, for any number of lines: they are kept in a file that has no name.

    Names that some file system takes for the same are the same here. A context manager, for one thread.
    """

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._seen = bytearray(_N_SPOTS)
        """At the hash of a key 1, so that one that is new is nearly always known without a search."""

        self._pending: dict[str, int] = {}
        """Keys to be written together, each with its line; that of a folder is negative."""

        self._folders: set[str] = set()
        """Some of those that are there, since many files are in one."""

    def __enter__(self) -> Self:
        with _explained():
            self._connection = sqlite3.connect("", isolation_level=None)
            for setting in ("cache_size = -512", "journal_mode = OFF", "synchronous = OFF"):
                self._connection.execute(f"PRAGMA {setting}")
            self._connection.execute("CREATE TABLE claims (key TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            self._connection.execute("BEGIN")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def claim(self, name: str, line: int) -> int | None:
        """Give a file to a line, unless it is taken; return the line that has it then.

        It is also taken if another line needs a folder of this name, or has a file where this needs one.

        Raises:
            OutputError: there is no space for temporary files.
        """
        key = fold(name)
        slash = key.find("/")
        while slash >= 0:
            folder = key[:slash]
            if folder not in self._folders:
                if (taken := self._enter(folder, -line)) is not None:
                    return taken
                if len(self._folders) >= _MOST_FOLDERS:
                    self._folders.clear()
                self._folders.add(folder)
            slash = key.find("/", slash + 1)
        return self._enter(key, line)

    def _enter(self, key: str, line: int) -> int | None:
        """Return the line that has the key; None if it is this one's now, or a folder that both need."""
        spot = hash(key) % _N_SPOTS
        if self._seen[spot]:
            taken = self._pending.get(key) or self._find(key)
            if taken is not None:
                return None if taken < 0 and line < 0 else abs(taken)
        self._seen[spot] = 1
        self._pending[key] = line
        if len(self._pending) >= _MOST_PENDING:
            self._write()
        return None

    def _find(self, key: str) -> int | None:
        with _explained():
            row = self._open().execute("SELECT line FROM claims WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def _write(self) -> None:
        with _explained():  # in their order, so that neighbours are written together
            self._open().executemany("INSERT INTO claims VALUES (?, ?)", sorted(self._pending.items()))
        self._pending.clear()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("claims are made inside of a with block")
        return self._connection


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OutputError(
            f"The names of the files cannot be compared: {error}.",
            hint="Free some space in the folder for temporary files, or set TMPDIR to another.",
        ) from error
