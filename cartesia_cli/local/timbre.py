"""Makes another timbre of the one voice: lower or higher, with a longer or shorter throat."""

from collections.abc import Callable

import numpy as np

from cartesia_cli.local.waveform import BIN_WIDTH, LOWEST_PITCH, Floats, Spectra


def warp(spectra: Spectra, formant: float) -> Spectra:
    """Return the spectra with every resonance at ``formant`` times its frequency; the pitch stays.

    The model's harmonic part means something at the harmonics of its own pitch only; between them
    it may hold anything, which another pitch would make heard. So it is read at the harmonics, and
    what lies between two of them is a straight line.
    """
    positions = _sources(spectra.harmonic.shape[0], formant)
    at_harmonics = _harmonic_reader(positions, spectra.pitch)
    anywhere = _reader(positions)
    return Spectra(
        harmonic=at_harmonics(spectra.harmonic),
        harmonic_phase=at_harmonics(spectra.harmonic_phase),
        noise=anywhere(spectra.noise),
        free=anywhere(spectra.free),
        free_phase=anywhere(spectra.free_phase),
        pitch=spectra.pitch,
    )


def _sources(n_bins: int, formant: float) -> Floats:
    """Return for each new bin the old one that it comes from, as a fraction."""
    sources: Floats = np.minimum(
        np.arange(n_bins, dtype=np.float32) / np.float32(formant), np.float32(n_bins - 1)
    )
    return sources


def _reader(positions: Floats) -> Callable[[Floats], Floats]:
    """Return what reads (bins, frames) at fractional bins, between two of them by a straight line."""
    last = positions.size - 1
    below = positions.astype(np.intp)
    above = np.minimum(below + 1, last)
    share = (positions - below)[:, None]

    def read(envelope: Floats) -> Floats:
        low = envelope[below]
        between: Floats = low + (envelope[above] - low) * share
        return between

    return read


def _harmonic_reader(positions: Floats, pitch: Floats) -> Callable[[Floats], Floats]:
    """Return what reads (bins, frames) at the harmonics of each frame's pitch alone.

    Below the first harmonic it reads the first; a voiceless frame has a harmonic in every bin.
    """
    last, n_frames = positions.size - 1, pitch.size
    spacing = np.where(pitch > LOWEST_PITCH, pitch / np.float32(BIN_WIDTH), np.float32(1.0))
    order = positions[:, None] / spacing
    below = np.maximum(np.floor(order), 1.0)
    share = np.clip(order - below, 0.0, 1.0)
    frames = np.arange(n_frames)
    low, high = (
        np.minimum(np.rint(number * spacing), last).astype(np.intp) * n_frames + frames
        for number in (below, below + 1)
    )

    def read(envelope: Floats) -> Floats:
        flat = np.ascontiguousarray(envelope).reshape(-1)
        start = flat.take(low)
        between: Floats = start + (flat.take(high) - start) * share
        return between

    return read
