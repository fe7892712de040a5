"""``cartesia doctor``: whether everything is set up."""

from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import Color, takes


class DoctorOptions(NamedTuple):
    """What is looked at, and how it is told."""

    speak: Annotated[bool, typer.Option("--speak", help="Play a sentence.")] = False
    usage: Annotated[bool, typer.Option("--usage", help="Ask how many credits were used lately.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False
    color: Color = None


@takes(DoctorOptions)
def doctor(*groups: Any) -> None:
    """Check this installation, and say how to mend what is wrong.

    Looked at are program, PATH, extras, settings, key, network, clock, sound, permissions and disk.

    The status is 8 if there is a problem; a warning leaves it 0.

    Example: cartesia doctor --speak
    """
    from cartesia_cli.commands._doctor import run

    run(*groups)
