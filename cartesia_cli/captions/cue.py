"""One subtitle."""

from dataclasses import dataclass, field

from cartesia_cli.captions.characters import join_text
from cartesia_cli.models import WordTiming


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown, from when until when, in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]
    words: tuple[WordTiming, ...] = ()
    """What is spoken meanwhile, as far as it is known; a word that two cues share is there in its parts."""

    line: int | None = field(default=None, compare=False)
    """Where it stands in the file it was read from, from 1."""

    @property
    def text(self) -> str:
        """The lines as running text."""
        return join_text(self.lines)
