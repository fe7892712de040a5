"""Whether a file of speech is whole, and how much of it is heard: what a check can tell without ears."""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.audio.wav import PIPE_DATA_SIZE
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Encoding

_RANGE: Final = {Encoding.PCM_MULAW: 32_124 / 32_768, Encoding.PCM_ALAW: 32_256 / 32_768}
"""The loudest that these can say, which is less than full scale; source: ITU-T G.711."""

_LOSSY_RANGE: Final = 0.93
"""Where clipped sound is after MP3, Vorbis and Opus, which ripple; LAME itself makes it 5 % fainter."""

_END = 2
"""Frames in which speech that is over has faded."""

_INAUDIBLE, _BELOW_LOUDEST = -60.0, 20.0
"""Decibels of full scale, and below the loudest frame, in which a word is still heard."""

_LEAST_MISSING = 0.05
"""Seconds; encoders count the silence that they add in ways that differ by less."""

_LONGEST_PAGE = 27 + 255 + 255 * 255
"""Bytes of an Ogg page; source: RFC 3533, section 6."""

_IN_DS64 = 0xFFFFFFFF
"""Size of the data where another chunk has it."""

_BIT_RATES = 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320
_LOW_BIT_RATES = 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160
"""Kilobits per second of MPEG-1, and of MPEG-2 and 2.5, layer III."""


@dataclass(frozen=True, slots=True)
class Soundness:
    """What was measured of a file of speech."""

    duration: float
    """Seconds."""

    is_cut: bool
    """Whether the file breaks off before the end that its container tells of."""

    speech: float
    """Seconds in which something is said, without the pauses."""

    is_steady: bool
    """Whether it is as loud all the time, as noise is."""

    pause: tuple[float, float]
    """Start and length, in seconds, of the longest stretch in which nothing is said."""

    clipping: float
    """Share of the samples at full scale, 0 to 1, among those where something is said."""

    end_level: float
    """Decibels by which the last moment is louder than the speech on average; below 0 where it has faded."""


def measure_soundness(path: Path, output: OutputFormat) -> Soundness:
    """Return what a file of speech is like, read once.

    Raises:
        UsageError: it is missing, empty, or cannot be read.
    """
    import numpy as np

    from cartesia_cli.audio.clips import STEP, _Meter
    from cartesia_cli.audio.recordings import open_recording

    scale = np.float32(1 / (_RANGE.get(output.encoding, 1.0) if output.encoding else _LOSSY_RANGE))
    raw = (output.encoding, output.sample_rate) if output.name == "raw" else (None, None)
    with open_recording(path, encoding=raw[0], sample_rate=raw[1]) as recording:
        decoder = recording._decoder  # noqa: SLF001  a module of this room; channels are wanted unmixed
        meter = _Meter(decoder.sample_rate, decoder.n_channels)
        for block in decoder.blocks():
            meter.add(block * scale)
        clip = meter.finish(is_cut=decoder.is_cut)
        missing = (decoder.duration or 0.0) - clip.duration
    speech = clip.speech
    if not speech.any() and clip.levels.size:  # a single short word beside much silence
        speech = clip.levels >= max(_INAUDIBLE, float(clip.levels.max()) - _BELOW_LOUDEST)
    edges = np.flatnonzero(np.concatenate([[True], speech, [True]]))
    gaps = np.diff(edges) - 1
    longest = int(gaps.argmax())
    said = clip.clipped[speech]
    level = float(clip.levels[speech].mean()) if said.size else 0.0
    return Soundness(
        duration=clip.duration,
        is_cut=clip.is_cut or missing > _LEAST_MISSING or _breaks_off(path, output),
        speech=said.size * STEP,
        is_steady=clip.is_steady,
        pause=(int(edges[longest]) * STEP, int(gaps[longest]) * STEP),
        clipping=float(said.mean()) if said.size else 0.0,
        # The last frame may hold a single sample.
        end_level=float(clip.levels[-_END:].max()) - level if said.size else 0.0,
    )


def duration_of(path: Path, output: OutputFormat) -> float:
    """Return how many seconds a file of speech lasts, as its size or its container says.

    Raises:
        UsageError: it is missing, or is not what it should be.
    """
    with _reading(path):
        if output.name == "raw" and output.encoding is not None:
            return path.stat().st_size / (output.sample_rate * output.encoding.sample_width)
        if output.name == "wav" and (data := _wav_data(path)) is not None and data.bytes_per_second:
            return data.n_bytes / data.bytes_per_second
    from cartesia_cli.audio.recordings import open_recording

    with open_recording(path) as recording:
        return recording.duration or 0.0


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist.") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}.") from error


def _breaks_off(path: Path, output: OutputFormat) -> bool:
    """Return whether a container, as far as it was written, tells of more."""
    with _reading(path):
        match output.name:
            case "wav":
                data = _wav_data(path)
                return data is not None and data.n_missing > 0
            case "ogg" | "opus":
                return not _ends_ogg(path)
            case "mp3":
                return _ends_within_frame(path)
            case _:
                return False


@dataclass(frozen=True, slots=True)
class _WavData:
    """The samples of a WAV file, by its header and its size."""

    bytes_per_second: int
    n_bytes: int
    n_missing: int


def _wav_data(path: Path) -> _WavData | None:
    """Return what is there of the samples, and what is not; None if it is no WAV file.

    Source: EBU Tech 3306 (2009), "MBWF / RF64", for sizes beyond 32 bits.
    """
    size, per_second, large = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] not in {b"RIFF", b"RF64"} or start[8:] != b"WAVE":
            return None
        while len(header := file.read(8)) == 8:
            name, n_bytes = struct.unpack("<4sI", header)
            offset = file.tell()
            if name == b"fmt ":
                (per_second,) = struct.unpack("<8xI", file.read(12).ljust(12, b"\0"))
            elif name == b"ds64":
                (large,) = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))
            elif name == b"data":
                there = size - offset
                told = large if n_bytes == _IN_DS64 and large else n_bytes
                if told in {0, PIPE_DATA_SIZE, _IN_DS64}:  # up to the end
                    return _WavData(per_second, there, 0)
                return _WavData(per_second, min(told, there), max(0, told - there))
            file.seek(offset + n_bytes + n_bytes % 2)
    return _WavData(per_second, 0, 1)


def _ends_ogg(path: Path) -> bool:
    """Return whether the last page of an Ogg file is there, all of it; source: RFC 3533, section 6."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_PAGE))
        rest = file.read()
    page = rest[max(0, rest.rfind(b"OggS")) :]
    if page[:4] != b"OggS" or len(page) < 27:
        return False
    table = page[27 : 27 + page[26]]
    return bool(page[5] & 4) and len(page) == 27 + page[26] + sum(table)


def _ends_within_frame(path: Path) -> bool:
    """Return whether an MP3 file ends before its last frame does."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        position = 0
        if data[:3] == b"ID3":
            a, b, c, d = data[6:10]
            position = 10 + (a << 21 | b << 14 | c << 7 | d)
        while position < len(data):
            length = _mp3_frame(data[position : position + 4])
            if not length:  # a tag, or what is no concern of this
                return False
            position += length
        return position > len(data)


def _mp3_frame(header: bytes) -> int:
    """Return how many bytes a frame has, 0 if none begins like this.

    Source: ISO/IEC 11172-3, 2.4.1.3, and 13818-3 for the lower sample rates: layer III.
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, at, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate == 3 or at in {0, 15}:
        return 0
    is_first = version == 3
    sample_rate = (44_100, 48_000, 32_000)[rate] // {3: 1, 2: 2, 0: 4}[version]
    bit_rate = (_BIT_RATES if is_first else _LOW_BIT_RATES)[at - 1] * 1000
    return (144 if is_first else 72) * bit_rate // sample_rate + (header[2] >> 1 & 1)
