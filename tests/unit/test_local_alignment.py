from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio.resample import resample
from cartesia_cli.errors import UsageError
from cartesia_cli.local.alignment import FARTHEST, WordAligner
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.features import pair_frames
from cartesia_cli.local.recognizer import SAMPLE_RATE
from cartesia_cli.local.scripts import ScriptAligner, match_words
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest, WordTiming, WordTimings

SENTENCE = "Dr. Smith paid $42 for the ticket at 9:30, and flew to San Francisco on May 5th."


ENGINE = LocalEngine()


def speak(text: str, voice: str = "male") -> tuple[NDArray[np.float32], list[WordTiming]]:
    """Return the sound at 16 kHz and the engine's own times."""
    data = bytearray()
    words: list[WordTiming] = []
    request = SpeechRequest(text, voice, AudioFormat(sample_rate=24_000), word_timestamps=True)
    for event in ENGINE.synthesize(request):
        match event:
            case AudioChunk(chunk):
                data += chunk
            case WordTimings(timings):
                words += timings
            case _:
                pass
    return resample(np.frombuffer(data, "<f4").copy(), 24_000, SAMPLE_RATE), words


@pytest.fixture(scope="module")
def transcriber() -> LocalTranscriber:
    return LocalTranscriber()


@pytest.fixture(scope="module")
def aligner(transcriber: LocalTranscriber) -> WordAligner:
    return transcriber.models().aligner()


@pytest.fixture(scope="module")
def spoken() -> tuple[NDArray[np.float32], list[WordTiming]]:
    return speak(SENTENCE)


def is_in_order(times: NDArray[np.float64], duration: float) -> bool:
    flat = times.ravel()
    return bool(
        (np.diff(flat) >= -1e-9).all()
        and (times[:, 0] < times[:, 1]).all()
        and flat[0] >= 0
        and flat[-1] <= duration + 1e-9
    )


def test_words_are_found_where_the_voice_put_them(
    aligner: WordAligner, spoken: tuple[NDArray[np.float32], list[WordTiming]]
) -> None:
    samples, words = spoken
    rng = np.random.default_rng(0)
    heard = np.pad(samples, (8_000, 4_000)) + rng.normal(0, 0.003, samples.size + 12_000).astype(np.float32)

    times = aligner.align(SENTENCE.split(), heard)

    errors = np.abs(times[:, 0] - 0.5 - [word.start for word in words])
    assert is_in_order(times, heard.size / SAMPLE_RATE)
    assert np.median(errors) <= 0.040
    assert errors.max() <= 0.120


def test_other_words_are_farther_away_than_the_right_ones(
    aligner: WordAligner, spoken: tuple[NDArray[np.float32], list[WordTiming]]
) -> None:
    samples, _ = spoken
    wrong = ["My", "sister", "and", "her", "husband", "have", "been", "living", "in", "the", "house", "since"]

    assert aligner.distance(SENTENCE.split(), samples) < FARTHEST < aligner.distance(wrong, samples)


@pytest.mark.parametrize(
    "words",
    [
        ["Привет", "мир"],
        ["🙂", "—", "…"],
        ["the"] * 400,
        ["x" * 3_000],
        SENTENCE.replace("San", "🙂 — 東京").split(),
        ["And", "now", "for", "something", "completely", "different"],
        ["9" * 40],
    ],
    ids=["Russian", "emoji", "too many", "too long", "mixed", "other words", "digits"],
)
def test_words_that_cannot_be_spoken_or_do_not_fit_still_have_times_in_order(
    aligner: WordAligner, spoken: tuple[NDArray[np.float32], list[WordTiming]], words: Sequence[str]
) -> None:
    samples, _ = spoken

    times = aligner.align(words, samples)

    assert len(times) == len(words)
    assert is_in_order(times, samples.size / SAMPLE_RATE)


@pytest.mark.parametrize("n_samples", [1, 100, 1_000, 16_000])
def test_silence_of_any_length_has_room_for_words(aligner: WordAligner, n_samples: int) -> None:
    times = aligner.align(["one", "two", "three"], np.zeros(n_samples, np.float32))

    assert is_in_order(times, n_samples / SAMPLE_RATE)


def test_words_without_a_sound_stand_between_their_neighbours(
    aligner: WordAligner, spoken: tuple[NDArray[np.float32], list[WordTiming]]
) -> None:
    samples, words = spoken
    text = SENTENCE.replace("and", "🙂 and").split()

    times = aligner.align(text, samples)

    place = text.index("🙂")
    assert times[place - 1, 1] <= times[place, 0] <= times[place, 1] <= times[place + 1, 0]
    assert times[place + 1, 0] == pytest.approx(words[place].start, abs=0.12)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_pairing_has_the_least_distance_of_all_paths(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (rng.standard_normal((size, 3)).astype(np.float32) for size in (n, m))

    pairing = pair_frames(first, second)

    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    least = np.full((n + 1, m + 1), np.inf)
    least[0, 0] = 0
    for i in range(n):
        for j in range(m):
            least[i + 1, j + 1] = distance[i, j] + min(least[i, j], least[i, j + 1], least[i + 1, j])
    steps = range(max(n, m), n + m)
    assert any(pairing.distance * length == pytest.approx(least[n, m], rel=1e-3) for length in steps)
    assert (np.diff(pairing.frames) >= 0).all()


@given(st.lists(st.sampled_from("abcdefg"), max_size=40), st.lists(st.sampled_from("abcdefg"), max_size=40))
def test_matched_words_are_equal_and_in_order(script: list[str], heard: list[str]) -> None:
    pairs = match_words(script, heard)

    assert all(script[i] == heard[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


def test_a_script_of_hours_is_matched_at_once() -> None:
    rng = np.random.default_rng(0)
    script = [f"w{n}" for n in rng.zipf(1.3, 30_000) % 5_000]
    heard = [word if rng.random() > 0.05 else "misheard" for word in script]
    del heard[10_000:12_000]

    pairs = match_words(script, heard)

    assert len(pairs) > 0.9 * len(heard)


def test_a_script_keeps_its_own_words_over_segments(transcriber: LocalTranscriber, tmp_path: Path) -> None:
    script = (
        "Dr. Smith paid $42 for the ticket at 9:30. He flew to San Francisco — 🙂 on May 5th!\n\n"
        "The museum is open every day except Monday, from 10 to 6. Turn left at the second traffic light.\n"
        "About 65% of the students passed the final examination; the others will try again next year."
    )
    first, words = speak(script.replace(" — 🙂", ""))
    path = tmp_path / "a.flac"
    soundfile.write(path, first, SAMPLE_RATE)

    found = ScriptAligner(transcriber).align(script, path)

    assert [word.word for word in found] == script.split()
    times = np.array([(word.start, word.end) for word in found])
    assert is_in_order(times, first.size / SAMPLE_RATE)
    starts = {n: word.start for n, word in enumerate(w for w in found if w.word not in "—🙂")}
    errors = [abs(starts[n] - word.start) for n, word in enumerate(words)]
    assert np.median(errors) <= 0.040
    assert max(errors) <= 0.25


def test_a_script_of_another_recording_is_refused(transcriber: LocalTranscriber, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(
        path, speak("Turn left at the second traffic light, then drive for 2 miles.")[0], SAMPLE_RATE
    )

    with pytest.raises(UsageError, match="does not say"):
        ScriptAligner(transcriber).align("My sister Elizabeth has moved. She lives in Boston.", path)
