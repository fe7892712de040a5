"""A transcriber that says which bytes it was given, and remembers what it was asked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import Transcript, WordTiming


def heard_in(recording: bytes, language: str | None = "en") -> Transcript:
    """Return what ``KnownRecordings`` says of a recording: its size and its digest, three words a second."""
    words = f"{len(recording)} bytes, {hashlib.sha256(recording).hexdigest()}".split()
    timings = tuple(WordTiming(word, i / 4, i / 4 + 0.125) for i, word in enumerate(words))
    return Transcript(" ".join(words), timings, language, len(words) / 4)


@dataclass
class KnownRecordings:
    """A transcriber; ``asked`` holds what each call was given."""

    failure: CartesiaError | None = None
    """Raised instead of an answer."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    def transcribe(
        self,
        recording: Path,
        /,
        *,
        words: bool,
        language: str | None = None,
        model_id: str | None = None,
        encoding: str | None = None,
        sample_rate: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Return ``heard_in`` the recording."""
        self.asked.append(
            {
                "suffix": recording.suffix,
                "words": words,
                "language": language,
                "model_id": model_id,
                "encoding": encoding,
                "sample_rate": sample_rate,
            }
        )
        if self.failure is not None:
            raise self.failure
        return heard_in(recording.read_bytes(), language or "en")

    def close(self) -> None:
        """Nothing to free."""
