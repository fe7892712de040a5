"""What a source sends, as samples for a device."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.models import AudioFormat

if TYPE_CHECKING:
    from cartesia_cli.audio.resample import StreamResampler

_PIECE = 0.25
"""Seconds of sound decoded at a time, so that a long chunk takes no memory of its length."""

_KNEE = 0.8
"""Level above which an amplified sound is bent, so that no gain makes it leave full scale."""


class Conversion:
    """Decodes, resamples and amplifies sound that is still arriving, cut anywhere.

    Args:
        source: encoding and sample rate of what is given; raw samples.
        sample_rate: of what is returned, in hertz.
        gain_db: louder or softer, in decibels.
    """

    def __init__(self, source: AudioFormat, sample_rate: int, gain_db: float) -> None:
        self._source = source
        self._sample_rate = sample_rate
        self._gain_db = gain_db
        self._resampler: StreamResampler | None = None
        self._rest = b""

    def pieces(self, data: bytes) -> Iterator[NDArray[np.float32]]:
        """Yield the samples in ``data``, a moment of sound at a time."""
        width = self._source.encoding.sample_width
        data = self._rest + data
        whole = len(data) - len(data) % width
        self._rest = data[whole:]
        step = math.ceil(_PIECE * self._source.sample_rate) * width
        for start in range(0, whole, step):
            piece = memoryview(data)[start : min(start + step, whole)]
            yield self._converted(pcm.decode(piece, self._source.encoding), last=False)

    def cut(self) -> None:
        """Drop half a sample at the end of what was given."""
        self._rest = b""

    def end(self) -> NDArray[np.float32]:
        """Return what was held back; what is given after it is a new sound."""
        self.cut()
        return self._converted(np.empty(0, np.float32), last=True)

    def _converted(self, samples: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        if self._sample_rate != self._source.sample_rate:
            from cartesia_cli.audio.resample import StreamResampler

            resampler = self._resampler or StreamResampler(self._source.sample_rate, self._sample_rate)
            self._resampler = None if last else resampler
            samples = resampler.process(samples, last=last)
        return amplify(samples, self._gain_db)


def amplify(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Return ``samples`` louder or softer, within full scale; NaN becomes silence.

    Made softer, or left alone, they keep their shape. Made louder, what rises above 0.8 is bent
    towards 1.0 (tanh), which sounds less harsh than cutting it off.
    """
    samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    if gain_db:
        samples = samples * np.float32(10 ** (gain_db / 20))
    if gain_db > 0:
        level = np.abs(samples)
        bent = _KNEE + (1 - _KNEE) * np.tanh((level - _KNEE) / (1 - _KNEE))
        samples = np.where(level > _KNEE, np.copysign(bent, samples), samples)
    limited: NDArray[np.float32] = np.clip(samples, -1.0, 1.0)
    return limited
