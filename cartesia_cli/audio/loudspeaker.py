"""An output device that is open: the real-time side of playing."""

import math
import threading
import time
from collections.abc import Mapping
from typing import Any

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
        # The samples heard when the newest block begins to be heard, and the monotonic time when it does.
        self._begun: tuple[int, float] | None = None
        self._late_blocks = 0
        self._sounding = False
        self._callbacks = 0
        self._finished = threading.Event()
        self._seen = 0
        self._looks = 0
        self._stream = self._open(sounddevice, device, sample_rate)
        self._latency = float(self._stream.latency)
        self.sample_rate = int(self._stream.samplerate)
        self.cushion = Cushion(self.sample_rate, start=cushion)
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            self._stream.close()
            raise _refusal(device, error) from error

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
                        finished_callback=self._finished.set,
                    )
                except sounddevice.PortAudioError as error:
                    problem = error
        raise _refusal(device, problem) from problem

    def _fill(self, block: NDArray[np.float32], n_frames: int, clock: Any, status: Any) -> None:
        """Fill one block. Runs on PortAudio's thread: no I/O, no logging, no waiting."""
        now = time.monotonic()
        n_before = self.cushion.taken
        n = self.cushion.fill(block[:, 0])
        block[:, 1:] = block[:, :1]
        if n:
            if self.first_sound is None:
                self.first_sound = now
            latency = clock.outputBufferDacTime - clock.currentTime
            # Some sound systems leave one of the two clocks at zero.
            self._begun = (n_before, now + (latency if 0 < latency < _LONGEST_LATENCY else self._latency))
        if status.output_underflow and self._sounding:
            self._late_blocks += 1
        self._sounding = n > 0
        self._callbacks += 1

    @property
    def underruns(self) -> int:
        """Gaps in mid-speech, whether the sound came too late to us or from us to the device."""
        return self.cushion.underruns + self._late_blocks

    @property
    def position(self) -> float:
        """Seconds of sound that were heard; gaps do not count."""
        return self._n_heard() / self.sample_rate

    def _n_heard(self) -> int:
        if self._begun is None:
            return 0
        n_before, begins = self._begun
        n = n_before + math.floor((time.monotonic() - begins) * self.sample_rate)
        return min(max(n, 0), self.cushion.taken)

    def wait(self) -> None:
        """Wait a moment, in which the device takes sound.

        Raises:
            OutputError: it is gone, at once or after some seconds without a callback.
        """
        time.sleep(_POLL)
        self.check()
        if self._callbacks != self._seen:
            self._seen, self._looks = self._callbacks, 0
            return
        # Looks are counted, not seconds: a clock goes on while the machine sleeps.
        self._looks += 1
        if self._looks * _POLL > _STALL:
            raise OutputError("The sound device takes no more sound.", hint=_GONE_HINT)

    def check(self) -> None:
        """Raise OutputError if the device has stopped of itself."""
        if self._finished.is_set():
            raise OutputError("The sound device stopped.", hint=_GONE_HINT)

    def wait_until_heard(self) -> None:
        """Wait until everything in the cushion was heard."""
        while self._n_heard() < self.cushion.put:
            self.wait()

    def stop(self) -> None:
        """Stop after what the device still holds, and close it."""
        self._stream.stop()
        self._stream.close()

    def abort(self) -> None:
        """Be silent at once, and close the device."""
        self._stream.abort()
        self._stream.close()


def _refusal(device: Mapping[str, Any], problem: Exception | None) -> OutputError:
    return OutputError(
        f"The sound device {device['name']!r} cannot be opened: {problem}.",
        hint="Is another program using it? Choose another with --device, or write a file with -o.",
    )
