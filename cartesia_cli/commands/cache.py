"""``cartesia cache``: what was kept so that it need not be asked for twice."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import Quiet, takes


class FormOptions(NamedTuple):
    """How it is told."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON object; errors as JSON too.")] = False
    quiet: Quiet = False


class PruneOptions(NamedTuple):
    """What stays."""

    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="SIZE", help="Keep no more, like 500MB or 2GB.")
    ] = None
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="AGE", help="Delete what was not used for so long, like 12h or 30d."
        ),
    ] = None


@takes(FormOptions)
def show_stats(*groups: Any) -> None:
    """Show how much is kept, and where.

    Example: cartesia cache stats
    """
    from cartesia_cli.commands._caching import run_stats

    run_stats(*groups)


@takes(PruneOptions, FormOptions)
def prune(*groups: Any) -> None:
    """Delete speech that was not used for long; without options, for 30 days.

    Example: cartesia cache prune --max-size 1GB
    """
    from cartesia_cli.commands._caching import run_prune

    run_prune(*groups)


@takes(FormOptions)
def clear(*groups: Any) -> None:
    """Delete everything that is kept: speech, and the names of voices.

    Example: cartesia cache clear
    """
    from cartesia_cli.commands._caching import run_clear

    run_clear(*groups)


cache: Mapping[str, Callable[..., None]] = {"stats": show_stats, "prune": prune, "clear": clear}
"""The subcommands by their names."""
