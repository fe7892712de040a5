"""What is kept on this machine, in one SQLite file that several processes and threads may use."""

import errno
import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from cartesia_cli.errors import CartesiaError, OutputError, UsageError

Record = dict[str, Any]
"""What is kept of one thing, as JSON has it."""

_VERSION = 1
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS records (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        record TEXT NOT NULL,
        UNIQUE (kind, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS notes (
        name TEXT PRIMARY KEY,
        record TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS sums (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        amount REAL NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID
    """,
)
_PATIENCE = 10.0
"""Seconds that one writer waits for another."""

_AT_ONCE = 200
_HINT = "Check its permissions, its folder and the space on the disk; then try again."


class Database:
    """A file, or memory. It is opened when it is needed; reading creates nothing.

    A file is open only while it is used: so a process may fork, and nothing has to be closed. One that stays
    open is written far faster, but must be closed, and whoever has it open must not fork.

    Args:
        path: the file; its folder need not exist. None has nothing in it and cannot be written.
        content: what is in it, in the plural, for messages.
        stays_open: keep it open from the first writing until ``close``; nobody but its owner may read it.
    """

    def __init__(
        self, path: Path | Literal[":memory:"] | None, content: str, *, stays_open: bool = False
    ) -> None:
        self._path = path
        self._content = content
        self._stays_open = stays_open
        self._kept: sqlite3.Connection | None = None
        self._written: sqlite3.Connection | None = None
        self._lock = RLock()

    def close(self) -> None:
        """Close the file if it stays open; forget what was kept in memory."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Lend a connection to read from; None if nothing was ever written.

        Raises:
            UsageError: the file cannot be read, or is none of ours.
        """
        with self._lock, self._explained("read", UsageError):
            if self._written is not None or self._kept is not None:
                yield self._written or self._kept
            elif not isinstance(self._path, Path) or not self._path.exists():
                yield None
            else:
                with closing(_open(self._path, "rw")) as connection:
                    yield connection if self._version(connection) else None

    @contextmanager
    def writing(self, *, at_once: bool = False) -> Iterator[sqlite3.Connection]:
        """Lend a connection in whose transaction nobody else writes; an error undoes what it did.

        Inside of another one, of the same thread, it is a part of that. For a single statement, which is a
        transaction by itself, there need be none: ``at_once``.

        Raises:
            OutputError: the file cannot be written.
            UsageError: the file is none of ours.
        """
        with self._lock:
            if self._written is not None:
                yield self._written
                return
            with self._explained("written", OutputError), self._writable() as connection:
                if at_once and connection is self._kept:
                    yield connection
                    return
                connection.execute("BEGIN IMMEDIATE")
                self._written = connection
                try:
                    if connection is not self._kept:
                        self._prepare(connection)
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:  # a full disk undoes it by itself
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    self._written = None

    @contextmanager
    def _writable(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise OutputError(
                f"There is no folder to keep {self._content} in.",
                hint="Set HOME or XDG_DATA_HOME to a folder.",
            )
        if self._stays_open or self._path == ":memory:":
            self._kept = self._kept or self._open_to_stay(self._path)
            yield self._kept
            return
        _make_folder(self._path)
        with closing(_open(self._path, "rwc")) as connection:
            yield connection

    def _open_to_stay(self, path: Path | Literal[":memory:"]) -> sqlite3.Connection:
        if path == ":memory:":
            connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        else:
            _make_folder(path)
            _make_file(path)
            connection = _open(path, "rw")
        try:
            self._version(connection)
            if isinstance(path, Path):
                path.chmod(0o600)
                _write_ahead(connection)
            connection.execute("BEGIN IMMEDIATE")
            self._prepare(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables that are not there yet."""
        version = self._version(connection)
        for statement in _SCHEMA:
            connection.execute(statement)
        if not version:
            connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return 0 for an empty file.

        Raises:
            UsageError: it is none of ours, or of a version to come.
        """
        version, is_empty = _version_of(connection), True
        if not version:
            is_empty = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
            version = _version_of(connection)  # it may have been made between the two looks
        if version > _VERSION:
            raise UsageError(
                f"{self._path} was written by a newer version of this program.",
                hint="Update this program.",
            )
        if not (version or is_empty):
            raise UsageError(f"{self._path} is a database of another program.", hint="Name another file.")
        return version

    @contextmanager
    def _explained(self, done: str, kind: type[CartesiaError]) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise kind(f"{self._path} cannot be {done}: {error}.", hint=_HINT) from error
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{self._path} is damaged: {error}.",
                hint=f"Move it away: the {self._content} in it are lost.",
            ) from error
        except OSError as error:
            raise kind(f"{self._path} cannot be {done}: {error.strerror}.", hint=_HINT) from error


def _version_of(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _make_file(path: Path) -> None:
    """Make a file that only its owner may read, if there is none; SQLite gives those beside it the same mode.

    Raises:
        UsageError: there is a device or a pipe.
        IsADirectoryError: there is a folder.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is a device or a pipe.", hint="Name a file.") from None


def _make_folder(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Make writing cheap: what is written survives the end of the process, whatever ends it.

    A failure of the power may take the last seconds; the file stays whole in any case.
    """
    # Of two that open a new file at once, one is told that it is locked without having waited.
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            break
    if mode == "wal":  # not everywhere: not on a network's disk
        connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -512")  # in KiB: what is looked for is rarely the same twice


class Shelf:
    """The records of one kind, by ID, in the order in which they came."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def get(self, record_id: str) -> Record | None:
        """Return a record; None if there is none."""
        with self._database.reading() as connection:
            return None if connection is None else self._read(connection, record_id)

    def __iter__(self) -> Iterator[Record]:
        """Yield every record; few are in memory at the same time."""
        position = 0
        while rows := self._rows_after(position):
            for position, text in rows:  # noqa: B007  the last one is where to go on
                yield json.loads(text)

    def add(self, record: Record) -> None:
        """Add a record, which has an ``id``."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO records (kind, id, record) VALUES (?, ?, ?)",
                (self._kind, record["id"], json.dumps(record)),
            )

    def update(self, record_id: str, change: Callable[[Record], Record]) -> Record | None:
        """Return a record after ``change`` made another of it; None if there is none.

        Nobody else writes meanwhile.
        """
        with self._database.writing() as connection:
            record = self._read(connection, record_id)
            if record is None:
                return None
            record = change(record)
            connection.execute(
                "UPDATE records SET record = ? WHERE kind = ? AND id = ?",
                (json.dumps(record), self._kind, record_id),
            )
            return record

    def delete(self, record_id: str) -> bool:
        """Delete a record; return whether there was one."""
        if self.get(record_id) is None:
            return False
        with self._database.writing() as connection:
            found = connection.execute(
                "DELETE FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
            )
            return found.rowcount > 0

    def clear(self) -> None:
        """Delete every record."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM records WHERE kind = ?", (self._kind,))

    def _read(self, connection: sqlite3.Connection, record_id: str) -> Record | None:
        row = connection.execute(
            "SELECT record FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def _rows_after(self, position: int) -> list[tuple[int, str]]:
        with self._database.reading() as connection:
            if connection is None:
                return []
            return connection.execute(
                "SELECT position, record FROM records WHERE kind = ? AND position > ?"
                " ORDER BY position LIMIT ?",
                (self._kind, position, _AT_ONCE),
            ).fetchall()


class Notes:
    """Records by name, in no order: writing one takes a third of what it takes to put it on a shelf."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Record | None:
        """Return a record; None if there is none."""
        with self._database.reading() as connection:
            if connection is None:
                return None
            row = connection.execute("SELECT record FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, name: str, record: Record) -> None:
        """Keep a record under a name, instead of the one that was there."""
        with self._database.writing(at_once=True) as connection:
            connection.execute("REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(record)))

    def delete(self, name: str) -> None:
        """Delete a record, if there is one."""
        with self._database.writing(at_once=True) as connection:
            connection.execute("DELETE FROM notes WHERE name = ?", (name,))


class Tally:
    """Sums of one kind, each under a name."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def add(self, name: str, amount: float) -> None:
        """Add to the sum of this name."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO sums (kind, name, amount) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, name) DO UPDATE SET amount = amount + excluded.amount",
                (self._kind, name, amount),
            )

    def between(self, first: str, end: str) -> dict[str, float]:
        """Return the sums whose names are ``first`` or follow it, and come before ``end``."""
        with self._database.reading() as connection:
            if connection is None:
                return {}
            return dict(
                connection.execute(
                    "SELECT name, amount FROM sums WHERE kind = ? AND name >= ? AND name < ?",
                    (self._kind, first, end),
                ).fetchall()
            )
