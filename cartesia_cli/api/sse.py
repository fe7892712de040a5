"""Server-sent events → speech events, without I/O.

Nearly all of a stream is base64, in frames that look alike. The slow way (httpx-sse and a JSON parser)
reads one frame and notes the bytes that stand before the base64. Frames that begin with the same bytes
are then decoded where they lie: one search for the quote behind the base64, one for the end of the
frame, and a JSON parser for the few bytes that are left. Whatever looks different goes the slow way, so
that the result is always that of the slow way.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import AudioChunk, SpeechEvent
from cartesia_cli.wire import decode_event
from cartesia_cli.wire.envelopes import Envelope
from cartesia_cli.wire.values import MalformedError, decode_base64

MAX_FRAME = 64 * 2**20
"""Bytes; a frame that is longer does not end."""

_BOM = b"\xef\xbb\xbf"
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class _Not(Enum):
    """Why there is no audio to be taken."""

    COMPLETE = 1
    LIKE_THE_OTHERS = 2


class Habits:
    """What the frames of one server have in common, so that not every stream has to learn it anew."""

    def __init__(self) -> None:
        self.shape: _Shape | None = None
        """Of the audio that came last."""

        self.last_frame: bytes | None = None
        """That ended a stream."""


class EventDecoder:
    """Feed it what arrives, in pieces of any size; it yields what is complete.

    Args:
        habits: of the server; several decoders, in several threads, may learn and use them.
        max_frame: bytes that one event may have.
    """

    def __init__(self, habits: Habits | None = None, *, max_frame: int = MAX_FRAME) -> None:
        self._habits = habits or Habits()
        self.done = False
        """The API has said that this was all; what follows is ignored."""

        self._max_frame = max_frame
        self._buffer = bytearray()
        self._start = 0  # of the frame that is next
        self._no_quote_before = 0  # behind its base64
        self._no_end_before = 0
        self._shape = self._habits.shape
        self._at_beginning = True

    def feed(self, data: bytes) -> Iterator[SpeechEvent]:
        """Yield the events that these bytes complete. Exhaust the iterator before the next call.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError: an event reports an error.
            UnavailableError: an event cannot be read, or does not end.
        """
        self._buffer += data
        if self._at_beginning and not self._skip_byte_order_mark():
            return
        while not self.done:
            self._skip_blank_lines()
            audio = self._take_audio()
            if isinstance(audio, AudioChunk):
                yield audio
            elif audio is _Not.COMPLETE or (frame := self._take_frame()) is None:
                break
            elif (event := self._read_slowly(frame)) is not None:
                yield event
        del self._buffer[: self._start]
        self._no_quote_before -= self._start
        self._no_end_before -= self._start
        self._start = 0
        if len(self._buffer) > self._max_frame:
            raise UnavailableError("The API sent an event that does not end.", hint="Check --base-url.")

    def close(self) -> None:
        """Check that the stream was complete.

        Raises:
            UnavailableError: it ended before it was done.
        """
        if not self.done:
            error = UnavailableError(
                "The API closed the stream before it was done.",
                hint="Try again: what has arrived is not all.",
            )
            error.is_passing = True
            raise error

    def _skip_byte_order_mark(self) -> bool:
        """Return whether enough has arrived to tell."""
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False
        self._at_beginning = False
        if self._buffer.startswith(_BOM):
            self._start = len(_BOM)
        return True

    def _skip_blank_lines(self) -> None:
        while self._start < len(self._buffer) and self._buffer[self._start] in b"\r\n":
            self._start += 1

    def _take_audio(self) -> AudioChunk | _Not:
        """Return the audio of the next frame, if all of it is there and it looks like those before."""
        shape, buffer = self._shape, self._buffer
        if shape is None or not buffer.startswith(shape.prefix, self._start):
            return _Not.LIKE_THE_OTHERS
        first = self._start + len(shape.prefix)
        last = buffer.find(b'"', max(first, self._no_quote_before))
        self._no_quote_before = len(buffer) if last < 0 else last
        if last < 0:
            return _Not.COMPLETE
        end = buffer.find(shape.ending, last)
        if end < 0:
            broken = buffer.find(b"\n", last) >= 0 or buffer.find(b"\r", last) >= 0
            return _Not.LIKE_THE_OTHERS if broken else _Not.COMPLETE
        if not shape.envelope.fits(buffer[last:end]):
            return _Not.LIKE_THE_OTHERS
        with memoryview(buffer) as whole, whole[first:last] as encoded:
            try:
                audio = decode_base64(encoded)
            except MalformedError:  # an escape, perhaps: the slow way knows
                return _Not.LIKE_THE_OTHERS
        self._start = end + len(shape.ending)
        return AudioChunk(audio)

    def _take_frame(self) -> bytes | None:
        """Return the next frame with the blank line behind it, None if its end has not arrived."""
        end = _BLANK_LINE.search(self._buffer, max(self._start, self._no_end_before))
        if end is None:
            self._no_end_before = len(self._buffer) - 2
            return None
        frame = bytes(self._buffer[self._start : end.end()])
        self._start = end.end()
        return frame

    def _read_slowly(self, frame: bytes) -> SpeechEvent | None:
        """Return a frame's event, None if there is none in it or it was the last."""
        if frame == self._habits.last_frame:
            self.done = True
            return None
        data = _read_data(frame)
        if not data:
            return None
        event = decode_event(data)
        if event is None:
            self.done = True
            self._habits.last_frame = frame
        elif isinstance(event, AudioChunk):
            # This stream keeps its own: those of others may have another.
            self._shape = self._habits.shape = _Shape.of(frame, data)
        return event


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the frames of one server have in common."""

    prefix: bytes
    """From the beginning of the frame to the base64."""

    ending: bytes
    """The line breaks behind the frame."""

    envelope: Envelope

    @classmethod
    def of(cls, frame: bytes, data: str) -> "_Shape | None":
        """Return the shape of a frame with audio; None if it has none that can be relied on."""
        encoded = json.loads(data)["data"].encode()
        first = frame.find(b'"%b"' % encoded) + 1
        end = _BLANK_LINE.search(frame)
        if not first or not end:
            return None
        *before, line = _LINE_END.split(frame[:first])
        if not line.startswith(b"data:") or any(other.startswith(b"data") for other in before):
            return None
        head = line.removeprefix(b"data:").removeprefix(b" ")
        envelope = Envelope.of(head, frame[first + len(encoded) : end.start()])
        return None if envelope is None else cls(frame[:first], end.group(), envelope)


def _read_data(frame: bytes) -> str:
    """Return the data of a frame's event; "" if it has none.

    Raises:
        UnavailableError: the frame is not UTF-8.
    """
    from httpx import Response
    from httpx_sse import EventSource

    try:
        frame.decode()
    except UnicodeDecodeError as error:
        raise UnavailableError("The API sent an event that is not UTF-8.", hint="Try again.") from error
    # httpx-sse reads whole answers. One answer a frame also means that an ID stays with its frame.
    answer = Response(200, headers={"Content-Type": "text/event-stream; charset=utf-8"}, content=frame)
    return "".join(event.data for event in EventSource(answer).iter_sse())
