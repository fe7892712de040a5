"""Fields of what a request carries, checked before they are stored."""

from collections.abc import Mapping
from typing import Any

from cartesia_cli.errors import RequestError
from cartesia_cli.wire.refusals import refuse_request
from cartesia_cli.wire.values import shorten

_LONGEST_NAME = 200
_LONGEST_TEXT = 10_000


def required_name(payload: Mapping[str, Any], field: str = "name") -> str:
    """Return a text that is not empty.

    Raises:
        RequestError: there is none, or it is too long.
    """
    name = _text(payload, field, _LONGEST_NAME)
    if name is None or not name.strip():
        refuse_request(f"{field} is required.")
    return name


def required_text(payload: Mapping[str, Any], field: str) -> str:
    """Return a text, which may be empty.

    Raises:
        RequestError: there is none, or it is too long.
    """
    text = _text(payload, field, _LONGEST_TEXT)
    if text is None:
        refuse_request(f"{field} is required.")
    return text


def optional_name(payload: Mapping[str, Any], field: str) -> str | None:
    """Return a text; None if there is none, or an empty one.

    Raises:
        RequestError: it is no text, or too long.
    """
    return _text(payload, field, _LONGEST_NAME) or None


def missing(what: str, identifier: str) -> RequestError:
    """Return the refusal of what is not there; it is answered with status 404."""
    return RequestError(
        f"There is no {what} {shorten(identifier)}.",
        title=f"{what[0].upper()}{what[1:]} not found",
        code="not_found",
    )


def _text(payload: Mapping[str, Any], field: str, longest: int) -> str | None:
    text = payload.get(field)
    if text is None:
        return None
    if not isinstance(text, str):
        refuse_request(f"{field} must be a string, not {shorten(text)}.")
    if len(text) > longest:
        refuse_request(f"{field} has at most {longest} characters.")
    return text
