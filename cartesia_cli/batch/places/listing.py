"""The signatures of a million files that are elsewhere, with few questions and in little memory."""

import posixpath
import sqlite3
from collections.abc import Callable, Iterator
from threading import RLock

from cartesia_cli.files import Signature

_SINGLY = 16
"""Files of a folder that are asked for one by one, before the whole folder is listed."""

_MOST_FOLDERS = 10_000
"""That are kept in mind; of one that is forgotten some files are asked for twice."""


class Listing:
    """What is known of many files; it is kept in a temporary file of SQLite's own. Safe for several threads.

    Args:
        ask: returns the signature of one file.
        list_folder: yields every name and signature in a folder.
    """

    def __init__(
        self,
        ask: Callable[[str], Signature | None],
        list_folder: Callable[[str], Iterator[tuple[str, Signature]]],
    ) -> None:
        self._ask = ask
        self._list_folder = list_folder
        self._lock = RLock()
        self._n_asked: dict[str, int] = {}
        self._rows: sqlite3.Connection | None = None

    def signature(self, name: str) -> Signature | None:
        """Return the signature of a file, as it was when its folder was listed; None if there is none."""
        folder, base = posixpath.split(name)
        with self._lock:
            if len(self._n_asked) > _MOST_FOLDERS:
                self._n_asked.clear()
            n_asked = self._n_asked[folder] = self._n_asked.get(folder, 0) + 1
            if n_asked > _SINGLY:
                return self._find(folder, base, must_list=n_asked == _SINGLY + 1)
        return self._ask(name)

    def note(self, name: str, signature: Signature) -> None:
        """Keep that a file was written."""
        with self._lock:
            if self._rows is not None:
                self._rows.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (name, *signature))

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            if self._rows is not None:
                self._rows.close()
                self._rows = None
            self._n_asked.clear()

    def _find(self, folder: str, base: str, *, must_list: bool) -> Signature | None:
        if self._rows is None:
            self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._rows.execute("CREATE TABLE files (name TEXT PRIMARY KEY, n_bytes, mark) WITHOUT ROWID")
        if must_list:
            try:
                self._rows.execute("BEGIN")
                self._rows.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                    ((posixpath.join(folder, name), *found) for name, found in self._list_folder(folder)),
                )
            except BaseException:
                self._n_asked[folder] = _SINGLY  # so that it is not taken for listed
                raise
            finally:
                if self._rows.in_transaction:  # a full disk ends it by itself
                    self._rows.execute("COMMIT")
        row = self._rows.execute(
            "SELECT n_bytes, mark FROM files WHERE name = ?", (posixpath.join(folder, base),)
        ).fetchone()
        return None if row is None else Signature(*row)
