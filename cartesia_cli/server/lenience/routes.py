"""Routes of a lenient server, which passes over what mock servers pass over.

Values beyond their ranges are taken for the nearest; where an object is not there, an example is the answer.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message

from cartesia_cli.errors import RequestError
from cartesia_cli.models import SPEEDS, VOLUMES
from cartesia_cli.server.bodies import read_bytes
from cartesia_cli.server.entrance.tokens import LONGEST_LIFE
from cartesia_cli.server.lenience.examples import UNKNOWN, UNSAID

_WHOLE = re.compile(r"-?\d{1,9}", re.ASCII)
_Endpoint = Callable[[Request], Awaitable[Response]]


def lenient_routes(routes: Iterable[Route | WebSocketRoute]) -> list[Route | WebSocketRoute]:
    """Return the same routes for a lenient server; sockets stay as they are."""
    return [
        Route(route.path, _lenient(route.path, route.endpoint), methods=list(route.methods or ()))
        if isinstance(route, Route)
        else route
        for route in routes
    ]


def _lenient(path: str, endpoint: _Endpoint) -> _Endpoint:
    mend = _MENDED_BODIES.get(path)

    async def answer(request: Request) -> Response:
        name = f"{'GET' if request.method == 'HEAD' else request.method} {path}"
        request.scope["query_string"] = _mended_query(request.scope["query_string"])
        if mend is not None and request.method == "POST":
            request = await _with_mended_body(request, mend)
        try:
            return await endpoint(request)
        except RequestError as error:
            example = None
            if error.code == "not_found":
                example = UNKNOWN.get(name)
            elif error.title == "Invalid request":
                example = UNSAID.get(name)
            if example is None:
                raise
            return example(request.path_params)

    return answer


def _mended_query(query: bytes) -> bytes:
    """Return a query whose limit can be, with one cursor at most and without a sample rate of none."""
    fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    names = {name for name, _ in fields}
    kept = [
        (name, _near(value) if name == "limit" and _WHOLE.fullmatch(value) else value)
        for name, value in fields
        if (name, value) != ("sample_rate", "0")
        and not (name == "ending_before" and "starting_after" in names)
    ]
    return query if kept == fields else urlencode(kept).encode("ascii")


def _near(limit: str) -> str:
    return str(min(100, max(1, int(limit))))


def _mended_speech(payload: dict[str, Any]) -> None:
    """Bring speed and volume into their ranges; of a language and a locale the language counts."""
    if payload.get("language"):
        payload.pop("locale", None)
    manner = payload.get("generation_config")
    if isinstance(manner, dict):
        for name, (low, high) in {"speed": SPEEDS, "volume": VOLUMES}.items():
            _clamp(manner, name, low, high)


def _mended_token(payload: dict[str, Any]) -> None:
    _clamp(payload, "expires_in", 1, LONGEST_LIFE)


def _clamp(fields: dict[str, Any], name: str, low: float, high: float) -> None:
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        fields[name] = min(high, max(low, value))


_MENDED_BODIES: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "/tts/bytes": _mended_speech,
    "/tts/sse": _mended_speech,
    "/access-token": _mended_token,
}


async def _with_mended_body(request: Request, mend: Callable[[dict[str, Any]], None]) -> Request:
    """Return the request with what ``mend`` made of the object in its body; what is none stays as it is.

    Raises:
        RequestError: the body is too large.
    """
    body = await read_bytes(request)
    with suppress(ValueError, RecursionError):
        payload = json.loads(body)
        if isinstance(payload, dict):
            mend(payload)
            body = json.dumps(payload).encode()
    is_sent = False

    async def receive() -> Message:
        nonlocal is_sent
        if is_sent:  # all that may still come is that the client leaves
            return await request.receive()
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(request.scope, receive)
