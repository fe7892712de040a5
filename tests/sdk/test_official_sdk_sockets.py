"""The official client 4.2.0's speech sockets against our server, sync and async."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from cartesia import AsyncCartesia, Cartesia
from cartesia.types.raw_output_format_param import RawOutputFormatParam
from websockets.exceptions import InvalidStatus

from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechRequest
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples, known_words
from tests.fakes.server import RunningServer, running_server

PIECES = ["Good d", "ay to ", "you, ", "Köln"]
TEXT = "".join(PIECES)
RAW: RawOutputFormatParam = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
FORMAT = AudioFormat(Encoding.PCM_S16LE, 16_000)
KEY = "sk_car_test"
SETTINGS: dict[str, Any] = {
    "model_id": "sonic-3",
    "voice": DEFAULT_VOICE,
    "output_format": RAW,
    "timeout": 10.0,
}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(KnownSamples(chunk_bytes=333), keys=[KEY], prefix="/cartesia") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Cartesia]:
    with Cartesia(api_key=KEY, base_url=server.url, websocket_base_url=socket_url(server)) as official:
        yield official


def socket_url(server: RunningServer) -> str:
    return server.url.replace("http", "ws", 1)


def expected(text: str) -> bytes:
    return known_samples(text, FORMAT)


def sound(events: Iterable[Any]) -> bytes:
    return b"".join(event.audio for event in events if event.type == "chunk")


def rows(events: Iterable[Any]) -> list[tuple[str, float, float]]:
    timestamps = [event.word_timestamps for event in events if event.type == "timestamps"]
    return [row for t in timestamps for row in zip(t.words, t.start, t.end, strict=True)]


def test_pushed_pieces_are_exact_and_timed(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(add_timestamps=True, add_phoneme_timestamps=True, **SETTINGS)
        for piece in PIECES:
            context.push(piece)
        context.no_more_inputs()
        events = list(context.receive())

    assert sound(events) == expected(TEXT)
    assert rows(events) == [(word.word, word.start, word.end) for word in known_words(TEXT)]
    assert any(event.type == "phoneme_timestamps" for event in events)
    assert events[-1].type == "done"


def test_contexts_on_one_connection_get_their_own(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        contexts = [connection.context(f"ctx-{i}", **SETTINGS) for i in range(8)]
        for i, context in enumerate(contexts):
            context.push(f"This is number {i} ")
        for context in contexts:
            context.push("of eight")
            context.no_more_inputs()
        heard = [sound(context.receive()) for context in contexts]

    assert heard == [expected(f"This is number {i} of eight") for i in range(8)]


def test_a_flush_is_answered_before_the_text_goes_on(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        context.push("Good day")
        context.push("", flush=True)
        before: list[Any] = []
        after: list[Any] = []
        heard = before
        for event in context.receive():
            if event.type == "flush_done":
                assert (event.flush_id, event.flush_done) == (1, True)
                context.push("to you")
                context.no_more_inputs()
                heard = after
            heard.append(event)

    assert sound(before) == expected("Good day")
    assert sound(before) + sound(after) == expected("Good day to you")
    assert {event.flush_id for event in before} == {1}
    assert {event.flush_id for event in after if event.type == "chunk"} == {2}


def test_a_cancelled_context_ends() -> None:
    engine = KnownSamples(pace=1)
    with (
        running_server(engine) as server,
        Cartesia(api_key="any", base_url=server.url, websocket_base_url=socket_url(server)) as official,
        official.tts.websocket_connect() as connection,
    ):
        context = connection.context(**SETTINGS)
        context.push("word " * 100)
        events: list[Any] = []
        for event in context.receive():
            if not events:
                context.cancel()
            events.append(event)

        assert engine.ended.acquire(timeout=10)
    assert events[-1].type == "done"
    assert len(sound(events)) < len(expected("word " * 10))


def test_an_error_ends_its_context_alone(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        good = connection.context("good", **SETTINGS)
        bad = connection.context("bad", **{**SETTINGS, "voice": "nobody"})
        good.push("Hello ")
        bad.push("Hello")
        *_, error = bad.receive()
        good.push("you")
        good.no_more_inputs()
        heard = sound(good.receive())

    assert (error.type, error.to_dict()["status_code"]) == ("error", 404)
    assert error.to_dict()["error_code"] == "voice_not_found"
    assert heard == expected("Hello you")


def test_an_empty_text_is_an_error(client: Cartesia) -> None:
    with client.tts.websocket_connect() as connection:
        context = connection.context(**SETTINGS)
        context.no_more_inputs()

        events = list(context.receive())

    assert [event.type for event in events] == ["error"]


def test_a_wrong_key_is_refused_at_the_handshake(server: RunningServer) -> None:
    with (
        Cartesia(api_key="wrong", base_url=server.url, websocket_base_url=socket_url(server)) as stranger,
        pytest.raises(InvalidStatus) as caught,
    ):
        stranger.tts.websocket_connect().enter()

    assert caught.value.response.status_code == 401


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_way_of_sending_still_works(client: Cartesia) -> None:
    socket = client.tts.websocket()
    outputs: Any = socket.send(
        model_id="sonic-2",
        transcript=TEXT,
        voice={"mode": "id", "id": DEFAULT_VOICE},
        output_format=RAW,
        add_timestamps=True,
    )
    heard = b"".join(output.audio or b"" for output in outputs)
    socket.close()

    assert heard == expected(TEXT)


def test_the_async_client_gets_the_same(server: RunningServer) -> None:
    async def one(connection: Any, i: int) -> bytes:
        context = connection.context(f"ctx-{i}", add_timestamps=True, **SETTINGS)
        for piece in [*PIECES, f" number {i}"]:
            await context.push(piece)
            await asyncio.sleep(0)
        await context.push("", flush=True)
        await context.no_more_inputs()
        events = [event async for event in context.receive()]
        assert [event.flush_id for event in events if event.type == "flush_done"] == [1]
        assert [row[0] for row in rows(events)] == f"{TEXT} number {i}".split()
        return sound(events)

    async def all_of_them() -> list[bytes]:
        async with (
            AsyncCartesia(api_key=KEY, base_url=server.url, websocket_base_url=socket_url(server)) as client,
            client.tts.websocket_connect() as connection,
        ):
            return await asyncio.gather(*(one(connection, i) for i in range(8)))

    assert asyncio.run(all_of_them()) == [expected(f"{TEXT} number {i}") for i in range(8)]


def test_the_async_client_can_cancel() -> None:
    engine = KnownSamples(pace=1)

    async def cancel_soon(url: str) -> list[str]:
        async with (
            AsyncCartesia(api_key="any", base_url=url, websocket_base_url=f"ws{url[4:]}") as client,
            client.tts.websocket_connect() as connection,
        ):
            context = connection.context("ctx", **SETTINGS)
            await context.push("word " * 100)
            async for _ in context.receive():
                break
            await context.cancel()
            other = connection.context("other", **SETTINGS)
            await other.push("Bye")
            await other.no_more_inputs()
            return [event.type async for event in other.receive()]

    with running_server(engine) as server:
        kinds = asyncio.run(cancel_soon(server.url))
        assert engine.ended.acquire(timeout=10)

    assert kinds[-1] == "done"


def test_the_built_in_voice_speaks_over_a_socket_as_it_does_anywhere() -> None:
    text = 'Hello there. <speed ratio="1.2"/>How are you today? I am fine.'
    engine = LocalEngine()
    whole = engine.synthesize(SpeechRequest(text, "heart", FORMAT))
    alone = b"".join(event.data for event in whole if isinstance(event, AudioChunk))
    n_threads = threading.active_count()
    with (
        running_server(engine) as server,
        Cartesia(api_key="any", base_url=server.url, websocket_base_url=socket_url(server)) as official,
        official.tts.websocket_connect() as connection,
    ):
        context = connection.context(add_timestamps=True, **{**SETTINGS, "voice": "heart"})
        for start in range(0, len(text), 5):
            context.push(text[start : start + 5])
        context.no_more_inputs()
        events = list(context.receive())

    assert sound(events) == alone
    assert " ".join(row[0] for row in rows(events)) == "Hello there. How are you today? I am fine."
    assert threading.active_count() == n_threads
