"""``cartesia captions``: subtitle files, converted, checked, retimed, and made from a known script."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import Color, CueOptions, LogFile, Quiet, Strings, Verbose, takes

Argument, Option = typer.Argument, typer.Option
Format = Literal["srt", "vtt", "ass", "lrc", "tsv", "json"]


class InputsOptions(NamedTuple):
    """What is converted."""

    sources: Annotated[
        Strings,
        Argument(
            metavar="IN...", help=".srt .vtt .ass .ssa .lrc .tsv .json, or '-': stdin.", show_default=False
        ),
    ] = None


class InputOptions(NamedTuple):
    """What is retimed."""

    source: Annotated[
        str | None,
        Argument(
            metavar="IN", help=".srt .vtt .ass .ssa .lrc .tsv .json, or '-': stdin.", show_default=False
        ),
    ] = None


class ReadingOptions(NamedTuple):
    """How a file is understood."""

    from_: Annotated[Format | None, Option("--from", help="What IN is, whatever its name; '-' needs it.")] = (
        None
    )
    language: Annotated[
        str | None,
        Option("--language", "-l", metavar="CODE", help="Like en, de, ja. (default: by the script)"),
    ] = None


class TargetOptions(NamedTuple):
    """Where the result goes."""

    output: Annotated[
        str | None, Option("--output", "-o", metavar="OUT", help="Write OUT; '-' is stdout.")
    ] = None
    format: Annotated[
        Format | None, Option("--format", help="For '-', folders and names without an ending.")
    ] = None
    no_clobber: Annotated[bool, Option("--no-clobber", help="Never replace an existing file.")] = False


class ClockOptions(NamedTuple):
    """What time it becomes."""

    shift: Annotated[
        str | None, Option("--shift", metavar="SECONDS", help="So much later; like -1.5: earlier.")
    ] = None
    stretch: Annotated[
        str | None, Option("--stretch", metavar="FACTOR", help="So many times slower, before the shift.")
    ] = None
    fps: Annotated[
        str | None,
        Option("--fps", metavar="FROM:TO", help="Made for FROM pictures a second, shown at TO: 25:23.976."),
    ] = None


class CheckOptions(NamedTuple):
    """What is checked."""

    sources: Annotated[
        Strings,
        Argument(
            metavar="FILE...", help=".srt .vtt .ass .ssa .lrc .tsv .json, or '-': stdin.", show_default=False
        ),
    ] = None
    words: Annotated[
        str | None,
        Option("--words", metavar="TIMINGS.json", help="What was said: shows lost words, excuses fast ones."),
    ] = None
    json: Annotated[bool, Option("--json", help="Print findings as JSON lines; errors as JSON too.")] = False


class ScriptOptions(NamedTuple):
    """What was said, and the recording of it."""

    script: Annotated[
        str | None, Argument(metavar="SCRIPT", help="A text file, or '-': stdin.", show_default=False)
    ] = None
    audio: Annotated[Path | None, Argument(metavar="AUDIO", help="A recording.", show_default=False)] = None
    language: Annotated[
        str | None,
        Option("--language", "-l", metavar="CODE", help="Of the captions' rules. (default: by the script)"),
    ] = None


class TalkOptions(NamedTuple):
    """What the run tells about itself."""

    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None


class ConvertOptions(NamedTuple):
    """Everything that ``convert`` was given."""

    inputs: InputsOptions
    target: TargetOptions
    reading: ReadingOptions
    cues: CueOptions
    talk: TalkOptions


class LintOptions(NamedTuple):
    """Everything that ``lint`` was given."""

    check: CheckOptions
    reading: ReadingOptions
    cues: CueOptions
    talk: TalkOptions


class RetimeOptions(NamedTuple):
    """Everything that ``retime`` was given."""

    input: InputOptions
    target: TargetOptions
    clock: ClockOptions
    reading: ReadingOptions
    cues: CueOptions
    talk: TalkOptions


class AlignOptions(NamedTuple):
    """Everything that ``align`` was given."""

    script: ScriptOptions
    target: TargetOptions
    cues: CueOptions
    talk: TalkOptions


@takes(*ConvertOptions.__annotations__.values())
def convert(*groups: Any) -> None:
    """Convert subtitles to another format; with --captions also into other cues.

    Several files go into a folder: OUT, with --format. Cues and their times stay as they are, unless
    --captions or a rule of its own is given: then the words are cut anew, by their own times if the file
    has them. A JSON file of words alone is always cut.

    Example: cartesia captions convert talks/*.srt -o web/ --format vtt
    """
    from cartesia_cli.commands._captioning import run_convert

    run_convert(ConvertOptions(*groups))


@takes(*LintOptions.__annotations__.values())
def lint(*groups: Any) -> None:
    """Check subtitles by the rules of a profile; every broken one is a line FILE:LINE: RULE: MESSAGE.

    The status is 8 if there are errors. What speech itself makes impossible is a warning, if --words tells
    what was said when.

    Example: cartesia captions lint talk.srt --captions bbc --words talk.json
    """
    from cartesia_cli.commands._linting import run_lint

    run_lint(LintOptions(*groups))


@takes(*RetimeOptions.__annotations__.values())
def retime(*groups: Any) -> None:
    """Make subtitles earlier, later, slower or faster, or cut them anew with --captions.

    What would begin before 0 begins at 0; what would end there as well is left out, and a warning says so.

    Example: cartesia captions retime film.srt -o pal.srt --fps 23.976:25
    """
    from cartesia_cli.commands._captioning import run_retime

    run_retime(RetimeOptions(*groups))


@takes(*AlignOptions.__annotations__.values())
def align(*groups: Any) -> None:
    """Make subtitles of a recording whose words are known; the built-in engine finds when they are said.

    They have the script's own words, numbers and punctuation.

    Example: cartesia captions align speech.txt speech.mp3 -o speech.srt
    """
    from cartesia_cli.commands._captioning import run_align

    run_align(AlignOptions(*groups))


captions: Mapping[str, Callable[..., None]] = {
    "convert": convert,
    "lint": lint,
    "retime": retime,
    "align": align,
}
"""The subcommands, in the order of ``--help``."""
