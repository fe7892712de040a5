import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cartesia_cli.audio.resample import resample
from cartesia_cli.errors import UsageError
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.recognizer import SAMPLE_RATE, Recognizer, find_loop
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest

TEXT = "The quick brown fox jumps over the lazy dog near the river."


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    request = SpeechRequest(TEXT, "heart", AudioFormat(sample_rate=24_000))
    events = LocalEngine().synthesize(request)
    data = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    return resample(np.frombuffer(data, "<f4").copy(), 24_000, SAMPLE_RATE)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.fixture(scope="module")
def transcriber() -> LocalTranscriber:
    return LocalTranscriber()


def plain(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


@pytest.mark.parametrize(
    ("tokens", "n_kept"),
    [
        ([], 0),
        ([1, 2, 3, 4] * 2, 0),
        ([1, 2, 3, 4] * 3, 4),
        ([9, 9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], 6),
        ([1, 2, 3, 4, 5] * 3, 5),
        ([7, 7, 7, 7], 0),
        ([7] * 12, 4),
    ],
)
def test_the_same_tokens_three_times_in_a_row_are_kept_once(tokens: list[int], n_kept: int) -> None:
    assert find_loop(tokens) == n_kept


def test_a_recording_without_samples_has_no_words(recognizer: Recognizer) -> None:
    transcript = recognizer.transcribe(np.zeros(0, np.float32))

    assert transcript.text == ""
    assert transcript.duration == 0


@pytest.mark.parametrize("n_samples", [1, 100, 1_600])
def test_a_recording_of_any_shortness_is_taken(recognizer: Recognizer, n_samples: int) -> None:
    transcript = recognizer.transcribe(np.zeros(n_samples, np.float32))

    assert transcript.duration == pytest.approx(n_samples / SAMPLE_RATE)


@pytest.mark.parametrize("level", [1.0, 1e-3])
def test_every_word_has_its_confidence_at_any_level(
    recognizer: Recognizer, speech: NDArray[np.float32], level: float
) -> None:
    hearing = recognizer.spell(recognizer.listen(speech * np.float32(level)))

    assert plain(hearing.text) == plain(TEXT)
    assert hearing.confidence > 0.8
    assert len(hearing.words) == len(TEXT.split())
    assert all(0.3 < word.confidence <= 1 for word in hearing.words)


def test_an_impression_has_a_frame_for_every_hop(recognizer: Recognizer, speech: NDArray[np.float32]) -> None:
    frames = recognizer.listen(speech).frames(0.010)

    assert frames.shape == (speech.size // 160, 288)


def non_speech() -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    n = 8 * SAMPLE_RATE
    time = np.arange(n) / SAMPLE_RATE
    clicks = np.zeros(n)
    clicks[rng.integers(0, n, 20)] = 0.8
    notes = np.zeros(n)
    for start in range(0, n - SAMPLE_RATE, SAMPLE_RATE // 3):
        tone = time[: SAMPLE_RATE // 2]
        pitch = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        wave = sum(np.sin(2 * np.pi * pitch * k * tone) / k for k in range(1, 5))
        notes[start : start + tone.size] += 0.1 * np.exp(-4 * tone) * wave
    sounds = {
        "silence": np.zeros(n),
        "hiss": rng.standard_normal(n) * 0.05,
        "hum": sum(0.1 * np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 8)),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * time),
        "beeps": 0.3 * np.sin(2 * np.pi * 1_000 * time) * (time % 1 < 0.4),
        "clicks": np.convolve(clicks, np.exp(-np.arange(200) / 30), "same") + rng.standard_normal(n) * 1e-3,
        "notes": notes,
        "gusts": rng.standard_normal(n) * 0.05 * (1 + np.sin(2 * np.pi * 3 * time)),
    }
    return {name: np.asarray(sound, np.float32) for name, sound in sounds.items()}


@pytest.mark.parametrize(("name", "samples"), non_speech().items())
def test_what_is_not_speech_has_no_words(
    transcriber: LocalTranscriber, tmp_path: Path, name: str, samples: NDArray[np.float32]
) -> None:
    path = tmp_path / f"{name}.wav"
    soundfile.write(path, samples, SAMPLE_RATE)

    transcript = transcriber.transcribe(path, words=True)

    assert transcript.text == ""
    assert transcript.words == ()
    assert transcript.duration == 8.0


def test_a_transcript_has_words_with_times_and_confidence(
    transcriber: LocalTranscriber, tmp_path: Path, speech: NDArray[np.float32]
) -> None:
    path = tmp_path / "a.ogg"
    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    soundfile.write(path, np.concatenate([pause, speech, pause, speech]), SAMPLE_RATE)
    shares: list[float] = []

    transcript = transcriber.transcribe(path, words=True, progress=shares.append)

    assert plain(transcript.text) == plain(TEXT) * 2
    assert [word.word for word in transcript.words] == transcript.text.split()
    assert all(a.start < a.end <= b.start for a, b in pairwise(transcript.words))
    assert all(word.confidence and word.confidence > 0.3 for word in transcript.words)
    assert transcript.words[0].start == pytest.approx(2.0, abs=0.1)
    assert transcript.words[12].start == pytest.approx(4.0 + speech.size / SAMPLE_RATE, abs=0.1)
    assert transcript.duration == pytest.approx(4.0 + 2 * speech.size / SAMPLE_RATE, abs=0.01)
    assert transcript.language == "en"
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1


def test_samples_without_a_header_are_transcribed(
    transcriber: LocalTranscriber, speech: NDArray[np.float32]
) -> None:
    data = (speech * 32_767).astype("<i2").tobytes()

    transcript = transcriber.transcribe(
        io.BytesIO(data), words=False, encoding="pcm_s16le", sample_rate=SAMPLE_RATE
    )

    assert plain(transcript.text) == plain(TEXT)
    assert transcript.words == ()


def test_two_threads_hear_what_one_hears(speech: NDArray[np.float32]) -> None:
    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    blocks = [speech, pause] * 3

    one, two = ([*LocalTranscriber(n_threads=n).passages(blocks, words=True)] for n in (1, 2))

    assert one == two
    assert len(one) == 3


@pytest.mark.parametrize("language", ["fr", "de-DE", "zh"])
def test_other_languages_are_refused(transcriber: LocalTranscriber, language: str) -> None:
    with pytest.raises(UsageError, match="English only"):
        transcriber.transcribe(io.BytesIO(b""), language=language)


def test_english_of_any_kind_is_taken_and_models_can_be_freed(
    speech: NDArray[np.float32], tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, speech, SAMPLE_RATE)
    transcriber = LocalTranscriber()

    transcriber.transcribe(path, language="en_GB")
    transcriber.close()

    assert plain(transcriber.transcribe(path, language="EN").text) == plain(TEXT)
