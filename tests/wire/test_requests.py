import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import BIT_RATES, SAMPLE_RATES, AudioFormat, Container, Encoding, SpeechRequest
from cartesia_cli.wire import decode_request, encode_request

HERE = Path(__file__).parent
SKYLAR = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
MP3 = SpeechRequest(
    "Good day.",
    SKYLAR,
    AudioFormat(container=Container.MP3),
    language="en",
    speed=1.1,
    volume=0.8,
    emotion=("calm",),
    pronunciation_dict_id="dict-1",
)
EVENTS = SpeechRequest(
    "Good day.",
    SKYLAR,
    AudioFormat(Encoding.PCM_S16LE, 24_000),
    model_id="sonic-3",
    locale="en-GB",
    speed="slow",
    normalization="off",
    context_id="job-17",
    word_timestamps=True,
    phoneme_timestamps=True,
)


def golden(name: str) -> Any:
    return json.loads((HERE / name).read_text("utf-8"))


def payload(**changes: Any) -> dict[str, Any]:
    """A valid request for events, with some fields changed; ``...`` removes one."""
    fields: dict[str, Any] = {
        "model_id": "sonic-latest",
        "transcript": "Hello.",
        "voice": SKYLAR,
        "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44100},
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not ...}


def test_a_request_for_bytes_is_the_documented_one() -> None:
    assert encode_request(MP3, endpoint="bytes") == golden("bytes_request.json")


def test_a_request_for_events_is_the_documented_one() -> None:
    assert encode_request(EVENTS, endpoint="sse") == golden("sse_request.json")


def test_bytes_are_not_asked_for_timings_or_a_context() -> None:
    assert {"add_timestamps", "add_phoneme_timestamps", "context_id"}.isdisjoint(
        encode_request(EVENTS, endpoint="bytes")
    )


def test_events_cannot_carry_a_container() -> None:
    with pytest.raises(UsageError, match="raw samples, not mp3"):
        encode_request(MP3, endpoint="sse")


def test_an_embedding_and_several_emotions_are_sent_as_the_older_api_has_them() -> None:
    request = SpeechRequest(
        "Hi", "", AudioFormat(), emotion=("anger", "curiosity:high"), voice_embedding=(0.5, -1.0)
    )

    assert encode_request(request, endpoint="bytes")["voice"] == {
        "mode": "embedding",
        "embedding": [0.5, -1.0],
        "__experimental_controls": {"emotion": ["anger", "curiosity:high"]},
    }


@pytest.mark.parametrize(
    "voice",
    [
        SKYLAR,
        {"id": SKYLAR},
        {"mode": "id", "id": SKYLAR, "future": 1},
        {"mode": "id", "id": SKYLAR, "embedding": [1]},
    ],
)
def test_every_way_to_name_a_voice_is_understood(voice: object) -> None:
    assert decode_request(payload(voice=voice), endpoint="sse").voice_id == SKYLAR


def test_an_embedding_stands_in_for_a_voice() -> None:
    request = decode_request(payload(voice={"mode": "embedding", "embedding": [1, 0.25]}), endpoint="bytes")

    assert request.voice_embedding == (1.0, 0.25)


def test_nulls_and_fields_of_other_versions_change_nothing() -> None:
    nothing = dict.fromkeys(
        (
            "language",
            "locale",
            "normalization",
            "generation_config",
            "pronunciation_dict_id",
            "speed",
            "save",
            "duration",
            "context_id",
            "add_timestamps",
            "use_normalized_timestamps",
            "stream",
        )
    )

    assert decode_request(payload(**nothing), endpoint="sse") == decode_request(payload(), endpoint="sse")


def test_an_mp3_request_may_have_an_empty_encoding() -> None:
    wanted = {"container": "mp3", "sample_rate": 22050, "bit_rate": 64000, "encoding": ""}

    assert decode_request(payload(output_format=wanted), endpoint="bytes").format == AudioFormat(
        sample_rate=22_050, container=Container.MP3, bit_rate=64_000
    )


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"transcript": ...}, "Invalid transcript"),
        ({"transcript": ""}, "Invalid transcript"),
        ({"transcript": " … !?\n"}, "Invalid transcript"),
        ({"transcript": 5}, "Invalid transcript"),
        ({"voice": ...}, "Invalid voice"),
        ({"voice": ""}, "Invalid voice"),
        ({"voice": {"id": 7}}, "Invalid voice"),
        ({"voice": {"embedding": ["x"]}}, "Invalid voice"),
        ({"model_id": None}, "Invalid model"),
        ({"output_format": ...}, "Invalid output format"),
        ({"output_format": {"container": ["raw"]}}, "Invalid output format"),
        (
            {"output_format": {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 8000}},
            "Invalid output format",
        ),
        (
            {"output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 12345}},
            "Invalid output format",
        ),
        (
            {"output_format": {"container": "raw", "encoding": {}, "sample_rate": 8000}},
            "Invalid output format",
        ),
        ({"language": "en", "locale": "en-GB"}, "Invalid language"),
        ({"language": 3}, "Invalid request"),
        ({"generation_config": []}, "Invalid request"),
        ({"generation_config": {"speed": 1.51}}, "Invalid generation config"),
        ({"generation_config": {"volume": True}}, "Invalid generation config"),
        ({"generation_config": {"volume": 10**400}}, "Invalid generation config"),
        ({"speed": "faster"}, "Invalid speed"),
    ],
)
def test_what_the_api_refuses_is_refused(changes: dict[str, Any], title: str) -> None:
    with pytest.raises(RequestError) as caught:
        decode_request(payload(**changes), endpoint="sse")

    assert caught.value.title == title
    assert str(caught.value).startswith(f"{title}: ")


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(RequestError, match="must be a JSON object"):
        decode_request([], endpoint="bytes")


texts = st.text(min_size=1, max_size=8)
formats = st.one_of(
    st.builds(
        AudioFormat,
        st.sampled_from(Encoding),
        st.sampled_from(SAMPLE_RATES),
        st.sampled_from([Container.RAW, Container.WAV]),
    ),
    st.builds(
        AudioFormat,
        sample_rate=st.sampled_from(SAMPLE_RATES),
        container=st.just(Container.MP3),
        bit_rate=st.sampled_from(BIT_RATES),
    ),
)
requests = st.builds(
    SpeechRequest,
    transcript=texts.map(lambda text: f"a{text}"),
    voice_id=texts,
    format=formats,
    model_id=texts,
    language=st.none() | texts,
    speed=st.none() | st.floats(0.6, 1.5) | st.sampled_from(["slow", "normal", "fast"]),
    volume=st.none() | st.floats(0.5, 2.0),
    emotion=st.just(()) | st.tuples(texts) | st.tuples(texts, texts),
    normalization=st.none() | texts,
    pronunciation_dict_id=st.none() | texts,
)


@given(requests, st.booleans(), st.none() | texts)
def test_what_is_encoded_is_decoded(request: SpeechRequest, timestamps: bool, context_id: str | None) -> None:
    endpoint: Literal["bytes", "sse"] = "bytes"
    if request.format.container is Container.RAW:
        endpoint = "sse"
        request = SpeechRequest(
            **{name: getattr(request, name) for name in request.__slots__}
            | {"word_timestamps": timestamps, "context_id": context_id}
        )

    assert decode_request(encode_request(request, endpoint=endpoint), endpoint=endpoint) == request
