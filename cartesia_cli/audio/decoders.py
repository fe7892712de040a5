"""Samples out of files: by libsndfile, by ffmpeg, or as they are."""

import contextlib
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.wavsizes import with_data_size
from cartesia_cli.errors import UsageError
from cartesia_cli.models import Encoding

Block = NDArray[np.float32]
"""(n, channels), full scale at -1 and 1."""

RAW_ENCODINGS = {
    "pcm_s16le": 2,
    "pcm_s32le": 4,
    "pcm_f16le": 2,
    "pcm_f32le": 4,
    "pcm_mulaw": 1,
    "pcm_alaw": 1,
}
"""Bytes a sample of what the API and this program know."""

_BLOCK_SIZE, _READ_SIZE = 1 << 16, 1 << 12
_PLAYLISTS = (b"#EXTM3U", b"ffconcat")
"""How files begin that make ffmpeg open other files."""

_FFMPEG_INPUT = ("-nostdin", "-loglevel", "error", "-protocol_whitelist", "file", "-i")
FFMPEG_OUTPUT = ("-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "pipe:1")
"""Sun's format: its header has a fixed meaning, and is complete in a pipe."""

_AU_FLOAT = 6


class Decoder(Protocol):
    """An open recording. ``is_cut`` is known after the last block."""

    sample_rate: int
    n_channels: int
    duration: float | None
    """Seconds, where that is known before the end."""

    is_cut: bool
    """The recording breaks off: its end is damaged, or half a sample."""

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in order."""

    def close(self) -> None:
        """Free what is held."""


class RawDecoder:
    """Samples without a header, in one channel.

    Raises:
        UsageError: the encoding is none of ``RAW_ENCODINGS``.
    """

    n_channels = 1
    duration: float | None = None

    def __init__(self, stream: BinaryIO, encoding: str, sample_rate: int) -> None:
        if encoding not in RAW_ENCODINGS:
            raise UsageError(f"{encoding} cannot be read.", hint=f"Use one of {', '.join(RAW_ENCODINGS)}.")
        self.sample_rate = sample_rate
        self.is_cut = False
        self._stream = stream
        self._encoding = encoding

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in order. A last sample that is not whole is left out."""
        width, rest = RAW_ENCODINGS[self._encoding], b""
        while data := self._stream.read(_BLOCK_SIZE):
            data = rest + data
            n_whole = len(data) - len(data) % width
            rest = data[n_whole:]
            if n_whole:
                yield _decode(memoryview(data)[:n_whole], self._encoding)[:, None]
        self.is_cut = bool(rest)

    def close(self) -> None:
        """Do nothing: the stream is its owner's."""


class SoundfileDecoder:
    """What libsndfile reads: wav, flac, ogg, opus, mp3, aiff and more.

    Raises:
        ValueError: libsndfile does not know what this is.
    """

    def __init__(self, path: Path) -> None:
        soundfile = _load_soundfile()

        class Sequential(soundfile.SoundFile):  # type: ignore[misc, name-defined]
            """Never seeks: soundfile does after each read, and so breaks MP3, where frames need the last."""

            def seekable(self) -> bool:
                return False

        self.is_cut = False
        self._error: type[Exception] = soundfile.LibsndfileError
        self._patched = with_data_size(path)
        try:
            self._file: Any = Sequential(self._patched or str(path))
        except (self._error, TypeError) as error:  # the second for a name that ends in .raw
            if self._patched:
                self._patched.close()
            raise ValueError(str(error)) from error
        self.sample_rate: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        self.duration: float | None = self._file.frames / self.sample_rate

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in order, up to the end or the first damage."""
        while not self.is_cut:
            parts: list[Block] = []
            try:
                # What is read together with damage is lost, so little is read at a time.
                while len(parts) < _BLOCK_SIZE // _READ_SIZE:
                    parts.append(self._file.read(_READ_SIZE, dtype="float32", always_2d=True))
                    if not len(parts[-1]):
                        break
            except self._error:
                self.is_cut = True
            block = np.concatenate(parts) if parts else np.zeros((0, self.n_channels), np.float32)
            if not len(block):
                return
            yield block

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._patched:
            self._patched.close()


class FfmpegDecoder:
    """What an installed ffmpeg reads: m4a, webm, the sound of videos and more.

    Raises:
        UsageError: ffmpeg cannot read it, or there is no sound in it.
    """

    duration: float | None = None

    def __init__(self, path: Path, program: str, name: str) -> None:
        with path.open("rb") as file:
            if file.read(16).startswith(_PLAYLISTS):
                raise UsageError(f"{name} is a playlist, not a recording.")
        self.is_cut = False
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the decoder
        self._process = subprocess.Popen(  # noqa: S603 - the path is one argument, and no option
            [program, *_FFMPEG_INPUT, f"file:{path.absolute()}", *FFMPEG_OUTPUT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        try:
            self.sample_rate, self.n_channels = read_au_header(self._read, lambda: self._refusal(name))
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[Block]:
        """Yield the samples in order, up to the end or where ffmpeg gave up."""
        width = 4 * self.n_channels
        while data := self._read(_BLOCK_SIZE // self.n_channels * width):
            n_whole = len(data) - len(data) % width
            yield np.frombuffer(data[:n_whole], ">f4").astype(np.float32).reshape(-1, self.n_channels)
        self.is_cut = self._process.wait() != 0

    def close(self) -> None:
        """End ffmpeg."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._errors.close()

    def _read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        return self._process.stdout.read(size) if self._process.stdout else b""

    def _refusal(self, name: str) -> UsageError:
        self._process.wait()
        return ffmpeg_refusal(name, self._errors)


def read_au_header(read: Callable[[int], bytes], refusal: Callable[[], UsageError]) -> tuple[int, int]:
    """Read the header of what ffmpeg gives; return the sample rate and the number of channels.

    Raises:
        UsageError: what ``refusal`` returns, if there is none.
    """
    header = read(24)
    if len(header) < 24:
        raise refusal()
    magic, offset, _, encoding, sample_rate, n_channels = struct.unpack(">4s5I", header)
    if magic != b".snd" or encoding != _AU_FLOAT:
        raise refusal()
    read(offset - 24)
    return sample_rate, n_channels


def ffmpeg_refusal(name: str, errors: IO[bytes]) -> UsageError:
    """Return the error for what ffmpeg, which has ended, could not read; its own words are in ``errors``."""
    errors.seek(0)
    text = errors.read().decode("utf-8", "replace")
    lines = ("".join(filter(str.isprintable, line)).rpartition(": ")[2] for line in text.split("\n"))
    said = [line.rstrip(".") for line in lines if line.strip()]
    if any("matches no streams" in line for line in said):
        return UsageError(f"There is no sound in {name}.")
    return UsageError(f"{name} cannot be read as a recording: {said[-1] if said else 'no sound'}.")


def _decode(data: memoryview, encoding: str) -> NDArray[np.float32]:
    """Return samples of any of ``RAW_ENCODINGS``, full scale at -1 and 1."""
    match encoding:
        case "pcm_s32le":
            return np.frombuffer(data, "<i4").astype(np.float32) / np.float32(2**31)
        case "pcm_f16le":
            return np.frombuffer(data, "<f2").astype(np.float32)
        case _:
            return pcm.decode(data, Encoding(encoding))


def find_ffmpeg() -> str | None:
    """Return the path of ffmpeg, if it is installed."""
    return shutil.which("ffmpeg")


def _load_soundfile() -> Any:
    """Import soundfile; the import itself raises OSError when there is no libsndfile."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise UsageError(
            f"Recordings cannot be read: {error}.", hint="Install libsndfile (Debian: libsndfile1)."
        ) from error
    return soundfile
