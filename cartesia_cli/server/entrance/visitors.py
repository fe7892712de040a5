"""Who asked for what, and what became of it: a line for the log, never with a key or a query."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.wire.values import shorten

_KEY = re.compile(r"sk_car_\w+")
_LONGEST = 200
"""Characters of a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One request, or socket, that is over."""

    method: str
    """``WS`` for a socket, empty for what was no request."""

    path: str
    """Without the query; control characters are visible."""

    status: int | None
    """101 for a socket; None if the client left before there was any answer."""

    seconds: float
    """From the head of the request to the end of the answer, or of the socket."""

    n_bytes: int = 0
    """Of the answer's body, or of all messages."""

    is_whole: bool = True
    """Whether all of the answer was sent."""

    close_code: int | None = None
    """Of a socket, from whichever side it came."""

    agent: str | None = None
    """The client's program and version, as it calls itself."""

    note: str | None = None
    """What may help whoever reads this, a sentence."""


class Visitors:
    """Tells ``on_answer`` about each request to ``app`` when it is over."""

    def __init__(self, app: ASGIApp, on_answer: Callable[[Answered], None]) -> None:
        self._app = app
        self._on_answer = on_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        visit = _Visit(receive, send)
        try:
            await self._app(scope, visit.receive, visit.send)
        finally:
            self._on_answer(visit.told(scope))


class _Visit:
    """One request while it is answered."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._began = time.monotonic()
        self._n_bytes = 0
        self._status: int | None = None
        self._length: str | None = None
        self._code: int | None = None
        self._is_over = self._is_gone = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._is_gone = not self._is_over
        elif message["type"] == "websocket.disconnect" and self._code is None:
            self._code = message.get("code")
            self._is_over = True
        return message

    async def send(self, message: Message) -> None:
        await self._send(message)
        if self._is_gone:
            return  # nobody got it
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self._status = message["status"]
                self._length = Headers(raw=message.get("headers", [])).get("content-length")
            case "http.response.body" | "websocket.http.response.body":
                self._n_bytes += len(message.get("body", b""))
                # A client that has got as much as it was promised may leave before the end is said.
                self._is_over = not message.get("more_body", False) or str(self._n_bytes) == self._length
            case "websocket.accept":
                self._status = 101
            case "websocket.send":
                text = message.get("text")
                self._n_bytes += len(message["bytes"]) if text is None else len(text.encode())
            case "websocket.close":
                self._status = self._status or 403
                self._code = message.get("code", 1000)
                self._is_over = True
            case _:
                pass

    def told(self, scope: Scope) -> Answered:
        is_socket = scope["type"] == "websocket"
        headers = Headers(scope=scope)
        agent = headers.get("x-cartesia-client") or headers.get("user-agent")
        return Answered(
            method="WS" if is_socket else scope["method"],
            path=_shown(scope["path"]),
            status=self._status,
            seconds=time.monotonic() - self._began,
            n_bytes=self._n_bytes,
            is_whole=self._is_over and not self._is_gone,
            close_code=self._code if is_socket and self._status == 101 else None,
            agent=agent and shorten(_shown(agent)),
        )


def _shown(text: str) -> str:
    """Return a text as the log may show it: without a key, and no longer than a few lines."""
    shown = _KEY.sub("sk_car_…", visible(text))
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def visible(text: str) -> str:
    r"""Return a text without control characters: a line feed becomes ``\n``."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
