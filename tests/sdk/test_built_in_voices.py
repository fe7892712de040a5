"""Both official clients 4.2.0 and ``cartesia serve``: voices, accents, and recordings in other voices."""

import base64
import io
from typing import Any

import pytest
import soundfile
from cartesia import BadRequestError, Cartesia, NotFoundError

from tests.sdk.clients import assert_refused, body_of
from tests.sdk.speech import DEEP, HEART, MALE, MP3, RATE, RAW, SPEECH, UNKNOWN, WAV, words_of

shows = pytest.mark.shows
TEXT = "The children were playing behind the school."
WANTED = {f"output_format_{name}": value for name, value in RAW.items()}


@pytest.fixture(scope="session")
def clip(built_in: str) -> bytes:
    """A recording of a man, as a WAV."""
    with Cartesia(api_key="any", base_url=built_in) as client:
        return client.tts.generate(
            **SPEECH | {"transcript": TEXT, "voice": MALE, "output_format": WAV}
        ).read()


@shows("voices.list", "voices.with_raw_response.list")
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_voices_are_paged_to_the_end_and_back(client: Any, limit: int) -> None:
    forwards = [voice.id for voice in client.voices.list(limit=limit)]
    backwards = [voice.id for voice in client.voices.list(limit=limit, ending_before=forwards[-1])]
    page = client.voices.list(limit=limit)
    later = client.voices.list(limit=limit, starting_after=forwards[0])
    raw = client.voices.with_raw_response.list(limit=limit).parse()

    assert {HEART, DEEP, MALE} <= set(forwards)
    assert len(forwards) == len(set(forwards))
    assert sorted(backwards) == sorted(forwards[:-1])
    assert [voice.id for voice in page.data] == [voice.id for voice in raw.data] == forwards[:limit]
    assert later.data[0].id == forwards[1]


@shows("voices.list", "voices.get")
def test_voices_are_chosen_and_complete(client: Any) -> None:
    men = [voice.id for voice in client.voices.list(gender="masculine", is_owner=False)]
    found = [voice.id for voice in client.voices.list(q=HEART[:13], expand=["preview_file_url"])]
    voice = client.voices.get(HEART, expand=["preview_file_url"])

    assert {MALE, DEEP} <= set(men)
    assert HEART not in men
    assert found == [HEART]
    assert list(client.voices.list(q="nobody has this name")) == []
    assert (voice.id, voice.language, voice.gender) == (HEART, "en", "feminine")
    assert (voice.is_owner, voice.access, voice.visibility) == (False, "public", "all")
    assert voice.locales[0].is_native
    assert voice.created_at
    assert len(voice.tagline) <= 32


@shows("voices.clone", "voices.update", "voices.delete", "voices.with_raw_response.delete")
def test_a_voice_is_cloned_spoken_with_changed_and_deleted(client: Any, clip: bytes) -> None:
    made = client.voices.clone(
        clip=("clip.wav", clip), name="Ann", language="en", description="Mine", accent="general-american"
    )
    other = client.voices.clone(clip=io.BytesIO(clip), name="Bob", language="en", base_voice_id=DEEP)
    sound = client.tts.generate(**SPEECH | {"voice": made.id}).read()
    heard = client.stt.transcribe(
        file=("a.raw", sound), model="ink-whisper", encoding="pcm_s16le", sample_rate=RATE
    )
    changed = client.voices.update(
        made.id, name="Bea", description="Changed", gender="feminine", accent="british"
    )
    client.voices.delete(made.id)
    gone = client.voices.with_raw_response.delete(other.id)

    assert (made.name, made.language, made.access, made.visibility) == ("Ann", "en", "private", "owner")
    assert made.description.startswith("Mine")
    assert words_of(heard.text) == words_of(SPEECH["transcript"])
    assert (changed.id, changed.name, changed.description) == (made.id, "Bea", "Changed")
    assert (changed.gender, changed.accent, changed.is_owner) == ("feminine", "british", True)
    assert gone.status_code == 204
    for voice in (made, other):
        with pytest.raises(NotFoundError) as refused:
            client.voices.get(voice.id)
        assert body_of(refused.value)["error_code"] == "voice_not_found"


@shows("voices.localize", "voices.list_accents", "voices.add_accents", "voices.delete_accent")
def test_a_voice_is_localized_and_its_accents_changed(client: Any) -> None:
    voice = client.voices.localize(
        voice_id=HEART,
        name="Copy",
        accent="general-american",
        description="Hers",
        tagline="Another one",
        language="en",
        original_speaker_gender="female",
    )
    accents = client.voices.list_accents().accents
    added = client.voices.add_accents(voice.id, accents=["british", "parisian"])
    removed = client.voices.delete_accent("british", id=voice.id)
    own = [each.id for each in client.voices.list(is_owner=True)]
    client.voices.delete(voice.id)

    ids = [accent.id for accent in accents]
    assert ids == sorted(ids)
    assert "general-american" in [accent.id for accent in accents if accent.is_localizable]
    assert (voice.name, voice.tagline, voice.language) == ("Copy", "Another one", "en")
    assert voice.id in own
    assert [each.locale for each in added.locales] == ["en-US", "en-GB", "fr-FR"]
    assert [each.locale for each in removed.locales] == ["en-US", "fr-FR"]


@shows("voices.update", "voices.delete", "voices.localize", "voices.clone", "voices.add_accents")
def test_what_cannot_be_done_to_a_voice_is_refused(client: Any, clip: bytes) -> None:
    assert_refused(
        BadRequestError,
        lambda: client.voices.update(HEART, name="x"),
        lambda: client.voices.delete(HEART),
        lambda: client.voices.localize(voice_id=HEART, name="x", accent="nowhere"),
        lambda: client.voices.clone(clip=("clip.wav", b"no sound"), name="x", language="en"),
        lambda: client.voices.clone(clip=("clip.wav", clip), name="", language="en"),
    )
    assert_refused(
        NotFoundError,
        lambda: client.voices.update(UNKNOWN, name="x"),
        lambda: client.voices.delete(UNKNOWN),
        lambda: client.voices.add_accents(UNKNOWN, accents=["british"]),
        lambda: client.voices.localize(voice_id=UNKNOWN, name="x", accent="general-american"),
    )


@shows("voice_changer.generate")
@pytest.mark.parametrize("output_format", [RAW, WAV, MP3], ids=lambda wanted: wanted["container"])
def test_a_recording_is_said_in_another_voice(
    client: Any, clip: bytes, output_format: dict[str, Any]
) -> None:
    wanted = {f"output_format_{name}": value for name, value in output_format.items()}

    sound = client.voice_changer.generate(clip=("clip.wav", clip), voice_id=HEART, **wanted).read()

    is_raw = output_format is RAW
    heard = client.stt.transcribe(
        file=("a", sound),
        model="ink-whisper",
        **({"encoding": "pcm_s16le", "sample_rate": RATE} if is_raw else {}),
    )
    samples, rate = soundfile.read(io.BytesIO(clip))
    assert words_of(heard.text) == words_of(TEXT)
    assert heard.duration == pytest.approx(samples.size / rate, abs=0.15)


@shows("voice_changer.generate_sse", "voice_changer.generate")
def test_a_recording_is_changed_in_events_too(client: Any, clip: bytes) -> None:
    asked = {"clip": ("clip.wav", clip), "voice_id": HEART} | WANTED

    events = list(client.voice_changer.generate_sse(**asked))

    sound = b"".join(base64.b64decode(event.data) for event in events[:-1])
    assert sound == client.voice_changer.generate(**asked).read()
    assert [event.done for event in events] == [False] * (len(events) - 1) + [True]


@shows("voice_changer.change_voice_bytes", "voice_changer.change_voice_sse")
def test_the_old_names_of_the_voice_changer_still_work(client: Any, clip: bytes) -> None:
    asked = {"clip": ("clip.wav", clip), "voice_id": HEART} | WANTED

    whole = client.voice_changer.change_voice_bytes(**asked)
    with pytest.deprecated_call():
        stream = client.voice_changer.change_voice_sse(**asked)

    assert whole.read() == client.voice_changer.generate(**asked).read()
    assert stream is None  # it asks, and leaves the answer unread


@shows("voice_changer.generate")
def test_what_cannot_be_changed_is_refused(client: Any, clip: bytes) -> None:
    assert_refused(
        NotFoundError,
        lambda: client.voice_changer.generate(clip=("clip.wav", clip), voice_id=UNKNOWN, **WANTED),
    )
    assert_refused(
        BadRequestError,
        lambda: client.voice_changer.generate(clip=("clip.wav", b"no sound"), voice_id=HEART, **WANTED),
        lambda: client.voice_changer.generate(voice_id=HEART, **WANTED),
    )
