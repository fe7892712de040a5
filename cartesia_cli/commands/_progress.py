"""How far a run over many items is: on one line of the terminal, or now and then on a line of a log."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from cartesia_cli import console
from cartesia_cli.commands._columns import columns_of, fitting_start, line_width
from cartesia_cli.commands._tables import one_line

_REDRAWN = 0.1
"""Seconds between two pictures: a terminal is no place for thousands a second."""

_LOGGED = 30.0
"""Seconds between two lines where no person looks."""

_TICK = 0.5
"""Seconds after which the line is looked at though nothing happened: it tells of time as well."""

_WINDOW = 30.0
"""Seconds over which a rate is measured, so that a pause shows."""

_FEWEST = 20
"""Items over which it is measured at least: of slow ones, none may end for a while."""

_SAMPLE = 1.0
"""Seconds between two samples of a rate, and of work before the first one is told."""

_DAYS = 48 * 3600
"""Seconds from which on the time that is left is told in days."""


class Progress:
    """Counts items and shows the count on stderr. Safe for use by several threads.

    On a terminal it is one line that changes. Elsewhere it is a line every ``interval`` seconds, the first
    of them after as long.

    Args:
        n_items: how many there will be, as far as it is known; None where it is not yet.
        verb: what is done with an item, in the past.
        interval: seconds between the lines where stderr is no terminal; None for no lines there, which
            whoever reports in JSON wants. ``--quiet`` silences them anyway.
        tick: seconds after which a thread looks whether the line must change; None for no such thread.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        n_items: int | None,
        verb: str,
        *,
        interval: float | None = _LOGGED,
        tick: float | None = _TICK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._n_items = n_items
        self._verb = verb
        self._clock = clock
        self._n_checked: int | None = None
        self._n_finished = self._n_failed = 0
        self._shares: dict[str, float] = {}
        self._on_terminal = console.stderr_is_terminal()
        if self._on_terminal:
            interval = _REDRAWN if console.shows_progress() else None
        self._interval = interval if n_items != 0 else None
        self._shown_at = clock()
        self._line = ""
        self._pace = _Pace(self._shown_at)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker = None
        if self._interval is not None and tick is not None:
            self._ticker = threading.Thread(target=self._keep_current, args=(tick,), daemon=True)

    def __enter__(self) -> Self:
        with self._lock:
            if self._on_terminal:
                self._show(self._clock())
        if self._ticker is not None:
            try:
                self._ticker.start()
            except RuntimeError:  # the system has no more threads: the line changes when an item ends
                self._ticker = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        with self._lock:
            if self._on_terminal:
                self._show(self._clock())
            self._clear()
            self._interval = None
        if self._ticker is not None:
            self._ticker.join(1)

    def checking(self, n_lines: int) -> None:
        """Tell how many lines of the manifest have been checked; until an item is finished, that is shown."""
        with self._lock:
            now = self._clock()
            self._n_checked = n_lines
            self._pace.rest(now)
            self._show_if_due(now)

    def expect(self, n_items: int | None) -> None:
        """Set how many items there will be, which is known now, or better than before."""
        with self._lock:
            now = self._clock()
            self._n_items, self._n_checked = n_items, None
            if self._n_finished == 0:
                self._pace.rest(now)
            self._show_if_due(now)

    def reporter(self, name: str) -> Callable[[float], None]:
        """Return a function that takes which share of one item is done, 0 to 1."""

        def report(share: float) -> None:
            with self._lock:
                self._shares[name] = share
                self._show_if_due(self._clock())

        return report

    def finish(self, name: str = "", *, failed: bool = False, skipped: bool = False) -> None:
        """Count one more item; one that was ``skipped`` took no work and tells nothing about the rate."""
        with self._lock:
            now = self._clock()
            self._shares.pop(name, None)
            self._n_checked = None
            self._n_finished += 1
            self._n_failed += failed
            if skipped:
                self._pace.rest(now)
            else:
                self._pace.work(now)
            self._show_if_due(now)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep off the terminal while the block writes to it."""
        with self._lock:
            self._clear()
            yield
            if self._on_terminal:
                self._show(self._clock())

    def _keep_current(self, tick: float) -> None:
        while not self._over.wait(tick):
            with self._lock:
                self._show_if_due(self._clock())

    def _show_if_due(self, now: float) -> None:
        if self._interval is not None and now - self._shown_at >= self._interval:
            self._show(now)

    def _show(self, now: float) -> None:
        if self._interval is None:
            return
        self._shown_at = now
        if not self._on_terminal:
            console.note(", ".join(self._parts(now, about="about ")))
            return
        parts = self._parts(now)
        while len(parts) > 1 and columns_of(", ".join(parts)) > line_width():
            parts.pop()  # half a number would be another one
        under_way = [f"{one_line(name)} {share:.0%}" for name, share in self._shares.items() if 0 < share < 1]
        line = fitting_start("  ".join([", ".join(parts), *under_way]))
        if line != self._line:
            console.status(line)
            self._line = line

    def _clear(self) -> None:
        if self._line:
            console.status("")
            self._line = ""

    def _parts(self, now: float, about: str = "") -> list[str]:
        """Return what there is to tell, the most important first."""
        if self._n_checked is not None:
            return [f"checked {self._n_checked:,} {'line' if self._n_checked == 1 else 'lines'}"]
        n_left = -1 if self._n_items is None else self._n_items - self._n_finished
        total = f" of {self._n_items:,}" if n_left >= 0 else ""
        parts = [f"{self._n_finished:,}{total} {self._verb}"]
        if self._n_failed:
            parts.append(f"{self._n_failed:,} failed")
        if rate := self._pace.rate(now):
            parts.append(_rate(rate))
            if n_left > 0:
                parts.append(f"{about}{_duration(n_left / rate)} left")
        return parts


class _Pace:
    """How fast work is done: over half a minute, or over as long as some items took.

    Time that passes between items that take no work is none of it.
    """

    def __init__(self, now: float) -> None:
        self._n_items = 0
        self._rested = 0.0
        self._rests_since: float | None = now
        self._samples = deque([(now, 0)])

    def rest(self, now: float) -> None:
        """Take note of an item that took no work."""
        if self._rests_since is not None:
            self._rested += now - self._rests_since
        self._rests_since = now

    def work(self, now: float) -> None:
        """Take note of an item that took work."""
        self._n_items += 1
        self._rests_since = None
        worked = now - self._rested
        if worked - self._samples[-1][0] >= _SAMPLE:
            self._samples.append((worked, self._n_items))
            self._forget(worked)

    def rate(self, now: float) -> float | None:
        """Return how many items a second there are, None while it cannot be told."""
        worked = now - self._rested
        self._forget(worked)
        since, n_before = self._samples[0]
        if worked - since < _SAMPLE or self._n_items == n_before:
            return None
        return (self._n_items - n_before) / (worked - since)

    def _forget(self, worked: float) -> None:
        """Drop the samples that a newer one stands in for."""
        samples, newest = self._samples, self._n_items - _FEWEST
        while len(samples) > 1 and samples[1][0] <= worked - _WINDOW and samples[1][1] <= newest:
            samples.popleft()


def _rate(rate: float) -> str:
    """Return a rate in items a second as a person would say it."""
    if rate >= 1:
        count, unit = rate, "a second"
    elif rate * 60 >= 1:
        count, unit = rate * 60, "a minute"
    else:
        count, unit = rate * 3600, "an hour"
    return f"{count:,.0f} {unit}" if count >= 10 else f"{count:.1f} {unit}"


def _duration(seconds: float) -> str:
    """Return a time as 0:05, 3:28, 27:03:28 or 5 days."""
    if seconds >= _DAYS:
        return f"{seconds / 86400:,.0f} days"
    minutes, left = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
