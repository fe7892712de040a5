"""WebVTT: the subtitles of web pages. Source: https://www.w3.org/TR/webvtt1/."""

import re
from collections.abc import Iterable, Iterator, Sequence

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import stretches
from cartesia_cli.captions.srt import parse_time, parse_times, split_lines, timestamp
from cartesia_cli.captions.words import Mark, bare, words_at_marks
from cartesia_cli.errors import UsageError

_TIME = r"(?:(\d{2,6}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s+.*)?")
_TIME_TAG = re.compile(rf"<{_TIME}>")
_PART = re.compile(r"(</?[A-Za-z][^>]*>|<[\d:.]+>|</?>)|((?:[^<]|<(?!/?[A-Za-z][^>]*>|[\d:.]+>|/?>))+)")
"""A tag, or what stands between tags; a ``<`` that begins no tag is text."""


def format_vtt(cues: Iterable[Cue], *, word_times: bool = True) -> str:
    """Return the file; ``word_times`` puts ``<00:00:01.000>`` before each word but a cue's first."""
    return "WEBVTT\n\n" + "".join(
        f"{timestamp(cue.start, '.')} --> {timestamp(cue.end, '.')}\n"
        + "\n".join(_lines(cue, word_times=word_times))
        + "\n\n"
        for cue in cues
    )


def _lines(cue: Cue, *, word_times: bool) -> Iterator[str]:
    # A time tag must be later than the cue's start and the tag before it, and before the cue's end.
    latest = cue.start
    for line in stretches(cue):
        parts = []
        for text, start, _ in line:
            if word_times and start is not None and latest < start < cue.end:
                latest = start
                parts.append(f"<{timestamp(start, '.')}>")
            parts.append(escape(text))
        yield "".join(parts)


def escape(text: str) -> str:
    """Return text in which nothing is markup; ``>`` is escaped too, so that no ``-->`` is left."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read_vtt(text: str) -> list[Cue]:
    """Return the cues, with the times of their words if the file has them.

    Markup goes, text stays. Comments, style sheets, regions, identifiers and settings are passed over.

    Raises:
        UsageError: it does not begin with ``WEBVTT``, or a line with an arrow has no two times.
    """
    lines = split_lines(text)
    if not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        raise UsageError("Line 1: this is not WebVTT, the first line is not WEBVTT.")
    cues = []
    number = 1
    while number < len(lines):
        line = lines[number]
        if re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", line) and "-->" not in line:
            while number < len(lines) and lines[number].strip():
                number += 1
        elif "-->" in line:
            match = _TIMING.fullmatch(line)
            if match is None:
                hint = "They are like 00:01.000 --> 00:02.500."
                raise UsageError(f"Line {number + 1}: these are not two times: {line.strip()}.", hint=hint)
            first = number + 1
            number = first
            while number < len(lines) and lines[number].strip() and "-->" not in lines[number]:
                number += 1
            cues.append(_decode(lines[first:number], parse_times(match), first))
            continue
        number += 1
    return cues


def _decode(body: Sequence[str], times: tuple[int, int], line: int) -> Cue:
    """Return the cue of these lines, which are as they stand in the file."""
    import html

    marks: list[Mark] = []
    decoded: list[str] = []
    seen = 0
    for shown in body:
        parts = []
        for tag, plain in _PART.findall(shown):
            if (time := _TIME_TAG.fullmatch(tag)) is not None:
                marks.append(Mark(seen, parse_time(time)))
            parts.append(html.unescape(plain))
            seen += len(bare(parts[-1]))
        decoded.append("".join(parts).strip())
    lines = tuple(filter(None, decoded))
    return Cue(*times, lines, words_at_marks(lines, marks, *times), line=line)
