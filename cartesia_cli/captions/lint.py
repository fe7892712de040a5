"""Judges cues by a profile, whoever wrote them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate
from typing import Literal

from cartesia_cli.captions.characters import UNSPACED, count_characters, join_text, language_of
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.lines import break_lines
from cartesia_cli.captions.profiles import Limits, Profile
from cartesia_cli.captions.track import Track
from cartesia_cli.captions.words import bare
from cartesia_cli.models import WordTiming

Rule = Literal["characters", "lines", "reading-speed", "too-short", "too-long", "gap", "overlap", "words"]

_NEIGHBOURS = 6
"""How many cues on either side may be cut anew to mend one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that one cue breaks."""

    rule: Rule
    severity: Literal["error", "warning"]
    """``warning``: the speech itself leaves no way to keep the rule."""

    message: str
    cue: int
    """Which cue, from 1."""

    line: int | None
    """Where it stands in its file, from 1."""


def lint_cues(
    cues: Sequence[Cue],
    profile: Profile,
    *,
    words: Sequence[WordTiming] | None = None,
    language: str | None = None,
    resolution: int = 1,
    has_lines: bool = True,
) -> list[Finding]:
    """Return everything in which the cues break the profile's rules, in the order of the cues.

    Args:
        cues: in the order of their file.
        profile: the rules.
        words: what was spoken. With them, lost words become visible, and what no cut of these words could
            have kept is a warning.
        language: a code like ``en``; None: judged by the script.
        resolution: milliseconds to which the cues' file knows times: by so much they may be off.
        has_lines: whether the file can break lines; if not, a cue is judged as it would be broken.
    """
    language = language or language_of("".join(cue.text for cue in cues))
    limits = profile.limits(language)
    if not has_lines:
        cues = [replace(cue, lines=break_lines(cue.text, limits.max_chars)) for cue in cues]
    found = [
        finding
        for index in range(len(cues))
        for finding in (
            *_in_itself(cues, index, limits, resolution),
            *_to_the_next(cues, index, limits, resolution),
        )
    ]
    if words is None:
        return found
    excused = _excuse(found, cues, Track.from_words(words, profile, language=language))
    return sorted([*excused, *_lost_words(cues, words)], key=lambda finding: finding.cue)


def _error(cues: Sequence[Cue], index: int, rule: Rule, message: str) -> Finding:
    return Finding(rule, "error", message, index + 1, cues[index].line if cues else None)


def _in_itself(cues: Sequence[Cue], index: int, limits: Limits, resolution: int) -> Iterator[Finding]:
    """Yield what is wrong with one cue alone; times may be off by their rounding."""
    cue = cues[index]
    for line in cue.lines:
        if (width := count_characters(line)) > limits.max_chars:
            message = f"{width} characters in a line, at most {limits.max_chars}: {line}"
            yield _error(cues, index, "characters", message)
    if len(cue.lines) > limits.max_lines:
        yield _error(cues, index, "lines", f"{len(cue.lines)} lines, at most {limits.max_lines}")
    length = cue.end - cue.start
    width = count_characters(cue.text)
    if length > 0 and limits.reading_time(width) > length + resolution:
        message = f"{width * 1000 / length:.1f} characters a second, at most {limits.cps:g}"
        yield _error(cues, index, "reading-speed", message)
    shortest = limits.shortest(len(cue.text.split()))
    if length + resolution < shortest:
        yield _error(cues, index, "too-short", f"{length / 1000:.3f} s, at least {shortest / 1000:.3f}")
    if length > limits.max_duration + resolution:
        message = f"{length / 1000:.3f} s, at most {limits.max_duration / 1000:.3f}"
        yield _error(cues, index, "too-long", message)


def _to_the_next(cues: Sequence[Cue], index: int, limits: Limits, resolution: int) -> Iterator[Finding]:
    """Yield what is wrong between one cue and the next."""
    if index + 1 == len(cues):
        return
    gap = cues[index + 1].start - cues[index].end
    if gap < 0:
        yield _error(cues, index, "overlap", f"it ends {-gap} ms after cue {index + 2} starts")
    elif gap + resolution <= limits.gap:
        yield _error(cues, index, "gap", f"{gap} ms to cue {index + 2}, at least {limits.gap}")


def _excuse(findings: Sequence[Finding], cues: Sequence[Cue], track: Track) -> Iterator[Finding]:
    """Yield the findings, as warnings where no other cut of the words around would have been without any."""
    places = _places(cues, track)

    @cache  # neighbours ask for the same
    def good_stops(begin: int) -> list[int]:
        """Return where a cue that begins with this piece can stop and keep all rules."""
        return [
            stop for stop in range(begin + 1, track.last_stop(begin) + 1) if track.keeps_rules(begin, stop)
        ]

    for finding in findings:
        excusable = finding.rule in {"reading-speed", "too-short", "gap"}
        if excusable and not _mendable(good_stops, places, finding.cue - 1):
            yield replace(finding, severity="warning")
        else:
            yield finding


def _places(cues: Sequence[Cue], track: Track) -> list[int] | None:
    """Return before which piece each cue begins, and where the last one stops; None if the texts differ."""
    if bare("".join(cue.text for cue in cues)) != bare("".join(piece.text for piece in track.text.pieces)):
        return None
    begins = [0, *accumulate(len(bare(piece.text)) for piece in track.text.pieces)]
    ends = accumulate((len(bare(cue.text)) for cue in cues), initial=0)
    return [bisect_left(begins, end) for end in ends]


def _mendable(good_stops: Callable[[int], Sequence[int]], places: Sequence[int] | None, index: int) -> bool:
    """Whether a cue and its neighbours can be cut anew, between cues that stay, with all rules kept."""
    if places is None:
        return True
    before = places[max(0, index - _NEIGHBOURS) : index + 1]
    after = set(places[index + 1 : index + 2 + _NEIGHBOURS])
    reached = set(before)
    for begin in range(before[0], max(after)):
        if begin in reached:
            reached.update(good_stops(begin))
    return not reached.isdisjoint(after)


def _lost_words(cues: Sequence[Cue], words: Sequence[WordTiming]) -> Iterator[Finding]:
    """Yield where the text of the cues is not that of the words; spaces and line breaks do not matter."""
    shown = [(part, index) for index, cue in enumerate(cues) for part in cue.text.split()]
    spoken = [part for word in words for part in word.word.split()]
    if "".join(part for part, _ in shown) == "".join(spoken):
        return
    from difflib import SequenceMatcher

    if any(map(UNSPACED.search, spoken)):
        shown = [(char, index) for part, index in shown for char in part]
        spoken = list("".join(spoken))
    pairs = enumerate(zip(shown, spoken, strict=False))
    at = next((at for at, (part, word) in pairs if part[0] != word), min(len(shown), len(spoken)))
    cue = shown[max(0, at - 1)][1] if shown else 0
    shown, spoken = shown[at:], spoken[at:]
    matcher = SequenceMatcher(None, [part for part, _ in shown], spoken, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            cue = shown[b - 1][1]
            continue
        said, seen = join_text(spoken[c:d]), join_text(part for part, _ in shown[a:b])
        if kind == "insert":
            yield _error(cues, cue, "words", f"missing: {said}")
            continue
        cue = shown[a][1]
        message = f"shown: {seen}; spoken: {said}" if kind == "replace" else f"not spoken here: {seen}"
        yield _error(cues, cue, "words", message)
