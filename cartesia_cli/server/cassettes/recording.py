"""The recorder: a proxy to the API that keeps what passes through it. Nothing waits for the keeping."""

import logging
from collections.abc import Generator
from pathlib import Path

from anyio import CancelScope, CapacityLimiter, create_task_group, sleep
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from cartesia_cli.api.relay import Call, Relay, Relayed
from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.cassettes.asking import Incoming
from cartesia_cli.server.cassettes.covers import Cover
from cartesia_cli.server.cassettes.eavesdropping import SocketRecording
from cartesia_cli.server.cassettes.keeping import is_text, keep_answer, suffix_of
from cartesia_cli.server.cassettes.takes import Studio
from cartesia_cli.server.cassettes.uploads import Upload
from cartesia_cli.server.failures import HANDLERS, error_response
from cartesia_cli.server.hearing.sound import AbandonedError, Sound
from cartesia_cli.server.hosting.means import close_connection

_log = logging.getLogger(__name__)

_MOST_THREADS = 1000
"""Each request that is being answered has one."""

_PATIENCE = 1.0
"""Seconds for the rest of an answer whose client has left: many leave as soon as they have what they need."""


def create_recorder(relay: Relay, folder: Path, *, prefix: str = "") -> Starlette:
    """Return an app that passes everything on to the API, and keeps a cassette of each exchange in a folder.

    Args:
        relay: to the API.
        folder: of the cassettes; those that are there already stay, and the numbers go on after theirs.
        prefix: a path like ``/cartesia`` under which everything lies.

    Raises:
        OutputError: the folder cannot be made, or written in.
        UsageError: it is no folder.
    """
    app = Starlette(exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    app.router.default = _Recorder(relay, folder, f"/{prefix.strip('/')}".rstrip("/"))
    return app


class _Recorder:
    """Passes on requests and sockets."""

    def __init__(self, relay: Relay, folder: Path, root: str) -> None:
        self._relay = relay
        self._root = root
        self._cover = Cover(relay.secrets)
        self._studio = Studio(folder, self._cover)
        self._threads = CapacityLimiter(_MOST_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number = self._studio.next_number()
        incoming = Incoming.of(scope, self._root)
        if scope["type"] == "websocket":
            recording = SocketRecording(self._relay, self._studio, self._cover, number, incoming)
            await recording.hold(scope, receive, send)
        else:
            await _Exchange(self._relay, self._studio, self._cover, self._threads, number, incoming).hold(
                scope, receive, send
            )


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        relay: Relay,
        studio: Studio,
        cover: Cover,
        threads: CapacityLimiter,
        number: int,
        incoming: Incoming,
    ) -> None:
        self._relay = relay
        self._studio = studio
        self._cover = cover
        self._threads = threads
        self._number = number
        self._incoming = incoming
        self._upload = Upload(incoming.content_type)
        self._body = Sound()
        self._call = Call()
        self._failure: CartesiaError | None = None

    async def hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back."""
        async with create_task_group() as tasks:
            tasks.start_soon(self._listen, receive)
            try:
                await self._answer(scope, receive, send)
            finally:
                tasks.cancel_scope.cancel()

    async def _listen(self, receive: Receive) -> None:
        """Take the request's body; end everything when its client leaves."""
        try:
            while (message := await receive())["type"] != "http.disconnect":
                data = message.get("body", b"")
                self._upload.feed(data)
                await self._body.put(data)
                if not message.get("more_body", False):
                    self._upload.is_complete = True
                    self._body.end()
            if self._upload.is_complete:
                await sleep(_PATIENCE)
        except CartesiaError as error:  # the rest does not come
            self._failure = error
        finally:
            self._body.abandon()
            self._call.interrupt()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._incoming.asked(None, self._cover)  # from here on its key is covered
        try:
            answer = await run_sync(self._ask, limiter=self._threads)
        except AbandonedError:
            if self._failure is not None:
                await error_response(HTTPConnection(scope), self._failure)(scope, receive, send)
            return
        except CartesiaError as error:
            _log.warning("%s %s: %s", asked.method, asked.path, error)
            status = 400 if isinstance(error, RequestError) else 502
            await error_response(HTTPConnection(scope), error, status)(scope, receive, send)
            return
        pieces = self._taped(answer)
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": [
                        (name.encode("latin-1"), text.encode("latin-1")) for name, text in answer.headers
                    ],
                }
            )
            # StopIteration cannot cross from a thread into a coroutine: None says the same.
            while (piece := await run_sync(next, pieces, None, limiter=self._threads)) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except CartesiaError as error:
            _log.warning("%s %s: answer broken off: %s", asked.method, asked.path, error)
            close_connection(scope)
        finally:
            with CancelScope(shield=True):
                await run_sync(pieces.close, limiter=self._threads)

    def _ask(self) -> Relayed:
        incoming = self._incoming
        return self._relay.ask(self._call, incoming.method, incoming.target, incoming.headers, self._body)

    def _taped(self, answer: Relayed) -> Generator[bytes, None, None]:
        """Yield an answer's body; when it is complete, so is the cassette."""
        asked = self._incoming.asked(None, self._cover)
        take = self._studio.take(self._number, asked, suffix=suffix_of(answer), is_text=is_text(answer))
        try:
            for piece in answer.pieces:
                take.write(piece)
                yield piece
            if self._upload.is_complete:
                keep_answer(take, self._incoming, self._upload.describe(), answer, self._cover)
        finally:
            answer.pieces.close()
            take.discard()
