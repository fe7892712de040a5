"""The part of a run on a cluster that stays here: what was made before, what it may cost, what was made."""

import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

from cartesia_cli.batch.asking.budget import Purse
from cartesia_cli.batch.cluster.running import run_on_cluster
from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.journal import Journal, find_made
from cartesia_cli.batch.making.recipe import Recipe, Secrets
from cartesia_cli.batch.making.workshop import Output
from cartesia_cli.batch.places import is_url
from cartesia_cli.batch.runner import Outcome, StoppedError


def _absolute(target: str) -> str:
    return target if is_url(target) else str(Path(target).absolute())


class Coordinator:
    """Has a cluster do what is missing.

    Args:
        address: of the cluster's scheduler.
        recipe: how the files are made; its journal is kept here.
        secrets: for workers that have no key of their own.
        output: where the files go.
        journal: what was made.
        purse: pays for what is asked for.
        stop: ends the run when it is set.
    """

    def __init__(
        self,
        address: str,
        recipe: Recipe,
        secrets: Secrets,
        *,
        output: Output,
        journal: Journal,
        purse: Purse,
        stop: threading.Event,
    ) -> None:
        self._address = address
        self._recipe = recipe
        self._secrets = secrets
        self._output = output
        self._journal = journal
        self._purse = purse
        self._stop = stop

    def run(self, jobs: Iterable[Job]) -> Generator[Outcome[Job, Made], None, None]:
        """Yield one outcome for each job, in their order; see ``run_jobs``."""
        items = self._missing(jobs)
        for item in items:
            if not isinstance(item, Outcome):
                yield from self._have_done(chain([item], items))
                return
            yield item  # until something is missing, nobody is needed

    def _have_done(
        self, items: Iterable[Job | Outcome[Job, Made]]
    ) -> Generator[Outcome[Job, Made], None, None]:
        outcomes = run_on_cluster(
            self._address,
            replace(self._recipe, journal=None, target=_absolute(self._recipe.target)),
            items,
            secret=self._secrets,
            most=self._recipe.n_at_once,
            place=self._output,
            stop=self._stop,
        )
        with closing(outcomes):
            for outcome in outcomes:
                self._settle(outcome)
                yield outcome

    def _missing(self, jobs: Iterable[Job]) -> Iterator[Job | Outcome[Job, Made]]:
        """Yield what is to be done, paid for beforehand, and the outcomes of what was done before."""
        items = jobs if self._recipe.is_forced else find_made(jobs, self._journal, self._output)
        for item in items:
            if not isinstance(item, Outcome):
                try:
                    self._purse.take(item.n_characters)
                except StoppedError:
                    return
                self._journal.intend(item, self._output)
            yield item

    def _settle(self, outcome: Outcome[Job, Made]) -> None:
        """Note what was made, and give back what was not spent."""
        job, made = outcome.job, outcome.result
        if made is not None and made.status == "skipped":
            return
        if made is not None and made.files:
            self._journal.note(job, made.files, made.duration)
        elif outcome.error is not None:
            self._journal.forget(job)
        self._purse.give_back(job.n_characters - (0 if made is None else made.n_credits))
