"""LRC: lyrics with times, a line a cue, in the enhanced form with a time before each word."""

from collections.abc import Iterable

from cartesia_cli.captions.characters import needs_space
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import Stretch, stretches


def format_lrc(cues: Iterable[Cue]) -> str:
    """Return the file: ``[00:01.00]<00:01.00>Good <00:01.25>day.<00:01.80>``, at last the cue's end."""
    return "".join(f"[{_timestamp(cue.start)}]{_words(cue)}\n" for cue in cues)


def _words(cue: Cue) -> str:
    line = _one_line(stretches(cue))
    timed = [f"<{_timestamp(start)}>{text}" if start is not None else text for text, start, _ in line]
    return "".join(timed) + (
        f"<{_timestamp(cue.end)}>" if any(start is not None for _, start, _ in line) else ""
    )


def _one_line(lines: list[list[Stretch]]) -> list[Stretch]:
    """Return the stretches of all lines in a row, with the spaces that line breaks stood for."""
    row: list[Stretch] = []
    for line in lines:
        if row and line and needs_space(row[-1].text, line[0].text):
            row[-1] = row[-1]._replace(text=row[-1].text + " ")
        row += line
    return row


def _timestamp(milliseconds: int) -> str:
    """Return ``mm:ss.xx``; more than 99 minutes have more digits."""
    seconds, centiseconds = divmod((milliseconds + 5) // 10, 100)
    return f"{seconds // 60:02}:{seconds % 60:02}.{centiseconds:02}"
