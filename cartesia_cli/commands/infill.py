"""``cartesia infill``: speech that fits between two recordings."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import (
    EngineOptions,
    LoudspeakerOptions,
    OutputOptions,
    ReportOptions,
    VoiceOptions,
    takes,
)
from cartesia_cli.commands.say import TextOptions

Option = typer.Option


class SideOptions(NamedTuple):
    """What is before and after it."""

    left: Annotated[Path | None, Option("--left", metavar="FILE", help="The recording before it.")] = None
    right: Annotated[Path | None, Option("--right", metavar="FILE", help="The recording after it.")] = None


class InfillOptions(NamedTuple):
    """Everything that was given on the command line."""

    text: TextOptions
    sides: SideOptions
    voice: VoiceOptions
    output: OutputOptions
    play: LoudspeakerOptions
    engine: EngineOptions
    report: ReportOptions


@takes(*InfillOptions.__annotations__.values())
def infill(*groups: Any) -> None:
    """Say TEXT so that it fits after one recording, before another, or between the two.

    Only the new speech is written. The built-in engine fits the loudness alone.

    Example: cartesia infill "on Tuesday" --voice Anna --left before.wav --right after.wav -o middle.wav
    """
    from cartesia_cli.commands._changing import run_infill

    run_infill(InfillOptions(*groups))
