"""One socket that is answered from cassettes."""

from collections.abc import Mapping
from typing import Any

from anyio.to_thread import run_sync
from starlette.websockets import WebSocket

from cartesia_cli.errors import RequestError
from cartesia_cli.server.cassettes.tracks import Playing, Repertoire, Track, context_of, parse_message
from cartesia_cli.server.failures import request_id
from cartesia_cli.wire import encode_error_event
from cartesia_cli.wire.live import encode_live_error

NOT_RECORDED = "not_recorded"
HOW = "Record it with cartesia serve --record DIR"

_UNNAMED = 1005


class Performance:
    """One open socket.

    Args:
        websocket: accepted.
        repertoire: what can be played on it.
        has_contexts: whether its messages name contexts.
    """

    def __init__(self, websocket: WebSocket, repertoire: Repertoire, *, has_contexts: bool) -> None:
        self._websocket = websocket
        self._repertoire = repertoire
        self._has_contexts = has_contexts
        self._playing: dict[str | None, Playing] = {}
        self._lost: set[str | None] = set()

    async def hold(self) -> None:
        """Hold the conversation until one side ends it.

        Raises:
            WebSocketDisconnect: the client left while something was said.
        """
        track = self._repertoire.begin()
        is_over = track is not None and await self._perform(self._begin(track, None))
        while not is_over:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            is_over = await (self._hear(message["bytes"]) if text is None else self._obey(text))

    async def _hear(self, data: bytes) -> bool:
        playing = self._playing.get(None)
        if playing is None:
            track = self._repertoire.find_sound()
            if track is None:
                return await self._complain(None, "no sound was recorded here")
            playing = self._begin(track, None)
        playing.hear(len(data))
        return await self._perform(playing)

    async def _obey(self, text: str) -> bool:
        """Answer a text; return whether the conversation is over."""
        value = parse_message(text)
        context_id = context_of(value)
        playing = self._playing.get(context_id)
        if playing is None:
            track = self._repertoire.find(value)
            if track is None:
                return await self._complain(context_id, self._repertoire.nearest(value), value)
            playing = self._begin(track, context_id)
        difference = playing.compare(value)
        if difference is not None:
            return await self._complain(context_id, f"in {playing.track.tape.path.name} {difference}", value)
        return await self._perform(playing)

    def _begin(self, track: Track, context_id: str | None) -> Playing:
        playing = self._playing[context_id] = Playing(track, context_id)
        return playing

    async def _perform(self, playing: Playing) -> bool:
        """Say what can be said now; return whether that was the end."""
        lines = playing.take()
        try:
            while (line := await run_sync(next, lines, None)) is not None:
                kind = "text" if isinstance(line, str) else "bytes"
                await self._websocket.send({"type": "websocket.send", kind: line})
        except (OSError, ValueError) as error:
            name = playing.track.tape.path.name
            return await self._complain(None, f"{name} cannot be read any more ({error})")
        return await self._end(playing)

    async def _end(self, last: Playing) -> bool:
        """Close the socket as the server once did, when all that it had said before has been said."""
        tape = last.track.tape
        played = {playing.track for playing in self._playing.values() if playing.is_over}
        if tape.closing is None or not played.issuperset(tape.tracks.values()):
            return False
        if len(played) != len(self._playing):
            return False
        code, reason = tape.closing
        await self._websocket.send(
            {"type": "websocket.close", "code": None if code == _UNNAMED else code, "reason": reason}
        )
        return True

    async def _complain(self, context_id: str | None, difference: str, value: Any = None) -> bool:
        """Say, once for each context, that something was not recorded."""
        is_cancel = isinstance(value, Mapping) and bool(value.get("cancel"))
        if context_id in self._lost or is_cancel:  # which comes when it comes
            return False
        if context_id is not None:
            self._lost.add(context_id)
        error = RequestError(
            f"This was not recorded: {difference}. {HOW}.",
            title="Not recorded",
            code=NOT_RECORDED,
            request_id=request_id(self._websocket),
        )
        if self._has_contexts:
            event = encode_error_event(error, status=404, context_id=context_id)
        else:
            event = encode_live_error(error, status=404, request_id=error.request_id or "")
        await self._websocket.send_json(event)
        return False
