"""Faults on a socket: what its client gets of the messages, and how."""

import asyncio
import time
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.server.faults.answers import GARBAGE, delay_of, gone, split_body
from cartesia_cli.server.faults.parsing import Fault
from cartesia_cli.server.hosting.means import FRAGMENTS, close_connection

_FAILED, _UNNAMED = 1011, 1005


class FaultySocket:
    """One socket with its fault, between its client and the app.

    Once the fault has ended the conversation, nothing that the app says is sent any more; the app itself
    finds that its client has gone, or goes on until it has.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._fault = fault
        self._turn = asyncio.Lock()  # what waits keeps its place
        self._last = time.monotonic()
        self._is_first = True  # until there was a message
        self._is_over = False
        self._is_gone = False
        self._left = self._limit()

    async def run(self, app: ASGIApp) -> None:
        """Let the app hold the conversation, until the client has gone."""
        await app(self._scope, self._hear, self._say)
        # Without this the server would close a connection that is to stall.
        if self._fault.kind == "stall" and self._is_over and not self._is_gone:
            await gone(self._receive)

    def _limit(self) -> int | None:
        """Return the bytes of messages that arrive; None for one message."""
        fault = self._fault
        if fault.kind == "close":
            n_bytes = (fault.value or "").partition(",")[2]
            return int(n_bytes) if n_bytes else None
        if fault.kind == "stall" and fault.value is None:
            return 0
        if fault.kind in {"drop", "stall", "cut"} and fault.value is not None:
            return int(fault.value)
        return None

    async def _hear(self) -> Message:
        message = await self._receive()
        self._last = time.monotonic()
        self._is_gone = message["type"] == "websocket.disconnect"
        return message

    async def _say(self, message: Message) -> None:
        async with self._turn:
            if self._is_over:
                return
            if message["type"] == "websocket.send":
                await self._tell(message)
                return
            await self._send(message)
            if message["type"] == "websocket.accept" and self._left == 0:
                await self._end()

    async def _tell(self, message: Message) -> None:
        text = message.get("text")
        body = message["bytes"] if text is None else text.encode()
        is_first, self._is_first = self._is_first, False
        match self._fault.kind:
            case "drop" | "stall":
                await self._tell_limited(message, body)
            case "cut" | "close":
                if self._left is not None and len(body) > self._left:
                    await self._end()
                    return
                await self._send(message)
                if self._left is None:
                    await self._end()
                else:
                    self._left -= len(body)
            case "garbage":
                if is_first:
                    await self._send({"type": "websocket.send", "text": GARBAGE})
                await self._send(message)
            case "slow":
                await asyncio.sleep(delay_of(self._fault, time.monotonic() - self._last))
                await self._send(message)
                self._last = time.monotonic()
            case _:
                pieces = list(split_body(self._fault, body))
                await self._tell_fragments(message, pieces, is_whole=True)

    async def _tell_limited(self, message: Message, body: bytes) -> None:
        """Send a message, or what there may be of it."""
        left = self._left or 0
        if len(body) < left:
            self._left = left - len(body)
            await self._send(message)
            return
        if len(body) == left:
            await self._send(message)
        elif left:
            await self._tell_fragments(message, [body[:left]], is_whole=False)
        await self._end()

    async def _tell_fragments(self, message: Message, pieces: Sequence[bytes], *, is_whole: bool) -> None:
        """Send a message in several frames, or the first of them; in one where the server cannot."""
        send = self._scope.get("extensions", {}).get(FRAGMENTS)
        if send is not None:
            await send(pieces, is_text=message.get("text") is not None, is_whole=is_whole)
        elif is_whole:
            await self._send(message)

    async def _end(self) -> None:
        """End the conversation in the way of the fault."""
        self._is_over = True
        if self._fault.kind == "drop":
            close_connection(self._scope)
        elif self._fault.kind == "cut":
            await self._send({"type": "websocket.close", "code": 1000})
        elif self._fault.kind == "close":
            code = int((self._fault.value or str(_FAILED)).partition(",")[0])
            await self._send({"type": "websocket.close", "code": None if code == _UNNAMED else code})
