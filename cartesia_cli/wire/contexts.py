"""The client's side of the TTS WebSocket: messages to a context, and what comes back.

One connection carries any number of contexts; every message names the one that it belongs to.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from cartesia_cli.models import AudioChunk, Flushed, SpeechEvent, SpeechRequest
from cartesia_cli.wire.envelopes import Envelope
from cartesia_cli.wire.errors import decode_error, event_status
from cartesia_cli.wire.events import decode_event
from cartesia_cli.wire.requests import encode_request
from cartesia_cli.wire.values import MalformedError, decode_base64, load_json, one_line

_MAX_SHAPES = 256
"""Ways in which messages begin that are remembered: one for each context, where that is named first."""


class ContextEnd(NamedTuple):
    """Nothing more comes for a context."""

    error: CartesiaError | None = None
    """Why, if not everything was spoken."""

    status: int = 200
    """Of the error, as in HTTP."""


class ContextMessage(NamedTuple):
    """One message from the server."""

    context_id: str | None
    """None where an error does not say."""

    event: SpeechEvent | ContextEnd


def encode_context(request: SpeechRequest, context_id: str) -> dict[str, Any]:
    """Return the fields that all messages of a context have in common.

    Raises:
        UsageError: the format is not raw samples.
    """
    fields = encode_request(replace(request, context_id=context_id), endpoint="sse")
    del fields["transcript"]
    if request.max_buffer_delay_ms is not None:
        fields["max_buffer_delay_ms"] = request.max_buffer_delay_ms
    return fields


def encode_text(fields: Mapping[str, Any], transcript: str, *, goes_on: bool, flush: bool = False) -> str:
    """Return the message that brings text to a context.

    Args:
        fields: of ``encode_context``.
        transcript: the next of the text, as it is; may be empty where it flushes, or was the last.
        goes_on: whether more may follow.
        flush: whether all of the text so far is to be spoken now.

    Raises:
        UsageError: a character cannot be sent.
    """
    message = {**fields, "transcript": transcript, "continue": goes_on} | ({"flush": True} if flush else {})
    try:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except ValueError as error:  # half a surrogate pair, or NaN
        raise UsageError("The request holds a character or a number that cannot be sent.") from error
    return text


def encode_cancel(context_id: str) -> str:
    """Return the message that ends a context early."""
    return json.dumps({"context_id": context_id, "cancel": True}, ensure_ascii=False, separators=(",", ":"))


class ContextDecoder:
    """Decodes the messages of one connection; chunks that look alike where they lie."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, _Shape] = {}
        self._lengths: list[int] = []  # of the beginnings in it

    def decode(self, data: bytes) -> ContextMessage:
        """Return what a message says.

        Raises:
            UnavailableError: the message is not what the API documents, and names no context.
        """
        for length in self._lengths:
            shape = self._shapes.get(data[:length])
            if shape is not None and (message := shape.read(data)) is not None:
                return message
        message = decode_message(data)
        if isinstance(message.event, AudioChunk):
            self._learn(data, message.context_id)
        return message

    def _learn(self, data: bytes, context_id: str | None) -> None:
        shape = _Shape.of(data, context_id)
        if shape is None:
            return
        if len(self._shapes) >= _MAX_SHAPES:
            self._shapes.clear()
        self._shapes[shape.prefix] = shape
        self._lengths = sorted({len(prefix) for prefix in self._shapes})


def decode_message(data: bytes) -> ContextMessage:
    """Return what a message says, the slow way.

    An error ends its context; so does a message of it that cannot be read. A message of a type that is
    not known becomes empty timings.

    Raises:
        UnavailableError: the message is not what the API documents, and names no context.
    """
    try:
        payload = load_json(data)
    except MalformedError as error:
        raise UnavailableError(
            f"The API sent a message that cannot be read: {one_line(str(error), 120)}.",
            hint="Try again; if it happens again, the server is not compatible.",
        ) from error
    fields = payload if isinstance(payload, dict) else {}
    context_id = fields.get("context_id")
    if not isinstance(context_id, str):
        context_id = None
    if fields.get("type") == "flush_done":
        return ContextMessage(context_id, Flushed())
    if fields.get("type") == "error" or (fields.get("type") is None and fields.get("error")):
        status = event_status(fields)
        return ContextMessage(context_id, ContextEnd(decode_error(status, fields), status))
    try:
        event = decode_event(data)
    except CartesiaError as error:
        if context_id is None:
            raise
        return ContextMessage(context_id, ContextEnd(error))
    return ContextMessage(context_id, ContextEnd() if event is None else event)


class _Shape(NamedTuple):
    """How messages of a context begin, and what stands around their audio."""

    prefix: bytes
    envelope: Envelope
    context_id: str | None
    """Of the message from which it was learnt, and of all that are alike."""

    @classmethod
    def of(cls, data: bytes, context_id: str | None) -> "_Shape | None":
        """Return the shape of a message with audio; None if it has none that can be relied on."""
        encoded = json.loads(data)["data"].encode()
        first = data.find(b'"%b"' % encoded) + 1
        if not encoded or not first:
            return None
        envelope = Envelope.of(data[:first], data[first + len(encoded) :])
        return None if envelope is None else cls(data[:first], envelope, context_id)

    def read(self, data: bytes) -> ContextMessage | None:
        """Return what a message with this prefix says; None if it is not like the first."""
        prefix, envelope, context_id = self
        last = data.find(b'"', len(prefix))
        if last < 0:
            return None
        tail = data[last:]
        if not envelope.is_alike(tail):
            fields = envelope.parse(tail)
            if fields is None:
                return None
            named = fields.get("context_id")
            context_id = named if isinstance(named, str) else None
        try:
            audio = decode_base64(memoryview(data)[len(prefix) : last])
        except MalformedError:  # an escape, perhaps: the slow way knows
            return None
        return ContextMessage(context_id, AudioChunk(audio))
