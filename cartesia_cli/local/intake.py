"""Sound that is still arriving: pulled by a thread of its own, so that no work can make it wait."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.decoders import RawDecoder
from cartesia_cli.audio.recordings import Recording
from cartesia_cli.errors import UsageError
from cartesia_cli.local.recognizer import SAMPLE_RATE

STEP = SAMPLE_RATE // 10
"""Samples that are given out together."""

_MOST_STEPS = 1_800
"""Three minutes: a slow recogniser loses no sound of a microphone, a file waits to be read."""

_RATES = range(1_000, 768_001)
_POLL = 0.5
_PATIENCE = 0.2
"""Seconds between looks at the signals of the process, and that a thread has to end."""


class Intake:
    """The sound so far that nobody took, mono at 16 kHz; used as a context.

    Args:
        sound: samples without a header, cut anywhere; half a sample at the end is left out.
        encoding: one of ``RAW_ENCODINGS``.
        sample_rate: in hertz.

    Raises:
        UsageError: the encoding or the rate is not known.
    """

    def __init__(self, sound: Iterable[bytes], encoding: str, sample_rate: int) -> None:
        if sample_rate not in _RATES:
            raise UsageError(
                f"Sound at {sample_rate} Hz cannot be heard.",
                hint=f"Use a sample rate from {_RATES.start} to {_RATES.stop - 1}, best {SAMPLE_RATE}.",
            )
        # The decoder asks for bytes, and takes as many as there are: no more of a stream is needed.
        self._decoder = RawDecoder(cast("BinaryIO", _Pieces(sound)), encoding, sample_rate)
        self._steps: deque[NDArray[np.float32]] = deque()
        self._changed = threading.Condition()
        self._is_over = self._is_closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    @property
    def waiting(self) -> float:
        """Seconds of sound that have arrived and were not taken."""
        return len(self._steps) * STEP / SAMPLE_RATE

    def steps(self) -> Iterator[NDArray[np.float32]]:
        """Yield the sound in steps of ``STEP`` samples, the last one shorter; waits for it.

        It also ends where the sound broke off: see ``check``.
        """
        while True:
            with self._changed:
                while not (self._steps or self._is_over):
                    self._changed.wait(_POLL)
                if not self._steps:
                    return
                step = self._steps.popleft()
                self._changed.notify_all()
            yield step

    def check(self) -> None:
        """Raise what the sound raised, if it did."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more; the thread ends now or, if it waits for sound, when there is some."""
        with self._changed:
            self._is_closed = True
            self._steps.clear()
            self._changed.notify_all()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for step in _in_steps(Recording(self._decoder).blocks(SAMPLE_RATE)):
                if not self._put(step):
                    break
        except BaseException as raised:  # noqa: BLE001  whoever takes the sound raises it, whatever it is
            error = raised
        with self._changed:
            self._error = error
            self._is_over = True
            self._changed.notify_all()

    def _put(self, step: NDArray[np.float32]) -> bool:
        """Return whether the step was wanted, after waiting for room."""
        with self._changed:
            while len(self._steps) >= _MOST_STEPS and not self._is_closed:
                self._changed.wait()
            if not self._is_closed:
                self._steps.append(step)
                self._changed.notify_all()
            return not self._is_closed


class _Pieces:
    """What arrives, as a stream that gives as much as there is, and at most what is asked for."""

    def __init__(self, sound: Iterable[bytes]) -> None:
        self._sound = iter(sound)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; none is the end."""
        while not self._rest:
            piece = next(self._sound, None)
            if piece is None:
                return b""
            self._rest = piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _in_steps(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of any size as steps, so that what is heard does not depend on how sound arrives."""
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while held.size >= STEP:
            yield held[:STEP]
            held = held[STEP:]
    if held.size:
        yield held
