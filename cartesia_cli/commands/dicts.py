"""``cartesia dicts``: how words are to be said, kept under names."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import LibraryOptions, ReportOptions, Strings, takes

Argument, Option = typer.Argument, typer.Option


class DictionaryOptions(NamedTuple):
    """Which dictionary."""

    dictionary: Annotated[
        str | None, Argument(metavar="DICT", help="Its name or ID.", show_default=False)
    ] = None


class DictionariesOptions(NamedTuple):
    """Which dictionaries."""

    dictionaries: Annotated[
        Strings, Argument(metavar="DICT...", help="Names or IDs.", show_default=False)
    ] = None


class NameOptions(NamedTuple):
    """A dictionary that is not there yet."""

    name: Annotated[str | None, Argument(metavar="NAME", help="What it is called.", show_default=False)] = (
        None
    )


class PairOptions(NamedTuple):
    """What it says."""

    pairs: Annotated[
        Strings,
        Argument(metavar="[TEXT=ALIAS]...", help="How a text is to be said.", show_default=False),
    ] = None
    from_: Annotated[
        str | None,
        Option("--from", metavar="FILE", help="Read more: .csv .tsv .jsonl .json, or lines TEXT=ALIAS."),
    ] = None
    case_sensitive: Annotated[
        bool, Option("--case-sensitive", help="Only as it is written: Polish is not polish.")
    ] = False


class UnsetOptions(NamedTuple):
    """What it says no longer."""

    unset: Annotated[
        Strings, Option("--unset", metavar="TEXT", help="Leave TEXT to the voice again. Repeatable.")
    ] = None


class ConfirmOptions(NamedTuple):
    """What is not asked."""

    yes: Annotated[bool, Option("--yes", "-y", help="Delete without asking.")] = False


@takes(LibraryOptions, ReportOptions)
def list_(engine: LibraryOptions, report: ReportOptions) -> None:
    """List the dictionaries: ID, name, and how many words each has.

    Example: cartesia dicts list --json
    """
    from cartesia_cli.commands._dicts import run_list

    run_list(engine, report)


@takes(DictionaryOptions, LibraryOptions, ReportOptions)
def show(wanted: DictionaryOptions, engine: LibraryOptions, report: ReportOptions) -> None:
    """Show what a dictionary says: each text with its alias.

    Example: cartesia dicts show names --json > names.json
    """
    from cartesia_cli.commands._dicts import run_show

    run_show(wanted.dictionary, engine, report)


@takes(NameOptions, PairOptions, LibraryOptions, ReportOptions)
def add(name: NameOptions, pairs: PairOptions, engine: LibraryOptions, report: ReportOptions) -> None:
    r"""Make a dictionary and print its ID, which 'say --dict' takes.

    An alias is what a text sounds like, or IPA as in '<<h|ə|l|oʊ>>'. The first '=' ends the text: write
    '\=' for one that belongs to it, and '\\' for a backslash. Files have the columns text, alias and
    case_sensitive (.csv, .tsv), objects with these keys (.jsonl, .json), or lines TEXT=ALIAS (others, '-').

    Example: cartesia dicts add names Nike=NYE-kee "Siobhan=shi-VAWN" --from more.csv
    """
    from cartesia_cli.commands._dicts import run_add

    run_add(name.name, pairs, engine, report)


@takes(DictionaryOptions, PairOptions, UnsetOptions, LibraryOptions, ReportOptions)
def set_(
    wanted: DictionaryOptions,
    pairs: PairOptions,
    unset: UnsetOptions,
    engine: LibraryOptions,
    report: ReportOptions,
) -> None:
    """Change what a dictionary says; the rest of it stays.

    TEXT=ALIAS and FILE are as in 'dicts add'.

    Example: cartesia dicts set names Nike=NYE-kee --unset Adidas
    """
    from cartesia_cli.commands._dicts import run_set

    run_set(wanted.dictionary, pairs, unset.unset or (), engine, report)


@takes(DictionariesOptions, ConfirmOptions, LibraryOptions, ReportOptions)
def rm(
    wanted: DictionariesOptions, confirm: ConfirmOptions, engine: LibraryOptions, report: ReportOptions
) -> None:
    """Delete dictionaries for good; asks on a terminal, needs --yes elsewhere.

    Example: cartesia dicts rm names --yes
    """
    from cartesia_cli.commands._dicts import run_rm

    run_rm(wanted.dictionaries or (), engine, report, yes=confirm.yes)


dicts: Mapping[str, Callable[..., Any]] = {"list": list_, "show": show, "add": add, "set": set_, "rm": rm}
"""The subcommands, in the order of ``--help``."""
