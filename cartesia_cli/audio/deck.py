"""An utterance that is kept while it plays, so that a listener can go back and forward in it."""

import re
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.errors import OutputError
from cartesia_cli.models import WordTiming

_MEMORY = 32 << 20
"""Bytes kept in memory, some minutes of sound; what is longer goes to a file."""

_AHEAD = 60.0
"""Seconds of sound that may wait to be heard: nobody pays for an hour that is stopped after a minute."""

_STEP = 5.0
"""Seconds that a jump takes where no sentence is known."""

_LONGEST_SENTENCE = 20.0
"""Seconds; where the next start is farther, as in text without full stops, no sentence is known."""

_AT_START = 1.5
"""Seconds after the start of a sentence in which going back means the one before."""

_NEXT = 0.05
"""Seconds within which two places are the same."""

_SENTENCE_END = re.compile(r"""[.!?…‽。！？｡।॥؟۔]["'*_)\]}”’»›」』）】》〉]*$""")

_WIDTH = 4
"""Bytes of a sample."""


class Deck:
    """The samples of an utterance, by their numbers, and where its sentences begin.

    It grows at its end without using more memory: beyond some minutes it goes on in a temporary
    file without a name. Whoever uses it from several threads brings the lock.

    Args:
        sample_rate: of the samples, in hertz.
        memory: bytes to keep in memory.
        ahead: seconds of sound that may wait to be heard.
    """

    def __init__(self, sample_rate: int, *, memory: int = _MEMORY, ahead: float = _AHEAD) -> None:
        self._sample_rate = sample_rate
        self._ahead = int(ahead * sample_rate)
        self._file = tempfile.SpooledTemporaryFile(max_size=memory)  # noqa: SIM115  closed by close()
        self._starts: list[float] = []
        self._sentence_ended = True
        self.begin = 0
        """The number of the first sample kept."""

        self.end = 0
        """The number of the sample to come next."""

        self.complete = False
        """Whether nothing more is on its way: what is here may be played however little it is."""

    def add(self, samples: NDArray[np.float32], *, n_heard: int) -> int:
        """Keep as many of ``samples`` as may wait, and return how many.

        Args:
            samples: float samples.
            n_heard: the number of the sample that is heard now.

        Raises:
            OutputError: there is no space for them.
        """
        n = min(samples.size, max(0, self._ahead - (self.end - n_heard)))
        with _keeping():
            self._file.seek((self.end - self.begin) * _WIDTH)
            self._file.write(np.ascontiguousarray(samples[:n], np.float32).tobytes())
        self.end += n
        self.complete = False
        return n

    def read(self, start: int, n: int) -> NDArray[np.float32]:
        """Return ``n`` samples, or those that are there, from the one numbered ``start`` on."""
        n = max(0, min(n, self.end - start))
        with _keeping():
            self._file.seek((start - self.begin) * _WIDTH)
            return np.frombuffer(self._file.read(n * _WIDTH), np.float32)

    def clear(self, n: int) -> None:
        """Forget everything; the next sample is number ``n``."""
        with _keeping():
            self._file.seek(0)
            self._file.truncate()
        self._starts.clear()
        self._sentence_ended = True
        self.begin = self.end = n
        self.complete = False

    def close(self) -> None:
        """Give back the memory and the file."""
        self._file.close()

    def add_words(self, words: Sequence[WordTiming]) -> None:
        """Learn where sentences begin, from the next words with their times on the whole timeline."""
        for word in words:
            if self._sentence_ended and any(map(str.isalnum, word.word)):
                self._starts.append(word.start)
                self._sentence_ended = False
            self._sentence_ended = self._sentence_ended or _SENTENCE_END.search(word.word) is not None

    def back(self, n: int) -> int:
        """Return where the sentence of sample ``n`` begins, or the one before if that is just behind."""
        here = n / self._sample_rate
        at = bisect_right(self._starts, here) - 1
        if at >= 0 and here - self._starts[at] < _AT_START:
            at -= 1
        start = self._starts[at] if at > 0 else self.begin / self._sample_rate
        return self._sample(start if self._starts and here - start <= _LONGEST_SENTENCE else here - _STEP)

    def forward(self, n: int) -> int:
        """Return where the sentence after the one of sample ``n`` begins; the end, if it has not come."""
        here = n / self._sample_rate
        at = max(1, bisect_right(self._starts, here + _NEXT))  # the first begins with the sound
        start = self._starts[at] if at < len(self._starts) else self.end / self._sample_rate
        return self._sample(start if self._starts and start - here <= _LONGEST_SENTENCE else here + _STEP)

    def _sample(self, seconds: float) -> int:
        """Return the number of the sample at a time, or the nearest that is there."""
        return min(max(round(seconds * self._sample_rate), self.begin), self.end)


@contextmanager
def _keeping() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Cannot keep the speech to jump in it: {error.strerror or error}.",
            hint="Free some space in the folder for temporary files, or play with --no-input.",
        ) from error
