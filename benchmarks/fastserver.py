"""A loopback server that is faster than any client: what a benchmark measures is the client.

It answers ``POST /tts/bytes`` and ``POST /tts/sse`` with as many seconds of audio as the transcript says
("3600" is an hour): ``pcm_f32le`` at 44.1 kHz in chunks of 100 ms, or the same length of silent MP3 where the
container is ``mp3``. Every frame is made beforehand; serving is one system call for many chunks.
``POST /stt`` reads its body and answers with the number of its bytes as the text.
``/tts/websocket`` speaks every text of a context in the same way, a single chunk where it names no number;
contexts are served at the same time, and a connection carries any number of them.
``GET /counts`` answers with how many texts it was asked for, and how many at once, since it was last asked.

    python fastserver.py [--pace MS] [--stamp] [--first-byte MS]

prints its address and runs until its standard input ends. With ``--pace`` a chunk is written every so many
milliseconds; with ``--stamp`` its first 8 bytes are the time of the write (``time.monotonic_ns``, the same
clock in every process of a machine), so that a reader knows how long it was under way. ``--first-byte``
delays the answer's first byte, as synthesis does.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import queue
import re
import socket
import struct
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import BinaryIO

SAMPLE_RATE = 44_100
CHUNK_SECONDS = 0.1
CHUNK_BYTES = int(SAMPLE_RATE * CHUNK_SECONDS) * 4
STAMP = struct.Struct("<Q")

_BATCH = 16
"""Chunks in one write: about 280 kB of bytes, 380 kB of events."""

_SHORT = 64
"""Chunks of an answer that is kept whole, and sent with one system call."""

_DRAIN_BYTES = 2**20

_MP3_FRAME = bytes.fromhex("fffb90c4") + bytes(413)
"""One frame of silence: MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono; 1152 samples."""

_EVENT_HEAD = b'event: chunk\ndata: {"type":"chunk","data":"'
_EVENT_TAIL = b'","done":false,"status_code":206,"step_time":41.7}\n\n'
_MESSAGE_TAIL = b'","done":false,"status_code":206,"step_time":41.7,"flush_id":1}'
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DONE = b'event: done\ndata: {"type":"done","done":true,"status_code":206}\n\n'


@dataclass(frozen=True, slots=True)
class Options:
    """How the server answers."""

    pace: float | None = None
    """Seconds from one chunk to the next; ``None``: as fast as the client reads."""

    stamp: bool = False
    first_byte: float = 0.0
    """Seconds before the answer begins."""


class Counter:
    """How many texts were asked for, and how many at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = self._under_way = self._most = 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count one text, which is under way until the end of the block."""
        with self._lock:
            self._asked += 1
            self._under_way += 1
            self._most = max(self._most, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def take(self) -> bytes:
        """Return the counts as JSON, and begin anew."""
        with self._lock:
            counts = {"asked": self._asked, "most_at_once": self._most}
            self._asked, self._most = 0, self._under_way
        return json.dumps(counts).encode()


COUNTER = Counter()


@cache
def chunk_audio() -> bytes:
    """Return the payload of every chunk: a triangle wave of 100 Hz in 32-bit floats, ten periods."""
    period = SAMPLE_RATE // 100
    wave = [abs(2 * k - period) / period - 0.5 for k in range(period)]
    n_samples = CHUNK_BYTES // 4
    return array("f", (wave * (n_samples // period + 1))[:n_samples]).tobytes()


def stamped(audio: bytes) -> bytes:
    """Return ``audio`` with the present time in its first 8 bytes."""
    return STAMP.pack(time.monotonic_ns()) + audio[STAMP.size :]


def http_chunk(data: bytes) -> bytes:
    """Return ``data`` as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Answer:
    """The frames of one kind of answer."""

    def __init__(self, *, sse: bool, container: str) -> None:
        self._sse = sse
        self._container = container
        self._audio = chunk_audio()
        # 9 bytes are 12 characters: what follows the stamp is encoded once and for all.
        self._rest = base64.b64encode(self._audio[9:])

    def head(self) -> bytes:
        """Return the status line, the headers, and what stands before the audio."""
        kind = b"text/event-stream" if self._sse else b"audio/" + self._container.encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n" % kind
        if self._container == "wav" and not self._sse:
            fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, SAMPLE_RATE, SAMPLE_RATE * 4, 4, 32)
            size = 0xFFFF_FFFF
            riff = struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + fmt + struct.pack("<4sI", b"data", size)
            head += http_chunk(riff)
        return head

    def chunk(self, *, stamp: bool) -> bytes:
        """Return one chunk of 100 ms, as it is on the wire."""
        if self._container == "mp3" and not self._sse:
            return http_chunk(_MP3_FRAME * 4)  # 104.5 ms
        audio = stamped(self._audio) if stamp else self._audio
        if not self._sse:
            return http_chunk(audio)
        return http_chunk(_EVENT_HEAD + base64.b64encode(audio[:9]) + self._rest + _EVENT_TAIL)

    def tail(self) -> bytes:
        """Return what stands after the audio."""
        return (http_chunk(_DONE) if self._sse else b"") + b"0\r\n\r\n"


@cache
def answer_of(*, sse: bool, container: str) -> Answer:
    """Return the frames of one kind of answer, made once."""
    return Answer(sse=sse, container=container)


@lru_cache(maxsize=16)
def whole(answer: Answer, n_chunks: int) -> bytes:
    """Return an answer from its status line to its end."""
    return b"".join([answer.head(), *frames(answer, n_chunks, batch=_BATCH), answer.tail()])


def frames(answer: Answer, n_chunks: int, *, batch: int) -> Iterator[bytes]:
    """Yield ``n_chunks`` chunks, ``batch`` of them at a time."""
    chunk = answer.chunk(stamp=False)
    full = chunk * batch
    for _ in range(n_chunks // batch):
        yield full
    yield chunk * (n_chunks % batch)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants."""

    path: str
    seconds: float
    container: str
    n_bytes: int = 0
    """Of the body."""

    key: bytes = b""
    """Of a request for a WebSocket."""


def read_request(reader: BinaryIO, connection: socket.socket) -> Asked | None:
    """Return the next request of a connection, or ``None`` at its end."""
    request_line = reader.readline().split()
    if len(request_line) < 3:
        return None
    length, key = 0, b""
    while (line := reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"sec-websocket-key":
            key = value.strip()
    path = request_line[1].decode()
    if path.partition("?")[0] == "/stt":
        return Asked(path, 0.0, "", n_bytes=drain(reader, connection, length))
    body = json.loads(reader.read(length) or b"{}")
    container = body.get("output_format", {}).get("container", "raw")
    return Asked(path, seconds_of(body.get("transcript", ""), 1.0), container, key=key)


def seconds_of(transcript: str, otherwise: float) -> float:
    """Return the first number in a transcript."""
    number = re.search(r"\d+(?:\.\d+)?", transcript)
    return float(number[0]) if number else otherwise


def drain(reader: BinaryIO, connection: socket.socket, length: int) -> int:
    """Read a body of ``length`` bytes past the buffer of ``reader``, and return how many there were."""
    left = length - len(reader.read1(length) if length else b"")  # type: ignore[attr-defined]  # as makefile has it
    block = memoryview(bytearray(_DRAIN_BYTES))
    while left and (n_read := connection.recv_into(block[: min(left, _DRAIN_BYTES)])):
        left -= n_read
    return length - left


def answer_request(connection: socket.socket, asked: Asked, options: Options) -> None:
    """Send what one request asks for."""
    path = asked.path.partition("?")[0].rstrip("/")
    if path in {"/tts/bytes", "/tts/sse"}:
        with COUNTER.counted():
            speak(connection, asked, options)
    elif path == "/stt":
        transcript = {"type": "transcript", "request_id": "0", "text": str(asked.n_bytes)}
        send_json(connection, json.dumps(transcript).encode())
    elif path == "/counts":
        send_json(connection, COUNTER.take())
    else:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")


def send_json(connection: socket.socket, text: bytes) -> None:
    """Send an answer of JSON."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    connection.sendall(head % len(text) + text)


def speak(connection: socket.socket, asked: Asked, options: Options) -> None:
    """Send an answer of audio, all at once or chunk by chunk."""
    answer = answer_of(sse="/tts/sse" in asked.path, container=asked.container)
    n_chunks = round(asked.seconds / CHUNK_SECONDS)
    if options.first_byte:
        time.sleep(options.first_byte)
    if options.pace is None and not options.stamp and n_chunks <= _SHORT:
        connection.sendall(whole(answer, n_chunks))
        return
    connection.sendall(answer.head())
    if options.pace is None and not options.stamp:
        for data in frames(answer, n_chunks, batch=_BATCH):
            connection.sendall(data)
    else:
        send_paced(connection, answer, n_chunks, options)
    connection.sendall(answer.tail())


def send_paced(connection: socket.socket, answer: Answer, n_chunks: int, options: Options) -> None:
    """Send chunk by chunk, each at its own time, whatever the one before took."""
    began = time.monotonic()
    for i in range(n_chunks):
        if options.pace and (wait := began + i * options.pace - time.monotonic()) > 0:
            time.sleep(wait)
        connection.sendall(answer.chunk(stamp=options.stamp))


class SocketPeer:
    """One WebSocket and its contexts; every context has a thread of its own."""

    def __init__(self, connection: socket.socket, reader: BinaryIO, options: Options) -> None:
        self._connection = connection
        self._reader = reader
        self._options = options
        self._sending = threading.Lock()
        self._contexts: dict[str, queue.SimpleQueue[dict[str, object]]] = {}
        self._audio = chunk_audio()
        self._rest = base64.b64encode(self._audio[9:])

    def serve(self, key: bytes) -> None:
        """Shake hands, and hand every message to its context."""
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324  the protocol's choice
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        try:
            while (message := self._read()) is not None:
                name = str(message["context_id"])
                if name not in self._contexts:
                    self._contexts[name] = queue.SimpleQueue()
                    threading.Thread(
                        target=self._speak, args=(name, self._contexts[name]), daemon=True
                    ).start()
                self._contexts[name].put(message)
        finally:
            for waiting in self._contexts.values():
                waiting.put({"cancel": True})

    def _read(self) -> dict[str, object] | None:
        """Return the next message; None at the end."""
        while True:
            head = self._reader.read(2)
            if len(head) < 2 or head[0] == 0x88:
                return None
            length = head[1] & 0x7F
            if length >= 126:
                length = int.from_bytes(self._reader.read(2 if length == 126 else 8), "big")
            mask, data = self._reader.read(4), self._reader.read(length)
            if head[0] == 0x81:
                repeated = (mask * (length // 4 + 1))[:length]
                plain = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
                return dict(json.loads(plain.to_bytes(length, "big")))

    def _speak(self, name: str, waiting: "queue.SimpleQueue[dict[str, object]]") -> None:
        with contextlib.suppress(OSError):
            while not (message := waiting.get()).get("cancel"):
                transcript = str(message.get("transcript", ""))
                if transcript:
                    n_chunks = round(seconds_of(transcript, CHUNK_SECONDS) / CHUNK_SECONDS)
                    with COUNTER.counted():
                        self._speak_text(name, n_chunks)
                if not message.get("continue"):
                    done = {"type": "done", "context_id": name, "done": True, "status_code": 206}
                    self._send(ws_frame(json.dumps(done).encode()))
                    break
        self._contexts.pop(name, None)

    def _speak_text(self, name: str, n_chunks: int) -> None:
        options = self._options
        if options.first_byte:
            time.sleep(options.first_byte)
        if options.pace is None and not options.stamp:
            frame = self._chunk(name, stamp=False)
            full = frame * _BATCH
            for _ in range(n_chunks // _BATCH):
                self._send(full)
            self._send(frame * (n_chunks % _BATCH))
            return
        began = time.monotonic()
        for i in range(n_chunks):
            if options.pace and (wait := began + i * options.pace - time.monotonic()) > 0:
                time.sleep(wait)
            self._send(self._chunk(name, stamp=options.stamp))

    def _chunk(self, name: str, *, stamp: bool) -> bytes:
        audio = stamped(self._audio) if stamp else self._audio
        head = b'{"type":"chunk","context_id":%b,"data":"' % json.dumps(name).encode()
        return ws_frame(head + base64.b64encode(audio[:9]) + self._rest + _MESSAGE_TAIL)

    def _send(self, data: bytes) -> None:
        with self._sending:
            self._connection.sendall(data)


def ws_frame(text: bytes) -> bytes:
    """Return a text as one frame of a server."""
    if len(text) < 126:
        return b"\x81%c%b" % (len(text), text)
    if len(text) < 2**16:
        return b"\x81\x7e%b%b" % (len(text).to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (len(text).to_bytes(8, "big"), text)


def serve_connection(connection: socket.socket, options: Options) -> None:
    """Answer the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A client that has what it wanted may leave at any time.
    with connection, connection.makefile("rb") as reader, contextlib.suppress(ConnectionError):
        while asked := read_request(reader, connection):
            if asked.key:
                SocketPeer(connection, reader, options).serve(asked.key)
                return
            answer_request(connection, asked, options)


def accept(listener: socket.socket, options: Options) -> None:
    """Serve each connection in a thread, for ever."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_connection, args=(connection, options), daemon=True).start()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pace", type=float, metavar="MS", help="milliseconds from one chunk to the next")
    parser.add_argument("--stamp", action="store_true", help="put the time of the write into every chunk")
    parser.add_argument("--first-byte", type=float, default=0, metavar="MS", help="delay of the answer")
    given = parser.parse_args()
    pace = None if given.pace is None else given.pace / 1000
    options = Options(pace, given.stamp, given.first_byte / 1000)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    threading.Thread(target=accept, args=(listener, options), daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
