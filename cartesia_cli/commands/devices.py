"""``cartesia devices``: what can be played on, and listened to."""

from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import takes


class ListOptions(NamedTuple):
    """How the list looks."""

    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line; errors as JSON too.")
    ] = False


@takes(ListOptions)
def devices(*groups: Any) -> None:
    """List the microphones and loudspeakers.

    A line has index, kind, channels, sample rate, whether it is a default, and name: in columns on a
    terminal, with tabs in a pipe. --device takes an index, a name, or a part of a name.

    Example: cartesia devices
    """
    from cartesia_cli.commands._devices import run

    run(*groups)
