"""Makes another timbre of the one voice: lower or higher, with a longer or shorter throat."""

import numpy as np

from cartesia_cli.local.waveform import BIN_WIDTH, LOWEST_PITCH, Floats, Spectra


def warp(spectra: Spectra, formant: float) -> Spectra:
    """Return the spectra with every resonance at ``formant`` times its frequency; the pitch stays.

    The model's harmonic part means something at the harmonics of its own pitch only; between them
    it may hold anything, which another pitch would make heard. So it is read at the harmonics, and
    what lies between two of them is a straight line.
    """
    spacing = np.where(spectra.pitch > LOWEST_PITCH, spectra.pitch / BIN_WIDTH, 1.0)
    every = np.ones(1)
    return Spectra(
        harmonic=_read(spectra.harmonic, formant, spacing),
        harmonic_phase=_read(spectra.harmonic_phase, formant, spacing),
        noise=_read(spectra.noise, formant, every),
        free=_read(spectra.free, formant, every),
        free_phase=_read(spectra.free_phase, formant, every),
        pitch=spectra.pitch,
    )


def _read(envelope: Floats, formant: float, spacing: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Floats:
    """Return (bins, frames) as they are at 1 / ``formant`` of each frequency.

    Args:
        envelope: (bins, frames).
        formant: factor of every frequency.
        spacing: bins between two harmonics, for each frame or for all; only multiples of it are read.
    """
    last = envelope.shape[0] - 1
    order = np.minimum(np.arange(last + 1) / formant, last)[:, None] / spacing
    below = np.maximum(np.floor(order), 1.0)
    share = np.clip(order - below, 0.0, 1.0).astype(np.float32)
    low, high = (np.minimum(np.rint(n * spacing), last).astype(np.intp) for n in (below, below + 1))
    shape = envelope.shape
    left: Floats = np.take_along_axis(envelope, np.broadcast_to(low, shape), axis=0)
    right: Floats = np.take_along_axis(envelope, np.broadcast_to(high, shape), axis=0)
    between: Floats = left + (right - left) * share
    return between
