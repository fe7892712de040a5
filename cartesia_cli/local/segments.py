"""Cuts a recording, as it is read, at its pauses into segments that the recogniser can take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.detector import (
    FRAME,
    FRAMES_PER_SECOND,
    UNSURE,
    Levels,
    Run,
    find_speech,
    measure_levels,
)
from cartesia_cli.local.recognizer import SAMPLE_RATE

_SHORTEST = 5 * FRAMES_PER_SECOND
_LONGEST = 15 * FRAMES_PER_SECOND
_LONG_PAUSE = 1 * FRAMES_PER_SECOND
"""Frames: a segment is cut at its longest pause between the first two, or at any long pause."""

_WINDOW = 20 * FRAMES_PER_SECOND
"""Frames that are looked at together."""

_MEMORY = 20 * FRAMES_PER_SECOND
"""Frames before them from which the background is known."""

_KEPT = FRAMES_PER_SECOND // 2
"""Frames that stay where no speech was found: a word may begin in them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a recording in which someone may be speaking."""

    start: float
    """Seconds from the start of the recording."""

    samples: NDArray[np.float32]
    """Mono at 16 kHz."""

    @property
    def end(self) -> float:
        """Seconds from the start of the recording."""
        return self.start + self.samples.size / SAMPLE_RATE


def cut_segments(blocks: Iterable[NDArray[np.float32]]) -> Iterator[Segment]:
    """Yield the segments of a recording, mono at 16 kHz, given in blocks of any size.

    At most about 20 seconds and one block are held at a time.
    """
    buffer = _Buffer()
    for block in blocks:
        # Looked at whenever one window is full, whatever the size of the blocks.
        rest = block
        while rest.size:
            n_missing = buffer.n_missing
            buffer.add(rest[:n_missing])
            rest = rest[n_missing:]
            while not buffer.n_missing:
                yield from buffer.take(last=False)
    buffer.finish()
    while buffer.levels.size:
        yield from buffer.take(last=True)


class _Buffer:
    """The part of the recording that is not cut yet."""

    def __init__(self) -> None:
        self.levels: Levels = np.zeros(0, np.float32)
        self._samples: NDArray[np.float32] = np.zeros(0, np.float32)
        self._before: Levels = np.zeros(0, np.float32)
        self._start = 0  # frames

    @property
    def n_missing(self) -> int:
        """How many samples a full window needs, none if it is full."""
        return (_WINDOW + UNSURE) * FRAME - self._samples.size

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next samples of the recording."""
        self._samples = np.concatenate([self._samples, block])
        if not self.n_missing:
            fresh = measure_levels(self._samples[self.levels.size * FRAME :])
            self.levels = np.concatenate([self.levels, fresh[:-UNSURE]])

    def finish(self) -> None:
        """Take note that nothing will be added."""
        self._samples = np.pad(self._samples, (0, -self._samples.size % FRAME))
        self.levels = measure_levels(self._samples)

    def take(self, *, last: bool) -> Iterator[Segment]:
        """Yield a segment if there is one, and drop what is done with.

        Args:
            last: nothing will be added, so what is held is all.
        """
        runs = find_speech(self.levels, self._before)
        if not runs:
            self._drop(self.levels.size if last else self.levels.size - _KEPT)
            return
        if runs[0].start > _KEPT and not last:
            self._drop(runs[0].start)  # a whole window shall follow the first word
            return
        stop, n_done = _find_cut(runs, self.levels)
        first = runs[0].start
        samples = self._samples[first * FRAME : stop * FRAME]
        yield Segment((self._start + first) / FRAMES_PER_SECOND, samples)
        self._drop(n_done)

    def _drop(self, n_frames: int) -> None:
        self._before = np.concatenate([self._before, self.levels[:n_frames]])[-_MEMORY:]
        self.levels = self.levels[n_frames:]
        self._samples = self._samples[n_frames * FRAME :].copy()
        self._start += n_frames


def _find_cut(runs: list[Run], levels: Levels) -> tuple[int, int]:
    """Return the frame where the first segment stops, and that up to which all is done."""
    start = runs[0].start
    pauses = [Run(run.stop, after.start) for run, after in pairwise(runs) if run.stop - start <= _LONGEST]
    for pause in pauses:
        if pause.stop - pause.start >= _LONG_PAUSE:
            return pause.start, pause.stop
    if runs[-1].stop - start <= _LONGEST:
        return runs[-1].stop, levels.size
    late = [pause for pause in pauses if pause.start - start >= _SHORTEST] or pauses
    if late:
        longest = max(late, key=lambda pause: pause.stop - pause.start)
        return longest.start, longest.stop
    # No pause at all: where it is faintest for a tenth of a second.
    tenth = FRAMES_PER_SECOND // 10
    after, until = start + _LONGEST // 2, start + _LONGEST
    faint = np.convolve(levels[after:until], np.ones(tenth) / tenth, "same")
    stop = after + int(faint.argmin())
    return stop, stop
