"""``cartesia man``: the manual."""

from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import Strings, takes


class PageOptions(NamedTuple):
    """Which page."""

    command: Annotated[
        Strings,
        typer.Argument(metavar="[COMMAND]...", help="Like say, or captions lint.", show_default=False),
    ] = None


@takes(PageOptions)
def man(*groups: Any) -> None:
    """Show the manual.

    With COMMAND it is the page of that. The system's man shows it on a terminal;
    elsewhere it is plain text.

    Example: cartesia man captions lint
    """
    from cartesia_cli.commands._manual import run

    run(*groups)
