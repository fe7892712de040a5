"""A timing file of any format, read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from cartesia_cli.captions.characters import join_text
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.cues import cues_from_words
from cartesia_cli.captions.profiles import Profile
from cartesia_cli.captions.words import spoken_words
from cartesia_cli.models import PhonemeTiming, WordTiming


@dataclass(frozen=True, slots=True)
class Subtitles:
    """What is said and shown when."""

    cues: tuple[Cue, ...] | None
    """In the order of the file; None if it holds words alone."""

    words: tuple[WordTiming, ...]
    """What is said; where only a cue's time is known, its words share that by their length."""

    text: str | None = None
    """None: the words, joined."""

    language: str | None = None
    duration: float | None = None
    """Of the audio, in seconds."""

    phonemes: tuple[PhonemeTiming, ...] = ()
    source: str | None = None
    """The recording."""

    @classmethod
    def of(cls, cues: Sequence[Cue]) -> Self:
        """Return the subtitles that consist of these cues."""
        return cls(tuple(cues), tuple(spoken_words(cues)), text=join_text(cue.text for cue in cues))

    def cut(self, profile: Profile, *, language: str | None = None) -> Self:
        """Return the same words in cues that keep the profile's rules."""
        cues = cues_from_words(self.words, profile, language=language or self.language)
        return replace(self, cues=tuple(cues))
