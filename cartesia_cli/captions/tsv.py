"""Tab-separated values as whisper writes them: start, end and text, times in milliseconds."""

import re
from collections.abc import Iterable

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.srt import split_lines
from cartesia_cli.errors import UsageError

_ROW = re.compile(r"\s*(\d{1,12})\t\s*(\d{1,12})(?:\t(.*))?")


def format_tsv(cues: Iterable[Cue]) -> str:
    """Return the file; tabs in a text become spaces."""
    rows = (f"{cue.start}\t{cue.end}\t{' '.join(cue.text.split())}\n" for cue in cues)
    return "start\tend\ttext\n" + "".join(rows)


def read_tsv(text: str) -> list[Cue]:
    """Return the cues; a header is passed over, wherever it stands.

    Raises:
        UsageError: a line is not two whole numbers and a text.
    """
    cues = []
    for number, line in enumerate(split_lines(text), 1):
        match = _ROW.fullmatch(line)
        if match is not None:
            shown = " ".join((match[3] or "").split())
            cues.append(Cue(int(match[1]), int(match[2]), (shown,) if shown else (), line=number))
        elif line.strip() and line.lower().split()[:2] != ["start", "end"]:
            raise UsageError(
                f"Line {number}: this is not start, end and text: {line.strip()[:60]}.",
                hint="A line is like 1000<TAB>2500<TAB>Good day, in milliseconds.",
            )
    return cues
