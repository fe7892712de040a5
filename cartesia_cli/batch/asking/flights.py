"""The same is not asked for twice at the same time."""

import threading

from cartesia_cli.models import Speak, SpeechEvents, SpeechRequest


class Flights:
    """Keeps the same from being asked for twice at once: the second waits, and finds it remembered."""

    def __init__(self) -> None:
        self._locks: dict[SpeechRequest, tuple[threading.Lock, int]] = {}
        self._lock = threading.Lock()

    def wrap(self, speak: Speak) -> Speak:
        """Return ``speak``, for one at a time of those that ask for the same."""

        def speak_alone(request: SpeechRequest) -> SpeechEvents:
            with self._lock:
                lock, n_there = self._locks.get(request, (threading.Lock(), 0))
                self._locks[request] = lock, n_there + 1
            try:
                with lock:
                    yield from speak(request)
            finally:
                with self._lock:
                    lock, n_there = self._locks.pop(request)
                    if n_there > 1:
                        self._locks[request] = lock, n_there - 1

        return speak_alone
