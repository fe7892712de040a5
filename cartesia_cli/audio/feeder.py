"""Keeps a loudspeaker supplied from a deck."""

import contextlib
import threading
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.deck import Deck
from cartesia_cli.audio.loudspeaker import Loudspeaker
from cartesia_cli.errors import OutputError

_INTERVAL = 0.25
"""Seconds between two looks at the cushion, which holds many times that."""


class Feeder:
    """Moves sound from a deck to the cushion, as there is room; numbers of samples are the same in both.

    A context manager: inside it a thread looks after the cushion.

    Args:
        loudspeaker: what plays.
        lock: held by whoever calls a method, or moves the loudspeaker to another place.
    """

    def __init__(self, loudspeaker: Loudspeaker, lock: threading.RLock) -> None:
        self._loudspeaker = loudspeaker
        self._lock = lock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
        self._failure: OutputError | None = None
        self.deck = Deck(loudspeaker.sample_rate)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.deck.close()

    def _run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            with self._lock, contextlib.suppress(OutputError):  # raised where somebody waits for the sound
                self.feed()

    def add(self, samples: NDArray[np.float32]) -> int:
        """Take as many of ``samples`` as may wait, and return how many.

        Raises:
            OutputError: there is no space to keep them.
        """
        n = self.deck.add(samples, n_heard=self._loudspeaker.n_heard)
        self.feed()
        return n

    def end(self) -> None:
        """Let what is there be heard, however little it is."""
        self.deck.complete = True
        self.feed()

    def clear(self, n: int) -> None:
        """Forget everything; the next sample is number ``n``."""
        self.deck.clear(n)

    def n_due(self) -> int:
        """Return how many samples are to be heard.

        Raises:
            OutputError: what was kept cannot be read any more.
        """
        if self._failure:
            raise self._failure
        return self.deck.end

    def feed(self) -> None:
        """Fill the cushion.

        Raises:
            OutputError: what was kept cannot be read any more.
        """
        cushion = self._loudspeaker.cushion
        try:
            cushion.add(self.deck.read(cushion.put, cushion.room))
        except OutputError as error:
            self._failure = error
            raise
        if self.deck.complete and cushion.put == self.deck.end:
            cushion.end()
