"""The player: a sink that is heard."""

import contextlib
import math
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.devices import find_output, load_sounddevice, sound_thread
from cartesia_cli.audio.loudspeaker import Loudspeaker
from cartesia_cli.audio.quiet import quiet_libraries
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import AudioFormat, Container

if TYPE_CHECKING:
    from cartesia_cli.audio.resample import StreamResampler

_OPENING = 10.0
"""Seconds in which the sound system must load and open a device."""

_CLOSING = 1.0
"""Seconds in which it must close one."""

_PIECE = 0.25
"""Seconds of sound decoded at a time, so that a long chunk takes no memory of its length."""

_KNEE = 0.8
"""Level above which an amplified sound is bent, so that no gain makes it leave full scale."""


class Player:
    """Plays what is written to it, without gaps as long as that comes fast enough.

    Entering opens the device, so that a wrong one is known before any speech is paid for. Leaving
    waits until the last sample was heard; leaving by an exception is silent at once.

    Args:
        source: encoding and sample rate of what will be written; raw samples.
        device: index, name or part of a name; None for the default.
        gain_db: louder or softer, in decibels, -100 to 60.
        cushion: seconds of sound that must wait before the first is heard; underruns raise it.

    Raises:
        UsageError: no such gain; on entering: no such device, or several.
        OutputError: on entering: no PortAudio, no device, or it cannot be opened.
    """

    live = True

    def __init__(
        self,
        source: AudioFormat,
        *,
        device: str | int | None = None,
        gain_db: float = 0.0,
        cushion: float = 0.3,
    ) -> None:
        if source.container is not Container.RAW:
            raise ValueError(f"a player takes raw samples, not {source.container}")
        if not -100.0 <= gain_db <= 60.0:
            raise UsageError(f"A gain of {gain_db} dB is out of range.", hint="Give -100 to 60.")
        self._source = source
        self._device = device
        self._gain_db = gain_db
        self._cushion_seconds = cushion
        self._loudspeaker: Loudspeaker | None = None
        self._closing = contextlib.ExitStack()
        self._resampler: StreamResampler | None = None
        self._rest = b""
        self._marked = 0
        self.written = 0
        """Bytes written, in the source's encoding."""

    @property
    def first_sound(self) -> float | None:
        """Monotonic time at which the first sound was handed to the device."""
        return self._loudspeaker.first_sound if self._loudspeaker else None

    @property
    def underruns(self) -> int:
        """Gaps in mid-speech so far."""
        return self._loudspeaker.underruns if self._loudspeaker else 0

    @property
    def position(self) -> float:
        """Seconds of sound that the listener has heard; gaps do not count."""
        return self._loudspeaker.position if self._loudspeaker else 0.0

    def __enter__(self) -> Self:
        """Open the device and start it; it plays silence until enough sound waits."""
        with contextlib.ExitStack() as closing:
            closing.enter_context(quiet_libraries())
            self._loudspeaker = sound_thread().call(self._open, seconds=_OPENING)
            self._closing = closing.pop_all()
        return self

    def _open(self) -> Loudspeaker:
        sounddevice = load_sounddevice()
        device = find_output(sounddevice, self._device)
        return Loudspeaker(sounddevice, device, self._source.sample_rate, cushion=self._cushion_seconds)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Play to the end; after an exception be silent at once."""
        loudspeaker = self._opened()
        with self._closing:
            stop = loudspeaker.abort
            try:
                if exc_type is None:
                    self.end()
                    loudspeaker.wait_until_heard()
                    stop = loudspeaker.stop
            finally:
                # All was heard, or an error is already on its way: one in closing is no news.
                with contextlib.suppress(OutputError):
                    sound_thread().call(stop, seconds=_CLOSING)

    def write(self, data: bytes) -> None:
        """Take sound to be played, waiting while the cushion is full.

        Raises:
            OutputError: the device is gone.
        """
        self._opened().check()
        self.written += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % self._source.encoding.sample_width
        self._rest = data[whole:]
        step = math.ceil(_PIECE * self._source.sample_rate) * self._source.encoding.sample_width
        for start in range(0, whole, step):
            piece = memoryview(data)[start : min(start + step, whole)]
            self._play(pcm.decode(piece, self._source.encoding))

    def end(self) -> None:
        """Let what was written be heard, however little it is; what comes later may come late.

        Does not wait for it. Half a sample at the end is dropped.
        """
        self._rest = b""
        self._play(np.empty(0, np.float32), last=True)
        self._opened().cushion.end()

    def mark(self) -> None:
        """Note that a part of the text is complete."""
        self._marked = self.written
        self._rest = b""

    def rewind(self) -> bool:
        """Return whether nothing was written since the mark: sound cannot be taken back."""
        return self.written == self._marked

    def _opened(self) -> Loudspeaker:
        if self._loudspeaker is None:
            raise ValueError("a player plays inside its with block")
        return self._loudspeaker

    def _play(self, samples: NDArray[np.float32], *, last: bool = False) -> None:
        loudspeaker = self._opened()
        if loudspeaker.sample_rate != self._source.sample_rate:
            samples = self._resample(samples, loudspeaker.sample_rate, last=last)
        samples = amplify(samples, self._gain_db)
        while samples.size:
            samples = samples[loudspeaker.cushion.add(samples) :]
            if samples.size:
                loudspeaker.wait()

    def _resample(self, samples: NDArray[np.float32], sample_rate: int, *, last: bool) -> NDArray[np.float32]:
        from cartesia_cli.audio.resample import StreamResampler

        resampler = self._resampler or StreamResampler(self._source.sample_rate, sample_rate)
        self._resampler = None if last else resampler
        return resampler.process(samples, last=last)


def amplify(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    """Return ``samples`` louder or softer, within full scale; NaN becomes silence.

    Made softer, or left alone, they keep their shape. Made louder, what rises above 0.8 is bent
    towards 1.0 (tanh), which sounds less harsh than cutting it off.
    """
    samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    if gain_db:
        samples = samples * np.float32(10 ** (gain_db / 20))
    if gain_db > 0:
        level = np.abs(samples)
        bent = _KNEE + (1 - _KNEE) * np.tanh((level - _KNEE) / (1 - _KNEE))
        samples = np.where(level > _KNEE, np.copysign(bent, samples), samples)
    limited: NDArray[np.float32] = np.clip(samples, -1.0, 1.0)
    return limited
