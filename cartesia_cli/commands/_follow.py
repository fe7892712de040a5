"""Words on the terminal in time with the sound: ``--follow``."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from cartesia_cli import console
from cartesia_cli.commands._columns import columns_of, line_width
from cartesia_cli.models import WordTiming
from cartesia_cli.speech import Timeline

_INTERVAL = 0.04
"""Seconds between two looks at the clock: as fine as a film."""


class Clock(Protocol):
    """What knows how far the sound is; the loudspeaker."""

    @property
    def position(self) -> float:
        """How far the listener is, in seconds of the speech; it goes back where the listener does."""

    @property
    def stopped(self) -> bool:
        """Whether the rest will not be heard."""


@contextmanager
def following(timeline: Timeline) -> Iterator[Callable[[Clock], None]]:
    """Yield a function that starts to show the words of ``timeline`` as a clock reaches them.

    Leaving the block cleanly, when the sound has been heard, shows the rest; not where it was stopped.
    """
    ended = threading.Event()
    page = _Page(timeline.words, color=console.use_color(sys.stderr))
    threads: list[threading.Thread] = []
    clocks: list[Clock] = []

    def run(clock: Clock) -> None:
        while not ended.wait(_INTERVAL):
            page.show(clock.position)

    def start(clock: Clock) -> None:
        if console.stderr_is_terminal():
            clocks.append(clock)
            threads.append(threading.Thread(target=run, args=(clock,), name="follow", daemon=True))
            threads[-1].start()

    try:
        yield start
        if clocks and not any(clock.stopped for clock in clocks):
            page.finish()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        page.leave()


class _Page:
    """A line of words at a time, the spoken one highlighted; without colour they appear when spoken."""

    def __init__(self, words: Sequence[WordTiming], *, color: bool) -> None:
        self._words = words
        self._color = color
        self._first = 0
        self._before: list[int] = []
        self._shown = ""
        self._lock = threading.Lock()

    def show(self, time: float) -> None:
        """Show the line that is spoken at ``time``, in seconds."""
        with self._lock:
            while self._before and time < self._words[self._first].start:  # the listener went back
                self._first = self._before.pop()
            end = self._line_end()
            while end < len(self._words) and time >= self._words[end].start:
                self._put(" ".join(_fitting(word.word) for word in self._words[self._first : end]))
                self.leave()
                self._before.append(self._first)
                self._first, end = end, self._line_end(end)
            self._put(
                " ".join(filter(None, (self._styled(word, time) for word in self._words[self._first : end])))
            )

    def finish(self) -> None:
        """Show everything up to the last word."""
        self.show(float("inf"))

    def leave(self) -> None:
        """Go to a new line, if there is something on this one."""
        if self._shown:
            console.end_status()
        self._shown = ""

    def _line_end(self, first: int | None = None) -> int:
        """Return the index behind the last word that fits on the line."""
        first = self._first if first is None else first
        width = line_width()
        end, used = first, 0
        while end < len(self._words) and (end == first or used + columns_of(self._words[end].word) <= width):
            used += columns_of(self._words[end].word) + 1
            end += 1
        return end

    def _styled(self, word: WordTiming, time: float) -> str:
        text = _fitting(word.word)
        if not self._color:
            return text if word.start <= time else ""
        if word.end <= time:
            return text
        return f"\x1b[1;7m{text}\x1b[0m" if word.start <= time else f"\x1b[2m{text}\x1b[0m"

    def _put(self, line: str) -> None:
        if line != self._shown:
            console.status(line)
            self._shown = line


def _fitting(word: str) -> str:
    """Return a word, cut if it is wider than the line: what wraps cannot be drawn over."""
    while columns_of(word) > line_width():
        word = word[:-1]
    return word
