"""Where requests meet their faults."""

from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cartesia_cli.errors import CartesiaError
from cartesia_cli.server.failures import error_response
from cartesia_cli.server.faults.answers import faulty_answer, gone
from cartesia_cli.server.faults.parsing import Fault
from cartesia_cli.server.faults.plan import FaultPlan
from cartesia_cli.server.faults.sockets import FaultySocket
from cartesia_cli.server.hosting.means import close_connection

_BODIES = {
    "html": ("text/html", b"<html><head><title>Bad gateway</title></head><body><h1>nginx</h1></body></html>"),
    "text": ("text/plain", b"Unexpected failure"),
    "empty": ("text/plain", b""),
}
_CODES = {402: "quota_exceeded", 404: "voice_not_found", 413: "file_too_large", 429: "concurrency_limited"}


class FaultMiddleware:
    """Lets requests meet the faults of a plan, whose paths are below ``root``."""

    def __init__(self, app: ASGIApp, plan: FaultPlan, root: str = "") -> None:
        self._app = app
        self._root = root
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to."""
        fault = None
        is_socket = scope["type"] == "websocket"
        if is_socket or scope["type"] == "http":
            fault = self._plan.strike(scope["path"].removeprefix(self._root), is_socket=is_socket)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind.isdecimal():
            await _refusal(HTTPConnection(scope), fault)(scope, receive, send)
        elif fault.kind == "drop" and fault.value is None:
            close_connection(scope)
            await gone(receive)
        elif is_socket:
            await FaultySocket(scope, receive, send, fault).run(self._app)
        elif fault.kind == "stall" and fault.value is None:
            await gone(receive)
        else:
            await self._app(scope, receive, faulty_answer(scope, receive, send, fault))


def with_faults(app: ASGIApp, faults: Iterable[Fault], seed: int) -> ASGIApp:
    """Return an app whose requests meet faults."""
    return FaultMiddleware(app, FaultPlan(faults, seed))


def _refusal(connection: HTTPConnection, fault: Fault) -> Response:
    status = int(fault.kind)
    if fault.value in _BODIES:
        content_type, body = _BODIES[fault.value]
        return Response(body, status_code=status, headers={"content-type": content_type})
    error = CartesiaError(f"A fault was asked for: {status}.", title="Fault", code=_CODES.get(status))
    response = error_response(connection, error, status)
    for name in ("retry-after", "x-should-retry"):
        del response.headers[name]
    if fault.value == "never":
        response.headers["x-should-retry"] = "false"
    elif fault.value is not None and fault.value.endswith("ms"):
        response.headers["retry-after-ms"] = fault.value.removesuffix("ms")
    elif fault.value is not None:
        response.headers["retry-after"] = fault.value
    return response
