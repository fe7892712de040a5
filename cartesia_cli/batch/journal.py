"""What was made of which text: so that a second run makes only what is missing or changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.batch.runner import Outcome
from cartesia_cli.database import Database, Notes
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import Signature

FILE_NAME = ".cartesia-journal"
"""Of the journal, in the folder of the files."""

_BLOCK = 2**20
"""Bytes that are read at a time."""


class Place(Protocol):
    """Where files are, by their names; ``batch.places`` has some."""

    def signature(self, name: str, /) -> Signature | None:
        """Return the signature of a file; None if there is none."""

    def digest(self, name: str, /) -> str | None:
        """Return what ``digest_of`` says of a file; None if reading it would cost too much."""


class _Entry(NamedTuple):
    """What is known of the files of a job."""

    of: str
    """Its fingerprint."""

    by: str
    """The rules of its timings."""

    files: Mapping[str, MadeFile]
    duration: float | None
    before: Mapping[str, list[int | str] | None] | None = None
    """What was there when somebody elsewhere was asked to make them."""


class Journal:
    """What was made, by the name of the audio file. Several threads and processes may use one.

    An entry is written when its files are whole, just before they get their names: so whatever ends a run,
    a file that is there and is what its entry says is never asked for again.

    Args:
        path: of the file.

    Raises:
        OutputError: it cannot be written.
        UsageError: it is none of ours, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, "notes of what was made", stays_open=True)
        self._made = Notes(self._database)
        with self._database.writing():
            pass  # whatever is wrong with it is said before anything is paid for

    def find(self, job: Job, place: Place) -> Made | None:
        """Return what became of a job whose files are there and are what it asks for; None of others."""
        if place.signature(job.name) is None:  # of most jobs of a first run
            return None
        entry = self._entry(job.name)
        if entry is not None and entry.before is not None:
            entry = _adopted(entry, place)
        if entry is None or entry.of != job.fingerprint or (job.timings and entry.by != job.rules):
            return None
        known = entry.files
        if not known.keys() >= set(job.names):
            return None
        found = {name: _same(name, known[name], place) for name in job.names}
        files = tuple(file for file in found.values() if file is not None)
        if len(files) < len(found):
            return None
        if found != {name: known[name] for name in found}:
            # Somebody copied the folder: the next run need not read the files again.
            self._put(job.name, entry._replace(files={**known, **dict(zip(found, files, strict=True))}))
        return Made("skipped", entry.duration, files)

    def intend(self, job: Job, place: Place) -> None:
        """Note what is there before somebody elsewhere makes the files of a job.

        If the run ends before it hears that they were made, the next one finds others there than these.

        Raises:
            OutputError: it cannot be written.
        """
        before = {name: place.signature(name) for name in job.names}
        self._made.put(job.name, {"of": job.fingerprint, "by": job.rules, "before": before})

    def note(self, job: Job, files: tuple[MadeFile, ...], duration: float | None) -> None:
        """Keep that a job was done.

        Raises:
            OutputError: it cannot be written.
        """
        files_by_name = dict(zip(job.names, files, strict=True))
        try:
            self._put(job.name, _Entry(job.fingerprint, job.rules, files_by_name, duration))
        except (OutputError, UsageError) as error:
            failure = OutputError(str(error), hint=error.hint)
            failure.is_passing = False  # for no other job either
            raise failure from error

    def forget(self, job: Job) -> None:
        """Have a job done again by the next run.

        Raises:
            OutputError: it cannot be written.
        """
        self._made.delete(job.name)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _entry(self, name: str) -> "_Entry | None":
        """Return what is known of a file; None if that is nothing, or was not written by us."""
        try:
            record = self._made.get(name)
            if record is None:
                return None
            kept = record.get("files", {}).items()
            files = {each: MadeFile(Signature(size, mark), digest) for each, (size, mark, digest) in kept}
            return _Entry(record["of"], record["by"], files, record.get("duration"), record.get("before"))
        except (TypeError, ValueError, LookupError, AttributeError):
            return None

    def _put(self, name: str, entry: "_Entry") -> None:
        files = {each: [*file.signature, file.digest] for each, file in entry.files.items()}
        self._made.put(name, {"of": entry.of, "by": entry.by, "files": files, "duration": entry.duration})


def find_made(jobs: Iterable[Job], journal: Journal, place: Place) -> Iterator[Job | Outcome[Job, Made]]:
    """Yield the jobs that are to be done, and in place of those that were done their outcomes."""
    for job in jobs:
        made = journal.find(job, place)
        yield job if made is None else Outcome(job, made)


def _adopted(entry: "_Entry", place: Place) -> "_Entry | None":
    """Return the entry of files that were made without anybody here hearing of it; None if they were not."""
    files: dict[str, MadeFile] = {}
    for name, before in (entry.before or {}).items():
        now = place.signature(name)
        if now is None or [*now] == before:
            return None
        files[name] = MadeFile(now, "")
    return entry._replace(files=files, before=None)


def _same(name: str, known: MadeFile, place: Place) -> MadeFile | None:
    """Return a file that has the bytes that it had, as it is now; None if there is another, or none."""
    signature = place.signature(name)
    if signature == known.signature:
        return known
    if signature is None or signature.n_bytes != known.signature.n_bytes:
        return None
    return MadeFile(signature, known.digest) if place.digest(name) == known.digest else None


def digest_of(path: Path) -> str:
    """Return 32 hexadecimal digits that tell the content of a file."""
    with path.open("rb", buffering=0) as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:32]
