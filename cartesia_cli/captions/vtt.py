"""WebVTT: the subtitles of web pages. Source: https://www.w3.org/TR/webvtt1/."""

import re
from collections.abc import Iterable, Iterator

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import stretches
from cartesia_cli.captions.srt import parse_times, timestamp
from cartesia_cli.errors import UsageError

_TIME = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s+.*)?")
_TAG = re.compile(r"<[^>]*>?")


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
    """Return the cues without markup, passing over comments, style sheets, regions, identifiers and settings.

    Raises:
        UsageError: it does not begin with ``WEBVTT``, or a line with an arrow has no two times.
    """
    import html

    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if not re.match(r"WEBVTT(?:[ \t\n]|$)", text):
        raise UsageError("this is not WebVTT: the first line is not WEBVTT")
    cues = []
    lines = text.split("\n")
    number = 1
    while number < len(lines):
        line = lines[number]
        if re.match(r"(?:NOTE|STYLE|REGION)(?:\s|$)", line) and "-->" not in line:
            while number < len(lines) and lines[number].strip():
                number += 1
        elif "-->" in line:
            match = _TIMING.fullmatch(line)
            if match is None:
                hint = "like 00:01.000 --> 00:02.500"
                raise UsageError(f"line {number + 1}: these are not two times: {line.strip()}", hint=hint)
            first = number + 1
            number = first
            while number < len(lines) and lines[number].strip() and "-->" not in lines[number]:
                number += 1
            body = (html.unescape(_TAG.sub("", shown)).strip() for shown in lines[first:number])
            cues.append(Cue(*parse_times(match), tuple(filter(None, body)), line=first))
            continue
        number += 1
    return cues
