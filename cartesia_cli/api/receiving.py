"""Answers that are sound, as it arrives: the bytes of a file, or events."""

from collections.abc import Mapping
from typing import Any

from cartesia_cli.api.answers import Answer, refuse
from cartesia_cli.api.bodies import Form
from cartesia_cli.api.endings import require_audio
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.sse import EventDecoder
from cartesia_cli.models import AudioChunk, AudioFormat, SpeechEvents

Body = Mapping[str, Any] | Form

_NOT_AUDIO = frozenset({"text/html", "application/json", "application/problem+json", "text/event-stream"})
_NOT_EVENTS = frozenset({"text/html", "application/json", "application/problem+json"})


def receive_bytes(exchange: Exchange, path: str, body: Body, audio: AudioFormat) -> SpeechEvents:
    """Yield the sound that a POST request brings, in the format asked for.

    Raises:
        CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first event or
            after any.
    """
    with exchange.answer("POST", path, accept="audio/wav", body=body) as answer:
        if answer.content_type in _NOT_AUDIO:
            refuse(answer, "audio")
        n_bytes = 0
        for piece in answer.pieces:
            n_bytes += len(piece)
            yield AudioChunk(piece)
        require_audio(n_bytes, audio)


def receive_events(exchange: Exchange, path: str, body: Body, audio: AudioFormat) -> SpeechEvents:
    """Yield the events that a POST request brings.

    Raises:
        CredentialsError, LimitError, RequestError, UnavailableError, UsageError: before the first event or
            after any.
    """
    with exchange.answer("POST", path, accept="text/event-stream", body=body) as answer:
        if answer.content_type in _NOT_EVENTS:
            refuse(answer, "an event stream")
        n_bytes = 0
        for event in _read_events(answer, EventDecoder(exchange.habits)):
            if isinstance(event, AudioChunk):
                n_bytes += len(event.data)
            yield event
        require_audio(n_bytes, audio)


def _read_events(answer: Answer, decoder: EventDecoder) -> SpeechEvents:
    for piece in answer.pieces:
        yield from decoder.feed(piece)
        if decoder.done:
            answer.finish()
            return
    decoder.close()
