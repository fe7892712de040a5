"""``cartesia stream``: speech while the text is still being written."""

from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    CueOptions,
    EngineOptions,
    OutputOptions,
    PlayOptions,
    ReportOptions,
    TimingOptions,
    VoiceOptions,
    takes,
)


class ArrivalOptions(NamedTuple):
    """How the text comes, and in which pieces it is spoken."""

    tee: Annotated[bool, typer.Option("--tee", help="Pass the text on to stdout.")] = False
    split: Annotated[
        Literal["none", "sentence", "line"],
        typer.Option("--split", help="What is spoken as a whole; none leaves it to the engine."),
    ] = "none"
    buffer_delay: Annotated[
        int | None,
        typer.Option(
            "--buffer-delay", metavar="MS", help="How long text may wait for more, 0–5000. (default: 3000)"
        ),
    ] = None
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Speak Markdown without its marks, code and URLs.")
    ] = False


class StreamOptions(NamedTuple):
    """Everything that was given on the command line."""

    arrival: ArrivalOptions
    voice: VoiceOptions
    output: OutputOptions
    play: PlayOptions
    timing: TimingOptions
    cues: CueOptions
    engine: EngineOptions
    report: ReportOptions


@takes(*StreamOptions.__annotations__.values())
def stream(*groups: Any) -> None:
    """Speak text from stdin while it is still being written, as one utterance; or a prompt, line by line.

    Example: llm "tell me a story" | cartesia stream --play --tee
    """
    from cartesia_cli.commands._streaming import run

    run(StreamOptions(*groups))
