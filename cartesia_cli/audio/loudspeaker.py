"""An output device that is open: the real-time side of playing."""

import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.cushion import Cushion
from cartesia_cli.errors import OutputError

_LATENCY = 0.1
"""Seconds of sound asked to wait in the device: enough for a busy machine to call back in time."""

_LONGEST_LATENCY = 5.0
"""Seconds between a callback and the ear that can be true."""

_POLL = 0.02
"""Seconds between two looks at the device while waiting for it."""

_STALL = 3.0
"""Seconds without a callback after which the device counts as gone."""

_GONE_HINT = "Was it unplugged? Choose another with --device, or write a file with -o."


class Loudspeaker:
    """Plays what its cushion holds, silence while that is not enough.

    Opened, started and stopped on the thread for PortAudio; read, and waited for, on any.

    Args:
        sounddevice: the module.
        device: what PortAudio knows of the device.
        sample_rate: the rate to ask for, in hertz; a device that refuses it gets its own.
        cushion: seconds of sound that must wait before the first is heard.

    Raises:
        OutputError: the device cannot be opened.
    """

    def __init__(
        self, sounddevice: Any, device: Mapping[str, Any], sample_rate: int, *, cushion: float
    ) -> None:
        self.first_sound: float | None = None
        """Monotonic time at which the first sound was handed to the device."""
        self._heard = _Heard(0, 0, math.inf)
        self._late_blocks = 0
        self._sounding = False
        self._callbacks = 0
        self._finished = threading.Event()
        self._halted = False
        self._ending = False
        self._sounddevice = sounddevice
        self._device = device
        self._stream = self._open(sounddevice, device, sample_rate)
        self._latency = float(self._stream.latency)
        self.sample_rate = int(self._stream.samplerate)
        self.cushion = Cushion(self.sample_rate, start=cushion)
        try:
            self.go_on()
        except OutputError:
            self._stream.close()
            raise

    def _open(self, sounddevice: Any, device: Mapping[str, Any], sample_rate: int) -> Any:
        problem: Exception | None = None
        for rate in dict.fromkeys([sample_rate, int(device["default_samplerate"])]):
            for channels in dict.fromkeys([1, 2, device["max_output_channels"]]):
                try:
                    return sounddevice.OutputStream(
                        device=device["index"],
                        samplerate=rate,
                        channels=channels,
                        dtype="float32",
                        latency=_LATENCY,
                        callback=self._fill,
                        finished_callback=self._note_end,
                    )
                except sounddevice.PortAudioError as error:
                    problem = error
        raise _refusal(device, problem) from problem

    def _fill(self, block: NDArray[np.float32], n_frames: int, clock: Any, status: Any) -> None:
        """Fill one block. Runs on PortAudio's thread: no I/O, no logging, no waiting."""
        now = time.monotonic()
        self._ending = self._halted  # a last block may be asked for while it is being halted
        n_before = self.cushion.taken
        n = self.cushion.fill(block[:, 0])
        block[:, 1:] = block[:, :1]
        if n:
            if self.first_sound is None:
                self.first_sound = now
            latency = clock.outputBufferDacTime - clock.currentTime
            # Some sound systems leave one of the two clocks at zero.
            begins = now + (latency if 0 < latency < _LONGEST_LATENCY else self._latency)
            self._heard = _Heard(self._heard.by(now, self.sample_rate, n_before), n_before, begins)
        if status.output_underflow and self._sounding:
            self._late_blocks += 1
        self._sounding = n > 0
        self._callbacks += 1

    @property
    def underruns(self) -> int:
        """Gaps in mid-speech, whether the sound came too late to us or from us to the device."""
        return self.cushion.underruns + self._late_blocks

    @property
    def n_heard(self) -> int:
        """The number of the next sample that the listener will hear."""
        return self._heard.by(time.monotonic(), self.sample_rate, self.cushion.taken)

    def moments(self) -> Iterator[None]:
        """Yield now, and every few hundredths of a second as long as the device takes sound.

        Raises:
            OutputError: it is gone, at once or after some seconds without a callback.
        """
        # Looks are counted, not seconds: a clock goes on while the machine sleeps.
        seen, looks = self._callbacks, 0
        while looks * _POLL <= _STALL:
            self.check()
            yield
            time.sleep(_POLL)
            looks = looks + 1 if self._callbacks == seen and not self._halted else 0
            seen = self._callbacks
        raise OutputError("The sound device takes no more sound.", hint=_GONE_HINT)

    def check(self) -> None:
        """Raise OutputError if the device has stopped of itself."""
        if self._finished.is_set():
            raise OutputError("The sound device stopped.", hint=_GONE_HINT)

    def halt(self) -> None:
        """Be silent at once; what the device held and nobody heard waits in the cushion again."""
        if self._halted:
            return
        n = self.n_heard
        self._halted = self._ending = True
        self._stream.abort()
        self.cushion.go_back(n)
        self._stay_at(self.cushion.taken)

    def seek(self, n: int) -> None:
        """Drop what waits; sample ``n`` is put in next, and heard next. Only while halted."""
        self.cushion.seek(n)
        self._stay_at(n)

    def go_on(self) -> None:
        """Play what waits, and what will come.

        Raises:
            OutputError: the device cannot be started.
        """
        self._halted = False
        try:
            self._stream.start()
        except self._sounddevice.PortAudioError as error:
            raise _refusal(self._device, error) from error

    def _stay_at(self, n: int) -> None:
        self._sounding = False
        self._heard = _Heard(n, n, math.inf)

    def _note_end(self) -> None:
        """Note that the stream ended, unless we halted it; some systems tell of that late."""
        if not self._ending:
            self._finished.set()

    def stop(self) -> None:
        """Stop after what the device still holds, and close it."""
        self._stream.stop()
        self._stream.close()

    def abort(self) -> None:
        """Be silent at once, and close the device."""
        self._stream.abort()
        self._stream.close()


class _Heard(NamedTuple):
    """How far the listener is: a line through the newest block of sound."""

    least: int
    """Samples heard for certain; what is heard does not go back while a gap is bridged."""

    n_before: int
    """Samples heard when the block begins to be heard."""

    begins: float
    """Monotonic time at which it does; infinite before the first block."""

    def by(self, now: float, sample_rate: int, taken: int) -> int:
        """Return the number of samples heard at a time, of ``taken`` that the device has got."""
        if self.begins == math.inf:
            return self.least
        n = self.n_before + math.floor((now - self.begins) * sample_rate)
        return min(max(n, self.least), taken)


def _refusal(device: Mapping[str, Any], problem: Exception | None) -> OutputError:
    return OutputError(
        f"The sound device {device['name']!r} cannot be opened: {problem}.",
        hint="Is another program using it? Choose another with --device, or write a file with -o.",
    )
