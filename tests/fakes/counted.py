"""Engines that go on until they are closed, and know how many of their generators are open."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    EngineName,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
)
from cartesia_cli.server.staff import Staff
from tests.fakes.known import KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.listening_live import ReadsSound


@dataclass
class Endless:
    """A synthesizer and a changer: every text, once there is any, is spoken until nobody wants to hear more.

    What begins with ``short`` is over after a chunk; what begins with ``held`` comes to nothing before
    ``release`` is set.
    """

    pause: float = 0.02
    """Seconds between two chunks."""

    chunk_bytes: int = 4_000
    name: EngineName = "local"
    traffic: Traffic = field(default_factory=Traffic)
    release: threading.Event = field(default_factory=threading.Event)
    n_begun: int = 0
    n_open: int = 0
    n_chunks: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Speak."""
        yield from self._sound(request.transcript)

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Speak as soon as there is a piece; to the end if it is short."""
        pieces = iter(pieces)
        text = str(next(pieces, ""))
        yield from self._sound(text)
        for _ in pieces:
            pass

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat, /) -> SpeechEvents:
        """Make sound."""
        yield from self._sound(recording.read_bytes()[:8].decode("latin-1"))

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None, /) -> SpeechEvents:
        """Make sound."""
        yield from self._sound(request.transcript)

    def close(self) -> None:
        """Nothing to free."""

    def _sound(self, text: str) -> Iterator[AudioChunk]:
        with self._lock:
            self.n_begun += 1
            self.n_open += 1
        try:
            if text.startswith("held"):
                assert self.release.wait(30)
            while True:
                self.n_chunks += 1
                yield AudioChunk(bytes(self.chunk_bytes))
                if text.startswith(("short", "held")):
                    return
                time.sleep(self.pause)
        finally:
            with self._lock:
                self.n_open -= 1


def staffed(engine: Endless) -> Staff:
    """Return a staff in which an engine speaks and changes voices, and others listen."""
    return Staff(
        synthesizer=engine,
        catalogue=KnownSamples(),
        transcriber=KnownRecordings(),
        live_transcriber=ReadsSound(),
        changer=engine,
    )
