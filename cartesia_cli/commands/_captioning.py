"""Does what ``cartesia captions convert``, ``retime`` and ``align`` were asked for."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli import console
from cartesia_cli.captions import Profile, Subtitles, format_subtitles
from cartesia_cli.commands._caption_files import (
    FORMATS,
    STDIN,
    STDOUT,
    input_format,
    output_format,
    read_source,
    read_text_file,
    write_text_file,
)
from cartesia_cli.commands._options import CueOptions, EngineOptions, ReportOptions
from cartesia_cli.commands._setup import set_up
from cartesia_cli.commands._sources import Source, name_results
from cartesia_cli.commands.captions import (
    AlignOptions,
    ClockOptions,
    ConvertOptions,
    RetimeOptions,
    TalkOptions,
    TargetOptions,
)
from cartesia_cli.errors import CartesiaError, PartialFailureError, UsageError
from cartesia_cli.files import naming
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.captions.retiming import Clock

JSON = "json"


class _Conversion(NamedTuple):
    """One file to read and one to write, with their formats."""

    source: str
    source_format: str
    target: str
    format: str


def set_up_captions(talk: TalkOptions, cues: CueOptions, *, json: bool = False) -> Settings:
    """Return the settings of a run that needs no engine, and tell the console how to speak."""
    report = ReportOptions(
        json=json, quiet=talk.quiet, verbose=talk.verbose, log_file=talk.log_file, color=talk.color
    )
    return set_up(EngineOptions(), report, {"captions": cues.captions})


def run_convert(options: ConvertOptions) -> None:
    """Convert every file, and tell which of them failed."""
    settings = set_up_captions(options.talk, options.cues)
    profile = options.cues.profile(settings.captions)
    sources = options.inputs.sources or []
    conversions = _plan(sources, options.target, options.reading.from_)
    failed = 0
    for each in conversions:
        try:
            subtitles = _in_language(read_source(each.source, each.source_format), options.reading.language)
            write_subtitles(each.target, each.format, subtitles, profile, options.target, options.cues)
        except CartesiaError as failure:
            if len(conversions) == 1:
                raise
            console.note_failure(each.source, failure)
            failed += 1
    if failed:
        done = len(conversions) - failed
        raise PartialFailureError(f"{done} converted, {failed} failed.")


def _plan(sources: Sequence[str], target: TargetOptions, wanted: str | None) -> list[_Conversion]:
    """Return what is converted to what.

    Raises:
        UsageError: there is no source or no target, a format is not known, or several go into one file.
    """
    if not sources:
        raise UsageError(
            "There is nothing to convert.", hint="For example: cartesia captions convert talk.srt -o talk.vtt"
        )
    if sources.count(STDIN) > 1:
        raise UsageError("Standard input can be read only once.")
    output = _required_output(target)
    folder = Path(output)
    if output == STDOUT or not (len(sources) > 1 or output.endswith(("/", os.sep)) or folder.is_dir()):
        if len(sources) > 1:
            raise UsageError("Several files do not fit on standard output.", hint="Give a folder with -o.")
        target_format = output_format(output, target.format)
        return [_Conversion(sources[0], input_format(sources[0], wanted), output, target_format)]
    if folder.suffix[1:].lower() in FORMATS and not folder.is_dir():
        raise UsageError(f"{len(sources)} files do not fit into {output}.", hint="Give a folder with -o.")
    if target.format is None:
        raise UsageError(
            f"The folder {output} does not say which format it shall have.",
            hint=f"Add --format: {', '.join(FORMATS)}.",
        )
    formats = [input_format(source, wanted) for source in sources]
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = name_results([Source(source, Path(source)) for source in sources])
    return [
        _Conversion(source, source_format, str(folder / f"{name}.{target.format}"), target.format)
        for source, source_format, name in zip(sources, formats, names, strict=True)
    ]


def _required_output(target: TargetOptions) -> str:
    if target.output is None:
        raise UsageError("There is nowhere to put the result.", hint="Add -o FILE, or -o - for stdout.")
    return target.output


def _in_language(subtitles: Subtitles, language: str | None) -> Subtitles:
    return replace(subtitles, language=language) if language is not None else subtitles


def write_subtitles(
    name: str, format: str, subtitles: Subtitles, profile: Profile, target: TargetOptions, cues: CueOptions
) -> None:
    """Write a subtitle file; its words are cut anew if that is asked for, or if they never were cut."""
    if cues != CueOptions() or (subtitles.cues is None and format != JSON):
        subtitles = subtitles.cut(profile)
    write_text_file(name, format_subtitles(format, subtitles), clobber=not target.no_clobber)


def run_retime(options: RetimeOptions) -> None:
    """Retime one file."""
    settings = set_up_captions(options.talk, options.cues)
    if options.input.source is None:
        raise UsageError(
            "There is nothing to retime.",
            hint="For example: cartesia captions retime film.srt -o later.srt --shift 1.5",
        )
    output = _required_output(options.target)
    target_format = output_format(output, options.target.format)
    clock = _clock(options.clock)
    if clock is None and options.cues == CueOptions():
        raise UsageError(
            "This does not say how to retime.", hint="Add --shift, --stretch, --fps, or --captions."
        )
    profile = options.cues.profile(settings.captions)
    source_format = input_format(options.input.source, options.reading.from_)
    subtitles = _in_language(read_source(options.input.source, source_format), options.reading.language)
    if clock is not None:
        subtitles = _retimed(subtitles, clock)
    write_subtitles(output, target_format, subtitles, profile, options.target, options.cues)


def _clock(given: ClockOptions) -> "Clock | None":
    """Return the clock that the options describe; None if they describe none."""
    if given == ClockOptions():
        return None
    from cartesia_cli.captions.retiming import Clock, parse_frame_rates, parse_shift, parse_stretch

    if given.stretch is not None and given.fps is not None:
        raise UsageError("--stretch and --fps exclude each other.", hint="Both say how much slower it gets.")
    clock = Clock()
    if given.shift is not None:
        clock = replace(clock, shift=parse_shift(given.shift))
    if given.stretch is not None:
        clock = replace(clock, stretch=parse_stretch(given.stretch))
    if given.fps is not None:
        clock = replace(clock, stretch=parse_frame_rates(given.fps))
    return clock


def _retimed(subtitles: Subtitles, clock: "Clock") -> Subtitles:
    from cartesia_cli.captions.retiming import retime

    retimed = retime(subtitles, clock)
    before: Sequence[object]
    after: Sequence[object]
    before, after, noun = subtitles.words, retimed.words, "word"
    if subtitles.cues is not None and retimed.cues is not None:
        before, after, noun = subtitles.cues, retimed.cues, "cue"
    if before and not after:
        raise UsageError("Everything would be over before 0.", hint="Shift by less.")
    if lost := len(before) - len(after):
        console.warn(f"{lost} {noun}{'s' if lost > 1 else ''} left out that would be over before 0")
    return retimed


def run_align(options: AlignOptions) -> None:
    """Find when the words of a script are said, and write them as subtitles."""
    settings = set_up_captions(options.talk, options.cues)
    script, audio = options.script.script, options.script.audio
    if script is None or audio is None:
        raise UsageError(
            "A script and a recording are needed.",
            hint="For example: cartesia captions align speech.txt speech.mp3 -o speech.srt",
        )
    output = _required_output(options.target)
    target_format = output_format(output, options.target.format)
    profile = options.cues.profile(settings.captions)
    text = read_text_file(script).strip()
    if not text:
        raise UsageError(f"The script {script} is empty.")
    from cartesia_cli.engines import open_aligner

    words = open_aligner().align(text, audio)
    subtitles = Subtitles(None, words, text=text, language=options.script.language, source=str(audio))
    write_subtitles(output, target_format, subtitles, profile, options.target, options.cues)
