"""What a run may spend, and what it has spent; a credit is a character that the cloud speaks."""

import threading
from collections.abc import Callable

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
        self.spent = 0
        """What requests under way will cost counts as spent."""

    def take(self, n_credits: int) -> None:
        """Spend credits, before what they are for is asked for."""
        with self._lock:
            fits = self._budget is None or self.spent + n_credits <= self._budget
            if fits:
                self.spent += n_credits
        if not fits:
            self._on_empty()

    def give_back(self, n_credits: int) -> None:
        """Undo the spending for something that was not had."""
        with self._lock:
            self.spent -= n_credits


class Bill:
    """What one job costs."""

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self.n_credits = 0

    def wrap(self, speak: Speak) -> Speak:
        """Return ``speak``, each of whose requests is paid for, unless it fails before its first sound."""

        def speak_paid(request: SpeechRequest) -> SpeechEvents:
            price = len(request.transcript)
            self._purse.take(price)
            self.n_credits += price
            is_had = False
            try:
                for event in speak(request):
                    is_had = True
                    yield event
            finally:
                if not is_had:
                    self._purse.give_back(price)
                    self.n_credits -= price

        return speak_paid
