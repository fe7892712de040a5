"""The text of one context, from the event loop to the thread that speaks it."""

import time
from collections import deque
from collections.abc import Iterator
from threading import Condition

from cartesia_cli.errors import LimitError
from cartesia_cli.models import Flush, TextPiece

_MOST_WAITING = 2**24
"""Characters that may wait to be spoken: more than a week of speech."""


class ContextStopped(Exception):  # noqa: N818  it is no error: somebody asked for it
    """Raised to an engine whose text nobody wants to hear any more."""


class ArrivingText:
    """Pieces of a text: added by the event loop, iterated over by one thread.

    Text that an engine keeps, because it waits for the end of a sentence, is flushed after ``delay``; text
    that has all been spoken expires, and so ends.

    Args:
        delay: seconds that text may be kept; 0 has every piece spoken as it comes.
        expiry: seconds after the last sound at which a text ends that nobody has continued.
    """

    def __init__(self, *, delay: float, expiry: float) -> None:
        self._delay = delay
        self._expiry = expiry
        self._changed = Condition()
        self._pieces: deque[tuple[float, TextPiece]] = deque()
        self._n_waiting = 0
        self._is_complete = False
        self._failure: Exception | None = None
        self._flushes: deque[bool] = deque()  # whether the client asked for it, for each that is not answered
        self._came_last = 0.0  # when the piece came that the engine took last
        self._kept_since: float | None = None  # when the oldest text came that may not have been spoken
        self._sounded: float | None = None  # when the last sound was sent
        self._has_news = False  # whether there was sound since the engine took a piece

    def add(self, text: str, *, flush: bool, more: bool) -> bool:
        """Add to the text; False if the text is over, so that nothing can be added.

        Raises:
            LimitError: too much of it waits to be spoken.
        """
        with self._changed:
            if self._is_complete or self._failure:
                return False
            if self._n_waiting + len(text) > _MOST_WAITING:
                raise LimitError("Too much text waits to be spoken.", title="Too much text")
            now = time.monotonic()
            if text:
                self._pieces.append((now, text))
                self._n_waiting += len(text)
            if flush:
                self._pieces.append((now, Flush()))
            self._is_complete = not more
            self._changed.notify()
            return True

    def stop(self, reason: Exception) -> None:
        """End the iteration with ``reason``, at once; the first reason stays."""
        with self._changed:
            self._failure = self._failure or reason
            self._pieces.clear()
            self._changed.notify()

    def check(self) -> None:
        """Raise the reason for which this was stopped, if it was."""
        if self._failure:
            raise self._failure

    def sounded(self) -> None:
        """Know that sound has been sent."""
        with self._changed:
            self._sounded = time.monotonic()
            self._has_news = True

    def flushed(self) -> bool:
        """Return whether the oldest flush that had no answer was the client's."""
        return self._flushes.popleft()

    def __iter__(self) -> Iterator[TextPiece]:
        """Yield the pieces in order.

        Raises:
            ContextStopped, CartesiaError: it was stopped.
        """
        while (piece := self._next()) is not None:
            yield piece

    def _next(self) -> TextPiece | None:
        """Wait for a piece; None is the end."""
        with self._changed:
            if self._has_news:
                # A sentence was over, so what is kept came with, or after, the piece behind it.
                self._has_news = False
                self._kept_since = None if self._kept_since is None else self._came_last
            while True:
                self.check()
                if self._kept_since is not None and not self._delay:
                    return self._flush(asked=False)
                if self._pieces:
                    return self._take()
                if self._is_complete:
                    return None
                left = self._seconds_left()
                if left is None or left > 0:
                    self._changed.wait(left)
                elif self._kept_since is not None:
                    return self._flush(asked=False)
                else:
                    self._is_complete = True

    def _take(self) -> TextPiece:
        self._came_last, piece = self._pieces.popleft()
        if isinstance(piece, Flush):
            return self._flush(asked=True)
        self._n_waiting -= len(piece)
        if self._kept_since is None:
            self._kept_since = self._came_last
        return piece

    def _flush(self, *, asked: bool) -> Flush:
        self._kept_since = None
        self._flushes.append(asked)
        return Flush()

    def _seconds_left(self) -> float | None:
        """Return how long to wait for more text: None is for ever."""
        if self._kept_since is not None:
            return self._kept_since + self._delay - time.monotonic()
        if self._sounded is not None:
            return self._sounded + self._expiry - time.monotonic()
        return None
