"""Word timings become cues: dynamic programming over the places where text can be cut.

A cut is judged by the cue that it makes. What the rules forbid costs more than all else together, what they
advise against costs a little. The cheapest way through all words wins, so a rule is broken only where no cut
keeps it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

from cartesia_cli.captions.breaks import BEFORE_FUNCTION, ELSEWHERE, SENTENCE
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.profiles import Profile
from cartesia_cli.captions.track import Track
from cartesia_cli.models import WordTiming

_VIOLATION = 1e7
"""Cost of each character in a cue that breaks a rule: more than all advice in a day of speech together."""

_FLASH = 20
"""A shorter cue that breaks a rule counts as so many characters, lest one word be sacrificed for others."""

_MILD = 1.5
"""Up to this many times too fast is equally bad, so that advice decides; beyond, faster is worse."""

_SEVERITY = 60.0
"""Cost, as advice, of being twice too fast."""

_PER_CUE = 2.0
_SENTENCE_INSIDE = 3.0
_NO_GOOD_LINE_BREAK = 5.0
_ORPHAN = 12
"""Characters below which a cue looks lost."""

_ORPHAN_COST = 0.4
"""For each character that it lacks."""

_PAUSES = ((700, 0.1), (400, 0.3), (200, 0.6))
"""After a silence of so many milliseconds, a break costs only so much of what it does by the text."""

_PAUSE_INSIDE = 300
"""Milliseconds of silence that a cue may bridge for nothing."""

_LONGEST_PAUSE_COST = 40.0


def cues_from_words(
    words: Sequence[WordTiming], profile: Profile, *, language: str | None = None
) -> list[Cue]:
    """Return cues that keep the profile's rules wherever the speech lets them.

    Their text, joined, is the text of the words, in its order. Times that run backwards are mended.

    Args:
        words: in the order of the text, seconds.
        profile: the rules.
        language: a code like ``en`` or ``pt-BR``; None: judged by the script.
    """
    track = Track.from_words(words, profile, language=language)
    return list(track.cues(_best_cuts(track))) if len(track) else []


def _best_cuts(track: Track) -> list[int]:
    """Return where cues begin, and at last the number of pieces.

    The inner loop is where captions spend their time, hence its many locals. Most cues that it looks at keep
    every rule by speech alone; `_violation` sees only the others.
    """
    n = len(track)
    starts, ends, heads, tails, limits = (
        track.starts,
        track.ends,
        track.text.heads,
        track.text.tails,
        track.limits,
    )
    advice = _advice(track)
    leave, orphan, line_breaks_to = advice.leave, advice.orphan, advice.line_breaks_to
    latest = [0, *(start - limits.gap for start in starts[1:]), inf]
    widest = max(tails[track.last_stop(first) - 1] - heads[first] for first in range(n))
    needs = [max(limits.shortest(1), limits.reading_time(width)) for width in range(widest + 1)]
    easy = not limits.min_duration_per_word
    best = [0.0, *[inf] * n]
    origin = [0] * (n + 1)
    for first in range(n):
        start, head = starts[first], heads[first]
        base = best[first] + _PER_CUE - advice.stay[first]
        one_line, line_breaks = track.text.line_ends[first], advice.line_breaks_from[first]
        for stop in range(first + 1, track.last_stop(first) + 1):
            width = tails[stop - 1] - head
            cost = base + leave[stop]
            if width < _ORPHAN:
                cost += orphan[width]
            elif stop > one_line and line_breaks_to[stop] >= line_breaks:
                cost += _NO_GOOD_LINE_BREAK
            if cost >= best[stop]:
                continue
            sound, last = ends[stop - 1], latest[stop]
            spoken = (min(last, sound)) - start
            if not (easy and needs[width] <= spoken <= limits.max_duration and sound <= last + limits.gap):
                cost += _violation(track, first, stop)
                if cost >= best[stop]:
                    continue
            best[stop] = cost
            origin[stop] = first
    cuts = [n]
    while cuts[-1]:
        cuts.append(origin[cuts[-1]])
    return cuts[::-1]


def _violation(track: Track, first: int, stop: int) -> float:
    """Return what it costs that a cue breaks rules, or ends before its sound does; 0 if it does neither."""
    start, end, needed = track.span(first, stop)
    unheard = max(0, track.ends[stop - 1] - end - track.limits.gap) / 20
    length = end - start
    if needed <= length:
        return unheard
    # Spaces do not count: more cuts would seem to have fewer bad characters.
    n_chars = max(_FLASH, sum(piece.width for piece in track.text.pieces[first:stop]))
    ratio = needed / max(length, needed / 1000)
    worse = (max(ratio, _MILD) / _MILD) ** 2
    return _VIOLATION * n_chars * worse + _SEVERITY * (ratio - 1) + unheard


@dataclass(frozen=True, slots=True)
class _Advice:
    """What soft rules cost, as sums that the inner loop only has to compare and subtract."""

    leave: Sequence[float]
    """For each place: a cue break there, and staying inside one cue at every place before it."""

    stay: Sequence[float]
    """For each piece: breaking neither before it nor before any earlier one."""

    orphan: Sequence[float]
    """For each width below `_ORPHAN`."""

    line_breaks_from: Sequence[int]
    """How many good places to break there are up to the end of the line that begins with each piece."""

    line_breaks_to: Sequence[int]
    """The same before the earliest piece that could begin the last line of a cue that ends at each place."""


def _advice(track: Track) -> _Advice:
    """Return the soft rules' costs: breaks by text and pauses, long pauses and sentence ends inside a cue."""
    costs, starts, ends, text = track.text.costs, track.starts, track.ends, track.text
    leave, stay, kept = [0.0], [0.0], 0.0
    for index in range(1, len(track)):
        cost, pause = costs[index], starts[index] - ends[index - 1]
        factor = 1.0
        if pause >= _PAUSES[-1][0]:
            factor = next(factor for least, factor in _PAUSES if pause >= least)
        leave.append(kept + cost * (max(factor, 0.5) if cost > ELSEWHERE else factor))
        if pause > _PAUSE_INSIDE:
            kept += min(_LONGEST_PAUSE_COST, (pause - _PAUSE_INSIDE) / 50)
        kept += _SENTENCE_INSIDE if cost == SENTENCE else 0.0
        stay.append(kept)
    leave.append(kept)
    good = [0, *accumulate(cost <= BEFORE_FUNCTION for cost in costs), 0]
    good[-1] = good[-2]
    max_chars = track.limits.max_chars
    return _Advice(
        leave,
        stay,
        [(_ORPHAN - width) * _ORPHAN_COST for width in range(_ORPHAN)],
        [good[end + 1] for end in text.line_ends],
        [0, *(good[bisect_left(text.heads, tail - max_chars)] for tail in text.tails)],
    )
