"""The messages of ``/tts/websocket`` as a server reads and writes them, in every dialect of its clients."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from cartesia_cli.models import SpeechEvent, SpeechRequest
from cartesia_cli.wire.events import encode_event
from cartesia_cli.wire.refusals import refuse, refuse_request
from cartesia_cli.wire.requests import decode_request
from cartesia_cli.wire.values import MalformedError, load_json, shorten

MAX_BUFFER_DELAY = 5000
"""Milliseconds that text may be kept at most."""


@dataclass(frozen=True, slots=True)
class Speak:
    """A part of a context's text."""

    context_id: str
    transcript: str
    """May be empty, to flush or to end."""

    more: bool
    """Whether more text follows."""

    flush: bool
    """Whether the text so far is to be spoken at once."""

    fields: Mapping[str, Any]
    """The whole message; see ``decode_opening``."""

    @property
    def has_words(self) -> bool:
        """Whether there is more than punctuation."""
        return any(unicodedata.category(char)[0] not in "PZC" for char in self.transcript)


@dataclass(frozen=True, slots=True)
class Cancel:
    """A context that nobody wants to hear any more."""

    context_id: str


def decode_message(data: str | bytes) -> Mapping[str, Any]:
    """Return the object in a client's message.

    Raises:
        RequestError: it is none, as the API answers with status 400.
    """
    try:
        payload = load_json(data)
    except MalformedError as error:
        refuse_request(f"The message is {error}.")
    if not isinstance(payload, dict):
        refuse_request("The message must be a JSON object.")
    return payload


def named_context(payload: Mapping[str, Any]) -> str | None:
    """Return the context that a message speaks of, however wrong the rest of it may be."""
    context_id = payload.get("context_id")
    return context_id if isinstance(context_id, str) and context_id else None


def decode_command(payload: Mapping[str, Any]) -> Speak | Cancel:
    """Return what a message asks for; a text without a context gets one of its own, as in older versions.

    Raises:
        RequestError: as the API answers with status 400.
    """
    context_id = named_context(payload)
    if context_id is None and payload.get("context_id") is not None:
        refuse("Invalid context", "context_id must be a string, and not an empty one.")
    if _flag(payload, "cancel"):
        return Cancel(context_id or refuse("Invalid context", "context_id is required."))
    transcript = payload.get("transcript")
    if not isinstance(transcript, str):
        refuse("Invalid transcript", "transcript is required and must be a string.")
    return Speak(
        context_id or str(uuid4()),
        transcript,
        more=_flag(payload, "continue"),
        flush=_flag(payload, "flush"),
        fields=payload,
    )


def decode_opening(command: Speak) -> SpeechRequest:
    """Return how the context is to be spoken that ``command`` begins.

    Raises:
        RequestError: as the API answers with status 400; title and code are set.
    """
    if not command.more and not command.has_words:
        refuse("Invalid transcript", "The transcript should not be empty and should not be only punctuation.")
    # The endpoint of single texts refuses one without words; a context may begin with it.
    request = decode_request({**command.fields, "transcript": "text"}, endpoint="sse")
    return replace(
        request,
        transcript=command.transcript,
        context_id=command.context_id,
        max_buffer_delay_ms=_delay(command.fields),
    )


def encode_context_event(
    event: SpeechEvent, *, context_id: str, flush_id: int | None, step_time: float = 0.0
) -> dict[str, Any] | None:
    """Return the message for an event of a context; None for what has no form on the wire.

    Args:
        event: to be sent.
        context_id: whose it is.
        flush_id: from 1, one more after each flush of the client; ``Flushed`` has that of what is finished.
            None leaves it out.
        step_time: milliseconds that it took to make the audio.
    """
    fields = encode_event(event, context_id=context_id, step_time=step_time)
    return fields if fields is None or flush_id is None else {**fields, "flush_id": flush_id}


def _delay(payload: Mapping[str, Any]) -> int | None:
    value = payload.get("max_buffer_delay_ms")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_BUFFER_DELAY:
        refuse(
            "Invalid buffer delay",
            f"max_buffer_delay_ms must be a whole number from 0 to {MAX_BUFFER_DELAY}, not {shorten(value)}.",
        )
    return value


def _flag(payload: Mapping[str, Any], key: str) -> bool:
    value = payload.get(key)
    if value is not None and not isinstance(value, bool):
        refuse_request(f"{key} must be true or false, not {shorten(value)}.")
    return value is True
