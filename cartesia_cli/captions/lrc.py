"""LRC: lyrics with times, a line a cue, in the enhanced form with a time before each word."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from cartesia_cli.captions.characters import needs_space
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import Stretch, stretches
from cartesia_cli.captions.srt import split_lines
from cartesia_cli.captions.words import Mark, bare, words_at_marks
from cartesia_cli.errors import UsageError

_TIME = r"(\d{1,6}):(\d{1,2})(?:[.:](\d{1,3}))?"
_HEAD = re.compile(rf"\s*((?:\[{_TIME}\]\s*)+)(.*)")
_LINE_TIME = re.compile(rf"\[{_TIME}\]")
_PART = re.compile(rf"<{_TIME}>|((?:[^<]|<(?!\d{{1,6}}:\d))+|<)")
_TAG = re.compile(r"\s*\[([#A-Za-z]\w*)\s*:(.*)\]\s*")

_PER_CHARACTER, _SHORTEST, _LONGEST = 60, 1000, 7000
"""Milliseconds for which the last line stays if the file does not say it."""


def format_lrc(cues: Iterable[Cue]) -> str:
    """Return the file: ``[00:01.00]<00:01.00>Good <00:01.25>day.<00:01.80>``, at last the cue's end.

    Where no word times are known, a line without text says when the one before it ends.
    """
    cues = list(cues)
    lines = []
    for cue, following in zip_longest(cues, cues[1:]):
        words = _one_line(stretches(cue))
        shown = "".join(text if start is None else f"<{_timestamp(start)}>{text}" for text, start, _ in words)
        end = _timestamp(cue.end)
        if any(start is not None for _, start, _ in words):
            shown += f"<{end}>"
        elif following is None or _centiseconds(following.start) > _centiseconds(cue.end):
            shown += f"\n[{end}]"
        lines.append(f"[{_timestamp(cue.start)}]{shown}\n")
    return "".join(lines)


def _one_line(lines: list[list[Stretch]]) -> list[Stretch]:
    """Return the stretches of all lines in a row, with the spaces that line breaks stood for."""
    row: list[Stretch] = []
    for line in lines:
        if row and line and needs_space(row[-1].text, line[0].text):
            row[-1] = row[-1]._replace(text=row[-1].text + " ")
        row += line
    return row


def _centiseconds(milliseconds: int) -> int:
    return (milliseconds + 5) // 10


def _timestamp(milliseconds: int) -> str:
    """Return ``mm:ss.xx``; more than 99 minutes have more digits."""
    seconds, centiseconds = divmod(_centiseconds(milliseconds), 100)
    return f"{seconds // 60:02}:{seconds % 60:02}.{centiseconds:02}"


@dataclass(slots=True)
class _Shown:
    """What is shown from one moment on."""

    line: int
    """Where it stands in the file, from 1."""

    lines: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    def add(self, text: str, *, timed: bool) -> None:
        """Show one more line, with the times in it if it is ``timed``."""
        seen = len(bare("".join(self.lines)))
        parts = []
        for minutes, seconds, fraction, plain in _PART.findall(text):
            if minutes and timed:
                self.marks.append(Mark(seen, _milliseconds(minutes, seconds, fraction)))
            parts.append(plain)
            seen += len(bare(plain))
        if line := " ".join("".join(parts).split()):
            self.lines.append(line)


def read_lrc(text: str) -> list[Cue]:
    """Return the cues in order of time, with the times of their words if the file has them.

    A line ends at the time behind its last word, or else where the next line begins, with or without text;
    the last one stays a second to seven, by its length. A line with several times is repeated. Lines of one
    time are lines of one cue, as is a line without a time after them.

    Raises:
        UsageError: no line begins with a time.
    """
    shown: dict[int, _Shown] = {}
    tags: dict[str, str] = {}
    current: list[_Shown] = []
    for number, line in enumerate(split_lines(text), 1):
        head = _HEAD.fullmatch(line)
        tag = _TAG.fullmatch(line)
        if head is not None:
            times = [_milliseconds(*found) for found in _LINE_TIME.findall(head[1])]
            current = [shown.setdefault(time, _Shown(number)) for time in times]
        elif tag is not None:
            tags[tag[1].lower()] = tag[2].strip()
            continue
        for each in current:
            each.add(head[5] if head else line, timed=len(current) == 1)
    if not shown and not tags and text.strip("\ufeff \r\n"):
        hint = "A line is like [00:01.00]Good day."
        raise UsageError("Line 1: this is not LRC, no line begins with a time.", hint=hint)
    earlier = int(tags["offset"]) if re.fullmatch(r"[+-]?\d{1,9}", tags.get("offset", "")) else 0
    length = re.fullmatch(_TIME, tags.get("length", ""))
    return _cues(shown, earlier, _milliseconds(*length.group(1, 2, 3)) if length else 0)


def _cues(shown: Mapping[int, _Shown], earlier: int, length: int) -> list[Cue]:
    """Return the cues, by so many milliseconds earlier; ``length`` is that of the whole."""
    cues = []
    starts = sorted(shown)
    for start, following in zip_longest(starts, starts[1:]):
        each = shown[start]
        lines = tuple(each.lines)
        text = "".join(lines)
        if each.marks and each.marks[-1].at == len(bare(text)):
            end = each.marks[-1].time
        elif following is not None:
            end = following
        else:
            end = max(length, start + max(_SHORTEST, min(_LONGEST, len(text) * _PER_CHARACTER)))
        times = max(0, start - earlier), max(0, end - earlier)
        marks = [Mark(at, max(0, time - earlier)) for at, time in each.marks]
        if lines:
            cues.append(Cue(*times, lines, words_at_marks(lines, marks, *times), line=each.line))
    return cues


def _milliseconds(minutes: str, seconds: str, fraction: str | None) -> int:
    return (int(minutes) * 60 + int(seconds)) * 1000 + int((fraction or "0").ljust(3, "0"))
