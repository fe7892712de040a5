"""SubRip: the subtitle format that everything reads."""

import re
from collections.abc import Iterable

from cartesia_cli.captions.cue import Cue
from cartesia_cli.errors import UsageError

_TIME = r"(?:(\d{1,6})\s*:)?\s*(\d{1,2})\s*:\s*(\d{1,2})(?:\s*[,.]\s*(\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+.*)?")
_MARKUP = re.compile(r"</?(?:i|b|u|s|font)(?:\s[^>]*)?>|\{\\[^}]*\}", re.IGNORECASE)


def format_srt(cues: Iterable[Cue]) -> str:
    """Return the file: indexes from 1, LF, a blank line after each cue."""
    return "".join(
        f"{index}\n{timestamp(cue.start)} --> {timestamp(cue.end)}\n" + "\n".join(cue.lines) + "\n\n"
        for index, cue in enumerate(cues, 1)
    )


def read_srt(text: str) -> list[Cue]:
    """Return the cues of a file as it is found in the wild, without markup.

    A byte order mark, CRLF, dots for commas, missing indexes or hours, blank lines inside a cue do no harm.

    Raises:
        UsageError: a line with an arrow but without two times, or a text without any cue.
    """
    lines = split_lines(text)
    timings = []
    for number, line in enumerate(lines, 1):
        if "-->" in line and (times := _times(line, number)) is not None:
            timings.append((number, times))
    if not timings and "".join(lines).strip():
        hint = "A cue begins like 00:00:01,000 --> 00:00:02,500."
        raise UsageError("Line 1: this is not SRT, no line has two times.", hint=hint)
    cues = []
    for index, (number, times) in enumerate(timings):
        last = index + 1 == len(timings)
        body = [
            _MARKUP.sub("", line).strip()
            for line in lines[number : None if last else timings[index + 1][0] - 1]
        ]
        if not last and body and body[-1].isdecimal() and (len(body) == 1 or not body[-2]):
            body.pop()  # the index of the next cue
        cues.append(Cue(*times, tuple(filter(None, body)), line=number))
    return cues


def split_lines(text: str) -> list[str]:
    """Return the lines of a file, whatever ends them, without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def timestamp(milliseconds: int, separator: str = ",") -> str:
    """Return ``HH:MM:SS,mmm``; the hours are always there and may have more digits."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{separator}{milliseconds:03}"


def parse_times(match: re.Match[str]) -> tuple[int, int]:
    """Return both times, in milliseconds: groups 1 to 4 and 5 to 8 are hours, minutes, seconds, fraction."""
    return _milliseconds(*match.group(1, 2, 3, 4)), _milliseconds(*match.group(5, 6, 7, 8))


def parse_time(match: re.Match[str]) -> int:
    """Return one time, in milliseconds: groups 1 to 4 are hours, minutes, seconds, fraction."""
    return _milliseconds(*match.group(1, 2, 3, 4))


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "0").ljust(3, "0"))


def _times(line: str, number: int) -> tuple[int, int] | None:
    """Return the times of a timing line; None if it is text that happens to hold an arrow."""
    match = _TIMING.fullmatch(line)
    if match is not None:
        return parse_times(match)
    if re.match(r"\s*[\d:,.]+\s*-->|.*-->\s*\d+:", line):
        hint = "They are like 00:00:01,000 --> 00:00:02,500."
        raise UsageError(f"Line {number}: these are not two times: {line.strip()}.", hint=hint)
    return None
