"""What is kept on this machine, in one SQLite file that several processes and threads may use."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from cartesia_cli.errors import CartesiaError, OutputError, UsageError

Record = dict[str, Any]
"""What is kept of one thing, as JSON has it."""

_VERSION = 1
_SCHEMA = """
    CREATE TABLE records (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        record TEXT NOT NULL,
        UNIQUE (kind, id)
    )
"""
_PATIENCE = 10.0
"""Seconds that one writer waits for another."""

_AT_ONCE = 200
_HINT = "Check its permissions, its folder and the space on the disk; then try again."


class Database:
    """A file, or memory. It is opened when it is needed; reading creates nothing.

    A file is open only while it is used: so a process may fork, and nothing has to be closed.

    Args:
        path: the file; its folder need not exist. None has nothing in it and cannot be written.
        content: what is in it, in the plural, for messages.
    """

    def __init__(self, path: Path | Literal[":memory:"] | None, content: str) -> None:
        self._path = path
        self._content = content
        self._memory: sqlite3.Connection | None = None
        self._lock = RLock()

    def close(self) -> None:
        """Forget what was kept in memory."""
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Lend a connection to read from; None if nothing was ever written.

        Raises:
            UsageError: the file cannot be read, or is none of ours.
        """
        with self._lock, self._explained("read", UsageError):
            if self._path == ":memory:":
                yield self._memory
            elif self._path is None or not self._path.exists():
                yield None
            else:
                with closing(_open(self._path, "rw")) as connection:
                    yield connection if self._version(connection) else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in whose transaction nobody else writes; an error undoes what it did.

        Raises:
            OutputError: the file cannot be written.
            UsageError: the file is none of ours.
        """
        with self._lock, self._explained("written", OutputError), self._writable() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._version(connection):
                    connection.execute(_SCHEMA)
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _writable(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise OutputError(
                f"There is no folder to keep {self._content} in.",
                hint="Set HOME or XDG_DATA_HOME to a folder.",
            )
        if self._path == ":memory:":
            if self._memory is None:
                self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            yield self._memory
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(_open(self._path, "rwc")) as connection:
            yield connection

    def _version(self, connection: sqlite3.Connection) -> int:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise UsageError(
                f"{self._path} was written by a newer version of this program.",
                hint="Update this program.",
            )
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


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


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
