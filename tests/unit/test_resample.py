"""Resampling: length, position, what must pass and what must not."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio.resample import StreamResampler, resample
from cartesia_cli.models import SAMPLE_RATES

PAIRS = [(a, b) for a, b in itertools.permutations(SAMPLE_RATES, 2)]
DOWN = [(a, b) for a, b in PAIRS if a > b]
UP = [(a, b) for a, b in PAIRS if a < b]


def tone(frequency: float, rate: int, n_samples: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(n_samples) / rate)).astype(np.float32)


def middle(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leave out the ends, where a tone that begins at once is no tone."""
    return samples[samples.size // 4 : -samples.size // 4]


def decibels(samples: NDArray[np.float32]) -> float:
    """Level relative to a tone of amplitude 0.5."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) / 0.125 + 1e-20))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_tones_up_to_nine_tenths_of_nyquist_pass_unchanged(source: int, target: int) -> None:
    for share in (0.01, 0.3, 0.6, 0.8, 0.9):
        frequency = share * min(source, target) / 2

        resampled = resample(tone(frequency, source, source), source, target)

        assert abs(decibels(middle(resampled))) < 0.1
        error = middle(resampled - tone(frequency, target, target))
        assert decibels(error) < -50, "the sound was moved"


@pytest.mark.parametrize(("source", "target"), DOWN)
def test_what_lies_beyond_the_lower_nyquist_frequency_is_gone(source: int, target: int) -> None:
    for frequency in np.linspace(target / 2 * 1.002, source / 2 * 0.99, 5):
        resampled = resample(tone(frequency, source, source), source, target)

        assert decibels(middle(resampled)) < -80


@pytest.mark.parametrize(("source", "target"), UP)
def test_a_higher_rate_adds_no_images(source: int, target: int) -> None:
    for share in (0.1, 0.5, 0.9, 0.98):
        resampled = middle(resample(tone(share * source / 2, source, source), source, target))

        spectrum = np.abs(np.fft.rfft(resampled * np.blackman(resampled.size)))
        beyond = spectrum[np.fft.rfftfreq(resampled.size, 1 / target) > source / 2 * 1.003]
        assert 20 * np.log10(beyond.max() / spectrum.max()) < -80


@given(
    st.sampled_from([*PAIRS, (24_000, 24_000)]),
    st.lists(st.integers(0, 3_000), max_size=8),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_blocks_of_any_length_give_the_whole_and_its_exact_length(
    rates: tuple[int, int], sizes: list[int], seed: int
) -> None:
    source, target = rates
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, sum(sizes)).astype(np.float32)
    stream = StreamResampler(source, target)

    blocks = [stream.process(block) for block in np.split(samples, np.cumsum(sizes))]
    blocks.append(stream.process(np.zeros(0, np.float32), last=True))

    joined = np.concatenate(blocks)
    assert joined.size == (2 * samples.size * target + source) // (2 * source)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, resample(samples, source, target), atol=1e-6)


def test_the_same_rate_changes_nothing() -> None:
    samples = np.array([0.1, -2.0, np.nan], np.float32)

    assert resample(samples, 24_000, 24_000) is samples


def test_sound_comes_out_while_it_still_arrives() -> None:
    stream = StreamResampler(24_000, 44_100)

    ready = sum(stream.process(np.zeros(2_400, np.float32)).size for _ in range(10))

    assert ready > 0.9 * 44_100
