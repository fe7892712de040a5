"""What is missing, apart from what is there."""

from collections.abc import Iterable, Iterator

from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.journal import Journal, Place
from cartesia_cli.batch.runner import Outcome


def find_made(jobs: Iterable[Job], journal: Journal, place: Place) -> Iterator[Job | Outcome[Job, Made]]:
    """Yield the jobs that are to be done, and in place of those that were done their outcomes."""
    for job in jobs:
        made = journal.find(job, place)
        yield job if made is None else Outcome(job, made)
