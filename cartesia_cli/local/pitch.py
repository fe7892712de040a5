"""How high someone speaks, and how fast: measured in frames of ten milliseconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.waveform import SAMPLE_RATE, Floats

STEP = SAMPLE_RATE // 100
"""Samples from one frame to the next: 10 ms."""

SIZE = SAMPLE_RATE // 20
"""Samples in one frame: 50 ms, three periods of the lowest voice."""

_LOWEST, _HIGHEST = 65.0, 500.0
"""Hertz between which a voice is looked for."""

_FFT_SIZE = 4_096
_VOICED = 0.5
"""Least correlation of a frame with itself a period later."""

_NEARLY = 0.87
"""Part of the best correlation at which a shorter period is taken: the double of a period correlates too."""

_QUIETEST = 10 ** (-50 / 20)
_SILENCE = 25.0
"""Decibels below the loud parts of a recording at which nobody speaks."""

_DIP = 1.5
"""Decibels by which the level falls and rises again between two syllables."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What was measured, frame by frame."""

    pitch: NDArray[np.float64]
    """Hertz; 0 where there is no voice."""

    level: NDArray[np.float64]
    """Decibels of full scale."""


def measure(samples: Floats) -> Frames:
    """Return the frames of a sound at 24 kHz.

    Frame ``n`` begins at sample ``n * STEP``; what is left at the end is in none.
    """
    if samples.size < SIZE:
        return Frames(np.zeros(0), np.zeros(0))
    frames = np.lib.stride_tricks.sliding_window_view(samples, SIZE)[::STEP]
    parts = [_measure(frames[start : start + 500]) for start in range(0, len(frames), 500)]
    return Frames(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _measure(frames: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return pitch and level of (n, SIZE) frames."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    power = np.mean(centred.astype(np.float64) ** 2, axis=1)
    level = 10 * np.log10(power + 1e-12)
    window = np.hanning(SIZE)
    correlation = _correlation(centred * window) / np.maximum(_correlation(window[None]), 1e-9)
    correlation /= np.maximum(correlation[:, :1], 1e-12)
    first, last = int(SAMPLE_RATE / _HIGHEST), int(SAMPLE_RATE / _LOWEST)
    inner = correlation[:, first : last + 1]
    is_peak = (inner >= correlation[:, first - 1 : last]) & (inner > correlation[:, first + 1 : last + 2])
    peaks = np.where(is_peak, inner, 0.0)
    best = peaks.max(axis=1)
    index = np.argmax(peaks >= np.maximum(best[:, None] * _NEARLY, 1e-9), axis=1)
    is_voiced = (best >= _VOICED) & (power > _QUIETEST**2)
    rows, lags = np.arange(len(frames)), index + first
    before, here, after = (correlation[rows, lags + shift] for shift in (-1, 0, 1))
    # The vertex of the parabola through the peak and its neighbours.
    bend = before - 2 * here + after
    shift = np.where(bend < -1e-9, 0.5 * (before - after) / np.minimum(bend, -1e-9), 0.0)
    return np.where(is_voiced, SAMPLE_RATE / (lags + np.clip(shift, -0.5, 0.5)), 0.0), level


def _correlation(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the autocorrelation of each frame, for lags up to half of it and a few more."""
    spectra = np.abs(np.fft.rfft(frames, n=_FFT_SIZE, axis=1)) ** 2
    return np.fft.irfft(spectra, axis=1)[:, : SIZE // 2 + 2]


def typical_pitch(frames: Frames) -> float | None:
    """Return the median pitch in hertz; None where too little of a voice is heard to tell."""
    voiced = frames.pitch[frames.pitch > 0]
    return float(np.median(voiced)) if voiced.size >= 20 else None


def syllable_rate(frames: Frames) -> float | None:
    """Return the syllables heard in a second of speech, pauses left out; None if nobody speaks.

    Of two that run into each other one is missed, the more often the faster someone speaks.
    """
    if frames.level.size == 0:
        return None
    level = frames.level
    speech = level > np.percentile(level, 95) - _SILENCE
    n_syllables, lowest, highest = 0, np.inf, -np.inf
    for here, pitch, is_speech in zip(level, frames.pitch, speech, strict=True):
        if here > highest and here - lowest >= _DIP and pitch > 0 and is_speech:
            highest = here
        elif highest > -np.inf and highest - here >= _DIP:
            n_syllables += 1
            lowest, highest = here, -np.inf
        lowest = min(lowest, here)
    n_syllables += highest > -np.inf
    seconds = float(speech.sum()) * STEP / SAMPLE_RATE
    return n_syllables / seconds if n_syllables and seconds else None
