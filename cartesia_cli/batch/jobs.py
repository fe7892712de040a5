"""What one line of a manifest asks for, and what became of it."""

from dataclasses import dataclass
from typing import Literal

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.files import Signature
from cartesia_cli.models import SpeechRequest


@dataclass(frozen=True, slots=True)
class Job:
    """One file of speech to be made, and its timings."""

    line: int
    """Of the manifest, from 1."""

    id: str | None
    name: str
    """Of the audio file: a relative path with ``/`` between folders."""

    requests: tuple[SpeechRequest, ...]
    """One for each part of the text."""

    output: OutputFormat
    timings: tuple[tuple[str, str], ...]
    """Name and caption format of each further file."""

    fingerprint: str
    """The same for jobs whose audio is the same, and for no others."""

    rules: str = ""
    """The same for jobs whose timings are the same, if their audio is."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every file: the audio, then the timings."""
        return (self.name, *(name for name, _ in self.timings))

    @property
    def text(self) -> str:
        """What is to be said."""
        return "".join(request.transcript for request in self.requests)

    @property
    def n_characters(self) -> int:
        """How long the text is; in the cloud a character costs a credit."""
        return sum(len(request.transcript) for request in self.requests)


@dataclass(frozen=True, slots=True)
class MadeFile:
    """One file, as it was when it was made."""

    signature: Signature
    digest: str
    """Of its bytes: it is still the same if somebody only touched or copied it."""


@dataclass(frozen=True, slots=True)
class Made:
    """How a job ended that did not fail."""

    status: Literal["done", "skipped"]
    """``skipped``: the files were there, and are what the job asks for."""

    duration: float | None
    """Seconds of speech, where it is known."""

    files: tuple[MadeFile, ...] = ()
    """The audio, then the timings."""

    n_credits: int = 0
    """Characters that were paid for; those from the cache are not."""

    wall: float = 0.0
    """Seconds that it took."""

    warnings: tuple[str, ...] = ()
    """What the engine could not do as asked."""
