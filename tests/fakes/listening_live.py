"""A live transcriber whose sound is text: each sample is a character, and a full stop ends an utterance.

``spoken("Turn left. Stop.")`` is sound in which exactly that is said, and ``live_server`` a server that
hears it on both sockets.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette

from cartesia_cli.engines import LiveTranscriber
from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import ListenRequest, TranscriptUpdate, TranscriptUpdates, WordTiming
from cartesia_cli.server.hearing.sockets import listening_routes
from cartesia_cli.server.rules import USUAL, Rules
from cartesia_cli.wire.listening import SAMPLE_WIDTHS
from tests.fakes.apps import running_app

RATE = 1_000
"""Hertz: a character lasts a millisecond."""


def spoken(text: str, width: int = 1) -> bytes:
    """Return sound in which ``text`` is said: a character a sample, filled up with zeros."""
    return b"".join(char.encode("ascii").ljust(width, b"\0") for char in text)


@dataclass
class ReadsSound:
    """A live transcriber; what it was asked, what it was given and what is left of it can be looked at."""

    failure: CartesiaError | None = None
    """Raised as soon as there is a ``!`` in the sound."""

    gate: threading.Event | None = None
    """Waited for before each piece of sound is taken."""

    asked: list[ListenRequest] = field(default_factory=list)
    heard: list[bytearray] = field(default_factory=list)
    """The sound of each call."""

    n_closed: int = 0
    """How many calls are over, in whatever way."""

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        """Yield an interim text for each piece that brings a word, and a final one for each sentence."""
        self.asked.append(request)
        self.heard.append(data := bytearray())
        width = SAMPLE_WIDTHS[request.encoding]
        begin, shown = 0, ""
        try:
            if self.gate is not None:
                self.gate.wait()
            for piece in sound:
                data += piece
                text = bytes(data[::width]).decode("ascii")
                if self.failure is not None and "!" in text:
                    raise self.failure
                while (end := text.find(".", begin) + 1) > 0:
                    yield _update("turn" if request.turns else "final", text, begin, end, request)
                    begin, shown = end, ""
                rest = text[begin:].rpartition(" ")[0]
                if rest.strip() and rest != shown:
                    yield _update("interim", text, begin, begin + len(rest), request)
                    shown = rest
                if self.gate is not None:
                    self.gate.wait()
            text = bytes(data[::width]).decode("ascii")
            if text[begin:].strip():
                yield _update("turn" if request.turns else "final", text, begin, len(text), request)
        finally:
            self.n_closed += 1

    def close(self) -> None:
        """Nothing to free."""


def _update(kind: str, text: str, begin: int, end: int, request: ListenRequest) -> TranscriptUpdate:
    said = text[begin:end]
    words = []
    position = begin
    for word in said.split():
        start = text.index(word, position)
        position = start + len(word)
        words.append(WordTiming(word, start / request.sample_rate, position / request.sample_rate))
    assert kind in {"interim", "final", "turn"}
    return TranscriptUpdate(
        "interim" if kind == "interim" else "turn" if kind == "turn" else "final",
        " ".join(said.split()),
        words[0].start,
        words[-1].end,
        tuple(words),
    )


@contextmanager
def live_server(transcriber: LiveTranscriber | None, *, idle: float = USUAL.listening_idle) -> Iterator[str]:
    """Run a server with nothing but the two sockets, in a thread; yield its address.

    It stops when every conversation is over, so that what they leave behind can be seen.
    """
    app = Starlette(routes=list(listening_routes(transcriber)))
    app.state.rules = Rules(listening_idle=idle)
    with running_app(app) as url:
        yield url
