"""Which recorded answers a client's messages on a socket set free. No I/O but for reading cassettes.

A track is what was said in one context, or, where there are no contexts, on the whole socket.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cartesia_cli.server.cassettes.asking import differences
from cartesia_cli.server.cassettes.naming import renamed
from cartesia_cli.server.cassettes.tapes import Tape, read_closing, read_messages
from cartesia_cli.server.cassettes.texts import described_text

Place = tuple[Path, int, int]
"""A file, and where in it a line begins and how many bytes it has."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the server, and what the client had sent before it."""

    n_texts: int
    n_bytes: int
    """Of its sound."""

    source: Mapping[str, Any] | Place
    """The message, or where it stands in a file of its own."""

    def read(self) -> str | bytes:
        """Return the message.

        Raises:
            OSError, ValueError: its file cannot be read any more.
        """
        if isinstance(self.source, tuple):
            path, offset, size = self.source
            with path.open("rb") as file:
                file.seek(offset)
                message: Mapping[str, Any] = json.loads(file.read(size))
        else:
            message = self.source
        return base64.b64decode(message["base64"]) if "base64" in message else described_text(message)


@dataclass(eq=False, slots=True)
class Track:
    """What was said in one context."""

    tape: "SocketTape"
    context_id: str | None
    texts: list[Any] = field(default_factory=list)
    """What the client sent, in a form that can be compared."""

    sound: list[int] = field(default_factory=list)
    """How many bytes of sound it had sent before each text."""

    n_bytes: int = 0
    """Of all its sound."""

    lines: list[Line] = field(default_factory=list)

    @property
    def begins(self) -> bool:
        """Whether the server says something before the client does."""
        return bool(self.lines) and not self.lines[0].n_texts and not self.lines[0].n_bytes


class SocketTape:
    """A cassette of a socket.

    Raises:
        UsageError: it is damaged, or gone.
    """

    def __init__(self, tape: Tape) -> None:
        self.path = tape.path
        self.closing = read_closing(tape.path)
        self.tracks: dict[str | None, Track] = {}
        for message, place in read_messages(tape.path):
            self._add(message, place)

    def _add(self, message: Mapping[str, Any], place: Place | None) -> None:
        if "sound" in message:
            self._track(None).n_bytes += message["sound"]["bytes"]
            return
        value = _value(message)
        track = self._track(context_of(value))
        if message["from"] == "client":
            track.texts.append(comparable(value))
            track.sound.append(track.n_bytes)
        else:
            track.lines.append(Line(len(track.texts), track.n_bytes, message if place is None else place))

    def _track(self, context_id: str | None) -> Track:
        return self.tracks.setdefault(context_id, Track(self, context_id))


class Playing:
    """A track that answers a client.

    Args:
        track: what was recorded.
        context_id: the client's own name for it.
    """

    def __init__(self, track: Track, context_id: str | None) -> None:
        self.track = track
        self._context_id = context_id
        self._n_texts = self._n_bytes = self._n_lines = 0

    @property
    def is_over(self) -> bool:
        """Whether everything has been said."""
        return self._n_lines == len(self.track.lines)

    def hear(self, n_bytes: int) -> None:
        """Know of more sound."""
        self._n_bytes += n_bytes

    def compare(self, value: Any) -> str | None:
        """Take the client's next text; return what is not as it was recorded, if anything is not."""
        if self._n_texts == len(self.track.texts):
            return "nothing more was recorded here"
        recorded = self.track.texts[self._n_texts]
        found = list(differences("the message", recorded, comparable(value)))
        if found:
            return "; ".join(found[:2])
        # A command that comes before all of the sound that it once followed is answered all the same.
        self._n_bytes = max(self._n_bytes, self.track.sound[self._n_texts])
        self._n_texts += 1
        return None

    def take(self) -> Iterator[str | bytes]:
        """Yield what can be said now, in the client's own names.

        Raises:
            OSError, ValueError: the cassette cannot be read any more.
        """
        while not self.is_over:
            line = self.track.lines[self._n_lines]
            if line.n_texts > self._n_texts or line.n_bytes > self._n_bytes:
                return
            self._n_lines += 1
            yield self._renamed(line.read())

    def _renamed(self, message: str | bytes) -> str | bytes:
        old, new = self.track.context_id, self._context_id
        if isinstance(message, bytes) or old is None or new is None or old == new:
            return message
        return renamed(message, old, new)


class Repertoire:
    """All tracks of the cassettes of one handshake: each is played once, and the last one that fits again."""

    def __init__(self, tapes: Sequence[SocketTape]) -> None:
        self._tracks = [track for tape in tapes for track in tape.tracks.values()]
        self._played: set[Track] = set()

    def begin(self) -> Track | None:
        """Return the track of a socket on which the server speaks first."""
        alone = [track for track in self._tracks if track.context_id is None]
        track = self._next(alone)
        return track if track is not None and track.begins and self._play(track) else None

    def find_sound(self) -> Track | None:
        """Return the track of a socket on which sound comes first."""
        return self._play(self._next([track for track in self._tracks if track.n_bytes]))

    def find(self, value: Any) -> Track | None:
        """Return the track that begins with this message."""
        wanted = comparable(value)
        has_context = context_of(value) is not None
        fitting = [
            track
            for track in self._tracks
            if track.texts and track.texts[0] == wanted and (track.context_id is not None) == has_context
        ]
        return self._play(self._next(fitting))

    def nearest(self, value: Any) -> str:
        """Return what is not as it was recorded, in the track that is most like this message."""
        has_context = context_of(value) is not None
        found = [
            (track, list(differences("the message", track.texts[0], comparable(value))))
            for track in self._tracks
            if track.texts and (track.context_id is not None) == has_context
        ]
        if not found:
            return "no such message was recorded"
        track, texts = min(found, key=lambda each: (each[0] in self._played, len(each[1])))
        return f"in {track.tape.path.name} {'; '.join(texts[:2])}"

    def _next(self, tracks: Sequence[Track]) -> Track | None:
        fresh = [track for track in tracks if track not in self._played]
        return next(iter(fresh or tracks[-1:]), None)

    def _play(self, track: Track | None) -> Track | None:
        if track is not None:
            self._played.add(track)
        return track


def parse_message(text: str) -> Any:
    """Return the JSON value of a message, or the text of one that is no JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()
    return value if isinstance(value, dict) else text.strip()


def context_of(value: Any) -> str | None:
    """Return the context that a message belongs to; None where it names none."""
    context_id = value.get("context_id") if isinstance(value, dict) else None
    return context_id if isinstance(context_id, str) and context_id else None


def comparable(value: Any) -> Any:
    """Return a message without what is new each time."""
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "context_id"}
    return value


def _value(message: Mapping[str, Any]) -> Any:
    return None if "base64" in message else parse_message(described_text(message))
