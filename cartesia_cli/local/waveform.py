"""Turns the speech model's spectra into sound: a source, a filter, and the inverse transform.

The model gives five numbers for each frequency and frame, and the pitch of each frame. With
Z complex Gaussian noise and P the transform of a pulse train at that pitch, the spectrum is
``exp(harmonic) e^(iπ tanh(harmonic_phase)) P + exp(noise) Z + exp(free) e^(i free_phase)``.

Only numpy's transforms are used, so that the sound does not depend on what else is installed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_RATE = 24_000
HOP = 300
"""Samples a frame: 12.5 ms."""

_SIZE = 1_200
"""Samples in one transform, hence 601 frequencies."""

BIN_WIDTH = SAMPLE_RATE / _SIZE
"""Hertz between two frequencies of a spectrum: 20."""

LOWEST_PITCH, _HIGHEST_HARMONIC = 40.0, 11_000.0
"""Hertz. Frames below the first are voiceless; harmonics beyond the second are left out."""

_LOUDEST = 7.0
"""Natural logarithm: where the model runs away, its spectra are cut here."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """What the model says of one utterance; arrays of (601, frames), ``pitch`` of (frames,) in hertz."""

    harmonic: Floats
    harmonic_phase: Floats
    noise: Floats
    free: Floats
    free_phase: Floats
    pitch: Floats


def render(spectra: Spectra, rng: np.random.Generator, *, pitch: float = 1.0) -> Floats:
    """Return the sound of an utterance, ``HOP`` samples a frame.

    Args:
        spectra: what the model said.
        rng: where the noise comes from; the same state gives the same samples.
        pitch: factor of the fundamental frequency.
    """
    n_frames = spectra.pitch.size
    spectrum = _transform(_pulses(spectra.pitch, pitch), n_frames)
    spectrum *= _polar(spectra.harmonic, np.float32(np.pi) * np.tanh(spectra.harmonic_phase))
    pairs = rng.standard_normal((spectrum.shape[0], 2 * n_frames), dtype=np.float32)
    spectrum += pairs.view(np.complex64) * _magnitude(spectra.noise)
    spectrum += _polar(spectra.free, spectra.free_phase)
    return _overlap_add(spectrum)


def _magnitude(logarithm: Floats) -> Floats:
    return np.exp(np.minimum(logarithm, np.float32(_LOUDEST)))


def _polar(logarithm: Floats, angle: Floats) -> NDArray[np.complex64]:
    numbers = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=numbers.real)
    np.sin(angle, out=numbers.imag)
    numbers *= _magnitude(logarithm)
    return numbers


def _pulses(pitch: Floats, factor: float) -> Floats:
    """Return a train of band-limited pulses: all harmonics of the pitch, in phase, each of amplitude 1.

    ``cos t + cos 2t + … + cos Ht = sin((H + ½) t) / (2 sin(t / 2)) - ½``, Dirichlet's kernel.
    """
    centres = np.arange(pitch.size) * HOP + (HOP - 1) / 2
    frequency = np.interp(np.arange(pitch.size * HOP), centres, pitch).astype(np.float32)
    voiced = frequency > LOWEST_PITCH
    frequency = np.maximum(frequency, np.float32(LOWEST_PITCH)) * np.float32(factor)
    # Whole turns are dropped while the numbers are of double precision.
    turns = np.cumsum(frequency, dtype=np.float64) / SAMPLE_RATE
    turns -= np.floor(turns)
    angle = (2 * np.pi * turns).astype(np.float32)
    order = np.floor(np.float32(_HIGHEST_HARMONIC) / frequency) + np.float32(0.5)
    divisor = 2 * np.sin(angle / 2)
    at_peak = np.abs(divisor) < 2e-3
    divisor[at_peak] = 1.0
    kernel: Floats = np.where(at_peak, order, np.sin(order * angle) / divisor)
    kernel -= 0.5
    kernel[~voiced] = 0.0
    return kernel


@lru_cache(maxsize=1)
def _window() -> Floats:
    """Return a periodic Hann window."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_SIZE) / _SIZE)).astype(np.float32)


def _transform(samples: Floats, n_frames: int) -> NDArray[np.complex64]:
    """Return the spectra (601, frames) of overlapping stretches centred on the frames' first samples.

    The scale makes a cosine of amplitude 1 peak at 1.
    """
    # Mirrored at both ends, as the model was trained.
    mirrored = np.pad(samples, _SIZE // 2, mode="reflect")
    stretches = np.lib.stride_tricks.sliding_window_view(mirrored, _SIZE)[::HOP][:n_frames]
    spectra = np.fft.rfft(stretches * (_window() / (_SIZE / 4)), axis=1)
    return np.ascontiguousarray(spectra.T, np.complex64)


def _overlap_add(spectrum: NDArray[np.complex64]) -> Floats:
    """Return the sound whose windowed transform is closest to ``spectrum`` (Griffin and Lim, 1984, eq. 6)."""
    n_frames, overlap = spectrum.shape[1], _SIZE // HOP
    stretches = np.fft.irfft(spectrum.T, n=_SIZE, axis=1).astype(np.float32, copy=False)
    stretches *= _window()
    blocks = stretches.reshape(n_frames, overlap, HOP)
    squares = (_window() ** 2).reshape(overlap, HOP)
    total = np.zeros((n_frames + overlap - 1, HOP), np.float32)
    weight = np.zeros_like(total)
    for k in range(overlap):
        total[k : k + n_frames] += blocks[:, k]
        weight[k : k + n_frames] += squares[k]
    total /= np.maximum(weight, np.float32(1e-11))
    half = _SIZE // 2
    return total.reshape(-1)[half : half + n_frames * HOP]
