"""``cartesia change-voice``: a recording, said by another voice."""

from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    EngineOptions,
    LoudspeakerOptions,
    OutputOptions,
    ReportOptions,
    takes,
)

Option = typer.Option


class ChangeOptions(NamedTuple):
    """What is changed, and into what."""

    recording: Annotated[
        str | None, typer.Argument(metavar="IN", help="A recording, or '-': stdin.", show_default=False)
    ] = None
    voice: Annotated[
        str | None, Option("--voice", "-v", metavar="VOICE", help="Name, ID or alias. [env: CARTESIA_VOICE]")
    ] = None
    transport: Annotated[
        Literal["auto", "bytes", "sse"] | None, Option("--transport", help="How the sound comes.")
    ] = None


class ChangeVoiceOptions(NamedTuple):
    """Everything that was given on the command line."""

    change: ChangeOptions
    output: OutputOptions
    play: LoudspeakerOptions
    engine: EngineOptions
    report: ReportOptions


@takes(*ChangeVoiceOptions.__annotations__.values())
def change_voice(*groups: Any) -> None:
    """Say a recording again with another voice; words, melody and pauses stay.

    The built-in engine moves the pitch and the sound of the throat to those of its voice.

    Example: cartesia change-voice me.wav --voice deep -o deep.wav
    """
    from cartesia_cli.commands._changing import run_change

    run_change(ChangeVoiceOptions(*groups))
