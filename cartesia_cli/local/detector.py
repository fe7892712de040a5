"""Tells speech from the background by its level in the band that voices use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.recognizer import SAMPLE_RATE

Levels = NDArray[np.float32]
"""One level a frame, in dB of full scale."""

FRAME = SAMPLE_RATE // 100
"""Samples from one frame to the next: 10 ms."""

FRAMES_PER_SECOND = SAMPLE_RATE // FRAME

_SIZE = 512
UNSURE = -(-(_SIZE - FRAME) // FRAME)
"""How many frames at the end reach beyond it, so that what follows changes their level."""

_BAND = slice(round(150 * _SIZE / SAMPLE_RATE), round(4_000 * _SIZE / SAMPLE_RATE))
"""150 to 4,000 Hz: above the hum of the mains, below most of a hiss."""

_FAINTEST = -90.0
"""dBFS. What is fainter is silence even in a recording of nothing else: the noise of 16 bits."""

_ABOVE_FLOOR = 7.0
_OF_RANGE = 0.25
_BELOW_PEAK = 45.0
"""dB above the background, and what part of the range between it and the loudest, speech must have."""

_CLOSED_GAP = round(0.25 * FRAMES_PER_SECOND)
_SHORTEST = round(0.06 * FRAMES_PER_SECOND)
BEFORE, AFTER = round(0.12 * FRAMES_PER_SECOND), round(0.16 * FRAMES_PER_SECOND)
"""Frames: gaps within words and phrases, clicks, and the faint consonants before and after."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames of speech."""

    start: int
    stop: int
    """The first frame that is not in it."""


def measure_levels(samples: NDArray[np.float32]) -> Levels:
    """Return the level of every whole frame within 150 to 4,000 Hz, in dBFS."""
    n_frames = samples.size // FRAME
    if n_frames == 0:
        return np.zeros(0, np.float32)
    padded = np.pad(samples[: n_frames * FRAME], (0, _SIZE - FRAME))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::FRAME] * _window()
    power = np.abs(np.fft.rfft(windows, axis=1)[:, _BAND]) ** 2
    levels: Levels = (10 * np.log10(power.sum(axis=1) + 1e-12)).astype(np.float32)
    return levels


def smooth_levels(levels: Levels) -> Levels:
    """Return the mean of each level and its neighbours."""
    padded = np.pad(levels, 1, "edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / np.float32(3)


def find_speech(levels: Levels, before: Levels, least: float = _FAINTEST) -> list[Run]:
    """Return where speech may be, in order.

    Args:
        levels: those in question.
        before: what came before, from which the background is known as well.
        least: dBFS; what is fainter is no speech, whatever the background.
    """
    if levels.size == 0:
        return []
    known = np.concatenate([before, levels])
    floor, peak = (max(_FAINTEST, float(value)) for value in np.percentile(known, [10, 97]))
    threshold = max(floor + _ABOVE_FLOOR, floor + _OF_RANGE * (peak - floor), peak - _BELOW_PEAK, least)
    loud = _runs(smooth_levels(levels) > threshold)
    merged = _merge([run for run in loud if run.stop - run.start >= _SHORTEST], _CLOSED_GAP)
    wider = [Run(max(0, run.start - BEFORE), min(levels.size, run.stop + AFTER)) for run in merged]
    return _merge(wider, 0)


def _merge(runs: list[Run], gap: int) -> list[Run]:
    """Return the runs, those joined that at most ``gap`` frames lie between."""
    merged: list[Run] = []
    for run in runs:
        if merged and run.start - merged[-1].stop <= gap:
            merged[-1] = Run(merged[-1].start, run.stop)
        else:
            merged.append(run)
    return merged


def _runs(flags: NDArray[np.bool_]) -> list[Run]:
    """Return the stretches of frames that are set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [Run(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _window() -> NDArray[np.float32]:
    """Return a Hann window whose transform of a full-scale sine has a power of about 1."""
    window = np.hanning(_SIZE)
    scaled: NDArray[np.float32] = (window * 2 / window.sum()).astype(np.float32)
    return scaled
