"""``cartesia transcribe``: recordings to text, words and subtitles."""

from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import CueOptions, EngineOptions, ReportOptions, Strings, takes

Option = typer.Option


class TranscriptFormat(StrEnum):
    """What a transcript can be written as; an enumeration, as Typer takes no list of literals."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    ASS = "ass"
    LRC = "lrc"
    TSV = "tsv"


class SourceOptions(NamedTuple):
    """What is listened to."""

    sources: Annotated[
        Strings, typer.Argument(metavar="[SOURCE]...", help="Files, folders, or '-'.", show_default=False)
    ] = None
    recursive: Annotated[bool, Option("--recursive", help="Folders within folders too.")] = False
    from_file: Annotated[
        str | None, Option("--from-file", metavar="LIST", help="Read sources from LIST, one a line.")
    ] = None
    encoding: Annotated[
        Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"] | None,
        Option("--encoding", help="Of samples without a header."),
    ] = None
    sample_rate: Annotated[
        int | None, Option("--sample-rate", "-r", metavar="HZ", help="Of samples without a header.")
    ] = None


class ListenOptions(NamedTuple):
    """How it is listened to."""

    language: Annotated[
        str | None,
        Option("--language", "-l", metavar="CODE", help="Like en, de, ja. [env: CARTESIA_LANGUAGE]"),
    ] = None
    model: Annotated[
        str | None, Option("--model", "-m", metavar="ID", help="Model ID. [env: CARTESIA_STT_MODEL]")
    ] = None
    keyterm: Annotated[
        Strings, Option("--keyterm", metavar="WORD", help="A word to expect. Repeatable; live only.")
    ] = None
    jobs: Annotated[
        int | None, Option("--jobs", metavar="N", help="How many at a time. (default: 4; built-in engine: 1)")
    ] = None


class LiveOptions(NamedTuple):
    """Listening while someone speaks."""

    live: Annotated[bool, Option("--live", help="Write down what is said while it is being said.")] = False
    mic: Annotated[bool, Option("--mic", help="Listen to the microphone, live.")] = False
    device: Annotated[str | None, Option("--device", metavar="NAME|INDEX", help="Which microphone.")] = None
    turns: Annotated[bool, Option("--turns", help="Live: the turns of a conversation.")] = False
    interim: Annotated[bool, Option("--interim", help="Live JSON: also what may still change.")] = False
    min_volume: Annotated[
        float | None, Option("--min-volume", metavar="0–1", help="Live: what is fainter is silence.")
    ] = None
    max_silence: Annotated[
        float | None,
        Option("--max-silence", metavar="SECONDS", help="Live: the pause that ends an utterance."),
    ] = None
    pace: Annotated[
        str | None,
        Option("--pace", metavar="FACTOR|max", help="Live: how fast a file is played. (default: 1)"),
    ] = None


class TranscriptOptions(NamedTuple):
    """What is written, and where."""

    words: Annotated[bool, Option("--words", help="When each word is said: START, END, WORD.")] = False
    format: Annotated[
        list[TranscriptFormat] | None, Option("--format", help="What to write; repeatable with '-o DIR'.")
    ] = None
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="FILE|DIR", help="Write FILE, or files in DIR; '-' is stdout."),
    ] = None
    skip_existing: Annotated[
        bool, Option("--skip-existing", help="Leave out what is there (always so with '-o DIR').")
    ] = False
    force: Annotated[bool, Option("--force", help="Do it again, even if it is there.")] = False
    no_clobber: Annotated[bool, Option("--no-clobber", help="Never replace an existing file.")] = False


class TranscribeOptions(NamedTuple):
    """Everything that was given on the command line."""

    source: SourceOptions
    listen: ListenOptions
    live: LiveOptions
    transcript: TranscriptOptions
    cues: CueOptions
    engine: EngineOptions
    report: ReportOptions


@takes(*TranscribeOptions.__annotations__.values())
def transcribe(*groups: Any) -> None:
    """Turn recordings, or what is being said, into text, words with their times, and subtitles.

    Example: cartesia transcribe talks/*.mp3 --format srt --format vtt -o subs/
    """
    from cartesia_cli.commands._transcribing import run

    run(TranscribeOptions(*groups))
