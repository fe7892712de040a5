"""What a run may spend, and what it has spent; a credit is a character that the cloud speaks."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing

from cartesia_cli.models import Speak, SpeechEvents, SpeechRequest


def _go_on() -> None:
    """Nothing is said of a purse without an end."""


class Purse:
    """The credits of a run. Safe for use by several threads.

    Args:
        budget: how many there are; None is without end.
        on_empty: called when a request costs more than is left; it raises.
    """

    def __init__(self, budget: int | None = None, on_empty: Callable[[], None] = _go_on) -> None:
        self._budget = budget
        self._on_empty = on_empty
        self._lock = threading.Lock()
        self._reserved = 0
        self.spent = 0
        """What requests under way will cost counts as spent; what is reserved does not."""

    def take(self, n_credits: int) -> None:
        """Spend credits, before what they are for is asked for."""
        with self._lock:
            fits = self._fits(n_credits)
            if fits:
                self.spent += n_credits
        if not fits:
            self._on_empty()

    def reserve(self, n_credits: int) -> None:
        """Keep credits for somebody who is going to spend them."""
        with self._lock:
            fits = self._fits(n_credits)
            if fits:
                self._reserved += n_credits
        if not fits:
            self._on_empty()

    def take_reserved(self, n_credits: int) -> None:
        """Spend some of what was reserved."""
        with self._lock:
            self._reserved -= n_credits
            self.spent += n_credits

    def release(self, n_credits: int) -> None:
        """Leave to others what was reserved and not spent."""
        with self._lock:
            self._reserved -= n_credits

    def give_back(self, n_credits: int) -> None:
        """Undo the spending for something that was not had."""
        with self._lock:
            self.spent -= n_credits

    def _fits(self, n_credits: int) -> bool:
        return self._budget is None or self.spent + self._reserved + n_credits <= self._budget


class Bill:
    """What one job costs. With its first request the purse has to have enough for all: a part is no file.

    Args:
        purse: pays.
        find_needed: returns, before the first request, all that there will be; None if there is but one.
    """

    def __init__(
        self, purse: Purse, find_needed: Callable[[], Sequence[SpeechRequest]] | None = None
    ) -> None:
        self._purse = purse
        self._find_needed = find_needed
        self._reserved: list[SpeechRequest] = []
        self.n_credits = 0
        """What the job has cost so far, without what is reserved."""

    def close(self) -> None:
        """Leave to others what was reserved and not needed."""
        self._purse.release(_price(*self._reserved))
        self._reserved.clear()

    def wrap(self, speak: Speak) -> Speak:
        """Return ``speak``, each of whose requests is paid for, unless it ends before its first event."""

        def speak_paid(request: SpeechRequest) -> SpeechEvents:
            price = _price(request)
            self._take(request)
            self.n_credits += price
            is_had = False
            try:
                with closing(speak(request)) as events:
                    for event in events:
                        is_had = True
                        yield event
            finally:
                if not is_had:
                    self._purse.give_back(price)
                    self.n_credits -= price

        return speak_paid

    def _take(self, request: SpeechRequest) -> None:
        """Pay for a request: of what is reserved for it, or anew if that was spent on one that broke off."""
        if self._find_needed is not None:
            needed = self._find_needed()
            self._purse.reserve(_price(*needed))
            self._find_needed = None
            self._reserved.extend(needed)
        if request in self._reserved:
            self._reserved.remove(request)
            self._purse.take_reserved(_price(request))
        else:
            self._purse.take(_price(request))


def _price(*requests: SpeechRequest) -> int:
    return sum(len(request.transcript) for request in requests)
