"""Samples out of what is still arriving: wave files whose end is not known, and the rest through ffmpeg."""

import contextlib
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.decoders import FFMPEG_OUTPUT, Block, ffmpeg_refusal, read_au_header
from cartesia_cli.audio.inlet import Inlet
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Encoding

_READ: Final = 1 << 13
_LEAST_UNKNOWN: Final = 0x7FFF0000
"""Sizes from here on are written by programs that do not know the size."""

_LARGEST_FORMAT: Final = 1 << 16
_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

_FFMPEG_INPUT: Final = (
    *("-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe"),
    *("-probesize", "8192", "-analyzeduration", "0", "-i", "pipe:0"),
)
"""What is enough to tell the format, so that the sound comes out soon after it went in."""


class WavPipeDecoder:
    """A wave file that is read while it is written: RIFF or RF64, of any usual encoding.

    Raises:
        UsageError: the header breaks off, or speaks of an encoding that is not known.
    """

    duration: float | None = None

    def __init__(self, inlet: Inlet, name: str) -> None:
        self.is_cut = False
        self._inlet = inlet
        self._name = name
        inlet.read_all(12)
        description, self._size = self._read_header()
        if len(description) < 16:
            raise self._refusal("its header has no format")
        tag, self.n_channels, self.sample_rate, _, align, _ = struct.unpack("<HHIIHH", description[:16])
        if tag == _EXTENSIBLE and len(description) >= 26:
            tag = struct.unpack("<H", description[24:26])[0]
        if not (self.n_channels and self.sample_rate and align) or align % self.n_channels:
            raise self._refusal("its header makes no sense")
        self._tag, self._width = tag, align // self.n_channels
        if self._dtype() is None:
            raise self._refusal(f"its samples are of an unknown kind ({tag:#06x}, {self._width} bytes)")

    def blocks(self) -> Iterator[Block]:
        """Yield the samples as they come. A last one that is not whole is left out."""
        rest, align, left = b"", self._width * self.n_channels, self._size
        # After the last of a known size nothing is waited for: the pipe may stay open.
        while left != 0 and (data := self._inlet.read(_READ if left is None else min(_READ, left))):
            left = None if left is None else left - len(data)
            data = rest + data
            n_whole = len(data) - len(data) % align
            rest = data[n_whole:]
            if n_whole:
                yield self._decode(data[:n_whole]).reshape(-1, self.n_channels)
        self.is_cut = bool(rest)

    def close(self) -> None:
        """Do nothing: the inlet is its owner's."""

    def _read_header(self) -> tuple[bytes, int | None]:
        """Return the format chunk, and the bytes of data, None if nobody knows."""
        description, true_size = b"", None
        while len(header := self._inlet.read_all(8)) == 8:
            chunk, size = struct.unpack("<4sI", header)
            if chunk == b"data":
                if size == 0xFFFFFFFF and true_size:
                    return description, true_size
                return description, None if size == 0 or size >= _LEAST_UNKNOWN else size
            padded = size + size % 2
            if chunk in {b"fmt ", b"ds64"} and size <= _LARGEST_FORMAT:
                content = self._inlet.read_all(padded)
                if chunk == b"fmt ":
                    description = content
                elif len(content) >= 16:
                    true_size = struct.unpack("<Q", content[8:16])[0]
            else:
                while padded and (skipped := self._inlet.read(min(padded, _READ))):
                    padded -= len(skipped)
        raise self._refusal("its header breaks off")

    def _dtype(self) -> str | None:
        match self._tag, self._width:
            case (1, 1):
                return "u1"
            case (1, 2 | 4):
                return f"<i{self._width}"
            case (1, 3) | (6 | 7, 1):
                return "u1"
            case (3, 4 | 8):
                return f"<f{self._width}"
            case _:
                return None

    def _decode(self, data: bytes) -> NDArray[np.float32]:
        """Return whole samples, full scale at -1 and 1."""
        if self._tag in {_ALAW, _MULAW}:
            return pcm.decode(data, Encoding.PCM_ALAW if self._tag == _ALAW else Encoding.PCM_MULAW)
        if (self._tag, self._width) == (_PCM, 2):
            return pcm.decode(data, Encoding.PCM_S16LE)
        if (self._tag, self._width) == (_PCM, 3):
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
        samples = np.frombuffer(data, self._dtype())
        if self._tag == _FLOAT:
            return samples.astype(np.float32)
        if self._width == 1:
            return (samples.astype(np.float32) - 128) / np.float32(128)
        return samples.astype(np.float32) / np.float32(2**31)

    def _refusal(self, problem: str) -> UsageError:
        return UsageError(
            f"{self._name} cannot be read as a recording: {problem}.",
            hint="Send samples without a header, with --encoding and --sample-rate.",
        )


class FfmpegPipeDecoder:
    """Whatever an installed ffmpeg reads from a pipe: mp3, ogg, flac and more.

    Raises:
        UsageError: ffmpeg cannot read it, or there is no sound in it.
    """

    duration: float | None = None

    def __init__(self, inlet: Inlet, program: str, name: str) -> None:
        self.is_cut = False
        self._name = name
        self._source = inlet
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the decoder
        self._process = subprocess.Popen(  # noqa: S603 - no argument is the user's
            [program, *_FFMPEG_INPUT, "-flush_packets", "1", *FFMPEG_OUTPUT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        assert self._process.stdin  # noqa: S101 - it is a pipe
        assert self._process.stdout  # noqa: S101 - it is a pipe
        self._input: IO[bytes] = self._process.stdin
        self._output = Inlet(self._process.stdout)  # type: ignore[arg-type]  # unbuffered
        self._feeder = threading.Thread(target=self._feed, name="ffmpeg", daemon=True)
        self._feeder.start()
        try:
            self.sample_rate, self.n_channels = read_au_header(self._output.read_all, self._refusal)
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[Block]:
        """Yield the samples as they come, up to the end or where ffmpeg gave up."""
        rest, align = b"", 4 * self.n_channels
        while data := self._output.read(_READ):
            data = rest + data
            n_whole = len(data) - len(data) % align
            rest = data[n_whole:]
            if n_whole:
                yield np.frombuffer(data[:n_whole], ">f4").astype(np.float32).reshape(-1, self.n_channels)
        self.is_cut = self._process.wait() != 0

    def close(self) -> None:
        """End ffmpeg, and whoever feeds it."""
        self._source.stop()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._feeder.join()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()

    def _feed(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError), self._input:
            while data := self._source.read(_READ):
                view = memoryview(data)
                while view:
                    view = view[self._input.write(view) :]

    def _refusal(self) -> UsageError:
        self._process.wait()
        return ffmpeg_refusal(self._name, self._errors)
