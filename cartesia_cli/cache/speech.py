"""Speech that was made before, found by everything that shapes it: a content-addressed store of files.

The file of a request is ``speech/AB/CDEF….speech``, named by the SHA-256 of the request and of what spoke it.
It holds the payload bytes as they came, then one line of JSON (the times of words and phonemes, warnings, the
request, the SHA-256 of the payload), the length of that line in eight bytes, and ``_MAGIC``. So it is written
as the speech arrives, and whatever is not whole is not found. Several processes may use one store.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cartesia_cli.errors import OutputError, UnavailableError, UsageError
from cartesia_cli.files import TargetFile
from cartesia_cli.folders import user_folder
from cartesia_cli.models import (
    AudioChunk,
    PhonemeTiming,
    PhonemeTimings,
    Speak,
    SpeechEvent,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
    WordTiming,
    WordTimings,
)

_VERSION = 1
_MAGIC = b"cartesia"
_SUFFIX = ".speech"
_BLOCK = 2**16
_LONGEST_TRAILER = 2**28
"""Bytes; a day of words has fewer."""


class Entry(NamedTuple):
    """One file of the store."""

    path: Path
    n_bytes: int
    used_at: float
    """Seconds since 1970: when it was last given, or made."""


class SpeechCache:
    """Speech by what shapes it.

    Args:
        folder: of the store; None is the user's.
        clock: seconds since 1970.
        told: about each request that is answered from here, a sentence.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        clock: Callable[[], float] = time.time,
        told: Callable[[str], None] | None = None,
    ) -> None:
        if folder is None:
            cache = user_folder("cache", os.environ)
            folder = cache and cache / "speech"
        self._folder = folder
        self._clock = clock
        self._told = told

    def wrap(self, speak: Speak, origin: str) -> Speak:
        """Return ``speak`` for those requests that were not answered before; what it yields is kept.

        Speech that is not taken to its end is not kept.

        Args:
            speak: asks an engine.
            origin: which engine it is, and whatever else shapes its speech: its address, its version.
        """

        def speak_or_remember(request: SpeechRequest) -> SpeechEvents:
            path = self._path(request, origin)
            kept = None if path is None else _open(path)
            if path is None:
                return speak(request)
            if kept is None:
                return self._keep(speak(request), path, request)
            if self._told is not None:
                self._told(f"from the cache: {path.stem[:12]}")
            now = self._clock()
            with suppress(OSError):
                os.utime(path, (now, now))
            return _play(*kept)

        return speak_or_remember

    def has(self, request: SpeechRequest, origin: str) -> bool:
        """Return whether there is speech for a request; whether it is sound is seen when it is given."""
        path = self._path(request, origin)
        return path is not None and path.exists()

    def forget(self, request: SpeechRequest, origin: str) -> None:
        """Keep the speech of a request no longer.

        Raises:
            OutputError: it cannot be deleted.
        """
        path = self._path(request, origin)
        if path is not None:
            _delete(path)

    def entries(self) -> Iterator[Entry]:
        """Yield what is there, in no order; what others delete meanwhile is left out."""
        if self._folder is None:
            return
        for path in self._folder.glob(f"??/*{_SUFFIX}"):
            with suppress(OSError):
                facts = path.stat()
                yield Entry(path, facts.st_size, facts.st_mtime)

    def prune(self, *, most_bytes: int | None = None, oldest: float | None = None) -> tuple[int, int]:
        """Delete what was used least recently; return how many entries that were, and how many bytes.

        Args:
            most_bytes: how much may stay; None is all.
            oldest: seconds since 1970; what was last used before goes in any case.

        Raises:
            OutputError: an entry cannot be deleted.
        """
        n_entries = n_bytes = kept = 0
        for entry in sorted(self.entries(), key=lambda each: each.used_at, reverse=True):
            is_old = oldest is not None and entry.used_at < oldest
            if not is_old and (most_bytes is None or kept + entry.n_bytes <= most_bytes):
                kept += entry.n_bytes
                continue
            _delete(entry.path)
            n_entries, n_bytes = n_entries + 1, n_bytes + entry.n_bytes
        return n_entries, n_bytes

    def _path(self, request: SpeechRequest, origin: str) -> Path | None:
        if self._folder is None:
            return None
        name = fingerprint(request, origin)
        return self._folder / name[:2] / f"{name[2:]}{_SUFFIX}"

    def _keep(self, events: SpeechEvents, path: Path, request: SpeechRequest) -> SpeechEvents:
        with closing(events):
            file = _create(path)
            if file is None:
                yield from events
                return
            writer = _Writer(file)
            try:
                for event in events:
                    writer.take(event)
                    yield event
                writer.end(request)
            finally:
                file.discard()  # nothing happens to one that was published


def fingerprint(request: SpeechRequest, origin: str) -> str:
    """Return 64 hexadecimal digits: the same for requests that get the same speech, and for no others."""
    fields = {**asdict(request), "origin": origin, "version": _VERSION, "context_id": None}
    del fields["max_buffer_delay_ms"]  # of texts that are still arriving
    return sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot delete {path}: {error.strerror}.", hint="Check its folder's permissions."
        ) from error


class _Writer:
    """Writes an entry as its speech arrives. One that cannot be written is given up; the speech goes on."""

    def __init__(self, file: TargetFile) -> None:
        self._file: TargetFile | None = file
        self._digest = sha256()
        self._trailer: dict[str, list[Any]] = {"words": [], "phonemes": [], "warnings": []}

    def take(self, event: SpeechEvent) -> None:
        """Note an event."""
        match event:
            case AudioChunk(data):
                self._digest.update(data)
                self._write(data)
            case WordTimings(words):
                self._trailer["words"] += [[*_times(each)] for each in words]
            case PhonemeTimings(phonemes):
                self._trailer["phonemes"] += [[each.phoneme, each.start, each.end] for each in phonemes]
            case SpeechWarning(message):
                self._trailer["warnings"].append(message)
            case _:
                pass

    def end(self, request: SpeechRequest) -> None:
        """Give the file its name."""
        trailer = {**self._trailer, "request": asdict(request), "sha256": self._digest.hexdigest()}
        line = json.dumps(trailer).encode()
        self._write(line + len(line).to_bytes(8, "big") + _MAGIC)
        if self._file is not None:
            with suppress(OSError, OutputError, UsageError):
                self._file.finish()
                self._file.publish()

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            try:
                self._file.file.write(data)
            except (OSError, OutputError):
                self._file.discard()
                self._file = None


def _times(word: WordTiming) -> Iterator[Any]:
    yield from (word.word, word.start, word.end)
    if word.confidence is not None:
        yield word.confidence


def _create(path: Path) -> TargetFile | None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return TargetFile(path)
    except (OSError, OutputError, UsageError):
        return None


def _open(path: Path) -> tuple[BinaryIO, int, Mapping[str, Any]] | None:
    """Return an entry's file, how many bytes of it are sound, and its trailer; None if it is not whole."""
    file = None
    try:
        file = path.open("rb")
        end = file.seek(-8 - len(_MAGIC), os.SEEK_END)
        length = int.from_bytes(file.read(8), "big")
        if file.read() != _MAGIC or not 0 < length <= min(end, _LONGEST_TRAILER):
            raise ValueError("not an entry")  # noqa: TRY301  as json has it
        n_bytes = end - length
        file.seek(n_bytes)
        trailer = json.loads(file.read(length))
        file.seek(0)
        digest = sha256()
        for block in _blocks(file, n_bytes):
            digest.update(block)
        if digest.hexdigest() != trailer["sha256"]:
            raise ValueError("a damaged entry")  # noqa: TRY301  as json has it
        file.seek(0)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        if file is not None:
            file.close()
        return None
    return file, n_bytes, trailer


def _play(file: BinaryIO, n_bytes: int, trailer: Mapping[str, Any]) -> SpeechEvents:
    """Yield an entry: warnings and times first, for all of them are known.

    Raises:
        UnavailableError: it cannot be read any more.
    """
    with file:
        for message in trailer["warnings"]:
            yield SpeechWarning(message)
        if trailer["words"]:
            yield WordTimings(tuple(WordTiming(*each) for each in trailer["words"]))
        if trailer["phonemes"]:
            yield PhonemeTimings(tuple(PhonemeTiming(*each) for each in trailer["phonemes"]))
        try:
            for block in _blocks(file, n_bytes):
                yield AudioChunk(block)
        except OSError as error:
            raise UnavailableError(
                f"The cache cannot be read: {error.strerror or error}.",
                hint="Leave --cache out, or empty it with: cartesia cache clear",
            ) from error


def _blocks(file: BinaryIO, n_bytes: int) -> Iterator[bytes]:
    while n_bytes > 0:
        block = file.read(min(n_bytes, _BLOCK))
        if not block:
            raise OSError("shorter than before")
        n_bytes -= len(block)
        yield block
