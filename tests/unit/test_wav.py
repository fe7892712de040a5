"""WAV headers, read back by hand and by libsndfile, Python and Hypothesis."""

import io
import struct
import wave
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.audio import wav
from cartesia_cli.models import SAMPLE_RATES, Encoding

SUBTYPES = {
    Encoding.PCM_S16LE: "PCM_16",
    Encoding.PCM_F32LE: "FLOAT",
    Encoding.PCM_MULAW: "ULAW",
    Encoding.PCM_ALAW: "ALAW",
}
GIBIBYTE = 1 << 30


def chunks(header: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a header; of the last one only the size that it claims."""
    found = {b"form": header[:4], b"size": header[4:8]}
    assert header[8:12] == b"WAVE"
    offset = 12
    while offset < len(header) - 8:
        name, size = struct.unpack_from("<4sI", header, offset)
        found[name] = header[offset + 8 : offset + 8 + size]
        offset += 8 + size
    assert header[offset : offset + 4] == b"data"
    assert offset == len(header) - 8
    return found | {b"data": header[-4:]}


def number(data: bytes) -> int:
    return int.from_bytes(data, "little")


@pytest.mark.parametrize("rate", SAMPLE_RATES)
@pytest.mark.parametrize(
    ("encoding", "tag", "width"),
    [
        (Encoding.PCM_S16LE, 1, 2),
        (Encoding.PCM_F32LE, 3, 4),
        (Encoding.PCM_ALAW, 6, 1),
        (Encoding.PCM_MULAW, 7, 1),
    ],
)
def test_the_format_chunk_describes_mono_samples(encoding: Encoding, tag: int, width: int, rate: int) -> None:
    for header in (wav.file_header(encoding, rate, 1_000), wav.pipe_header(encoding, rate)):
        fields = struct.unpack_from("<HHIIHH", chunks(header)[b"fmt "])

        assert fields == (tag, 1, rate, rate * width, width, 8 * width)


@given(st.sampled_from(Encoding), st.integers(0, 4 * GIBIBYTE - 1_000))
def test_sizes_on_disk_are_true(encoding: Encoding, data_size: int) -> None:
    header = wav.file_header(encoding, 24_000, data_size)

    found = chunks(header)
    assert found[b"form"] == b"RIFF"
    assert number(found[b"data"]) == data_size
    assert number(found[b"size"]) == len(header) + data_size + data_size % 2 - 8
    assert (b"fact" in found) == (encoding is not Encoding.PCM_S16LE)
    assert number(found.get(b"fact", b"")) in {0, data_size // encoding.sample_width}


@given(st.sampled_from(Encoding), st.integers(4 * GIBIBYTE, 1 << 50))
def test_beyond_4_gib_the_header_is_rf64_of_the_same_length(encoding: Encoding, data_size: int) -> None:
    header = wav.file_header(encoding, 24_000, data_size)

    found = chunks(header)
    assert found[b"form"] == b"RF64"
    assert number(found[b"size"]) == number(found[b"data"]) == 0xFFFFFFFF
    riff_size, size, n_samples, table_length = struct.unpack("<QQQI", found[b"ds64"])
    assert riff_size == len(header) + data_size + data_size % 2 - 8
    assert size == data_size
    assert n_samples == data_size // encoding.sample_width
    assert table_length == 0
    assert len(header) == len(wav.file_header(encoding, 24_000, 0))


@pytest.mark.parametrize("encoding", list(Encoding))
def test_the_change_to_rf64_comes_where_the_riff_size_would_overflow(encoding: Encoding) -> None:
    n_header = len(wav.file_header(encoding, 8_000, 0))
    most = 0xFFFFFFFE + 8 - n_header

    assert wav.file_header(encoding, 8_000, most).startswith(b"RIFF\xfe\xff\xff\xff")
    assert wav.file_header(encoding, 8_000, most + 2).startswith(b"RF64\xff\xff\xff\xff")


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_pipe_gets_sizes_that_readers_take_as_unknown(encoding: Encoding) -> None:
    header = wav.pipe_header(encoding, 44_100)

    found = chunks(header)
    assert number(found[b"data"]) == 0x7FFFF000
    assert number(found[b"size"]) == 0x7FFFF000 + len(header) - 8


def test_the_header_of_plain_16_bit_sound_in_a_pipe_is_the_classic_one() -> None:
    assert len(wav.pipe_header(Encoding.PCM_S16LE, 44_100)) == 44


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("data_size", [0, 4_000, 5 * GIBIBYTE])
def test_libsndfile_reads_every_size(encoding: Encoding, data_size: int, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with path.open("wb") as file:
        n_header = file.write(wav.file_header(encoding, 24_000, data_size))
        file.truncate(n_header + data_size)  # a hole, so that 5 GiB take no space

    info = soundfile.info(str(path))

    assert info.frames == data_size // encoding.sample_width
    assert (info.samplerate, info.channels, info.subtype) == (24_000, 1, SUBTYPES[encoding])
    assert info.format == ("RF64" if data_size > 4 * GIBIBYTE else "WAV")


@pytest.mark.parametrize("encoding", list(Encoding))
def test_libsndfile_reads_what_came_through_a_pipe_to_its_end(encoding: Encoding, tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav.pipe_header(encoding, 24_000) + bytes(4_000))

    samples, rate = soundfile.read(path)

    assert (len(samples), rate) == (4_000 // encoding.sample_width, 24_000)


@pytest.mark.parametrize(
    "header", [wav.file_header(Encoding.PCM_S16LE, 16_000, 6), wav.pipe_header(Encoding.PCM_S16LE, 16_000)]
)
def test_python_reads_16_bit_sound(header: bytes) -> None:
    with wave.open(io.BytesIO(header + b"abcdef")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        assert file.readframes(1_000) == b"abcdef"


def test_data_of_odd_length_is_padded() -> None:
    assert (wav.padding(3), wav.padding(4)) == (b"\0", b"")
