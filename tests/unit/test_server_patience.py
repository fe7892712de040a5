"""Clients that are slow, dead or gone: they cost a moment, and their speech ends."""

import asyncio
import contextlib
import json
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message
from websockets.sync.client import ClientConnection, connect

from cartesia_cli.server.app import create_app
from cartesia_cli.server.entrance.visitors import Answered
from cartesia_cli.server.failures import StalledError
from cartesia_cli.server.hosting.patience import patient
from tests.fakes.apps import running_app
from tests.fakes.counted import Endless, staffed
from tests.fakes.hosted import patience
from tests.fakes.known import DEFAULT_VOICE
from tests.fakes.waiting import eventually

PATIENCE = 0.5
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
SPEECH = {
    "model_id": "sonic-3",
    "transcript": "endless",
    "voice": {"mode": "id", "id": DEFAULT_VOICE},
    "output_format": RAW,
}

UPGRADE = b" HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"


class Line:
    """A connection on which a client sends what it likes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""

    def send(self, *data: str | bytes) -> None:
        for each in data:
            self.connection.sendall(each.encode("latin-1") if isinstance(each, str) else each)

    def read(self) -> bytes:
        """Return everything up to the end of the connection."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.connection.recv(2**16):
                self.received += data
        return self.received

    def until(self, end: bytes) -> bytes:
        """Return everything up to the first time that this comes."""
        while end not in self.received:
            data = self.connection.recv(2**16)
            assert data, self.received
            self.received += data
        return self.received

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Service:
    """A server, its engine, and what it told of its answers."""

    def __init__(self, url: str, engine: Endless, answered: list[Answered]) -> None:
        self.url = url
        self.engine = engine
        self.answered = answered

    @contextlib.contextmanager
    def line(self, buffer: int | None = None) -> Iterator[Line]:
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        connection = socket.socket()
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(10)
        connection.connect((host, int(port)))
        with contextlib.closing(connection):
            yield Line(connection)

    def dial(self, path: str = "/tts/websocket", **options: Any) -> ClientConnection:
        return connect(self.url.replace("http", "ws", 1) + path, close_timeout=1, **options)

    def is_quiet(self) -> bool:
        return eventually(lambda: self.engine.n_open == 0, 5)


@contextlib.contextmanager
def running(seconds: float = PATIENCE, **differing: float) -> Iterator[Service]:
    engine = Endless()
    answered: list[Answered] = []
    how = replace(patience(seconds), **differing)
    app = create_app(staffed(engine))
    with running_app(app, waits=False, patience=how, on_answer=answered.append) as url:
        yield Service(url, engine, answered)


@pytest.fixture(scope="module")
def hasty() -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture
def patient_one() -> Iterator[Service]:
    with running(60) as service:
        yield service
        assert service.is_quiet(), "somebody still speaks"


def head(method: str, path: str, *fields: str) -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: localhost", *fields, "", ""])


def posted(path: str, body: bytes, *fields: str) -> bytes:
    return head("POST", path, f"content-length: {len(body)}", *fields).encode() + body


def form(path: str) -> tuple[bytes, str]:
    """Return the body of a form for a path, and the header that it needs."""
    fields = {f"output_format[{name}]": str(value) for name, value in RAW.items()}
    fields |= {"voice[id]": DEFAULT_VOICE} if "changer" in path else {}
    if "infill" in path:
        fields |= {
            "voice_id": DEFAULT_VOICE,
            "model_id": "sonic-3",
            "language": "en",
            "transcript": "endless",
        }
    if "stt" in path:
        fields = {"model": "ink-whisper"}
    name = {"/infill/bytes": "left_audio", "/stt": "file"}.get(path, "clip")
    parts = [f'--x\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    recording = f'--x\r\ncontent-disposition: form-data; name="{name}"; filename="a.wav"\r\n\r\n'
    body = "".join(parts).encode() + recording.encode() + b"endless.".ljust(3_000_000, b"-")
    return body + b"\r\n--x--\r\n", "content-type: multipart/form-data; boundary=x"


# ---- slow heads


def test_who_connects_and_asks_for_nothing_is_hung_up_on(hasty: Service) -> None:
    with hasty.line() as line:
        began = time.monotonic()

        assert line.read() == b""

    assert PATIENCE * 0.9 < time.monotonic() - began < PATIENCE + 2


@pytest.mark.parametrize("sent", ["P", "POST /tts/bytes HTTP/1.1\r\nhost: loc"])
def test_half_a_head_is_waited_for_for_a_while(hasty: Service, sent: str) -> None:
    with hasty.line() as line:
        line.send(sent)

        assert line.read().startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_head_that_trickles_is_not_waited_for_any_longer(hasty: Service) -> None:
    with hasty.line() as line:
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            for letter in "GET /" + 1_000 * "a":
                line.send(letter)
                time.sleep(0.02)

    assert time.monotonic() - began < PATIENCE + 3


def test_a_connection_without_further_requests_is_closed(hasty: Service) -> None:
    with hasty.line() as line:
        for _ in range(2):
            line.send(head("GET", "/"))
            line.until(b'"}')
            line.received = b""
        began = time.monotonic()

        assert line.read() == b""

    assert time.monotonic() - began < PATIENCE + 2


def test_the_second_head_must_come_as_well(hasty: Service) -> None:
    with hasty.line() as line:
        line.send(head("GET", "/"), "GET / HT")
        line.until(b'"}')

        line.read()


@pytest.mark.parametrize("size", [70_000, 3_000_000])
def test_a_head_that_is_too_large_is_refused(hasty: Service, size: int) -> None:
    with hasty.line() as line:
        with contextlib.suppress(OSError):
            line.send("GET / HTTP/1.1\r\nhost: localhost\r\nx: ", "a" * size)

        assert line.read().startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize("field", [f"x: {'a' * 10_000}", "x: a\r\n" * 200 + "y: z"])
def test_a_handshake_that_is_too_large_is_refused(hasty: Service, field: str) -> None:
    upgrade = ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13")
    with hasty.line() as line:
        line.send(
            head("GET", "/tts/websocket", *upgrade, "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", field)
        )

        assert line.read().startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)),
        b"\0\0\0\0\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
        b"POST /tts/websocket" + UPGRADE,
        b"GET /tts/websocket" + UPGRADE,
    ],
)
def test_nonsense_is_refused_and_nobody_complains(
    hasty: Service, sent: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with hasty.line() as line:
        line.send(sent)

        reply = line.read()

    assert reply.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 405 ", b"HTTP/1.1 426 "))
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_the_log_says_what_may_be_wrong_with_a_client(hasty: Service) -> None:
    hasty.answered.clear()
    with hasty.line() as line:
        line.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)))
        line.read()

    assert (400, "A client spoke https to an http port.") in [
        (answered.status, answered.note) for answered in hasty.answered
    ]


# ---- slow bodies


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
def test_a_body_that_stalls_is_given_up(hasty: Service, path: str) -> None:
    with hasty.line() as line:
        line.send(posted(path, json.dumps(SPEECH).encode())[:-5])

        reply = line.read()

    assert reply.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    body = json.loads(reply.partition(b"\r\n\r\n")[2])
    assert (body["title"], body["message"]) == (
        "Request Timeout",
        "Nothing of the request's body came for 0.5 seconds.",
    )


@pytest.mark.parametrize("path", ["/stt", "/voice-changer/bytes", "/infill/bytes"])
def test_an_upload_that_stalls_is_given_up_and_leaves_no_file(
    hasty: Service, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body, kind = form(path)
    n_files = open_files()
    with hasty.line() as line:
        line.send(posted(path, body, kind)[:2_500_000])

        assert line.read().startswith(b"HTTP/1.1 408 Request Timeout\r\n")

    assert eventually(lambda: open_files() <= n_files)
    assert not list(tmp_path.iterdir())


def test_a_body_that_keeps_coming_may_take_its_time(hasty: Service) -> None:
    body = json.dumps({**SPEECH, "transcript": "short"}).encode()
    with hasty.line() as line:
        line.send(head("POST", "/tts/bytes", f"content-length: {len(body)}", "connection: close"))
        for start in range(0, len(body), len(body) // 4 + 1):
            line.send(body[start : start + len(body) // 4 + 1])
            time.sleep(PATIENCE * 0.6)

        assert line.read().startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(hasty: Service) -> None:
    with hasty.line() as line:
        line.send(head("POST", "/nowhere", "content-length: 100000000"))
        line.until(b"404")
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - began < 10:
                line.send(b"-" * 100)
                time.sleep(0.01)

    assert time.monotonic() - began < PATIENCE + 4


def test_a_refusal_is_read_although_not_all_was_sent(hasty: Service) -> None:
    with hasty.line() as line:
        line.send(head("POST", "/nowhere", "content-length: 100000000", "connection: close"))
        with contextlib.suppress(OSError):
            for _ in range(100):
                line.send(bytes(100_000))
                time.sleep(0.001)

        assert line.read().startswith(b"HTTP/1.1 404 ")


def test_a_body_is_waited_for_but_not_the_end_of_the_client() -> None:
    async def receive() -> Message:
        return messages.pop(0) if messages else await asyncio.sleep(0.1, {"type": "http.disconnect"})

    async def read() -> list[Message]:
        receive_soon = patient(receive, 0.02)
        return [await receive_soon() for _ in range(3)]

    start, end = ({"type": "http.request", "body": b"", "more_body": more} for more in (True, False))
    messages: list[Message] = [start, end]
    assert asyncio.run(read()) == [start, end, {"type": "http.disconnect"}]
    messages = [start]
    with pytest.raises(StalledError):
        asyncio.run(read())


# ---- clients that do not read


def test_who_does_not_read_an_answer_is_hung_up_on(hasty: Service) -> None:
    hasty.engine.pause, hasty.engine.chunk_bytes = 0.0, 100_000
    began = time.monotonic()
    with hasty.line(buffer=4096) as line:
        line.send(posted("/tts/bytes", json.dumps(SPEECH).encode()))
        assert eventually(lambda: hasty.engine.n_open == 1)

        assert hasty.is_quiet()
        assert time.monotonic() - began < 5 + PATIENCE


def test_who_reads_slowly_is_not_hung_up_on() -> None:
    with running(answer=0.6) as service, service.line(buffer=2**16) as line:
        service.engine.pause, service.engine.chunk_bytes = 0.0, 2_000_000
        line.send(posted("/tts/bytes", json.dumps(SPEECH).encode()))
        began = time.monotonic()
        # Far less than is made: something always waits.
        while time.monotonic() - began < 2.5:
            assert line.connection.recv(2**15)
            time.sleep(0.04)
        assert service.engine.n_open == 1


def test_who_does_not_read_the_end_of_an_answer_is_hung_up_on(hasty: Service) -> None:
    hasty.engine.chunk_bytes = 8_000_000
    hasty.answered.clear()
    before = open_files()
    with hasty.line(buffer=4096) as line:
        line.send(posted("/tts/bytes", json.dumps({**SPEECH, "transcript": "short"}).encode()))
        assert eventually(lambda: open_files() > before)

        assert eventually(lambda: open_files() == before + 1, 5)  # our end is open


def test_who_does_not_read_a_socket_is_hung_up_on(hasty: Service) -> None:
    hasty.engine.pause, hasty.engine.chunk_bytes = 0.0, 100_000
    hasty.answered.clear()
    with raw_socket(hasty) as line:
        line.send(frame(json.dumps({**SPEECH, "context_id": "a", "voice": DEFAULT_VOICE})))
        assert eventually(lambda: hasty.engine.n_open == 1)

        assert hasty.is_quiet()
        assert eventually(lambda: any(each.method == "WS" for each in hasty.answered))


def test_who_only_asks_whether_we_are_there_is_hung_up_on() -> None:
    with running(60, pong=0.0) as service, raw_socket(service) as line, pytest.raises(ConnectionError):
        for _ in range(20_000):
            line.send((b"\x89\xfd" + bytes(4) + b"-" * 125) * 20)


# ---- sockets whose client is not there any more


def test_a_socket_that_does_not_answer_is_closed(hasty: Service) -> None:
    with raw_socket(hasty) as line:
        began = time.monotonic()

        assert b"keepalive ping timeout" in line.read()
        assert PATIENCE < time.monotonic() - began < 2 * PATIENCE + 2


def test_a_socket_that_answers_stays_open(hasty: Service) -> None:
    with hasty.dial(ping_interval=None) as ours:
        time.sleep(3 * PATIENCE)
        ours.send(json.dumps({**SPEECH, "transcript": "short", "context_id": "a", "voice": DEFAULT_VOICE}))
        assert json.loads(ours.recv(5))["type"] == "chunk"


def test_a_socket_that_only_sends_is_alive(hasty: Service) -> None:
    query = "?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"
    with raw_socket(hasty, f"/stt/websocket{query}") as line:
        for _ in range(15):
            line.send(frame(bytes(100), opcode=2))
            time.sleep(PATIENCE / 4)
        line.send(frame("close"))

        line.until(b'"done"')


@contextlib.contextmanager
def raw_socket(service: Service, path: str = "/tts/websocket") -> Iterator[Line]:
    upgrade = ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13")
    with service.line(buffer=4096) as line:
        line.send(head("GET", path, *upgrade, "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="))
        line.until(b"\r\n\r\n")
        yield line


def frame(data: str | bytes, opcode: int = 1) -> bytes:
    """Return a message of a client, with a mask of zeros."""
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("!BBHI", 0x80 | opcode, 0x80 | 126, len(data), 0) + data


# ---- who leaves


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize(
    "path", ["/tts/bytes", "/tts/sse", "/voice-changer/bytes", "/voice-changer/sse", "/infill/bytes"]
)
def test_the_speech_of_who_leaves_ends(patient_one: Service, path: str, is_reset: bool) -> None:
    body, kind = json.dumps(SPEECH).encode(), "content-type: application/json"
    if not path.startswith("/tts"):
        body, kind = form(path)
    with patient_one.line() as line:
        line.send(posted(path, body, kind))
        line.until(b"\r\n\r\n")
        if is_reset:
            line.reset()

    assert patient_one.is_quiet()
    n_chunks = patient_one.engine.n_chunks
    time.sleep(0.1)
    assert patient_one.engine.n_chunks == n_chunks
    assert eventually(lambda: len(patient_one.answered) == 1)
    assert not patient_one.answered[0].is_whole


@pytest.mark.parametrize("is_reset", [False, True])
def test_the_contexts_of_who_leaves_end(patient_one: Service, is_reset: bool) -> None:
    with raw_socket(patient_one) as line:
        for n in range(10):
            line.send(frame(json.dumps({**SPEECH, "context_id": str(n), "voice": DEFAULT_VOICE})))
        assert eventually(lambda: patient_one.engine.n_open == 10)
        if is_reset:
            line.reset()

    assert patient_one.is_quiet()


@pytest.mark.parametrize("path", ["/stt", "/voice-changer/bytes", "/voice-changer/sse", "/infill/bytes"])
def test_who_leaves_in_the_middle_of_an_upload_leaves_nothing_behind(
    patient_one: Service,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body, kind = form(path)
    before = open_files()
    for _ in range(3):
        with patient_one.line() as line:
            line.send(posted(path, body, kind)[:2_900_000])
            assert eventually(lambda: open_files() > before + 2), "it is not kept in a file"

    assert eventually(lambda: open_files() == before)
    assert not list(tmp_path.iterdir())
    assert eventually(lambda: len(patient_one.answered) == 3)
    assert {answered.is_whole for answered in patient_one.answered} == {False}
    assert patient_one.engine.n_begun == 0
    assert not caplog.records


@pytest.mark.parametrize("path", ["/voice-changer/bytes", "/infill/bytes", "/stt"])
def test_no_file_stays_of_an_upload_that_was_answered(
    patient_one: Service, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body, kind = form(path)
    before = open_files()
    with patient_one.line() as line:
        line.send(posted(path, body, kind, "connection: close"))
        line.until(b"\r\n\r\n")

    assert patient_one.is_quiet()
    assert eventually(lambda: open_files() == before)
    assert eventually(lambda: not list(tmp_path.iterdir()))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
