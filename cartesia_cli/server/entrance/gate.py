"""Who gets in: whose key or token, and whose version, is good; and what has no route."""

from collections.abc import Collection

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.errors import CartesiaError, RequestError
from cartesia_cli.server.entrance.access import check_access
from cartesia_cli.server.entrance.tokens import Tokens
from cartesia_cli.server.failures import error_response, request_id
from cartesia_cli.server.openapi import PATH as OPENAPI
from cartesia_cli.server.playground import ASSETS as PLAYGROUND
from cartesia_cli.server.versions import check_version


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
        await error_response(HTTPConnection(scope), refusal)(scope, receive, send)


class Gate:
    """Lets in who has a good key, or token, and names a good version; every answer gets an identifier.

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
        """Let one request, or socket, in; or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
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
            await error_response(connection, error)(scope, receive, send_identified)
            return
        await self._app(scope, receive, send_identified)

    def _is_public(self, scope: Scope) -> bool:
        path: str = scope["path"].removeprefix(self._root).rstrip("/")
        is_reading = scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}
        return is_reading and (path in {"", OPENAPI} or path.startswith(PLAYGROUND))

    def _check(self, connection: HTTPConnection) -> None:
        check_version(connection)
        path: str = connection.scope["path"]
        check_access(connection, self._keys, self._tokens, path.removeprefix(self._root))
