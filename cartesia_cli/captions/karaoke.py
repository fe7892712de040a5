"""Which stretch of a cue's lines is which word: what highlights words as they are spoken."""

from collections.abc import Iterator
from typing import NamedTuple

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.words import bare


class Stretch(NamedTuple):
    """A part of a line and when it is spoken, in milliseconds; None where that is not known."""

    text: str
    """With the space behind it, if there is one."""

    start: int | None
    end: int | None


def stretches(cue: Cue) -> list[list[Stretch]]:
    """Return the lines of a cue as stretches, one a word, starts never decreasing.

    The stretches of a line, joined, are the line. A cue whose words are unknown, or not those of its lines,
    has one stretch a line, without times.
    """
    if bare("".join(cue.lines)) != bare("".join(word.word for word in cue.words)):
        return [[Stretch(line, None, None)] for line in cue.lines]
    marks = _marks(cue)
    lines, seen, mark = [], 0, next(marks, None)
    earliest = cue.start
    for line in cue.lines:
        stretch: list[Stretch] = []
        for char in line:
            if mark is not None and seen == mark[0] and not char.isspace():
                earliest = max(earliest, min(mark[1], cue.end))
                stretch.append(Stretch("", earliest, max(earliest, min(mark[2], cue.end))))
                mark = next(marks, None)
            text = stretch.pop() if stretch else Stretch("", None, None)
            stretch.append(text._replace(text=text.text + char))
            seen += not char.isspace()
        lines.append(stretch)
    return lines


def _marks(cue: Cue) -> Iterator[tuple[int, int, int]]:
    """Yield, for each word, after how many characters it begins, and its times in milliseconds."""
    at = 0
    for word in cue.words:
        length = len(bare(word.word))
        if length:
            yield at, round(word.start * 1000), round(word.end * 1000)
        at += length
