"""``voices update``, ``delete`` and ``accents``: what becomes of voices that exist."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cartesia_cli import console
from cartesia_cli.commands._tables import Column, one_line, print_table
from cartesia_cli.commands._voices import Desk, open_desk, require_voice
from cartesia_cli.commands._voices_options import (
    AccentsOptions,
    ChangeOptions,
    DeleteOptions,
    TellOptions,
    UpdateOptions,
)
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    OutputError,
    PartialFailureError,
    UsageError,
)
from cartesia_cli.models import Voice

_ACCENT_COLUMNS = (Column("ID", 12), Column("NAME", 8), Column("LANG"), Column("LOCALE"))
_OWN_COLUMNS = (Column("ID", 12), Column("LOCALE"), Column("KIND"))
_HOPELESS = CredentialsError, LimitError, OutputError
"""What would fail the next voice as well."""


def run_update(options: UpdateOptions) -> None:
    """Change a voice.

    Raises:
        UsageError: nothing is to be changed, or it cannot be.
        CartesiaError: as ``open_desk``, or it is refused.
    """
    wanted, changes = require_voice(options.voice.voice), _changes(options.change)
    with open_desk(options.library, options.tell, prints_object=True) as desk:
        voice = desk.library.update_voice(desk.find(wanted), changes)
        desk.forget(voice)
        if options.tell.json:
            desk.print_json(voice.fields)
        else:
            console.hint_to_person(f"changed the voice {voice.name} ({voice.id})")


def run_delete(options: DeleteOptions) -> None:
    """Delete voices, one after the other, after they were confirmed.

    Raises:
        UsageError: no voice is named, or it was not confirmed.
        PartialFailureError: some of several voices are still there.
        CartesiaError: the only voice is still there.
    """
    wanted = list(dict.fromkeys(options.doomed.voices or ()))
    for name in wanted or ("",):
        require_voice(name)
    asks = not options.doomed.yes
    if asks:
        _require_person(options.tell)
    with open_desk(options.library, options.tell) as desk:
        doomed, n_failed = _found(desk, wanted, with_names=asks)
        if asks and doomed:
            _confirm(doomed.values())
        for voice_id, (name, _) in doomed.items():
            try:
                desk.library.delete_voice(voice_id)
            except CartesiaError as failure:
                if len(wanted) == 1 or isinstance(failure, _HOPELESS):
                    raise
                desk.forget_name(name)
                console.note_failure(name, failure)
                n_failed += 1
                continue
            desk.forget_deleted(voice_id)
            if options.tell.json:
                console.data_json({"id": voice_id, "deleted": True})
            else:
                console.hint_to_person(f"deleted the voice {name} ({voice_id})")
        if n_failed:
            raise PartialFailureError(
                f"{n_failed} of {len(wanted)} voices could not be deleted.", hint="The reasons are above."
            )


def run_accents(options: AccentsOptions) -> None:
    """List all accents, or those of a voice after it learnt and lost some.

    Raises:
        UsageError: there is no voice to change.
        CartesiaError: as ``open_desk``, or it is refused.
    """
    add, remove = options.accents.add or [], options.accents.remove or []
    wanted = options.voice.voice
    if (add or remove) and not wanted:
        raise UsageError(
            "--add and --remove need a voice.", hint="For example: cartesia voices accents Skylar"
        )
    if both := sorted({*add} & {*remove}):
        raise UsageError(f"{', '.join(both)} cannot be added and removed at once.", hint="Choose one.")
    with open_desk(options.library, options.tell, prints_object=wanted is not None) as desk:
        if wanted is None:
            _list_accents(desk)
            return
        voice_id = desk.find(wanted)
        voice = None
        for accent in remove:  # first: a voice has room for ten
            voice = desk.library.remove_accent(voice_id, accent)
        if add:
            voice = desk.library.add_accents(voice_id, add)
        voice = voice or desk.library.get_voice(voice_id)
        if options.tell.json:
            desk.print_json(voice.fields)
        else:
            print_table(_OWN_COLUMNS, _own_accents(voice), plain=desk.plain)


def _changes(given: ChangeOptions) -> Mapping[str, str | None]:
    changes: dict[str, str | None] = {
        name: value for name, value in given._asdict().items() if value is not None
    }
    if not changes:
        raise UsageError(
            "There is nothing to change.", hint="Give --name, --description, --gender or --accent."
        )
    if given.gender == "none":
        changes["gender"] = None
    return changes


def _require_person(tell: TellOptions) -> None:
    """Make sure that somebody can be asked.

    Raises:
        UsageError: nobody can.
    """
    can_ask = sys.stdin is not None and sys.stdin.isatty() and console.stderr_is_terminal()
    if tell.no_input or not can_ask:
        raise UsageError("Deleting a voice needs to be confirmed.", hint="Add --yes if you mean it.")


def _found(desk: Desk, wanted: Sequence[str], *, with_names: bool) -> tuple[dict[str, tuple[str, str]], int]:
    """Return what is to be deleted: by its ID, what it was called and is called; and how many are unknown."""
    doomed: dict[str, tuple[str, str]] = {}
    n_failed = 0
    for name in wanted:
        try:
            voice_id = desk.find(name)
            # Whoever is asked must see whose ID it is.
            shown = desk.library.get_voice(voice_id).name if with_names else name
        except CartesiaError as failure:
            if len(wanted) == 1 or isinstance(failure, _HOPELESS):
                raise
            desk.forget_name(name)
            console.note_failure(name, failure)
            n_failed += 1
        else:
            doomed.setdefault(voice_id, (name, shown))
    return doomed, n_failed


def _confirm(doomed: Any) -> None:
    """Ask whether voices may be deleted.

    Raises:
        UsageError: they may not.
    """
    listed = ", ".join(one_line(shown) for _, shown in doomed)
    what = "this voice" if len(doomed) == 1 else f"these {len(doomed)} voices"
    console.status(f"Delete {what} for good: {listed}? [y/N] ")
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        console.end_status()
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was deleted.", hint="Answer y to delete, or add --yes.")


def _list_accents(desk: Desk) -> None:
    accents = desk.library.accents()
    if desk.tell.json:
        for accent in accents:
            console.data_json(accent.fields)
        return
    rows = ((accent.id, accent.name, accent.language, accent.locale) for accent in accents)
    print_table(_ACCENT_COLUMNS, rows, plain=desk.plain)


def _own_accents(voice: Voice) -> list[tuple[str, str, str]]:
    """Return the accents of a voice: ID as far as it is told, locale, and whether it was born with it."""
    native = str(voice.fields.get("accent") or "")
    locales = voice.fields.get("locales")
    rows = [
        (native if is_native else "", str(locale), "native" if is_native else "learnt")
        for locale, is_native in (
            (item.get("locale") or "", item.get("is_native") is True)
            for item in (locales if isinstance(locales, list) else ())
            if isinstance(item, dict)
        )
    ]
    known = voice.fields.get("accents")
    if isinstance(known, list):  # more than the API tells: which they are
        named = [(str(name), "", "native" if name == native else "learnt") for name in known]
        return [row for row in rows if row[0] == native] + [row for row in named if row[0] != native]
    return rows or [(native, "", "native")]
