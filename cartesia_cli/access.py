"""What a server is reached with: its address, a key and headers, checked. No message shows a value."""

import re

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset(["connection", "content-length", "transfer-encoding"])


def check_base_url(text: str) -> str:
    """Return a base URL without a slash at its end.

    Raises:
        ValueError: it is none, or holds a password, a query or a fragment.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.port == 0  # a port out of range raises ValueError
        or "@" in parts.netloc  # a password would be sent, and shown, with every request
        or any(character in text for character in "?# \\")
        or not text.isascii()
        or not text.isprintable()
    ):
        raise ValueError("no URL of a server")
    return text.rstrip("/")


def check_key(value: str) -> str:
    """Return a key as it is.

    Raises:
        ValueError: it cannot stand in a header; the message completes "The key …".
    """
    wrong = None
    if not value.strip():
        wrong = "is blank" if value else "is empty"
    elif "\n" in value or "\r" in value:
        wrong = "holds a line end"
    elif any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        wrong = "holds a control character"
    elif not value.isascii():
        wrong = "holds a character that no key has"
    elif " " in value:
        wrong = "holds a space"
    if wrong:
        raise ValueError(wrong)
    return value


def check_header(name: str, value: object) -> str:
    """Return the value of a header, without white space around it.

    Raises:
        ValueError: name or value cannot be sent; the message completes "The header …".
    """
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("must have the name of a header, of letters, digits and hyphens")
    if name.lower() in _FRAMING:
        raise ValueError(f"must not set {name}, which the connection sets itself")
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")  # noqa: TRY004  the caller reports it with its line
    value = value.strip(" \t\r")
    if not value.isascii() or not value.replace("\t", "").isprintable():
        raise ValueError("must have a value of printable ASCII characters")
    return value
