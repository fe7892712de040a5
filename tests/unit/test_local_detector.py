from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from cartesia_cli.local.detector import FRAMES_PER_SECOND, find_speech, measure_levels
from cartesia_cli.local.recognizer import SAMPLE_RATE
from cartesia_cli.local.segments import Segment, cut_segments

Samples = NDArray[np.float32]
NONE: Samples = np.zeros(0, np.float32)


def noise(seconds: float, level: float = 1e-4) -> Samples:
    rng = np.random.default_rng(round(seconds * 1000))
    return (rng.standard_normal(round(seconds * SAMPLE_RATE)) * level).astype(np.float32)


def voice(seconds: float) -> Samples:
    """Return something as loud and as restless as speech: a buzz that swells four times a second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    return (0.1 * buzz * (0.55 + 0.45 * np.cos(2 * np.pi * 4 * time))).astype(np.float32)


def scene(*parts: Samples) -> Samples:
    return np.concatenate(parts) + noise(sum(part.size for part in parts) / SAMPLE_RATE)


def cut(samples: Samples, size: int = 4_000) -> list[Segment]:
    return [*cut_segments(samples[start : start + size] for start in range(0, samples.size, size))]


def test_levels_are_in_decibels_of_full_scale_within_the_band_of_voices() -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE

    heard = measure_levels(np.sin(2 * np.pi * 1_000 * time).astype(np.float32))
    hum = measure_levels(np.sin(2 * np.pi * 50 * time).astype(np.float32))

    assert heard.size == FRAMES_PER_SECOND
    assert np.median(heard) == pytest.approx(0, abs=3)
    assert np.median(hum) < -40


@pytest.mark.parametrize("level", [1.0, 0.01])
def test_speech_is_found_where_it_is_at_any_level(level: float) -> None:
    samples = scene(noise(1.0), voice(2.0), noise(1.5), voice(1.0), noise(1.0)) * np.float32(level)

    runs = find_speech(measure_levels(samples), NONE)

    edges = [edge / FRAMES_PER_SECOND for run in runs for edge in (run.start, run.stop)]
    assert edges == pytest.approx([1.0, 3.0, 4.5, 5.5], abs=0.25)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(5 * SAMPLE_RATE, np.float32),
        np.full(5 * SAMPLE_RATE, 0.5, np.float32),
        noise(5.0, 1e-2),
        noise(5.0, 0.2),
        (0.3 * np.sin(np.arange(5 * SAMPLE_RATE) * 0.17)).astype(np.float32),
    ],
    ids=["silence", "offset", "hiss", "loud hiss", "tone"],
)
def test_what_stays_the_same_is_background(samples: Samples) -> None:
    assert cut(samples) == []


def test_a_recording_without_samples_has_no_segments() -> None:
    assert cut(NONE) == []


def test_segments_are_cut_in_pauses_and_are_not_too_long() -> None:
    rng = np.random.default_rng(3)
    parts, spoken, at = [], [], 0.0
    for _ in range(30):
        length, pause = rng.uniform(0.8, 4.0), rng.uniform(0.4, 0.9)
        parts += [voice(length), noise(pause)]
        spoken.append((at, at + length))
        at += length + pause
    samples = scene(*parts)

    segments = cut(samples)

    assert max(segment.end - segment.start for segment in segments) <= 15.5
    assert sum(segment.end - segment.start > 4.5 for segment in segments) >= len(segments) - 1
    for start, end in spoken:
        within = [s for s in segments if s.start <= start + 0.05 and end - 0.05 <= s.end]
        assert len(within) == 1, (start, end)


def test_a_long_pause_always_cuts() -> None:
    segments = cut(scene(voice(1.0), noise(2.0), voice(1.0)))

    assert [segment.start for segment in segments] == pytest.approx([0.0, 3.0], abs=0.2)


def test_speech_without_a_pause_is_cut_all_the_same_and_nothing_is_lost() -> None:
    samples = scene(noise(1.0), voice(40.0), noise(1.0))

    segments = cut(samples)

    assert max(segment.end - segment.start for segment in segments) <= 15.5
    assert all(a.end == pytest.approx(b.start, abs=0.3) for a, b in pairwise(segments))
    assert segments[0].start == pytest.approx(1.0, abs=0.3)
    assert segments[-1].end == pytest.approx(41.0, abs=0.3)


def test_the_size_of_the_blocks_makes_no_difference() -> None:
    samples = scene(voice(3.0), noise(0.5), voice(6.0), noise(1.5), voice(20.0), noise(3.0))

    whole, in_pieces = cut(samples, samples.size), cut(samples, 777)

    assert [(s.start, s.samples.size) for s in whole] == [(s.start, s.samples.size) for s in in_pieces]


def test_a_segment_holds_the_samples_of_its_time() -> None:
    samples = scene(noise(1.0), voice(2.0), noise(30.0), voice(2.0), noise(1.0))

    for segment in cut(samples):
        first = round(segment.start * SAMPLE_RATE)
        assert np.array_equal(segment.samples, samples[first : first + segment.samples.size])
