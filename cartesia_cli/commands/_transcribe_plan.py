"""Decides what a run of ``transcribe`` will do, before anything is sent."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli.commands._sources import Source, name_results
from cartesia_cli.commands._transcripts import ENDINGS, JSON, TEXT
from cartesia_cli.commands.transcribe import SourceOptions, TranscribeOptions
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import EngineName
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

_MOST_JOBS = 256
_FORMATS = {"txt": TEXT, "json": JSON, "srt": "srt", "vtt": "vtt", "ass": "ass", "lrc": "lrc", "tsv": "tsv"}
"""By a file's ending."""


class Job(NamedTuple):
    """One recording and the files that it becomes."""

    source: Source
    files: tuple[tuple[str, Path], ...]
    """Format and file; nothing where the result goes to stdout."""


class Plan(NamedTuple):
    """A run of ``transcribe``, decided before anything is sent."""

    options: TranscribeOptions
    settings: Settings
    engine: EngineName
    jobs: tuple[Job, ...]
    formats: tuple[str, ...]
    profile: "Profile"

    @property
    def many(self) -> bool:
        return len(self.jobs) > 1

    @property
    def has_json_stats(self) -> bool:
        """Whether figures stand inside the object on stdout."""
        return self.options.report.stats and self.formats == (JSON,) and not self.jobs[0].files


def plan_transcription(
    options: TranscribeOptions, settings: Settings, engine: EngineName, sources: Sequence[Source]
) -> Plan:
    given = options.transcript
    _check_numbers(options)
    formats: tuple[str, ...] = tuple(dict.fromkeys(str(each) for each in given.format or ()))
    if options.report.json:
        if formats not in {(), (JSON,)}:
            raise UsageError("--json and --format exclude each other.", hint="--json is --format json.")
        formats = (JSON,)
    if given.output in {None, "-"}:
        _check_for_stdout(formats, len(sources))
        formats = formats or (TEXT,)
        jobs = tuple(Job(source, ()) for source in sources)
    elif _is_folder(given.output, len(sources), len(formats)):
        formats = formats or (TEXT,)
        jobs = _jobs_in_folder(sources, formats, Path(given.output))
    else:
        if not Path(given.output).parent.is_dir():
            raise OutputError(
                f"The folder {Path(given.output).parent} does not exist.", hint="Make it first."
            )
        formats = (format_of_file(Path(given.output), formats),)
        jobs = (Job(sources[0], ((formats[0], Path(given.output)),)),)
    _check_apart(jobs, clobber=not given.no_clobber)
    return Plan(options, settings, engine, jobs, formats, options.cues.profile(settings.captions))


def _check_numbers(options: TranscribeOptions) -> None:
    check_raw(options.source)
    n_jobs = options.listen.jobs
    if n_jobs is not None and not 1 <= n_jobs <= _MOST_JOBS:
        raise UsageError(f"--jobs {n_jobs} is out of range.", hint=f"Give 1 to {_MOST_JOBS}.")


def check_raw(given: SourceOptions) -> None:
    """Check what is said of samples without a header.

    Raises:
        UsageError: it is not enough, or out of range.
    """
    if (given.encoding is None) != (given.sample_rate is None):
        raise UsageError(
            "--encoding and --sample-rate belong together.",
            hint="Both are for samples without a header; any other recording needs neither.",
        )
    if given.sample_rate is not None and not 1_000 <= given.sample_rate <= 768_000:
        raise UsageError(
            f"--sample-rate {given.sample_rate} is out of range.", hint="Give it in hertz, like 16000."
        )


def _is_folder(output: str, n_sources: int, n_formats: int) -> bool:
    path = Path(output)
    if output.endswith(("/", os.sep)) or path.is_dir():
        return True
    many = n_sources > 1 or n_formats > 1
    if many and (path.suffix[1:].lower() in _FORMATS or path.exists()):
        raise UsageError(f"{output} is a file, and several are to be written.", hint="Add -o DIR.")
    return many


def _check_apart(jobs: Sequence[Job], *, clobber: bool) -> None:
    """Check that no result takes the place of a recording, or of a file that must stay.

    Raises:
        UsageError: one would.
    """
    recordings = {os.path.realpath(job.source.path) for job in jobs}
    for job in jobs:
        for _, path in job.files:
            if os.path.realpath(path) in recordings:
                raise UsageError(
                    f"{path} is the recording {job.source.name}.", hint="Give the result another name."
                )
            if not clobber and len(jobs) == 1 and path.exists():
                raise UsageError(f"{path} exists already.", hint="Leave out --no-clobber to replace it.")


def _check_for_stdout(formats: Sequence[str], n_sources: int) -> None:
    if len(formats) > 1:
        raise UsageError("Several formats do not fit on standard output.", hint="Add -o DIR.")
    if n_sources > 1 and formats and formats[0] not in {TEXT, JSON}:
        raise UsageError("Subtitles of several recordings need a folder.", hint="Add -o DIR.")


def _jobs_in_folder(sources: Sequence[Source], formats: Sequence[str], folder: Path) -> tuple[Job, ...]:
    return tuple(
        Job(source, tuple((f, folder / f"{name}.{ENDINGS.get(f, f)}") for f in formats))
        for source, name in zip(sources, name_results(sources), strict=True)
    )


def format_of_file(path: Path, formats: Sequence[str]) -> str:
    """Return the format that a file shall have: by its ending, or else the one asked for.

    Raises:
        UsageError: neither says it, or they contradict each other.
    """
    by_ending = _FORMATS.get(path.suffix[1:].lower())
    if by_ending is None and not formats:
        raise UsageError(
            f"The name {path} does not say which format it shall have.",
            hint=f"Add --format, or an ending: .{', .'.join(_FORMATS)}.",
        )
    if by_ending and formats and formats[0] != by_ending:
        raise UsageError(
            f"--format {formats[0]} contradicts the ending of {path}.",
            hint="Leave out --format, or change the name.",
        )
    return formats[0] if formats else str(by_ending)
