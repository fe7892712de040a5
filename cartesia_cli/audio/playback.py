"""The player: a sink that is heard."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.conversion import Conversion
from cartesia_cli.audio.devices import find_output, load_sounddevice, sound_thread
from cartesia_cli.audio.loudspeaker import Loudspeaker
from cartesia_cli.audio.quiet import quiet_libraries
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import AudioFormat, Container, WordTiming

if TYPE_CHECKING:
    from cartesia_cli.audio.feeder import Feeder
    from cartesia_cli.audio.turns import Turn

_OPENING = 10.0
"""Seconds in which the sound system must load and open a device."""

_CLOSING = 1.0
"""Seconds in which it must close one."""

_ROUNDING = 0.01
"""Seconds by which sound may be shorter at another rate."""


class Player:
    """Plays what is written to it, without gaps as long as that comes fast enough.

    Entering opens the device, so that a wrong one is known before any speech is paid for. Leaving
    waits until the last sample was heard; leaving by an exception is silent at once.

    One thread writes; any may pause, resume, jump, discard and stop, which do nothing outside the block
    but for ``stop`` before it.

    Args:
        source: encoding and sample rate of what will be written; raw samples.
        device: index, name or part of a name; None for the default.
        gain_db: louder or softer, in decibels, -100 to 60.
        cushion: seconds of sound that must wait before the first is heard; underruns raise it.
        steerable: whether the sound is kept, for ``back`` and ``forward``.
        turn: taken before an utterance is heard, and given back when it was.

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
        steerable: bool = False,
        turn: "Turn | None" = None,
    ) -> None:
        if source.container is not Container.RAW:
            raise ValueError(f"a player takes raw samples, not {source.container}")
        if not -100.0 <= gain_db <= 60.0:
            raise UsageError(f"A gain of {gain_db} dB is out of range.", hint="Give -100 to 60.")
        self._source = source
        self._device = device
        self._gain_db = gain_db
        self._cushion_seconds = cushion
        self._steerable = steerable
        self._turn = turn
        self._loudspeaker: Loudspeaker | None = None
        self._feeder: Feeder | None = None
        self._closing = contextlib.ExitStack()
        self._conversion = self._new_conversion()
        self._marked = 0
        self._lock = threading.RLock()
        self._utterance = 0
        self._closed = False
        self.written = 0
        """Bytes written, in the source's encoding."""
        self.paused = False
        """Whether it is silent until ``resume``."""
        self.stopped = False
        """Whether it is silent for ever."""

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
        """How far the listener is, in seconds of all that was written; gaps and pauses do not count.

        What was discarded counts as heard, so that times of words go on to fit.
        """
        loudspeaker = self._loudspeaker
        return loudspeaker.n_heard / loudspeaker.sample_rate if loudspeaker else 0.0

    def __enter__(self) -> Self:
        """Open the device and start it; it plays silence until enough sound waits."""
        with contextlib.ExitStack() as closing:
            closing.enter_context(quiet_libraries())
            if self._turn:
                closing.callback(self._turn.release)
            loudspeaker = self._loudspeaker = self._opened_in_turn()
            self._conversion = self._new_conversion()
            if self._steerable:
                from cartesia_cli.audio.feeder import Feeder

                self._feeder = closing.enter_context(Feeder(loudspeaker, self._lock))
            if self._turn:
                self._turn.on_interrupt(self.stop)
            self._closing = closing.pop_all()
        return self

    def _opened_in_turn(self) -> Loudspeaker:
        try:
            return sound_thread().call(self._open, seconds=_OPENING)
        except OutputError:
            if self._turn is None or not self._turn.take(until=lambda: False):
                raise
        # It may have been one that serves a single program, which has had its turn now.
        return sound_thread().call(self._open, seconds=_OPENING)

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
            close = loudspeaker.abort
            try:
                if exc_type is None and self.wait_until_heard():
                    close = loudspeaker.stop
            finally:
                with self._lock:  # whoever steers does not reach for a stream that is gone
                    self._closed = True
                # All was heard, or an error is already on its way: one in closing is no news.
                with contextlib.suppress(OutputError):
                    sound_thread().call(close, seconds=_CLOSING)

    def write(self, data: bytes) -> None:
        """Take sound to be played, waiting while the cushion is full.

        Returns at once when it is discarded meanwhile, or when the player was stopped.

        Raises:
            OutputError: the device is gone, or other programs play for too long.
        """
        loudspeaker = self._opened()
        with self._lock:
            utterance, conversion = self._utterance, self._conversion
            self.written += len(data)
            if self.stopped:
                return
        loudspeaker.check()
        if data and self._take_turn(utterance):
            for samples in conversion.pieces(data):
                self._play(samples, utterance)

    def end(self) -> None:
        """Let what was written be heard, however little it is; what comes later may come late.

        Does not wait for it. Half a sample at the end is dropped.
        """
        loudspeaker = self._opened()
        with self._lock:
            utterance, conversion = self._utterance, self._conversion
        self._play(conversion.end(), utterance)
        with self._lock:
            if self._utterance != utterance:
                return
            if self._feeder:
                self._feeder.end()
            else:
                loudspeaker.cushion.end()

    def wait_until_heard(self) -> bool:
        """Let what was written be heard, and wait for it; more may be written then.

        Returns:
            False if it was discarded meanwhile, or the player stopped.

        Raises:
            OutputError: the device is gone.
        """
        loudspeaker = self._opened()
        with self._lock:
            utterance = self._utterance
            if self.stopped:
                return False
        self.end()
        for _ in loudspeaker.moments():
            with self._lock:
                if self._utterance != utterance or self.stopped:
                    return False
                n_due = self._feeder.n_due() if self._feeder else loudspeaker.cushion.put
                if loudspeaker.n_heard >= n_due:
                    self._release_turn()
                    return True
        return False

    def give_way(self) -> None:
        """Give the turn back if all that was written has been heard; what is written next takes it again."""
        with self._lock:
            loudspeaker = self._loudspeaker
            if loudspeaker is None or self._is_silent():
                return
            n_due = self._feeder.n_due() if self._feeder else loudspeaker.cushion.put
            # A write counts as soon as it has begun.
            unheard = self._source.seconds(self.written) - self.position
            if loudspeaker.n_heard >= n_due and unheard < _ROUNDING:
                self._release_turn()

    def discard(self) -> None:
        """Drop what waits, silent at once, and be ready for what is written next, also if it was paused.

        A ``write`` under way in another thread returns, and what it held is dropped too.

        Raises:
            OutputError: the device is gone.
        """
        loudspeaker = self._opened()
        with self._lock:
            if self._is_silent():
                return
            self._forget()
            self._halt()
            n = self.written // self._source.encoding.sample_width
            n = round(n * loudspeaker.sample_rate / self._source.sample_rate)
            loudspeaker.seek(n)
            if self._feeder:
                self._feeder.clear(n)
            self._release_turn()
            self.paused = False
            self._go_on()

    def pause(self) -> None:
        """Be silent at once, until ``resume``; nothing is lost."""
        with self._lock:
            if not self.paused and not self._is_silent():
                self._halt()
                self.paused = True

    def resume(self) -> None:
        """Go on where ``pause`` was.

        Raises:
            OutputError: the device is gone.
        """
        with self._lock:
            if self.paused and not self._is_silent():
                self.paused = False
                self._go_on()

    def stop(self) -> None:
        """Be silent from now on; what is written then is swallowed. Never fails."""
        with self._lock:
            if self.stopped or self._closed:
                return
            self.stopped = True
            if self._loudspeaker is None:
                return
            self._forget()
            with contextlib.suppress(OutputError):  # a device that does not answer is silent, too
                self._halt()
            self._release_turn()

    def back(self) -> None:
        """Jump to the start of this sentence, or of the one before where that is just behind.

        Raises:
            OutputError: the device is gone.
        """
        if self._feeder:
            self._jump(self._feeder.deck.back)

    def forward(self) -> None:
        """Jump to the next sentence, or to the end of what has come.

        Raises:
            OutputError: the device is gone.
        """
        if self._feeder:
            self._jump(self._feeder.deck.forward)

    def add_words(self, words: Sequence[WordTiming]) -> None:
        """Learn where sentences begin, from words with times on the timeline of all that was written."""
        if self._feeder:
            with self._lock:
                self._feeder.deck.add_words(words)

    def mark(self) -> None:
        """Note that a part of the text is complete."""
        self._marked = self.written
        self._conversion.cut()

    def rewind(self) -> bool:
        """Return whether nothing was written since the mark: sound cannot be taken back."""
        return self.written == self._marked

    def _opened(self) -> Loudspeaker:
        if self._loudspeaker is None:
            raise ValueError("a player plays inside its with block")
        return self._loudspeaker

    def _new_conversion(self) -> Conversion:
        rate = self._loudspeaker.sample_rate if self._loudspeaker else self._source.sample_rate
        return Conversion(self._source, rate, self._gain_db)

    def _is_silent(self) -> bool:
        """Return whether there is nothing to steer: before it is opened, when it was stopped or closed."""
        return self.stopped or self._closed or self._loudspeaker is None

    def _play(self, samples: NDArray[np.float32], utterance: int) -> None:
        loudspeaker = self._opened()
        add = self._feeder.add if self._feeder else loudspeaker.cushion.add
        for _ in loudspeaker.moments():
            with self._lock:
                if self._utterance != utterance:
                    return
                samples = samples[add(samples) :]
            if not samples.size:
                return

    def _take_turn(self, utterance: int) -> bool:
        """Return whether it may be heard: nobody discarded it while others were."""
        if self._turn is None:
            return True
        taken = self._turn.take(until=lambda: self._utterance != utterance)
        with self._lock:
            if self._utterance != utterance:  # as it came
                self._turn.release()
                return False
        return taken

    def _release_turn(self) -> None:
        if self._turn:
            self._turn.release()

    def _forget(self) -> None:
        """Let every ``write`` and wait under way return."""
        self._utterance += 1
        self._conversion = self._new_conversion()

    def _halt(self) -> None:
        sound_thread().call(self._opened().halt, seconds=_CLOSING)

    def _go_on(self) -> None:
        sound_thread().call(self._opened().go_on, seconds=_OPENING)

    def _jump(self, choose: Callable[[int], int]) -> None:
        loudspeaker = self._opened()
        with self._lock:
            if self._is_silent() or self._feeder is None:
                return
            target = choose(loudspeaker.n_heard)
            self._halt()
            loudspeaker.seek(target)
            self._feeder.feed()
            if not self.paused:
                self._go_on()
