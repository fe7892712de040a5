"""The Cartesia API as an ASGI app on an engine."""

import time
from collections.abc import Callable, Collection, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from cartesia_cli.engines import (
    LiveTranscriber,
    Synthesizer,
    Transcriber,
    VoiceCatalogue,
    VoiceChanger,
    VoiceLibrary,
)
from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.access import check_access, check_version
from cartesia_cli.server.catalogue import voice_routes
from cartesia_cli.server.changing import changing_routes
from cartesia_cli.server.dictionaries import Dictionaries, dictionary_routes
from cartesia_cli.server.failures import (
    error_response,
    on_bug,
    on_cartesia_error,
    on_http_exception,
    request_id,
)
from cartesia_cli.server.faults import Fault, FaultMiddleware, FaultPlan
from cartesia_cli.server.listening import listening_routes
from cartesia_cli.server.metering import (
    MeteredLiveTranscriber,
    MeteredSynthesizer,
    MeteredTranscriber,
    MeteredVoiceChanger,
)
from cartesia_cli.server.speaking import EXPIRY, IDLE, speaking_routes
from cartesia_cli.server.synthesis import synthesis_routes
from cartesia_cli.server.tokens import ForbiddenError, Tokens, token_routes
from cartesia_cli.server.transcription import transcription_routes
from cartesia_cli.server.usage import Ledger, usage_routes
from cartesia_cli.server.voicemaking import voicemaking_routes
from cartesia_cli.wire.version import API_VERSION

_HANDLERS: dict[int | type[Exception], ExceptionHandler] = {
    CartesiaError: on_cartesia_error,
    HTTPException: on_http_exception,
    Exception: on_bug,
}


def create_app(
    synthesizer: Synthesizer,
    catalogue: VoiceCatalogue,
    *,
    transcriber: Transcriber | None = None,
    live_transcriber: LiveTranscriber | None = None,
    library: VoiceLibrary | None = None,
    dictionaries: Dictionaries | None = None,
    changer: VoiceChanger | None = None,
    keys: Collection[str] | None = None,
    prefix: str = "",
    faults: Iterable[Fault] = (),
    seed: int = 0,
    chunk_seconds: float | None = 0.1,
    max_body: int = 32 * 2**20,
    max_recording: int = 2 * 10**9,
    max_clip: int = 64 * 2**20,
    clock: Callable[[], float] = time.time,
    context_expiry: float = EXPIRY,
    idle: float = IDLE,
) -> Starlette:
    """Return an app that answers as the Cartesia API does.

    Args:
        synthesizer: what speaks.
        catalogue: whose voices there are.
        transcriber: what listens; without one, recordings are answered with status 501.
        live_transcriber: what listens while it is being said; without one, its sockets are refused with 501.
        library: what makes and changes the voices of ``catalogue``; without one, that is answered with 501.
        dictionaries: of pronunciations; without them, their routes are answered with 501.
        changer: what changes recordings; without one, that is answered with 501.
        keys: the API keys that are accepted; ``None`` accepts every request, also without a key.
        prefix: a path like ``/cartesia`` under which everything lies.
        faults: failures that requests meet.
        seed: decides which requests meet the faults that have a chance.
        chunk_seconds: the length of an event's audio; ``None`` passes on the engine's chunks, even those that
            end inside a sample, which is only of use to try out clients.
        max_body: bytes that a request may have.
        max_recording: bytes that a request with a recording may have.
        max_clip: bytes that a request with a clip of a speaker may have.
        clock: seconds since 1970, for tokens and for what was used.
        context_expiry: seconds after its last sound at which a context ends that nobody continues.
        idle: seconds without any message, after which a socket for speech is closed.
    """
    ledger, tokens = Ledger(clock), Tokens(clock=clock)
    speaker = MeteredSynthesizer(synthesizer, ledger)
    listener = transcriber and MeteredTranscriber(transcriber, ledger)
    live_listener = live_transcriber and MeteredLiveTranscriber(live_transcriber, ledger)
    routes: list[Route | WebSocketRoute] = [
        Route("/", status, methods=["GET"]),
        *synthesis_routes(speaker, chunk_seconds=chunk_seconds, max_body=max_body),
        *transcription_routes(listener, max_recording=max_recording),
        *voice_routes(catalogue, library),
        *voicemaking_routes(library, max_body=max_body, max_clip=max_clip),
        *dictionary_routes(dictionaries, max_body=max_body),
        *changing_routes(changer and MeteredVoiceChanger(changer, ledger), max_recording=max_recording),
        *token_routes(tokens),
        *usage_routes(ledger),
        *speaking_routes(speaker, chunk_seconds=chunk_seconds, expiry=context_expiry, idle=idle),
        *listening_routes(live_listener),
    ]
    root = f"/{prefix.strip('/')}".rstrip("/")
    app = Starlette(
        routes=_spelled(routes, root),
        middleware=[
            Middleware(FaultMiddleware, plan=FaultPlan(faults, seed), root=root),
            Middleware(_Gate, keys=keys, tokens=tokens, root=root),
        ],
        exception_handlers=_HANDLERS,
    )
    app.router.redirect_slashes = False
    app.router.default = _Missing(app.router.default)
    return app


async def status(_request: Request) -> Response:
    """Say that the server is there, and the newest version that it speaks."""
    return JSONResponse({"ok": True, "version": API_VERSION})


def _spelled(routes: Iterable[Route | WebSocketRoute], root: str) -> list[BaseRoute]:
    """Return ``routes`` below ``root``, each with a slash at its end and without: clients send both."""
    spelled: list[BaseRoute] = []
    for route in routes:
        path = f"{root}{route.path}".rstrip("/")
        for each in (path, f"{path}/"):
            if isinstance(route, WebSocketRoute):
                spelled.append(WebSocketRoute(each, route.endpoint))
            elif each:
                spelled.append(Route(each, route.endpoint, methods=list(route.methods or ())))
    return spelled


class _Missing:
    """Answers where no route leads: sockets at the handshake, in the API's words."""

    def __init__(self, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._otherwise(scope, receive, send)
            return
        refusal = RequestError(f"There is no socket at {scope['path']}.", title="Not Found", code="not_found")
        await _refuse_socket(WebSocket(scope, receive, send), refusal)


async def _refuse_socket(socket: WebSocket, error: CartesiaError) -> None:
    await socket.send_denial_response(_refusal(socket, error))


def _refusal(connection: HTTPConnection, error: CartesiaError) -> Response:
    return error_response(connection, error, 403 if isinstance(error, ForbiddenError) else None)


class _Gate:
    """Lets a request in if its key, or token, and its version are good; the answer gets its identifier."""

    def __init__(self, app: ASGIApp, keys: Collection[str] | None, tokens: Tokens, root: str) -> None:
        self._app = app
        self._root = root
        self._tokens = tokens
        self._status = {root, f"{root}/"}
        self._keys = None if keys is None else frozenset(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            try:
                self._check(HTTPConnection(scope))
            except CartesiaError as error:
                await _refuse_socket(WebSocket(scope, receive, send), error)
                return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        identifier = request_id(connection).encode()

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [(name, value) for name, value in message["headers"] if name != b"x-request-id"]
                message = {**message, "headers": [*others, (b"x-request-id", identifier)]}
            await send(message)

        try:
            # Everyone may ask for the status.
            if scope["method"] != "GET" or scope["path"] not in self._status:
                self._check(connection)
        except CartesiaError as error:
            await _refusal(connection, error)(scope, receive, send_identified)
            return
        await self._app(scope, receive, send_identified)

    def _check(self, connection: HTTPConnection) -> None:
        check_version(connection)
        path: str = connection.scope["path"]
        check_access(connection, self._keys, self._tokens, path.removeprefix(self._root))
