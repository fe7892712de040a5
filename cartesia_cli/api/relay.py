"""Passes requests on to the API as they are, for a recorder: no retries, no redirects, nothing decoded.

What a client sends goes on; what it does not send, the key, is added. Headers that belong to one connection
(RFC 9110, section 7.6.1) stay behind, both ways.
"""

import base64
import hashlib
import os
import socket
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import parse_qsl, quote

import httpx

from cartesia_cli.api.address import confidential_headers, parse_base_url, same_server
from cartesia_cli.api.connection import Connection
from cartesia_cli.api.frames import Closing
from cartesia_cli.api.redaction import Secrets
from cartesia_cli.api.sockets import Socket
from cartesia_cli.api.transport import Transport
from cartesia_cli.api.way import Timeouts, Way
from cartesia_cli.errors import RequestError, UnavailableError

Headers = Sequence[tuple[str, str]]
"""Names in lower case, in order; a name may come twice."""

PATIENT = Timeouts(connect=10.0, first_byte=600.0, stall=60.0)
"""The client's own limits come first."""

KEY_HEADERS = frozenset({"authorization", "x-api-key"})
KEY_PARAMS = frozenset({"api_key", "access_token"})

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_OF_A_CONNECTION = frozenset(
    {
        *("connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        # of the client's way to us alone, and what would bind its browser to another protocol or server
        *("accept-encoding", "expect", "origin", "referer", "alt-svc", "strict-transport-security"),
    }
)


class Call:
    """One request on its way; another thread can end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._is_interrupted = False

    def interrupt(self) -> None:
        """End it: whoever waits for its answer gets an error."""
        with self._lock:
            self._is_interrupted = True
            if self._line is not None:
                self._line.interrupt()

    def begin(self, line: "_Line") -> None:
        """Know on which connection it is.

        Raises:
            ConnectionAbortedError: it was interrupted before.
        """
        with self._lock:
            if self._is_interrupted:
                raise ConnectionAbortedError
            self._line = line

    def finish(self) -> None:
        """Know that the connection serves others now."""
        with self._lock:
            self._line = None


@dataclass(frozen=True, slots=True)
class Relayed:
    """An answer of the API."""

    status: int
    headers: Headers
    pieces: Generator[bytes, None, None]
    """The body as it arrives; closing it ends the answer.

    Raises:
        BrokenConnectionError: it is not complete.
    """


class RelayedSocket(Socket):
    """A socket that also knows how it ended."""

    @property
    def closing(self) -> Closing | None:
        """What the API said when it closed; None if it did not."""
        return self._frames.closing


class Relay:
    """Asks the API on behalf of other clients. Safe for use by several threads.

    Args:
        base_url: of the API, with or without a path.
        api_key: for clients that send none; None leaves them without.
        timeouts: for each part of the way.
        headers: added to each request; they win over the client's.

    Raises:
        CredentialsError, UsageError: the key, a header or the base URL cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        *,
        timeouts: Timeouts = PATIENT,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._base_url = parse_base_url(base_url)
        self._key = confidential_headers(api_key, {})
        self._headers = confidential_headers(None, headers or {})
        self._covering = Secrets({**self._key, **self._headers})
        self.secrets = _texts([*self._key.values(), *self._headers.values()])
        """What must never be written down."""

        self._timeouts = timeouts
        self._lines = _Lines(timeouts)

    @property
    def base_url(self) -> str:
        """Where everything goes, without a slash at the end."""
        return self._base_url

    def close(self) -> None:
        """Close every idle connection."""
        self._lines.close()

    def ask(self, call: Call, method: str, target: str, headers: Headers, body: Iterable[bytes]) -> Relayed:
        """Send a request once and return the answer as soon as its headers are there.

        Args:
            call: with which another thread can end it.
            method: any of HTTP.
            target: path below the base URL, percent-encoded, and the query.
            headers: as they came from the client.
            body: pieces; what it raises is passed on.

        Raises:
            RequestError: the target is no path.
            UnavailableError: there is no answer.
            UsageError: the environment's proxy or certificates are unusable.
        """
        with self._covering.kept():
            request = self._request(call, method, target, headers, body)
            response = self._lines.handle_request(request)
        kept = [
            (name, self._shortened(request.url, value) if name == "location" else value)
            for name, value in _passing(response.headers.multi_items())
        ]
        return Relayed(response.status_code, kept, self._pieces(response))

    def connect(self, target: str, headers: Headers) -> RelayedSocket | Relayed:
        """Open a socket, or return the answer with which the API refuses it.

        Raises:
            RequestError: the target is no path.
            UnavailableError: there is no answer, or one that is not of this protocol.
            UsageError: the environment's proxy or certificates are unusable.
        """
        key = base64.b64encode(os.urandom(16))
        kept = [(name, value) for name, value in headers if not name.startswith("sec-websocket-")]
        with self._covering.kept():
            request = self._request(Call(), "GET", target, kept, ())
            request.headers.update(
                {
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": key.decode("ascii"),
                }
            )
            limits = replace(self._timeouts, first_byte=self._timeouts.connect)
            request.extensions["limits"] = limits
            response, upgraded = self._lines.upgrade(request)
        if upgraded is None:
            return Relayed(
                response.status_code, _passing(response.headers.multi_items()), self._pieces(response)
            )
        accepted = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        if response.headers.get("sec-websocket-accept", "").strip() != accepted.decode("ascii"):
            with closing(response):
                raise UnavailableError(
                    "The API answered, but not as a WebSocket.",
                    hint="Check --base-url: another server may have answered.",
                )
        connected, begun = upgraded.detach()
        return RelayedSocket(connected, response.extensions["way"], begun=begun)

    def _request(
        self, call: Call, method: str, target: str, headers: Headers, body: Iterable[bytes]
    ) -> httpx.Request:
        if not target.startswith("/"):
            raise RequestError("The request names another server.", title="Invalid request")
        try:
            url = httpx.URL(f"{self._base_url}{target}")
        except httpx.InvalidURL as error:
            raise RequestError("The request's path is none.", title="Invalid request") from error
        sent = _passing(headers)
        if not has_key(sent, target):
            sent = [*sent, *self._key.items()]
        sent = [*((name, value) for name, value in sent if name not in self._headers), *self._headers.items()]
        is_sized = any(name == "content-length" for name, _ in sent)
        is_chunked = any(name == "transfer-encoding" for name, _ in headers)
        request = httpx.Request(
            method,
            url,
            headers=[("Host", url.netloc.decode("ascii")), *sent, ("Accept-Encoding", "identity")],
            content=iter(body) if is_sized or is_chunked else None,
        )
        request.extensions["call"] = call
        return request

    def _pieces(self, response: httpx.Response) -> Generator[bytes, None, None]:
        with self._covering.kept(), closing(response):
            yield from filter(None, response.iter_raw())

    def _shortened(self, url: httpx.URL, location: str) -> str:
        """Return where a redirect leads, by way of us if it stays with the API."""
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            return location
        place = str(target)
        if not same_server(url, target) or not place.startswith(f"{self._base_url}/"):
            return location
        return place.removeprefix(self._base_url)


def has_key(headers: Headers, target: str) -> bool:
    """Return whether a client sends a key of its own."""
    query = target.partition("?")[2]
    named = {name for name, value in headers if value} | {name for name, value in parse_qsl(query) if value}
    return not named.isdisjoint(KEY_HEADERS | KEY_PARAMS)


def _passing(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers if name.lower() not in _OF_A_CONNECTION]


def _texts(values: Iterable[str]) -> frozenset[str]:
    """Return each word of confidential values, as it is and as it stands in a URL."""
    words = {word for value in values for word in value.split()}
    return frozenset(words | {quote(word, safe="") for word in words})


class _Line(Connection):
    """A connection that one thread can take from under another."""

    call: Call | None = None

    def interrupt(self) -> None:
        """End it for whoever reads from it or writes to it."""
        with suppress(OSError):  # the server was faster
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # a TLS socket's own forgets its keys


@dataclass(slots=True)
class _CallWay(Way):
    """The way of a request that can be interrupted."""

    call: Call | None = None


class _Lines(Transport):
    """Connections to one server, of which each knows the call that it serves."""

    def give_back(self, url: httpx.URL, connection: Connection) -> None:
        if isinstance(connection, _Line) and connection.call is not None:
            connection.call.finish()
            connection.call = None
        super().give_back(url, connection)

    def _way(self, request: httpx.Request, proxy: httpx.URL | None) -> Way:
        way = super()._way(request, proxy)
        return _CallWay(way.host, way.port, way.timeouts, way.proxy, call=request.extensions["call"])

    def _take(self, way: Way, url: httpx.URL, proxy: httpx.URL | None) -> Connection:
        line = self._idle_line()
        if line is None:
            certificates = self._load_certificates() if url.scheme == "https" else None
            line = cast("_Line", _Line.open(way, proxy=proxy, certificates=certificates))
        line.call = cast("_CallWay", way).call
        try:
            if line.call is not None:
                line.call.begin(line)
        except ConnectionAbortedError:
            line.close()
            raise
        return line

    def _idle_line(self) -> _Line | None:
        with self._lock:
            for lines in self._idle.values():
                while lines:
                    line = lines.pop()
                    if line.usable and isinstance(line, _Line):
                        return line
                    line.close()
        return None
