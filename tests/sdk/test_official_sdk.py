"""The official client 4.2.0 against our server: the claim of compatibility, shown."""

import asyncio
import io
import wave
from collections.abc import Iterator

import pytest
from cartesia import (
    APIConnectionError,
    AsyncCartesia,
    AuthenticationError,
    BadRequestError,
    Cartesia,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)
from cartesia.types.raw_output_format_param import RawOutputFormatParam

from cartesia_cli.errors import LimitError
from cartesia_cli.models import AudioFormat, Encoding
from tests.fakes.known import DEFAULT_VOICE, VOICES, KnownSamples, known_samples, known_words
from tests.fakes.server import RunningServer, running_server

TEXT = "Good day to you, Köln"
MODEL = "sonic-3"
RAW: RawOutputFormatParam = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
EXPECTED = known_samples(TEXT, AudioFormat(Encoding.PCM_S16LE, 16_000))


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(KnownSamples(chunk_bytes=333), keys=["sk_car_test"], prefix="/cartesia") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Cartesia]:
    with Cartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as official:
        yield official


def test_the_server_says_that_it_is_there(client: Cartesia) -> None:
    status = client.get_status()

    assert status.ok
    assert status.version == "2026-08-14"


def test_bytes_are_exact(client: Cartesia) -> None:
    response = client.tts.generate(model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW)

    assert b"".join(response.iter_bytes()) == EXPECTED


def test_streamed_bytes_are_exact(client: Cartesia) -> None:
    with client.tts.with_streaming_response.generate(
        model_id=MODEL, transcript=TEXT, voice={"id": DEFAULT_VOICE}, output_format=RAW, save=True
    ) as response:
        received = b"".join(response.iter_bytes())

    assert received == EXPECTED
    assert response.headers["Cartesia-File-ID"]


def test_a_wav_is_exact(client: Cartesia) -> None:
    response = client.tts.generate(
        model_id=MODEL,
        transcript=TEXT,
        voice=DEFAULT_VOICE,
        output_format={"container": "wav", "encoding": "pcm_s16le", "sample_rate": 16_000},
    )

    with wave.open(io.BytesIO(response.read())) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16_000, 1, 2)
        assert wav.readframes(10**9) == EXPECTED


def test_events_are_exact_and_timed(client: Cartesia) -> None:
    stream = client.tts.generate_sse(
        model_id=MODEL,
        transcript=TEXT,
        voice=DEFAULT_VOICE,
        output_format=RAW,
        add_timestamps=True,
        add_phoneme_timestamps=True,
        context_id="job-17",
    )
    events = list(stream)

    timestamps = [event.word_timestamps for event in events if event.type == "timestamps"]
    words = [row for t in timestamps for row in zip(t.words, t.start, t.end, strict=True)]
    phonemes = [event.phoneme_timestamps for event in events if event.type == "phoneme_timestamps"]
    assert b"".join(event.audio or b"" for event in events if event.type == "chunk") == EXPECTED
    assert words == [(word.word, word.start, word.end) for word in known_words(TEXT)]
    assert "".join(letter for p in phonemes for letter in p.phonemes) == TEXT.replace(" ", "")
    assert {event.to_dict()["context_id"] for event in events} == {"job-17"}
    assert events[-1].type == "done"


def test_the_async_client_gets_the_same(server: RunningServer) -> None:
    async def fetch() -> tuple[bytes, bytes, list[str], str]:
        async with AsyncCartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as client:
            response = await client.tts.generate(
                model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW
            )
            whole = b"".join([piece async for piece in response.iter_bytes()])
            stream = await client.tts.generate_sse(
                model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW
            )
            events = [event async for event in stream]
            ids = [voice.id async for voice in client.voices.list(limit=3)]
            voice = await client.voices.get(DEFAULT_VOICE)
        return (
            whole,
            b"".join(event.audio or b"" for event in events if event.type == "chunk"),
            ids,
            voice.name,
        )

    whole, streamed, ids, name = asyncio.run(fetch())

    assert whole == streamed == EXPECTED
    assert ids == [voice.id for voice in VOICES]
    assert name == "Ada"


@pytest.mark.parametrize("limit", [1, 3, 8, 100])
def test_voices_are_paged_to_the_end(client: Cartesia, server: RunningServer, limit: int) -> None:
    before = len(server.requests)

    ids = [voice.id for voice in client.voices.list(limit=limit)]

    pages = -(-len(VOICES) // limit)
    assert ids == [voice.id for voice in VOICES]
    assert len(server.requests) - before == pages + 1


def test_voices_are_paged_backwards(client: Cartesia) -> None:
    pages = client.voices.list(limit=3, ending_before=VOICES[7].id).iter_pages()

    ids = [[voice.id for voice in page.data] for page in pages]

    known = [voice.id for voice in VOICES]
    assert ids == [known[4:7], known[1:4], known[:1], []]


def test_voices_are_filtered(client: Cartesia) -> None:
    found = client.voices.list(q="sarah", is_owner=True, gender="feminine", expand=["preview_file_url"])

    assert [voice.id for voice in found] == [VOICES[5].id]


def test_a_voice_is_complete(client: Cartesia) -> None:
    voice = client.voices.get(VOICES[5].id)

    assert (voice.name, voice.language, voice.gender) == ("Sarah", "en", "feminine")
    assert (voice.is_owner, voice.access, voice.visibility) == (True, "private", "owner")
    assert voice.locales[0].is_native
    assert voice.created_at.year == 2026


def test_an_unknown_voice_is_not_found(client: Cartesia) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.voices.get("nobody")

    assert caught.value.body == {
        "error_code": "voice_not_found",
        "title": "Voice not found",
        "message": "No voice has the ID you sent.",
        "request_id": caught.value.response.headers["x-request-id"],
    }


def test_older_versions_get_their_errors_as_text(client: Cartesia) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.voices.get("nobody", extra_headers={"cartesia-version": "2025-11-04"})

    assert caught.value.body == "Voice not found: No voice has the ID you sent."


def test_a_wrong_key_is_an_authentication_error(server: RunningServer) -> None:
    with (
        Cartesia(api_key="sk_car_wrong", base_url=server.url, max_retries=0) as stranger,
        pytest.raises(AuthenticationError) as caught,
    ):
        stranger.voices.get(DEFAULT_VOICE)

    assert isinstance(caught.value.body, dict)
    assert caught.value.body["title"] == "Unauthorized"


@pytest.mark.parametrize("transcript", ["", "...", "?!"])
def test_a_transcript_without_words_is_a_bad_request(client: Cartesia, transcript: str) -> None:
    with pytest.raises(BadRequestError):
        client.tts.generate_sse(model_id=MODEL, transcript=transcript, voice=DEFAULT_VOICE, output_format=RAW)


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        (KnownSamples(fail_after=0), InternalServerError),
        (KnownSamples(fail_after=0, error=LimitError("Two.", code="concurrency_limited")), RateLimitError),
    ],
)
def test_an_engine_that_cannot_begin_has_its_class(engine: KnownSamples, expected: type[Exception]) -> None:
    with (
        running_server(engine) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=0) as official,
        pytest.raises(expected),
    ):
        official.tts.generate_sse(model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW)


def test_an_engine_that_fails_later_is_an_event_with_the_audio_before_it() -> None:
    with (
        running_server(KnownSamples(fail_after=3)) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=0) as official,
    ):
        *chunks, last = official.tts.generate_sse(
            model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW, context_id="job-17"
        )

    received = b"".join(event.audio or b"" for event in chunks if event.type == "chunk")
    assert received
    assert EXPECTED.startswith(received)
    assert last.type == "error"
    assert (last.status_code, last.title, last.message) == (503, "Voice failure", "The voice broke.")
    assert last.to_dict()["context_id"] == "job-17"


def test_the_client_repeats_what_faults_allow() -> None:
    with (
        running_server(faults=["429=10ms*1", "503=10ms*1"]) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=2) as official,
    ):
        response = official.tts.generate(
            model_id=MODEL, transcript=TEXT, voice=DEFAULT_VOICE, output_format=RAW
        )
        retries = [request.headers["x-stainless-retry-count"] for request in server.requests]

    assert response.read() == EXPECTED
    assert retries == ["0", "1", "2"]


def test_the_client_does_not_repeat_what_is_final() -> None:
    with (
        running_server(faults=["429=never"]) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=2) as official,
        pytest.raises(RateLimitError),
    ):
        official.voices.get(DEFAULT_VOICE)

    assert len(server.requests) == 1


def test_a_dropped_connection_is_a_connection_error() -> None:
    with (
        running_server(faults=["drop"]) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=0) as official,
        pytest.raises(APIConnectionError),
    ):
        official.voices.get(DEFAULT_VOICE)
