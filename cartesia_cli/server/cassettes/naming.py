"""The names of contexts: a client of today does not use those of the day of the recording."""

import json


class RenamedStream:
    """Events in pieces, in which the new name of a context takes the place of the old one."""

    def __init__(self, old: str, new: str) -> None:
        self._names = [(one.encode(), other.encode()) for one, other in _spellings(old, new)]
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return what is certain."""
        data = self._rest + data
        for old, new in self._names:
            data = data.replace(old, new)
        end = len(data) - max(_overlap(data, old) for old, _ in self._names)
        self._rest = data[end:]
        return data[:end]

    def flush(self) -> bytes:
        """Return what still waited for the rest of a name."""
        rest, self._rest = self._rest, b""
        return rest


def renamed(message: str, old: str, new: str) -> str:
    """Return a message with the new name of its context."""
    for one, other in _spellings(old, new):
        message = message.replace(one, other)
    return message


def _spellings(old: str, new: str) -> list[tuple[str, str]]:
    """Return the ways in which a name stands in JSON, and what is to stand there."""
    return [
        (
            f'"context_id":{space}{json.dumps(old, ensure_ascii=is_ascii)}',
            f'"context_id":{space}{json.dumps(new)}',
        )
        for space in ("", " ")
        for is_ascii in ((False,) if old.isascii() else (False, True))
    ]


def _overlap(data: bytes, name: bytes) -> int:
    """Return how many bytes at the end of ``data`` may be the beginning of ``name``."""
    return next((n for n in range(min(len(name) - 1, len(data)), 0, -1) if data.endswith(name[:n])), 0)
