"""Does what ``cartesia transcribe`` was asked for: one recording, or many in parallel."""

import json
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cartesia_cli import console
from cartesia_cli.batch.asking.hearing import ThrottledTranscriber
from cartesia_cli.batch.asking.throttle import Throttle
from cartesia_cli.batch.runner import Outcome, run_jobs
from cartesia_cli.commands._descriptors import raise_limit
from cartesia_cli.commands._live_plan import is_live
from cartesia_cli.commands._progress import Progress
from cartesia_cli.commands._setup import find_secret_key, set_up, tell_fallback
from cartesia_cli.commands._sources import find_sources
from cartesia_cli.commands._transcribe_plan import Job, Plan, plan_transcription
from cartesia_cli.commands._transcripts import TEXT, format_transcript, needs_words
from cartesia_cli.commands.transcribe import TranscribeOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import (
    BUILT_IN_NOTICE,
    CLOUD_FAILURES,
    Transcriber,
    choose_engine,
    open_cloud,
    open_local_transcriber,
)
from cartesia_cli.errors import PartialFailureError
from cartesia_cli.files import naming, replace_file
from cartesia_cli.models import EngineName, Transcript

_CLOUD_JOBS = 4


def run(options: TranscribeOptions) -> None:
    """Transcribe every source, and tell which of them failed."""
    settings = set_up(
        options.engine,
        options.report,
        {
            "stt_model": options.listen.model,
            "language": options.listen.language,
            "captions": options.cues.captions,
        },
    )
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    if is_live(options.live):
        from cartesia_cli.commands._live import transcribe_live

        transcribe_live(options, settings, engine, key)
        return
    with ExitStack() as stack:
        source = options.source
        sources = find_sources(
            source.sources or (), source.from_file, recursive=source.recursive, stack=stack
        )
        plan = plan_transcription(options, settings, engine, sources)
        if engine == "local" and settings.engine == "auto":
            console.note(BUILT_IN_NOTICE)
        _warn_of_ignored_options(plan)
        transcriber = stack.enter_context(closing(_open_transcriber(plan, engine, key)))
        if engine == "cloud" and options.engine.fallback:
            transcriber = stack.enter_context(closing(_WithFallback(transcriber)))
        started = time.monotonic()
        try:
            _run_jobs(plan, transcriber)
        finally:
            if options.report.stats and not plan.has_json_stats:
                console.report(_stats(started, transcriber))


def _open_transcriber(plan: Plan, engine: EngineName, key: Key | None) -> Transcriber:
    """Return the engine; with many recordings all requests together decide how many there may be."""
    if engine == "local":
        return open_local_transcriber()
    if not plan.many:
        return open_cloud(plan.settings, key)
    throttle = Throttle(_n_workers(plan), retries=plan.settings.retries)
    return ThrottledTranscriber(open_cloud(replace(plan.settings, retries=0), key), throttle)


def _n_workers(plan: Plan) -> int:
    return plan.options.listen.jobs or (1 if plan.engine == "local" else _CLOUD_JOBS)


def _stats(started: float, transcriber: Transcriber) -> dict[str, float]:
    traffic = getattr(transcriber, "traffic", None)
    stats = {"wall": round(time.monotonic() - started, 3)}
    return stats if traffic is None else {**stats, "requests": traffic.requests, "retries": traffic.retries}


def _warn_of_ignored_options(plan: Plan) -> None:
    given = plan.options.listen
    ignored = ["--keyterm"] if given.keyterm else []
    if plan.engine == "local" and plan.settings.origin("stt_model") == "option":
        ignored.append("--model")
    if ignored:
        console.warn(f"a recording is transcribed without {', '.join(ignored)}; ignored")


def _run_jobs(plan: Plan, transcriber: Transcriber) -> None:
    for folder in {path.parent for job in plan.jobs for _, path in job.files}:
        _make_folder(folder)
    jobs = [job for job in plan.jobs if not _is_done(job, plan)]
    raise_limit()
    failed: list[Outcome[Job, Transcript]] = []
    with Progress(len(jobs), "transcribed", interval=None) as progress:
        work = partial(_transcribe, plan=plan, transcriber=transcriber, progress=progress)
        started = time.monotonic()
        for outcome in run_jobs(jobs, work, n_workers=_n_workers(plan)):
            if outcome.is_left:
                continue
            if outcome.error is not None and not plan.many:
                raise outcome.error
            progress.finish(outcome.job.source.name, failed=outcome.error is not None)
            with progress.paused():
                _tell(outcome, plan, _stats(started, transcriber) if plan.has_json_stats else None)
            failed += [outcome] if outcome.error is not None else []
    if plan.many:
        _summarise(len(jobs), len(plan.jobs) - len(jobs), failed)


def _tell(outcome: Outcome[Job, Transcript], plan: Plan, stats: dict[str, float] | None) -> None:
    if outcome.result is not None and outcome.result.is_cut:
        console.warn(f"{outcome.job.source.name} breaks off before its end; what there is of it was heard")
    if outcome.error is not None:
        console.note_failure(outcome.job.source.name, outcome.error)
    elif outcome.result is not None and not outcome.job.files:
        text = _on_stdout(outcome.job, outcome.result, plan)
        if stats is not None:
            console.data_json({**json.loads(text), "stats": stats})
        else:
            console.data(text)


def _is_done(job: Job, plan: Plan) -> bool:
    """Whether the results are there and need not be made again."""
    given = plan.options.transcript
    if given.force or not job.files:
        return False
    in_folder = Path(given.output or "") != job.files[0][1]
    return (in_folder or given.skip_existing) and all(path.exists() for _, path in job.files)


def _make_folder(folder: Path) -> None:
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)


class _WithFallback:
    """The cloud, and the embedded engine for what the cloud fails at; each time it says so."""

    def __init__(self, cloud: Transcriber) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._local: Transcriber | None = None

    def transcribe(self, recording: Path, /, **options: Any) -> Transcript:
        try:
            return self._cloud.transcribe(recording, **options)
        except CLOUD_FAILURES as failure:
            tell_fallback(failure, "recogniser")
        with self._lock:
            self._local = self._local or open_local_transcriber()
        return self._local.transcribe(recording, **options)

    def close(self) -> None:
        if self._local is not None:
            self._local.close()


def _transcribe(job: Job, *, plan: Plan, transcriber: Transcriber, progress: Progress) -> Transcript:
    words = plan.options.transcript.words
    raw = plan.options.source
    transcript = transcriber.transcribe(
        job.source.path,
        words=any(needs_words(each, words=words) for each in plan.formats),
        language=plan.settings.language,
        model_id=plan.settings.stt_model,
        encoding=raw.encoding,
        sample_rate=raw.sample_rate,
        progress=progress.reporter(job.source.name),
    )
    for each, path in job.files:
        text = format_transcript(each, transcript, words=words, source=job.source.name, profile=plan.profile)
        with replace_file(path, clobber=not plan.options.transcript.no_clobber) as file:
            file.write(text.encode())
    return transcript


def _on_stdout(job: Job, transcript: Transcript, plan: Plan) -> str:
    words = plan.options.transcript.words
    [wanted] = plan.formats
    text = format_transcript(wanted, transcript, words=words, source=job.source.name, profile=plan.profile)
    if wanted == TEXT and plan.many:
        name = " ".join(job.source.name.split())  # a line feed in a name would break its line
        return "".join(f"{name}\t{line}\n" for line in text.splitlines() or [""])
    return text


def _summarise(n_jobs: int, n_skipped: int, failed: Sequence[Outcome[Job, Transcript]]) -> None:
    """Tell how a run over many recordings went.

    Raises:
        PartialFailureError: some of them failed.
    """
    parts = [f"{n_jobs - len(failed)} transcribed"]
    parts += [f"{n_skipped} skipped"] if n_skipped else []
    if failed:
        raise PartialFailureError(
            f"{', '.join(parts)}, {len(failed)} failed.", hint="The same command again does what is missing."
        )
    console.hint_to_person(", ".join(parts))
