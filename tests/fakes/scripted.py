r"""An HTTP server on 127.0.0.1 whose every byte, pause and breakdown a test writes down.

    from tests.fakes.scripted import CLOSE, Pause, Scripted, bytewise, chunked, response

    with Scripted(response(body=b"RIFF...", content_type="audio/wav")) as server:
        ...                                      # talk to server.url
    assert server.requests[0].target == "/tts/bytes"
    assert server.requests[0].header("authorization") == "Bearer key"
    assert server.requests[0].json()["transcript"] == "Hello"

An answer is a sequence of steps, taken in order once a whole request has been read:

* ``bytes``        sent as they are (one ``send`` each, TCP_NODELAY)
* ``Pause(0.2)``   nothing happens for so many seconds; ends early when the server is left
* ``Gate()``       nothing happens until the test calls ``gate.open()``; ``gate.reached`` is set on arrival
* ``CLOSE``        the connection is closed in order (FIN)
* ``RESET``        the connection is torn down (RST); put a ``Pause`` or ``Gate`` before it where the
                   client must have read what was sent, for a reset may overtake it
* ``HANG``         nothing more is sent until the client goes away or the server is left

After the last step the connection is kept for the next request, so an answer without a length must
end with ``CLOSE``. The first request gets the first answer, and so on over all connections; the last
answer serves every further request. An answer may also be a function of the request that returns
the steps. Answers made by the helpers:

* ``response(status=200, body=b"", content_type="application/json", headers=(), length=True)``
* ``chunked(*parts)`` a 200 with ``Transfer-Encoding: chunked``, a part a chunk; steps may stand
  between the parts; ``end=False`` leaves out the last chunk
* ``bytewise(steps)`` the same steps, every byte sent on its own
* ``sse(*frames)`` an event stream, chunked, a frame a chunk

``Scripted(answers, tls=context)`` speaks TLS; ``Scripted()`` with no answer closes every connection as
soon as the request has been read. ``server.connections`` counts what was accepted, ``server.requests``
holds what was read, and ``server.disconnections`` counts the connections that are over.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, Self


class Breakdown(Enum):
    """The ends that a connection can have."""

    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


CLOSE, RESET, HANG = Breakdown.CLOSE, Breakdown.RESET, Breakdown.HANG


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Silence until the test opens it."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        """Let the server go on."""
        self.opened.set()


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it was read."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value under a name of any capitalisation."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


Step = bytes | Pause | Gate | Breakdown
Answer = Sequence[Step] | Callable[[Request], Sequence[Step]]


def response(
    status: int = 200,
    body: bytes = b"",
    *,
    content_type: str = "application/json",
    headers: Iterable[tuple[str, str]] = (),
    length: bool = True,
) -> list[Step]:
    """Return the steps of a whole response; without ``length`` it ends with the connection."""
    lines = [f"HTTP/1.1 {status} {_reason(status)}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}" if length else "Connection: close")
    whole = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    return [whole] if length else [whole, CLOSE]


def chunked(
    *parts: Step,
    content_type: str = "audio/wav",
    headers: Iterable[tuple[str, str]] = (),
    end: bool = True,
) -> list[Step]:
    """Return a 200 whose parts are sent as HTTP chunks; ``end=False`` omits the terminator."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in headers]
    steps: list[Step] = ["\r\n".join([*lines, "", ""]).encode("latin-1")]
    steps += [
        b"%x\r\n%b\r\n" % (len(part), part) if isinstance(part, bytes) else part
        for part in parts
        if part != b""
    ]
    return [*steps, b"0\r\n\r\n"] if end else steps


def sse(*frames: Step, end: bool = True) -> list[Step]:
    """Return an event stream; a frame is the bytes of one or more whole or broken events."""
    return chunked(*frames, content_type="text/event-stream", end=end)


def bytewise(steps: Iterable[Step]) -> list[Step]:
    """Return the same steps with every byte on its own."""
    return [
        piece
        for step in steps
        for piece in ([step[i : i + 1] for i in range(len(step))] if isinstance(step, bytes) else [step])
    ]


class Scripted:
    """The server; use it in a ``with`` block."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.disconnections = 0
        self._answers = answers or ([CLOSE],)
        self._tls = tls
        self._lock = threading.Lock()
        self._closed = threading.Condition()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def url(self) -> str:
        """Where the server is, without a path or a slash at the end."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass  # wakes accept()
        self._threads[0].join()
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _ignore(connection.shutdown, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def wait_for_disconnections(self, n_connections: int) -> None:
        """Wait until so many connections are over."""
        with self._closed:
            assert self._closed.wait_for(lambda: self.disconnections >= n_connections, 10), "still connected"

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(connection,))
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        try:
            if self._tls:
                connection = self._tls.wrap_socket(plain, server_side=True)
            with connection.makefile("rb") as reader:
                while (request := _read_request(reader)) is not None:
                    with self._lock:
                        answer = self._answers[min(len(self.requests), len(self._answers) - 1)]
                        self.requests.append(request)
                    if not self._play(connection, answer(request) if callable(answer) else answer):
                        return
        except OSError:
            pass  # the client has gone; what it sent until then is in `requests`
        finally:
            with self._lock:
                self._open.discard(plain)
            connection.close()
            with self._closed:
                self.disconnections += 1
                self._closed.notify_all()

    def _play(self, connection: socket.socket, steps: Sequence[Step]) -> bool:
        """Take the steps; return whether the connection is still to be used."""
        for step in steps:
            match step:
                case bytes():
                    connection.sendall(step)
                case Pause(seconds):
                    self._stopped.wait(seconds)
                case Gate():
                    self._wait_for(step)
                case Breakdown():
                    _break_down(connection, step)
                    return False
        return not self._stopped.is_set()

    def _wait_for(self, gate: Gate) -> None:
        gate.reached.set()
        while not gate.opened.wait(0.01) and not self._stopped.is_set():
            pass


def _break_down(connection: socket.socket, breakdown: Breakdown) -> None:
    match breakdown:
        case Breakdown.CLOSE:
            _ignore(connection.shutdown, socket.SHUT_WR)
        case Breakdown.RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        case Breakdown.HANG:  # until the client closes, or __exit__ shuts the socket down
            while connection.recv(4096):
                pass


def _read_request(reader: Any) -> Request | None:
    """Return the next request, or None where there is none."""
    words = reader.readline().decode("latin-1").split()
    if len(words) != 3:  # not HTTP, or nothing at all
        return None
    method, target, _ = words
    headers = []
    while (line := reader.readline().decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    fields = {name.lower(): value for name, value in headers}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join(iter(lambda: _read_chunk(reader), b""))
    else:
        body = reader.read(int(fields.get("content-length", "0")))
    return Request(method, target, tuple(headers), body)


def _read_chunk(reader: Any) -> bytes:
    data = bytes(reader.read(int(reader.readline().split(b";")[0], 16)))
    reader.readline()
    return data


def _ignore(call: Callable[[int], None], argument: int) -> None:
    try:
        call(argument)
    except OSError:
        return


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
