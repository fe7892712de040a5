"""What stands around the base64 in messages with audio; it is learnt from one that was read in full.

Nearly all of a stream is base64, in messages that look alike but for a few numbers. Where a message begins
and ends as one that was parsed, only its base64 has to be decoded.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_STRING = re.compile(rb'("[^"]*")')


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with audio, without the audio."""

    head: str
    """Its JSON up to the base64."""

    tail: re.Pattern[bytes] | None
    """Matches what differs only in its numbers from what stood behind the base64; that need not be parsed."""

    @classmethod
    def of(cls, head: bytes, tail: bytes) -> "Envelope | None":
        """Return the envelope of a message that has been read.

        Args:
            head: of the message, up to the base64.
            tail: of the message, from the quote behind the base64.

        Returns:
            None if they do not make a chunk of their own.
        """
        envelope = cls(head.decode(), _like(tail))
        return envelope if envelope.parse(tail) is not None else None

    def fits(self, tail: bytes | bytearray) -> bool:
        """Return whether a tail makes a chunk: like that of the first message, or in its own way."""
        return self.is_alike(tail) or self.parse(tail) is not None

    def is_alike(self, tail: bytes | bytearray) -> bool:
        """Return whether a tail says the same as the first message's, but for numbers."""
        return self.tail is not None and self.tail.fullmatch(tail) is not None

    def parse(self, tail: bytes | bytearray) -> dict[str, Any] | None:
        """Return the fields of a chunk without its audio; None if head and tail do not make one."""
        if b"\n" in tail or b"\r" in tail:
            return None
        try:
            payload = json.loads(self.head + tail.decode())
        except (ValueError, RecursionError):
            return None
        is_chunk = isinstance(payload, dict) and payload.get("type") == "chunk" and payload.get("data") == ""
        return payload if is_chunk else None


def _like(tail: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern for tails that are the same JSON but for their numbers; None if that is not sure."""
    if b"\\" in tail:  # a string may hold a quote
        return None
    parts = _STRING.split(tail[1:])  # strings and what is between them, in turns
    patterns = [
        re.escape(part) if is_string else _NUMBER.join(map(re.escape, re.split(_NUMBER, part)))
        for part, is_string in zip(parts, [False, True] * len(parts), strict=False)
    ]
    return re.compile(b'"' + b"".join(patterns))
