"""The microphone: sound as it is being made."""

import contextlib
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from cartesia_cli.audio.devices import find_input, load_sounddevice, sound_thread
from cartesia_cli.audio.quiet import quiet_libraries
from cartesia_cli.errors import OutputError

_OPENING: Final = 10.0
"""Seconds in which the sound system must load and open a device."""

_CLOSING: Final = 1.0
"""Seconds in which it must close one."""

_PIECE: Final = 0.02
"""Seconds of sound that the device is asked to give at a time."""

_BLOCK: Final = 0.1
"""Seconds of sound in a block."""

_SILENCE: Final = 0.2
"""Seconds without any sound that tell something."""

_MOST_WAITING: Final = 3000
"""Pieces that may wait to be taken: a minute of sound."""

_POLL: Final = 0.1
"""Seconds between two looks at the device while waiting for it."""

_STALL: Final = 3.0
"""Seconds without sound after which the device counts as gone."""

_GONE_HINT: Final = "Was it unplugged? Choose another with --device."
_PERMISSION_HINT: Final = "Allow this terminal to use the microphone: System Settings, Privacy & Security."


class Microphone:
    """Records from an input device, from entering to ``stop`` or leaving.

    Iterating gives blocks of about a tenth of a second, mono ``pcm_s16le``, once each.

    Args:
        device: index, name or part of a name; None for the default.
        sample_rate: of the blocks, in hertz.

    Raises:
        UsageError: on entering: no such device, or several.
        OutputError: on entering: no PortAudio, no device, or it cannot be opened; in iterating: it is gone.
    """

    def __init__(self, device: str | int | None = None, sample_rate: int = 16_000) -> None:
        self.sample_rate = sample_rate
        self.overflows = 0
        """How often sound was lost because it was not taken in time."""

        self._n_silent = 0  # pieces
        self._device = device
        self._pieces: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._stopped = threading.Event()
        self._finished = threading.Event()
        self._stream: Any = None
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Open the device; it records from now on."""
        with contextlib.ExitStack() as closing:
            closing.enter_context(quiet_libraries())
            sound_thread().call(self._open, seconds=_OPENING)
            self._closing = closing.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close the device."""
        self.stop()
        with self._closing, contextlib.suppress(OutputError):
            sound_thread().call(self._close, seconds=_CLOSING)

    @property
    def is_silent(self) -> bool:
        """Whether there was exact silence alone, for a while: as where the system lets no program listen."""
        return self._n_silent * _PIECE >= _SILENCE

    def stop(self) -> None:
        """End the recording; what was recorded can still be taken. Any thread may call it."""
        self._stopped.set()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the blocks as they come, until ``stop``."""
        size = self._n_bytes(_BLOCK)
        waiting = bytearray()
        for piece in self._mono():
            waiting += piece
            if len(waiting) >= size:
                yield bytes(waiting)
                waiting.clear()
        if waiting:
            yield bytes(waiting)

    def _n_bytes(self, seconds: float) -> int:
        return 2 * int(seconds * self.sample_rate)

    def _mono(self) -> Iterator[bytes]:
        """Yield the sound as it shall be; most devices give it so."""
        rate, n_channels = int(self._stream.samplerate), self._stream.channels
        if (rate, n_channels) == (self.sample_rate, 1):
            yield from self._taken()
            return
        import numpy as np

        from cartesia_cli.audio import pcm
        from cartesia_cli.audio.mixing import MonoMix
        from cartesia_cli.audio.resample import StreamResampler
        from cartesia_cli.models import Encoding

        mix, resampler = MonoMix(n_channels), StreamResampler(rate, self.sample_rate)
        for piece in self._taken():
            samples = pcm.decode(piece, Encoding.PCM_S16LE).reshape(-1, n_channels)
            yield pcm.encode(resampler.process(mix.mix(samples)), Encoding.PCM_S16LE)
        yield pcm.encode(resampler.process(np.zeros(0, np.float32), last=True), Encoding.PCM_S16LE)

    def _taken(self) -> Iterator[bytes]:
        """Yield what the device gives.

        Raises:
            OutputError: it is gone, at once or after some seconds without sound.
        """
        n_looks = 0
        while True:
            is_over = self._stopped.is_set()
            is_gone = self._finished.is_set()
            try:
                piece = self._pieces.get(timeout=0.0 if is_over or is_gone else _POLL)
            except queue.Empty:
                if is_over:
                    return
                # Looks are counted, not seconds: a clock goes on while the machine sleeps.
                n_looks += 1
                if is_gone or n_looks * _POLL > _STALL:
                    raise OutputError("The microphone gives no more sound.", hint=_GONE_HINT) from None
                continue
            n_looks = 0
            self._n_silent = -1 if self._n_silent < 0 or any(piece) else self._n_silent + 1
            yield piece

    def _take(self, data: Any, n_frames: int, clock: Any, status: Any) -> None:
        """Take one piece. Runs on PortAudio's thread: no I/O, no logging, no waiting."""
        if self._stopped.is_set():
            return
        if status.input_overflow:
            self.overflows += 1
        try:
            self._pieces.put_nowait(bytes(data))
        except queue.Full:
            self.overflows += 1

    def _open(self) -> None:
        try:
            sounddevice = load_sounddevice()
        except OutputError as error:
            raise OutputError(
                str(error).replace("Cannot play", "Cannot record", 1),
                hint="Install PortAudio (Debian, Ubuntu: apt install libportaudio2), or name a file.",
            ) from error
        device = find_input(sounddevice, self._device)
        problem: Exception | None = None
        for rate in dict.fromkeys([self.sample_rate, int(device["default_samplerate"])]):
            for n_channels in dict.fromkeys([1, 2, device["max_input_channels"]]):
                try:
                    self._stream = self._started(sounddevice, device, rate, n_channels)
                except sounddevice.PortAudioError as error:
                    problem = error
                else:
                    return
        raise _refusal(device, problem) from problem

    def _started(self, sounddevice: Any, device: Mapping[str, Any], rate: int, n_channels: int) -> Any:
        stream = sounddevice.RawInputStream(
            device=device["index"],
            samplerate=rate,
            channels=n_channels,
            dtype="int16",
            blocksize=int(rate * _PIECE),
            callback=self._take,
            finished_callback=self._finished.set,
        )
        try:
            stream.start()
        except BaseException:
            stream.close()
            raise
        return stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.abort()
            self._stream.close()


def _refusal(device: Mapping[str, Any], problem: Exception | None) -> OutputError:
    in_use = "Is another program using it? Choose another with --device."
    return OutputError(
        f"The microphone {device['name']!r} cannot be opened: {problem}.",
        hint=_PERMISSION_HINT if sys.platform == "darwin" else in_use,
    )
