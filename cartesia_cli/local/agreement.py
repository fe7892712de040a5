"""Words that stay: what two hearings in a row of a growing segment agree on is not changed again."""

from collections.abc import Sequence

_ENDS = ".,;:!?…-"
"""What the recogniser writes after a word because the sound ends there."""


class Agreement:
    """What has been understood of a segment that grows."""

    def __init__(self) -> None:
        self._stable: list[str] = []
        self._open: list[str] = []

    @property
    def stable(self) -> str:
        """The words that were agreed on, which only become more."""
        return " ".join(self._stable)

    @property
    def text(self) -> str:
        """Those, and after them the words that the last hearing alone has."""
        return " ".join([*self._stable, *self._open])

    def hear(self, words: Sequence[str], *, is_pause: bool) -> None:
        """Take note of another hearing, of the segment from its start to where it is now.

        Args:
            words: what was heard.
            is_pause: the speaker has paused; otherwise the last word may be cut, and is left out.
        """
        last = [word.rstrip(_ENDS) for word in words[-1:]] if is_pause else []
        heard = [*words[:-1], *filter(None, last)]
        rest = heard[_count_covered(self._stable, heard) :]
        n_agreed = 0
        for before, now in zip(self._open, rest, strict=False):
            if _key(before) != _key(now):
                break
            n_agreed += 1
        self._stable += rest[:n_agreed]
        self._open = rest[n_agreed:]


def _count_covered(stable: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many of the words heard are those that were agreed on, whatever they read now.

    It is the beginning of ``heard`` with the fewest words replaced, left out and put in.
    """
    costs = [*range(len(heard) + 1)]
    for word in stable:
        corner, costs[0] = costs[0], costs[0] + 1
        for n, other in enumerate(heard, 1):
            change = corner + (_key(word) != _key(other))
            corner, costs[n] = costs[n], min(costs[n] + 1, costs[n - 1] + 1, change)
    return min(range(len(costs)), key=lambda n: (costs[n], abs(n - len(stable))))


def _key(word: str) -> str:
    """Return what two spellings of a word have in common."""
    return "".join(filter(str.isalnum, word)).casefold() or word
