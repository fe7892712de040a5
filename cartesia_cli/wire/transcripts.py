"""The API's transcripts of recordings ⇄ ours."""

import unicodedata
from typing import Any

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Transcript, WordTiming
from cartesia_cli.wire.values import MalformedError, finite, one_line, printable, shorten


def decode_transcript(payload: object) -> Transcript:
    """Return the transcript in an answer of any API version.

    Words stay in the API's order, that of the text, even where their times are not in order. Overlaps and
    words without a length stay too; a time before the start of the recording becomes 0, an end before its
    own start becomes that start. Blank words are left out. The API says nothing of its confidence.

    Raises:
        UnavailableError: it is none, or one of its times is no finite number.
    """
    try:
        return _decode(payload)
    except MalformedError as error:
        raise UnavailableError(
            f"The API sent a transcript that cannot be read: {error}.",
            hint="Check --base-url: this may not be a server of the Cartesia API.",
        ) from error


def encode_transcript(transcript: Transcript, *, words: bool, request_id: str) -> dict[str, Any]:
    """Return the answer with a transcript; with its words only if they were asked for."""
    fields: dict[str, Any] = {"type": "transcript", "request_id": request_id, "text": transcript.text}
    if transcript.language is not None:
        fields["language"] = transcript.language
    if transcript.duration is not None:
        fields["duration"] = transcript.duration
    if words:
        fields["words"] = [
            {"word": word.word, "start": word.start, "end": word.end} for word in transcript.words
        ]
    return fields


def _decode(payload: object) -> Transcript:
    if not isinstance(payload, dict) or not isinstance(payload.get("text"), str):
        raise MalformedError("there is no text in it")
    words, duration = payload.get("words"), payload.get("duration")
    if words is not None and not isinstance(words, list):
        raise MalformedError(f"its words are {shorten(words)}")
    return Transcript(
        text=_readable(payload["text"]),
        words=tuple(word for item in words or () if (word := _decode_word(item)).word),
        language=one_line(payload.get("language"), 35) or None,
        duration=None if duration is None else max(0.0, finite(duration)),
    )


def _decode_word(item: object) -> WordTiming:
    if not isinstance(item, dict):
        raise MalformedError(f"one of its words is {shorten(item)}")
    start = max(0.0, finite(item.get("start")))
    return WordTiming(printable(item.get("word")).strip(), start, max(start, finite(item.get("end"))))


def _readable(text: str) -> str:
    """Return a text without control characters, but with its line breaks."""
    kept = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")
    return kept.strip()
