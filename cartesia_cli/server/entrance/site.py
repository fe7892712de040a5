"""Which web pages may use a server on this machine: its own, and those of this machine.

Whoever a browser shows a page of can have it send requests to loopback addresses: as a form, a script or a
socket, and after its name was bound to such an address anew, even as if both were the same site. Browsers
say in ``Host``, ``Origin`` and ``Sec-Fetch-Site`` where a request comes from; programs say nothing of that.
"""

import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.errors import RequestError
from cartesia_cli.server.failures import error_response
from cartesia_cli.wire.values import shorten

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\s]+)(?::(?P<port>\d{0,5}))?", re.ASCII)
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_HEADERS = "authorization, cartesia-version, content-type, x-api-key"
_HEADER_LIST = re.compile(r"[A-Za-z0-9_-]+(?:[ \t]*,[ \t]*[A-Za-z0-9_-]+)*", re.ASCII)
_EXPOSED = "cartesia-file-id, x-request-id, retry-after, retry-after-ms, x-should-retry"
_PREFLIGHT_SECONDS = "600"


class _Place(NamedTuple):
    """A host and its port; None is the usual one of either scheme."""

    name: str
    port: int | None


class SiteMiddleware:
    """Refuses, with status 403, what web pages of other sites send; answers what browsers ask for pages.

    Args:
        app: what answers the others.
        hosts: names, besides those of the loopback interface, by which this server may be asked; None lets
            pages of every site in, as it should be only where ``app`` asks everybody for a key.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None = ()) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(_plain(host) for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if (reason := self._objection(scope, headers)) is not None:
            refusal = RequestError(reason, title="Forbidden")
            await error_response(HTTPConnection(scope), refusal, 403)(scope, receive, send)
            return
        origin = headers.get("origin")
        if scope["type"] == "websocket" or origin is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(origin, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, _Shared(send, origin))

    def _objection(self, scope: Scope, headers: Mapping[str, str]) -> str | None:
        """Return why a request is refused; None if it is not."""
        if self._hosts is None:
            return None
        host = _parsed_host(headers.get("host", ""))
        if host is None or not self._is_ours(host.name):
            asked = shorten(headers.get("host", ""))
            return f"This server is asked as localhost or 127.0.0.1, not as {asked}."
        origin = headers.get("origin")
        if origin is not None:
            if self._may_use(origin, host):
                return None
            return f"Pages of {shorten(origin)} may not use this server: those of this machine may."
        if headers.get("sec-fetch-site") == "cross-site" and not _is_visit(scope, headers):
            return "Pages of other sites may not use this server: those of this machine may."
        return None

    def _is_ours(self, name: str) -> bool:
        return name in (self._hosts or ()) or _is_loopback(name)

    def _may_use(self, origin: str, host: _Place) -> bool:
        """Whether pages of an origin may: they came from this server, or from another of this machine."""
        scheme, separator, rest = origin.partition("://")
        place = _parsed_host(rest)
        if not separator or scheme not in _PORTS or place is None:
            return False  # also "null", which is said of files and of frames that are shut in
        usual = _PORTS[scheme]
        is_same = place.name == host.name and (place.port or usual) == (host.port or usual)
        return is_same or _is_loopback(place.name)


class _Shared:
    """Sends an answer that a page of ``origin`` may read."""

    def __init__(self, send: Send, origin: str) -> None:
        self._send = send
        self._origin = origin

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            headers["access-control-allow-origin"] = self._origin
            headers["access-control-expose-headers"] = _EXPOSED
            headers.add_vary_header("Origin")
            message = {**message, "headers": headers.raw}
        await self._send(message)


def is_loopback(host: str) -> bool:
    """Whether a name or an address can only be one of this machine's own."""
    return _is_loopback(_plain(host))


def _preflight(origin: str, headers: Mapping[str, str]) -> Response:
    """Return the answer to a browser that asks whether a page may send a request."""
    asked = headers.get("access-control-request-headers", "")
    allowed = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": _METHODS,
        # Official clients send a dozen headers about themselves; the origin is trusted, so they all may be.
        "access-control-allow-headers": asked if _HEADER_LIST.fullmatch(asked) else _HEADERS,
        "access-control-max-age": _PREFLIGHT_SECONDS,
        "vary": "Origin, Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=allowed)


def _is_visit(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether somebody followed a link to the page."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _parsed_host(text: str) -> _Place | None:
    found = _HOST.fullmatch(text)
    if found is None:
        return None
    return _Place(_plain(found["name"]), int(found["port"]) if found["port"] else None)


def _plain(host: str) -> str:
    return host.lower().removesuffix(".").removeprefix("[").removesuffix("]")


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
