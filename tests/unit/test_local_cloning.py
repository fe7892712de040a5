from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cartesia_cli.audio import pcm
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.cloning import PITCH, match_clip
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.pitch import measure, typical_pitch
from cartesia_cli.local.voices import find_variant
from cartesia_cli.local.waveform import SAMPLE_RATE
from cartesia_cli.models import AudioChunk, AudioFormat, CloneRequest, Encoding, SpeechRequest

FORMAT = AudioFormat(Encoding.PCM_F32LE, SAMPLE_RATE)
TEXT = (
    "The children were playing in the garden behind the school. Seven people were waiting at the station, "
    "and nobody said a word until the late train finally arrived."
)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    catalogue = LocalCatalogue(":memory:")
    yield LocalEngine(catalogue)
    catalogue.close()


def spoken(
    engine: LocalEngine, voice: str, *, speed: float = 1.0
) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    events = engine.synthesize(SpeechRequest(TEXT, voice, FORMAT, speed=speed))
    data = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    return pcm.decode(data, Encoding.PCM_F32LE)


def clip(engine: LocalEngine, folder: Path, voice: str, *, speed: float = 1.0) -> Path:
    path = folder / "clip.wav"
    soundfile.write(path, spoken(engine, voice, speed=speed), SAMPLE_RATE)
    return path


@pytest.mark.parametrize("voice", ["heart", "deep", "male", "tenor", "bright", "child"])
def test_each_variant_is_matched_by_itself(engine: LocalEngine, tmp_path: Path, voice: str) -> None:
    match = match_clip(clip(engine, tmp_path, voice))

    assert match.base == voice
    assert match.timbre.pitch == pytest.approx(find_variant(voice).timbre.pitch, rel=0.04)
    assert match.timbre.pace == pytest.approx(1.0, abs=0.15)


def test_a_slow_and_a_fast_speaker_are_told_apart(engine: LocalEngine, tmp_path: Path) -> None:
    slow = match_clip(clip(engine, tmp_path, "male", speed=0.7)).timbre.pace
    fast = match_clip(clip(engine, tmp_path, "male", speed=1.4)).timbre.pace

    assert slow < 0.9
    assert fast > 1.15


def test_a_clone_speaks_at_the_pitch_and_the_pace_of_its_clip(engine: LocalEngine, tmp_path: Path) -> None:
    path = tmp_path / "clip.flac"
    sound = spoken(engine, "heart", speed=0.75)
    # Read faster than it was made: a speaker between two variants.
    soundfile.write(path, sound, round(SAMPLE_RATE * 0.88))

    voice = engine.catalogue.clone_voice(path, CloneRequest("Ann"))

    pitch = typical_pitch(measure(spoken(engine, voice.id)))
    assert pitch == pytest.approx(PITCH * 0.88, rel=0.05)
    assert len(spoken(engine, "ann")) > len(spoken(engine, "heart")) * 1.05


def test_the_description_says_that_this_is_all(engine: LocalEngine, tmp_path: Path) -> None:
    path = clip(engine, tmp_path, "male")

    plain = engine.catalogue.clone_voice(path, CloneRequest("A"))
    described = engine.catalogue.clone_voice(path, CloneRequest("B", description="My uncle"))

    assert "'male'" in plain.description
    assert "nothing else of its speaker" in plain.description
    assert described.description.startswith("My uncle (")
    assert "nothing else of its speaker" in described.description
    assert plain.gender == "masculine"
    assert plain.is_owner


def test_a_base_voice_is_kept(engine: LocalEngine, tmp_path: Path) -> None:
    voice = engine.catalogue.clone_voice(
        clip(engine, tmp_path, "male"), CloneRequest("A", base_voice_id="bright")
    )

    timbre = engine.catalogue.find(voice.id).timbre
    assert timbre.formant == find_variant("bright").timbre.formant
    assert timbre.pitch == pytest.approx(0.70, rel=0.04)


@pytest.mark.parametrize(
    "sound", [np.zeros(SAMPLE_RATE * 3), np.random.default_rng(1).normal(0, 0.1, 72_000)]
)
def test_a_clip_without_a_voice_is_refused(
    tmp_path: Path, sound: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, sound, SAMPLE_RATE)
    catalogue = LocalCatalogue(tmp_path)

    with pytest.raises(UsageError, match=r"No voice is to be heard in clip\.wav"):
        catalogue.clone_voice(path, CloneRequest("A"))

    assert [*catalogue.voices(owned=True)] == []


def test_what_cannot_be_cloned_is_refused_before_the_clip_is_read(tmp_path: Path) -> None:
    catalogue, missing = LocalCatalogue(tmp_path), tmp_path / "missing.wav"

    with pytest.raises(UsageError, match="English only"):
        catalogue.clone_voice(missing, CloneRequest("A", language="de"))
    with pytest.raises(UsageError, match="needs a name"):
        catalogue.clone_voice(missing, CloneRequest(" "))
    with pytest.raises(RequestError, match="no accent"):
        catalogue.clone_voice(missing, CloneRequest("A", accent="martian"))
    with pytest.raises(UsageError, match="called 'nobody'"):
        catalogue.clone_voice(missing, CloneRequest("A", base_voice_id="nobody"))
    with pytest.raises(UsageError, match="does not exist"):
        catalogue.clone_voice(missing, CloneRequest("A"))


@pytest.mark.parametrize("hertz", [80.0, 120.0, 233.0, 400.0])
def test_the_pitch_of_a_sawtooth_is_exact(hertz: float) -> None:
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    harmonics = range(1, int(5_000 / hertz))
    sound = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in harmonics) * 0.2

    assert typical_pitch(measure(np.asarray(sound, np.float32))) == pytest.approx(hertz, rel=0.005)
