"""``cartesia completion``: the script that lets a shell complete commands, options, files and voices."""

from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import Quiet, takes

Shell = Literal["bash", "zsh", "fish", "powershell"]


class ShellOptions(NamedTuple):
    """Which shell, and what is done with its script."""

    shell: Annotated[
        Shell | None,
        typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False),
    ] = None
    install: Annotated[
        bool, typer.Option("--install", help="Put the script where the shell looks, and say where.")
    ] = False
    quiet: Quiet = False


@takes(ShellOptions)
def completion(*groups: Any) -> None:
    """Print or install the completion of a shell.

    The script is complete in itself: a tab starts no Python. Names of voices come from the list that
    'voices list' leaves in the cache. --install changes no file of yours; where one needs a line, it is
    shown.

    Example: cartesia completion zsh --install
    """
    from cartesia_cli.commands._completing import run

    run(*groups)
