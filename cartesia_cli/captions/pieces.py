"""Word timings as pieces that are never cut: words, characters of CJK text, parts of overlong words."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cartesia_cli.captions.characters import CJK, count_characters, graphemes, needs_space
from cartesia_cli.models import WordTiming

_AFTER = frozenset("/-_.?&=,;:+")
"""Where an overlong word, most often an address, is cut best."""

_MONTHS = 1e7
"""Seconds; no recording is so long."""


class Piece(NamedTuple):
    """Text that stands in one line, and when it is spoken, in whole milliseconds."""

    text: str
    start: int
    end: int
    width: int
    """Characters, as a viewer counts them."""

    spaced: bool
    """Whether a space stands before it, unless it begins a line."""

    word: int
    """Which of the words it is of."""

    inner: bool
    """Whether it continues a word."""


def pieces_from_words(words: Sequence[WordTiming], max_chars: int) -> list[Piece]:
    """Return the pieces of all words in order, each at most ``max_chars`` wide; starts never decrease."""
    starts, ends = spoken_times(words)
    pieces: list[Piece] = []
    for index, word in enumerate(words):
        text, start, end = word.word, starts[index], ends[index]
        before = pieces[-1].text if pieces else ""
        if text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= max_chars:
            pieces.append(Piece(text, start, end, len(text), needs_space(before, text), index, inner=False))
            continue
        parts = list(_parts(text, max_chars))
        total = sum(width for _, width, _ in parts) or 1
        done = 0
        for number, (part, width, spaced) in enumerate(parts):
            inner = number > 0
            pieces.append(
                Piece(
                    part,
                    start + (end - start) * done // total,
                    start + (end - start) * (done + width) // total,
                    width,
                    spaced if inner else needs_space(before, part),
                    index,
                    inner,
                )
            )
            done += width
    return pieces


def spoken_times(words: Sequence[WordTiming]) -> tuple[list[int], list[int]]:
    """Return starts and ends in milliseconds; starts never decrease, no end is before its start.

    The words keep their order, which is that of the text. Where times run backwards, as many words as can be
    are believed, and the others are put between their neighbours.
    """
    starts = [_milliseconds(word.start) for word in words]
    ends = [_milliseconds(word.end) for word in words]
    if starts != sorted(starts) or (starts and starts[0] < 0):
        known = _longest_rising(starts)
        for left, right in zip([None, *known], [*known, None], strict=True):
            _spread(starts, ends, left, right)
    return starts, [max(start, end) for start, end in zip(starts, ends, strict=True)]


def _milliseconds(seconds: float) -> int:
    """Return the time, at least 0; -1 where it cannot be one (NaN, infinite, months)."""
    return max(0, round(seconds * 1000)) if -_MONTHS < seconds < _MONTHS else -1


def _longest_rising(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest subsequence that never decreases, without negative values."""
    tails: list[int] = []
    tail_values: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(values):
        at = bisect_right(tail_values, value) if value >= 0 else 0
        previous.append(tails[at - 1] if at else -1)
        if value < 0:
            continue
        if at == len(tails):
            tails.append(index)
            tail_values.append(value)
        else:
            tails[at], tail_values[at] = index, value
    chain: list[int] = []
    index = tails[-1] if tails else -1
    while index >= 0:
        chain.append(index)
        index = previous[index]
    return chain[::-1]


def _spread(starts: list[int], ends: list[int], left: int | None, right: int | None) -> None:
    """Put the words between two believed ones (None: the edge) evenly between their starts."""
    first = 0 if left is None else left + 1
    stop = len(starts) if right is None else right
    if first == stop:
        return
    until = starts[right] if right is not None else max(0, ends[left]) if left is not None else 0
    since = starts[left] if left is not None else until
    if left is not None:
        ends[left] = min(ends[left], until)
    slots = stop - first + (left is not None)
    for index in range(first, stop):
        slot = index - first + (left is not None)
        starts[index] = since + (until - since) * slot // slots
        ends[index] = since + (until - since) * (slot + 1) // slots


def _parts(word: str, max_chars: int) -> Iterator[tuple[str, int, bool]]:
    """Yield text, width and whether a space stands before it, for each piece of a word."""
    for chunk in word.split():
        spaced = True
        for run in _runs(chunk):
            width = count_characters(run)
            for part in [run] if width <= max_chars else _cut(run, max_chars):
                yield part, width if part is run else count_characters(part), spaced
                spaced = False


def _runs(chunk: str) -> Iterator[str]:
    """Yield each CJK character, and what stands between them as a whole."""
    if not CJK.search(chunk):
        yield chunk
        return
    run = ""
    for cluster in graphemes(chunk):
        if CJK.match(cluster):
            if run:
                yield run
            yield cluster
            run = ""
        else:
            run += cluster
    if run:
        yield run


def _cut(run: str, max_chars: int) -> Iterator[str]:
    """Yield about equal parts of a text without spaces, cut after punctuation where there is some."""
    clusters = graphemes(run)
    while len(clusters) > max_chars:
        n_parts = -(-len(clusters) // max_chars)
        size = -(-len(clusters) // n_parts)
        good = (at for at in range(size, size - size // 3, -1) if clusters[at - 1] in _AFTER)
        at = next(good, size)
        yield "".join(clusters[:at])
        clusters = clusters[at:]
    yield "".join(clusters)
