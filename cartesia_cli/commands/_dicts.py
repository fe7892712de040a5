"""Does what ``cartesia dicts`` was asked for."""

import difflib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._asking import require_yes
from cartesia_cli.commands._dicts_items import read_items, read_pairs
from cartesia_cli.commands._options import LibraryOptions, ReportOptions
from cartesia_cli.commands._reporting import report_stats
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands._tables import Column, print_table
from cartesia_cli.commands.dicts import PairOptions
from cartesia_cli.engines import DictionaryCatalogue, choose_engine, open_library
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Pronunciation, PronunciationDictionary, Traffic

_ID = re.compile(r"pdict_\w+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class _Open(NamedTuple):
    """Where the dictionaries are."""

    catalogue: DictionaryCatalogue
    plain: bool
    """Whether what is shown is for a screen reader."""


def run_list(engine: LibraryOptions, report: ReportOptions) -> None:
    """Show every dictionary."""
    with _opened(engine, report) as (catalogue, plain):
        found = catalogue.dictionaries()
        if report.json:
            for each in found:
                console.data_json(each.fields)
            return
        rows = ((each.id, each.name, str(len(each.items))) for each in found)
        columns = Column("ID"), Column("NAME", 12), Column("WORDS")
        if not print_table(columns, rows, plain=plain):
            console.hint_to_person("there are no dictionaries; 'cartesia dicts add' makes one")


def run_show(wanted: str | None, engine: LibraryOptions, report: ReportOptions) -> None:
    """Show one dictionary."""
    with _opened(engine, report) as (catalogue, plain):
        found = _find(_required(wanted), catalogue)
        # A list need not hold every word.
        found = catalogue.get_dictionary(found.id)
        if report.json:
            console.data_json(found.fields)
            return
        rows = [(item.text, item.alias, "yes" if item.case_sensitive else "no") for item in found.items]
        print_table((Column("TEXT"), Column("ALIAS", 12), Column("CASE-SENSITIVE")), rows, plain=plain)


def run_add(name: str | None, pairs: PairOptions, engine: LibraryOptions, report: ReportOptions) -> None:
    """Make a dictionary.

    Raises:
        UsageError: there is no name, or one of the words cannot be understood.
    """
    if name is None or not name.strip():
        raise UsageError(
            "The dictionary needs a name.", hint="For example: cartesia dicts add names Nike=NYE-kee"
        )
    items = _items(pairs)
    with _opened(engine, report) as (catalogue, _):
        made = catalogue.create_dictionary(name.strip(), items)
    if report.json:
        console.data_json(made.fields)
    else:
        console.data(f"{made.id}\n")


def run_set(
    wanted: str | None,
    pairs: PairOptions,
    unset: Sequence[str],
    engine: LibraryOptions,
    report: ReportOptions,
) -> None:
    """Change the words of a dictionary.

    Raises:
        UsageError: there is nothing to change, or a text that is not there was to be unset.
    """
    wanted = _required(wanted)
    items = _items(pairs)
    if not items and not unset:
        raise UsageError("There is nothing to change.", hint="Give TEXT=ALIAS, --from FILE or --unset TEXT.")
    both = [item.text for item in items if item.text in unset]
    if both:
        raise UsageError(f"{both[0]!r} is set and unset at once.", hint="Leave one of them out.")
    with _opened(engine, report) as (catalogue, _):
        found = catalogue.get_dictionary(_find(wanted, catalogue).id)
        changed = catalogue.update_dictionary(found.id, _merged(found, items, unset))
    if report.json:
        console.data_json(changed.fields)


def run_rm(wanted: Sequence[str], engine: LibraryOptions, report: ReportOptions, *, yes: bool) -> None:
    """Delete dictionaries, all of them or, if one is unknown, none.

    Raises:
        UsageError: none is named, or nobody said yes.
    """
    if not wanted:
        raise UsageError("No dictionary is named.", hint="For example: cartesia dicts rm names")
    with _opened(engine, report) as (catalogue, _):
        found = {each.id: each for each in (_find(name, catalogue) for name in wanted)}
        listed = ", ".join(f"{each.name} ({each.id})" for each in found.values())
        require_yes(
            f"Delete {listed} for good?",
            yes=yes,
            no_input=report.no_input,
            refusal=UsageError("Nothing is deleted without being asked for.", hint="Add --yes to delete it."),
        )
        for dictionary_id in found:
            catalogue.delete_dictionary(dictionary_id)


@contextmanager
def _opened(engine: LibraryOptions, report: ReportOptions) -> Iterator[_Open]:
    """Set the run up, lend the engine's dictionaries, and show figures at the end if they are wanted."""
    started = time.monotonic()
    settings = set_up(engine.as_engine_options(), report, {})
    key = find_secret_key(settings)
    with closing(open_library(settings, choose_engine(settings, key), key)) as library:
        yield _Open(library, settings.color == "never")
        traffic = getattr(library, "traffic", Traffic())
    if report.stats:
        wall = round(time.monotonic() - started, 3)
        report_stats({"wall": wall, "requests": traffic.requests, "retries": traffic.retries})


def _required(wanted: str | None) -> str:
    if wanted is None:
        raise UsageError("No dictionary is named.", hint="List them with: cartesia dicts list")
    return wanted


def _find(wanted: str, catalogue: DictionaryCatalogue) -> PronunciationDictionary:
    """Return the dictionary with this ID or name.

    Raises:
        UsageError: no dictionary, or more than one, has this name.
        RequestError: no dictionary has this ID.
    """
    if _ID.fullmatch(wanted):
        return catalogue.get_dictionary(wanted)
    found = list(catalogue.dictionaries())
    name = wanted.strip().casefold()
    same = [each for each in found if each.id == wanted] or [
        each for each in found if each.name.strip().casefold() == name
    ]
    if len(same) == 1:
        return same[0]
    if same:
        listed = ", ".join(each.id for each in same[:5])
        raise UsageError(f"{len(same)} dictionaries are called {wanted!r}: {listed}.", hint="Use an ID.")
    close = difflib.get_close_matches(wanted, [each.name for each in found], n=5, cutoff=0.4)
    hint = f"Did you mean {', '.join(close)}?" if close else "List them with: cartesia dicts list"
    raise UsageError(f"No dictionary is called {wanted!r}.", hint=hint)


def _items(pairs: PairOptions) -> list[Pronunciation]:
    """Return the words from the command line and from a file.

    Raises:
        UsageError: some cannot be understood, or one is there twice.
    """
    items = [
        *read_pairs(pairs.pairs or ()),
        *([] if pairs.from_ is None else read_items(pairs.from_)),
    ]
    seen: set[str] = set()
    for item in items:
        if item.text in seen:
            raise UsageError(f"{item.text!r} is given twice.", hint="Leave one of them out.")
        seen.add(item.text)
    return [replace(item, case_sensitive=True) for item in items] if pairs.case_sensitive else items


def _merged(
    found: PronunciationDictionary, items: Sequence[Pronunciation], unset: Sequence[str]
) -> list[Pronunciation]:
    """Return the words of a dictionary with some changed, some added and some removed; the order stays."""
    there = {item.text for item in found.items}
    for text in unset:
        if text not in there:
            raise UsageError(
                f"The dictionary {found.name} says nothing of {text!r}.",
                hint=f"See what it says with: cartesia dicts show {found.id}",
            )
    new = {item.text: item for item in items}
    kept = [new.pop(item.text, item) for item in found.items if item.text not in unset]
    return [*kept, *new.values()]
