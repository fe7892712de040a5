"""What a server keeps: what tokens are signed with, what was used, and what clients stored."""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Literal

from cartesia_cli.database import Database, Record, Shelf, Tally
from cartesia_cli.server.storage.usage import Ledger

FILE_NAME = "server.sqlite3"


@dataclass(frozen=True, slots=True)
class Stored:
    """One thing that a client stored, as lists in pages take it."""

    id: str
    fields: Mapping[str, Any]


class State:
    """One file, or memory, that several threads and servers may use. It may hold a catalogue too.

    What a method or a shelf has written is there after the end of the process, whatever ends it. The file
    stays open until ``close``: it must not be opened before the process forks.

    Args:
        path: the file, which is made readable for its owner alone; or ``:memory:``.
        clock: seconds since 1970.

    Raises:
        OutputError: the file cannot be made, or written.
        UsageError: it is damaged, or of a newer version, or of another program.
    """

    def __init__(self, path: Path | Literal[":memory:"], *, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, "tokens, data sets and usage", stays_open=True)
        self._clock = clock
        self.ledger = Ledger(clock, Tally(self._database, "credits"))
        """What was used."""

        self.datasets = Shelf(self._database, "dataset")
        self.fine_tunes = Shelf(self._database, "fine-tune")
        self.metrics = Shelf(self._database, "metric")
        try:
            self.secret = self._find_secret()
            """What access tokens are signed with: the same as long as the file is there."""
        except BaseException:
            self.close()
            raise

    def files_of(self, dataset_id: str) -> Shelf:
        """Return what is known of the files of a data set."""
        return Shelf(self._database, f"file of {dataset_id}")

    def writing(self) -> AbstractContextManager[Connection]:
        """Begin a transaction: what is written inside of it is there as a whole, or not at all."""
        return self._database.writing()

    def now(self) -> str:
        """Return the time that it is, as the API writes it."""
        return datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def close(self) -> None:
        """Close the file; forget what was kept in memory."""
        self._database.close()

    def _find_secret(self) -> bytes:
        kept = Shelf(self._database, "secret")
        with self.writing():
            record = kept.get("tokens")
            if record is None:
                record = Record(id="tokens", secret=secrets.token_hex(32))
                kept.add(record)
            return bytes.fromhex(record["secret"])


def stored(shelf: Shelf) -> list[Stored]:
    """Return everything on a shelf, the oldest first."""
    return [Stored(record["id"], record) for record in shelf]
