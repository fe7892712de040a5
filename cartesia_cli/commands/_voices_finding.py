"""``voices list``, ``search`` and ``show``."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Any

from cartesia_cli import console
from cartesia_cli.cache import VoiceList
from cartesia_cli.commands._tables import Column, print_facts, print_table
from cartesia_cli.commands._voices import Desk, open_desk, require_voice
from cartesia_cli.commands._voices_options import ChoiceOptions, ListOptions, SearchOptions, ShowOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Voice

_PAGE = 100
_COLUMNS = (Column("ID"), Column("NAME", 8), Column("LANG"), Column("GENDER", 8), Column("DESCRIPTION", 11))


def run_list(options: ListOptions) -> None:
    """Print all voices, or those that are asked for.

    Raises:
        CartesiaError: as ``open_desk``, or there is no answer.
    """
    _check(options.choice)
    with open_desk(options.library, options.tell) as desk:
        _print(desk, options.choice, None)


def run_search(options: SearchOptions) -> None:
    """Print the voices that a query finds.

    Raises:
        CartesiaError: as ``open_desk``, or there is no answer.
    """
    _check(options.choice)
    query = " ".join(options.query.query or ()).strip()
    if not query:
        raise UsageError("There is nothing to search for.", hint="For example: cartesia voices search calm")
    with open_desk(options.library, options.tell) as desk:
        _print(desk, options.choice, query)


def run_show(options: ShowOptions) -> None:
    """Print what is known of a voice.

    Raises:
        CartesiaError: as ``open_desk``, or there is no such voice.
    """
    wanted = require_voice(options.voice.voice)
    with open_desk(options.library, options.tell, prints_object=True) as desk:
        voice = desk.library.get_voice(desk.find(wanted), embedding=options.expand.embedding)
        if options.tell.json:
            desk.print_json(voice.fields)
        else:
            print_facts(_facts(voice), plain=desk.plain)


def _check(choice: ChoiceOptions) -> None:
    if choice.limit is not None and choice.limit < 1:
        raise UsageError(f"--limit {choice.limit} is out of range.", hint="Give 1 or more.")


def _print(desk: Desk, choice: ChoiceOptions, query: str | None) -> None:
    """Print voices as they come, holding one page at a time; a list of all is kept for completion."""
    page_size = min(choice.limit or _PAGE, _PAGE)
    found = desk.library.voices(
        query=query,
        language=choice.language,
        gender=choice.gender,
        owned=True if choice.mine else None,
        page_size=page_size,
    )
    wanted = islice(found, choice.limit)
    is_complete = query is None and choice == ChoiceOptions()
    with VoiceList().rewriting() if is_complete else nullcontext() as add:

        def voices() -> Iterator[Voice]:
            for voice in wanted:
                if add is not None:
                    add(voice.name, voice.id)
                yield voice

        n_voices = 0
        if desk.tell.json:
            for n_voices, voice in enumerate(voices(), start=1):  # noqa: B007  the last one is needed
                console.data_json(voice.fields)
        else:
            rows = (_row(voice) for voice in voices())
            n_voices = print_table(_COLUMNS, rows, plain=desk.plain, few=page_size)
        if add is not None:
            for alias, voice_id in desk.settings.aliases.items():
                add(alias, voice_id)
    if not n_voices:
        console.hint_to_person(
            "there is no such voice" if query or choice != ChoiceOptions() else "no voices"
        )


def _row(voice: Voice) -> tuple[str, ...]:
    return voice.id, voice.name, voice.language, voice.gender or "", voice.description


def _facts(voice: Voice) -> Iterator[tuple[str, str]]:
    """Yield what is known of a voice: what it is found by first, then the rest as the API has it."""
    first = {
        "id": voice.id,
        "name": voice.name,
        "language": voice.language,
        "gender": voice.gender or "",
        "description": voice.description,
    }
    yield from first.items()
    for name, value in voice.fields.items():
        if name not in first and value not in (None, "", []):
            yield name, _text(value)


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "yes" if value else "no"
        case [{"locale": str()}, *_]:
            return ", ".join(str(item.get("locale")) for item in value if isinstance(item, dict))
        case list() if all(isinstance(item, (str, float, int)) for item in value):
            return ", ".join(map(str, value))
        case _:
            return json.dumps(value, ensure_ascii=False)
