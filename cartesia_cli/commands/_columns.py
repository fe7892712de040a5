"""How much of a text fits on a line of the terminal."""

import os
import shutil
import sys
from unicodedata import combining, east_asian_width


def line_width() -> int:
    """Return how many columns a line on stderr has; the last one is left free, or the terminal would wrap."""
    try:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
    except (AttributeError, OSError, ValueError):
        columns = 0
    return max(1, (columns or shutil.get_terminal_size().columns) - 1)


def columns_of(text: str) -> int:
    """Return how many columns a text takes (Unicode Standard Annex 11)."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fitting_start(text: str) -> str:
    """Return a text, or as much of its beginning as fits on a line."""
    width = line_width()
    text = text[:width]
    while columns_of(text) > width:
        text = text[:-1]
    return text


def fitting_end(text: str) -> str:
    """Return a text, or as much of its end as fits on a line, from a whole word on where that is possible."""
    width = line_width()
    if columns_of(text) <= width:
        return text
    text = text[-width:]
    while text and columns_of(text) > width - 1:
        text = text[1:]
    _, space, rest = text.partition(" ")
    return f"…{rest if space and rest else text}"
