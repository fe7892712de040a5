"""How far a run over many items is, on one line of the terminal."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from cartesia_cli import console
from cartesia_cli.commands._columns import fitting_start

_INTERVAL = 0.1
"""Seconds between two pictures: a terminal is no place for thousands a second."""


class Progress:
    """Counts items and shows the count on stderr, if that is a terminal. Safe for use by several threads."""

    def __init__(self, n_items: int, verb: str) -> None:
        self._n_items = n_items
        self._verb = verb
        self._n_done = self._n_failed = 0
        self._shares: dict[str, float] = {}
        self._shown_at = 0.0
        self._visible = console.shows_progress() and n_items > 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._clear()
            self._visible = False

    def reporter(self, name: str) -> Callable[[float], None]:
        """Return a function that takes which share of one item is done, 0 to 1."""

        def report(share: float) -> None:
            with self._lock:
                self._shares[name] = share
                if time.monotonic() - self._shown_at > _INTERVAL:
                    self._show()

        return report

    def finish(self, name: str, *, failed: bool) -> None:
        """Count one more item."""
        with self._lock:
            self._shares.pop(name, None)
            self._n_done += 1
            self._n_failed += failed
            self._show()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep off the terminal while the block writes to it."""
        with self._lock:
            self._clear()
            yield
            self._show()

    def _show(self) -> None:
        if not self._visible:
            return
        self._shown_at = time.monotonic()
        failures = f", {self._n_failed} failed" if self._n_failed else ""
        under_way = [f"{name} {share:.0%}" for name, share in self._shares.items() if 0 < share < 1]
        line = f"{self._n_done} of {self._n_items} {self._verb}{failures}  {'  '.join(under_way)}"
        console.status(fitting_start(line))

    def _clear(self) -> None:
        if self._visible:
            console.status("")
