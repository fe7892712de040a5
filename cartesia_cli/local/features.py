"""What two voices have in common when they say the same: cepstra, and the path that pairs them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HOP = 0.010
"""Seconds from one frame to the next."""

_WIDTH = 0.025
_N_BANDS, _N_CEPSTRA = 40, 13
_LOWEST, _HIGHEST = 80.0, 7_600.0
_PRE_EMPHASIS = 0.97
_CHANGE_WEIGHT = 2.0
_SPEECH_RANGE = np.log(10) * 4
"""Nepers of power below the loudest frames within which a frame counts as speech."""


def measure_cepstra(samples: Floats, sample_rate: int) -> Floats:
    """Return (frames, 26): mel-frequency cepstra and how they change, alike for all voices and levels.

    Source: Davis and Mermelstein (1980), with each coefficient brought to mean 0 and
    deviation 1 over the frames that are speech.
    """
    width, hop = round(_WIDTH * sample_rate), round(HOP * sample_rate)
    if samples.size < width:
        samples = np.pad(samples, (0, width - samples.size))
    sharper = np.append(samples[:1], samples[1:] - np.float32(_PRE_EMPHASIS) * samples[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(sharper, width)[::hop]
    size = 1 << (width - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * np.hanning(width).astype(np.float32), size)) ** 2
    logs = np.log(power @ _mel_bands(sample_rate, size).T + 1e-8)
    cepstra = logs @ _cosines()
    loudness = logs.mean(axis=1)
    speech = loudness > np.percentile(loudness, 95) - _SPEECH_RANGE
    typical = cepstra[speech] if speech.sum() > 5 else cepstra
    level = np.clip((cepstra - typical.mean(axis=0)) / (typical.std(axis=0) + 1e-3), -4, 4)
    level[:, 0] = np.clip(level[:, 0], -3, 3)
    change = np.gradient(level, axis=0) if len(level) > 1 else np.zeros_like(level)
    return np.concatenate([level, np.clip(_CHANGE_WEIGHT * change, -3, 3)], axis=1).astype(np.float32)


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
    n, m = len(first), len(second)
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    steps = _by_diagonal(np.sqrt(np.maximum(squares, 0)).astype(np.float32))
    # totals[k + 2, i + 1] is the least sum of distances on a path to the pair (i, k - i).
    totals = np.full((n + m + 1, n + 1), np.inf, np.float32)
    totals[0, 0] = 0
    for k, step in enumerate(steps):
        two_before, before, here = totals[k : k + 3]
        least = np.minimum(before[1:], before[:-1])
        np.minimum(least, two_before[:-1], out=least)
        np.add(least, step, out=here[1:])
    return _trace(totals, n, m)


def _by_diagonal(distance: Floats) -> Floats:
    """Return (n + m - 1, n) for (n, m): row k holds the pairs (i, k - i), infinite where there are none."""
    n, m = distance.shape
    padded = np.full((n, n + m), np.inf, np.float32)
    padded[:, :m] = distance
    skewed = padded.ravel()[: n * (n + m - 1)].reshape(n, n + m - 1)
    return np.ascontiguousarray(skewed.T)


def _trace(totals: Floats, n: int, m: int) -> Pairing:
    """Return the pairing that the totals came from, followed back from its end."""
    sums, counts = np.zeros(n), np.zeros(n)
    i, j, length = n - 1, m - 1, 0
    while i >= 0 and j >= 0:
        sums[i] += j
        counts[i] += 1
        length += 1
        k = i + j
        corner, up, left = totals[k, i], totals[k + 1, i], totals[k + 1, i + 1]
        if corner <= up and corner <= left:
            i, j = i - 1, j - 1
        elif up <= left:
            i -= 1
        else:
            j -= 1
    return Pairing(sums / counts, float(totals[n + m, n]) / length)


@lru_cache(maxsize=4)
def _mel_bands(sample_rate: int, size: int) -> Floats:
    """Return (bands, size / 2 + 1): triangles that are equally wide on the mel scale."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST, min(_HIGHEST, sample_rate / 2)))
    edges = 700 * (10 ** (np.linspace(low, high, _N_BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(size, 1 / sample_rate)
    below, centre, above = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - below) / (centre - below), (above - hertz) / (above - centre)
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """Return (bands, cepstra): the discrete cosine transform of type 2."""
    angles = np.pi / _N_BANDS * np.outer(np.arange(_N_BANDS) + 0.5, np.arange(_N_CEPSTRA))
    return np.cos(angles).astype(np.float32)
