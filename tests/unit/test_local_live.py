import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from cartesia_cli.audio.decoders import RAW_ENCODINGS
from cartesia_cli.audio.pcm import encode
from cartesia_cli.audio.resample import resample
from cartesia_cli.errors import UsageError
from cartesia_cli.local.agreement import Agreement
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.local.growing import GrowingSegments
from cartesia_cli.local.intake import STEP, Intake
from cartesia_cli.local.recognizer import SAMPLE_RATE
from cartesia_cli.local.segments import Segment
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    ListenRequest,
    SpeechRequest,
    TranscriptUpdate,
)

Samples = NDArray[np.float32]

FOX = "The quick brown fox jumps over the lazy dog near the river."
WEATHER = "Tomorrow morning the weather will be sunny and warm."
REQUEST = ListenRequest("pcm_s16le", SAMPLE_RATE)
TURNS = ListenRequest("pcm_s16le", SAMPLE_RATE, turns=True)


def synthesize(text: str) -> Samples:
    request = SpeechRequest(text, "heart", AudioFormat(sample_rate=24_000))
    events = LocalEngine().synthesize(request)
    data = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    return resample(np.frombuffer(data, "<f4").copy(), 24_000, SAMPLE_RATE)


@pytest.fixture(scope="module")
def fox() -> Samples:
    return synthesize(FOX)


@pytest.fixture(scope="module")
def weather() -> Samples:
    return synthesize(WEATHER)


@pytest.fixture(scope="module")
def talk(fox: Samples, weather: Samples) -> Samples:
    """Return two sentences, with half a second before, a second between and a second after them."""
    return np.concatenate([quiet(0.5), fox, quiet(1.0), weather, quiet(1.0)])


@pytest.fixture(scope="module")
def transcriber() -> LocalTranscriber:
    return LocalTranscriber()


@pytest.fixture(scope="module")
def heard(transcriber: LocalTranscriber, talk: Samples) -> list[TranscriptUpdate]:
    return [*transcriber.listen(REQUEST, pieces(s16(talk)))]


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def noise(seconds: float, level: float) -> Samples:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * SAMPLE_RATE)) * level).astype(np.float32)


def s16(samples: Samples) -> bytes:
    return encode(samples, Encoding.PCM_S16LE)


def pieces(data: bytes, size: int = 3_201) -> Iterator[bytes]:
    """Yield bytes as they might arrive: 0.1 s at a time, cut inside samples, some of them empty."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
        yield b""


def plain(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()


def whole(updates: list[TranscriptUpdate]) -> list[TranscriptUpdate]:
    return [update for update in updates if update.kind != "interim"]


def wait_until(condition: object, seconds: float = 5.0) -> bool:
    """Return whether a condition came true in time."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def intakes() -> int:
    return sum(thread.name == "intake" for thread in threading.enumerate())


class Microphone:
    """Gives the next tenth of a second when it is told to, and waits until it is told."""

    def __init__(self, samples: Samples) -> None:
        self.turns = threading.Semaphore(0)
        self.given = 0
        self.is_closed = False
        self._data = s16(samples)

    def __iter__(self) -> Iterator[bytes]:
        size = STEP * 2
        for start in range(0, len(self._data), size):
            assert self.turns.acquire(timeout=30)
            if self.is_closed:
                return
            self.given += 1
            yield self._data[start : start + size]

    def close(self) -> None:
        self.is_closed = True
        self.turns.release()


# What is understood


def test_each_utterance_is_shown_while_it_grows_and_then_stands(heard: list[TranscriptUpdate]) -> None:
    kinds = [update.kind for update in heard]
    assert kinds.count("final") == 2
    assert kinds[0] == "interim"
    assert kinds[-1] == "final"
    assert "interim" in kinds[kinds.index("final") : -1]
    assert [plain(update.text) for update in whole(heard)] == [plain(FOX), plain(WEATHER)]
    assert all(a.text != b.text for a, b in pairwise(heard))


def test_a_word_that_is_shown_stays(heard: list[TranscriptUpdate]) -> None:
    utterance = heard[: [update.kind for update in heard].index("final") + 1]

    for earlier, later in pairwise(plain(update.text) for update in utterance):
        assert later[: len(earlier)] == earlier


def test_words_and_utterances_lie_on_the_time_of_the_sound(
    heard: list[TranscriptUpdate], fox: Samples
) -> None:
    finals = whole(heard)

    words = [word for final in finals for word in final.words]
    assert [word.word for word in words] == " ".join(final.text for final in finals).split()
    assert all(a.start < a.end <= b.start for a, b in pairwise(words))
    for final in finals:
        assert final.start is not None
        assert final.end is not None
        assert final.start <= final.words[0].start < final.words[-1].end <= final.end
    assert words[0].start == pytest.approx(0.5, abs=0.1)
    assert finals[1].words[0].start == pytest.approx(1.5 + fox.size / SAMPLE_RATE, abs=0.15)


def test_what_is_understood_live_is_what_is_understood_of_the_recording(
    transcriber: LocalTranscriber, talk: Samples, heard: list[TranscriptUpdate]
) -> None:
    passages = [*transcriber.passages([talk], words=True)]

    finals = whole(heard)
    assert plain(" ".join(final.text for final in finals)) == plain(" ".join(p.text for p in passages))
    starts = [word.start for final in finals for word in final.words]
    assert starts == pytest.approx([word.start for p in passages for word in p.words], abs=0.1)


def test_the_end_of_the_sound_gives_the_last_words_without_a_pause(
    transcriber: LocalTranscriber, weather: Samples
) -> None:
    loud = weather[: np.flatnonzero(np.abs(weather) > 0.01)[-1]]

    updates = [*transcriber.listen(TURNS, pieces(s16(loud)))]

    assert [plain(update.text) for update in whole(updates)] == [plain(WEATHER)]


def test_a_turn_only_grows_and_ends_as_a_turn(transcriber: LocalTranscriber, talk: Samples) -> None:
    updates = [*transcriber.listen(TURNS, pieces(s16(talk)))]

    assert [plain(update.text) for update in updates if update.kind == "turn"] == [plain(FOX), plain(WEATHER)]
    assert {update.kind for update in updates} == {"interim", "turn"}
    assert not any(update.words for update in updates)
    for earlier, later in pairwise(updates):
        assert earlier.kind == "turn" or later.kind == "turn" or later.text.startswith(earlier.text)


def test_the_way_in_which_sound_is_cut_makes_no_difference(
    transcriber: LocalTranscriber, talk: Samples, heard: list[TranscriptUpdate]
) -> None:
    updates = [*transcriber.listen(REQUEST, pieces(s16(talk), 77))]

    assert whole(updates) == whole(heard)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(0, np.float32), quiet(4.0), noise(4.0, 1e-4), noise(4.0, 0.1), quiet(0.001)],
    ids=["nothing", "silence", "faint noise", "loud noise", "a millisecond"],
)
def test_where_nobody_speaks_there_are_no_updates(transcriber: LocalTranscriber, sound: Samples) -> None:
    assert [*transcriber.listen(REQUEST, pieces(s16(sound)))] == []


def test_speech_in_noise_is_understood(transcriber: LocalTranscriber, weather: Samples) -> None:
    sound = np.concatenate([quiet(1.5), weather, quiet(1.5)])
    sound += noise(sound.size / SAMPLE_RATE, 0.003)

    finals = whole([*transcriber.listen(TURNS, pieces(s16(sound)))])

    assert [plain(final.text) for final in finals] == [plain(WEATHER)]


# What the request says


def encoded(samples: Samples, encoding: str) -> bytes:
    match encoding:
        case "pcm_s32le":
            return (samples.astype(np.float64) * (2**31 - 1)).astype("<i4").tobytes()
        case "pcm_f16le":
            return samples.astype("<f2").tobytes()
        case _:
            return encode(samples, Encoding(encoding))


@pytest.mark.parametrize(("encoding", "sample_rate"), [("pcm_mulaw", 8_000), ("pcm_f32le", 48_000)])
def test_sound_of_another_kind_is_understood(
    transcriber: LocalTranscriber, weather: Samples, encoding: str, sample_rate: int
) -> None:
    sound = resample(np.concatenate([quiet(0.5), weather, quiet(1.0)]), SAMPLE_RATE, sample_rate)
    request = ListenRequest(encoding, sample_rate, turns=True)

    finals = whole([*transcriber.listen(request, pieces(encoded(sound, encoding), 1_001))])

    assert [plain(final.text) for final in finals] == [plain(WEATHER)]
    assert finals[0].start == pytest.approx(0.4, abs=0.15)


def test_a_longer_silence_can_be_asked_for(transcriber: LocalTranscriber, talk: Samples) -> None:
    request = ListenRequest("pcm_s16le", SAMPLE_RATE, max_silence=2.0, turns=True)

    finals = whole([*transcriber.listen(request, pieces(s16(talk)))])

    assert [plain(final.text) for final in finals] == [plain(f"{FOX} {WEATHER}")]


def test_what_is_fainter_than_asked_for_is_silence(transcriber: LocalTranscriber, weather: Samples) -> None:
    request = ListenRequest("pcm_s16le", SAMPLE_RATE, min_volume=0.05, turns=True)

    loud, faint = (
        whole([*transcriber.listen(request, pieces(s16(weather * np.float32(level))))]) for level in (1, 0.01)
    )

    assert [plain(final.text) for final in loud] == [plain(WEATHER)]
    assert faint == []


@pytest.mark.parametrize("language", ["fr", "de-DE"])
def test_other_languages_are_refused_at_once(transcriber: LocalTranscriber, language: str) -> None:
    with pytest.raises(UsageError, match="English only"):
        transcriber.listen(ListenRequest("pcm_s16le", SAMPLE_RATE, language=language), [])


@pytest.mark.parametrize(("encoding", "sample_rate"), [("mp3", 16_000), ("pcm_s16le", 0), ("pcm_s16le", -1)])
def test_sound_that_cannot_be_read_is_refused_at_once(
    transcriber: LocalTranscriber, encoding: str, sample_rate: int
) -> None:
    with pytest.raises(UsageError, match=r"cannot be (read|heard)\."):
        transcriber.listen(ListenRequest(encoding, sample_rate), [])


# How sound arrives


def test_words_are_shown_before_their_utterance_is_over(
    transcriber: LocalTranscriber, talk: Samples, fox: Samples
) -> None:
    microphone = Microphone(talk)
    updates = transcriber.listen(REQUEST, microphone)
    n_steps = (round(0.85 * SAMPLE_RATE) + fox.size) // STEP  # 0.35 s after the sentence: no pause yet
    for _ in range(n_steps):
        microphone.turns.release()

    first = next(updates)

    assert first.kind == "interim"
    assert plain(first.text) == plain(FOX)[: len(plain(first.text))]
    assert microphone.given <= n_steps
    updates.close()
    microphone.close()
    assert wait_until(lambda: intakes() == 0)


def test_a_final_comes_with_the_pause_and_not_with_the_next_word(
    transcriber: LocalTranscriber, talk: Samples, fox: Samples
) -> None:
    microphone = Microphone(talk)
    updates = transcriber.listen(REQUEST, microphone)
    for _ in range((round(1.4 * SAMPLE_RATE) + fox.size) // STEP):
        microphone.turns.release()

    final = next(update for update in updates if update.kind == "final")

    assert plain(final.text) == plain(FOX)
    updates.close()
    microphone.close()
    assert wait_until(lambda: intakes() == 0)


def test_closing_early_ends_the_thread_that_pulls_the_sound(
    transcriber: LocalTranscriber, talk: Samples
) -> None:
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield from pieces(s16(talk))
        finally:
            ended.set()

    updates = transcriber.listen(REQUEST, endless())
    next(updates)
    assert intakes() == 1

    updates.close()

    assert wait_until(lambda: intakes() == 0)
    assert wait_until(ended.is_set)


def test_a_generator_that_was_never_started_leaves_nothing_behind(transcriber: LocalTranscriber) -> None:
    transcriber.listen(REQUEST, pieces(b"")).close()

    assert intakes() == 0


def test_what_the_sound_raises_is_raised_after_the_words_before_it(
    transcriber: LocalTranscriber, weather: Samples
) -> None:
    def unplugged() -> Iterator[bytes]:
        yield from pieces(s16(weather))
        raise OSError("unplugged")

    updates = transcriber.listen(TURNS, unplugged())

    assert plain(next(update.text for update in updates if update.kind == "turn")) == plain(WEATHER)
    with pytest.raises(OSError, match="unplugged"):
        next(updates)
    assert wait_until(lambda: intakes() == 0)


# The parts


def test_the_thread_does_not_take_more_than_some_minutes_that_nobody_hears() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(2 * SAMPLE_RATE * 10)

    with Intake(endless(), "pcm_s16le", SAMPLE_RATE) as intake:
        assert wait_until(lambda: intake.waiting >= 180)
        seconds = intake.waiting

    assert seconds == 180
    assert taken <= 20
    assert wait_until(lambda: intakes() == 0)


@pytest.mark.parametrize("size", [7, 999, 1_000_000])
@pytest.mark.parametrize("n_missing", [0, 1, 3])
def test_sound_comes_out_as_it_went_in_but_for_half_a_sample(n_missing: int, size: int) -> None:
    sound = noise(1.234, 0.1)
    data = encode(sound, Encoding.PCM_F32LE)

    with Intake(pieces(data[: len(data) - n_missing], size), "pcm_f32le", SAMPLE_RATE) as intake:
        steps = [*intake.steps()]
        intake.check()

    assert np.array_equal(np.concatenate(steps), sound[: sound.size - (n_missing > 0)])
    assert all(step.size == STEP for step in steps[:-1])


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("encoding", RAW_ENCODINGS)
def test_sound_of_every_encoding_and_rate_comes_out_the_same(encoding: str, sample_rate: int) -> None:
    sound, wanted = (
        (0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)
        for rate in (sample_rate, SAMPLE_RATE)
    )

    with Intake(pieces(encoded(sound, encoding), 1_001), encoding, sample_rate) as intake:
        steps = [*intake.steps()]

    heard = np.concatenate(steps)
    assert heard.size == SAMPLE_RATE
    assert np.abs(heard - wanted)[200:-200].max() < 0.02


@pytest.mark.parametrize(
    ("hearings", "shown"),
    [
        ([["the", "cat"]], "the"),
        ([["the", "cat", "sat"], ["the", "cat", "sat", "on"]], "the cat sat"),
        # A stable word is not changed, nor is one put before it.
        ([["the", "cat", "x"], ["the", "cat", "x"], ["a", "cat", "sat", "x"]], "the cat sat"),
        ([["the", "cat", "x"], ["the", "cat", "x"], ["oh", "the", "cat", "sat", "x"]], "the cat sat"),
        ([["the", "cat", "x"], ["the", "cat", "x"], ["cat", "sat", "x"]], "the cat sat"),
        ([["the", "cat", "x"], ["the", "cat", "x"], []], "the cat"),
        # A word that was heard once may still change.
        ([["the", "cat", "x"], ["the", "dog", "x"]], "the dog"),
        # Its spelling is that of the hearing in which it became stable.
        ([["The", "cat.", "x"], ["the", "cat,", "x"], ["THE", "CAT", "sat", "x"]], "the cat, sat"),
    ],
)
def test_words_that_two_hearings_agree_on_stay(hearings: list[list[str]], shown: str) -> None:
    agreement = Agreement()

    for words in hearings:
        agreement.hear(words, is_pause=False)

    assert agreement.text == shown
    assert agreement.text.startswith(agreement.stable)


def test_the_last_word_counts_only_in_a_pause() -> None:
    agreement = Agreement()

    agreement.hear(["the", "cat."], is_pause=False)
    before = agreement.text
    agreement.hear(["the", "cat."], is_pause=True)

    assert (before, agreement.text) == ("the", "the cat")


def voice(seconds: float) -> Samples:
    """Return something as loud and as restless as speech."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20))
    return (0.1 * buzz * (0.55 + 0.45 * np.cos(2 * np.pi * 4 * times))).astype(np.float32)


def cut(samples: Samples, max_silence: float = 0.7) -> list[Segment]:
    growing = GrowingSegments(max_silence, 0.0)
    samples = samples + noise(samples.size / SAMPLE_RATE, 1e-4)
    found = []
    for start in range(0, samples.size, STEP):
        found += growing.add(samples[start : start + STEP])
        assert growing.length <= 16
    return [*found, *growing.finish()]


@pytest.mark.parametrize(("pause", "n_segments"), [(0.5, 1), (0.9, 2)])
def test_a_pause_ends_a_segment_if_it_is_long_enough(pause: float, n_segments: int) -> None:
    segments = cut(np.concatenate([quiet(1.0), voice(2.0), quiet(pause), voice(2.0), quiet(2.0)]))

    assert len(segments) == n_segments
    assert segments[0].start == pytest.approx(1.0, abs=0.25)
    assert segments[-1].end == pytest.approx(5.0 + pause, abs=0.3)


def test_a_segment_that_gets_too_long_is_cut_in_its_longest_pause() -> None:
    samples = np.concatenate([voice(4.0), quiet(0.4), voice(5.0), quiet(0.6), voice(8.0), quiet(1.0)])

    segments = cut(samples)

    assert [segment.start for segment in segments] == pytest.approx([0.0, 10.0], abs=0.2)


def test_speech_without_any_pause_is_cut_and_none_of_it_is_lost() -> None:
    segments = cut(np.concatenate([voice(20.0), quiet(1.0)]))

    assert max(segment.end - segment.start for segment in segments) <= 15.5
    assert all(a.end == pytest.approx(b.start, abs=0.3) for a, b in pairwise(segments))
    assert segments[-1].end == pytest.approx(20.0, abs=0.3)
