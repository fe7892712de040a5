"""The player: answers from cassettes alone."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.server.cassettes.asking import Asked, Incoming
from cartesia_cli.server.cassettes.covers import Cover
from cartesia_cli.server.cassettes.naming import RenamedStream
from cartesia_cli.server.cassettes.performing import HOW, NOT_RECORDED, Performance
from cartesia_cli.server.cassettes.tapes import Answer, Tape, find_tapes, read_answer
from cartesia_cli.server.cassettes.tracks import Repertoire, SocketTape
from cartesia_cli.server.cassettes.uploads import Upload
from cartesia_cli.server.failures import HANDLERS, error_response

_MOST_COMPARED = 200
"""Cassettes that are looked at for the one that is most like a request."""


def create_player(folder: Path, *, prefix: str = "") -> Starlette:
    """Return an app that answers from the cassettes in a folder, and from nothing else.

    Args:
        folder: of the cassettes.
        prefix: a path like ``/cartesia`` under which everything lies.

    Raises:
        UsageError: there is no such folder, no cassette in it, or one that is damaged.
    """
    app = Starlette(exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    app.router.default = _Player(find_tapes(folder), f"/{prefix.strip('/')}".rstrip("/"))
    return app


class _Player:
    """Finds the cassette of a request. Used by one event loop."""

    def __init__(self, tapes: Sequence[Tape], root: str) -> None:
        self._root = root
        self._tapes = tapes
        self._waiting: dict[bytes, list[Tape]] = {}
        for tape in reversed(tapes):
            self._waiting.setdefault(tape.asked.key, []).append(tape)
        sockets: dict[bytes, list[SocketTape]] = {}
        for tape in tapes:
            if tape.is_socket:
                sockets.setdefault(tape.asked.key, []).append(SocketTape(tape))
        self._repertoires = {key: Repertoire(found) for key, found in sockets.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = Incoming.of(scope, self._root)
        try:
            if scope["type"] == "websocket":
                with suppress(WebSocketDisconnect):
                    await self._hold(incoming, WebSocket(scope, receive, send))
            else:
                with suppress(ClientDisconnect):
                    response = await self._answer(incoming, Request(scope, receive))
                    await response(scope, receive, send)
        except UsageError as error:  # a cassette that was changed since the start
            refusal = error_response(HTTPConnection(scope), error, 500)
            refusal.headers["x-should-retry"] = "false"
            await refusal(scope, receive, send)

    async def _answer(self, incoming: Incoming, request: Request) -> Response:
        upload = Upload(incoming.content_type)
        async for data in request.stream():
            upload.feed(data)
        asked = incoming.asked(upload.describe(), Cover())
        tape = self._take(asked)
        if tape is None or tape.is_socket:
            return self._refusal(request, asked)
        return _response(await run_sync(read_answer, tape.path), tape.asked.context_id, asked.context_id)

    async def _hold(self, incoming: Incoming, websocket: WebSocket) -> None:
        asked = incoming.asked(None, Cover())
        tape = self._take(asked)
        if tape is None:
            await websocket.send_denial_response(self._refusal(websocket, asked))
        elif tape.is_socket:
            await websocket.accept()
            has_contexts = asked.path.startswith("/tts/")
            await Performance(websocket, self._repertoires[asked.key], has_contexts=has_contexts).hold()
        else:
            answer = await run_sync(read_answer, tape.path)
            body = b"".join(await run_sync(list, answer.pieces()))
            headers = dict(answer.headers)
            await websocket.send_denial_response(Response(body, status_code=answer.status, headers=headers))

    def _take(self, asked: Asked) -> Tape | None:
        """Return the next cassette of a request; the last one stays."""
        waiting = self._waiting.get(asked.key)
        if not waiting:
            return None
        return waiting.pop() if len(waiting) > 1 else waiting[0]

    def _refusal(self, connection: HTTPConnection, asked: Asked) -> Response:
        error = RequestError(
            f"{asked.method} {asked.path} was not recorded{self._difference(asked)}. {HOW}.",
            title="Not recorded",
            code=NOT_RECORDED,
        )
        response = error_response(connection, error, 404)
        response.headers["x-should-retry"] = "false"
        return response

    def _difference(self, asked: Asked) -> str:
        place = asked.method, asked.path.rstrip("/")
        alike = [tape for tape in self._tapes if (tape.asked.method, tape.asked.path.rstrip("/")) == place]
        found = [(tape.path.name, tape.asked.differences(asked)) for tape in alike[:_MOST_COMPARED]]
        if not found:
            return ""
        name, texts = min(found, key=lambda each: len(each[1]))
        return f" like this: in {name} {'; '.join(texts[:3])}" if texts else ""


def _response(answer: Answer, old_name: str | None, new_name: str | None) -> Response:
    """Return a recorded answer, with the client's own name for its context instead of the old one."""
    pieces = answer.pieces()
    size = answer.size
    if old_name and new_name and old_name != new_name:
        pieces, size = _renamed(pieces, old_name, new_name), None
    response = StreamingResponse(pieces, status_code=answer.status)
    response.raw_headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    ]
    if size is not None and answer.status not in {204, 304}:
        response.headers["content-length"] = str(size)
    return response


def _renamed(pieces: Iterator[bytes], old: str, new: str) -> Iterator[bytes]:
    renamed = RenamedStream(old, new)
    for piece in pieces:
        yield renamed.feed(piece)
    yield renamed.flush()
