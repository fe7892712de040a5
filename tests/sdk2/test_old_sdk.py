"""The official client 2.0.17 against our server: clients of the old API find it."""

import asyncio
import base64
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cartesia_cli.models import AudioFormat, Encoding
from tests.fakes.known import DEFAULT_VOICE, VOICES, KnownSamples, known_samples, known_words
from tests.fakes.listening import KnownRecordings, heard_in
from tests.fakes.listening_live import RATE, ReadsSound, spoken
from tests.fakes.server import RunningServer, running_server
from tests.sdk2.oldclient import ApiError, AsyncCartesia, old_client

PIECES = ["Good day ", "to you, ", "Köln"]
TEXT = "".join(PIECES)
EXPECTED = known_samples(TEXT, AudioFormat(Encoding.PCM_S16LE, 16_000))
pytestmark = pytest.mark.filterwarnings("ignore:connect.. must be used as:DeprecationWarning")
"""It opens sockets as websockets 17 does not like any more."""

SPEECH: dict[str, Any] = {
    "model_id": "sonic-2",
    "voice": {"mode": "id", "id": DEFAULT_VOICE},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
}
WORDS = [(word.word, word.start, word.end) for word in known_words(TEXT)]
RECORDING = bytes(range(256)) * 100


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(
        KnownSamples(chunk_bytes=333),
        keys=["sk_car_test"],
        transcriber=KnownRecordings(),
        live_transcriber=ReadsSound(),
    ) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with old_client(server.url) as official:
        yield official


def rows(timestamps: Any) -> list[tuple[str, float, float]]:
    return [*zip(timestamps.words, timestamps.start, timestamps.end, strict=True)]


def test_bytes_are_exact(client: Any) -> None:
    assert b"".join(client.tts.bytes(transcript=TEXT, **SPEECH)) == EXPECTED


def test_a_wav_is_exact(client: Any) -> None:
    wanted = SPEECH | {"output_format": SPEECH["output_format"] | {"container": "wav"}}

    sound = b"".join(client.tts.bytes(transcript=TEXT, **wanted))

    with wave.open(io.BytesIO(sound)) as wav:
        assert wav.readframes(10**9) == EXPECTED


def test_events_are_exact_and_timed(client: Any) -> None:
    events = list(client.tts.sse(transcript=TEXT, add_timestamps=True, **SPEECH))

    chunks = [event.data for event in events if event.type == "chunk"]
    timed = [row for event in events if event.type == "timestamps" for row in rows(event.word_timestamps)]
    assert b"".join(base64.b64decode(chunk) for chunk in chunks) == EXPECTED
    assert timed == WORDS
    assert events[-1].type == "done"


def test_a_socket_speaks_a_whole_text(client: Any) -> None:
    socket = client.tts.websocket()
    try:
        streamed = list(socket.send(transcript=TEXT, context_id="ctx", **SPEECH))
        whole = socket.send(transcript=TEXT, stream=False, add_timestamps=True, **SPEECH)
    finally:
        socket.close()

    assert b"".join(output.audio for output in streamed) == EXPECTED
    assert {output.context_id for output in streamed} == {"ctx"}
    assert whole.audio == EXPECTED
    assert rows(whole.word_timestamps) == WORDS


def test_a_socket_speaks_a_text_that_is_still_being_written(client: Any) -> None:
    socket = client.tts.websocket()
    try:
        outputs = list(socket.context("ctx").send(transcript=iter(PIECES), **SPEECH))
    finally:
        socket.close()

    assert b"".join(output.audio for output in outputs) == EXPECTED


def test_the_async_client_gets_the_same(server: RunningServer) -> None:
    async def fetch() -> tuple[bytes, list[str]]:
        async with (
            httpx.AsyncClient(timeout=10) as connections,
            AsyncCartesia(api_key="sk_car_test", base_url=server.url, httpx_client=connections) as client,
        ):
            sound = b"".join([piece async for piece in client.tts.bytes(transcript=TEXT, **SPEECH)])
            ids = [voice.id async for voice in await client.voices.list(limit=3)]
        return sound, ids

    assert asyncio.run(fetch()) == (EXPECTED, [voice.id for voice in VOICES])


def test_an_async_socket_speaks_what_was_asked(server: RunningServer) -> None:
    """It takes the ``flush_id`` of a message for a place in a list, counted from 0: it must not get one."""

    async def fetch() -> bytes:
        async with (
            httpx.AsyncClient(timeout=10) as connections,
            AsyncCartesia(
                api_key="sk_car_test",
                base_url=server.url.replace("127.0.0.1", "localhost"),  # or it would insist on TLS
                httpx_client=connections,
            ) as client,
        ):
            socket = await client.tts.websocket()
            socket.timeout = 10
            sound = b"".join([each.audio async for each in await socket.send(transcript=TEXT, **SPEECH)])
            await socket.close()
        return sound

    assert asyncio.run(fetch()) == EXPECTED


def test_a_recording_is_transcribed(client: Any) -> None:
    answer = client.stt.transcribe(
        file=("talk.wav", RECORDING), model="ink-whisper", timestamp_granularities=["word"]
    )

    heard = heard_in(RECORDING)
    assert answer.text == heard.text
    assert [(word.word, word.start, word.end) for word in answer.words] == [
        (word.word, word.start, word.end) for word in heard.words
    ]


def test_a_socket_listens(client: Any) -> None:
    sound = [spoken("Turn left. "), spoken("Then stop")]
    options = {"encoding": "pcm_mulaw", "sample_rate": RATE}
    socket = client.stt.websocket(**options)

    results = list(socket.transcribe(iter(sound), **options))

    assert "".join(each["text"] for each in results if each.get("is_final")) == "Turn left. Then stop"
    assert [each["type"] for each in results if each["type"] != "transcript"] == ["flush_done", "done"]


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_voices_are_paged_to_the_end(client: Any, limit: int) -> None:
    assert [voice.id for voice in client.voices.list(limit=limit)] == [voice.id for voice in VOICES]


def test_voices_are_chosen(client: Any) -> None:
    found = client.voices.list(gender="feminine", is_owner=True, expand=["is_starred"])

    assert [(voice.id, voice.is_starred) for voice in found] == [(VOICES[5].id, False)]


def test_a_refusal_is_the_text_of_its_version(client: Any, server: RunningServer) -> None:
    with pytest.raises(ApiError) as unknown:
        client.voices.get("nobody")
    with old_client(server.url, "sk_car_wrong") as stranger, pytest.raises(ApiError) as refused:
        stranger.voices.get(DEFAULT_VOICE)

    assert unknown.value.status_code == 404
    assert unknown.value.body == "Voice not found: No voice has the ID you sent."
    assert refused.value.status_code == 401
    assert refused.value.body.startswith("Unauthorized: ")


def test_an_error_on_a_socket_has_its_message(client: Any) -> None:
    socket = client.tts.websocket()
    try:
        with pytest.raises(RuntimeError, match="No voice has the ID you sent"):
            list(socket.send(transcript=TEXT, **SPEECH | {"voice": {"mode": "id", "id": "nobody"}}))
    finally:
        socket.close()
