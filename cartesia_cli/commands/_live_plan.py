"""Decides what a run of ``transcribe --live`` will do, before anything is heard."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli.commands._transcribe_plan import check_raw, format_of_file
from cartesia_cli.commands._transcripts import JSON, TEXT, needs_words
from cartesia_cli.commands.transcribe import LiveOptions, TranscribeOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.models import EngineName, ListenRequest
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

SAMPLE_RATE = 16_000
"""What recognisers hear; any other rate is converted to it."""

_MOST_PACE = 1_000.0
_MOST_SILENCE = 60.0


class LivePlan(NamedTuple):
    """A run of ``transcribe --live``."""

    options: TranscribeOptions
    settings: Settings
    engine: EngineName
    request: ListenRequest
    source: str | None
    """A file's name, or ``-``; None: the microphone."""

    pace: float | None
    """Seconds of a file that are heard in a second; None: as fast as possible."""

    format: str
    output: Path | None
    """None: stdout."""

    profile: "Profile"


def is_live(given: LiveOptions) -> bool:
    """Return whether someone is listened to while speaking.

    Raises:
        UsageError: an option is given that is for this alone, and this is not asked for.
    """
    if given.live or given.mic:
        return True
    for name, value in given._asdict().items():
        if value is not None and value is not False:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is for live sound.", hint=f"Add --live, or leave out {option}.")
    return False


def plan_live(options: TranscribeOptions, settings: Settings, engine: EngineName) -> LivePlan:
    """Return what will be done.

    Raises:
        UsageError: options contradict each other, or are out of range.
    """
    given, listen = options.live, options.listen
    check_raw(options.source)
    source = _source(options)
    output = None if options.transcript.output in {None, "-"} else Path(str(options.transcript.output))
    wanted = _format(options, output)
    if source and output and os.path.realpath(source) == os.path.realpath(output):
        raise UsageError(f"{output} is the recording itself.", hint="Give the result another name.")
    if options.transcript.skip_existing:
        raise UsageError(
            "--skip-existing is for recordings.", hint="--no-clobber keeps a file that is there."
        )
    if given.turns:
        if needs_words(wanted, words=options.transcript.words):
            asked = "--words" if options.transcript.words else f"--format {wanted}"
            raise UsageError(f"Turns have no times, and {asked} needs them.", hint="Leave out --turns.")
        if (settings.language or "en").partition("-")[0] != "en":
            raise UsageError("Turns are known in English only.", hint="Leave out --turns, or --language.")
    if given.interim and wanted != JSON:
        raise UsageError("--interim is for JSON.", hint="Add --format json.")
    return LivePlan(
        options=options,
        settings=settings,
        engine=engine,
        request=ListenRequest(
            encoding="pcm_s16le",
            sample_rate=SAMPLE_RATE,
            model_id=_model(settings, turns=given.turns),
            language=None if given.turns else settings.language,
            keyterms=tuple(listen.keyterm or ()),
            min_volume=_within("--min-volume", given.min_volume, 0.0, 1.0),
            max_silence=_within("--max-silence", given.max_silence, 0.05, _MOST_SILENCE),
            turns=given.turns,
        ),
        source=source,
        pace=_pace(given.pace),
        format=wanted,
        output=output,
        profile=options.cues.profile(settings.captions),
    )


def _source(options: TranscribeOptions) -> str | None:
    given = options.source
    sources = list(given.sources or ())
    if given.from_file is not None or given.recursive or len(sources) > 1:
        raise UsageError("Live sound has one source.", hint="Name one file, '-' for stdin, or --mic.")
    if options.live.mic:
        if sources:
            raise UsageError(f"--mic and {sources[0]} are two sources.", hint="Leave one of them out.")
        if options.live.pace is not None:
            raise UsageError("A microphone has its own pace.", hint="Leave out --pace.")
        if given.encoding is not None:
            raise UsageError(
                "A microphone has its own encoding.", hint="Leave out --encoding and --sample-rate."
            )
        return None
    if options.live.device is not None:
        raise UsageError("--device is for the microphone.", hint="Add --mic, or leave out --device.")
    if not sources:
        raise UsageError("There is nothing to listen to.", hint="Add --mic, a file, or '-' for stdin.")
    return sources[0]


def _format(options: TranscribeOptions, output: Path | None) -> str:
    formats = tuple(dict.fromkeys(str(each) for each in options.transcript.format or ()))
    if options.report.json and formats not in {(), (JSON,)}:
        raise UsageError("--json and --format exclude each other.", hint="--json is --format json.")
    if len(formats) > 1:
        raise UsageError("Live sound is written in one format.", hint="Give --format once.")
    if output is not None:
        if output.is_dir() or str(options.transcript.output).endswith(("/", os.sep)):
            raise UsageError(f"{output} is a folder, and a file is needed.", hint="Add a name.")
        return format_of_file(output, (JSON,) if options.report.json else formats)
    return JSON if options.report.json else next(iter(formats), TEXT)


def _model(settings: Settings, *, turns: bool) -> str | None:
    """Return the model that was chosen; the usual one of recordings is not that of turns."""
    return None if turns and settings.origin("stt_model") == "default" else settings.stt_model


def _pace(given: str | None) -> float | None:
    if given == "max":
        return None
    try:
        pace = 1.0 if given is None else float(given)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= _MOST_PACE:
        raise UsageError(f"--pace {given} is not a pace.", hint="Give a factor like 4, or max.")
    return pace


def _within(option: str, value: float | None, lowest: float, highest: float) -> float | None:
    if value is not None and not lowest <= value <= highest:
        raise UsageError(f"{option} {value:g} is out of range.", hint=f"Give {lowest:g} to {highest:g}.")
    return value
