"""Speech as pieces with times, and the cue that any stretch of them would be."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from cartesia_cli.captions.breaks import break_costs
from cartesia_cli.captions.characters import language_of
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.lines import Text
from cartesia_cli.captions.pieces import pieces_from_words
from cartesia_cli.captions.profiles import Limits, Profile
from cartesia_cli.models import WordTiming

_WINDOW = 120
"""Pieces that a cue may have. The built-in profiles allow fewer; this bounds the work for extreme ones."""


@dataclass(frozen=True, slots=True)
class Track:
    """What was spoken, ready to be cut into cues. Times in milliseconds."""

    words: Sequence[WordTiming]
    text: Text
    limits: Limits
    starts: Sequence[int]
    """When each piece is first heard; never decreases."""

    ends: Sequence[int]
    """When the sound of everything up to and with each piece is over."""

    n_words: Sequence[int]
    """How many words, between spaces, begin before each piece; at last of all."""

    @classmethod
    def from_words(
        cls, words: Sequence[WordTiming], profile: Profile, *, language: str | None = None
    ) -> "Track":
        """Return the track of these words under a profile; without a language the script tells it."""
        language = language or language_of("".join(word.word for word in words))
        limits = profile.limits(language)
        pieces = pieces_from_words(words, limits.max_chars)
        return cls(
            words=words,
            text=Text.of(pieces, break_costs(pieces, language), limits.max_chars),
            limits=limits,
            starts=[piece.start for piece in pieces],
            ends=list(accumulate((piece.end for piece in pieces), max)),
            n_words=[0, *accumulate(piece.spaced or not index for index, piece in enumerate(pieces))],
        )

    def __len__(self) -> int:
        return len(self.starts)

    def span(self, first: int, stop: int) -> tuple[int, int, int]:
        """Return start and end of a cue of the pieces ``first`` to before ``stop``, and the time it needs.

        It starts with its first sound and ends with its last; later as far as the shortest cue needs, and for
        reading up to ``limits.extend`` later. A small gap to the next cue is closed. It never ends so late
        that the gap is too small, or the cue too long.
        """
        limits = self.limits
        start, sound = self.starts[first], self.ends[stop - 1]
        n_words = (
            self.n_words[stop] - self.n_words[first] + (first > 0 and not self.text.pieces[first].spaced)
        )
        shortest = limits.shortest(n_words)
        reading = limits.reading_time(self.text.width(first, stop))
        end = max(sound, start + shortest, min(start + reading, sound + limits.extend))
        if stop < len(self) and self.starts[stop] - end <= limits.chain:
            end = self.starts[stop] - limits.gap
        return start, min(end, start + limits.max_duration), max(shortest, reading)

    def keeps_rules(self, first: int, stop: int) -> bool:
        """Whether a cue of these pieces, which must fit on its lines, can be seen and read in time."""
        start, end, needed = self.span(first, stop)
        return end - start >= needed

    def last_stop(self, first: int) -> int:
        """Return the largest ``stop`` of a cue that begins with ``first``, by its lines and its time."""
        stop = first
        for _ in range(min(self.limits.max_lines, _WINDOW)):  # a line has at least one piece
            if stop < len(self):
                stop = self.text.line_ends[stop]
        if self.starts[stop - 1] - self.starts[first] >= self.limits.max_duration:
            stop = bisect_left(self.starts, self.starts[first] + self.limits.max_duration)
        return max(first + 1, min(stop, first + _WINDOW))

    def cues(self, cuts: Sequence[int]) -> Iterator[Cue]:
        """Yield the cues between these cuts."""
        free = 0
        for first, stop in pairwise(cuts):
            start, end, _ = self.span(first, stop)
            start = max(start, free)
            free = end = max(end, start + 1)
            yield Cue(start, end, self.text.lines(first, stop), tuple(self._spoken(first, stop)))

    def _spoken(self, first: int, stop: int) -> Iterator[WordTiming]:
        """Yield the words of these pieces with the times they were cut by; of a shared word, its part."""
        pieces = self.text.pieces
        while first < stop:
            after = first + 1
            while after < stop and pieces[after].inner:
                after += 1
            yield WordTiming(
                self.text.stretch(first, after),
                pieces[first].start / 1000,
                pieces[after - 1].end / 1000,
                self.words[pieces[first].word].confidence,
            )
            first = after
