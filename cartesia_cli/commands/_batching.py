"""Does what ``cartesia batch`` was asked for: checks the manifest, then makes what is missing of it."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import BinaryIO, NoReturn

from cartesia_cli import console
from cartesia_cli.batch.asking.budget import Purse
from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.journal import Journal, find_made
from cartesia_cli.batch.making.recipe import Recipe
from cartesia_cli.batch.making.workshop import Maker, Output
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.batch.places.occupation import occupied
from cartesia_cli.batch.report import Item, Report, Totals, item_fields
from cartesia_cli.batch.runner import Outcome, StoppedError, run_jobs
from cartesia_cli.commands._batch_check import Survey, check_manifest, counted, read_jobs, show_survey
from cartesia_cli.commands._batch_plan import Plan, open_manifest, plan_batch
from cartesia_cli.commands._descriptors import fitting_jobs, raise_limit
from cartesia_cli.commands._progress import Progress
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands._speech import warn_of_ignored_options
from cartesia_cli.commands.batch import BatchOptions
from cartesia_cli.engines import BUILT_IN_NOTICE
from cartesia_cli.errors import CartesiaError, PartialFailureError
from cartesia_cli.memory import share_memory

_AGAIN = "The same command again does what is missing."


def run(options: BatchOptions) -> None:
    """Make the files of a manifest, or show what that would take."""
    voice = options.voice
    given = {"voice": voice.voice, "model": voice.model, "language": voice.language}
    settings = set_up(
        options.engine.as_engine_options(),
        options.report.as_report_options(),
        {**given, "captions": options.cues.captions},
    )
    key = find_secret_key(settings)
    with (
        plan_batch(options, settings, key) as plan,
        open_manifest(options.manifest.manifest) as file,
        Progress(None, "done", interval=None if options.report.json else 30.0) as progress,
    ):
        warn_of_ignored_options(plan.engine, voice, settings, options.work.transport)
        survey = check_manifest(plan, file, progress)
        if options.work.dry_run:
            show_survey(plan, survey, as_json=options.report.json)
            return
        if plan.engine == "local" and settings.engine == "auto":
            console.note(BUILT_IN_NOTICE)
        if not survey.n_jobs:
            console.warn(f"there is nothing to do in {plan.manifest}")
        progress.expect(survey.n_jobs)
        batch = _Run(_with_files(plan), survey, progress)
        batch.go(file)
    batch.conclude()


def _with_files(plan: Plan) -> Plan:
    """Return a plan that does no more at once than there may be open files."""
    if plan.options.work.cluster is not None:  # whose workers have theirs
        raise_limit()
        return plan
    n_timings = len(set(plan.options.target.timings or ()))
    n_at_once = fitting_jobs(plan.recipe.n_at_once, n_timings=n_timings)
    return plan._replace(recipe=replace(plan.recipe, n_at_once=n_at_once))


class _Run:
    """One run over the jobs of a manifest that was checked."""

    def __init__(self, plan: Plan, survey: Survey, progress: Progress) -> None:
        self._plan = plan
        self._survey = survey
        self._progress = progress
        self._began = time.monotonic()
        self._n_done = self._n_skipped = self._n_failed = 0
        self._seconds = 0.0
        self._stop = threading.Event()
        self._reason: tuple[str, str] | None = None
        """What stopped the run, where ``{spent}`` stands for credits, and what to do about it."""

        budget = plan.options.work.budget
        self._purse = Purse(budget if plan.engine == "cloud" else None, self._end_for_want_of_credits)
        self._report: Report | None = None

    def go(self, file: BinaryIO) -> None:
        """Do every job, and tell what became of it.

        Raises:
            CartesiaError: what would have failed every job.
        """
        plan, report_to = self._plan, self._plan.options.work.report
        gc.freeze()  # what is there now stays: the collector need not look at it again and again
        share_memory()
        with ExitStack() as stack:
            place = stack.enter_context(closing(open_place(plan.recipe.target, is_listed=True)))
            place.prepare()
            if isinstance(place, Folder):
                stack.enter_context(occupied(place.root, plan.shard))
            if report_to is not None:
                self._report = stack.enter_context(Report(report_to, plan.manifest))
            try:
                outcomes = self._outcomes(place, read_jobs(plan, file, self._survey), stack)
                for outcome in stack.enter_context(closing(outcomes)):
                    if not outcome.is_left:
                        self._take(outcome)
            except CartesiaError:
                console.note(self._summary())
                raise
            except KeyboardInterrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # all that is left to do has an end
                raise
            finally:
                if self._report is not None:
                    self._report.finish(self._totals())

    def conclude(self) -> None:
        """Say how it went.

        Raises:
            PartialFailureError: some jobs failed, or were not begun.
        """
        totals = self._totals()
        if self._plan.options.report.stats:
            console.report({"wall": round(totals.wall, 3), "credits": totals.credits})
        summary = self._summary()
        if self._reason is not None:
            why, hint = self._reason
            raise PartialFailureError(f"{why.format(spent=totals.credits)}: {summary}.", hint=hint)
        if totals.failed:
            raise PartialFailureError(f"{summary}.", hint=_AGAIN)
        cost = f", {counted(totals.credits, 'credit')}" if self._plan.engine == "cloud" else ""
        console.note(f"{summary}: {self._seconds:,.1f} s of speech in {totals.wall:,.1f} s{cost}")

    def _open_maker(self, recipe: Recipe, place: Output) -> Maker:
        if self._plan.engine == "local":
            from cartesia_cli.batch.making.crew import Crew

            return Crew(recipe.open)
        return recipe.open(self._plan.secrets, output=place, stop=self._stop, purse=self._purse)

    def _outcomes(
        self, place: Output, jobs: Iterator[Job], stack: ExitStack
    ) -> Generator[Outcome[Job, Made], None, None]:
        """Have every job done, here or on a cluster; what does it is closed by the stack."""
        recipe, work = self._plan.recipe, self._plan.options.work
        journal = stack.enter_context(closing(Journal(self._plan.journal)))
        if work.cluster is None:
            items: Iterator[Job | Outcome[Job, Made]] = jobs
            if not (recipe.is_forced or recipe.checks_sound or recipe.checks_words):
                items, recipe = find_made(jobs, journal, place), replace(recipe, is_forced=True)
            maker = stack.enter_context(closing(self._open_maker(recipe, place)))
            attempts = _Attempts(maker, work.max_failures, self._end_for_failures)
            return run_jobs(items, attempts.make, n_workers=recipe.n_at_once, stop=self._stop)
        from cartesia_cli.batch.cluster.coordinator import Coordinator

        if self._plan.secrets.key is not None and not work.cluster.startswith("tls://"):
            console.warn("the key is sent to workers that have none of their own; tls:// would protect it")
        return Coordinator(
            work.cluster,
            recipe,
            self._plan.secrets,
            output=place,
            journal=journal,
            purse=self._purse,
            stop=self._stop,
        ).run(jobs)

    def _take(self, outcome: Outcome[Job, Made]) -> None:
        """Count an outcome and tell it."""
        job, made, error = outcome.job, outcome.result, outcome.error
        if made is None:
            self._n_failed += 1
            if self._n_failed == self._plan.options.work.max_failures:
                self._end_for_failures(self._n_failed)
        elif made.status == "done":
            self._n_done += 1
            self._seconds += made.duration or 0.0
        else:
            self._n_skipped += 1
        item = Item(
            job.line,
            job.id,
            f"{self._plan.recipe.target.rstrip('/')}/{job.name}",
            "failed" if made is None else made.status,
            made.duration if made is not None else None,
            error,
            made.wall if made is not None else 0.0,
        )
        self._progress.finish(failed=made is None, skipped=made is not None and made.status == "skipped")
        if self._report is not None:
            self._report.add(item)
        if self._plan.options.report.json:
            console.data_json(item_fields(item))
        elif error is not None:
            with self._progress.paused():
                console.note_failure(f"{self._plan.manifest}:{job.line}", error)
        for warning in made.warnings if made is not None else ():
            with self._progress.paused():
                console.warn(f"{self._plan.manifest}:{job.line}: {warning}")

    def _summary(self) -> str:
        totals = self._totals()
        parts = [f"{totals.done:,} done"]
        parts += [f"{totals.skipped:,} skipped"] if totals.skipped else []
        parts += [f"{totals.failed:,} failed"] if totals.failed else []
        parts += [f"{totals.left:,} left"] if totals.left else []
        return ", ".join(parts)

    def _totals(self) -> Totals:
        n_ended = self._n_done + self._n_skipped + self._n_failed
        wall = time.monotonic() - self._began
        return Totals(
            self._n_done,
            self._n_skipped,
            self._n_failed,
            self._survey.n_jobs - n_ended,
            self._purse.spent,
            wall,
        )

    def _end_for_failures(self, n_failures: int) -> None:
        self._reason = f"Stopped after {counted(n_failures, 'failure')}", _AGAIN
        self._stop.set()

    def _end_for_want_of_credits(self) -> NoReturn:
        """Stop before more is spent than may be; called by whoever would."""
        budget = counted(self._plan.options.work.budget or 0, "credit")
        self._reason = (
            f"The budget of {budget} does not reach further ({{spent:,}} spent)",
            "The same command again, with more, goes on.",
        )
        self._stop.set()
        raise StoppedError


class _Attempts:
    """Has jobs done, and counts those that fail as they do: their outcomes may wait behind a slow one.

    Args:
        maker: does jobs.
        most: how many may fail; None for any number.
        give_up: called once when as many have failed, with their number.
    """

    def __init__(self, maker: Maker, most: int | None, give_up: Callable[[int], None]) -> None:
        self._maker = maker
        self._most = most
        self._give_up = give_up
        self._n_failed = 0
        self._lock = threading.Lock()

    def make(self, job: Job) -> Made:
        """See ``Maker``."""
        try:
            return self._maker.make(job)
        except CartesiaError:
            with self._lock:
                self._n_failed += 1
                if self._n_failed == self._most:
                    self._give_up(self._n_failed)
            raise
