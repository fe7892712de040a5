"""``cartesia say``: text to speech, and to the time of every word."""

from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    CueOptions,
    EngineOptions,
    OutputOptions,
    PlayOptions,
    ReportOptions,
    Strings,
    TimingOptions,
    VoiceOptions,
    takes,
)


class TextOptions(NamedTuple):
    """What is said."""

    text: Annotated[Strings, typer.Argument(metavar="[TEXT]...", help="What to say.", show_default=False)] = (
        None
    )
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="Read the text from FILE; '-' is stdin."),
    ] = None


class SendOptions(NamedTuple):
    """How the text is sent, or not."""

    transport: Annotated[
        Literal["auto", "bytes", "sse", "websocket"] | None,
        typer.Option("--transport", help="How audio comes: bytes; sse and websocket have timings."),
    ] = None
    events: Annotated[bool, typer.Option("--events", help="Print each event as a JSON line.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the request and its credits; send nothing.")
    ] = False
    cache: Annotated[
        bool, typer.Option("--cache", help="Take the speech from the cache if it is there; else keep it.")
    ] = False
    curl: Annotated[bool, typer.Option("--curl", help="Show the same request as a curl command.")] = False


class SayOptions(NamedTuple):
    """Everything that was given on the command line."""

    text: TextOptions
    voice: VoiceOptions
    output: OutputOptions
    play: PlayOptions
    timing: TimingOptions
    cues: CueOptions
    send: SendOptions
    engine: EngineOptions
    report: ReportOptions


@takes(*SayOptions.__annotations__.values())
def say(*groups: Any) -> None:
    """Speak TEXT: into files, to stdout, to the loudspeaker; with the time of every word.

    Example: cartesia say "Hello there" -o hello.wav --timings hello.srt
    """
    from cartesia_cli.commands._saying import run

    run(SayOptions(*groups))
