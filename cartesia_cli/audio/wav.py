"""WAV headers for the four encodings, on disk and into a pipe; no samples are touched here."""

import struct

from cartesia_cli.models import Encoding

PIPE_DATA_SIZE = 0x7FFFF000
"""What the header says of data whose size is not known: readers take it as "up to the end"."""

_TAGS = {
    Encoding.PCM_S16LE: 1,
    Encoding.PCM_F32LE: 3,
    Encoding.PCM_ALAW: 6,
    Encoding.PCM_MULAW: 7,
}
_MOST_IN_32_BITS = 0xFFFFFFFF
_DS64_SIZE = 28


def pipe_header(encoding: Encoding, sample_rate: int) -> bytes:
    """Return the header of a WAV whose end is not known and that cannot be corrected later."""
    description = _description(encoding, sample_rate, PIPE_DATA_SIZE)
    size = PIPE_DATA_SIZE + 12 + len(description) + 8
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", size - 8, b"WAVE"),
            description,
            struct.pack("<4sI", b"data", PIPE_DATA_SIZE),
        )
    )


def file_header(encoding: Encoding, sample_rate: int, data_size: int) -> bytes:
    """Return the header of a WAV with ``data_size`` bytes of data, the same length for every size.

    Beyond 4 GiB it is RF64. Room for its `ds64` chunk is kept in a `JUNK` chunk, so that a file
    that is still being written can become either.

    Source: EBU Tech 3306 (2009), "MBWF / RF64", sections 2 and 3.
    """
    description = _description(encoding, sample_rate, data_size)
    riff_size = 4 + 8 + _DS64_SIZE + len(description) + 8 + data_size + len(padding(data_size))
    if riff_size <= _MOST_IN_32_BITS:
        name, shown_size, shown_data_size = b"RIFF", riff_size, data_size
        room = struct.pack(f"<4sI{_DS64_SIZE}x", b"JUNK", _DS64_SIZE)
    else:
        name, shown_size, shown_data_size = b"RF64", _MOST_IN_32_BITS, _MOST_IN_32_BITS
        n_samples = data_size // encoding.sample_width
        room = struct.pack("<4sIQQQI", b"ds64", _DS64_SIZE, riff_size, data_size, n_samples, 0)
    return b"".join(
        (
            struct.pack("<4sI4s", name, shown_size, b"WAVE"),
            room,
            description,
            struct.pack("<4sI", b"data", shown_data_size),
        )
    )


def padding(data_size: int) -> bytes:
    """Return what follows the data: chunks begin at even offsets."""
    return b"\0" * (data_size % 2)


def _description(encoding: Encoding, sample_rate: int, data_size: int) -> bytes:
    """Return the `fmt` chunk and, where samples are not integers, the `fact` chunk."""
    width = encoding.sample_width
    fields = struct.pack("<HHIIHH", _TAGS[encoding], 1, sample_rate, sample_rate * width, width, 8 * width)
    if encoding is Encoding.PCM_S16LE:
        return struct.pack("<4sI", b"fmt ", len(fields)) + fields
    n_samples = min(data_size // width, _MOST_IN_32_BITS)
    return b"".join(
        (
            struct.pack("<4sI", b"fmt ", len(fields) + 2),
            fields,
            struct.pack("<H", 0),  # no extension
            struct.pack("<4sII", b"fact", 4, n_samples),
        )
    )
