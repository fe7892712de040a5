r"""A WebSocket server on 127.0.0.1 that does what a test writes down, properly or not.

    from tests.fakes.sockets import SocketServer, Peer, echo, spoken

    def play(peer: Peer) -> None:
        first = peer.read()
        peer.chunk(first["context_id"], b"\1\0")
        peer.close(1011, "out of memory")

    with SocketServer(play, echo) as server:
        ...                                     # talk to server.url
    assert server.peers[0].messages[0]["transcript"] == "Hello"

The first connection gets the first play, and so on; the last serves every further one. A ``Refusal`` in
its place answers the handshake with HTTP. When a play returns, the connection is closed with 1000.

``echo`` speaks every text at once, a character a sample (``spoken`` reads them back), so that a test sees
what was spoken, how often and in which order. ``peer.read`` raises ``Gone`` when the client has gone.
"""

import base64
import contextlib
import json
import socket
import struct
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from cartesia_cli.models import AudioChunk, SpeechEvent


class Gone(Exception):
    """The client has gone."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in HTTP instead of a handshake."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def voiced(text: str) -> bytes:
    """Return the samples (``pcm_s16le``) of a text, one for each of its characters."""
    return array("H", text.encode("utf-16-le")).tobytes()


def spoken(events: Iterable[SpeechEvent]) -> str:
    """Return what was spoken by ``voiced``."""
    return b"".join(event.data for event in events if isinstance(event, AudioChunk)).decode("utf-16-le")


class Peer:
    """One connection, as the server has it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.messages: list[dict[str, Any]] = []
        """Every message that was read, parsed."""

        self.is_over = threading.Event()

    @property
    def path(self) -> str:
        """The target of the handshake."""
        assert self.connection.request is not None
        return self.connection.request.path

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the handshake."""
        assert self.connection.request is not None
        return self.connection.request.headers

    def read(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the client's next message; TimeoutError if there is none in time."""
        try:
            message = self.connection.recv(timeout)
        except ConnectionClosed as error:
            raise Gone from error
        self.messages.append(json.loads(message))
        return self.messages[-1]

    def send(self, message: str | bytes) -> None:
        """Send a message as it is."""
        try:
            self.connection.send(message)
        except ConnectionClosed as error:
            raise Gone from error

    def tell(self, kind: str, context_id: str | None, **fields: Any) -> None:
        """Send a message of a type."""
        common = {"type": kind, "context_id": context_id, "done": kind in {"done", "error"}}
        self.send(json.dumps({**common, "status_code": 206, **fields}))

    def chunk(self, context_id: str, audio: bytes) -> None:
        """Send audio."""
        self.tell("chunk", context_id, data=base64.b64encode(audio).decode(), step_time=1.5)

    def done(self, context_id: str) -> None:
        """Send the end of a context."""
        self.tell("done", context_id)

    def close(self, code: int, reason: str = "") -> None:
        """Close in order, with any code; 1005 names none."""
        self.connection.close(code, reason) if code != 1005 else self.raw(b"\x88\x00")

    def raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self.connection.socket.sendall(data)

    def cut(self) -> None:
        """Break off in the middle of a message."""
        self.raw(b"\x81\x7e\x10\x00" + b'{"type":"chunk","data":"AAAA')
        self.drop()

    def drop(self) -> None:
        """Tear the connection down without a word."""
        reset = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            time.sleep(0.02)  # a reset may overtake what was sent
            self.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.connection.socket.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        """Say nothing until the client goes."""
        while True:
            self.read()


Play = Callable[[Peer], None]


def echo(peer: Peer) -> None:
    """Speak every text at once; flush, finish and cancel as the API does."""
    while True:
        answer(peer, peer.read())


def answer(peer: Peer, message: Mapping[str, Any]) -> None:
    """Do with a message as the API does, without any delay."""
    context_id = message["context_id"]
    if message.get("cancel"):
        return
    if message["transcript"]:
        peer.chunk(context_id, voiced(message["transcript"]))
    if message.get("flush"):
        peer.tell("flush_done", context_id, flush_done=True, flush_id=1)
    if not message.get("continue"):
        peer.done(context_id)


class SocketServer:
    """The server; use it in a ``with`` block.

    Args:
        plays: what it does on one connection after the other; the last again and again.
        tls: encrypts.
        ping: seconds between two pings, and for the answer to each; None for no pings.
    """

    def __init__(
        self, *plays: Play | Refusal, tls: SSLContext | None = None, ping: float | None = None
    ) -> None:
        self.peers: list[Peer] = []
        self.n_handshakes = 0
        self.errors: list[BaseException] = []
        self._plays = plays or (echo,)
        self._tls = tls
        self._lock = threading.Lock()
        self._server: Server = serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._refuse,
            ssl=tls,
            compression=None,
            ping_interval=ping,
            ping_timeout=ping,
            max_size=None,
        )
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.socket.getsockname()[1])

    def peer(self, number: int = 0) -> "Peer":
        """Return a client, once the handshake with it is over on this side too."""
        deadline = time.monotonic() + 10
        while len(self.peers) <= number:
            assert time.monotonic() < deadline, "no such client"
            time.sleep(0.005)
        return self.peers[number]

    @property
    def url(self) -> str:
        """A base URL of the API."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    @property
    def texts(self) -> dict[str, str]:
        """What was sent, joined, by context; in the order in which they were opened."""
        joined: dict[str, str] = {}
        for peer in self.peers:
            for message in peer.messages:
                if not message.get("cancel"):
                    joined[message["context_id"]] = (
                        joined.get(message["context_id"], "") + message["transcript"]
                    )
        return joined

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.connection.socket.shutdown(socket.SHUT_RDWR)
        for peer in self.peers:
            assert peer.is_over.wait(10), "a play did not end"
        if kind is None and self.errors:
            raise self.errors[0]

    def _play(self) -> Play | Refusal:
        return self._plays[min(self.n_handshakes, len(self._plays)) - 1]

    def _refuse(self, connection: ServerConnection, _request: Request) -> Response | None:
        with self._lock:
            self.n_handshakes += 1
            play = self._play()
            connection.play = play  # type: ignore[attr-defined]  # kept until the handshake is over
        if not isinstance(play, Refusal):
            return None
        response = connection.respond(HTTPStatus(play.status), play.body.decode())
        for name, value in play.headers:
            response.headers.pop(name, None)
            response.headers[name] = value
        return response

    def _serve(self, connection: ServerConnection) -> None:
        peer = Peer(connection)
        with self._lock:
            self.peers.append(peer)
        try:
            connection.play(peer)  # type: ignore[attr-defined]  # see _refuse
        except (Gone, OSError, ConnectionClosed):
            pass
        except BaseException as error:  # noqa: BLE001  a failed assertion of a play fails its test
            self.errors.append(error)
        finally:
            peer.is_over.set()
