"""Faults in the body of an answer over HTTP."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator

from starlette.types import Message, Receive, Scope, Send

from cartesia_cli.server.faults.parsing import Fault
from cartesia_cli.server.hosting.means import close_connection

GARBAGE = '{"type":"chunk","data":"'
"""What is no JSON, though it begins as such: the text of an answer that was cut off."""


def faulty_answer(scope: Scope, receive: Receive, send: Send, fault: Fault) -> Send:
    """Return what sends an answer with its fault."""
    match fault.kind:
        case "drop" | "stall" | "cut":
            return _Limited(scope, receive, send, fault)
        case "garbage":
            return _Garbled(send)
        case _:
            return _Reshaped(send, fault)


class _Limited:
    """Sends the first bytes of a body; then drops the connection, stalls or pretends that this was all."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._kind = fault.kind
        self._left = int(fault.value or 1000)
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        body = message.get("body", b"")
        if message["type"] == "http.response.start":
            await self._send(_without_length(message))
        elif len(body) < self._left:
            self._left -= len(body)
            await self._send(message)
        else:
            self._over = True
            await self._send({**message, "body": body[: self._left], "more_body": self._kind != "cut"})
            if self._kind == "drop":
                close_connection(self._scope)
            elif self._kind == "stall":
                await gone(self._receive)


class _Reshaped:
    """Sends all of a body, in other pieces or more slowly."""

    def __init__(self, send: Send, fault: Fault) -> None:
        self._send = send
        self._fault = fault
        self._last = time.monotonic()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(_without_length(message))
            return
        async for piece in self._pieces(message.get("body", b"")):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        if not message.get("more_body", False):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self, body: bytes) -> AsyncIterator[bytes]:
        if self._fault.kind == "slow":
            await asyncio.sleep(delay_of(self._fault, time.monotonic() - self._last))
            self._last = time.monotonic()
            yield body
            return
        for piece in split_body(self._fault, body):
            yield piece


class _Garbled:
    """Sends what is no JSON before a body."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._garbage: bytes | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            is_stream = kind.startswith(b"text/event-stream")
            text = f"event: chunk\ndata: {GARBAGE}\n\n" if is_stream else GARBAGE
            self._garbage = text.encode()
            await self._send(_without_length(message))
            return
        if self._garbage and (message.get("body") or not message.get("more_body", False)):
            await self._send({"type": "http.response.body", "body": self._garbage, "more_body": True})
            self._garbage = None
        await self._send(message)


def delay_of(fault: Fault, took: float) -> float:
    """Return the seconds that ``slow`` adds to the ``took`` seconds that something took."""
    value = fault.value or "2x"
    if value.endswith("ms"):
        return int(value[:-2]) / 1000
    return max(0.0, float(value[:-1]) - 1) * took


def split_body(fault: Fault, body: bytes) -> Iterator[bytes]:
    """Return the pieces in which ``split`` and ``cut-utf8`` send ``body``."""
    return split_characters(body) if fault.kind == "cut-utf8" else split_bytes(body, int(fault.value or 1))


def split_bytes(body: bytes, size: int) -> Iterator[bytes]:
    """Yield ``body`` in pieces of ``size`` bytes."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def split_characters(body: bytes) -> Iterator[bytes]:
    """Yield ``body`` in pieces that end after the first byte of each character that has several."""
    start = 0
    for found in re.finditer(rb"[\xc2-\xf4](?=[\x80-\xbf])", body):
        yield body[start : found.end()]
        start = found.end()
    yield body[start:]


async def gone(receive: Receive) -> None:
    """Wait until the client leaves."""
    while not (await receive())["type"].endswith(".disconnect"):
        pass


def _without_length(message: Message) -> Message:
    headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
    return {**message, "headers": headers}
