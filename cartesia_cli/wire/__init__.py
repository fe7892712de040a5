"""The API's messages ⇄ the field's values. No I/O; the client and the server both use it."""

from cartesia_cli.wire.contexts import (
    ContextDecoder,
    ContextEnd,
    encode_cancel,
    encode_context,
    encode_text,
)
from cartesia_cli.wire.errors import decode_error, encode_error, encode_error_event
from cartesia_cli.wire.events import decode_event, encode_done, encode_event
from cartesia_cli.wire.requests import decode_request, encode_request
from cartesia_cli.wire.transcripts import decode_transcript, encode_transcript
from cartesia_cli.wire.voices import decode_voice, encode_voice

__all__ = [
    "ContextDecoder",
    "ContextEnd",
    "decode_error",
    "decode_event",
    "decode_request",
    "decode_transcript",
    "decode_voice",
    "encode_cancel",
    "encode_context",
    "encode_done",
    "encode_error",
    "encode_error_event",
    "encode_event",
    "encode_request",
    "encode_text",
    "encode_transcript",
    "encode_voice",
]
