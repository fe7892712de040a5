"""Connections of clients as uvicorn serves them, and what it lacks: patience that ends, and good manners."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cartesia_cli.errors import RequestError
from cartesia_cli.server.entrance.visitors import Answered
from cartesia_cli.server.failures import StalledError
from cartesia_cli.server.hosting.means import FRAGMENTS, Guarded
from cartesia_cli.server.hosting.patience import LingeringTransport, Patience
from cartesia_cli.wire import encode_error
from cartesia_cli.wire.version import API_VERSION

_MOST_HEAD = 2**16
"""Bytes of a request's line and headers."""

_MOST_PONGS = 2**20
"""Bytes that may wait for a client that asks whether we are there, and does not read the answer."""

_TLS = b"\x16\x03"
"""How a client begins that wants to speak https."""

_SEND_BUFFER = 2**17
"""Bytes of an answer that the system keeps until the client has read them."""

_log = logging.getLogger(__name__)
_log.setLevel(logging.ERROR)  # what uvicorn warns of is what clients do
_log.addFilter(lambda record: not _is_of_client(record))


class ConnectionConfig(uvicorn.Config):
    """Uvicorn's settings, and ours.

    Args:
        app: what answers.
        patience: with clients.
        on_answer: told about what never became a request; ``Visitors`` tells about the others.
        options: as uvicorn has them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        patience: Patience,
        on_answer: Callable[[Answered], None] | None,
        **options: Any,
    ) -> None:
        super().__init__(
            cast("Any", app),
            http=HttpConnection,
            ws=SocketConnection,
            h11_max_incomplete_event_size=_MOST_HEAD,
            timeout_keep_alive=cast("int", patience.idle),
            ws_ping_interval=patience.pong,
            ws_ping_timeout=patience.pong,
            **options,
        )
        self.patience = patience
        self.on_answer = on_answer


class HttpConnection(H11Protocol):
    """A connection on which requests come, one after the other."""

    config: ConnectionConfig

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn: h11.Connection = _Parser(h11.SERVER, _MOST_HEAD)
        self.logger = _log
        self._patience = self.config.patience
        self._deadline: asyncio.TimerHandle | None = None
        self._has_upgraded = False
        self._first = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Begin to wait for a request."""
        # So that a client that reads slowly is told from one that does not, and neither costs much.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        lingering = LingeringTransport(transport, self._patience.answer, until=self._is_read)
        transport = cast("asyncio.Transport", lingering)
        super().connection_made(transport)
        self.app = cast("Any", Guarded(cast("ASGIApp", self.app), transport, body=self._patience.body))
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Take bytes, of a head or of a body."""
        if self.transport.is_closing():
            return  # nobody reads it any more
        self._first = self._first or data[:2]
        super().data_received(data)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over."""
        self._has_upgraded = True
        self._stop_waiting()
        super().handle_websocket_upgrade(event)
        successor: Any = self.transport.get_protocol()
        if not successor.handshake_initiated:
            # Its parser has narrower limits, and goes silent where they are passed.
            self._tell(400)
            self.transport.write(_refusal(400, "The request for a socket is not valid."))
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request."""
        failure = cast("_Parser", self.conn).failure
        status = failure.error_status_hint if failure is not None else 400
        self._refuse(status, "The head of the request is too large." if status == 431 else msg)

    def shutdown(self) -> None:
        """Close, after the answer that is running."""
        if not self.transport.is_closing():
            super().shutdown()

    def _is_between(self) -> bool:
        """Whether no request is being answered."""
        cycle: Any = self.cycle  # there is none before the first request
        return cycle is None or bool(cycle.response_complete)

    def _is_read(self) -> bool:
        """Whether all is read of a request that is answered; the system would take back the answer else."""
        return self._has_upgraded or not (self._is_between() and self.conn.their_state is h11.SEND_BODY)

    def _expect(self) -> None:
        """Wait for the head of a request, unless there is one that is being answered."""
        if self._has_upgraded or self.transport.is_closing() or not self._is_between():
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._patience.head, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(408, "The head of the request did not come.")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer what never became a request, and close; what comes too late to be answered is broken off."""
        if not self._is_between():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._tell(status)
            self.transport.write(_refusal(status, message))
            cast("LingeringTransport", self.transport).linger()
        else:
            self.transport.abort()
        self._stop_waiting()

    def _tell(self, status: int) -> None:
        note = "A client spoke https to an http port." if self._first == _TLS else None
        if self.config.on_answer is not None and self._is_between():
            self.config.on_answer(Answered(method="", path="", status=status, seconds=0.0, note=note))


class SocketConnection(WebSocketsSansIOProtocol):
    """A connection that has become a socket."""

    config: ConnectionConfig

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the transport is watched already."""
        super().connection_made(transport)
        self.logger = _log
        self._heard_at = self.loop.time()
        means = {FRAGMENTS: self.send_fragments}
        self._guarded = Guarded(cast("ASGIApp", self.app), self.transport, means=means)
        self.app = cast("Any", self._guarded)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to finish before it is closed."""
        return self._guarded.is_busy()

    def data_received(self, data: bytes) -> None:
        """Take bytes: the client is there."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    async def send(self, message: Any) -> None:
        """Send, and know that a handshake that was refused with a body is over."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    async def send_fragments(self, pieces: Sequence[bytes], *, is_text: bool, is_whole: bool) -> None:
        """Send a message in several frames, or only the first of them."""
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        for number, piece in enumerate(pieces):
            is_last = is_whole and number == len(pieces) - 1
            if number:
                self.conn.send_continuation(piece, is_last)
            elif is_text:
                self.conn.send_text(piece, is_last)
            else:
                self.conn.send_binary(piece, is_last)
            self.transport.write(b"".join(self.conn.data_to_send()))

    def handle_ping(self) -> None:
        """Answer, but not for one who never reads the answers."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _MOST_PONGS:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Break off, unless the answer is only late: behind much sound that we have not taken yet."""
        if self.read_paused or self._heard_at >= self.ping_sent_at:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
            return
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()


class _Parser(h11.Connection):
    """Keeps the reason for which a request is none."""

    failure: h11.RemoteProtocolError | None = None

    def next_event(self) -> Any:
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.failure = error
            raise


def _refusal(status: int, message: str) -> bytes:
    error = RequestError(message, request_id=str(uuid4()))
    body, kind = encode_error(error, status=status, version=API_VERSION)
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        "connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


def _is_of_client(record: logging.LogRecord) -> bool:
    """Whether an error is only that a client left, sent what is no text, or was sent away at the end."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, UnicodeDecodeError | asyncio.CancelledError | StalledError | ConnectionError)
