"""What is sent with a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cartesia_cli.api.recordings import Recording
from cartesia_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent with recordings."""

    fields: Mapping[str, str | list[str]]
    """A list is a field for each of its items."""

    files: Mapping[str, Recording]
    """By the name of the field."""

    @property
    def is_repeatable(self) -> bool:
        """Whether all of it can be sent from the start, again or for the first time."""
        return all(file.repeatable for file in self.files.values())


def content_of(body: Mapping[str, Any] | Form | None, headers: dict[str, str]) -> dict[str, Any]:
    """Return how httpx is told of a body and of the headers before it.

    Raises:
        UsageError: the body cannot be sent.
    """
    match body:
        case None:
            return {"headers": headers}
        case Form(fields, files):
            parts = {name: (file.name, file) for name, file in files.items()}
            return {"headers": headers, "data": fields, "files": parts}
        case _:
            return {"headers": headers | {"Content-Type": "application/json"}, "content": _encode_body(body)}


def _encode_body(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError as error:  # half a surrogate pair, or NaN
        raise UsageError("The request holds a character or a number that cannot be sent.") from error
