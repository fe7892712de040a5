"""What many clients leave behind in a server when they have gone, however they went: nothing."""

import contextlib
import json
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.fakes.hosted import Hosted, hosted
from tests.fakes.known import DEFAULT_VOICE
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")

N_SOCKETS = 200
SECONDS = 10
"""After which nothing is left."""

RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
SPEECH = {"model_id": "sonic-3", "transcript": "word " * 300, "output_format": RAW}
UPGRADE = (
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
)
HEARING = "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"


class Size(NamedTuple):
    """What a process has."""

    threads: int
    files: int
    megabytes: float


def size_of(server: Hosted) -> Size:
    process = Path("/proc", str(server.process.pid))
    fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Size(
        threads=len(list((process / "task").iterdir())),
        files=len(list((process / "fd").iterdir())),
        megabytes=int(fields["VmRSS"].split()[0]) / 1024,
    )


@pytest.fixture
def server() -> Iterator[Hosted]:
    with hosted("--pace", 1, "--patience", 2) as server:
        # The first crowd makes what stays: modules, caches, the memory that is used again and again.
        crowd(server, N_SOCKETS)
        assert eventually(lambda: size_of(server).threads < 5 and size_of(server).files < 20, SECONDS)
        yield server
        assert httpx.get(server.url).json()["ok"]
        server.end()
        assert not server.complaints


def line(server: Hosted, *lines: str, data: bytes = b"") -> socket.socket:
    """Return a connection on which a head and something of a body was sent."""
    connection = socket.create_connection(server.address, timeout=10)
    connection.sendall("\r\n".join([*lines, "host: localhost", "", ""]).encode() + data)
    return connection


def talking(server: Hosted, n_contexts: int) -> socket.socket:
    """Return a socket whose contexts have begun to speak."""
    connection = line(server, "GET /tts/websocket HTTP/1.1", *UPGRADE)
    wait_for(connection, b"\r\n\r\n")
    for n in range(n_contexts):
        message = json.dumps({**SPEECH, "voice": DEFAULT_VOICE, "context_id": str(n)}).encode()
        connection.sendall(struct.pack("!BBHI", 0x81, 0xFE, len(message), 0) + message)
    return connection


def wait_for(connection: socket.socket, end: bytes) -> None:
    received = b""
    while end not in received:
        data = connection.recv(2**16)
        assert data, received
        received += data


def crowd(server: Hosted, n: int) -> None:
    """Let ``n`` clients speak, wait for all of them to be heard, and vanish in the middle."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(talking(server, 1))) for _ in range(n)]
        for client in clients:
            wait_for(client, b'"chunk"')
        vanish(clients)


def vanish(clients: list[socket.socket]) -> None:
    """Leave, every second one without a word."""
    for number, client in enumerate(clients):
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()


def assert_nothing_is_left(server: Hosted, before: Size) -> None:
    # A thread that waits for work may stay, and the C library keeps some of what it got.
    now = before

    def is_clean() -> bool:
        nonlocal now
        now = size_of(server)
        is_back = now.threads <= before.threads + 2 and now.files <= before.files
        return is_back and now.megabytes < before.megabytes + 8

    assert eventually(is_clean, SECONDS), (before, now)


def test_two_hundred_that_vanish_in_the_middle_of_a_word(server: Hosted) -> None:
    before = size_of(server)

    crowd(server, N_SOCKETS)

    assert_nothing_is_left(server, before)


def test_half_of_this_and_half_of_that(server: Hosted) -> None:
    before = size_of(server)
    form = "content-type: multipart/form-data; boundary=x"
    part = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + bytes(1_500_000)
    clients = []
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            clients += [
                line(server, "POST /stt HTTP/1.1", "content-length: 9000000", form, data=part),
                line(server, "POST /tts/bytes HTTP/1.1", "content-length: 9000", data=b'{"model_id":'),
                line(server, f"GET {HEARING} HTTP/1.1", *UPGRADE),
                socket.create_connection(server.address),
                talking(server, 3),
            ]
            for client in clients[-5:]:
                stack.enter_context(contextlib.closing(client))
        # Some go, and some stay and say nothing more: those are not waited for.
        vanish(clients[: len(clients) // 2])

        assert_nothing_is_left(server, before)
