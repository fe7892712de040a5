"""Word timings as JSON: the program's own format, which loses nothing; whisper's is read as well."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite, nan
from typing import Any

from cartesia_cli.captions.characters import join_text
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.pieces import spoken_times
from cartesia_cli.captions.subtitles import Subtitles
from cartesia_cli.captions.words import spoken_words
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming

VERSION = 1

_LARGEST = 1e10
"""Seconds; what is beyond is no time."""


def format_timings(
    words: Sequence[WordTiming] | None,
    *,
    text: str | None = None,
    language: str | None = None,
    duration: float | None = None,
    phonemes: Sequence[PhonemeTiming] = (),
    source: str | None = None,
    cues: Sequence[Cue] | None = None,
) -> str:
    """Return one line of JSON and a line feed.

    Args:
        words: seconds; written to the millisecond. None: not asked for, and left out.
        text: what was spoken; None: the words, joined.
        language: its code, if it is known.
        duration: of the audio, in seconds; None: until the last word ends.
        phonemes: left out if there are none.
        source: the recording, if there is one.
        cues: what is shown when, under the key ``segments`` that whisper has for it; None: left out.
    """
    import json

    timings: dict[str, Any] = {"version": VERSION}
    if source is not None:
        timings["source"] = source
    known = words or ()
    timings["text"] = text if text is not None else join_text(word.word for word in known)
    if language is not None:
        timings["language"] = language
    timings["duration"] = _seconds(
        max((word.end for word in known), default=0.0) if duration is None else duration
    )
    if words is not None:
        timings["words"] = [_word(word) for word in words]
    if phonemes:
        timings["phonemes"] = [
            {"phoneme": phoneme.phoneme, "start": _seconds(phoneme.start), "end": _seconds(phoneme.end)}
            for phoneme in phonemes
        ]
    if cues is not None:
        timings["segments"] = [_segment(cue) for cue in cues]
    return json.dumps(timings, ensure_ascii=False, allow_nan=False) + "\n"


def _word(word: WordTiming) -> dict[str, Any]:
    encoded: dict[str, Any] = {"word": word.word, "start": _seconds(word.start), "end": _seconds(word.end)}
    if word.confidence is not None:
        encoded["confidence"] = round(word.confidence, 3)
    return encoded


def _segment(cue: Cue) -> dict[str, Any]:
    segment: dict[str, Any] = {
        "start": cue.start / 1000,
        "end": cue.end / 1000,
        "text": "\n".join(cue.lines),
    }
    if cue.words:
        segment["words"] = [_word(word) for word in cue.words]
    return segment


def _seconds(value: float) -> float:
    """Return seconds to the millisecond; no minus before a zero."""
    return round(value, 3) + 0.0


def read_timings(text: str) -> Subtitles:
    """Return what a JSON file says: ours, the API's, or whisper's with its ``segments``, which become cues.

    Words without a time stand between their neighbours.

    Raises:
        UsageError: it is not JSON, it has neither words nor segments, or a value is not what it must be.
    """
    found = _decode(text)
    segments = found.get("segments")
    cues = None if segments is None else tuple(_cue(entry, at) for at, entry in _entries(found, "segments"))
    has_words = found.get("words") is not None
    duration, language, source = found.get("duration"), found.get("language"), found.get("source")
    return Subtitles(
        cues,
        tuple(_words(found, "") if has_words else spoken_words(cues or ())),
        text=_string(found, "text", "") if found.get("text") is not None else None,
        language=language if isinstance(language, str) else None,
        duration=None if duration is None else _time(found, "duration", ""),
        phonemes=tuple(
            PhonemeTiming(_string(entry, "phoneme", at), _time(entry, "start", at), _time(entry, "end", at))
            for at, entry in _entries(found, "phonemes")
        ),
        source=_clean(source) if isinstance(source, str) else None,
    )


def _decode(text: str) -> Mapping[str, Any]:
    import json

    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise UsageError(f"Line {error.lineno}: this is not JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a tower of brackets
        raise UsageError(f"Line 1: this JSON is too much: {error}.") from error
    if not isinstance(found, dict) or (found.get("words") is None and found.get("segments") is None):
        hint = 'It is like this: {"words": [{"word": "Good", "start": 0.04, "end": 0.29}]}'
        raise UsageError('Line 1: this JSON has neither "words" nor "segments".', hint=hint)
    return found


def _words(found: Mapping[str, Any], at: str) -> Sequence[WordTiming]:
    words = []
    for name, entry in _entries(found, "words", at):
        word = _string(entry, "word", name).strip()
        confidence = entry.get("confidence", entry.get("probability"))
        known = confidence if isinstance(confidence, int | float) and isfinite(confidence) else None
        if word:
            words.append(
                WordTiming(word, _possible_time(entry, "start"), _possible_time(entry, "end"), known)
            )
    if all(isfinite(word.start) and isfinite(word.end) for word in words):
        return words
    return [
        replace(word, start=start / 1000, end=end / 1000)
        for word, start, end in zip(words, *spoken_times(words), strict=True)
    ]


def _cue(entry: Mapping[str, Any], at: str) -> Cue:
    shown = (line.strip() for line in _string(entry, "text", at).splitlines())
    start, end = (max(0, round(_time(entry, key, at) * 1000)) for key in ("start", "end"))
    return Cue(start, end, tuple(filter(None, shown)), tuple(_words(entry, at)))


def _entries(found: Mapping[str, Any], key: str, at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each object of a list that may be missing, with how to call it, like ``words 3``."""
    values = found.get(key)
    if values is not None and not isinstance(values, list):
        raise UsageError(f"Line 1: {at}{key} is not a list.")
    for number, entry in enumerate(values or (), 1):
        name = f"{at}{key} {number}: "
        if not isinstance(entry, dict):
            raise UsageError(f"Line 1: {name}this is not an object.")
        yield name, entry


def _string(entry: Mapping[str, Any], key: str, at: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise UsageError(f"Line 1: {at}{key} must be a text.")
    return _clean(value)


def _clean(text: str) -> str:
    """Return text that can be written: JSON can spell halves of characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _time(entry: Mapping[str, Any], key: str, at: str) -> float:
    seconds = _possible_time(entry, key)
    if not isfinite(seconds):
        raise UsageError(f"Line 1: {at}{key} must be seconds.")
    return seconds


def _possible_time(entry: Mapping[str, Any], key: str) -> float:
    """Return seconds, NaN where there are none."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return nan
    return float(value)
