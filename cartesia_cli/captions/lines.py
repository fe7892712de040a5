"""Text in lines: as few as possible, balanced, the lower one longer, cut where the text allows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cartesia_cli.captions.characters import needs_space
from cartesia_cli.captions.pieces import Piece, pieces_from_words
from cartesia_cli.models import WordTiming

_IMBALANCE = 0.4
"""Cost of each character by which a line misses its share."""

_LONGER_BELOW = 1.5
"""Characters by which the share of the last line is larger, and that of the others smaller."""


@dataclass(frozen=True, slots=True)
class Text:
    """Pieces in a row, and the lines that any stretch of them makes."""

    pieces: Sequence[Piece]
    costs: Sequence[float]
    """What a break before each piece costs."""

    heads: Sequence[int]
    """Where each piece begins, in characters from the start of the text."""

    tails: Sequence[int]
    """Where each piece ends."""

    line_ends: Sequence[int]
    """The first piece that no longer fits on a line that begins with each piece."""

    @classmethod
    def of(cls, pieces: Sequence[Piece], costs: Sequence[float], max_chars: int) -> "Text":
        """Return the text of these pieces for lines of ``max_chars``."""
        heads, tails, line_ends, at = [], [], [], 0
        before = ""
        for piece in pieces:
            # An overlong word that is cut shows a space to whoever joins its lines; count it, to be safe.
            at += piece.spaced or (piece.inner and needs_space(before, piece.text))
            before = piece.text
            heads.append(at)
            at += piece.width
            tails.append(at)
        end = 0
        for first, head in enumerate(heads):
            end = max(end, first + 1)
            while end < len(tails) and tails[end] <= head + max_chars:
                end += 1
            line_ends.append(end)
        return cls(pieces, costs, heads, tails, line_ends)

    def width(self, first: int, stop: int) -> int:
        """Characters of the pieces from ``first`` up to, not including, ``stop``, on one line."""
        return self.tails[stop - 1] - self.heads[first]

    def stretch(self, first: int, stop: int) -> str:
        """Return these pieces on one line."""
        if stop == first + 1:
            return self.pieces[first].text
        parts = [f" {piece.text}" if piece.spaced else piece.text for piece in self.pieces[first:stop]]
        parts[0] = self.pieces[first].text
        return "".join(parts)

    def lines(self, first: int, stop: int) -> tuple[str, ...]:
        """Return the best of the least number of lines that hold these pieces."""
        return tuple(self.stretch(a, b) for a, b in pairwise([first, *self._breaks(first, stop), stop]))

    def _breaks(self, first: int, stop: int) -> list[int]:
        """Return the pieces before which lines are broken."""
        n_lines, at = 0, first
        while at < stop:
            at = self.line_ends[at]
            n_lines += 1
        share = self.width(first, stop) / n_lines - _LONGER_BELOW
        best: dict[int, tuple[float, list[int]]] = {first: (0.0, [])}
        for _ in range(n_lines - 1):
            following: dict[int, tuple[float, list[int]]] = {}
            for begin, (cost, breaks) in best.items():
                for end in range(begin + 1, min(stop - 1, self.line_ends[begin]) + 1):
                    total = cost + self.costs[end] + abs(self.width(begin, end) - share) * _IMBALANCE
                    if end not in following or total < following[end][0]:
                        following[end] = (total, [*breaks, end])
            best = following
        share += 2 * _LONGER_BELOW
        return min(
            (cost + abs(self.width(begin, stop) - share) * _IMBALANCE, breaks)
            for begin, (cost, breaks) in best.items()
            if self.line_ends[begin] >= stop
        )[1]


def break_lines(text: str, max_chars: int) -> tuple[str, ...]:
    """Return text in as few lines of ``max_chars`` as it takes, balanced."""
    pieces = pieces_from_words([WordTiming(text, 0.0, 0.0)], max_chars)
    return Text.of(pieces, [0.0] * len(pieces), max_chars).lines(0, len(pieces)) if pieces else ()
