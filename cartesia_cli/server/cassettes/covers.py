"""Confidential texts, covered wherever they stand, without any change of length."""

import re
from collections.abc import Iterable

from cartesia_cli.api.relay import KEY_HEADERS, KEY_PARAMS

SHORTEST = 8
"""Characters; less is no secret and may be part of any word."""


class Cover:
    """The texts that must not be written down. Safe for use by several threads.

    Args:
        texts: those that are known; more may become known later.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: frozenset[bytes] = frozenset()
        self.add(texts)

    def add(self, texts: Iterable[str]) -> None:
        """Know more of them."""
        self._texts |= {text.encode() for text in texts if len(text) >= SHORTEST}

    def cover(self, text: str) -> str:
        """Return a text with asterisks."""
        return self.cover_bytes(text.encode()).decode()

    def cover_bytes(self, data: bytes) -> bytes:
        """Return bytes with asterisks."""
        for text in sorted(self._texts, key=len, reverse=True):
            data = data.replace(text, b"*" * len(text))
        return data

    def stream(self) -> "CoveredStream":
        """Return what covers bytes that arrive in pieces."""
        return CoveredStream(self, max((len(text) for text in self._texts), default=1) - 1)


class CoveredStream:
    """Bytes on their way into a file; those that may be the beginning of a secret wait for the next ones."""

    def __init__(self, cover: Cover, overlap: int) -> None:
        self._cover = cover
        self._overlap = overlap
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be written."""
        data = self._cover.cover_bytes(self._rest + data)
        end = max(0, len(data) - self._overlap)
        self._rest = data[end:]
        return data[:end]

    def flush(self) -> bytes:
        """Return what still waited."""
        rest, self._rest = self._rest, b""
        return rest


def credentials_in(headers: Iterable[tuple[str, str]], query: Iterable[tuple[str, str]]) -> set[str]:
    """Return the keys, tokens and cookies that a request carries."""
    found = {value for name, value in query if name in KEY_PARAMS}
    for name, value in headers:
        if name in KEY_HEADERS:
            found.update(value.split())
        elif name == "cookie":
            found.update(re.split(r"[\s;=]+", value))
    return found
