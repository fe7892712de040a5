"""The API's voices ⇄ ours."""

from typing import Any

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Voice
from cartesia_cli.wire.values import one_line


def decode_voice(payload: object) -> Voice:
    """Return the voice in an object of any API version.

    Raises:
        UnavailableError: there is no voice in it.
    """
    if not isinstance(payload, dict) or not isinstance(payload.get("id"), str) or not payload["id"]:
        raise UnavailableError(
            "The API sent a voice that cannot be read.",
            hint="Check --base-url: this may not be a server of the Cartesia API.",
        )
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
