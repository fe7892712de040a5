"""Many clients in one thread that cost nearly nothing: what a benchmark with them measures is the server."""

import json
import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

_KEY = "benchmark"
_VERSION = "2026-03-01"
_READ = 2**18
_PATIENCE = 60.0
_END = b"0\r\n\r\n"


@dataclass(slots=True)
class Heard:
    """How long a crowd of clients waited."""

    wall: float = 0.0
    """Seconds from the first request to the end of the last answer."""

    firsts: list[float] = field(default_factory=list)
    """For each answer the seconds from the request to the first byte of its body, or its first audio."""

    n_bytes: int = 0


class CrowdError(Exception):
    """An answer was not what it should be."""


class _Client(Protocol):
    """One connection."""

    connection: socket.socket

    def ask(self) -> None:
        """Send the request."""

    def hear(self, data: bytes) -> tuple[bool, bool]:
        """Take bytes from the server; return whether there was sound yet, and whether it is the end."""


def ask_at_once(url: str, path: str, text: str, n_clients: int, n_each: int = 1) -> Heard:
    """Return how long clients waited that ask for a text so many times, each as soon as it has the last.

    Args:
        url: of the server.
        path: ``/tts/bytes``, ``/tts/sse`` or ``/tts/websocket``, where each request is a context.
        text: what is to be spoken.
        n_clients: each has a connection of its own, open before the clock starts.
        n_each: how many times each asks.

    Raises:
        CrowdError: an answer was not what it should be.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(_open(url, path)) for _ in range(n_clients)]
        if "websocket" in path:
            return _converse([_SocketClient(each, text) for each in opened], n_each)
        return _converse([_HttpClient(each, path, text) for each in opened], n_each)


def _converse(clients: Sequence[_Client], n_each: int) -> Heard:
    heard, left = Heard(), dict.fromkeys(range(len(clients)), n_each)
    asked, has_sound = [0.0] * len(clients), [False] * len(clients)
    with selectors.DefaultSelector() as selector:

        def ask(i: int) -> None:
            has_sound[i], asked[i] = False, time.perf_counter()
            clients[i].ask()

        began = time.perf_counter()
        for i, client in enumerate(clients):
            selector.register(client.connection, selectors.EVENT_READ, i)
            ask(i)
        while left:
            ready = selector.select(_PATIENCE)
            if not ready:
                raise CrowdError("the server says nothing any more")
            for key, _ in ready:
                i = key.data
                data = clients[i].connection.recv(_READ)
                heard.n_bytes += len(data)
                sounds, is_end = clients[i].hear(data)
                if sounds and not has_sound[i]:
                    has_sound[i] = True
                    heard.firsts.append(time.perf_counter() - asked[i])
                if is_end:
                    left[i] -= 1
                    if left[i]:
                        ask(i)
                    else:
                        del left[i]
                        selector.unregister(clients[i].connection)
        heard.wall = time.perf_counter() - began
    return heard


class _HttpClient:
    def __init__(self, connection: socket.socket, path: str, text: str) -> None:
        self.connection = connection
        body = json.dumps(_request(text)).encode()
        self._request = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"x-api-key: {_KEY}\r\ncartesia-version: {_VERSION}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._head, self._tail = b"", b""

    def ask(self) -> None:
        self._head, self._tail = b"", b""
        self.connection.sendall(self._request)

    def hear(self, data: bytes) -> tuple[bool, bool]:
        self._tail = (self._tail + data)[-len(_END) :]
        _, found, body = self._head.partition(b"\r\n\r\n")
        if not body:
            self._head += data
            _, found, body = self._head.partition(b"\r\n\r\n")
            if not data or (found and not self._head.startswith(b"HTTP/1.1 200 ")):
                raise CrowdError(self._head[:500].decode(errors="replace"))
        return bool(body), bool(body) and self._tail == _END


class _SocketClient:
    """Every text is a context of its own on one socket."""

    def __init__(self, connection: socket.socket, text: str) -> None:
        self.connection = connection
        self._asked = _request(text)
        self._n_contexts = 0
        self._rest = b""

    def ask(self) -> None:
        self._n_contexts += 1
        message = {**self._asked, "context_id": f"context-{self._n_contexts}", "continue": False}
        payload = json.dumps(message).encode()
        # Masked with zeros: as the protocol wants it, and yet unchanged.
        self.connection.sendall(b"\x81\xfe" + len(payload).to_bytes(2) + bytes(4) + payload)

    def hear(self, data: bytes) -> tuple[bool, bool]:
        self._rest += data
        sounds = is_end = False
        while (frame := _first_frame(self._rest)) is not None:
            payload, self._rest = frame
            sounds |= payload.startswith(b'{"type":"chunk"')
            is_end |= payload.startswith(b'{"type":"done"')
            if not data or payload.startswith(b'{"type":"error"'):
                raise CrowdError(payload[:500].decode(errors="replace"))
        return sounds, is_end


def _first_frame(data: bytes) -> tuple[bytes, bytes] | None:
    """Return what the first frame holds and what stands behind it; None if it has not all come."""
    if len(data) < 2:
        return None
    length, start = data[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start])
    return (data[start : start + length], data[start + length :]) if len(data) >= start + length else None


def open_sockets(url: str, path: str, n_sockets: int) -> ExitStack:
    """Return so many open WebSockets, on which nothing is said, as one thing to close."""
    with ExitStack() as stack:
        for _ in range(n_sockets):
            stack.enter_context(_open(url, path))
        return stack.pop_all()


def _open(url: str, path: str) -> socket.socket:
    address = urlsplit(url)
    opened = socket.create_connection((address.hostname or "", address.port or 0), _PATIENCE)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if "websocket" not in path:
        return opened
    mark = "&" if "?" in path else "?"
    opened.sendall(
        f"GET {path}{mark}api_key={_KEY}&cartesia_version={_VERSION} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = opened.recv(4096)
        answer += data
        if not data or not answer.startswith(b"HTTP/1.1 101 "[: len(answer)]):
            raise CrowdError(answer[:500].decode(errors="replace"))
    return opened


def _request(text: str) -> dict[str, object]:
    return {
        "model_id": "sonic-3",
        "transcript": text,
        "voice": {"mode": "id", "id": "heart"},
        "language": "en",
        "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100},
    }
