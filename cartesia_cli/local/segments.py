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

_FULL = (_WINDOW + UNSURE) * FRAME
"""Samples in which the level of every frame of a window is known."""

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
    sound = HeldSound()
    for block in blocks:
        # Looked at whenever one window is full, whatever the size of the blocks.
        rest = block
        while rest.size:
            n_missing = _FULL - sound.n_samples
            sound.add(rest[:n_missing])
            rest = rest[n_missing:]
            while sound.n_samples >= _FULL:
                yield from _take(sound, last=False)
    sound.finish()
    while sound.levels.size:
        yield from _take(sound, last=True)


def _take(sound: "HeldSound", *, last: bool) -> Iterator[Segment]:
    """Yield the first segment if there is one, and drop what is done with.

    Args:
        sound: a full window, or the rest of the recording.
        last: nothing will be added, so what is held is all.
    """
    runs = find_speech(sound.levels, sound.before)
    if not runs:
        sound.drop(sound.levels.size - (0 if last else _KEPT))
        return
    if runs[0].start > _KEPT and not last:
        sound.drop(runs[0].start)  # a whole window shall follow the first word
        return
    stop, n_done = find_cut(runs, sound.levels, _LONG_PAUSE) or (runs[-1].stop, sound.levels.size)
    yield sound.segment(Run(runs[0].start, stop))
    sound.drop(n_done)


class HeldSound:
    """The part of a recording that is not cut yet, and how loud it was before."""

    def __init__(self) -> None:
        self.levels: Levels = np.zeros(0, np.float32)
        self.before: Levels = np.zeros(0, np.float32)
        self._samples: NDArray[np.float32] = np.zeros(0, np.float32)
        self._start = 0  # frames

    @property
    def n_samples(self) -> int:
        """How many samples are held."""
        return self._samples.size

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples of the recording; the level of the last few frames is not known yet."""
        self._samples = np.concatenate([self._samples, samples])
        fresh = measure_levels(self._samples[self.levels.size * FRAME :])
        self.levels = np.concatenate([self.levels, fresh[:-UNSURE]])

    def finish(self) -> None:
        """Take note that nothing will be added, so that every level is known."""
        self._samples = np.pad(self._samples, (0, -self._samples.size % FRAME))
        self.levels = measure_levels(self._samples)

    def segment(self, run: Run) -> Segment:
        """Return the sound of a run."""
        samples = self._samples[run.start * FRAME : run.stop * FRAME]
        return Segment((self._start + run.start) / FRAMES_PER_SECOND, samples)

    def drop(self, n_frames: int) -> None:
        """Forget the first frames, but for their level."""
        self.before = np.concatenate([self.before, self.levels[:n_frames]])[-_MEMORY:]
        self.levels = self.levels[n_frames:]
        self._samples = self._samples[n_frames * FRAME :].copy()
        self._start += n_frames


def find_cut(runs: list[Run], levels: Levels, long_pause: int) -> tuple[int, int] | None:
    """Return the frame where the first segment stops, and that up to which all is done.

    Args:
        runs: the speech that was found, at least one run.
        levels: those in which it was found.
        long_pause: frames between two runs that always cut.

    Returns:
        None if all of it is one segment.
    """
    start = runs[0].start
    pauses = [Run(run.stop, after.start) for run, after in pairwise(runs) if run.stop - start <= _LONGEST]
    for pause in pauses:
        if pause.stop - pause.start >= long_pause:
            return pause.start, pause.stop
    if runs[-1].stop - start <= _LONGEST:
        return None
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
