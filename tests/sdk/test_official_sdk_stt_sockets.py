"""The official client 4.2.0 speaks into our server's sockets."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cartesia import AsyncCartesia, Cartesia
from websockets.exceptions import InvalidStatus

from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechRequest
from tests.fakes.listening_live import RATE, ReadsSound, spoken
from tests.fakes.server import running_server

SOUND = spoken("Turn left. Then stop")
MANUAL: Any = {"encoding": "pcm_mulaw", "model": "ink-whisper", "sample_rate": RATE}
TURNS: Any = {"encoding": "pcm_mulaw", "model": "ink-2", "sample_rate": RATE}
TURN_EVENTS = [
    ("connected", None),
    ("turn.start", None),
    ("turn.end", "Turn left."),
    ("turn.start", None),
    ("turn.update", "Then"),
    ("turn.end", "Then stop"),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_server(live_transcriber=ReadsSound(), keys=["sk_car_test"], prefix="/cartesia") as running:
        yield running.url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Cartesia]:
    with Cartesia(api_key="sk_car_test", base_url=url, max_retries=0) as official:
        yield official


def text_of(events: list[Any]) -> str:
    """What the client's documentation says the whole text is."""
    return "".join(event.text for event in events if event.type == "transcript" and event.is_final)


def test_sound_becomes_text(client: Cartesia) -> None:
    with client.stt.manual_finalize.websocket(**MANUAL, language="en") as connection:
        connection.send_raw(SOUND)
        connection.send("close")
        events: list[Any] = list(connection)

    assert text_of(events) == "Turn left. Then stop"
    assert events[-1].type == "done"
    assert len({event.request_id for event in events}) == 1
    first = events[0]
    assert (first.language, first.duration) == ("en", 0.01)
    assert [(word.word, word.start, word.end) for word in first.words] == [
        ("Turn", 0.0, 0.004),
        ("left.", 0.005, 0.01),
    ]


def test_finalize_is_answered(client: Cartesia) -> None:
    with client.stt.manual_finalize.websocket(**MANUAL) as connection:
        connection.send_raw(spoken("turn left"))
        connection.send("finalize")
        events: list[Any] = []
        for event in connection:
            events.append(event)
            if event.type == "flush_done":
                connection.send_raw(spoken("and stop"))
                connection.send("close")

    assert text_of(events) == "turn left and stop"
    assert [event.type for event in events if event.type != "transcript"] == ["flush_done", "done"]


def test_turns_are_told_apart(client: Cartesia) -> None:
    with client.stt.auto_finalize.websocket(
        **TURNS, turn_end_timeout_ms=2_000, keyterm=["left"]
    ) as connection:
        connection.send({"type": "config", "turn": {"start_threshold": 0.7}})
        connection.send_raw(SOUND)
        connection.send({"type": "close"})
        events: list[Any] = list(connection)

    assert [(event.type, getattr(event, "transcript", None)) for event in events] == TURN_EVENTS


def test_an_error_is_an_event_with_a_message(client: Cartesia) -> None:
    with client.stt.auto_finalize.websocket(**TURNS) as connection:
        connection.send_raw("finalize")
        events: list[Any] = [connection.recv(), connection.recv()]

    error = events[1]
    assert (error.type, error.status_code, error.title) == ("error", 400, "Unrecognized message type")


def test_handlers_get_the_events(client: Cartesia) -> None:
    heard: list[Any] = []
    with client.stt.manual_finalize.websocket(**MANUAL) as connection:
        connection.on("transcript", heard.append)
        connection.send_raw(SOUND)
        connection.send("close")
        connection.dispatch_events()

    assert text_of(heard) == "Turn left. Then stop"


def test_an_encoding_that_nobody_knows_is_refused(client: Cartesia) -> None:
    with (
        pytest.raises(InvalidStatus, match="400"),
        client.stt.manual_finalize.websocket(**MANUAL | {"encoding": "mp3"}),
    ):
        pass


def test_the_async_client_gets_the_same(url: str) -> None:
    async def speak() -> tuple[list[Any], list[Any]]:
        async with AsyncCartesia(api_key="sk_car_test", base_url=url, max_retries=0) as client:
            async with client.stt.manual_finalize.websocket(**MANUAL) as manual:
                await manual.send_raw(SOUND)
                await manual.send("close")
                transcripts = [event async for event in manual]
            async with client.stt.auto_finalize.websocket(**TURNS) as turns:
                await turns.send_raw(SOUND)
                await turns.send({"type": "close"})
                return transcripts, [event async for event in turns]

    transcripts, events = asyncio.run(speak())

    assert text_of(transcripts) == "Turn left. Then stop"
    assert transcripts[-1].type == "done"
    assert [(event.type, getattr(event, "transcript", None)) for event in events] == TURN_EVENTS


SENTENCES = ["The train to Boston leaves at nine in the morning.", "Please close the window."]
PAUSE = bytes(2 * 16_000)


@pytest.fixture(scope="module")
def talk() -> list[bytes]:
    """The sentences as the built-in voice says them, each with a second of silence after it."""
    engine = LocalEngine()
    form = AudioFormat(Encoding.PCM_S16LE, 16_000)
    requests = [SpeechRequest(sentence, "heart", form) for sentence in SENTENCES]
    return [
        b"".join(event.data for event in engine.synthesize(request) if isinstance(event, AudioChunk)) + PAUSE
        for request in requests
    ]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("9", "nine"))


def test_the_built_in_recogniser_hears_what_is_said(talk: list[bytes]) -> None:
    samples: Any = {"encoding": "pcm_s16le", "sample_rate": 16_000}
    with (
        running_server(live_transcriber=LocalTranscriber()) as server,
        Cartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as client,
    ):
        with client.stt.manual_finalize.websocket(**MANUAL | samples) as manual:
            for sound in talk:
                for i in range(0, len(sound), 3_200):
                    manual.send_raw(sound[i : i + 3_200])
                manual.send("finalize")
            manual.send("close")
            transcripts: list[Any] = list(manual)
        with client.stt.auto_finalize.websocket(**TURNS | samples) as turns:
            turns.send_raw(b"".join(talk))
            turns.send({"type": "close"})
            events: list[Any] = list(turns)

    assert words_of(text_of(transcripts)) == words_of(" ".join(SENTENCES))
    assert [event.type for event in transcripts if event.type != "transcript"] == [
        "flush_done",
        "flush_done",
        "done",
    ]
    words = [
        word for event in transcripts if event.type == "transcript" and event.is_final for word in event.words
    ]
    seconds = [len(sound) / 32_000 for sound in talk]
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert seconds[0] <= next(word.start for word in words if word.word == "Please") < sum(seconds)
    assert words_of(" ".join(event.transcript for event in events if event.type == "turn.end")) == words_of(
        " ".join(SENTENCES)
    )
