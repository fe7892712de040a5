"""One socket that is passed on to the API, and its messages on the way into a cassette."""

import asyncio
import base64
import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from anyio import create_task_group
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cartesia_cli.api.relay import Relay, Relayed, RelayedSocket
from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.cassettes.asking import Incoming
from cartesia_cli.server.cassettes.covers import Cover
from cartesia_cli.server.cassettes.keeping import keep_answer
from cartesia_cli.server.cassettes.takes import Studio
from cartesia_cli.server.cassettes.texts import describe_text
from cartesia_cli.server.failures import error_response

_log = logging.getLogger(__name__)

_UNNAMED, _FAILED = 1005, 1011


class SocketRecording:
    """One socket between a client and the API.

    Args:
        relay: to the API.
        studio: where the cassette is made.
        cover: of what must not be written down.
        number: of the cassette.
        incoming: the handshake.
    """

    def __init__(self, relay: Relay, studio: Studio, cover: Cover, number: int, incoming: Incoming) -> None:
        self._relay = relay
        self._cover = cover
        self._incoming = incoming
        self._asked = incoming.asked(None, cover)
        self._take = studio.take(number, self._asked, suffix=".jsonl")
        self._sound = {"messages": 0, "bytes": 0}
        self._closing = {"from": "client", "code": _UNNAMED, "reason": ""}
        # Two: one of them waits for the API, the other one sends to it.
        self._threads = ThreadPoolExecutor(2, "relay")

    async def hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold the conversation until one side ends it."""
        websocket = WebSocket(scope, receive, send)
        loop = asyncio.get_running_loop()
        try:
            with suppress(WebSocketDisconnect, OSError):
                outcome = await loop.run_in_executor(
                    self._threads, self._relay.connect, self._incoming.target, self._incoming.headers
                )
                if isinstance(outcome, Relayed):
                    await self._refuse(websocket, outcome)
                else:
                    await self._converse(websocket, outcome)
        except CartesiaError as error:
            _log.warning("%s: %s", self._asked.path, error)
            status = 400 if isinstance(error, RequestError) else 502
            with suppress(WebSocketDisconnect, OSError):
                await websocket.send_denial_response(error_response(websocket, error, status))
        finally:
            self._take.discard()
            self._threads.shutdown(wait=False)

    async def _refuse(self, websocket: WebSocket, answer: Relayed) -> None:
        """Pass on a refusal, and keep it.

        Raises:
            BrokenConnectionError: it is not complete.
        """

        def read() -> bytes:
            body = bytearray()
            for piece in answer.pieces:
                self._take.write(piece)
                body += piece
            keep_answer(self._take, self._incoming, None, answer, self._cover)
            return bytes(body)

        body = await asyncio.get_running_loop().run_in_executor(self._threads, read)
        headers = {name: value for name, value in answer.headers if name != "content-length"}
        await websocket.send_denial_response(Response(body, status_code=answer.status, headers=headers))

    async def _converse(self, websocket: WebSocket, socket: RelayedSocket) -> None:
        try:
            await websocket.accept()
            async with create_task_group() as tasks:
                tasks.start_soon(self._from_client, websocket, socket)
                await self._from_server(websocket, socket)
                tasks.cancel_scope.cancel()
        finally:
            socket.close()

    async def _from_client(self, websocket: WebSocket, socket: RelayedSocket) -> None:
        loop = asyncio.get_running_loop()
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            data: str | bytes = message["bytes"] if message.get("text") is None else message["text"]
            if isinstance(data, bytes):
                self._sound["messages"] += 1
                self._sound["bytes"] += len(data)
            else:
                self._note("client", self._described(data))
            with suppress(CartesiaError):  # the reason is among what the API has sent, or there is none
                await loop.run_in_executor(self._threads, socket.send, data)
        self._closing["code"] = message.get("code") or _UNNAMED
        socket.close()

    async def _from_server(self, websocket: WebSocket, socket: RelayedSocket) -> None:
        loop = asyncio.get_running_loop()
        failure: CartesiaError | None = None
        try:
            while (messages := await loop.run_in_executor(self._threads, socket.receive_all)) is not None:
                for data, is_text in messages:
                    await self._tell(websocket, data, is_text=is_text)
        except CartesiaError as error:
            failure = error
        closing = socket.closing
        if closing is not None:
            self._closing = {"from": "server", "code": closing.code, "reason": closing.reason}
        elif failure is not None:
            _log.warning("%s: %s", self._asked.path, failure)
            self._take.discard()
        await loop.run_in_executor(self._threads, self._keep)
        if closing is not None:
            code = None if closing.code == _UNNAMED else closing.code
            await _close(websocket, code, closing.reason)
        elif failure is not None:
            await _close(websocket, _FAILED, "The API broke off.")

    async def _tell(self, websocket: WebSocket, data: bytes, *, is_text: bool) -> None:
        if is_text:
            text = data.decode("utf-8", "replace")
            self._note("server", self._described(text))
            message: dict[str, Any] = {"type": "websocket.send", "text": text}
        else:
            self._note("server", {"base64": base64.b64encode(data).decode("ascii")})
            message = {"type": "websocket.send", "bytes": data}
        with suppress(WebSocketDisconnect, RuntimeError):  # it has left: the other task knows
            await websocket.send(message)

    def _described(self, text: str) -> dict[str, Any]:
        return describe_text(self._cover.cover(text))

    def _note(self, side: str, fields: Mapping[str, Any]) -> None:
        """Add a message to the cassette, behind the sound that came before it."""
        self._note_sound()
        self._write({"from": side, **fields})

    def _note_sound(self) -> None:
        """Add what has come of sound since the last message, as one."""
        if self._sound["messages"]:
            self._write({"from": "client", "sound": self._sound})
            self._sound = {"messages": 0, "bytes": 0}

    def _write(self, message: Mapping[str, Any]) -> None:
        self._take.write(f"{json.dumps(message, ensure_ascii=False)}\n".encode())

    def _keep(self) -> None:
        self._note_sound()

        def fields(written: bytes, name: str | None) -> dict[str, Any]:
            lines = written.splitlines()
            messages = [json.loads(line) for line in lines] if name is None else {"file": name}
            return {"socket": {"messages": messages, "close": self._closing}}

        self._take.keep({"request": self._asked.fields}, fields)


async def _close(websocket: WebSocket, code: int | None, reason: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send({"type": "websocket.close", "code": code, "reason": reason})
