"""What was made of which text: so that a second run makes only what is missing or changed."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.database import Database, Record, Shelf
from cartesia_cli.files import Signature

FILE_NAME = ".cartesia-journal"


_BLOCK = 2**20


class Place(Protocol):
    """Where files are, by their names; ``batch.places`` has some."""

    def signature(self, name: str, /) -> Signature | None:
        """Return the signature of a file; None if there is none."""

    def digest(self, name: str, /) -> str | None:
        """Return what ``digest_of`` says of a file; None if reading it would cost too much."""


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
        self._made = Shelf(self._database, "made")
        with self._database.writing():
            pass  # whatever is wrong with it is said before anything is paid for

    def find(self, job: Job, place: Place) -> Made | None:
        """Return what became of a job whose files are there and are what it asks for; None of others."""
        if place.signature(job.name) is None:  # of most jobs of a first run
            return None
        record = self._made.get(job.name)
        if record is not None and "before" in record:
            record = _adopted(record, place)
        if record is None or record["of"] != job.fingerprint or (job.timings and record["by"] != job.rules):
            return None
        known = {name: MadeFile(Signature(*each[:2]), each[2]) for name, each in record["files"].items()}
        if not known.keys() >= set(job.names):
            return None
        found = {name: _same(name, known[name], place) for name in job.names}
        files = tuple(file for file in found.values() if file is not None)
        if len(files) < len(found):
            return None
        if found != {name: known[name] for name in found}:
            # Somebody copied the folder: the next run need not read the files again.
            now = {**known, **dict(zip(found, files, strict=True))}
            self._made.put({**record, "files": _kept(now)})
        return Made("skipped", record["duration"], files)

    def intend(self, job: Job, place: Place) -> None:
        """Note what is there before somebody elsewhere makes the files of a job.

        If the run ends before it hears that they were made, the next one finds others there than these.

        Raises:
            OutputError: it cannot be written.
        """
        before = {name: place.signature(name) for name in job.names}
        self._made.put({"id": job.name, "of": job.fingerprint, "by": job.rules, "before": before})

    def note(self, job: Job, files: tuple[MadeFile, ...], duration: float | None) -> None:
        """Keep that a job was done.

        Raises:
            OutputError: it cannot be written.
        """
        kept = _kept(dict(zip(job.names, files, strict=True)))
        self._made.put(
            {"id": job.name, "of": job.fingerprint, "by": job.rules, "files": kept, "duration": duration}
        )

    def forget(self, job: Job) -> None:
        """Have a job done again by the next run.

        Raises:
            OutputError: it cannot be written.
        """
        self._made.delete(job.name)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _adopted(record: Record, place: Place) -> Record | None:
    """Return the entry of files that were made without anybody here hearing of it; None if they were not."""
    files: dict[str, list[int | str]] = {}
    for name, before in record["before"].items():
        now = place.signature(name)
        if now is None or [*now] == before:
            return None
        files[name] = [*now, ""]
    return {**record, "files": files, "duration": None}


def _kept(files: Mapping[str, MadeFile]) -> dict[str, list[int | str]]:
    """Return files, by their names, as JSON has them."""
    return {name: [*file.signature, file.digest] for name, file in files.items()}


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
