"""Word timings become cues: dynamic programming over the places where text can be cut.

A cut is judged by the cue that it makes: what the rules forbid costs more than all else together, what they advise
against costs a little. The cheapest way through all words wins, so a rule is broken only where no cut keeps it.
"""

from collections.abc import Iterator, Sequence
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

from cartesia_cli.captions.breaks import BEFORE_FUNCTION, ELSEWHERE, SENTENCE, break_costs
from cartesia_cli.captions.characters import join_text, language_of
from cartesia_cli.captions.lines import Text, text_of
from cartesia_cli.captions.pieces import Piece, pieces_from_words
from cartesia_cli.captions.profiles import Limits, Profile
from cartesia_cli.models import WordTiming

_WINDOW = 120
"""Pieces that a cue may have. The built-in profiles allow fewer; this bounds the work for extreme ones."""

_VIOLATION = 1e7
"""Cost of each character in a cue that breaks a rule: more than all advice in a day of speech together."""

_FLASH = 20
"""A shorter cue that breaks a rule counts as this many characters, lest one word be sacrificed for its neighbours."""

_MILD = 1.5
"""Up to this many times too fast is equally bad, so that advice decides; beyond, faster is worse."""

_PER_CUE = 2.0
_NO_LINE_BREAK = 5.0
_LONG_PAUSE = 40.0
_PAUSES = ((700, 0.1), (400, 0.3), (200, 0.6))
"""A silence of so many milliseconds makes a break cost so much less."""

_ORPHAN = 12
"""Characters below which a cue looks lost."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: what is shown, from when until when, in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]
    words: tuple[WordTiming, ...] = ()
    """What is spoken meanwhile, as far as it is known; a word that two cues share is there in its parts."""

    line: int | None = field(default=None, compare=False)
    """Where it stands in the file it was read from, from 1."""

    @property
    def text(self) -> str:
        """The lines as running text."""
        return join_text(self.lines)


def cues_from_words(
    words: Sequence[WordTiming], profile: Profile, *, language: str | None = None
) -> list[Cue]:
    """Return cues that keep the profile's rules wherever speech lets them.

    Their text, joined, is the text of the words. Words stay in their order; times that run backwards are mended.

    Args:
        words: in the order of the text, seconds.
        profile: the rules.
        language: a code like ``en`` or ``pt-BR``; None: judged by the script.
    """
    track = Track.from_words(words, profile, language=language)
    return list(track.cues(track.best_cuts()))


@dataclass(frozen=True, slots=True)
class Track:
    """Speech as pieces with times, ready to be cut into cues."""

    words: Sequence[WordTiming]
    text: Text
    limits: Limits
    starts: Sequence[int]
    ends: Sequence[int]
    """When the sound of everything up to a piece is over, in milliseconds."""

    n_words: Sequence[int]
    """Words between spaces before each piece."""

    @classmethod
    def from_words(
        cls, words: Sequence[WordTiming], profile: Profile, *, language: str | None = None
    ) -> "Track":
        """Return the track of these words under the profile's rules for the language."""
        language = language or language_of("".join(word.word for word in words))
        limits = profile.limits(language)
        pieces = pieces_from_words(words, limits.max_chars)
        return cls(
            words=words,
            text=text_of(pieces, break_costs(pieces, language)),
            limits=limits,
            starts=[piece.start for piece in pieces],
            ends=list(accumulate((piece.end for piece in pieces), max)),
            n_words=[0, *accumulate(piece.spaced or not index for index, piece in enumerate(pieces))],
        )

    @property
    def pieces(self) -> Sequence[Piece]:
        """All pieces in their order."""
        return self.text.pieces

    def span(self, first: int, stop: int) -> tuple[int, int, int, int]:
        """Return when a cue of these pieces starts and ends, and how long it must last to be seen and to be read."""
        limits = self.limits
        shortest = limits.shortest(self.count_words(first, stop))
        reading = limits.reading_time(self.text.width(first, stop))
        following = self.starts[stop] if stop < len(self.starts) else None
        end = out_time(self.starts[first], self.ends[stop - 1], following, shortest, reading, limits)
        return self.starts[first], end, shortest, reading

    def keeps_rules(self, first: int, stop: int) -> bool:
        """Whether a cue of these pieces, which must fit on its lines, can be seen and read in time."""
        start, end, shortest, reading = self.span(first, stop)
        return end - start >= max(shortest, reading)

    def count_words(self, first: int, stop: int) -> int:
        """Return how many words, between spaces, a cue of these pieces has."""
        return self.n_words[stop] - self.n_words[first] + (not self.pieces[first].spaced and first > 0)

    def last_stop(self, first: int) -> int:
        """Return the largest ``stop`` of a cue that begins with ``first``: by its lines, and by its longest time."""
        stop = first
        for _ in range(self.limits.max_lines):
            if stop < len(self.starts):
                stop = self.text.line_end(stop, self.limits.max_chars)
        until = bisect_left(self.starts, self.starts[first] + self.limits.max_duration)
        return max(first + 1, min(stop, until, first + _WINDOW))

    def best_cuts(self) -> list[int]:
        """Return where cues begin and the last one stops: 0, …, number of pieces.

        The inner loop is the only slow part of all captions, hence its many locals: most cues that it looks at keep
        every rule by a wide margin, and `_violation` sees only the others.
        """
        n = len(self.starts)
        starts, ends, heads, tails = self.starts, self.ends, self.text.heads, self.text.tails
        limits, advice, n_words = self.limits, advice_on(self), self.n_words
        leave, stay, orphan = advice.leave, advice.stay, advice.orphan
        latest = [0, *(start - limits.gap for start in starts[1:]), float("inf")]
        widest = min(limits.max_chars + 1, tails[-1] if tails else 0) * limits.max_lines + 1
        needs = [max(limits.min_duration, limits.reading_time(width)) for width in range(widest + 1)]
        per_word, max_duration, max_chars = (
            limits.min_duration_per_word,
            limits.max_duration,
            limits.max_chars,
        )
        best = [0.0, *[float("inf")] * n]
        origin = [0] * (n + 1)
        for first in range(n):
            start, head = starts[first], heads[first]
            base = best[first] + _PER_CUE - stay[first]
            for stop in range(first + 1, self.last_stop(first) + 1):
                width = tails[stop - 1] - head
                cost = base + leave[stop]
                if width < _ORPHAN:
                    cost += orphan[width]
                elif width > max_chars:
                    cost += advice.line_break(first, stop)
                if cost >= best[stop]:
                    continue
                sound, last, needed = ends[stop - 1], latest[stop], needs[width]
                spoken = (sound if sound < last else last) - start
                if per_word and (n_words[stop] - n_words[first] + 1) * per_word > needed:
                    needed = max_duration + 1
                if needed > spoken or spoken > max_duration or sound > last + limits.gap:
                    cost += self._violation(first, stop)
                    if cost >= best[stop]:
                        continue
                best[stop] = cost
                origin[stop] = first
        cuts = [n]
        while cuts[-1]:
            cuts.append(origin[cuts[-1]])
        return cuts[::-1]

    def _violation(self, first: int, stop: int) -> float:
        """Return what breaking the rules costs a cue; 0 if it keeps them."""
        start, end, shortest, reading = self.span(first, stop)
        needed, length = max(shortest, reading), end - start
        late = max(0, self.ends[stop - 1] - end - self.limits.gap) / 20
        if needed <= length:
            return late
        n_chars = max(_FLASH, sum(self.pieces[index].width for index in range(first, stop)))
        ratio = needed / max(length, needed / 1000)
        worse = (max(ratio, _MILD) / _MILD) ** 2
        return _VIOLATION * n_chars * worse + 60 * (ratio - 1) + late

    def cues(self, cuts: Sequence[int]) -> Iterator[Cue]:
        """Yield the cues between these cuts."""
        free = 0
        for first, stop in zip(cuts, cuts[1:], strict=False):
            start, end, _, _ = self.span(first, stop)
            start = max(start, free)
            free = end = max(end, start + 1)
            lines = self.text.lines(first, stop, self.limits.max_chars)
            yield Cue(start, end, lines, tuple(self._words(first, stop)))

    def _words(self, first: int, stop: int) -> Iterator[WordTiming]:
        """Yield the words of these pieces with the times they were cut by; of a word that cues share, its part."""
        index = first
        while index < stop:
            piece = self.pieces[index]
            after = index + 1
            while after < stop and self.pieces[after].word == piece.word:
                after += 1
            text = self.text.stretch(index, after)
            start, end = piece.start / 1000, self.pieces[after - 1].end / 1000
            yield WordTiming(text, start, end, self.words[piece.word].confidence)
            index = after


def out_time(
    start: int, sound: int, following: int | None, shortest: int, reading: int, limits: Limits
) -> int:
    """Return when a cue ends, in milliseconds.

    With its last sound; later as far as the shortest cue needs, and for reading up to ``limits.extend`` later. A
    small gap to the following cue is closed. Never so late that the gap to it is too small, or the cue too long.

    Args:
        start: the first sound.
        sound: the end of the last sound.
        following: when the next cue starts; None after the last.
        shortest: how long the cue must last at least.
        reading: how long it takes to read.
        limits: the rules.
    """
    end = max(sound, start + shortest)
    if start + reading > end:
        end = max(end, min(start + reading, sound + limits.extend))
    if following is not None and following - end <= limits.chain:
        end = following - limits.gap
    return min(end, start + limits.max_duration)


@dataclass(frozen=True, slots=True)
class _Advice:
    """What soft rules cost, as sums that the inner loop of `Track.best_cuts` only has to subtract."""

    leave: Sequence[float]
    """For each place: a cue break there, and staying inside one cue at every place before it."""

    stay: Sequence[float]
    """For each piece: not breaking before it nor before any earlier one."""

    orphan: Sequence[float]
    """For each width below `_ORPHAN`."""

    track: Track
    good: Sequence[int]
    """How many good line breaks there are up to each place."""

    def line_break(self, first: int, stop: int) -> float:
        """Return what it costs that a cue of more than one line has no good place for a line break."""
        text, max_chars = self.track.text, self.track.limits.max_chars
        earliest = max(first + 1, bisect_left(text.heads, text.tails[stop - 1] - max_chars))
        return 0.0 if self.good[text.line_end(first, max_chars)] > self.good[earliest - 1] else _NO_LINE_BREAK


def advice_on(track: Track) -> _Advice:
    """Return the soft rules' costs: breaks by text and by pauses, long pauses and sentence ends inside a cue."""
    costs, starts, ends = track.text.costs, track.starts, track.ends
    n = len(starts)
    leave, stay, kept = [0.0], [0.0], 0.0
    for index in range(1, n):
        pause = starts[index] - ends[index - 1]
        factor = next((factor for least, factor in _PAUSES if pause >= least), 1.0)
        if costs[index] > ELSEWHERE:
            factor = max(factor, 0.5)
        leave.append(costs[index] * factor + kept)
        kept += max(0.0, min(_LONG_PAUSE, (pause - 300) / 50)) + (3.0 if costs[index] == SENTENCE else 0.0)
        stay.append(kept)
    leave.append(kept)
    orphan = [(_ORPHAN - width) * 0.4 for width in range(_ORPHAN)]
    good = list(accumulate((cost <= BEFORE_FUNCTION for cost in costs), initial=0))[1:] + [0]
    return _Advice(leave, stay, orphan, track, good)
