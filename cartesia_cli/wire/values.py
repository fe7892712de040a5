"""Values out of a stranger's JSON, checked before anything relies on them.

Every function raises ``MalformedError``, and nothing else, for what is not as it should be.
"""

import binascii
import json
import math
import re
import unicodedata
from typing import Any

try:
    from pybase64 import b64decode, b64encode_as_string
except ImportError:  # a platform without its wheel: slower, the same results
    FAST = False
else:
    FAST = True

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedError(ValueError):
    """What was received is not what the API documents; the message says in what way."""


def load_json(data: str | bytes) -> Any:
    """Return the value in a JSON text; half surrogate pairs become U+FFFD.

    Raises:
        MalformedError: not JSON, not UTF-8, nested too deeply, or with a number that is too long.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"not JSON: {error}") from error
    except ValueError as error:
        raise MalformedError("JSON with a number of too many digits") from error
    except RecursionError as error:
        raise MalformedError("JSON that is nested too deeply") from error
    return _repair(value) if _SURROGATE_ESCAPE.search(text) else value


def decode_base64(data: str | bytes | memoryview) -> bytes:
    """Return what the standard alphabet with padding encodes; nothing else is accepted.

    Raises:
        MalformedError: another character, or padding that is wrong.
    """
    try:
        if FAST:
            return bytes(b64decode(data, validate=True))
        if len(data) % 4:  # Python 3.11 takes padding that follows a whole group
            raise ValueError("incorrect padding")  # noqa: TRY301  as the library has it
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError as error:
        raise MalformedError(f"not base64: {error}") from error


def encode_base64(data: bytes) -> str:
    """Return the standard alphabet with padding, on one line."""
    if FAST:
        return str(b64encode_as_string(data))
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def finite(value: object) -> float:
    """Return a JSON number as a float.

    Raises:
        MalformedError: not a number, or not a finite one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MalformedError(f"{shorten(value)} is not a number")
    try:
        number = float(value)
    except OverflowError as error:
        raise MalformedError("a number beyond every range") from error
    if not math.isfinite(number):
        raise MalformedError(f"{number} is not a finite number")
    return number


def printable(value: object) -> str:
    """Return a JSON string without control characters.

    Raises:
        MalformedError: not a string.
    """
    if not isinstance(value, str):
        raise MalformedError(f"{shorten(value)} is not a string")
    if value.isprintable():
        return value
    return "".join(char for char in value if unicodedata.category(char) != "Cc")


def one_line(value: object, limit: int = 500) -> str:
    """Return a string fit for a terminal: one line, at most ``limit`` characters; "" for anything else.

    Control characters, line separators and marks that turn the direction of writing become blanks.
    """
    if not isinstance(value, str):
        return ""
    kept = "".join(" " if unicodedata.category(char) in _UNFIT else char for char in value[: 4 * limit])
    line = " ".join(kept.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


_UNFIT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def shorten(value: object) -> str:
    """Return how a message may show a value of any size."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return one_line(str(value), 40) or "an empty string"


def _repair(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_repair(item) for item in value]
        case dict():
            return {_repair(key): _repair(item) for key, item in value.items()}
        case _:
            return value
