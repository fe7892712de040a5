"""Sound into flac, ogg, opus and mp3, and from one encoding or rate to another; no I/O here."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.formats import OutputFormat, mp3_bit_rates
from cartesia_cli.audio.resample import StreamResampler
from cartesia_cli.errors import OutputError
from cartesia_cli.models import AudioFormat, Encoding

_BLOCK_SIZE: Final = 1 << 14
"""Samples given to libsndfile at once; libvorbis puts a whole block on the stack."""


class Encoder(Protocol):
    """Turns samples into the bytes of a file."""

    def encode(self, samples: NDArray[np.float32]) -> bytes:
        """Return the bytes that are ready, which may be none."""

    def finish(self) -> bytes:
        """Return the rest; nothing can be encoded afterwards."""

    def close(self) -> None:
        """Free what the encoder holds, finished or not."""

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """Offsets in the file and the bytes that stand there once it is finished.

        Where they cannot be applied, as in a pipe, the file is valid without them.
        """


class PcmEncoder:
    """Samples as they are, in one of the API's encodings."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self.patches: list[tuple[int, bytes]] = []

    def encode(self, samples: NDArray[np.float32]) -> bytes:
        """Return the samples' bytes."""
        return pcm.encode(samples, self._encoding)

    def finish(self) -> bytes:
        """Return nothing: every sample is independent."""
        return b""

    def close(self) -> None:
        """Do nothing."""


class ContainerEncoder:
    """flac, ogg, opus and mp3 by libsndfile, in constant memory.

    Raises:
        OutputError: libsndfile is missing, or too old for this container.
    """

    def __init__(self, output: OutputFormat) -> None:
        soundfile = load_soundfile()
        self._written = _WrittenBytes()
        self._errors: tuple[type[Exception], ...] = (soundfile.LibsndfileError, ValueError)
        # libsndfile calls back into Python for every few bytes, and there a Ctrl-C that the main
        # thread receives would be printed and forgotten. Signals never reach another thread.
        self._thread = ThreadPoolExecutor(1, "encoder")
        self._file: Any = None
        self._prepare = _to_flac(output.encoding) if output.name == "flac" else _to_lossy
        try:
            self._file = self._run(
                lambda: soundfile.SoundFile(
                    self._written,
                    "w",
                    samplerate=output.sample_rate,
                    channels=1,
                    **_parameters(output),
                )
            )
        except BaseException:
            self._thread.shutdown()
            raise

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """What the container's header says of the whole, known only now."""
        return self._written.patches

    def encode(self, samples: NDArray[np.float32]) -> bytes:
        """Return the bytes of the frames that are complete."""
        for start in range(0, samples.size, _BLOCK_SIZE):
            self._run(self._file.write, self._prepare(samples[start : start + _BLOCK_SIZE]))
        return self._written.take()

    def finish(self) -> bytes:
        """Return the last frames."""
        self._run(self._file.close)
        self._thread.shutdown()
        return self._written.take()

    def close(self) -> None:
        """Free the encoder and its thread."""
        if not self._file.closed:
            self._run(self._file.close)
        self._thread.shutdown()

    def _run(self, work: Callable[..., Any], *arguments: object) -> Any:
        try:
            return self._thread.submit(work, *arguments).result()
        except self._errors as error:
            raise OutputError(
                f"Cannot encode audio: {str(error).rstrip('.')}.",
                hint="Update libsndfile to 1.1 or newer, or write a .wav file.",
            ) from error


class Conversion:
    """Payload bytes of an engine into the bytes of an output, piece by piece.

    Args:
        source: what the bytes mean that come in.
        output: what shall come out; of a WAV the data alone.
    """

    def __init__(self, source: AudioFormat, output: OutputFormat) -> None:
        self._encoding = source.encoding
        self._cut = b""
        self._resampler = StreamResampler(source.sample_rate, output.sample_rate)
        self._encoder: Encoder = (
            PcmEncoder(output.encoding or source.encoding)
            if output.name in {"wav", "raw"}
            else ContainerEncoder(output)
        )

    @property
    def patches(self) -> list[tuple[int, bytes]]:
        """See ``Encoder``."""
        return self._encoder.patches

    def convert(self, data: bytes) -> bytes:
        """Return what is ready; a sample that ``data`` cuts is completed by the next call."""
        data = self._cut + data
        n_whole = len(data) - len(data) % self._encoding.sample_width
        self._cut = data[n_whole:]
        samples = pcm.decode(memoryview(data)[:n_whole], self._encoding)
        return self._encoder.encode(self._resampler.process(samples))

    def finish(self) -> bytes:
        """Return the rest. A last sample that is not whole is left out."""
        rest = self._encoder.encode(self._resampler.process(np.zeros(0, np.float32), last=True))
        return rest + self._encoder.finish()

    def close(self) -> None:
        """Free what is held, finished or not."""
        self._encoder.close()


def load_soundfile() -> Any:
    """Import soundfile, or say what is missing.

    The import itself raises OSError when there is no libsndfile.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise OutputError(
            f"Cannot encode audio: {error}.",
            hint="Install libsndfile (Debian: libsndfile1), or write a .wav or .pcm file.",
        ) from error
    return soundfile


def _parameters(output: OutputFormat) -> dict[str, Any]:
    """Return what soundfile calls the format."""
    match output.name:
        case "flac":
            subtype = "PCM_24" if output.encoding is Encoding.PCM_F32LE else "PCM_16"
            return {"format": "FLAC", "subtype": subtype}
        case "ogg":
            return {"format": "OGG", "subtype": "VORBIS"}
        case "opus":
            return {"format": "OGG", "subtype": "OPUS"}
        case "mp3":
            return {
                "format": "MP3",
                "subtype": "MPEG_LAYER_III",
                "bitrate_mode": "CONSTANT",
                "compression_level": _mp3_level(output.sample_rate, output.bit_rate or 128_000),
            }
        case "wav" | "raw":
            raise AssertionError(output.name)


def _to_lossy(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    # Some encoders never recover from NaN or infinity.
    return np.clip(np.nan_to_num(samples, nan=0.0), -1.0, 1.0)


def _to_flac(encoding: Encoding | None) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Return what makes integers of samples; libsndfile would scale by 32768, we by 32767 everywhere."""
    if encoding is not Encoding.PCM_F32LE:
        return pcm.to_s16

    def to_s24(samples: NDArray[np.float32]) -> NDArray[np.int32]:
        scaled: NDArray[np.float64] = np.rint(_to_lossy(samples).astype(np.float64) * 0x7FFFFF)
        return scaled.astype(np.int32) << 8  # libsndfile takes the upper 24 bits

    return to_s24


def _mp3_level(sample_rate: int, bit_rate: int) -> float:
    """Return libsndfile's compression level for a constant bit rate.

    0 is the highest bit rate of the MPEG version, 1 its lowest, linear in between
    (libsndfile 1.2, src/mpeg_l3_encode.c); 1 itself is refused.
    """
    least, most = mp3_bit_rates(sample_rate)
    return min((most - bit_rate) / (most - least), 0.9999)


class _WrittenBytes:
    """The file that libsndfile sees: what is appended is taken away, what is rewritten is kept."""

    def __init__(self) -> None:
        self.patches: list[tuple[int, bytes]] = []
        self._ready = bytearray()
        self._position = 0
        self._end = 0

    def take(self) -> bytes:
        """Return what was appended since the last time."""
        ready = bytes(self._ready)
        self._ready.clear()
        return ready

    def write(self, data: bytes) -> int:
        """Append, or note what replaces earlier bytes."""
        if self._position == self._end:
            self._ready += data
            self._end += len(data)
        else:
            self.patches.append((self._position, bytes(data)))
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, as a file does."""
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, _size: int = -1) -> bytes:
        """Return nothing; soundfile wants the method to exist."""
        return b""
