"""The four encodings: what every bit pattern means, and what becomes of samples that do not fit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cartesia_cli.audio import pcm
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Encoding

LAWS = (Encoding.PCM_MULAW, Encoding.PCM_ALAW)
EVERY_S16 = np.arange(-32_768, 32_768, dtype=np.int64)


@given(arrays(np.float32, st.integers(0, 64), elements=st.floats(width=32)))
def test_f32_keeps_every_value_even_nan_and_infinity(samples: np.ndarray) -> None:
    decoded = pcm.decode(pcm.encode(samples, Encoding.PCM_F32LE), Encoding.PCM_F32LE)

    assert decoded.dtype == np.float32
    assert np.array_equal(decoded, samples, equal_nan=True)


def test_every_16_bit_sample_but_the_lowest_survives_decoding_and_encoding() -> None:
    data = EVERY_S16.astype("<i2").tobytes()

    again = pcm.encode(pcm.decode(data, Encoding.PCM_S16LE), Encoding.PCM_S16LE)

    assert again == np.maximum(EVERY_S16, -32_767).astype("<i2").tobytes()


def test_s16_is_little_endian_with_full_scale_at_32767() -> None:
    samples = np.array([0.0, 1.0, -1.0, 0.5, 1 / 32_767], np.float32)

    data = pcm.encode(samples, Encoding.PCM_S16LE)

    assert data == bytes.fromhex("0000 ff7f 0180 0040 0100")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 32_767), (-7.0, -32_767), (math.inf, 32_767), (-math.inf, -32_767), (math.nan, 0)],
)
def test_s16_clips_what_does_not_fit_and_silences_nan(value: float, expected: int) -> None:
    data = pcm.encode(np.array([value], np.float32), Encoding.PCM_S16LE)

    assert int.from_bytes(data, "little", signed=True) == expected


@pytest.mark.parametrize(
    ("encoding", "code", "value"),
    [
        # ITU-T G.711 (11/1988), tables 1 and 2, scaled to 16 bits: ends of the scale, steps around zero.
        (Encoding.PCM_MULAW, 0xFF, 0),
        (Encoding.PCM_MULAW, 0x7F, 0),
        (Encoding.PCM_MULAW, 0xFE, 8),
        (Encoding.PCM_MULAW, 0x7E, -8),
        (Encoding.PCM_MULAW, 0xEF, 132),
        (Encoding.PCM_MULAW, 0x80, 32_124),
        (Encoding.PCM_MULAW, 0x00, -32_124),
        (Encoding.PCM_ALAW, 0xD5, 8),
        (Encoding.PCM_ALAW, 0x55, -8),
        (Encoding.PCM_ALAW, 0xC5, 264),
        (Encoding.PCM_ALAW, 0xAA, 32_256),
        (Encoding.PCM_ALAW, 0x2A, -32_256),
    ],
)
def test_law_codes_mean_what_g711_says(encoding: Encoding, code: int, value: int) -> None:
    [sample] = pcm.decode(bytes([code]), encoding)

    assert round(float(sample) * 32_767) == value


@pytest.mark.parametrize("encoding", LAWS)
def test_every_law_code_survives_decoding_and_encoding(encoding: Encoding) -> None:
    codes = bytes(range(256))

    again = pcm.encode(pcm.decode(codes, encoding), encoding)

    # µ-law has two zeros; both become the positive one.
    assert again == codes.replace(b"\x7f", b"\xff") if encoding is Encoding.PCM_MULAW else again == codes


@pytest.mark.parametrize("encoding", LAWS)
def test_laws_lose_no_more_than_half_a_step_of_their_segment(encoding: Encoding) -> None:
    samples = (np.clip(EVERY_S16, -32_000, 32_000) / 32_767).astype(np.float32)

    error = np.abs(pcm.decode(pcm.encode(samples, encoding), encoding) - samples)

    # Steps are 1/16 of a segment's lower end, which µ-law shifts by 132; the smallest of A-law are 16.
    assert np.all(error <= np.maximum((np.abs(samples) + 132 / 32_767) / 32, 8.01 / 32_767))


@pytest.mark.parametrize("encoding", LAWS)
def test_laws_keep_order(encoding: Encoding) -> None:
    samples = (EVERY_S16 / 32_767).astype(np.float32)

    decoded = pcm.decode(pcm.encode(samples, encoding), encoding)

    assert np.all(np.diff(decoded) >= 0)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_nothing_becomes_nothing(encoding: Encoding) -> None:
    assert pcm.encode(np.zeros(0, np.float32), encoding) == b""
    assert pcm.decode(b"", encoding).size == 0


@pytest.mark.parametrize(("encoding", "n_bytes"), [(Encoding.PCM_S16LE, 3), (Encoding.PCM_F32LE, 6)])
def test_a_sample_that_was_cut_is_an_error(encoding: Encoding, n_bytes: int) -> None:
    with pytest.raises(
        UsageError, match=f"{n_bytes} bytes are not a whole number of {encoding.value} samples"
    ):
        pcm.decode(bytes(n_bytes), encoding)


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_slice_with_a_stride_is_encoded_like_a_copy(encoding: Encoding) -> None:
    samples = np.linspace(-1, 1, 101, dtype=np.float32)

    assert pcm.encode(samples[::-2], encoding) == pcm.encode(samples[::-2].copy(), encoding)
