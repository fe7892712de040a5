from dataclasses import replace

import pytest

from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat, Container, Encoding, SpeechRequest
from cartesia_cli.wire.changing import encode_change, encode_infill, left_out

WAV = AudioFormat(Encoding.PCM_MULAW, 8_000, Container.WAV)
MP3 = AudioFormat(sample_rate=44_100, container=Container.MP3, bit_rate=192_000)
REQUEST = SpeechRequest("in between", "v", MP3, model_id="sonic-3", language="en")


def test_a_change_has_the_documented_fields() -> None:
    assert encode_change("v", WAV) == {
        "voice[id]": "v",
        "output_format[container]": "wav",
        "output_format[sample_rate]": "8000",
        "output_format[encoding]": "pcm_mulaw",
    }


def test_infilling_has_the_documented_fields() -> None:
    assert encode_infill(REQUEST) == {
        "model_id": "sonic-3",
        "language": "en",
        "transcript": "in between",
        "voice_id": "v",
        "output_format[container]": "mp3",
        "output_format[sample_rate]": "44100",
        "output_format[bit_rate]": "192000",
    }


@pytest.mark.parametrize(("given", "sent"), [("sonic-latest", "sonic-3"), ("sonic-3-x", "sonic-3-x")])
def test_infilling_knows_models_by_their_own_names(given: str, sent: str) -> None:
    assert encode_infill(replace(REQUEST, model_id=given))["model_id"] == sent


@pytest.mark.parametrize(
    ("language", "locale", "sent"),
    [(None, None, None), (None, "de-AT", "de"), ("en", None, "en")],
)
def test_a_locale_stands_for_its_language(language: str | None, locale: str | None, sent: str | None) -> None:
    fields = encode_infill(replace(REQUEST, language=language, locale=locale))

    assert fields.get("language") == sent


def test_infilling_needs_a_voice() -> None:
    with pytest.raises(UsageError, match="not an embedding"):
        encode_infill(replace(REQUEST, voice_embedding=(0.5,)))


def test_what_infilling_has_no_field_for_is_named() -> None:
    request = replace(
        REQUEST, speed="slow", volume=0.5, emotion=("calm",), normalization="off", pronunciation_dict_id="d"
    )

    assert left_out(REQUEST) == ()
    assert left_out(request) == (
        "the speed",
        "the volume",
        "the emotion",
        "the normalization",
        "the pronunciation dictionary",
    )
