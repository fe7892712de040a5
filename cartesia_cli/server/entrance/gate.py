"""Who gets in: whose key or token, and whose version, is good; and what has no route."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.entrance.access import check_access, check_version
from cartesia_cli.server.entrance.tokens import ForbiddenError, Tokens
from cartesia_cli.server.failures import error_response, request_id
from cartesia_cli.server.openapi import PATH as OPENAPI
from cartesia_cli.server.playground import ASSETS as PLAYGROUND


class Missing:
    """Answers where no route leads: sockets at the handshake, in the API's words."""

    def __init__(self, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "websocket":
            await self._otherwise(scope, receive, send)
            return
        refusal = RequestError(f"There is no socket at {scope['path']}.", title="Not Found", code="not_found")
        await _refuse_socket(WebSocket(scope, receive, send), refusal)


async def _refuse_socket(socket: WebSocket, error: CartesiaError) -> None:
    await socket.send_denial_response(_refusal(socket, error))


def _refusal(connection: HTTPConnection, error: CartesiaError) -> Response:
    return error_response(connection, error, 403 if isinstance(error, ForbiddenError) else None)


class Gate:
    """Lets a request in if its key, or token, and its version are good; the answer gets its identifier.

    Everybody may see the status, the page with all that it loads, and the description of the API.

    Args:
        app: what answers those who are in.
        keys: what is accepted; None lets everybody in.
        tokens: those that this server issued.
        root: the path under which everything lies.
    """

    def __init__(self, app: ASGIApp, keys: Collection[str] | None, tokens: Tokens, root: str) -> None:
        self._app = app
        self._root = root
        self._tokens = tokens
        self._keys = None if keys is None else frozenset(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or refuse it."""
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
            if not self._is_public(scope):
                self._check(connection)
        except CartesiaError as error:
            await _refusal(connection, error)(scope, receive, send_identified)
            return
        await self._app(scope, receive, send_identified)

    def _is_public(self, scope: Scope) -> bool:
        path: str = scope["path"].removeprefix(self._root).rstrip("/")
        return scope["method"] in {"GET", "HEAD"} and (path in {"", OPENAPI} or path.startswith(PLAYGROUND))

    def _check(self, connection: HTTPConnection) -> None:
        check_version(connection)
        path: str = connection.scope["path"]
        check_access(connection, self._keys, self._tokens, path.removeprefix(self._root))
