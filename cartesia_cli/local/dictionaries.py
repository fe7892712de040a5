"""Pronunciation dictionaries that are kept on this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import uuid4

from cartesia_cli.database import Record, Shelf
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import Pronunciation, PronunciationDictionary

_LONGEST = 100
"""Characters of a text or an alias."""

_LONGEST_NAME = 200


class OwnDictionaries:
    """Fits ``DictionaryCatalogue``."""

    def __init__(self, shelf: Shelf) -> None:
        self._kept = shelf

    def dictionaries(self) -> Iterator[PronunciationDictionary]:
        """Yield every dictionary, the oldest first."""
        yield from map(_dictionary, self._kept)

    def get_dictionary(self, dictionary_id: str, /) -> PronunciationDictionary:
        """Return one dictionary.

        Raises:
            RequestError: no dictionary has this ID.
        """
        record = self._kept.get(dictionary_id)
        if record is None:
            raise _missing(dictionary_id)
        return _dictionary(record)

    def create_dictionary(self, name: str, items: Sequence[Pronunciation], /) -> PronunciationDictionary:
        """Return a new dictionary.

        Raises:
            UsageError: no name, or an item that cannot be.
        """
        record: Record = {
            "id": f"pdict_{uuid4().hex}",
            "name": _checked_name(name),
            "owner_id": "local",
            "pinned": False,
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "items": _checked(items),
        }
        self._kept.add(record)
        return _dictionary(record)

    def update_dictionary(
        self, dictionary_id: str, items: Sequence[Pronunciation] | None, /, *, name: str | None = None
    ) -> PronunciationDictionary:
        """Return a dictionary whose items were replaced; None leaves them, and so does no name the old one.

        Raises:
            RequestError: no dictionary has this ID.
            UsageError: an item or a name that cannot be.
        """
        changes: Record = {} if items is None else {"items": _checked(items)}
        if name is not None:
            changes["name"] = _checked_name(name)
        record = self._kept.get(dictionary_id)
        if record is not None and changes:
            record = self._kept.update(dictionary_id, lambda found: {**found, **changes})
        if record is None:
            raise _missing(dictionary_id)
        return _dictionary(record)

    def delete_dictionary(self, dictionary_id: str, /) -> None:
        """Delete a dictionary for good.

        Raises:
            RequestError: no dictionary has this ID.
        """
        if not self._kept.delete(dictionary_id):
            raise _missing(dictionary_id)


def _dictionary(record: Record) -> PronunciationDictionary:
    items = tuple(Pronunciation(**item) for item in record["items"])
    return PronunciationDictionary(record["id"], record["name"], items, record)


def _checked(items: Sequence[Pronunciation]) -> list[Record]:
    for item in items:
        if not item.text.strip() or not item.alias.strip():
            raise UsageError("A pronunciation needs a text and an alias: how the text is to be said.")
        if max(len(item.text), len(item.alias)) > _LONGEST:
            raise UsageError(f"A text and its alias have at most {_LONGEST} characters each.")
    return [asdict(item) for item in items]


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A dictionary needs a name, of at most {_LONGEST_NAME} characters.")
    return name


def _missing(dictionary_id: str) -> RequestError:
    return RequestError(
        f"There is no pronunciation dictionary {dictionary_id}.",
        title="Pronunciation dictionary not found",
        code="not_found",
        hint="Use the ID of a dictionary that was made on this machine.",
    )
