"""Events of ``POST /tts/sse`` and of the sockets ⇄ speech events."""

from collections.abc import Mapping
from typing import Any

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import (
    AudioChunk,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechWarning,
    WordTiming,
    WordTimings,
)
from cartesia_cli.wire.errors import decode_error, event_status
from cartesia_cli.wire.values import (
    MalformedError,
    decode_base64,
    encode_base64,
    finite,
    load_json,
    one_line,
    printable,
)


def decode_event(data: str | bytes) -> SpeechEvent | None:
    """Return the event in one message; None means the end.

    A message of a type that is not known becomes empty timings, so that a newer API does not break
    an older client.

    Raises:
        CredentialsError, LimitError, RequestError, UnavailableError: the message reports an error.
        UnavailableError: the message is not what the API documents.
    """
    try:
        payload = _read_object(data)
        event = _read_event(payload)
    except MalformedError as error:  # not JSON, not base64, not numbers, or columns of unequal length
        raise UnavailableError(
            f"The API sent an event that cannot be read: {one_line(str(error), 120)}.",
            hint="Try again; if it happens again, the server is not compatible.",
        ) from error
    if isinstance(event, str):
        if event == "error":
            raise decode_error(event_status(payload), payload)
        return None
    return event


def encode_event(
    event: SpeechEvent, *, context_id: str | None = None, step_time: float = 0.0
) -> dict[str, Any] | None:
    """Return the message for an event; None for what has no form on the wire.

    Args:
        event: to be sent.
        context_id: echoed to the client, if it sent one.
        step_time: milliseconds that it took to make the audio.
    """
    match event:
        case AudioChunk(data):
            fields: dict[str, Any] = {"type": "chunk", "data": encode_base64(data)}
        case WordTimings(words):
            columns = {
                "words": [word.word for word in words],
                "start": [word.start for word in words],
                "end": [word.end for word in words],
            }
            fields = {"type": "timestamps", "word_timestamps": columns}
        case PhonemeTimings(phonemes):
            columns = {
                "phonemes": [phoneme.phoneme for phoneme in phonemes],
                "start": [phoneme.start for phoneme in phonemes],
                "end": [phoneme.end for phoneme in phonemes],
            }
            fields = {"type": "phoneme_timestamps", "phoneme_timestamps": columns}
        case SpeechWarning():
            return None
        case Flushed():
            fields = {"type": "flush_done", "flush_done": True}
    fields |= {"done": False, "status_code": 206}
    if isinstance(event, AudioChunk):
        fields["step_time"] = step_time
    return fields if context_id is None else {**fields, "context_id": context_id}


def encode_done(context_id: str | None = None) -> dict[str, Any]:
    """Return the message that ends a stream."""
    fields = {"type": "done", "done": True, "status_code": 206}
    return fields if context_id is None else {**fields, "context_id": context_id}


def _read_object(data: str | bytes) -> Mapping[str, Any]:
    payload = load_json(data)
    if not isinstance(payload, dict):
        raise MalformedError("not an object")
    return payload


def _read_event(payload: Mapping[str, Any]) -> SpeechEvent | str:
    """Return the event, or "done" or "error".

    Raises:
        MalformedError: the message is not what the API documents.
    """
    kind = payload.get("type")
    if kind is None:  # the voice changer's events, and older servers', have no type
        kind = "error" if payload.get("error") else "done" if payload.get("done") is True else "chunk"
    match kind:
        case "chunk":
            data = payload.get("data")
            if not isinstance(data, str):
                raise MalformedError("a chunk without data")
            return AudioChunk(decode_base64(data))
        case "timestamps":
            rows = _rows(payload.get("word_timestamps"), "words")
            return WordTimings(tuple(WordTiming(*row) for row in rows))
        case "phoneme_timestamps":
            rows = _rows(payload.get("phoneme_timestamps"), "phonemes")
            return PhonemeTimings(tuple(PhonemeTiming(*row) for row in rows))
        case "done" | "error":
            return str(kind)
        case str():
            return WordTimings(())
        case _:
            raise MalformedError("a type that is not a string")


def _rows(columns: object, name: str) -> list[tuple[str, float, float]]:
    """Return what stands in three columns, row by row; nothing where there are no columns.

    Raises:
        MalformedError: a column that is missing or longer than another, or a value of the wrong type.
    """
    if columns is None:
        return []
    if not isinstance(columns, Mapping):
        raise MalformedError("timestamps that are not an object")
    texts, starts, ends = (columns.get(key) or [] for key in (name, "start", "end"))
    if not (isinstance(texts, list) and isinstance(starts, list) and isinstance(ends, list)):
        raise MalformedError("timestamps that are not lists")
    if not len(texts) == len(starts) == len(ends):
        raise MalformedError(f"timestamps in columns of {len(texts)}, {len(starts)} and {len(ends)}")
    return [
        (printable(text), finite(start), finite(end))
        for text, start, end in zip(texts, starts, ends, strict=True)
    ]
