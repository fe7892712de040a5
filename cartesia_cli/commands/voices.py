"""``cartesia voices``: find and choose voices, and manage one's own."""

from collections.abc import Callable, Mapping
from typing import Any

from cartesia_cli.commands._options import takes
from cartesia_cli.commands._voices_options import (
    AccentsOptions,
    AliasOptions,
    DefaultOptions,
    DeleteOptions,
    ImportOptions,
    ListOptions,
    LocalizeOptions,
    MixingOptions,
    PreviewOptions,
    SearchOptions,
    ShowOptions,
    UpdateOptions,
)


@takes(*ListOptions.__annotations__.values())
def list_(*groups: Any) -> None:
    """List all voices, or those that are asked for: ID, name, language, gender, description.

    Columns on a terminal, separated by tabs in a pipe, JSON lines with --json.

    Example: cartesia voices list --language de --gender feminine
    """
    from cartesia_cli.commands._voices_finding import run_list

    run_list(ListOptions(*groups))


@takes(*SearchOptions.__annotations__.values())
def search(*groups: Any) -> None:
    """List the voices that have QUERY in their name, description or ID.

    Example: cartesia voices search narrator --limit 5
    """
    from cartesia_cli.commands._voices_finding import run_search

    run_search(SearchOptions(*groups))


@takes(*ShowOptions.__annotations__.values())
def show(*groups: Any) -> None:
    """Show what is known of a voice.

    Example: cartesia voices show Skylar --json
    """
    from cartesia_cli.commands._voices_finding import run_show

    run_show(ShowOptions(*groups))


@takes(*PreviewOptions.__annotations__.values())
def preview(*groups: Any) -> None:
    """Hear a voice: TEXT, or a greeting in its own language.

    It is played if stdout is a terminal, and costs what 'cartesia say' costs for as much text.

    Example: cartesia voices preview Skylar -o skylar.mp3
    """
    from cartesia_cli.commands._voices_preview import run_preview

    run_preview(PreviewOptions(*groups))


@takes(*DefaultOptions.__annotations__.values())
def default(*groups: Any) -> None:
    """Show which voice speaks where none is named, or choose it.

    It is kept in the configuration as it was given: 'cartesia config path'.

    Example: cartesia voices default Skylar
    """
    from cartesia_cli.commands._voices_choosing import run_default

    run_default(DefaultOptions(*groups))


@takes(*AliasOptions.__annotations__.values())
def alias(*groups: Any) -> None:
    """List the aliases, show one, or give a voice one; any command takes it for the voice.

    Example: cartesia voices alias narrator db6b0ed5-d5d3-463d-ae85-518a07d3c2b4
    """
    from cartesia_cli.commands._voices_choosing import run_alias

    run_alias(AliasOptions(*groups))


@takes(*UpdateOptions.__annotations__.values())
def update(*groups: Any) -> None:
    """Change the name, description, gender or accent of a voice of your own.

    Example: cartesia voices update Skylar --name "Skylar (calm)"
    """
    from cartesia_cli.commands._voices_changing import run_update

    run_update(UpdateOptions(*groups))


@takes(*DeleteOptions.__annotations__.values())
def delete(*groups: Any) -> None:
    """Delete voices of your own for good.

    On a terminal it asks first; anywhere else it needs --yes. One that fails does not keep the others.

    Example: cartesia voices delete "First try" "Second try" --yes
    """
    from cartesia_cli.commands._voices_changing import run_delete

    run_delete(DeleteOptions(*groups))


@takes(*LocalizeOptions.__annotations__.values())
def localize(*groups: Any) -> None:
    """Make a new voice: one that exists, in another accent. Its ID is printed.

    Example: cartesia voices localize Skylar --name "Skylar UK" --accent british
    """
    from cartesia_cli.commands._voices_making import run_localize

    run_localize(LocalizeOptions(*groups))


@takes(*AccentsOptions.__annotations__.values())
def accents(*groups: Any) -> None:
    """List every accent there is, or those of a voice, which can learn some and lose them.

    Example: cartesia voices accents Skylar --add british --add irish
    """
    from cartesia_cli.commands._voices_changing import run_accents

    run_accents(AccentsOptions(*groups))


@takes(*MixingOptions.__annotations__.values())
def mix(*groups: Any) -> None:
    """Write the embedding that lies between voices; for servers of the older API, and local voices.

    Example: cartesia voices mix heart:0.7 deep:0.3 -o warm.json --engine local
    """
    from cartesia_cli.commands._voices_making import run_mix

    run_mix(MixingOptions(*groups))


@takes(*ImportOptions.__annotations__.values())
def import_(*groups: Any) -> None:
    """Make a new voice from an embedding; for servers of the older API, and local voices. Its ID is printed.

    Example: cartesia voices import warm.json --name Warm --engine local
    """
    from cartesia_cli.commands._voices_making import run_import

    run_import(ImportOptions(*groups))


voices: Mapping[str, Callable[..., None]] = {
    "list": list_,
    "search": search,
    "show": show,
    "preview": preview,
    "default": default,
    "alias": alias,
    "update": update,
    "delete": delete,
    "localize": localize,
    "accents": accents,
    "mix": mix,
    "import": import_,
}
"""The subcommands, in the order of ``--help``."""
