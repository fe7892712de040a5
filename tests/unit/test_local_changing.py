import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.changing import Shifter, speech_level
from cartesia_cli.local.cloning import PITCH
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.pitch import measure, typical_pitch
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.local.voices import find_variant
from cartesia_cli.local.waveform import SAMPLE_RATE
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechEvents, SpeechRequest

FORMAT = AudioFormat(Encoding.PCM_F32LE, SAMPLE_RATE)
TEXT = "The children were playing in the garden behind the school."


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    catalogue = LocalCatalogue(":memory:")
    yield LocalEngine(catalogue)
    catalogue.close()


def samples(events: SpeechEvents) -> NDArray[np.float32]:
    data = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    return pcm.decode(data, Encoding.PCM_F32LE)


def recording(engine: LocalEngine, folder: Path, voice: str, *, gain: float = 1.0) -> Path:
    path = folder / f"{voice}.wav"
    soundfile.write(path, samples(engine.synthesize(SpeechRequest(TEXT, voice, FORMAT))) * gain, SAMPLE_RATE)
    return path


@pytest.mark.parametrize(
    ("source", "voice"), [("heart", "deep"), ("heart", "heart"), ("male", "child"), ("bright", "male")]
)
def test_a_recording_gets_the_pitch_of_the_voice_and_keeps_words_and_length(
    engine: LocalEngine, tmp_path: Path, source: str, voice: str
) -> None:
    path = recording(engine, tmp_path, source)
    before, _ = soundfile.read(path, dtype="float32")

    after = samples(engine.change_voice(path, voice, FORMAT))

    changed = tmp_path / "changed.wav"
    soundfile.write(changed, after, SAMPLE_RATE)
    assert len(after) == len(before)
    assert typical_pitch(measure(after)) == pytest.approx(PITCH * find_variant(voice).timbre.pitch, rel=0.06)
    assert speech_level(after) == pytest.approx(speech_level(before) or 0.0, abs=3)
    assert LocalTranscriber().transcribe(changed, words=False).text == TEXT


@pytest.mark.parametrize(
    "audio", [AudioFormat(Encoding.PCM_S16LE, 16_000), AudioFormat(Encoding.PCM_MULAW, 8_000)]
)
def test_every_format_is_as_long_as_the_recording(
    engine: LocalEngine, tmp_path: Path, audio: AudioFormat
) -> None:
    path = recording(engine, tmp_path, "heart")

    events = [*engine.change_voice(path, "male", audio)]

    n_bytes = sum(len(event.data) for event in events if isinstance(event, AudioChunk))
    assert audio.seconds(n_bytes) == pytest.approx(soundfile.info(path).duration, abs=0.001)


def test_the_blocks_in_which_sound_comes_do_not_matter() -> None:
    sound = np.sin(np.cumsum(np.full(SAMPLE_RATE * 12, 0.03))).astype(np.float32) * 0.3
    even, uneven = Shifter(0.8, 0.9), Shifter(0.8, 0.9)

    first = [even.process(block) for block in np.split(sound, 12)]
    cuts = [1, 1_000, 1_001, 200_000, 260_000]
    second = [uneven.process(block) for block in np.split(sound, cuts)]

    joined = [np.concatenate([*first, even.finish()]), np.concatenate([*second, uneven.finish()])]
    assert [each.size for each in joined] == [sound.size, sound.size]
    assert [typical_pitch(measure(each)) for each in joined] == pytest.approx(
        [SAMPLE_RATE * 0.03 / (2 * np.pi) * 0.8] * 2, rel=0.02
    )


@pytest.mark.parametrize("n_samples", [0, 1, 100, 5_000, 130_001])
def test_sound_of_any_length_stays_as_long(n_samples: int) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, n_samples).astype(np.float32)
    shifter = Shifter(1.4, 1.1)

    assert shifter.process(sound).size + shifter.finish().size == n_samples


def test_memory_does_not_grow_with_the_recording() -> None:
    def peak(seconds: int) -> int:
        block = np.sin(np.arange(SAMPLE_RATE) * 0.03).astype(np.float32)
        shifter = Shifter(0.8, 0.9)
        tracemalloc.start()
        n_made = sum(shifter.process(block).size for _ in range(seconds)) + shifter.finish().size
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_made == seconds * SAMPLE_RATE
        return highest

    assert peak(45) < peak(15) * 1.1


def test_what_cannot_be_changed_is_refused(engine: LocalEngine, tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(SAMPLE_RATE), SAMPLE_RATE)

    with pytest.raises(UsageError, match="called 'nobody'"):
        engine.change_voice(silence, "nobody", FORMAT)
    with pytest.raises(RequestError, match="has no voice"):
        engine.change_voice(silence, "11111111-2222-4333-8444-555555555555", FORMAT)
    with pytest.raises(UsageError, match="No voice is to be heard"):
        next(engine.change_voice(silence, "male", FORMAT))
    with pytest.raises(UsageError, match="does not exist"):
        next(engine.change_voice(tmp_path / "missing.wav", "male", FORMAT))


def test_what_fills_a_gap_is_as_loud_as_what_is_around_it(engine: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / "soft").mkdir()
    loud, soft = recording(engine, tmp_path, "heart"), recording(engine, tmp_path / "soft", "male", gain=0.2)
    request = SpeechRequest("And then it rained.", "male", FORMAT)

    levels = [
        speech_level(samples(engine.infill(request, left, right)))
        for left, right in [(loud, None), (None, soft), (loud, soft)]
    ]

    expected = [-19.8, -19.8 - 14, -19.8 - 7]
    assert levels == pytest.approx(expected, abs=2.5)


def test_only_what_is_new_is_returned(engine: LocalEngine, tmp_path: Path) -> None:
    request = SpeechRequest("And then it rained.", "heart", FORMAT)

    filled = samples(engine.infill(request, recording(engine, tmp_path, "heart"), None))

    assert filled.size == samples(engine.synthesize(request)).size


def test_a_gap_needs_a_side_and_words(engine: LocalEngine, tmp_path: Path) -> None:
    request = SpeechRequest("Rain.", "heart", FORMAT)

    with pytest.raises(UsageError, match="no recording on either side"):
        engine.infill(request, None, None)
    with pytest.raises(UsageError, match="nothing to say"):
        engine.infill(SpeechRequest("...", "heart", FORMAT), recording(engine, tmp_path, "heart"), None)


def test_silence_on_either_side_leaves_the_level(engine: LocalEngine, tmp_path: Path) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    request = SpeechRequest("Rain.", "heart", FORMAT)

    pairs = itertools.product([silence], [None, silence])
    assert {samples(engine.infill(request, left, right)).tobytes() for left, right in pairs} == {
        samples(engine.synthesize(request)).tobytes()
    }
