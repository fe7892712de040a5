"""OpenAI's client and ``cartesia serve``: its transcriptions need nothing but another base URL."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from cartesia import Cartesia
from openai import AsyncOpenAI, BadRequestError, NotFoundError, OpenAI
from openai.types.audio import Transcription

from tests.sdk.speech import RATE, SENTENCE, SPEECH, WAV, assert_in_time, words_of

ASKED: dict[str, Any] = {"model": "ink-whisper", "language": "en", "timestamp_granularities": ["word"]}


@pytest.fixture(scope="session")
def talk(built_in: str) -> bytes:
    """One sentence, as a WAV."""
    with Cartesia(api_key="any", base_url=built_in) as client:
        return client.tts.generate(**SPEECH | {"output_format": WAV}).read()


@pytest.fixture
def client(built_in: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=built_in, api_key="anything", max_retries=0, timeout=20) as client:
        yield client


def check(answer: Transcription, talk: bytes) -> None:
    """Check that an answer is the sentence, with its words and their times."""
    assert words_of(answer.text) == words_of(SENTENCE)
    told: Any = answer.to_dict()
    words = [(word["word"], word["start"], word["end"]) for word in told["words"]]
    assert words_of(" ".join(word for word, _, _ in words)) == words_of(SENTENCE)
    assert_in_time(words, told["duration"])
    assert told["duration"] == pytest.approx(len(talk) / (2 * RATE), abs=0.05)
    assert told["language"] == "en"


def test_a_recording_is_transcribed_with_its_words(client: OpenAI, talk: bytes) -> None:
    check(client.audio.transcriptions.create(file=("talk.wav", talk), **ASKED), talk)


def test_the_async_client_gets_the_same(built_in: str, talk: bytes) -> None:
    async def transcribe() -> Transcription:
        async with AsyncOpenAI(base_url=built_in, api_key="anything", max_retries=0, timeout=20) as client:
            answer: Transcription = await client.audio.transcriptions.create(
                file=("talk.wav", talk), response_format="json", **ASKED
            )
            return answer

    check(asyncio.run(transcribe()), talk)


def test_words_are_left_out_where_nobody_asks(client: OpenAI, talk: bytes) -> None:
    answer = client.audio.transcriptions.create(file=("talk.wav", talk), model="ink-whisper")

    assert words_of(answer.text) == words_of(SENTENCE)
    assert "words" not in answer.to_dict()


@pytest.mark.parametrize(
    "wrong",
    [
        {"response_format": "srt"},
        {"response_format": "text"},
        {"prompt": "A timetable."},
        {"temperature": 0.5},
        {"stream": True},
        {"timestamp_granularities": ["segment"]},
        {"language": "de"},
        {"file": ("talk.wav", b"no sound")},
    ],
    ids=str,
)
def test_what_the_api_does_not_know_is_refused_and_not_passed_over(
    client: OpenAI, talk: bytes, wrong: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.audio.transcriptions.create(**{"file": ("talk.wav", talk), **ASKED, **wrong})

    assert refused.value.status_code == 400
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["message"]


def test_what_else_openai_has_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError):
        client.audio.speech.create(model="sonic-3", voice="alloy", input="Hello.")
    with pytest.raises(NotFoundError):
        client.models.list()
