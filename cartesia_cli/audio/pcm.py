"""Samples ⇄ bytes: float32 arrays to and from the four encodings of the API."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.errors import UsageError
from cartesia_cli.models import Encoding

_FULL_SCALE = 32_767
"""The 16-bit value of 1.0, in both directions, so that decoding and encoding again changes nothing."""

_MULAW_BIAS = 132
_MULAW_CLIP = 32_635


def encode(samples: NDArray[np.float32], encoding: Encoding) -> bytes:
    """Return ``samples`` as little-endian payload bytes.

    Args:
        samples: n values, full scale at -1.0 and 1.0.
        encoding: what the bytes shall mean.

    Returns:
        n × ``encoding.sample_width`` bytes. ``pcm_f32le`` keeps every value; in the others
        what is outside full scale is clipped, not wrapped, and NaN becomes silence.
    """
    match encoding:
        case Encoding.PCM_F32LE:
            return samples.astype("<f4", copy=False).tobytes()
        case Encoding.PCM_S16LE:
            return to_s16(samples).astype("<i2", copy=False).tobytes()
        case Encoding.PCM_MULAW:
            return _mulaw_codes()[to_s16(samples).view(np.uint16)].tobytes()
        case Encoding.PCM_ALAW:
            return _alaw_codes()[to_s16(samples).view(np.uint16)].tobytes()


def decode(data: bytes | bytearray | memoryview, encoding: Encoding) -> NDArray[np.float32]:
    """Return payload bytes as n float32 samples, full scale at -1.0 and 1.0.

    Raises:
        UsageError: the length is not a whole number of samples, so one was cut.
    """
    if len(data) % encoding.sample_width:
        raise UsageError(f"{len(data)} bytes are not a whole number of {encoding.value} samples.")
    match encoding:
        case Encoding.PCM_F32LE:
            return np.frombuffer(data, "<f4").astype(np.float32)
        case Encoding.PCM_S16LE:
            return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
        case Encoding.PCM_MULAW:
            return _mulaw_values()[np.frombuffer(data, np.uint8)]
        case Encoding.PCM_ALAW:
            return _alaw_values()[np.frombuffer(data, np.uint8)]


def to_s16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return 16-bit samples, -32767 to 32767; what does not fit is clipped, NaN becomes silence."""
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    scaled: NDArray[np.float32] = np.rint(np.clip(finite, -1.0, 1.0) * np.float32(_FULL_SCALE))
    return scaled.astype(np.int16)


def mulaw_to_s16() -> NDArray[np.int16]:
    """Return the 16-bit sample, -32124 to 32124, of each of the 256 µ-law codes.

    Source: ITU-T G.711 (11/1988), table 2a, scaled from 14 to 16 bits.
    """
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + _MULAW_BIAS << ((code & 0x70) >> 4)) - _MULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def alaw_to_s16() -> NDArray[np.int16]:
    """Return the 16-bit sample, -32256 to 32256, of each of the 256 A-law codes.

    Source: ITU-T G.711 (11/1988), table 1a, scaled from 13 to 16 bits.
    """
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    step = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, step, step + 256 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _mulaw_values() -> NDArray[np.float32]:
    return mulaw_to_s16().astype(np.float32) / np.float32(_FULL_SCALE)


@cache
def _alaw_values() -> NDArray[np.float32]:
    return alaw_to_s16().astype(np.float32) / np.float32(_FULL_SCALE)


@cache
def _mulaw_codes() -> NDArray[np.uint8]:
    """Return the µ-law code of every 16-bit sample, indexed by its bits as an unsigned number."""
    value = _every_s16()
    biased = np.minimum(np.abs(value), _MULAW_CLIP) + _MULAW_BIAS
    segment = _highest_bit(biased) - 7
    step = biased >> segment + 3 & 0x0F
    sign = np.where(value < 0, 0x80, 0)
    codes: NDArray[np.int64] = ~(sign | segment << 4 | step) & 0xFF
    return codes.astype(np.uint8)


@cache
def _alaw_codes() -> NDArray[np.uint8]:
    """Return the A-law code of every 16-bit sample, indexed by its bits as an unsigned number."""
    value = _every_s16()
    # -1 lies in the first step below zero: the negative side is the one's complement.
    magnitude = np.where(value < 0, ~value, value)
    segment = np.maximum(_highest_bit(np.maximum(magnitude, 1)) - 7, 0)
    step = magnitude >> np.maximum(segment + 3, 4) & 0x0F
    sign = np.where(value < 0, 0, 0x80)
    codes: NDArray[np.int64] = (sign | segment << 4 | step) ^ 0x55
    return codes.astype(np.uint8)


def _every_s16() -> NDArray[np.int64]:
    return np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int64)


def _highest_bit(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the position of the highest bit set, 0 for 1; ``values`` are positive."""
    _, exponent = np.frexp(values.astype(np.float64))
    return exponent.astype(np.int64) - 1
