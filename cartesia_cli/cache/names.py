"""The voices behind names, for a day, and all names for the completion scripts of shells."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import TargetFile, replace_file
from cartesia_cli.folders import user_folder

LIST_NAME = "voices.txt"
"""The file that the completion scripts of shells read; lines ``NAME<TAB>ID``."""

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

    def forget_voice(self, voice_id: str, *names: str) -> None:
        """Drop every name of a voice that was changed or is gone, and names that it may have now.

        Args:
            voice_id: its ID.
            names: what it is called now; in whatever capitals somebody asked for them.
        """
        called = {name.casefold() for name in names}
        for path in self._entries():
            match _read(path):
                case {"name": str(name), "id": str(known)}:
                    if known.casefold() == voice_id.casefold() or name.casefold() in called:
                        with suppress(OSError):
                            path.unlink()
                case _:
                    continue

    def _entries(self) -> list[Path]:
        if self._folder is None:
            return []
        try:
            return [*self._folder.glob("*.json")]
        except OSError:
            return []

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / f"{_fingerprint(name)}.json"


class VoiceList:
    """The names of all voices, of the server that was asked last, for the completion scripts of shells.

    Args:
        folder: the cache; None is the user's.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or user_folder("cache", os.environ)
        self._path = folder and folder / LIST_NAME

    @contextmanager
    def rewriting(self) -> Iterator[Callable[[str, str], None]]:
        """Give what adds a name and an ID to a new list, which takes the place of the old one at the end.

        If the block raises, the old one stays.
        """
        file = self._open()

        def add(name: str, voice_id: str) -> None:
            nonlocal file
            try:
                if file and (line := _line(name, voice_id)):
                    file.file.write(line)
            except (OSError, OutputError):
                _discard(file)
                file = None

        try:
            yield add
            with suppress(OSError, OutputError, UsageError):
                if file:
                    file.finish()
                    file.publish()
        finally:
            _discard(file)

    def change(self, voice_id: str, name: str | None) -> None:
        """Give a voice another name, add it, or with None take it out; where there is a list."""
        try:
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path else []
        except OSError:
            return
        if not lines:
            return
        listed = [line.decode(errors="surrogateescape").rstrip("\n").partition("\t") for line in lines]
        is_new = all(known_id != voice_id for _, _, known_id in listed)
        with self.rewriting() as add:
            renamed = False
            for known, _, known_id in listed:
                if known_id != voice_id:
                    add(known, known_id)
                elif name is not None:  # its name comes first, then aliases
                    add(known if renamed else name, voice_id)
                    renamed = True
            if is_new and name is not None:
                add(name, voice_id)

    def _open(self) -> TargetFile | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return TargetFile(self._path)
        except (OSError, OutputError, UsageError):
            return None


def forget_voices(folder: Path | None = None) -> None:
    """Drop every name of every server.

    Args:
        folder: the cache; None is the user's.
    """
    folder = folder or user_folder("cache", os.environ)
    if folder is not None:
        for path in (folder / LIST_NAME, *folder.glob("voices/*/*.json")):
            with suppress(OSError):
                path.unlink()


def _line(name: str, voice_id: str) -> bytes | None:
    """Return a line of the list; None for what would spoil it."""
    if not name or any(ord(char) < 32 or 127 <= ord(char) < 160 for char in name + voice_id):
        return None
    return f"{name}\t{voice_id}\n".encode(errors="surrogateescape")


def _discard(file: TargetFile | None) -> None:
    if file:
        file.discard()


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
