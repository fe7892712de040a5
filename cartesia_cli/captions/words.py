"""The words of a cue that was read from a file: from the times between them, or else by their length."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cartesia_cli.captions.characters import needs_space
from cartesia_cli.captions.cue import Cue
from cartesia_cli.models import WordTiming


class Mark(NamedTuple):
    """A time inside a cue."""

    at: int
    """Before it stand so many characters of the cue's text, spaces not counted."""

    time: int
    """Milliseconds."""


def bare(text: str) -> str:
    """Return text without any spaces."""
    return "".join(text.split())


def words_at_marks(
    lines: Sequence[str], marks: Sequence[Mark], start: int, end: int
) -> tuple[WordTiming, ...]:
    """Return the words of a cue that has times between its words or syllables; none if it has no times.

    Args:
        lines: the cue's text.
        marks: in their order; what runs backwards is passed over.
        start: of the cue, in milliseconds.
        end: of the cue, in milliseconds.
    """
    return tuple(_timed(lines, marks, start, end)) if marks else ()


def spoken_words(cues: Iterable[Cue]) -> list[WordTiming]:
    """Return the words of all cues in order of time; where no times are known, a cue is shared by length."""
    words: list[WordTiming] = []
    for cue in sorted(cues, key=lambda cue: cue.start):
        known = bare("".join(word.word for word in cue.words)) == bare("".join(cue.lines))
        words += cue.words if known else _timed(cue.lines, (), cue.start, cue.end)
    return words


def _timed(lines: Sequence[str], marks: Sequence[Mark], start: int, end: int) -> Iterator[WordTiming]:
    """Yield the words, their times found between the nearest marks by the number of characters."""
    known = _ascending(marks, start, end, len(bare("".join(lines))))
    at = 0
    for word in _split(lines, {mark.at for mark in marks}):
        after = at + len(bare(word))
        yield WordTiming(word, _time(known, at) / 1000, _time(known, after) / 1000)
        at = after


def _ascending(marks: Sequence[Mark], start: int, end: int, total: int) -> list[Mark]:
    """Return the marks in order, with one at either end of the text; of several in a place, the last."""
    known = [Mark(0, start)]
    for mark in marks:
        if mark.time >= known[-1].time:
            if mark.at == known[-1].at:
                known.pop()
            known.append(mark)
    if known[-1].at < total:
        known.append(Mark(total, max(end, known[-1].time)))
    return known


def _time(known: Sequence[Mark], at: int) -> int:
    """Return the time before a character, in milliseconds."""
    left, right = known[0], known[-1]
    for mark in known:
        if mark.at <= at:
            left = mark
        if mark.at >= at:
            right = mark
            break
    if right.at == left.at:
        return left.time
    return left.time + (right.time - left.time) * (at - left.at) // (right.at - left.at)


def _split(lines: Sequence[str], marked: set[int]) -> Iterator[str]:
    """Yield words such that joining them gives the text again.

    Where text is written without spaces between words, a mark ends a word, and a space does not.
    """
    at = 0
    for line in lines:
        word = ""
        for part in _parts(line, at, marked):
            if word and (needs_space(word, part) or at in marked):
                yield word
                word = ""
            word = f"{word} {part}" if word else part
            at += len(bare(part))
        if word:
            yield word


def _parts(line: str, at: int, marked: set[int]) -> Iterator[str]:
    """Yield what stands between spaces, and between marks where no space is needed."""
    for chunk in line.split():
        begin = 0
        for index in range(1, len(chunk)):
            if at + index in marked and not needs_space(chunk[index - 1], chunk[index]):
                yield chunk[begin:index]
                begin = index
        yield chunk[begin:]
        at += len(chunk)
