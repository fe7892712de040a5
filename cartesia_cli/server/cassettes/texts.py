"""Texts as they stand in a cassette: JSON as JSON, if that gives every byte of it again."""

import base64
import json
from collections.abc import Mapping
from typing import Any

_STYLES: Mapping[str, Mapping[str, Any]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "compact-ascii": {"separators": (",", ":")},
    "spaced": {"ensure_ascii": False},
    "spaced-ascii": {},
}
_LINE = "+line"
"""Added to the name of a style whose text ends with a line feed."""


def describe_bytes(data: bytes) -> dict[str, Any] | None:
    """Return the fields for the body ``data``; None for nothing."""
    if not data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
    described = describe_text(text)
    return described if "json" in described else {"text": text.splitlines(keepends=True)}


def describe_text(text: str) -> dict[str, Any]:
    """Return the fields for ``text``: ``json`` and the ``style`` it is written in, or ``text``."""
    stripped = text.removesuffix("\n")
    if stripped[:1] in {"{", "["}:
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            return {"text": text}
        for name in _STYLES:
            if _dump(value, name) == stripped:
                style = name + _LINE * (stripped != text)
                return {"json": value} | ({} if style == "compact" else {"style": style})
    return {"text": text}


def described_bytes(fields: Mapping[str, Any] | None) -> bytes:
    """Return what ``describe_bytes`` described.

    Raises:
        ValueError, KeyError, TypeError: the fields describe nothing.
    """
    if fields is None:
        return b""
    if "base64" in fields:
        return base64.b64decode(fields["base64"], validate=True)
    return described_text(fields).encode()


def described_text(fields: Mapping[str, Any]) -> str:
    """Return what ``describe_text`` described; a text may also be a list of lines.

    Raises:
        ValueError, KeyError, TypeError: the fields describe no text.
    """
    if "json" not in fields:
        text: str | list[str] = fields["text"]
        return text if isinstance(text, str) else "".join(text)
    style: str = fields.get("style", "compact")
    name = style.removesuffix(_LINE)
    return _dump(fields["json"], name) + "\n" * (name != style)


def _dump(value: Any, style: str) -> str:
    return json.dumps(value, **_STYLES[style])
