"""``/stt/websocket`` and ``/stt/turns/websocket``: sound in, text out while it is being said."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from anyio import CancelScope, create_task_group, move_on_after
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from cartesia_cli.engines import LiveTranscriber
from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.models import ListenRequest, TranscriptUpdate
from cartesia_cli.server.failures import UnableError, error_response, request_id, status_of
from cartesia_cli.server.hearing.sound import Sound, hear
from cartesia_cli.server.hosting.means import let_finish
from cartesia_cli.server.rules import rules_of
from cartesia_cli.wire.listening import SAMPLE_WIDTHS, TurnRules, decode_listen_query
from cartesia_cli.wire.live import (
    Command,
    Milestone,
    decode_command,
    decode_turn_command,
    encode_live_error,
    encode_milestone,
    encode_turn,
    encode_update,
)
from cartesia_cli.wire.values import shorten

_MOST_STRETCHES = 16
"""How many ``finalize`` may wait for their answer before no more is read."""


def listening_routes(transcriber: LiveTranscriber | None) -> list[WebSocketRoute]:
    """Return the routes that listen with ``transcriber``; without one, they refuse at the handshake."""

    async def manual(websocket: WebSocket) -> None:
        await _open(_Manual, websocket, transcriber, turns=False)

    async def turns(websocket: WebSocket) -> None:
        await _open(_Turns, websocket, transcriber, turns=True)

    return [WebSocketRoute("/stt/websocket", manual), WebSocketRoute("/stt/turns/websocket", turns)]


async def _open(
    kind: "type[_Conversation]",
    websocket: WebSocket,
    transcriber: LiveTranscriber | None,
    *,
    turns: bool,
) -> None:
    if transcriber is None:
        refusal = UnableError("This server does not transcribe.")
        await websocket.send_denial_response(error_response(websocket, refusal))
        return
    try:
        asked = decode_listen_query(websocket.query_params.multi_items(), turns=turns)
        if not rules_of(websocket).is_lenient:
            _check_model(asked)
    except RequestError as error:
        await websocket.send_denial_response(error_response(websocket, error))
        return
    await websocket.accept()
    await kind(websocket, transcriber, asked, rules_of(websocket).listening_idle).hold()


def _check_model(asked: ListenRequest) -> None:
    """Refuse a model that this socket has not; new dates of those that there are may come at any time.

    Raises:
        RequestError: as the API answers with status 400.
    """
    families = ("ink-2",) if asked.turns else ("ink-2", "ink-whisper", "ink-preview")
    model = asked.model_id or ""
    if not any(model == family or model.startswith(f"{family}-") for family in families):
        raise RequestError(
            f"{shorten(model)} is no model of this socket: there is {' and '.join(families[:2])}.",
            title="Invalid model",
            code="model_not_found",
        )


class _Conversation(ABC):
    """One open socket: a task that reads it, and one that answers."""

    def __init__(
        self, websocket: WebSocket, transcriber: LiveTranscriber, asked: ListenRequest, idle: float
    ) -> None:
        self._websocket = websocket
        self._transcriber = transcriber
        self._asked = asked
        self._idle = idle
        self._id = request_id(websocket)
        self._is_closing = False
        self._everything = CancelScope()

    async def hold(self) -> None:
        """Hold the conversation until one side ends it; nothing of it is left then."""
        let_finish(self._websocket.scope, lambda: self._is_closing)
        async with create_task_group() as tasks:
            self._everything = tasks.cancel_scope
            tasks.start_soon(self._read)
            try:
                await self._answer()
            except CartesiaError as error:
                status = status_of(error)
                await self._fail(error)
                await self._close(1011 if status >= 500 else 1008, error.title or "")
            else:
                await self._close(1000)
            self._everything.cancel()

    @abstractmethod
    async def _answer(self) -> None:
        """Say everything that is to be said.

        Raises:
            CartesiaError: of the engine.
        """

    @abstractmethod
    async def _take(self, data: bytes) -> None:
        """Take sound."""

    @abstractmethod
    async def _obey(self, text: str) -> None:
        """Do what a text message says.

        Raises:
            RequestError: it says nothing that the API knows.
        """

    async def _read(self) -> None:
        while True:
            with move_on_after(None if self._is_closing else self._idle) as waiting:
                message = await self._websocket.receive()
            if waiting.cancelled_caught:
                await self._close(1000, "connection idle timeout")
                break
            if message["type"] == "websocket.disconnect":
                break
            if self._is_closing:
                continue
            if (data := message.get("bytes")) is not None:
                await self._take(data)
                continue
            try:
                await self._obey(message["text"])
            except RequestError as error:
                await self._fail(error)
        self._everything.cancel()

    async def _fail(self, error: CartesiaError) -> None:
        await self._say(encode_live_error(error, status=status_of(error), request_id=self._id))

    async def _say(self, message: Mapping[str, Any]) -> None:
        try:
            await self._websocket.send_json(message)
        except (WebSocketDisconnect, RuntimeError):  # the second if the server itself has closed it
            self._everything.cancel()

    async def _close(self, code: int, reason: str = "") -> None:
        try:
            await self._websocket.close(code, reason[:40])  # a reason has at most 123 bytes
        except (WebSocketDisconnect, RuntimeError):
            self._everything.cancel()


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The sound between two commands."""

    start: float
    """Seconds from the start of all sound."""

    sound: Sound = field(default_factory=Sound)
    command: asyncio.Future[Command] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """Which ends it."""


class _Manual(_Conversation):
    """The client says where the text so far is to be final: the engine then listens anew."""

    def __init__(
        self, websocket: WebSocket, transcriber: LiveTranscriber, asked: ListenRequest, idle: float
    ) -> None:
        super().__init__(websocket, transcriber, asked, idle)
        self._n_bytes = 0
        self._rest = b""
        self._has_text = False
        self._current = _Stretch(0.0)
        self._stretches: asyncio.Queue[_Stretch] = asyncio.Queue(_MOST_STRETCHES)
        self._stretches.put_nowait(self._current)

    async def _answer(self) -> None:
        command: Command = "finalize"
        while command != "close":
            stretch = await self._stretches.get()
            if await stretch.sound.begins():
                await self._write_down(stretch)
            command = await stretch.command
            milestone = Milestone.DONE if command == "close" else Milestone.FLUSHED
            await self._say(encode_milestone(milestone, request_id=self._id))

    async def _take(self, data: bytes) -> None:
        data = self._rest + data
        whole = len(data) - len(data) % SAMPLE_WIDTHS[self._asked.encoding]
        # A sample that is not complete belongs to what follows, even if that is another stretch.
        self._rest = data[whole:]
        self._n_bytes += whole
        await self._current.sound.put(data[:whole])

    async def _obey(self, text: str) -> None:
        command = decode_command(text)
        self._current.command.set_result(command)
        self._current.sound.end()
        if command == "close":
            self._is_closing = True
            return
        bytes_per_second = self._asked.sample_rate * SAMPLE_WIDTHS[self._asked.encoding]
        self._current = _Stretch(self._n_bytes / bytes_per_second)
        await self._stretches.put(self._current)

    async def _write_down(self, stretch: _Stretch) -> None:
        async with aclosing(hear(self._transcriber, self._asked, stretch.sound)) as updates:
            async for update in updates:
                message = encode_update(
                    _later(update, stretch.start),
                    request_id=self._id,
                    language=self._asked.language or "en",
                    continued=self._has_text,
                )
                await self._say(message)
                self._has_text |= update.kind != "interim" and bool(update.text)


class _Turns(_Conversation):
    """The engine says where a turn ends."""

    def __init__(
        self, websocket: WebSocket, transcriber: LiveTranscriber, asked: ListenRequest, idle: float
    ) -> None:
        super().__init__(websocket, transcriber, asked, idle)
        self._rules = TurnRules()
        self._sound = Sound()
        self._closed = asyncio.Event()
        self._shown: str | None = None
        """What the client knows of the turn; None between turns."""

    async def _answer(self) -> None:
        await self._say(encode_turn("connected", request_id=self._id))
        if await self._sound.begins():
            async with aclosing(hear(self._transcriber, self._asked, self._sound)) as updates:
                async for update in updates:
                    await self._tell(update)
        await self._closed.wait()

    async def _take(self, data: bytes) -> None:
        await self._sound.put(data)

    async def _obey(self, text: str) -> None:
        rules = decode_turn_command(text, self._rules)
        if rules is not None:
            self._rules = rules  # they are checked; engines have rules of their own
            return
        self._is_closing = True
        self._sound.end()
        self._closed.set()

    async def _tell(self, update: TranscriptUpdate) -> None:
        if self._shown is None:
            if not update.text:
                return
            self._shown = ""
            await self._say(encode_turn("turn.start", request_id=self._id))
        if update.kind != "interim":
            self._shown = None
            await self._say(encode_turn("turn.end", request_id=self._id, transcript=update.text))
        elif len(update.text) >= len(self._shown) and update.text != self._shown:
            # The text of a turn only grows: what became shorter waits until it is longer again.
            self._shown = update.text
            await self._say(encode_turn("turn.update", request_id=self._id, transcript=update.text))


def _later(update: TranscriptUpdate, seconds: float) -> TranscriptUpdate:
    """Return an update on a timeline that began earlier."""
    if not seconds:
        return update
    return replace(
        update,
        start=None if update.start is None else update.start + seconds,
        end=None if update.end is None else update.end + seconds,
        words=tuple(
            replace(word, start=word.start + seconds, end=word.end + seconds) for word in update.words
        ),
    )
