"""Contexts of ``/tts/websocket``: each speaks one text, which is still arriving, in a thread of its own."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from threading import Thread
from typing import Any

from cartesia_cli.engines import Synthesizer
from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import (
    AudioChunk,
    Flushed,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    WordTimings,
)
from cartesia_cli.server.entrance.crowd import Place
from cartesia_cli.server.failures import status_of
from cartesia_cli.server.speech.arrival import ArrivingText, ContextStopped
from cartesia_cli.wire import encode_done, encode_error_event
from cartesia_cli.wire.commands import Speak, encode_context_event

DEFAULT_DELAY = 3000
"""Milliseconds that text is kept at most if the client does not say."""

_MOST_BYTES = 240_000
"""Of samples in one message: clients accept a MiB; a whole number of samples of any width."""


class ClientGone(Exception):  # noqa: N818  nothing went wrong here
    """Raised to who sends to a client that is not there any more."""


class Context:
    """One text on its way: takes messages from the event loop, sends what is made of them.

    Args:
        synthesizer: what speaks.
        request: how to speak.
        send: sends one message, and returns when it is sent.
        on_end: told when the last message has been sent, or nobody is there to get it.
        after: the context that had the same ID; it ends before this one begins.
        expiry: seconds after the last sound at which the context ends if nobody continues it.
        chunk_seconds: the length of a message's audio at most; ``None`` passes on the engine's chunks, even
            those that end inside a sample.
        identifier: of the connection, named in an error.
        place: which this context has in the crowd; it is left before the last message is sent, or as soon as
            nobody wants to hear any more.
        first_flush: the number of what comes before the first flush.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        request: SpeechRequest,
        *,
        send: Callable[[Mapping[str, Any]], None],
        on_end: Callable[["Context"], None],
        after: "Context | None",
        expiry: float,
        chunk_seconds: float | None,
        identifier: str,
        place: Place,
        first_flush: int = 1,
    ) -> None:
        self.id = request.context_id or ""
        self._synthesizer = synthesizer
        self._request = request
        self._send = send
        self._on_end = on_end
        self._after = after
        self._identifier = identifier
        self._place = place
        delay = DEFAULT_DELAY if request.max_buffer_delay_ms is None else request.max_buffer_delay_ms
        self._text = ArrivingText(delay=delay / 1000, expiry=expiry)
        self._flush_id = first_flush
        self._sample_width, self._chunk_size = 1, _MOST_BYTES
        if chunk_seconds is not None:
            self._sample_width = request.format.encoding.sample_width
            wanted = max(1, round(request.format.sample_rate * chunk_seconds)) * self._sample_width
            self._chunk_size = min(wanted, _MOST_BYTES)
        self._rest = b""
        self._thread = Thread(target=self._run, name=f"context-{self.id[:40]}", daemon=True)

    def start(self) -> None:
        """Begin to speak what was added, and what will be."""
        self._thread.start()

    def add(self, command: Speak) -> bool:
        """Take a part of the text; False if this context's text is over.

        Raises:
            LimitError: too much of it waits to be spoken.
        """
        return self._text.add(command.transcript, flush=command.flush, more=command.more)

    def cancel(self) -> None:
        """Stop soon, and all before it that had the same ID; what follows is ``done``."""
        self._text.stop(ContextStopped())
        self._place.leave()
        if (after := self._after) is not None:
            after.cancel()

    def fail(self, error: CartesiaError) -> None:
        """Stop soon; what follows is ``error``."""
        self._text.stop(error)
        self._place.leave()

    def pass_on(self) -> Place | None:
        """Return the place of this context, for the one behind it; None if it is left already."""
        return self._place.passed_on()

    def join(self) -> None:
        """Wait until the last message has been sent, or nobody is there to get it."""
        self._thread.join()

    def _run(self) -> None:
        try:
            if self._after is not None:
                self._after.join()
                self._after = None
            last = self._error_event(CartesiaError("The server failed.", title="Internal error"))
            try:
                last = self._speak()
            finally:
                self._text.stop(ContextStopped())
                self._place.leave()
                self._send(last)
        except ClientGone:
            pass
        finally:
            self._on_end(self)

    def _speak(self) -> dict[str, Any]:
        """Send everything but the last message, which is returned."""
        try:
            with closing(self._synthesizer.stream(self._request, self._text)) as events:
                asked_at = time.perf_counter()
                for event in events:
                    self._text.check()
                    for message in self._messages(event, (time.perf_counter() - asked_at) * 1000):
                        self._send(message)
                    if isinstance(event, AudioChunk):
                        self._text.sounded()
                    asked_at = time.perf_counter()
        except ContextStopped:
            return encode_done(self.id)
        except CartesiaError as error:
            return self._error_event(error)
        return encode_done(self.id)

    def _messages(self, event: SpeechEvent, step_time: float) -> Iterator[dict[str, Any]]:
        """Yield the messages for an event: audio in chunks of bounded length."""
        events: Iterator[SpeechEvent] = iter((event,))
        match event:
            case AudioChunk(data):
                events = self._chunks(data)
            case WordTimings() if not self._request.word_timestamps:
                return
            case PhonemeTimings() if not self._request.phoneme_timestamps:
                return
            case Flushed() if not self._text.flushed():
                return
            case _:
                pass
        for each in events:
            message = encode_context_event(
                each, context_id=self.id, flush_id=self._flush_id, step_time=round(step_time, 3)
            )
            if message is not None:
                yield message
        if isinstance(event, Flushed):
            self._flush_id += 1

    def _chunks(self, data: bytes) -> Iterator[AudioChunk]:
        data = self._rest + data
        end = len(data) - len(data) % self._sample_width
        self._rest = data[end:]
        for start in range(0, end, self._chunk_size):
            yield AudioChunk(data[start : min(start + self._chunk_size, end)])

    def _error_event(self, error: CartesiaError) -> dict[str, Any]:
        error.request_id = error.request_id or self._identifier
        return encode_error_event(error, status=status_of(error), context_id=self.id)
