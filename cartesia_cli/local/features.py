"""What two voices have in common when they say the same: cepstra, and the path that pairs them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.recognizer import SAMPLE_RATE

Floats = NDArray[np.float32]

HOP = 0.010
"""Seconds from one frame to the next."""

_WIDTH = 0.025
_N_BANDS, _N_CEPSTRA = 40, 13
_LOWEST, _HIGHEST = 80.0, 7_600.0
_PRE_EMPHASIS = 0.97
_CHANGE_WEIGHT = 2.0
_CORNER, _UP, _LEFT = 0, 1, 2
"""Where a path came from: one frame back in both, in the first, in the second."""

_SOUND_WEIGHT = np.float32(8.0)
_SPEECH_RANGE = np.log(10) * 4
"""Nepers of power below the loudest frames within which a frame counts as speech."""


def measure_cepstra(samples: Floats) -> Floats:
    """Return (frames, 26): mel-frequency cepstra and how they change, alike for all voices and levels.

    Source: Davis and Mermelstein (1980), with each coefficient brought to mean 0 and
    deviation 1 over the frames that are speech.
    """
    width, hop = round(_WIDTH * SAMPLE_RATE), round(HOP * SAMPLE_RATE)
    samples = np.pad(samples, (0, max(0, hop - samples.size)))
    sharper = np.append(samples[:1], samples[1:] - np.float32(_PRE_EMPHASIS) * samples[:-1])
    sharper = np.pad(sharper, (width - hop) // 2)  # each frame in the middle of its window
    frames = np.lib.stride_tricks.sliding_window_view(sharper, width)[::hop]
    size = 1 << (width - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * np.hanning(width).astype(np.float32), size)) ** 2
    logs = np.log(power @ _mel_bands(size).T + 1e-8)
    cepstra = logs @ _cosines()
    loudness = logs.mean(axis=1)
    speech = loudness > np.percentile(loudness, 95) - _SPEECH_RANGE
    typical = cepstra[speech] if speech.sum() > 5 else cepstra
    level = np.clip((cepstra - typical.mean(axis=0)) / (typical.std(axis=0) + 1e-3), -4, 4)
    level[:, 0] = np.clip(level[:, 0], -3, 3)
    change = np.gradient(level, axis=0) if len(level) > 1 else np.zeros_like(level)
    return np.concatenate([level, np.clip(_CHANGE_WEIGHT * change, -3, 3)], axis=1).astype(np.float32)


def join_features(sounds: Floats, cepstra: Floats) -> Floats:
    """Return (frames, n): what a network heard and the cepstra of the same frames, in proportion.

    The network knows the sounds of a language whoever speaks; the cepstra know when they change.
    """
    n_frames = min(len(sounds), len(cepstra))
    relative = (sounds - sounds.mean(axis=0)) / (sounds.std(axis=0) + np.float32(1e-3))
    relative *= _SOUND_WEIGHT / (np.linalg.norm(relative, axis=1, keepdims=True) + 1e-6)
    return np.concatenate([relative[:n_frames], cepstra[:n_frames]], axis=1)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which frames of two recordings belong together."""

    frames: NDArray[np.float64]
    """For each frame of the first the mean of its frames in the second."""

    distance: float
    """How far apart the paired frames are on average."""


def pair_frames(first: Floats, second: Floats) -> Pairing:
    """Return the pairing with the least distance in total, in order and complete at both ends.

    Dynamic time warping (Sakoe and Chiba, 1978), one anti-diagonal at a time.
    """
    steps = _by_diagonal(first, second)
    n_diagonals, n = steps.shape
    choices = np.empty(steps.shape, np.int8)
    # Least sums of distances up to the pairs of three diagonals; [i + 1] is that of the first's frame i.
    two_before, before = np.full((2, n + 1), np.inf, np.float32)
    two_before[0] = 0
    for k, step in enumerate(steps):
        here = np.full(n + 1, np.inf, np.float32)
        up, left, corner = before[:-1], before[1:], two_before[:-1]
        least = np.minimum(up, left)
        choices[k] = np.where(corner <= least, _CORNER, np.where(up <= left, _UP, _LEFT))
        here[1:] = np.minimum(least, corner) + step
        two_before, before = before, here
    return _trace(choices, n_diagonals - n + 1, float(before[n]))


def _by_diagonal(first: Floats, second: Floats) -> Floats:
    """Return (n + m - 1, n) distances: row k holds the pairs (i, k - i), infinite where there are none."""
    n, m = len(first), len(second)
    padded = np.full((n, n + m), np.inf, np.float32)
    distance = padded[:, :m]
    np.matmul(first, -2 * second.T, out=distance)
    distance += (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    np.sqrt(np.maximum(distance, 0, out=distance), out=distance)
    return padded.ravel()[: n * (n + m - 1)].reshape(n, n + m - 1).T


def _trace(choices: NDArray[np.int8], m: int, total: float) -> Pairing:
    """Return the pairing that the choices led to, followed back from its end."""
    n = choices.shape[1]
    sums, counts = np.zeros(n), np.zeros(n)
    i, j, length = n - 1, m - 1, 0
    while i >= 0 and j >= 0:
        sums[i] += j
        counts[i] += 1
        length += 1
        choice = choices[i + j, i]
        i -= choice != _LEFT
        j -= choice != _UP
    return Pairing(sums / counts, total / length)


@lru_cache(maxsize=1)
def _mel_bands(size: int) -> Floats:
    """Return (bands, size / 2 + 1): triangles that are equally wide on the mel scale."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, _HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, _N_BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    below, centre, above = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - below) / (centre - below), (above - hertz) / (above - centre)
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """Return (bands, cepstra): the discrete cosine transform of type 2."""
    angles = np.pi / _N_BANDS * np.outer(np.arange(_N_BANDS) + 0.5, np.arange(_N_CEPSTRA))
    return np.cos(angles).astype(np.float32)
