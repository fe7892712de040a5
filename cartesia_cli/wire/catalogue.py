"""What a server of the API reads: requests about voices and dictionaries, of every version."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartesia_cli.models import CloneRequest, LocalizeRequest, Pronunciation, Voice
from cartesia_cli.wire.dictionaries import decode_pronunciations
from cartesia_cli.wire.refusals import refuse_request
from cartesia_cli.wire.values import MalformedError, finite, shorten
from cartesia_cli.wire.voices import CHANGEABLE, encode_voice

_METADATA = (
    "id",
    "name",
    "tagline",
    "description",
    "created_at",
    "language",
    "access",
    "visibility",
    "is_public",
)
_ACCENTS_OF_DIALECTS = {
    "au": "australian",
    "in": "indian-english",
    "so": "southern-us",
    "uk": "british",
    "us": "general-american",
    "mx": "mexican",
    "pe": "castilian",
    "br": "brazilian-portuguese",
    "eu": "european-portuguese",
    "ca": "canadian-french",
}
_ACCENTS_OF_LANGUAGES = {
    "en": "general-american",
    "de": "high-german",
    "es": "castilian",
    "fr": "parisian",
    "ja": "japanese",
    "pt": "brazilian-portuguese",
    "zh": "mandarin",
    "hi": "hindi",
    "it": "italian",
    "ko": "korean",
    "nl": "randstad",
    "pl": "polish",
    "ru": "russian",
    "sv": "stockholm",
    "tr": "istanbul",
    "ar": "modern-standard-arabic",
    "he": "israeli",
    "ta": "central-tamil",
    "te": "telangana",
    "th": "central-thai",
}
"""What versions before 2026-08-14 named by dialect or language; which accent that is is our reading."""

_MOST_PARTS = 100


def decode_changes(payload: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what of a voice is to be changed; what cannot be is passed over, as the API does.

    Raises:
        RequestError: a value that is no text, or a null where there must be one.
    """
    changes: dict[str, str | None] = {}
    for name in CHANGEABLE:
        value = payload.get(name)
        if value is None and name in {"gender", "accent"} and name in payload:
            changes[name] = None
        elif value is not None:
            changes[name] = _text(payload, name)
    return changes


def decode_clone(fields: Mapping[str, Any]) -> CloneRequest:
    """Return what a form asks for beside its clip; fields of older versions do nothing.

    Raises:
        RequestError: there is no name, or no language.
    """
    language = _text(fields, "language") or refuse_request("language is required.")
    return CloneRequest(
        name=_text(fields, "name") or refuse_request("name is required."),
        language=language,
        description=_text(fields, "description"),
        accent=_text(fields, "accent"),
        base_voice_id=_text(fields, "base_voice_id"),
    )


def decode_localize(payload: Mapping[str, Any]) -> LocalizeRequest:
    """Return which voice is to get which accent; older versions name a language and a dialect.

    Raises:
        RequestError: there is no voice, no name or no accent.
    """
    accent = _text(payload, "accent")
    if accent is None and (dialect := _text(payload, "dialect")):
        accent = _ACCENTS_OF_DIALECTS.get(dialect)
    elif accent is None:
        accent = _ACCENTS_OF_LANGUAGES.get(_text(payload, "language") or "")
    return LocalizeRequest(
        voice_id=_text(payload, "voice_id") or refuse_request("voice_id is required."),
        name=_text(payload, "name") or refuse_request("name is required."),
        accent=accent or refuse_request("accent is required."),
        description=_text(payload, "description"),
        tagline=_text(payload, "tagline"),
    )


def decode_accent_ids(payload: Mapping[str, Any]) -> list[str]:
    """Return the accents that a voice is to learn.

    Raises:
        RequestError: there are none, or they are no texts.
    """
    accents = payload.get("accents")
    if not isinstance(accents, list) or not accents or not all(isinstance(name, str) for name in accents):
        refuse_request("accents is required: a list of IDs.")
    return accents


def decode_mix(payload: Mapping[str, Any]) -> list[tuple[str | tuple[float, ...], float]]:
    """Return what is to be mixed, voices by ID or embeddings, each with its weight.

    Raises:
        RequestError: there is nothing to mix.
    """
    voices = payload.get("voices")
    if not isinstance(voices, list) or not 0 < len(voices) <= _MOST_PARTS:
        refuse_request(f"voices is required: a list of 1 to {_MOST_PARTS} objects.")
    parts: list[tuple[str | tuple[float, ...], float]] = []
    for voice in voices:
        if not isinstance(voice, Mapping):
            refuse_request("A voice to be mixed must be an object.")
        part = _text(voice, "id") or _embedding(voice)
        parts.append((part, _number(voice, "weight")))
    return parts


def decode_new_voice_request(
    payload: Mapping[str, Any],
) -> tuple[str, tuple[float, ...], str | None, str | None]:
    """Return the name, the embedding, the description and the language of a voice to be made.

    Raises:
        RequestError: there is no name, or no embedding.
    """
    name = _text(payload, "name") or refuse_request("name is required.")
    return name, _embedding(payload), _text(payload, "description"), _text(payload, "language")


def decode_new_dictionary(payload: Mapping[str, Any]) -> tuple[str, tuple[Pronunciation, ...]]:
    """Return the name and the items of a dictionary to be made.

    Raises:
        RequestError: there is no name, or the items are none.
    """
    return _text(payload, "name") or refuse_request("name is required."), _items(payload) or ()


def decode_dictionary_changes(
    payload: Mapping[str, Any],
) -> tuple[str | None, tuple[Pronunciation, ...] | None]:
    """Return the new name and the new items of a dictionary; None leaves what there is.

    Raises:
        RequestError: they are none.
    """
    return _text(payload, "name"), _items(payload)


def encode_metadata(voice: Voice, *, user_id: str) -> dict[str, Any]:
    """Return what the API says of a voice that was just made."""
    fields = encode_voice(voice)
    return {"user_id": user_id, **{name: fields[name] for name in _METADATA}}


def _items(payload: Mapping[str, Any]) -> tuple[Pronunciation, ...] | None:
    if payload.get("items") is None:
        return None
    try:
        return decode_pronunciations(payload["items"])
    except MalformedError as error:
        refuse_request(f"The items cannot be read: {error}.")


def _embedding(payload: Mapping[str, Any]) -> tuple[float, ...]:
    values: Sequence[Any] | None = payload.get("embedding")
    if not isinstance(values, list) or not values:
        refuse_request("embedding is required: a list of numbers.")
    try:
        return tuple(finite(value) for value in values)
    except MalformedError as error:
        refuse_request(f"The embedding holds what is no number: {error}.")


def _number(payload: Mapping[str, Any], name: str) -> float:
    try:
        return finite(payload.get(name))
    except MalformedError as error:
        refuse_request(f"{name}: {error}.")


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        refuse_request(f"{name} must be a string, not {shorten(value)}.")
    return value or None
