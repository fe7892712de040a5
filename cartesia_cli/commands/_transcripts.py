"""A transcript as text, as words with their times, or as any caption format."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cartesia_cli.models import Transcript, WordTiming

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

TEXT, JSON = "text", "json"
ENDINGS = {"text": "txt"}
"""Of formats whose files are not called after them."""


def needs_words(format: str, *, words: bool) -> bool:
    """Whether a format is made from the times of words."""
    return words or format not in {TEXT, JSON}


def format_transcript(
    format: str, transcript: Transcript, *, words: bool, source: str, profile: "Profile"
) -> str:
    """Return what a file, or stdout, holds.

    Args:
        format: ``text``, or the name of a caption format.
        transcript: what was said.
        words: whether text and JSON have the times of the words.
        source: the recording, as the user named it.
        profile: the rules of captions.
    """
    if format == TEXT:
        return word_lines(transcript.words) if words else f"{' '.join(transcript.text.split())}\n"
    from cartesia_cli.captions import cues_from_words, format_captions, format_timings

    if format == JSON:
        return format_timings(
            transcript.words if words else None,
            text=transcript.text,
            language=transcript.language,
            duration=transcript.duration,
            source=source,
        )
    cues = cues_from_words(transcript.words, profile, language=transcript.language)
    return format_captions(format, cues)


def word_lines(words: Iterable[WordTiming]) -> str:
    """Return a line a word: start, end and the word, between tabs."""
    return "".join(f"{word.start:.3f}\t{word.end:.3f}\t{word.word}\n" for word in words)
