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

from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.access import check_access, check_version
from cartesia_cli.server.catalogue import voice_routes
from cartesia_cli.server.changing import changing_routes
from cartesia_cli.server.dictionaries import dictionary_routes
from cartesia_cli.server.failures import (
    error_response,
    on_bug,
    on_cartesia_error,
    on_http_exception,
    request_id,
)
from cartesia_cli.server.faults import Fault, FaultMiddleware, FaultPlan
from cartesia_cli.server.listening import listening_routes
from cartesia_cli.server.metering import metered
from cartesia_cli.server.rules import USUAL, Rules
from cartesia_cli.server.speaking import speaking_routes
from cartesia_cli.server.staff import Staff
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
    staff: Staff,
    *,
    rules: Rules = USUAL,
    keys: Collection[str] | None = None,
    prefix: str = "",
    faults: Iterable[Fault] = (),
    seed: int = 0,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return an app that answers as the Cartesia API does.

    Args:
        staff: the engines that do the work.
        rules: what is accepted, how much of it, and how long is waited.
        keys: the API keys that are accepted; ``None`` accepts every request, also without a key.
        prefix: a path like ``/cartesia`` under which everything lies.
        faults: failures that requests meet.
        seed: decides which requests meet the faults that have a chance.
        clock: seconds since 1970, for tokens and for what was used.
    """
    ledger, tokens = Ledger(clock), Tokens(clock=clock)
    paid = metered(staff, ledger)
    routes: list[Route | WebSocketRoute] = [
        Route("/", status, methods=["GET"]),
        *synthesis_routes(paid.synthesizer),
        *transcription_routes(paid.transcriber),
        *voice_routes(paid.catalogue, paid.library),
        *voicemaking_routes(paid.library),
        *dictionary_routes(paid.dictionaries),
        *changing_routes(paid.changer),
        *token_routes(tokens),
        *usage_routes(ledger),
        *speaking_routes(paid.synthesizer),
        *listening_routes(paid.live_transcriber),
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
    app.state.rules = rules
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
