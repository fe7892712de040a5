"""Which request meets which fault."""

import random
from collections.abc import Iterable

from cartesia_cli.server.faults.parsing import Fault


class FaultPlan:
    """Decides which fault a request meets, by the order of the requests and the seed alone."""

    def __init__(self, faults: Iterable[Fault], seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._seen = [0] * len(self._faults)
        self._struck = [0] * len(self._faults)

    def strike(self, path: str, *, is_socket: bool = False) -> Fault | None:
        """Return the fault that the next request to ``path`` meets."""
        for index, fault in enumerate(self._faults):
            if not fault.covers(path, is_socket=is_socket) or self._struck[index] == fault.times:
                continue
            self._seen[index] += 1
            # One draw for each request and fault: other paths' requests between do not change it.
            draw = random.Random(f"{self._seed}/{index}/{self._seen[index]}").random()  # noqa: S311 - not a secret
            if draw < fault.chance:
                self._struck[index] += 1
                return fault
        return None
