"""What need not be asked for twice: the voices behind names. A cache that fails is a cache that is empty."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import replace_file
from cartesia_cli.folders import user_folder

_DAY = 86_400.0


class Secret(Protocol):
    """What a key is here; ``credentials.Key`` fits."""

    @property
    def value(self) -> str:
        """The key itself."""


class VoiceNames:
    """The IDs of voices by the names that the user gave, for a day; of one server and one key.

    Each name has a file of its own, replaced as a whole, so processes cannot spoil each other's.

    Args:
        base_url: the server; another one has other voices.
        key: another one sees other voices. Only a part of a hash of it is kept.
        folder: the cache; None is the user's.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder = folder or user_folder("cache", os.environ)
        owner = _fingerprint(base_url, key.value if key else "")
        self._folder = folder and folder / "voices" / owner
        self._clock = clock

    def find(self, name: str) -> str | None:
        """Return the ID of the voice called ``name``; None if it is not known, or no longer for sure."""
        if self._folder is None:
            return None
        match _read(self._path(self._folder, name)):
            case {"name": str(found), "id": str(voice_id), "time": float(then)}:
                is_fresh = 0 <= self._clock() - then < _DAY
                return voice_id if found == name and is_fresh else None
            case _:
                return None

    def remember(self, name: str, voice_id: str) -> None:
        """Keep the ID of the voice called ``name``."""
        if self._folder is not None:
            _write(
                self._path(self._folder, name), {"name": name, "id": voice_id, "time": float(self._clock())}
            )

    def forget(self, name: str) -> None:
        """Drop what is known of ``name``, as when its voice is gone."""
        if self._folder is not None:
            with suppress(OSError):
                self._path(self._folder, name).unlink()

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / f"{_fingerprint(name)}.json"


def _fingerprint(*texts: str) -> str:
    """Return 16 hexadecimal digits that tell texts apart and do not give them away."""
    from hashlib import sha256

    return sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()[:16]


def _read(path: Path) -> Any:
    """Return what a JSON file holds; None if it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _write(path: Path, value: object) -> None:
    """Keep a value, if that is possible."""
    with suppress(OSError, OutputError, UsageError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replace_file(path) as file:
            file.write(json.dumps(value).encode())
