"""WebSocket frames ⇄ messages, without I/O.

``websockets`` speaks the protocol. Nearly every frame from the API is a whole message, though: those are
cut out of the buffer here, at a fifth of the price, and the library gets all others, frame by frame.
"""

import logging
import struct
from typing import NamedTuple

from websockets.exceptions import PayloadTooBig
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

MAX_MESSAGE = 64 * 2**20
"""Bytes; the API's messages are below 1 MiB."""

_WHOLE_TEXT, _WHOLE_BINARY = 0x81, 0x82
"""First bytes of frames that are messages of their own, uncompressed."""

_MASKED = 0x80
"""In the second byte."""

_SILENT = logging.getLogger("cartesia_cli.frames")
_SILENT.setLevel(logging.CRITICAL + 1)
"""What is said on a connection is nobody's business."""


class Message(NamedTuple):
    """One message, as it was sent."""

    data: bytes
    is_text: bool


class Closing(NamedTuple):
    """How a side said that it closes the connection."""

    code: int
    """1005 where it named none."""

    reason: str


class Frames:
    """One connection's two streams of bytes.

    Args:
        max_message: bytes that one message may have.
    """

    def __init__(self, *, max_message: int = MAX_MESSAGE) -> None:
        self._protocol = Protocol(CLIENT, state=OPEN, max_size=max_message, logger=_SILENT)
        self._max_message = max_message
        self._buffer = bytearray()
        self._parts: list[bytes] = []  # of a message in several frames
        self._is_text = False

    @property
    def closing(self) -> Closing | None:
        """What the other side said when it closed; None while it has not."""
        close = self._protocol.close_rcvd
        return None if close is None else Closing(close.code, close.reason)

    @property
    def problem(self) -> str | None:
        """What is wrong with the other side's frames; None for nothing."""
        match self._protocol.parser_exc:
            case None:
                return None
            case PayloadTooBig():
                return "a message that does not end"
            case error:
                return str(error) or "a frame that cannot be read"

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete; nothing after the close, or after a problem."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        start = 0
        with memoryview(buffer) as view:
            while self._reading and (found := self._find_payload(start)) is not None:
                first, last = found
                if last - first > self._max_message:
                    self._read_slowly(bytes(view[start:first]))  # finds out, and says so
                    break
                if last > len(buffer):
                    break
                is_whole = buffer[start] in {_WHOLE_TEXT, _WHOLE_BINARY} and buffer[start + 1] < _MASKED
                if is_whole and not self._in_parts:
                    messages.append(Message(bytes(view[first:last]), buffer[start] == _WHOLE_TEXT))
                else:
                    messages += self._read_slowly(bytes(view[start:last]))
                start = last
        del buffer[:start]
        return messages

    def send(self, message: str | bytes) -> None:
        """Add a message to what is to be sent."""
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)

    def ping(self) -> None:
        """Add a question whether the other side is there."""
        self._protocol.send_ping(b"")

    def close(self) -> None:
        """Add that this was all, unless the connection is closing already."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(1000)

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is OPEN

    def take_outgoing(self) -> bytes:
        """Return what is to be sent, once."""
        return b"".join(self._protocol.data_to_send())

    @property
    def _reading(self) -> bool:
        return self._protocol.close_rcvd is None and self._protocol.parser_exc is None

    @property
    def _in_parts(self) -> bool:
        return self._protocol.cur_size is not None

    def _find_payload(self, start: int) -> tuple[int, int] | None:
        """Return where the payload of the frame begins and ends, None if its head is not complete."""
        buffer = self._buffer
        if len(buffer) < start + 2:
            return None
        length = buffer[start + 1]
        first = start + 2
        if length >= _MASKED:  # which only a client may do: the library refuses it
            return first, first
        if length >= 126:
            form = "!H" if length == 126 else "!Q"
            first += struct.calcsize(form)
            if len(buffer) < first:
                return None
            (length,) = struct.unpack_from(form, buffer, start + 2)
        return first, first + length

    def _read_slowly(self, frame: bytes) -> list[Message]:
        """Return the message that a frame completes, if it does."""
        self._protocol.receive_data(frame)
        messages = []
        for event in self._protocol.events_received():
            opcode, data, fin = event.opcode, event.data, event.fin  # type: ignore[union-attr]  # a client's events are frames once it is open
            if opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                continue
            if opcode is not Opcode.CONT:
                self._is_text = opcode is Opcode.TEXT
            self._parts.append(bytes(data))
            if fin:
                messages.append(Message(b"".join(self._parts), self._is_text))
                self._parts.clear()
        return messages
