"""``/tts/websocket``: text in while it is being written, speech out; many contexts on one socket."""

import asyncio
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

from anyio import create_task_group, move_on_after
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from cartesia_cli.engines import Synthesizer
from cartesia_cli.errors import CartesiaError, LimitError
from cartesia_cli.server.entrance.crowd import Crowd, CrowdedError, Work, crowd_of
from cartesia_cli.server.failures import request_id, status_of
from cartesia_cli.server.hosting.means import let_finish
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.messages import read_command
from cartesia_cli.server.speech.contexts import ClientGone, Context
from cartesia_cli.server.versions import requested_version
from cartesia_cli.wire import encode_error_event
from cartesia_cli.wire.commands import (
    Cancel,
    Speak,
    decode_message,
    decode_opening,
    named_context,
)
from cartesia_cli.wire.version import FIRST_WITHOUT_EMBEDDINGS

_MOST_CONTEXTS = 256
"""On one socket at the same time: each has a thread."""

_MOST_REMEMBERED = 10_000
"""Contexts that are over and whose late messages are known as such."""


def speaking_routes(synthesizer: Synthesizer) -> list[WebSocketRoute]:
    """Return the route that speaks with ``synthesizer`` what is still being written.

    Audio longer than a chunk is cut, shorter is not put together.
    """

    async def tts(websocket: WebSocket) -> None:
        rules = rules_of(websocket)
        begin = partial(
            Context,
            synthesizer,
            expiry=rules.context_expiry,
            chunk_seconds=rules.chunk_seconds,
            # Old clients take the number of a flush for a place in a list, which begins with 0.
            first_flush=int(requested_version(websocket) >= FIRST_WITHOUT_EMBEDDINGS),
        )
        with suppress(WebSocketDisconnect):
            await websocket.accept()
            await _Conversation(websocket, begin, rules.speaking_idle, crowd_of(websocket)).hold()

    return [WebSocketRoute("/tts/websocket", tts)]


class _Outbox:
    """Messages to one client, sent one after the other; each sender waits until its own is sent."""

    def __init__(self, websocket: WebSocket) -> None:
        self.last_sent = time.monotonic()
        self._websocket = websocket
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[str, Future[None]]] = asyncio.Queue()
        self._lock = Lock()
        self._waiting: set[Future[None]] = set()
        self._is_closed = False

    def send(self, message: Mapping[str, Any]) -> None:
        """Send from a thread that is not the event loop's.

        Raises:
            ClientGone: it cannot be sent any more.
        """
        self._put(message).result()

    async def post(self, message: Mapping[str, Any]) -> None:
        """Send from the event loop.

        Raises:
            ClientGone: it cannot be sent any more.
        """
        await asyncio.wrap_future(self._put(message))

    async def run(self) -> None:
        """Send what is put in, until the client is gone."""
        try:
            while True:
                text, sent = await self._queue.get()
                await self._websocket.send_text(text)
                self.last_sent = time.monotonic()
                with self._lock:
                    if sent in self._waiting:
                        self._waiting.remove(sent)
                        sent.set_result(None)
        except (WebSocketDisconnect, RuntimeError):  # the second if the server itself has closed it
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Let nobody wait any more, now or later."""
        with self._lock:
            self._is_closed = True
            for sent in self._waiting:
                sent.set_exception(ClientGone())
            self._waiting.clear()

    def _put(self, message: Mapping[str, Any]) -> "Future[None]":
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        sent: Future[None] = Future()
        sent.set_running_or_notify_cancel()  # from here on nobody can cancel it
        with self._lock:
            if self._is_closed:
                raise ClientGone
            self._waiting.add(sent)
            self._loop.call_soon_threadsafe(self._queue.put_nowait, (text, sent))
        return sent


class _Conversation:
    """One open socket and its contexts."""

    def __init__(self, websocket: WebSocket, begin: "partial[Context]", idle: float, crowd: Crowd) -> None:
        self._websocket = websocket
        self._begin = begin
        self._idle = idle
        self._crowd = crowd
        self._id = request_id(websocket)
        self._outbox = _Outbox(websocket)
        self._lock = Lock()
        self._contexts: dict[str, Context] = {}  # the newest of each ID
        self._n_alive = 0  # also of those that others of the same ID wait for
        self._over: dict[str, None] = {}  # an ordered set of IDs

    async def hold(self) -> None:
        """Hold the conversation until one side ends it; its contexts stop soon after."""
        let_finish(self._websocket.scope, lambda: self._n_alive > 0)
        async with create_task_group() as tasks:
            tasks.start_soon(self._outbox.run)
            try:
                await self._read()
            except ClientGone:
                pass
            finally:
                self._outbox.close()
                with self._lock:
                    contexts = [*self._contexts.values()]
                for context in contexts:
                    context.cancel()
                tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        last_heard = time.monotonic()
        while True:
            left = max(last_heard, self._outbox.last_sent) + self._idle - time.monotonic()
            if left <= 0:
                await self._close(1000, "connection idle timeout")
                return
            with move_on_after(left) as waiting:
                message = await self._websocket.receive()
            if waiting.cancelled_caught:
                continue
            if message["type"] == "websocket.disconnect":
                return
            last_heard = time.monotonic()
            data = message.get("text")
            await self._obey(message["bytes"] if data is None else data)

    async def _obey(self, data: str | bytes) -> None:
        payload: Mapping[str, Any] = {}
        try:
            payload = decode_message(data)
            command = read_command(payload, lenient=rules_of(self._websocket).is_lenient)
            match command:
                case Cancel():
                    if context := self._contexts.get(command.context_id):
                        context.cancel()
                case Speak():
                    self._speak(command)
        except CartesiaError as error:
            context_id = named_context(payload)
            context = self._contexts.get(context_id or "")
            # There may be one that has not ended yet, but it is not the one that there is no place for.
            if context and not isinstance(error, CrowdedError):
                context.fail(error)
                return
            if context_id and isinstance(error, CrowdedError):
                self._remember(context_id)
            error.request_id = error.request_id or self._id
            await self._outbox.post(encode_error_event(error, status=status_of(error), context_id=context_id))

    def _speak(self, command: Speak) -> None:
        """Give a part of a text to its context, or to a new one.

        Raises:
            CartesiaError: it cannot be spoken.
        """
        before = self._contexts.get(command.context_id)
        if before is not None and before.add(command):
            return
        is_known = before is not None or command.context_id in self._over
        if is_known and not command.transcript.strip():
            return  # the end of what is over already
        if self._n_alive >= _MOST_CONTEXTS:
            raise LimitError(
                f"A socket has at most {_MOST_CONTEXTS} contexts at a time.",
                title="Too many contexts",
                code="concurrency_limited",
            )
        request = decode_opening(command)
        # Those of one ID are spoken one after the other: they need one place.
        place = (before and before.pass_on()) or self._crowd.enter(Work.SPEAKING)
        context = self._begin(
            request,
            send=self._outbox.send,
            on_end=self._end,
            after=before,
            identifier=self._id,
            place=place,
        )
        context.add(command)
        with self._lock:
            self._contexts[context.id] = context
            self._n_alive += 1
        context.start()

    def _end(self, context: Context) -> None:
        """Forget a context; called by its thread."""
        with self._lock:
            self._n_alive -= 1
            if self._contexts.get(context.id) is context:
                del self._contexts[context.id]
        self._remember(context.id)

    def _remember(self, context_id: str) -> None:
        """Know the end of a text for one, that comes when the text is over."""
        with self._lock:
            self._over[context_id] = None
            if len(self._over) > _MOST_REMEMBERED:
                del self._over[next(iter(self._over))]

    async def _close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.close(code, reason)
