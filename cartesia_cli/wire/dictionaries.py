"""The API's pronunciation dictionaries ⇄ ours."""

from collections.abc import Sequence
from typing import Any

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Pronunciation, PronunciationDictionary
from cartesia_cli.wire.values import MalformedError, one_line, printable, shorten


def decode_dictionary(payload: object) -> PronunciationDictionary:
    """Return the dictionary in an object of any API version.

    Raises:
        UnavailableError: there is none in it.
    """
    try:
        return _decode(payload)
    except MalformedError as error:
        raise UnavailableError(
            f"The API sent a pronunciation dictionary that cannot be read: {error}.",
            hint="Check --base-url: this may not be a server of the Cartesia API.",
        ) from error


def encode_dictionary(dictionary: PronunciationDictionary) -> dict[str, Any]:
    """Return an object with the fields of all API versions."""
    return {
        "owner_id": "",
        "pinned": False,
        "created_at": "2026-01-01T00:00:00Z",
        **dictionary.fields,
        "id": dictionary.id,
        "name": dictionary.name,
        "items": encode_pronunciations(dictionary.items),
    }


def decode_pronunciations(items: object) -> tuple[Pronunciation, ...]:
    """Return pronunciations in the API's order; the newer ``pronunciation`` counts as ``alias``.

    Raises:
        MalformedError: they are none.
    """
    if items is None:
        return ()
    if not isinstance(items, list):
        raise MalformedError(f"its items are {shorten(items)}")
    return tuple(_decode_item(item) for item in items)


def encode_pronunciations(items: Sequence[Pronunciation]) -> list[dict[str, Any]]:
    """Return pronunciations as the API takes them; what is its default is left out."""
    return [
        {"text": item.text, "alias": item.alias} | ({"case_sensitive": True} if item.case_sensitive else {})
        for item in items
    ]


def _decode(payload: object) -> PronunciationDictionary:
    if not isinstance(payload, dict) or not isinstance(payload.get("id"), str) or not payload["id"]:
        raise MalformedError("there is no ID in it")
    return PronunciationDictionary(
        id=one_line(payload["id"], 200),
        name=one_line(payload.get("name"), 200) or one_line(payload["id"], 200),
        items=decode_pronunciations(payload.get("items")),
        fields=payload,
    )


def _decode_item(item: object) -> Pronunciation:
    if not isinstance(item, dict):
        raise MalformedError(f"one of its items is {shorten(item)}")
    alias = item.get("alias")
    return Pronunciation(
        text=printable(item.get("text")),
        alias=printable(item.get("pronunciation") if alias is None else alias),
        case_sensitive=item.get("case_sensitive") is True,
    )
