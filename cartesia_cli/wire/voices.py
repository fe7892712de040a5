"""The API's voices, accents and embeddings ⇄ ours, and the requests that make or change voices."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cartesia_cli.errors import UnavailableError, UsageError
from cartesia_cli.models import Accent, CloneRequest, LocalizeRequest, Voice
from cartesia_cli.wire.values import MalformedError, finite, one_line
from cartesia_cli.wire.version import FIRST_WITHOUT_EMBEDDINGS

CHANGEABLE = ("name", "description", "gender", "accent")
"""What of a voice can be changed."""


def decode_voice(payload: object) -> Voice:
    """Return the voice in an object of any API version.

    Raises:
        UnavailableError: there is no voice in it.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("id"), str) or not payload["id"]:
        raise _unreadable("a voice")
    return Voice(
        id=one_line(payload["id"], 200),
        name=one_line(payload.get("name"), 200) or one_line(payload["id"], 200),
        description=one_line(payload.get("description"), 2_000),
        language=one_line(payload.get("language"), 35) or "en",
        gender=one_line(payload.get("gender"), 40) or None,
        is_owner=payload.get("is_owner") is True,
        fields=payload,
    )


def encode_voice(voice: Voice) -> dict[str, Any]:
    """Return an object with the fields of all API versions, so that every client finds its own."""
    access = "private" if voice.is_owner else "public"
    defaults = {
        "tagline": "",
        "created_at": "2026-01-01T00:00:00Z",
        "access": access,
        "visibility": "owner" if voice.is_owner else "all",
        "is_public": not voice.is_owner,
        "locales": [{"locale": "en-US" if voice.language == "en" else voice.language, "is_native": True}],
    }
    return {
        **defaults,
        **voice.fields,
        "id": voice.id,
        "name": voice.name,
        "description": voice.description,
        "language": voice.language,
        "gender": voice.gender,
        "is_owner": voice.is_owner,
    }


def decode_new_voice(payload: object) -> Voice:
    """Return a voice that was just made; of those the API does not say that they are one's own.

    Raises:
        UnavailableError: there is no voice in the answer.
    """
    voice = decode_voice(payload)
    return voice if "is_owner" in voice.fields else replace(voice, is_owner=True)


def encode_changes(changes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the body that changes a voice.

    Raises:
        UsageError: there is nothing to change, or something that cannot be.
    """
    if not changes:
        raise UsageError("There is nothing to change.", hint=f"Give one of: {', '.join(CHANGEABLE)}.")
    for name, value in changes.items():
        if name not in CHANGEABLE:
            raise UsageError(
                f"The {one_line(name, 40)} of a voice cannot be changed.",
                hint=f"What can be: {', '.join(CHANGEABLE)}.",
            )
        if value is None and name != "gender":
            raise UsageError(f"A voice cannot be without {name}.", hint="Give it another one.")
    return dict(changes)


def encode_clone(request: CloneRequest, *, version: str) -> dict[str, str]:
    """Return the fields beside the clip, as a form has them.

    Args:
        request: the voice to be made.
        version: of the API, a date; the old ones need a mode.
    """
    mode = request.mode or ("similarity" if version < FIRST_WITHOUT_EMBEDDINGS else None)
    fields = {
        "name": request.name,
        "language": request.language,
        "description": request.description,
        "accent": request.accent,
        "base_voice_id": request.base_voice_id,
        "mode": mode,
        "enhance": None if request.enhance is None else str(request.enhance).lower(),
    }
    return {name: value for name, value in fields.items() if value is not None}


def encode_localize(request: LocalizeRequest) -> dict[str, str]:
    """Return the body that asks for a voice in another accent."""
    fields = {
        "voice_id": request.voice_id,
        "name": request.name,
        "accent": request.accent,
        "description": request.description,
        "tagline": request.tagline,
    }
    return {name: value for name, value in fields.items() if value is not None}


def decode_accents(payload: object) -> list[Accent]:
    """Return the accents of the catalogue, by ID.

    Raises:
        UnavailableError: there is no list of accents in it.
    """
    items = payload.get("accents") if isinstance(payload, dict) else payload
    if not isinstance(items, list):
        raise _unreadable("a list of accents")
    return sorted((_decode_accent(item) for item in items), key=lambda accent: accent.id)


def encode_accent(accent: Accent) -> dict[str, Any]:
    """Return an accent as the catalogue lists it."""
    return {
        "is_locale_default": False,
        "is_localizable": False,
        **accent.fields,
        "id": accent.id,
        "name": accent.name,
        "language": accent.language,
        "locale": accent.locale,
    }


def encode_mix(parts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Return the body that asks for the embedding between voices; of the older API.

    Raises:
        UsageError: there are no voices, or the weights do not make a mixture.
    """
    if not parts:
        raise UsageError("There are no voices to mix.", hint="Give at least two, as VOICE:WEIGHT.")
    total = sum(weight for _, weight in parts)
    if not math.isfinite(total) or total == 0:
        raise UsageError(
            "The weights do not make a mixture.", hint="Give each voice a number, and not all of them 0."
        )
    return {"voices": [{"id": voice_id, "weight": weight} for voice_id, weight in parts]}


def decode_embedding(payload: object) -> tuple[float, ...]:
    """Return the embedding in an answer of the older API.

    Raises:
        UnavailableError: there is none.
    """
    values = payload.get("embedding") if isinstance(payload, Mapping) else None
    if not isinstance(values, list) or not values:
        raise _unreadable("an embedding")
    try:
        return tuple(finite(value) for value in values)
    except MalformedError as error:
        raise _unreadable("an embedding") from error


def _decode_accent(payload: object) -> Accent:
    if not isinstance(payload, dict) or not isinstance(payload.get("id"), str) or not payload["id"]:
        raise _unreadable("an accent")
    return Accent(
        id=one_line(payload["id"], 200),
        name=one_line(payload.get("name"), 200) or one_line(payload["id"], 200),
        language=one_line(payload.get("language"), 35),
        locale=one_line(payload.get("locale"), 35),
        fields=payload,
    )


def _unreadable(what: str) -> UnavailableError:
    return UnavailableError(
        f"The API sent {what} that cannot be read.",
        hint="Check --base-url: this may not be a server of the Cartesia API.",
    )
