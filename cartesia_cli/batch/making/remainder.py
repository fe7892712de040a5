"""What is missing, apart from what is there."""

from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.journal import Journal
from cartesia_cli.batch.making.workshop import Maker, Output


class Remainder:
    """Makes what is missing, or rather has it made: what is there needs nobody.

    Args:
        maker: makes files.
        journal: what was made.
        output: where the files go.
    """

    def __init__(self, maker: Maker, journal: Journal, output: Output) -> None:
        self._maker = maker
        self._journal = journal
        self._output = output

    def make(self, job: Job) -> Made:
        """See ``Maker``."""
        return self._journal.find(job, self._output) or self._maker.make(job)

    def close(self) -> None:
        """Close everything."""
        self._maker.close()
        self._journal.close()
