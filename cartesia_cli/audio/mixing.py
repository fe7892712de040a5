"""Several channels into one."""

import numpy as np
from numpy.typing import NDArray

_OPPOSITE = -0.5
"""Correlation below which a channel is taken to be the wrong way round."""

_MEMORY = 0.9
"""How much of what is known of the channels stays from block to block."""


class MonoMix:
    """The mean of all channels, in which none cancels another.

    A channel that is mostly the negative of the loudest, as where a cable was soldered the wrong way
    round, is turned over first: the plain mean of such a recording is silence.
    """

    def __init__(self, n_channels: int) -> None:
        self._products = np.zeros((n_channels, n_channels))

    def mix(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n,) for the next (n, channels). NaN and infinity become silence."""
        finite = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        if finite.shape[1] == 1:
            return finite[:, 0]
        wide = finite.astype(np.float64)
        self._products = _MEMORY * self._products + wide.T @ wide
        energies = self._products.diagonal()
        loudest = int(energies.argmax())
        scale = np.sqrt(energies * energies[loudest])
        opposite = self._products[loudest] < _OPPOSITE * scale
        mixed: NDArray[np.float64] = (wide * np.where(opposite, -1.0, 1.0)).mean(axis=1)
        return mixed.astype(np.float32)
