"""The official client 4.2.0 sends recordings to our server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from cartesia import APIStatusError, AsyncCartesia, BadRequestError, Cartesia

from tests.fakes.listening import KnownRecordings, heard_in
from tests.fakes.server import RunningServer, running_server

RECORDING = bytes(range(256)) * 6_000
MODEL = "ink-whisper"
WORDS = [(word.word, word.start, word.end) for word in heard_in(RECORDING).words]

transcriber = KnownRecordings()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(transcriber=transcriber, prefix="/cartesia") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Cartesia]:
    with Cartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as official:
        yield official


def test_a_file_is_transcribed(client: Cartesia, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(RECORDING)

    answer = client.stt.transcribe(file=path, model=MODEL)

    assert (answer.type, answer.text, answer.words) == ("transcript", heard_in(RECORDING).text, None)
    assert answer.request_id
    assert transcriber.asked[-1]["suffix"] == ".wav"


def test_words_language_and_samples_without_a_header(client: Cartesia) -> None:
    answer = client.stt.transcribe(
        file=("talk.raw", RECORDING),
        model=MODEL,
        language="de",
        timestamp_granularities=["word"],
        encoding="pcm_s16le",
        sample_rate=16_000,
    )

    assert answer.language == "de"
    assert [(word.word, word.start, word.end) for word in answer.words or []] == WORDS
    asked = transcriber.asked[-1]
    assert (asked["encoding"], asked["sample_rate"], asked["words"]) == ("pcm_s16le", 16_000, True)


def test_the_async_client_gets_the_same(server: RunningServer) -> None:
    async def fetch() -> str:
        async with AsyncCartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as client:
            answer = await client.stt.transcribe(
                file=("talk.wav", RECORDING), model=MODEL, timestamp_granularities=["word"]
            )
            assert [(word.word, word.start, word.end) for word in answer.words or []] == WORDS
            return answer.text

    assert asyncio.run(fetch()) == heard_in(RECORDING).text


def test_an_empty_file_is_a_bad_request(client: Cartesia) -> None:
    with pytest.raises(BadRequestError, match="The file is empty"):
        client.stt.transcribe(file=("talk.wav", b""), model=MODEL)


def test_a_server_that_cannot_listen_is_understood() -> None:
    with (
        running_server() as deaf,
        Cartesia(api_key="sk_car_test", base_url=deaf.url, max_retries=2) as client,
        pytest.raises(APIStatusError) as caught,
    ):
        client.stt.transcribe(file=("talk.wav", RECORDING), model=MODEL)

    assert caught.value.status_code == 501
    assert len(deaf.requests) == 1
