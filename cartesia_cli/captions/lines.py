"""The lines of one cue: as few as possible, balanced, the lower one longer, cut where the text allows it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from cartesia_cli.captions.pieces import Piece

_IMBALANCE = 0.4
"""Cost of each character by which a line misses its share."""

_LONGER_ABOVE = 3.0
"""Characters by which an upper line's share is smaller."""


@dataclass(frozen=True, slots=True)
class Text:
    """Pieces in a row: how wide any stretch is, and what a break before each costs."""

    pieces: Sequence[Piece]
    costs: Sequence[float]
    """A break's cost before each piece."""

    heads: Sequence[int]
    """Where each piece begins, in characters from the start of the text."""

    tails: Sequence[int]
    """Where each piece ends."""

    def width(self, first: int, stop: int) -> int:
        """Characters of the pieces from ``first`` up to, not including, ``stop``, on one line."""
        return self.tails[stop - 1] - self.heads[first]

    def stretch(self, first: int, stop: int) -> str:
        """Return the text of these pieces on one line."""
        return "".join(
            f" {piece.text}" if piece.spaced and index else piece.text
            for index, piece in enumerate(self.pieces[first:stop])
        )

    def lines(self, first: int, stop: int, max_chars: int) -> tuple[str, ...]:
        """Return the best lines of these pieces, the least number of lines of at most ``max_chars``."""
        cuts = [first, *self.line_breaks(first, stop, max_chars), stop]
        return tuple(self.stretch(a, b) for a, b in zip(cuts, cuts[1:], strict=False))

    def line_breaks(self, first: int, stop: int, max_chars: int) -> list[int]:
        """Return the pieces before which lines are broken."""
        n_lines, at = 0, first
        while at < stop:
            at = self.line_end(at, max_chars)
            n_lines += 1
        if n_lines <= 1:
            return []
        share = self.width(first, stop) / n_lines
        best: dict[int, tuple[float, list[int]]] = {first: (0.0, [])}
        for line in range(n_lines):
            last = line == n_lines - 1
            target = share + (_LONGER_ABOVE / 2 if last else -_LONGER_ABOVE / 2)
            following: dict[int, tuple[float, list[int]]] = {}
            for begin, (cost, breaks) in best.items():
                most = min(stop, self.line_end(begin, max_chars))
                for end in (stop,) if last else range(begin + 1, min(most, stop - 1) + 1):
                    if end > most:
                        continue
                    total = cost + abs(self.width(begin, end) - target) * _IMBALANCE
                    total += 0.0 if last else self.costs[end]
                    if end not in following or total < following[end][0]:
                        following[end] = (total, breaks if last else [*breaks, end])
            best = following
        return best[stop][1]

    def line_end(self, first: int, max_chars: int) -> int:
        """Return the first piece that no longer fits on a line that begins with ``first``."""
        return max(first + 1, bisect_right(self.tails, self.heads[first] + max_chars))


def text_of(pieces: Sequence[Piece], costs: Sequence[float]) -> Text:
    """Return the text of all pieces."""
    heads, tails, at = [], [], 0
    for piece in pieces:
        at += piece.spaced
        heads.append(at)
        at += piece.width
        tails.append(at)
    return Text(pieces, costs, heads, tails)
