"""Word timings as JSON: the program's own format, which loses nothing."""

from collections.abc import Sequence
from typing import Any

from cartesia_cli.captions.characters import join_text
from cartesia_cli.models import PhonemeTiming, WordTiming

VERSION = 1


def format_timings(
    words: Sequence[WordTiming],
    *,
    text: str | None = None,
    language: str | None = None,
    duration: float | None = None,
    phonemes: Sequence[PhonemeTiming] = (),
    source: str | None = None,
) -> str:
    """Return one line of JSON and a line feed.

    Args:
        words: seconds; written to the millisecond.
        text: what was spoken; None: the words, joined.
        language: its code, if it is known.
        duration: of the audio, in seconds; None: until the last word ends.
        phonemes: left out if there are none.
        source: the recording, if there is one.
    """
    import json

    timings: dict[str, Any] = {"version": VERSION}
    if source is not None:
        timings["source"] = source
    timings["text"] = text if text is not None else join_text(word.word for word in words)
    if language is not None:
        timings["language"] = language
    timings["duration"] = _seconds(
        max((word.end for word in words), default=0.0) if duration is None else duration
    )
    timings["words"] = [_word(word) for word in words]
    if phonemes:
        timings["phonemes"] = [
            {"phoneme": phoneme.phoneme, "start": _seconds(phoneme.start), "end": _seconds(phoneme.end)}
            for phoneme in phonemes
        ]
    return json.dumps(timings, ensure_ascii=False, allow_nan=False) + "\n"


def _word(word: WordTiming) -> dict[str, Any]:
    encoded: dict[str, Any] = {"word": word.word, "start": _seconds(word.start), "end": _seconds(word.end)}
    if word.confidence is not None:
        encoded["confidence"] = round(word.confidence, 3)
    return encoded


def _seconds(value: float) -> float:
    """Return seconds to the millisecond; no minus before a zero."""
    return round(value, 3) + 0.0
