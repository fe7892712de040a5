"""``cartesia config``: the user's settings, read, written, and where each of them comes from."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import Color, LogFile, Quiet, Verbose, takes

Argument, Option = typer.Argument, typer.Option
Name = Annotated[
    str | None,
    Argument(
        metavar="KEY", help="Like voice, headers.NAME, aliases.NAME, profiles.NAME.KEY.", show_default=False
    ),
]
Profile = Annotated[
    str | None,
    Option("--profile", metavar="NAME", help="Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]"),
]
OwnProfile = Annotated[
    str | None, Option("--profile", metavar="NAME", help="In [profiles.NAME], not for every run.")
]


class GetOptions(NamedTuple):
    """Which setting is shown."""

    name: Name = None
    profile: Profile = None
    json: Annotated[bool, Option("--json", help="Print one JSON object; errors as JSON too.")] = False


class SetOptions(NamedTuple):
    """What is written."""

    name: Name = None
    value: Annotated[
        str | None, Argument(metavar="VALUE", help="'-' reads it from standard input.", show_default=False)
    ] = None
    profile: OwnProfile = None


class UnsetOptions(NamedTuple):
    """What is removed."""

    name: Name = None
    profile: OwnProfile = None


class ListOptions(NamedTuple):
    """How the settings are shown."""

    show_origin: Annotated[bool, Option("--show-origin", help="Where each value comes from.")] = False
    profile: Profile = None
    json: Annotated[bool, Option("--json", help="Print JSON lines; errors as JSON too.")] = False


class TalkOptions(NamedTuple):
    """What the run tells about itself."""

    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None


@takes(GetOptions, TalkOptions)
def get(wanted: GetOptions, talk: TalkOptions) -> None:
    """Print the value of a setting that a run would have here; an empty line if there is none.

    Environment and project file count. The value of a header is never shown.

    Example: cartesia config get voice --profile work
    """
    from cartesia_cli.commands._config import run_get

    run_get(wanted, talk)


@takes(SetOptions, TalkOptions)
def set_(wanted: SetOptions, talk: TalkOptions) -> None:
    """Write a setting into your configuration; comments and order stay as they are.

    A value that begins with a minus needs two more before it: config set gain -- -3

    Example: cartesia config set aliases.narrator heart
    """
    from cartesia_cli.commands._config import run_set

    run_set(wanted, talk)


@takes(UnsetOptions, TalkOptions)
def unset(wanted: UnsetOptions, talk: TalkOptions) -> None:
    """Remove a setting, or a whole table like profiles.NAME, from your configuration.

    Example: cartesia config unset voice
    """
    from cartesia_cli.commands._config import run_unset

    run_unset(wanted, talk)


@takes(ListOptions, TalkOptions)
def list_(wanted: ListOptions, talk: TalkOptions) -> None:
    """Print every setting that a run would have here.

    Aligned on a terminal, separated by tabs elsewhere. The values of headers are never shown.

    Example: cartesia config list --show-origin
    """
    from cartesia_cli.commands._config import run_list

    run_list(wanted, talk)


@takes(TalkOptions)
def path(talk: TalkOptions) -> None:
    """Print where your configuration is, whether or not the file exists.

    Example: cat "$(cartesia config path)"
    """
    from cartesia_cli.commands._config import run_path

    run_path(talk)


@takes(TalkOptions)
def edit(talk: TalkOptions) -> None:
    """Open your configuration in $VISUAL or $EDITOR, and check it afterwards.

    Example: EDITOR=nano cartesia config edit
    """
    from cartesia_cli.commands._config import run_edit

    run_edit(talk)


config: Mapping[str, Callable[..., Any]] = {
    "get": get,
    "set": set_,
    "unset": unset,
    "list": list_,
    "path": path,
    "edit": edit,
}
"""The subcommands, in the order of ``--help``."""
