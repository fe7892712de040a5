"""What the tests of ``transcribe --live`` share: sound, an API that hears a script, and a terminal's screen.

    ear = Ear(interim("Turn"), (2.0, final("Turn left.", 0.1, 1.9)))
    with SocketServer(ear) as server:
        result = run("transcribe", "--live", "-", *RAW, stdin=sound(3), env=env(server))
    assert ear.sound == sound(3)

Written from the documentation of the API (the manual socket and the one with turns), not from the program.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from unicodedata import east_asian_width
from urllib.parse import parse_qs, urlsplit

import numpy as np

from tests.cli.program import KEY
from tests.fakes.sockets import Peer, SocketServer

RATE = 16_000
RAW = ["--encoding", "pcm_s16le", "--sample-rate", str(RATE)]
"""How standard input is described that is ``sound``."""

Step = str | Callable[[Peer], None]
Timed = Step | tuple[float, Step]


def sound(seconds: float, rate: int = RATE) -> bytes:
    """Return samples (``pcm_s16le``) of which no two blocks are equal."""
    return np.random.default_rng(7).integers(-9000, 9000, round(seconds * rate), np.int16).tobytes()


def message(kind: str, **fields: Any) -> str:
    """Return a message of the API."""
    return json.dumps({"type": kind, "request_id": "r-1", **fields})


def words_of(text: str, start: float, end: float) -> list[dict[str, Any]]:
    """Return the words of a text, evenly spread, with a breath between them."""
    names = text.split()
    share = (end - start) / max(1, len(names))
    return [
        {"word": name, "start": start + i * share, "end": start + (i + 0.9) * share}
        for i, name in enumerate(names)
    ]


def interim(text: str, **fields: Any) -> str:
    """Return what is understood so far."""
    return message("transcript", **({"text": text, "is_final": False} | fields))


def final(text: str, start: float, end: float, **fields: Any) -> str:
    """Return what was said, with the times of its words."""
    common = {"text": text, "is_final": True, "language": "en", "duration": end - start}
    return message("transcript", **(common | {"words": words_of(text, start, end)} | fields))


DONE = message("done")


class Ear:
    """A play of ``SocketServer``: takes sound, and says each thing when it has heard so many seconds.

    What is left is said after the sound has ended, then ``end``. A step without a time comes with the first
    sound. A step that is a function is called with the peer.

    Args:
        script: what is said.
        end: the last message; with turns there is none.
    """

    def __init__(self, *script: Timed, end: str | None = DONE) -> None:
        self.sound = bytearray()
        """All that was heard, of every connection."""

        self.frames: list[int] = []
        """The size of every frame."""

        self.commands: list[str] = []
        """Every message that was text."""

        self._script = [step if isinstance(step, tuple) else (0.0, step) for step in script]
        self._end = end

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return len(self.sound) / (2 * RATE)

    def __call__(self, peer: Peer) -> None:
        """Serve one connection."""
        left = list(self._script)
        while isinstance(data := peer.connection.recv(), bytes):
            self.sound += data
            self.frames.append(len(data))
            while left and self.seconds >= left[0][0]:
                _do(peer, left.pop(0)[1])
        self.commands.append(data)
        for _, step in left:
            _do(peer, step)
        if self._end is not None:
            peer.send(self._end)


def _do(peer: Peer, step: Step) -> None:
    if isinstance(step, str):
        peer.send(step)
    else:
        step(peer)


def hang(peer: Peer) -> None:
    """Take everything and say nothing until the client has gone."""
    while True:
        peer.connection.recv()


LEFT = "Turn left at the light."
ON = "Then go on to the bridge."
TALK: tuple[Timed, ...] = (
    (0.5, interim("Turn")),
    (1.0, interim("Turn left add")),
    (2.0, final(LEFT, 0.2, 1.9)),
    (2.5, interim(" Then go")),
    (4.5, final(f" {ON}", 2.4, 4.4)),
)
"""Two utterances in five seconds."""


def env(server: SocketServer, path: str = "") -> dict[str, str]:
    """Return the variables that lead a run to a server."""
    return {"CARTESIA_BASE_URL": server.url + path, "CARTESIA_API_KEY": KEY}


def asked(peer: Peer) -> tuple[str, dict[str, list[str]]]:
    """Return the path and the query of a handshake."""
    target = urlsplit(peer.path)
    return target.path, parse_qs(target.query, keep_blank_values=True)


def screen(shown: str, columns: int) -> list[str]:
    """Return the lines of a terminal on which this was written, without those that are empty at the end.

    Knows what a status line needs: carriage return, line feed, erasing the line, and wide characters.
    """
    rows, row, column = [[" "] * columns], 0, 0
    position = 0
    while position < len(shown):
        if shown.startswith("\x1b[2K", position):
            rows[row] = [" "] * columns
            position += 4
            continue
        char = shown[position]
        position += 1
        if char == "\r":
            column = 0
            continue
        width = 2 if east_asian_width(char) in "WF" else 1
        if char == "\n" or column + width > columns:
            row, column = row + 1, 0
            if row == len(rows):
                rows.append([" "] * columns)
        if char == "\n":
            continue
        assert char.isprintable(), repr(char)
        rows[row][column : column + width] = [char] + [""] * (width - 1)
        column += width
    lines = ["".join(cells).rstrip() for cells in rows]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def word_errors(heard: Sequence[str], said: Sequence[str]) -> float:
    """Return the word error rate: changes, losses and additions, as a share of what was said."""
    row = list(range(len(said) + 1))
    for i, word in enumerate(heard, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1] / max(1, len(said))


def assert_in_order(words: Sequence[Mapping[str, Any]]) -> None:
    """Check that words follow each other in time."""
    assert all(word["start"] <= word["end"] for word in words)
    assert all(a["end"] <= b["start"] + 0.001 for a, b in pairwise(words))
