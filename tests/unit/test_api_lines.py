"""Connections that many contexts share: who comes and goes does not disturb the one that reads."""

import base64
import json
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from cartesia_cli.api.contexts import MAX_UNREAD, Line
from cartesia_cli.api.frames import Message
from cartesia_cli.models import AudioChunk

if TYPE_CHECKING:
    from cartesia_cli.api.sockets import Socket


def message(kind: str, **fields: object) -> Message:
    text = json.dumps(
        {"type": kind, "context_id": "full", "status_code": 206, "done": kind == "done", **fields}
    )
    return Message(text.encode(), is_text=True)


class Flood:
    """A socket on which a context gets more than may wait, and then its end."""

    way = SimpleNamespace(timeouts=SimpleNamespace(stall=60.0), host="localhost")

    def __init__(self) -> None:
        self.is_open = True
        self.begins = threading.Event()
        self._over = threading.Event()
        audio = base64.b64encode(bytes(MAX_UNREAD + 2)).decode()
        self._messages = [message("done"), message("chunk", data=audio)]

    def receive_all(self) -> list[Message] | None:
        self.begins.wait()
        if self._messages:
            return [self._messages.pop()]
        self._over.wait()
        return None

    def post(self, _message: str) -> None:
        pass

    def close(self) -> None:
        self.is_open = False
        self._over.set()


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("impatient_threads")
def test_contexts_may_come_and_go_while_one_of_them_is_full() -> None:
    socket = Flood()
    line = Line(cast("Socket", socket))
    full = line.open("full")
    for _ in range(10_000):  # so many that a look at all of them takes a while
        line.open()
    socket.begins.set()
    end = time.monotonic() + 1
    while time.monotonic() < end:
        line.open().close()
        with full.news:
            full.news.notify_all()  # as when something is taken: the reader looks again
    n_bytes = sum(len(event.data) for event in full.events(5, 5) if isinstance(event, AudioChunk))
    line.close()

    assert n_bytes == MAX_UNREAD + 2
