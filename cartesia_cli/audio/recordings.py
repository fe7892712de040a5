"""Recordings: any file with sound in it, read as one channel at the rate that is asked for."""

import io
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.decoders import Decoder, FfmpegDecoder, RawDecoder, SoundfileDecoder, find_ffmpeg
from cartesia_cli.audio.inlet import Inlet
from cartesia_cli.audio.mixing import MonoMix
from cartesia_cli.audio.pacing import paced
from cartesia_cli.audio.pipes import FfmpegPipeDecoder, WavPipeDecoder
from cartesia_cli.audio.quiet import quiet_libraries
from cartesia_cli.audio.resample import StreamResampler
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import Encoding

LIVE_RATE: Final = 16_000
"""Samples per second of live sound, in hertz."""

_LIVE_BLOCK: Final = LIVE_RATE // 10 * 2

_COPIED_AT_ONCE = 1 << 20
_LOUDEST = np.float32(2**16)
"""Full scale of floating-point files that hold integers; beyond it there is no sound, only damage."""


class Recording:
    """An open recording, read once from its start to its end in constant memory."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._seconds = 0.0

    @property
    def duration(self) -> float | None:
        """Seconds in all, where that is known before the end."""
        return self._decoder.duration

    @property
    def seconds(self) -> float:
        """Seconds that were read so far."""
        return self._seconds

    @property
    def is_cut(self) -> bool:
        """Whether the recording broke off before its end, known once it was read."""
        return self._decoder.is_cut

    def blocks(self, sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """Yield the sound as one channel at ``sample_rate``, full scale at -1 and 1.

        NaN and infinity become silence; channels that are each other's negative do not cancel.
        """
        source_rate, n_samples = self._decoder.sample_rate, 0
        resampler, mix = StreamResampler(source_rate, sample_rate), MonoMix(self._decoder.n_channels)
        for block in self._decoder.blocks():
            n_samples += len(block)
            self._seconds = n_samples / source_rate
            yield resampler.process(np.clip(mix.mix(block), -_LOUDEST, _LOUDEST))
        yield resampler.process(np.zeros(0, np.float32), last=True)


@contextmanager
def open_recording(
    source: Path | BinaryIO, *, encoding: str | None = None, sample_rate: int | None = None
) -> Iterator[Recording]:
    """Open a recording of any kind; leaving the context closes it.

    Args:
        source: a file, or a stream, which need not be seekable.
        encoding: of samples without a header, one of ``RAW_ENCODINGS``; otherwise the header says it.
        sample_rate: of samples without a header.

    Raises:
        UsageError: it does not exist, cannot be read, is empty, or holds no sound.
        OutputError: there is no space for the copy of a stream.
    """
    name = _name_of(source)
    with quiet_libraries(), ExitStack() as held:
        stream = held.enter_context(_open_file(source, name)) if isinstance(source, Path) else source
        if encoding is not None:
            if not sample_rate:
                raise UsageError(f"The sample rate of {name} is not known.", hint="Add --sample-rate.")
            decoder: Decoder = RawDecoder(_filled(stream, name), encoding, sample_rate)
        elif isinstance(source, Path) and source.is_file():
            decoder = _open_decoder(source, name)
        else:
            decoder = _open_decoder(held.enter_context(_copied(stream)), name)
        held.callback(decoder.close)
        yield Recording(decoder)


class LiveSound:
    """Sound that is still arriving, or as if it were: blocks of a tenth of a second, the last one shorter.

    They are mono ``pcm_s16le`` at ``LIVE_RATE``. What cannot be read as sound is raised to who iterates.
    """

    def __init__(
        self, opened: Callable[[], Recording], inlet: Inlet | None = None, pace: float | None = None
    ) -> None:
        self._open = opened
        self._inlet = inlet
        self._pace = pace
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        """Return the blocks, as they come."""
        try:
            samples = self._open().blocks(LIVE_RATE)
        except UsageError:
            if self._stopped.is_set():  # before it could be seen what it is
                return iter(())
            raise
        blocks = _even_blocks(pcm.encode(block, Encoding.PCM_S16LE) for block in samples)
        if self._inlet:
            return blocks
        return paced(blocks, lambda block: len(block) / (2 * LIVE_RATE), self._pace, self._stopped)

    def stop(self) -> None:
        """End the sound, with what has come of it; any thread may call it."""
        self._stopped.set()
        if self._inlet:
            self._inlet.stop()


@contextmanager
def open_live(
    source: Path | BinaryIO,
    *,
    encoding: str | None = None,
    sample_rate: int | None = None,
    pace: float | None = None,
) -> Iterator[LiveSound]:
    """Open sound of any kind that may still be arriving; leaving the context closes it.

    Args:
        source: a file, a pipe, or a stream of which nothing was read yet.
        encoding: of samples without a header, one of ``RAW_ENCODINGS``; otherwise the header says it.
        sample_rate: of samples without a header.
        pace: of a file, 1 for real time; None for as fast as it is read. A pipe has its own.

    Raises:
        UsageError: it does not exist, cannot be read, is empty, or holds no sound.
    """
    if _is_file(source):
        with open_recording(source, encoding=encoding, sample_rate=sample_rate) as recording:
            yield LiveSound(lambda: recording, pace=pace)
        return
    name = _name_of(source)
    if encoding is not None and not sample_rate:
        raise UsageError(f"The sample rate of {name} is not known.", hint="Add --sample-rate.")
    with quiet_libraries(), ExitStack() as held:
        stream = held.enter_context(_open_pipe(source, name)) if isinstance(source, Path) else source
        inlet = Inlet(stream)

        def opened() -> Recording:
            decoder = _open_arriving(inlet, name, encoding, sample_rate)
            held.callback(decoder.close)
            return Recording(decoder)

        yield LiveSound(opened, inlet)


def _open_arriving(inlet: Inlet, name: str, encoding: str | None, sample_rate: int | None) -> Decoder:
    """Return what decodes a stream, once its beginning is there."""
    if encoding is not None and sample_rate:
        return RawDecoder(cast("BinaryIO", inlet), encoding, sample_rate)
    start = inlet.read_all(12)
    inlet.put_back(start)
    if not start:
        raise UsageError(f"{name} is empty.")
    if start[:4] in {b"RIFF", b"RF64"} and start[8:] == b"WAVE":
        return WavPipeDecoder(inlet, name)
    program = find_ffmpeg()
    if program is None:
        raise UsageError(
            f"{name} is not a WAV stream, and no other can be read here while it arrives.",
            hint="Send WAV, or samples with --encoding and --sample-rate, or install ffmpeg for the rest.",
        )
    return FfmpegPipeDecoder(inlet, program, name)


def _even_blocks(data: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in data:
        waiting += piece
        while len(waiting) >= _LIVE_BLOCK:
            yield bytes(waiting[:_LIVE_BLOCK])
            del waiting[:_LIVE_BLOCK]
    if waiting:
        yield bytes(waiting)


def _is_file(source: Path | BinaryIO) -> bool:
    """Return whether all of it is there, or it does not exist."""
    if isinstance(source, Path):
        return source.is_file() or source.is_dir() or not source.exists()
    try:
        return stat.S_ISREG(os.fstat(source.fileno()).st_mode)
    except OSError:
        return False


@contextmanager
def _open_pipe(path: Path, name: str) -> Iterator[BinaryIO]:
    try:
        # A pipe to which nobody writes yet would otherwise be waited for here, without end.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        yield cast("BinaryIO", stream)


def _open_decoder(path: Path, name: str) -> Decoder:
    if not path.stat().st_size:
        raise UsageError(f"{name} is empty.")
    try:
        return SoundfileDecoder(path)
    except ValueError as error:
        program = find_ffmpeg()
        if program is None:
            raise UsageError(
                f"{name} is not a recording that can be read here.",
                hint="Convert it to WAV, FLAC, Ogg, Opus or MP3, or install ffmpeg, which reads the rest.",
            ) from error
        return FfmpegDecoder(path, program, name)


@contextmanager
def _open_file(path: Path, name: str) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"{path} does not exist.") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder, not a recording.") from error
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error
    with file:
        yield file


def _filled(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a stream with the same bytes, of which there is at least one."""
    first = stream.read(1)
    if not first:
        raise UsageError(f"{name} is empty.")
    return io.BufferedReader(_Rejoined(first, stream))


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were already read."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first = first
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data, self._first = (self._first or self._rest.read(len(view))), b""
        view[: len(data)] = data
        return len(data)


@contextmanager
def _copied(stream: BinaryIO) -> Iterator[Path]:
    """Lend a file with the rest of the stream: decoders must go back and forth."""
    descriptor, path = tempfile.mkstemp(prefix="cartesia-recording-")
    try:
        try:
            with os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(stream, copy, _COPIED_AT_ONCE)
        except OSError as error:
            raise OutputError(
                f"The recording cannot be copied to {tempfile.gettempdir()}: {error.strerror}.",
                hint="Free some space, or set TMPDIR to a folder that has it.",
            ) from error
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)


def _name_of(source: Path | BinaryIO) -> str:
    if isinstance(source, Path):
        return source.name
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) and not name.startswith("<") else "The recording"
