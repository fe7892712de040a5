"""What a server reads of the forms of ``/voice-changer/*`` and ``/infill/bytes``, beside their recordings."""

from collections.abc import Mapping
from typing import Any

from cartesia_cli.models import AudioFormat, SpeechRequest
from cartesia_cli.wire.requests import Endpoint, decode_request

_NUMBERS = frozenset({"sample_rate", "bit_rate"})
_FORMAT = ("container", "encoding", "sample_rate", "bit_rate")


def decode_change_form(fields: Mapping[str, str], *, endpoint: Endpoint) -> tuple[str, AudioFormat]:
    """Return which voice is asked for, and in which format.

    Raises:
        RequestError: as the API answers with status 400.
    """
    # What a form says of voice and format is what a speech request says of them, as text.
    asked = decode_request(
        {
            "model_id": "voice changer",
            "transcript": "recording",
            "voice": fields.get("voice[id]") or fields.get("voice_id"),
            "output_format": _format(fields),
        },
        endpoint=endpoint,
    )
    return asked.voice_id, asked.format


def decode_infill_form(fields: Mapping[str, str]) -> SpeechRequest:
    """Return what is to be said between the recordings, by whom and in which format.

    Raises:
        RequestError: as the API answers with status 400.
    """
    payload: dict[str, Any] = {
        "model_id": fields.get("model_id"),
        "transcript": fields.get("transcript"),
        "language": fields.get("language"),
        "voice": fields.get("voice_id") or fields.get("voice[id]"),
        "output_format": _format(fields),
    }
    return decode_request(payload, endpoint="bytes")


def _format(fields: Mapping[str, str]) -> dict[str, Any]:
    named = {name: fields.get(f"output_format[{name}]") for name in _FORMAT}
    return {
        name: int(value)
        if name in _NUMBERS and value.isascii() and value.isdecimal() and len(value) < 10
        else value
        for name, value in named.items()
        if value
    }
