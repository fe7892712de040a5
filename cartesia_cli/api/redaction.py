"""What must not appear in any message, even if a server sends it back."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cartesia_cli.errors import CartesiaError

_SECRET_HEADER = re.compile(r"auth|cookie|key|secret|token|password|credential", re.IGNORECASE)
_SHORTEST = 8
"""Characters; less is no secret and may be part of any word."""


class Secrets:
    """The key, and the values of headers whose names suggest a secret.

    Args:
        headers: as they are sent.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        values = (value for name, value in headers.items() if _SECRET_HEADER.search(name))
        parts = {part for value in values for part in value.split() if len(part) >= _SHORTEST}
        self._values = sorted(parts, key=len, reverse=True)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Cover the secrets in every error that is raised inside."""
        try:
            yield
        except CartesiaError as error:
            error.args = (self.cover(str(error)),)
            error.title = self._cover(error.title)
            error.code = self._cover(error.code)
            error.request_id = self._cover(error.request_id)
            raise

    def cover(self, text: str) -> str:
        """Return a text with asterisks for the secrets, and for the beginning of one that was cut off."""
        for value in self._values:
            text = text.replace(value, "***")
            for length in range(min(len(value), len(text)) - 1, _SHORTEST // 2, -1):
                if text.endswith((value[:length], f"{value[:length]}…")):
                    text = f"{text[: text.rindex(value[:length])]}***"
                    break
        return text

    def _cover(self, text: str | None) -> str | None:
        return None if text is None else self.cover(text)
