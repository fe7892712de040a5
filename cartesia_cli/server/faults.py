"""Failures on purpose, so that a client's handling of them can be tested.

A fault is written ``[PATH:]KIND[=VALUE][*TIMES][@CHANCE%]``, for example ``429``, ``429=0.2*2``,
``drop=20000@30%`` or ``/tts/sse:stall``.

========== =============================================== ==================================================
KIND       without VALUE                                   VALUE
========== =============================================== ==================================================
400 to 599 this status, the API's error body               ``SECONDS`` for ``retry-after``, ``MSms`` for
                                                           ``retry-after-ms``, ``never`` for
                                                           ``x-should-retry: false``; or another body:
                                                           ``html``, ``text``, ``empty``
drop       the connection closes before any answer         after so many bytes of the body; 0: after the
                                                           status line
stall      nothing is ever answered                        nothing more after so many bytes of the body
cut        the body ends as if complete after 1000 bytes   after so many bytes
slow       the body takes twice as long as it would        ``3x`` as long, or ``20ms`` before every piece
split      the body comes byte by byte                     in pieces of so many bytes
cut-utf8   the body's pieces end inside each character     –
           of several bytes
========== =============================================== ==================================================

``PATH`` limits it to a path and what lies below, ``*TIMES`` to the first so many requests that it strikes,
``@CHANCE%`` to a part of the requests, drawn from the seed: the same requests in the same order meet the same
faults. Of several faults the first that strikes is the one that happens.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.errors import CartesiaError, UsageError
from cartesia_cli.server.failures import error_response
from cartesia_cli.server.hosting import close_connection

_SPEC = re.compile(
    r"(?:(?P<path>/[^:]*):)?(?P<kind>\d{3}|[a-z][a-z0-9-]*)(?:=(?P<value>[^*@]+))?"
    r"(?:\*(?P<times>\d+))?(?:@(?P<chance>\d+(?:\.\d+)?)%)?",
    re.ASCII,
)
_BYTES = r"\d+"
_VALUES = {
    "status": r"\d+(\.\d+)?|\d+ms|never|html|text|empty",
    "drop": _BYTES,
    "stall": _BYTES,
    "cut": _BYTES,
    "slow": r"\d+(\.\d+)?x|\d+ms",
    "split": r"[1-9]\d*",
    "cut-utf8": r"(?!)",
}
_BODIES = {
    "html": ("text/html", b"<html><head><title>Bad gateway</title></head><body><h1>nginx</h1></body></html>"),
    "text": ("text/plain", b"Unexpected failure"),
    "empty": ("text/plain", b""),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure, and when it happens."""

    kind: str
    """``drop``, ``stall``, ``cut``, ``slow``, ``split``, ``cut-utf8`` or a status."""

    value: str | None = None
    path: str = ""
    """Without the app's prefix; empty is every path."""

    times: int | None = None
    """How many requests it strikes at most."""

    chance: float = 1.0
    """Which part of the requests it strikes, 0 to 1."""

    def covers(self, path: str) -> bool:
        """Whether ``path`` is the fault's own path or below it."""
        return f"{path}/".startswith(f"{self.path.rstrip('/')}/")


def parse_fault(spec: str) -> Fault:
    """Return the fault that ``spec`` describes; the grammar is in this module's docstring.

    Raises:
        UsageError: not a fault, with what is wrong.
    """
    found = _SPEC.fullmatch(spec)
    if not found:
        raise UsageError(
            f"--fault {spec}: not a fault.",
            hint="A fault is [PATH:]KIND[=VALUE][*TIMES][@CHANCE%], like 429*2.",
        )
    kind, value, chance = found["kind"], found["value"], float(found["chance"] or 100)
    values = _VALUES["status"] if kind.isdecimal() and 400 <= int(kind) <= 599 else _VALUES.get(kind)
    if values is None:
        raise UsageError(
            f"--fault {spec}: {kind} is not a kind of fault.",
            hint="There are 400 to 599, drop, stall, cut, slow, split and cut-utf8.",
        )
    if value is not None and not re.fullmatch(values, value, re.ASCII):
        raise UsageError(f"--fault {spec}: {kind} cannot have the value {value}.")
    if chance > 100:
        raise UsageError(f"--fault {spec}: a chance is at most 100 %.")
    times = None if found["times"] is None else int(found["times"])
    return Fault(kind, value, found["path"] or "", times, chance / 100)


class FaultPlan:
    """Decides which fault a request meets, by the order of the requests and the seed alone."""

    def __init__(self, faults: Iterable[Fault], seed: int = 0) -> None:
        self._faults = tuple(faults)
        self._seed = seed
        self._seen = [0] * len(self._faults)
        self._struck = [0] * len(self._faults)

    def strike(self, path: str) -> Fault | None:
        """Return the fault that the next request to ``path`` meets."""
        for index, fault in enumerate(self._faults):
            if not fault.covers(path) or self._struck[index] == fault.times:
                continue
            self._seen[index] += 1
            # One draw for each request and fault: other paths' requests between do not change it.
            draw = random.Random(f"{self._seed}/{index}/{self._seen[index]}").random()  # noqa: S311 - not a secret
            if draw < fault.chance:
                self._struck[index] += 1
                return fault
        return None


class FaultMiddleware:
    """Lets requests meet the faults of a plan, whose paths are below ``root``."""

    def __init__(self, app: ASGIApp, plan: FaultPlan, root: str) -> None:
        self._app = app
        self._root = root
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to."""
        fault = None
        if scope["type"] == "http":
            fault = self._plan.strike(scope["path"].removeprefix(self._root))
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind.isdecimal():
            await _refusal(HTTPConnection(scope), fault)(scope, receive, send)
        elif fault.kind == "drop" and fault.value is None:
            close_connection(scope)
            await _gone(receive)
        elif fault.kind == "stall" and fault.value is None:
            await _gone(receive)
        elif fault.kind in {"drop", "stall", "cut"}:
            await self._app(scope, receive, _Limited(scope, receive, send, fault))
        else:
            await self._app(scope, receive, _Reshaped(send, fault))


class _Limited:
    """Sends the first bytes of a body; then drops the connection, stalls or pretends that this was all."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, fault: Fault) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._kind = fault.kind
        self._left = int(fault.value or 1000)
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        body = message.get("body", b"")
        if message["type"] == "http.response.start":
            await self._send(_without_length(message))
        elif len(body) < self._left:
            self._left -= len(body)
            await self._send(message)
        else:
            self._over = True
            await self._send({**message, "body": body[: self._left], "more_body": self._kind != "cut"})
            if self._kind == "drop":
                close_connection(self._scope)
            elif self._kind == "stall":
                await _gone(self._receive)


class _Reshaped:
    """Sends all of a body, in other pieces or more slowly."""

    def __init__(self, send: Send, fault: Fault) -> None:
        self._send = send
        self._fault = fault
        self._last = time.monotonic()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(_without_length(message))
            return
        async for piece in self._pieces(message.get("body", b"")):
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        if not message.get("more_body", False):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self, body: bytes) -> AsyncIterator[bytes]:
        if self._fault.kind == "slow":
            await asyncio.sleep(self._delay())
            self._last = time.monotonic()
            yield body
            return
        size = int(self._fault.value or 1) if self._fault.kind == "split" else None
        for piece in split_bytes(body, size) if size else split_characters(body):
            yield piece

    def _delay(self) -> float:
        value = self._fault.value or "2x"
        if value.endswith("ms"):
            return int(value[:-2]) / 1000
        return max(0.0, float(value[:-1]) - 1) * (time.monotonic() - self._last)


def split_bytes(body: bytes, size: int) -> Iterator[bytes]:
    """Yield ``body`` in pieces of ``size`` bytes."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def split_characters(body: bytes) -> Iterator[bytes]:
    """Yield ``body`` in pieces that end after the first byte of each character that has several."""
    start = 0
    for found in re.finditer(rb"[\xc2-\xf4](?=[\x80-\xbf])", body):
        yield body[start : found.end()]
        start = found.end()
    yield body[start:]


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


_CODES = {402: "quota_exceeded", 404: "voice_not_found", 413: "file_too_large", 429: "concurrency_limited"}


def _without_length(message: Message) -> Message:
    headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
    return {**message, "headers": headers}


async def _gone(receive: Receive) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
