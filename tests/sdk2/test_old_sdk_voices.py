"""The official client 2.0.17 and our server: voices made, mixed, changed and deleted the old way."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.server import built_in_server
from tests.sdk2.oldclient import ApiError, old_client

HEART = "7eef6874-fa50-566f-9102-5b6844916d4f"
MALE = "4de8f8f6-c905-5dee-9a6c-448664e46d82"
UNKNOWN = "11111111-2222-4333-8444-555555555555"
WAV = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24_000}
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with built_in_server(keys=["sk_car_test"]) as running:
        yield running.url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with old_client(url) as official:
        yield official


def speak(client: Any, text: str, voice: dict[str, Any], output_format: dict[str, Any]) -> bytes:
    return b"".join(
        client.tts.bytes(model_id="sonic-2", transcript=text, voice=voice, output_format=output_format)
    )


@pytest.fixture
def clip(client: Any) -> tuple[str, bytes]:
    text = "The children were playing behind the school."
    return "clip.wav", speak(client, text, {"mode": "id", "id": MALE}, WAV)


@pytest.mark.parametrize("mode", ["similarity", "stability"])
def test_a_voice_is_cloned_read_changed_and_deleted(client: Any, clip: tuple[str, bytes], mode: str) -> None:
    made = client.voices.clone(clip=clip, name="Ann", language="en", mode=mode, enhance=True)
    voice = client.voices.get(made.id)
    changed = client.voices.update(made.id, name="Bea", description="Mine")
    client.voices.delete(made.id)

    assert (made.name, made.is_public, made.language) == ("Ann", False, "en")
    assert (voice.is_owner, voice.embedding) == (True, None)
    assert (changed.name, changed.description) == ("Bea", "Mine")
    with pytest.raises(ApiError) as gone:
        client.voices.get(made.id)
    assert gone.value.status_code == 404


def test_voices_are_mixed_made_from_the_mixture_and_spoken_with(client: Any) -> None:
    known = {voice.id: voice.embedding for voice in client.voices.list(limit=2, expand=["embedding"])}
    parts = [{"id": HEART, "weight": 0.25}, {"embedding": known[MALE], "weight": 0.75}]

    mixed = client.voices.mix(voices=parts).embedding
    made = client.voices.create(name="Between", description="d", embedding=mixed, language="en")

    by_id = speak(client, "Hello.", {"mode": "id", "id": made.id}, RAW)
    assert len(mixed) == len(known[HEART]) == 192
    assert mixed not in (known[HEART], known[MALE])
    assert made.embedding == pytest.approx(mixed)
    assert by_id == speak(client, "Hello.", {"mode": "embedding", "embedding": mixed}, RAW)
    assert by_id != speak(client, "Hello.", {"mode": "id", "id": MALE}, RAW)
    client.voices.delete(made.id)


def test_a_voice_is_localized_by_language_and_dialect(client: Any) -> None:
    asked = {"voice_id": HEART, "name": "Copy", "description": "d", "original_speaker_gender": "female"}

    made = client.voices.localize(language="en", dialect="us", **asked)

    with pytest.raises(ApiError, match="general-american") as refused:
        client.voices.localize(language="en", dialect="uk", **asked)
    assert refused.value.status_code == 400
    assert (made.name, made.description, made.language) == ("Copy", "d", "en")
    assert [voice.id for voice in client.voices.list(is_owner=True)] == [made.id]
    client.voices.delete(made.id)


def test_an_unknown_voice_is_refused(client: Any) -> None:
    with pytest.raises(ApiError) as refused:
        client.voices.delete(UNKNOWN)

    assert refused.value.status_code == 404


def test_a_recording_is_changed_and_a_token_made(client: Any, clip: tuple[str, bytes]) -> None:
    changed = b"".join(
        client.voice_changer.bytes(
            clip=clip,
            voice_id=HEART,
            output_format_container="raw",
            output_format_encoding="pcm_s16le",
            output_format_sample_rate=24_000,
        )
    )
    token = client.auth.access_token(grants={"tts": True}, expires_in=60).token

    assert len(changed) == pytest.approx(len(clip[1]), rel=0.02)
    assert token
