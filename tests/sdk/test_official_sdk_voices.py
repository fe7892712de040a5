"""The official client 4.2.0 and our server: voices, dictionaries, changed recordings and tokens."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from cartesia import AuthenticationError, BadRequestError, Cartesia, NotFoundError, PermissionDeniedError
from cartesia.types.raw_output_format_param import RawOutputFormatParam
from cartesia.types.voice_changer_generate_params import VoiceChangerGenerateParams

from tests.fakes.server import RunningServer, built_in_server

HEART = "7eef6874-fa50-566f-9102-5b6844916d4f"
MALE = "4de8f8f6-c905-5dee-9a6c-448664e46d82"
UNKNOWN = "11111111-2222-4333-8444-555555555555"
RAW: RawOutputFormatParam = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with built_in_server(keys=["sk_car_test"], prefix="/api") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Cartesia]:
    with Cartesia(api_key="sk_car_test", base_url=server.url, max_retries=0) as official:
        yield official


@pytest.fixture(scope="module")
def clip(client: Cartesia) -> tuple[str, bytes]:
    response = client.tts.generate(
        model_id="sonic-3", transcript="The children were playing behind the school.", voice=MALE,
        output_format={"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24_000},
    )  # fmt: skip
    samples, rate = soundfile.read(io.BytesIO(response.read()))
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return "clip.wav", file.getvalue()


def test_a_voice_is_cloned_read_changed_and_deleted(client: Cartesia, clip: tuple[str, bytes]) -> None:
    made = client.voices.clone(clip=clip, name="Ann", language="en", description="Mine")
    voice = client.voices.get(made.id, expand=["preview_file_url"])
    changed = client.voices.update(made.id, name="Bea", gender=None, accent="british")
    client.voices.delete(made.id)

    assert (made.name, made.access, made.visibility) == ("Ann", "private", "owner")
    assert made.description.startswith("Mine (The built-in voice 'male'")
    assert (voice.is_owner, voice.gender, voice.preview_file_url) == (True, "masculine", None)
    assert (changed.name, changed.gender, changed.accent) == ("Bea", None, "british")
    with pytest.raises(NotFoundError):
        client.voices.get(made.id)


def test_every_voice_is_listed_once(client: Cartesia) -> None:
    copies = [
        client.voices.localize(voice_id=HEART, name=f"Copy {n}", accent="general-american") for n in range(3)
    ]

    forwards = [voice.id for voice in client.voices.list(limit=2)]
    own = [voice.name for voice in client.voices.list(is_owner=True, limit=1)]

    assert len(forwards) == len(set(forwards)) == 9
    assert own == ["Copy 0", "Copy 1", "Copy 2"]
    assert [voice.name for voice in client.voices.list(q="copy 1")] == ["Copy 1"]
    for copy in copies:
        client.voices.delete(copy.id)


def test_accents_are_listed_added_and_removed(client: Cartesia) -> None:
    voice = client.voices.localize(voice_id=HEART, name="Copy", accent="general-american")

    accents = client.voices.list_accents().accents
    added = client.voices.add_accents(voice.id, accents=["british", "parisian"])
    removed = client.voices.delete_accent("british", id=voice.id)

    assert len(accents) == 79
    assert [each.locale for each in added.locales] == ["en-US", "en-GB", "fr-FR"]
    assert [each.locale for each in removed.locales] == ["en-US", "fr-FR"]
    client.voices.delete(voice.id)


def test_what_the_local_voices_cannot_do_is_refused(client: Cartesia) -> None:
    with pytest.raises(BadRequestError, match="built in"):
        client.voices.update(HEART, name="x")
    with pytest.raises(BadRequestError, match="general-american"):
        client.voices.localize(voice_id=HEART, name="x", accent="british")
    with pytest.raises(NotFoundError):
        client.voices.delete(UNKNOWN)


def test_a_dictionary_is_made_used_changed_and_deleted(client: Cartesia) -> None:
    made = client.pronunciation_dicts.create(name="Names", items=[{"text": "cat", "alias": "<<d|ɔ|ɡ>>"}])

    def speak(dictionary: str | None) -> bytes:
        return client.tts.generate(
            model_id="sonic-3", transcript="The cat.", voice=HEART, output_format=RAW,
            pronunciation_dict_id=dictionary,
        ).read()  # fmt: skip

    changed = client.pronunciation_dicts.update(made.id, name="Others", items=[])
    assert speak(made.id) == speak(None)
    client.pronunciation_dicts.update(made.id, items=[{"text": "cat", "alias": "dog"}])
    assert speak(made.id) != speak(None)
    assert (changed.name, changed.items) == ("Others", [])
    assert [each.id for each in client.pronunciation_dicts.list(limit=1)] == [made.id]
    assert client.pronunciation_dicts.retrieve(made.id).items[0].alias == "dog"
    client.pronunciation_dicts.delete(made.id)
    with pytest.raises(NotFoundError):
        speak(made.id)


def test_a_recording_is_changed_as_bytes_and_as_events(client: Cartesia, clip: tuple[str, bytes]) -> None:
    asked = VoiceChangerGenerateParams(
        clip=clip,
        voice_id=HEART,
        output_format_container="raw",
        output_format_encoding="pcm_s16le",
        output_format_sample_rate=16_000,
    )

    whole = client.voice_changer.generate(**asked).read()
    events = [*client.voice_changer.generate_sse(**asked)]

    samples, rate = soundfile.read(io.BytesIO(clip[1]))
    assert len(whole) / 32_000 == pytest.approx(samples.size / rate, rel=0.02)
    assert b"".join(base64.b64decode(event.data) for event in events[:-1]) == whole
    assert events[-1].done


def test_a_gap_is_filled(client: Cartesia, clip: tuple[str, bytes]) -> None:
    response = client.tts.infill(
        left_audio=clip, model_id="sonic-3", language="en", transcript="And then it rained.", voice_id=MALE,
        output_format=RAW,
    )  # fmt: skip

    samples = np.frombuffer(response.read(), "<i2")
    assert 0.5 < samples.size / 16_000 < 3
    assert np.abs(samples).max() > 1_000


def test_a_token_is_held_to_its_grants(client: Cartesia, server: RunningServer) -> None:
    token = client.access_token.create(expires_in=60, grants={"stt": True}).token
    other = client.access_token.create(expires_in=60, grants={"tts": True}).token

    with (
        Cartesia(token=token, base_url=server.url, max_retries=0) as listener,
        Cartesia(token=other, base_url=server.url, max_retries=0) as speaker,
        Cartesia(token=f"{other}x", base_url=server.url, max_retries=0) as forger,
    ):
        assert speaker.tts.generate(
            model_id="sonic-3", transcript="Hi.", voice=HEART, output_format=RAW
        ).read()
        with pytest.raises(PermissionDeniedError):
            listener.tts.generate(model_id="sonic-3", transcript="Hi.", voice=HEART, output_format=RAW)
        with pytest.raises(PermissionDeniedError):
            speaker.voices.list()
        with pytest.raises(AuthenticationError):
            forger.voices.list()
