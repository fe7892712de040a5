"""The Cartesia API as an ASGI app on an engine."""

from collections.abc import Collection, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from cartesia_cli.engines import Synthesizer, Transcriber, VoiceCatalogue
from cartesia_cli.errors import CartesiaError
from cartesia_cli.server.access import check_key, check_version
from cartesia_cli.server.catalogue import voice_routes
from cartesia_cli.server.failures import (
    error_response,
    on_bug,
    on_cartesia_error,
    on_http_exception,
    request_id,
)
from cartesia_cli.server.faults import Fault, FaultMiddleware, FaultPlan
from cartesia_cli.server.synthesis import synthesis_routes
from cartesia_cli.server.transcription import transcription_routes
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
    keys: Collection[str] | None = None,
    prefix: str = "",
    faults: Iterable[Fault] = (),
    seed: int = 0,
    chunk_seconds: float | None = 0.1,
    max_body: int = 32 * 2**20,
    max_recording: int = 2 * 10**9,
) -> Starlette:
    """Return an app that answers as the Cartesia API does.

    Args:
        synthesizer: what speaks.
        catalogue: whose voices there are.
        transcriber: what listens; without one, recordings are answered with status 501.
        keys: the API keys that are accepted; ``None`` accepts every request, also without a key.
        prefix: a path like ``/cartesia`` under which everything lies.
        faults: failures that requests meet.
        seed: decides which requests meet the faults that have a chance.
        chunk_seconds: the length of an event's audio; ``None`` passes on the engine's chunks, even those that
            end inside a sample, which is only of use to try out clients.
        max_body: bytes that a request may have.
        max_recording: bytes that a request with a recording may have.
    """
    routes = [
        Route("/", status, methods=["GET"]),
        *synthesis_routes(synthesizer, chunk_seconds=chunk_seconds, max_body=max_body),
        *transcription_routes(transcriber, max_recording=max_recording),
        *voice_routes(catalogue),
    ]
    root = f"/{prefix.strip('/')}".rstrip("/")
    app = Starlette(
        routes=_spelled(routes, root),
        middleware=[
            Middleware(FaultMiddleware, plan=FaultPlan(faults, seed), root=root),
            Middleware(_Gate, keys=keys, root=root),
        ],
        exception_handlers=_HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


async def status(_request: Request) -> Response:
    """Say that the server is there, and the newest version that it speaks."""
    return JSONResponse({"ok": True, "version": API_VERSION})


def _spelled(routes: list[Route], root: str) -> list[Route]:
    """Return ``routes`` below ``root``, each with a slash at its end and without: clients send both."""
    paths = [(f"{root}{route.path}".rstrip("/"), route) for route in routes]
    return [
        Route(f"{path}{slash}", route.endpoint, methods=list(route.methods or ()))
        for path, route in paths
        for slash in ("", "/")
        if path or slash
    ]


class _Gate:
    """Lets a request in if its key and its version are good; the answer gets the request's identifier."""

    def __init__(self, app: ASGIApp, keys: Collection[str] | None, root: str) -> None:
        self._app = app
        self._status = {root, f"{root}/"}
        self._keys = None if keys is None else frozenset(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                check_version(connection)
                check_key(connection, self._keys)
        except CartesiaError as error:
            await error_response(connection, error)(scope, receive, send_identified)
            return
        await self._app(scope, receive, send_identified)
