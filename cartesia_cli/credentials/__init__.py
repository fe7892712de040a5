"""An API key: where it comes from and where it is kept. A key is never part of a message."""

from cartesia_cli.credentials.finding import (
    KEY_FILE,
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    Key,
    checked_key,
    decode_key,
    find_all,
    find_key,
)

__all__ = [
    "KEY_FILE",
    "KEY_FILE_VARIABLE",
    "KEY_VARIABLE",
    "Key",
    "checked_key",
    "decode_key",
    "find_all",
    "find_key",
]
