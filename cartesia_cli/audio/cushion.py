"""Samples that wait between a producer and the sound card's callback."""

import numpy as np
from numpy.typing import NDArray


class Cushion:
    """A bounded buffer of samples that lets the listener hear nothing before enough of them wait.

    One thread puts samples in, the callback takes them out; neither ever waits for the other. Each
    counter has one writer, and is moved only after the samples it speaks of are in place.

    Args:
        sample_rate: of the samples, in hertz.
        start: seconds of sound that must wait before the first is heard, unless the end is known.
        most: seconds to which underruns may raise that.
        capacity: seconds of sound that fit in; more than ``most``.
        kept: seconds of sound that stay after they were taken, for ``go_back``.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        start: float = 0.3,
        most: float = 4.0,
        capacity: float = 8.0,
        kept: float = 1.0,
    ) -> None:
        self._sample_rate = sample_rate
        self._capacity = int(capacity * sample_rate)
        self._ring = np.zeros(self._capacity + int(kept * sample_rate), np.float32)
        self._target = int(start * sample_rate)
        self._most = int(most * sample_rate)
        self._first = 0
        self._put = 0
        self._taken = 0
        # The end is a place in the sound, not a flag beside it: a flag could be seen between an
        # empty buffer and the last samples, which would be lost.
        self._end = 0
        self._playing = False
        self._dry = False
        self.underruns = 0
        """Gaps in mid-speech: sound that came after the listener had to wait for it."""

    @property
    def target(self) -> float:
        """Seconds of sound that must wait before any is heard, now."""
        return self._target / self._sample_rate

    @property
    def put(self) -> int:
        """The number of the next sample to be put in; how many were, as long as nobody seeks."""
        return self._put

    @property
    def taken(self) -> int:
        """The number of the next sample to be taken out."""
        return self._taken

    @property
    def room(self) -> int:
        """Samples that can be put in now."""
        return max(0, self._capacity - (self._put - self._taken))

    def add(self, samples: NDArray[np.float32]) -> int:
        """Put in as many of ``samples`` as fit, and return how many did."""
        size = self._ring.size
        n = min(samples.size, self.room)
        at = self._put % size
        before_edge = min(n, size - at)
        self._ring[at : at + before_edge] = samples[:before_edge]
        self._ring[: n - before_edge] = samples[before_edge:n]
        self._put += n
        return n

    def end(self) -> None:
        """Let what waits be heard, however little it is; a gap after it is no underrun."""
        self._end = self._put

    def go_back(self, n: int) -> None:
        """Let sample ``n``, taken but never heard, be taken again; only while nobody calls ``fill``.

        What is no longer kept stays taken.
        """
        self._taken = min(self._taken, max(n, self._first, self._put - self._ring.size))
        self._playing = self._dry = False

    def seek(self, n: int) -> None:
        """Drop everything; the next sample put in is number ``n``. Only while nobody calls ``fill``."""
        self._first = self._put = self._taken = self._end = n
        self._playing = self._dry = False

    def fill(self, block: NDArray[np.float32]) -> int:
        """Fill ``block`` with sound, then silence, and return how many samples are sound.

        For the callback: no waiting, no memory allocated for samples.
        """
        n = min(block.size, self._put - self._taken) if self._may_play() else 0
        size = self._ring.size
        at = self._taken % size
        before_edge = min(n, size - at)
        block[:before_edge] = self._ring[at : at + before_edge]
        block[before_edge:n] = self._ring[: n - before_edge]
        block[n:] = 0.0
        self._taken += n
        if self._playing and n < block.size:
            self._playing = False
            self._dry = True
        return n

    def _may_play(self) -> bool:
        """Return whether enough waits; grow the cushion when sound comes after a gap in mid-speech."""
        end = self._end  # before the samples are counted, so that those before the end are all there
        waiting = self._put - self._taken
        if self._dry and (end == self._taken or waiting):
            # Only now is it known whether the speech was over or its next sound was late.
            if end != self._taken:
                self.underruns += 1
                self._target = min(2 * self._target, self._most)
            self._dry = False
        if waiting >= self._target or end > self._taken:
            self._playing = True
        return self._playing
