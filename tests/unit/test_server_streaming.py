"""Answers that are pulled from code that blocks: who reads slowly, and who leaves."""

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import AudioChunk, SpeechEvents, SpeechRequest
from cartesia_cli.server.speech.streaming import Pieces, PulledResponse
from tests.fakes.known import DEFAULT_VOICE, KnownSamples
from tests.fakes.server import RunningServer, running_server
from tests.fakes.waiting import eventually

PATIENCE = 10.0
PIECE = bytes(10_000)


def answering_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("answer")]


@dataclass
class Body:
    """A generator that says how far it was pulled, and whether it was closed."""

    pieces: Iterable[bytes]
    n_pulled: int = 0
    is_closed: bool = False

    def __call__(self) -> Pieces:
        try:
            for piece in self.pieces:
                self.n_pulled += 1
                yield piece
        finally:
            self.is_closed = True


@dataclass
class Client:
    """The other side of one answer, as the server knows it."""

    reads: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it takes what is sent."""

    leaves: asyncio.Event = field(default_factory=asyncio.Event)
    received: list[bytes] = field(default_factory=list)
    has_some: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.body":
            self.received.append(message["body"])
            self.has_some.set()

    async def take(self, body: Body) -> None:
        response = await PulledResponse.of(body(), headers={})
        await response({"type": "http", "asgi": {"spec_version": "2.0"}}, self.receive, self.send)


@given(st.lists(st.binary(max_size=9)))
def test_every_byte_arrives_in_order(pieces: list[bytes]) -> None:
    body = Body(pieces)

    async def scenario() -> list[bytes]:
        client = Client()
        client.reads.set()
        await client.take(body)
        return client.received

    received = asyncio.run(scenario())

    assert b"".join(received) == b"".join(pieces)
    assert body.is_closed
    assert b"" not in received[1:-1]


def test_the_first_piece_does_not_wait_for_the_second() -> None:
    may_go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"first"
        assert may_go_on.wait(PATIENCE)
        yield b"second"

    async def scenario() -> list[bytes]:
        client = Client()
        client.reads.set()
        answer = asyncio.create_task(client.take(Body(pieces())))
        await client.has_some.wait()
        assert client.received == [b"first"]
        may_go_on.set()
        await answer
        return client.received

    assert b"".join(asyncio.run(scenario())) == b"firstsecond"


def test_a_failure_before_the_first_piece_is_raised() -> None:
    def pieces() -> Pieces:
        yield from ()
        raise UnavailableError("The voice broke.")

    async def scenario() -> None:
        await PulledResponse.of(pieces(), headers={})

    with pytest.raises(UnavailableError, match="The voice broke"):
        asyncio.run(scenario())


def test_who_reads_slowly_costs_no_thread_and_little_work() -> None:
    body = Body([PIECE] * 1000)

    async def scenario() -> None:
        client = Client()
        answer = asyncio.create_task(client.take(body))
        client.reads.set()
        await client.has_some.wait()
        client.reads.clear()
        assert await asyncio.to_thread(eventually, lambda: body.n_pulled > 1 and not answering_threads())
        assert body.n_pulled < 200
        client.reads.set()
        await answer
        assert len(b"".join(client.received)) == 1000 * len(PIECE)

    asyncio.run(scenario())


def test_who_leaves_closes_what_was_being_made() -> None:
    body = Body([PIECE] * 1000)

    async def scenario() -> None:
        client = Client()
        answer = asyncio.create_task(client.take(body))
        client.reads.set()
        await client.has_some.wait()
        client.reads.clear()
        client.leaves.set()
        await answer

    asyncio.run(scenario())

    assert body.is_closed
    assert body.n_pulled < 1000


def test_who_leaves_while_something_is_made_closes_it_afterwards() -> None:
    is_left, is_asked = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        yield PIECE
        is_asked.set()
        assert is_left.wait(PATIENCE)
        yield PIECE
        yield PIECE

    body = Body(pieces())

    async def scenario() -> None:
        client = Client()
        client.reads.set()
        answer = asyncio.create_task(client.take(body))
        await asyncio.to_thread(is_asked.wait, PATIENCE)
        client.leaves.set()
        await asyncio.sleep(0.01)
        is_left.set()
        await answer

    asyncio.run(scenario())

    assert body.is_closed
    assert body.n_pulled == 2


@dataclass
class Busy(KnownSamples):
    """Speaks when it may."""

    may_speak: threading.Event = field(default_factory=threading.Event)
    waiting: list[SpeechRequest] = field(default_factory=list)

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        self.waiting.append(request)
        assert self.may_speak.wait(PATIENCE)
        yield from super().synthesize(request)


def ask(server: RunningServer, stack: ExitStack, transcript: str) -> socket.socket:
    """Ask for speech on a connection of its own, without reading the answer."""
    address = urlsplit(server.url)
    made = httpx.Request(
        "POST",
        f"{server.url}/tts/bytes",
        headers={"X-API-Key": "key"},
        json={
            "model_id": "sonic-3",
            "transcript": transcript,
            "voice": {"mode": "id", "id": DEFAULT_VOICE},
            "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100},
        },
    )
    connection = stack.enter_context(socket.create_connection((address.hostname, address.port), PATIENCE))
    head = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
    connection.sendall(f"POST /tts/bytes HTTP/1.1\r\n{head}\r\n".encode() + made.read())
    return connection


def test_sixty_four_who_wait_for_their_turn_keep_nobody_else_waiting() -> None:
    engine = Busy()

    with running_server(engine, KnownSamples()) as server, ExitStack() as stack:
        for _ in range(64):
            ask(server, stack, "Good day")
        assert eventually(lambda: len(engine.waiting) == 64)

        answer = httpx.get(f"{server.url}/voices", headers={"X-API-Key": "key"}, timeout=PATIENCE)

        engine.may_speak.set()
        for _ in range(64):
            assert engine.ended.acquire(timeout=PATIENCE)
    assert answer.status_code == 200


class Endless(KnownSamples):
    """Is never done, unless the text is short."""

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        self.asked.append(request)
        chunk = AudioChunk(bytes(200_000))
        try:
            while len(request.transcript) > 10:
                yield chunk
            yield chunk
        finally:
            self.ended.release()


def test_sixty_four_who_read_nothing_keep_nobody_else_waiting() -> None:
    engine = Endless()

    with running_server(engine) as server:
        with ExitStack() as stack:
            for _ in range(64):
                ask(server, stack, "Say whatever you like")
            assert eventually(lambda: len(engine.asked) == 64 and not answering_threads())

            one_more = ask(server, stack, "Good day")

            assert one_more.recv(12) == b"HTTP/1.1 200"
        for _ in range(65):
            assert engine.ended.acquire(timeout=PATIENCE)  # all of them have left
