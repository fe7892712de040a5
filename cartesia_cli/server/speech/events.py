"""Speech events as an event stream. No I/O."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    WordTimings,
)
from cartesia_cli.server.failures import status_of
from cartesia_cli.wire import encode_done, encode_error_event, encode_event


def aligned(events: Iterator[SpeechEvent], audio: AudioFormat, seconds: float) -> Iterator[SpeechEvent]:
    """Yield ``events`` with the audio cut anew into chunks of ``seconds`` (the last may be shorter).

    No chunk ends inside a sample, whatever the engine's own chunks are like. Other events are passed on at
    once; so up to ``seconds`` of the audio before them may follow them.
    """
    size = max(1, round(audio.sample_rate * seconds)) * audio.encoding.sample_width
    rest = b""
    for event in events:
        if not isinstance(event, AudioChunk):
            yield event
            continue
        data = rest + event.data
        end = len(data) - len(data) % size
        for start in range(0, end, size):
            yield AudioChunk(data[start : start + size])
        rest = data[end:]
    if rest:
        yield AudioChunk(rest)


def event_stream(
    events: Iterator[SpeechEvent],
    request: SpeechRequest,
    *,
    request_id: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[bytes]:
    """Yield the frames of one answer; the last one is ``done``, or ``error`` if the engine failed.

    Timings that the request did not ask for are left out, whatever the engine yields.

    Args:
        events: what the engine says.
        request: what it was asked.
        request_id: named in an error.
        clock: seconds; how long the engine took for each chunk goes into ``step_time``.

    Raises:
        CartesiaError: the engine failed before the first frame, so that the answer can still have a status.
    """

    def encode(event: SpeechEvent, step_time: float) -> dict[str, Any] | None:
        return _encode(event, request, step_time)

    return framed(
        events,
        encode,
        done=encode_done(request.context_id),
        context_id=request.context_id,
        request_id=request_id,
        clock=clock,
    )


def framed(
    events: Iterator[SpeechEvent],
    encode: Callable[[SpeechEvent, float], Mapping[str, Any] | None],
    *,
    done: Mapping[str, Any],
    context_id: str | None = None,
    request_id: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[bytes]:
    """Yield the frames of any event stream; see ``event_stream``.

    Args:
        events: what the engine says.
        encode: returns the message for an event that took so many milliseconds; None for one without.
        done: the last message, if the engine does not fail.
        context_id: named in an error.
        request_id: named in an error.
        clock: seconds.
    """
    asked_at = clock()
    begun = False
    try:
        for event in events:
            message = encode(event, round((clock() - asked_at) * 1000, 3))
            if message is not None:
                begun = True
                yield frame(message)
            asked_at = clock()
    except CartesiaError as error:
        if not begun:
            raise
        error.request_id = error.request_id or request_id
        yield frame(encode_error_event(error, status=status_of(error), context_id=context_id))
    else:
        yield frame(done)


def frame(message: Mapping[str, Any]) -> bytes:
    """Return one frame in the form that every generation of clients reads: a name, one line of JSON."""
    # Of 24 kB of base64 the standard library makes JSON in 60 µs, this in 14.
    return b"event: %b\ndata: %b\n\n" % (message["type"].encode(), msgspec.json.encode(message))


def _encode(event: SpeechEvent, request: SpeechRequest, step_time: float) -> dict[str, Any] | None:
    if isinstance(event, WordTimings) and not request.word_timestamps:
        return None
    if isinstance(event, PhonemeTimings) and not request.phoneme_timestamps:
        return None
    return encode_event(event, context_id=request.context_id, step_time=step_time)
