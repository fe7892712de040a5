"""Both official clients 4.2.0 and ``cartesia serve``: text in, speech of the built-in engine out."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from cartesia import BadRequestError, NotFoundError

from tests.sdk.speech import (
    CLOUD_DEFAULT,
    HEART,
    MALE,
    MP3,
    RATE,
    RAW,
    SENTENCE,
    SPEECH,
    UNKNOWN,
    WAV,
    WORDS,
    assert_in_time,
    samples_of,
    sound_of,
    timed_words,
    words_of,
)

shows = pytest.mark.shows


@shows("get_status", "with_raw_response.get_status")
def test_the_server_says_what_it_speaks(client: Any) -> None:
    status = client.get_status()
    response = client.with_raw_response.get_status()

    assert (status.ok, status.version) == (True, "2026-08-14")
    assert response.headers["x-request-id"]
    assert response.parse() == status


@shows("tts.generate", "stt.transcribe")
@pytest.mark.parametrize("output_format", [RAW, WAV, MP3], ids=lambda wanted: wanted["container"])
def test_what_is_spoken_can_be_understood(client: Any, output_format: dict[str, Any]) -> None:
    is_raw = output_format["container"] == "raw"

    sound = client.tts.generate(**SPEECH | {"output_format": output_format}).read()
    heard = client.stt.transcribe(
        file=("talk", sound),
        model="ink-whisper",
        **({"encoding": "pcm_s16le", "sample_rate": RATE} if is_raw else {}),
    )

    assert words_of(heard.text) == words_of(SENTENCE)


@shows("tts.generate")
def test_a_wav_holds_what_raw_sound_is(client: Any) -> None:
    raw = client.tts.generate(**SPEECH).read()
    wav = client.tts.generate(**SPEECH | {"output_format": WAV}).read()

    samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
    assert rate == RATE
    assert samples.tobytes() == raw


@shows("tts.generate")
def test_an_mp3_has_the_rate_and_the_length_of_the_speech(client: Any) -> None:
    seconds = len(client.tts.generate(**SPEECH).read()) / (2 * RATE)

    mp3 = client.tts.generate(**SPEECH | {"output_format": MP3}).read()

    samples, rate = soundfile.read(io.BytesIO(mp3))
    assert rate == 44_100
    assert samples.size / rate == pytest.approx(seconds, abs=0.1)
    assert len(mp3) == pytest.approx(128_000 / 8 * seconds, rel=0.1)


@shows("tts.generate")
@pytest.mark.parametrize(
    ("encoding", "width", "rate"),
    [
        ("pcm_f32le", 4, 48_000),
        ("pcm_s16le", 2, 44_100),
        ("pcm_s16le", 2, 24_000),
        ("pcm_mulaw", 1, 8_000),
        ("pcm_alaw", 1, 22_050),
    ],
)
def test_every_encoding_has_its_width(client: Any, encoding: str, width: int, rate: int) -> None:
    seconds = len(client.tts.generate(**SPEECH).read()) / (2 * RATE)
    wanted = {"container": "raw", "encoding": encoding, "sample_rate": rate}

    sound = client.tts.generate(**SPEECH | {"output_format": wanted}).read()

    assert len(sound) % width == 0
    assert len(sound) / width / rate == pytest.approx(seconds, abs=0.01)


@shows("tts.generate")
@pytest.mark.parametrize("voice", [HEART, {"id": HEART}, {"mode": "id", "id": HEART}, CLOUD_DEFAULT])
def test_a_voice_is_named_in_any_of_the_ways(client: Any, voice: Any) -> None:
    sound = client.tts.generate(**SPEECH | {"voice": voice}).read()

    assert sound == client.tts.generate(**SPEECH).read()
    assert sound != client.tts.generate(**SPEECH | {"voice": MALE}).read()


@shows("tts.generate")
def test_speed_and_volume_are_obeyed(client: Any) -> None:
    plain = samples_of(client.tts.generate(**SPEECH).read())
    faster = samples_of(client.tts.generate(**SPEECH, generation_config={"speed": 1.5}).read())
    quieter = samples_of(client.tts.generate(**SPEECH, generation_config={"volume": 0.5}).read())
    slower = samples_of(client.tts.generate(**SPEECH, speed="slow").read())

    assert faster.size < 0.75 * plain.size
    assert slower.size > 1.1 * plain.size
    assert quieter.size == plain.size
    loudness = [np.sqrt(np.mean(np.square(each, dtype=float))) for each in (quieter, plain)]
    assert loudness[0] / loudness[1] == pytest.approx(0.5, abs=0.02)


@shows("tts.generate")
def test_every_parameter_is_taken(client: Any) -> None:
    response = client.tts.generate(
        **SPEECH,
        generation_config={"speed": 1.1, "volume": 1.2, "emotion": "calm"},
        locale="en-GB",
        normalization="auto",
        pronunciation_dict_id=None,
        save=True,
        speed="normal",
    )

    assert response.headers["Cartesia-File-ID"]
    assert response.read()


@shows("tts.generate", "tts.generate_sse")
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"language": "en", "locale": "en-GB"}, BadRequestError),
        ({"language": "de"}, BadRequestError),
        ({"transcript": "..."}, BadRequestError),
        ({"voice": UNKNOWN}, NotFoundError),
        ({"output_format": RAW | {"sample_rate": 12_345}}, BadRequestError),
        ({"generation_config": {"speed": 9}}, BadRequestError),
        ({"pronunciation_dict_id": "nobody"}, NotFoundError),
        ({"extra_body": {"nonsense": 1}}, BadRequestError),
    ],
    ids=str,
)
def test_what_cannot_be_spoken_is_refused(
    client: Any, wrong: dict[str, Any], expected: type[Exception]
) -> None:
    with pytest.raises(expected) as refused:
        client.tts.generate(**SPEECH | wrong)
    with pytest.raises(expected):
        client.tts.generate_sse(**SPEECH | wrong)

    assert isinstance(refused.value, NotFoundError | BadRequestError)
    assert isinstance(refused.value.body, dict)
    assert set(refused.value.body) >= {"error_code", "title", "message", "request_id"}


@shows("tts.bytes")
def test_the_old_name_of_generate_still_works(client: Any) -> None:
    with pytest.deprecated_call():
        pieces = client.tts.bytes(**SPEECH, duration=9, language="en", save=False)

    assert b"".join(pieces) == client.tts.generate(**SPEECH).read()


@shows("tts.with_raw_response.generate", "tts.with_streaming_response.generate")
def test_an_answer_is_written_to_a_file_whole_or_as_it_comes(client: Any, tmp_path: Path) -> None:
    whole, streamed = tmp_path / "whole.wav", tmp_path / "streamed.wav"

    client.tts.with_raw_response.generate(**SPEECH | {"output_format": WAV}).write_to_file(whole)
    with client.tts.with_streaming_response.generate(**SPEECH | {"output_format": WAV}) as response:
        assert response.headers["content-type"] == "audio/wav"
        response.stream_to_file(streamed)

    assert whole.read_bytes() == streamed.read_bytes()
    assert soundfile.info(whole).samplerate == RATE


@shows("tts.generate_sse")
def test_events_carry_the_speech_its_words_and_its_phonemes(client: Any) -> None:
    stream = client.tts.generate_sse(
        **SPEECH,
        add_timestamps=True,
        add_phoneme_timestamps=True,
        use_normalized_timestamps=False,
        context_id="job-17",
        language="en",
        normalization="off",
        generation_config={"speed": 1.0},
    )
    events = list(stream)

    sound, words = sound_of(events), timed_words(events)
    phonemes = [event.phoneme_timestamps for event in events if event.type == "phoneme_timestamps"]
    assert sound == client.tts.generate(**SPEECH).read()
    assert [word for word, _, _ in words] == WORDS
    assert_in_time(words, len(sound) / (2 * RATE))
    assert_in_time(
        [row for t in phonemes for row in zip(t.phonemes, t.start, t.end, strict=True)],
        len(sound) / (2 * RATE),
    )
    assert {event.to_dict()["context_id"] for event in events} == {"job-17"}
    assert [event.type for event in events if event.done] == ["done"]


@shows("tts.sse", "tts.with_streaming_response.generate_sse")
def test_events_without_timings_have_none(client: Any) -> None:
    events = list(client.tts.sse(**SPEECH))
    with client.tts.with_streaming_response.generate_sse(**SPEECH) as response:
        kind = response.headers["content-type"]

    assert {event.type for event in events} == {"chunk", "done"}
    assert kind.startswith("text/event-stream")


@shows("tts.infill")
@pytest.mark.parametrize(
    ("sides", "output_format"),
    [(("left_audio",), RAW), (("right_audio",), MP3), (("left_audio", "right_audio"), WAV)],
    ids=["left", "right", "both"],
)
def test_a_gap_is_filled(client: Any, sides: tuple[str, ...], output_format: dict[str, Any]) -> None:
    clip = client.tts.generate(**SPEECH | {"output_format": WAV}).read()

    sound = client.tts.infill(
        **dict.fromkeys(sides, ("clip.wav", clip)),
        model_id="sonic-3",
        language="en",
        transcript="And then it rained.",
        voice_id=HEART,
        output_format=output_format,
    ).read()

    if output_format is RAW:
        samples = samples_of(sound) / 32_768
        rate = RATE
    else:
        samples, rate = soundfile.read(io.BytesIO(sound))
    assert rate == output_format["sample_rate"]
    assert 0.5 < samples.size / rate < 3
    assert np.abs(samples).max() > 0.05


@shows("tts.infill")
def test_a_gap_without_anything_beside_it_is_refused(client: Any) -> None:
    with pytest.raises(BadRequestError):
        client.tts.infill(
            model_id="sonic-3", language="en", transcript="Rain.", voice_id=HEART, output_format=RAW
        )
