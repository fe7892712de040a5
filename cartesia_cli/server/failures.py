"""Errors of our tree, and those that only a server has, as answers of the API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.server.versions import requested_version
from cartesia_cli.wire import encode_error
from cartesia_cli.wire.values import one_line

_STATUS_OF_CODE: Mapping[str, int] = {
    "quota_exceeded": 402,
    "plan_upgrade_required": 403,
    "voice_not_found": 404,
    "not_found": 404,
    "file_too_large": 413,
    "concurrency_limited": 429,
}
"""The API does not say which code has which status; these are the obvious ones."""


_LONGEST_PATH = 200
"""Characters of a path that a message repeats."""


class ForbiddenError(CredentialsError):
    """Who asks is known and may not have this: status 403."""


class StalledError(RequestError):
    """The rest of a request does not come: status 408."""


class UnableError(CartesiaError):
    """Nobody here can do this work: status 501."""

    def __init__(self, message: str) -> None:
        super().__init__(message, title="Not implemented")


_STATUS_OF_CLASS: Mapping[type[CartesiaError], int] = {
    ForbiddenError: 403,
    CredentialsError: 401,
    LimitError: 429,
    StalledError: 408,
    RequestError: 400,
    UsageError: 400,
    UnableError: 501,
    UnavailableError: 503,
}
"""A class stands before those that it is one of."""


def status_of(error: CartesiaError) -> int:
    """Return the HTTP status for ``error``: by its code, else by its class, else 500."""
    if (status := _STATUS_OF_CODE.get(error.code or "")) is not None:
        return status
    return next((status for kind, status in _STATUS_OF_CLASS.items() if isinstance(error, kind)), 500)


def request_id(connection: HTTPConnection) -> str:
    """Return the identifier of this request, the same for its whole life."""
    state: dict[str, str] = connection.scope.setdefault("state", {})
    return state.setdefault("request_id", str(uuid4()))


def error_response(connection: HTTPConnection, error: CartesiaError, status: int | None = None) -> Response:
    """Return the answer for ``error``: JSON from version 2026-03-01 on, text before.

    Tells clients when repeating the request is of no use (a quota), and when it is (too many at once).
    """
    status = status or status_of(error)
    error.request_id = error.request_id or request_id(connection)
    body, content_type = encode_error(error, status=status, version=requested_version(connection))
    headers = {"content-type": content_type, "x-request-id": error.request_id}
    if status in {402, 500, 501}:
        headers["x-should-retry"] = "false"
    elif status == 429:
        headers["retry-after"] = "1"
    elif status == 408:
        headers["connection"] = "close"
    return Response(body, status_code=status, headers=headers)


def unable(message: str) -> Callable[[Request], Awaitable[NoReturn]]:
    """Return an endpoint that answers 501, for work that nobody here can do."""

    async def refuse(_request: Request) -> NoReturn:
        raise UnableError(message)

    return refuse


def _on_cartesia_error(request: Request, error: CartesiaError) -> Response:
    """Answer with an error that an engine or a route raised."""
    return error_response(request, error)


def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer with what the router refused: an unknown path, a method that a path has not."""
    detail = error.detail.rstrip(".")
    refusal = RequestError(
        f"{request.method} {one_line(request.url.path, _LONGEST_PATH)}: {detail}.",
        title=detail,
        code="not_found" if error.status_code == 404 else None,
    )
    response = error_response(request, refusal, error.status_code)
    response.headers.update(error.headers or {})  # which methods the path has
    return response


def _on_bug(request: Request, _error: Exception) -> Response:
    """Answer 500 for what nobody foresaw; the traceback goes to the log."""
    return error_response(request, CartesiaError("The server failed.", title="Internal error"))


HANDLERS: Mapping[Any, Callable[[Request, Any], Response]] = {
    CartesiaError: _on_cartesia_error,
    HTTPException: _on_http_exception,
    Exception: _on_bug,
}
"""What answers an app's errors, by their class."""
