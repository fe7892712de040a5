"""Reads the manifest of ``batch``: first to find every mistake and what it will cost, then to do it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cartesia_cli import console
from cartesia_cli.batch.jobs import Job
from cartesia_cli.batch.journal import Journal
from cartesia_cli.batch.manifest import Mistake, read_manifest
from cartesia_cli.batch.naming import Claims
from cartesia_cli.batch.naming.filenames import fold
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.commands._batch_plan import Plan
from cartesia_cli.commands._progress import Progress
from cartesia_cli.errors import OutputError, RequestError, UsageError
from cartesia_cli.files import naming

_CHARACTERS_A_MINUTE = 900
"""Of English at the usual pace: only to say beforehand about how long it will be."""

_LOOKS = 1_000
"""Lines between two looks at the clock."""


@dataclass(slots=True)
class Survey:
    """What a manifest asks for, as far as it is this run's to do."""

    n_lines: int = 0
    """All of them, those of other shards too."""

    n_mistakes: int = 0
    n_jobs: int = 0
    n_characters: int = 0
    n_made: int = 0
    """Jobs that are done already; only known after a rehearsal."""

    n_characters_made: int = 0
    written_at: int = 0
    """When the manifest was last written as it was checked, in nanoseconds since 1970."""


def check_manifest(plan: Plan, file: BinaryIO, progress: Progress) -> Survey:
    """Return what a manifest asks for; name every mistake in it on the way.

    Raises:
        UsageError: there are mistakes.
        CartesiaError: a voice cannot be looked up, or there is no space for temporary files.
    """
    survey = Survey(written_at=_written_at(file))
    n_dropped = 0
    own = _own_files(plan)
    with Claims() as claims, closing(_Known(plan)) as known:
        for item in read_manifest(file, plan.format):
            if isinstance(item, Mistake):
                _tell(plan, progress, survey, item.number, UsageError(item.message))
                continue
            is_ours = plan.shard.has(survey.n_lines)
            survey.n_lines += 1
            n_dropped += item.n_dropped
            if survey.n_lines % _LOOKS == 0:
                progress.checking(survey.n_lines)
            try:
                job = plan.planner.plan(item)
            except (UsageError, RequestError) as mistake:
                _tell(plan, progress, survey, item.number, mistake)
                continue
            for clash in _clashes(job, claims, own):
                _tell(plan, progress, survey, job.line, clash)
            if is_ours:
                _count(survey, job, is_made=known.has(job))
    if survey.n_mistakes:
        raise UsageError(
            f"{plan.manifest} has {counted(survey.n_mistakes, 'mistake')}; nothing was asked for.",
            hint="Mend the lines named above.",
        )
    if n_dropped:
        console.warn(f"{counted(n_dropped, 'control character')} dropped from the texts")
    return survey


def read_jobs(plan: Plan, file: BinaryIO, survey: Survey) -> Iterator[Job]:
    """Yield the jobs of a manifest that was checked, those of this shard.

    Raises:
        UsageError: it was changed since.
    """
    file.seek(0)
    changed = UsageError(
        f"{plan.manifest} was changed while it was read.",
        hint="The same command again checks it anew, and goes on.",
    )
    for position, item in enumerate(read_manifest(file, plan.format)):
        if _written_at(file) != survey.written_at or isinstance(item, Mistake):
            raise changed
        try:
            job = plan.planner.plan(item) if plan.shard.has(position) else None
        except (UsageError, RequestError) as mistake:
            raise changed from mistake
        if job is not None:
            yield job


def show_survey(plan: Plan, survey: Survey, *, as_json: bool) -> None:
    """Print what a run would do, and what it would cost at most."""
    n_characters = survey.n_characters - survey.n_characters_made
    facts: dict[str, Any] = {
        "engine": plan.engine,
        "lines": survey.n_lines,
        "to_make": survey.n_jobs - survey.n_made,
        "made_before": survey.n_made,
        "characters": n_characters,
        "credits": 0 if plan.engine == "local" else n_characters,
        "minutes": round(n_characters / _CHARACTERS_A_MINUTE, 1),
    }
    if as_json:
        console.data_json(facts)
        return
    console.data("".join(f"{name.replace('_', ' ')}: {value}\n" for name, value in facts.items()))


def _clashes(job: Job, claims: Claims, own: Mapping[str, str]) -> Iterator[UsageError]:
    """Claim the files of a job; yield what is wrong with those that somebody else has."""
    for name in job.names:
        holder = claims.claim(name, job.line)
        if holder is not None:
            yield UsageError(f"{name} is the file of line {holder} already.")
        elif (what := own.get(fold(name))) is not None:
            yield UsageError(f"{name} is the {what} of this run.")


def _own_files(plan: Plan) -> dict[str, str]:
    """Return what else a run reads or writes in its folder, by the names that lines must not have."""
    place = open_place(plan.recipe.target)
    if not isinstance(place, Folder):
        return {}
    root = Path(os.path.realpath(place.root))
    own = {"journal": plan.journal, "report": plan.options.work.report, "manifest": Path(plan.manifest)}
    found = {what: Path(os.path.realpath(path)) for what, path in own.items() if path is not None}
    return {
        fold(path.relative_to(root).as_posix()): what
        for what, path in found.items()
        if path.is_relative_to(root)
    }


def _written_at(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_mtime_ns


class _Known:
    """What was made before, for a rehearsal; nothing is created."""

    def __init__(self, plan: Plan) -> None:
        is_asked = plan.options.work.dry_run and not plan.recipe.is_forced
        self._journal: Journal | None = None
        try:
            with naming(plan.journal):
                if is_asked and plan.journal.exists():
                    self._journal = Journal(plan.journal)
        except OutputError as error:  # on a disk that cannot be written
            console.warn(f"what was made before is not known: {error}")
        self._place = open_place(plan.recipe.target, is_listed=True)

    def has(self, job: Job) -> bool:
        """Whether a job need not be done."""
        return self._journal is not None and self._journal.find(job, self._place) is not None

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
        self._place.close()


def _count(survey: Survey, job: Job, *, is_made: bool) -> None:
    survey.n_jobs += 1
    survey.n_characters += job.n_characters
    if is_made:
        survey.n_made += 1
        survey.n_characters_made += job.n_characters


def _tell(
    plan: Plan, progress: Progress, survey: Survey, line: int, mistake: UsageError | RequestError
) -> None:
    survey.n_mistakes += 1
    with progress.paused():
        console.note_failure(f"{plan.manifest}:{line}", mistake)


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
