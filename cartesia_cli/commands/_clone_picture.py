"""A picture of a clip in the terminal: its level over time, and where it is distorted."""

import math
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cartesia_cli import console
from cartesia_cli.commands._clone_findings import Finding
from cartesia_cli.commands._columns import line_width

if TYPE_CHECKING:
    from cartesia_cli.audio.clips import Clip

_BLOCKS = " ▁▂▃▄▅▆▇█"
_LETTERS = " .:-=+*#@"
_WIDEST = 72
_FLOOR = -60.0
"""Decibels of full scale at which a column is empty."""

_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


def show_clip(
    clip: "Clip", found: Sequence[Finding], stretch: tuple[float, float] | None, *, as_picture: bool
) -> None:
    """Tell what was found, on stderr.

    Args:
        clip: what was measured.
        found: what is to be told of it.
        stretch: the seconds that will be used, or might be; None for all.
        as_picture: whether a terminal shows it, to someone who sees it.
    """
    if not as_picture:
        console.report({finding.name: finding.text for finding in found})
        return
    width = min(line_width(), _WIDEST)
    colored = console.use_color(sys.stderr)
    for line in picture(clip, width, stretch, blocks=_has_blocks()):
        mark = "!" in line and colored
        _show(f"{_RED}{line}{_PLAIN}" if mark else line)
    for finding in found:
        lines = textwrap.wrap(f"{finding.name}: {finding.text}", line_width(), subsequent_indent="  ")
        color = _RED if finding.is_serious else _YELLOW if finding.problem else ""
        for line in lines:
            _show(f"{color}{line}{_PLAIN}" if color and colored else line)


def picture(
    clip: "Clip", width: int, stretch: tuple[float, float] | None, *, blocks: bool = True
) -> list[str]:
    """Return lines of at most ``width`` columns: levels, marks of distortion, the stretch, and the time.

    Args:
        clip: what was measured.
        width: columns.
        stretch: seconds that are marked; None for nothing.
        blocks: whether block characters can be shown, or only ASCII.
    """
    columns = clip.columns(width)
    n_columns = len(columns)
    steps = _BLOCKS if blocks else _LETTERS
    lines = ["".join(steps[_filled(level, len(steps) - 1)] for level, _ in columns)]
    if clip.clipping:
        lines.append("".join("!" if is_clipped else " " for _, is_clipped in columns).rstrip())
    if stretch is not None and clip.duration:
        first, last = (min(int(n_columns * t / clip.duration), n_columns - 1) for t in stretch)
        lines.append(" " * first + "[" + "-" * (last - first - 1) + "]" * (last > first))
    end = f"{clip.duration:.1f} s"
    lines.append(f"0{end:>{max(n_columns - 1, len(end) + 1)}}")
    return lines


def _filled(level: float, n_steps: int) -> int:
    """Return how many steps of a column are filled."""
    return math.ceil(min(max(1 - level / _FLOOR, 0.0), 1.0) * n_steps)


def _show(line: str) -> None:
    console.status(line)
    console.end_status()


def _has_blocks() -> bool:
    try:
        _BLOCKS.encode(sys.stderr.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
