"""Tab-separated values as whisper writes them: start, end and text, times in milliseconds."""

from collections.abc import Iterable

from cartesia_cli.captions.cue import Cue


def format_tsv(cues: Iterable[Cue]) -> str:
    """Return the file; tabs in a text become spaces."""
    rows = (f"{cue.start}\t{cue.end}\t{' '.join(cue.text.split())}\n" for cue in cues)
    return "start\tend\ttext\n" + "".join(rows)
