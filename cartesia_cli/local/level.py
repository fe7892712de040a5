"""How loud speech is: silence at its ends, and peaks that would clip."""

import numpy as np

from cartesia_cli.local.waveform import SAMPLE_RATE, Floats

CEILING = 10 ** (-1.5 / 20)
"""No sample is louder. Half a decibel below -1 dBFS leaves room for what resampling adds."""

_SILENCE = 10 ** (-60 / 20)
_STEP = SAMPLE_RATE // 200
"""Samples in the 5 ms for which one level is measured."""

_LEAD, _TAIL = 0.010, 0.025
"""Seconds of near-silence that stay before and after speech, so that no consonant is cut."""

_FADE = 0.004
_BLOCK = SAMPLE_RATE // 1000
_REACH = 5
"""Blocks of 1 ms: how far before and after a peak the limiter lowers the level."""


def find_speech(samples: Floats) -> tuple[int, int]:
    """Return where speech begins and ends, as sample numbers; equal if there is none."""
    n_steps = samples.size // _STEP
    level = np.sqrt(np.mean(samples[: n_steps * _STEP].reshape(n_steps, _STEP) ** 2, axis=1))
    loud = np.flatnonzero(level > _SILENCE)
    if loud.size == 0:
        return 0, 0
    start = int(loud[0]) * _STEP - round(_LEAD * SAMPLE_RATE)
    stop = (int(loud[-1]) + 1) * _STEP + round(_TAIL * SAMPLE_RATE)
    return max(0, start), min(samples.size, stop)


def fade_ends(samples: Floats) -> Floats:
    """Return the samples rising from and falling to nothing within 4 ms."""
    n = min(round(_FADE * SAMPLE_RATE), samples.size // 2)
    slope = np.linspace(0.0, 1.0, n, endpoint=False, dtype=np.float32)
    faded = samples.copy()
    faded[:n] *= slope
    faded[samples.size - n :] *= slope[::-1]
    return faded


def limit(samples: Floats) -> Floats:
    """Return the samples with no peak above the ceiling, lowered smoothly around each.

    The gain of a block is the least that any block within reach needs, averaged over the same
    reach: an average of such minima is never more than the block in the middle needs.
    """
    if samples.size == 0 or float(np.max(np.abs(samples))) <= CEILING:
        return samples
    n_blocks = -(-samples.size // _BLOCK)
    padded = np.pad(samples, (0, n_blocks * _BLOCK - samples.size))
    peaks = np.max(np.abs(padded.reshape(n_blocks, _BLOCK)), axis=1)
    needed = np.minimum(1.0, CEILING / np.maximum(peaks, CEILING))
    # One block more than is averaged, since the gain between two blocks' middles is a straight line.
    around = np.pad(needed, 2 * _REACH + 1, constant_values=1.0)
    least = np.lib.stride_tricks.sliding_window_view(around, 2 * _REACH + 3).min(axis=1)
    smooth = np.lib.stride_tricks.sliding_window_view(least, 2 * _REACH + 1).mean(axis=1)
    middles = np.arange(smooth.size) * _BLOCK + (_BLOCK - 1) / 2 - (smooth.size - n_blocks) // 2 * _BLOCK
    gain = np.interp(np.arange(samples.size), middles, smooth)
    limited: Floats = samples * gain.astype(np.float32)
    return limited
