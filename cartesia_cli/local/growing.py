"""Cuts sound that is still arriving: a segment grows until there is a pause, or until it is too long."""

import math

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.detector import AFTER, BEFORE, FRAMES_PER_SECOND, Run, find_speech
from cartesia_cli.local.segments import HeldSound, Segment, find_cut

_SILENCES = (0.3, 30.0)
"""Seconds: shorter ones are within words and phrases, longer ones would need ever more memory."""

_KEPT = 3 * FRAMES_PER_SECOND
"""Frames that stay where no speech was found: where sound begins with speech, it is taken for the
background until there has been a pause."""


class GrowingSegments:
    """The segments of sound that is still arriving, mono at 16 kHz.

    Args:
        max_silence: seconds that end a segment, within 0.3 and 30.
        min_volume: 0 to 1, of full scale; what is fainter is silence.
    """

    def __init__(self, max_silence: float, min_volume: float) -> None:
        shortest, longest = _SILENCES
        self._max_silence = round(min(max(max_silence, shortest), longest) * FRAMES_PER_SECOND)
        self._least = 20 * math.log10(max(min_volume, 1e-9))
        self._sound = HeldSound()
        self._run: Run | None = None

    @property
    def length(self) -> float:
        """Seconds of the segment that grows, 0 if there is none."""
        return (self._run.stop - self._run.start) / FRAMES_PER_SECOND if self._run else 0.0

    @property
    def silence(self) -> float:
        """Seconds since it grew last."""
        return self._n_silent(self._run) / FRAMES_PER_SECOND if self._run else 0.0

    def current(self) -> Segment | None:
        """Return the segment that grows, as it is now, if there is one."""
        return self._sound.segment(self._run) if self._run else None

    def add(self, samples: NDArray[np.float32]) -> list[Segment]:
        """Take the next samples, and return the segments that are at an end with them."""
        self._sound.add(samples)
        return self._cut(last=False)

    def finish(self) -> list[Segment]:
        """Return what is left of the sound."""
        self._sound.finish()
        return self._cut(last=True)

    def _cut(self, *, last: bool) -> list[Segment]:
        found: list[Segment] = []
        while runs := find_speech(self._sound.levels, self._sound.before, self._least):
            # The detector has made every run longer, so that pauses are shorter than the silence in them.
            cut = find_cut(runs, self._sound.levels, self._max_silence - BEFORE - AFTER)
            if cut is None and (last or self._n_silent(runs[-1]) >= self._max_silence):
                cut = runs[-1].stop, runs[-1].stop
            if cut is None:
                self._run = self._keep(Run(runs[0].start, runs[-1].stop))
                return found
            stop, n_done = cut
            found.append(self._sound.segment(Run(runs[0].start, stop)))
            self._sound.drop(n_done)
        self._run = None
        self._sound.drop(max(0, self._sound.levels.size - _KEPT))
        return found

    def _keep(self, run: Run) -> Run:
        """Drop what lies far before a run, and return where the run is then."""
        n_dropped = max(0, run.start - _KEPT)
        self._sound.drop(n_dropped)
        return Run(run.start - n_dropped, run.stop - n_dropped)

    def _n_silent(self, run: Run) -> int:
        """Return how many frames of silence there are after the last run."""
        return self._sound.levels.size - (run.stop - AFTER)
