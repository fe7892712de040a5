"""How requests of httpx reach a server: proxies, certificates, and connections that are used again.

No exception of a library passes this module: a failure on the way is a ``BrokenConnectionError``, a proxy
or certificate file that cannot be used is a ``UsageError``.
"""

import errno
import os
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from ssl import SSLContext, SSLError, create_default_context
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpx

from cartesia_cli.api.connection import Connection, port_of, proxy_authorization, read_body
from cartesia_cli.api.way import Timeouts, Way
from cartesia_cli.errors import UsageError

_PROXY_HINT = "Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY: like http://HOST:PORT or socks5://HOST:PORT."


_Server = tuple[bytes, bytes, int | None]


class Transport(httpx.BaseTransport):
    """Sends requests and keeps connections for the next ones. Safe for use by several threads.

    What a way needs is loaded when it is first taken: plain connections do not pay for certificates.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._proxies = getproxies()
        self._certificates: SSLContext | None = None
        self._is_closed = False
        self._busy: WeakSet[Connection] = WeakSet()
        self._idle: dict[_Server, list[Connection]] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer once its headers are there.

        Raises:
            BrokenConnectionError: there is none.
            UsageError: the environment names a proxy or certificates that cannot be used.
        """
        url = request.url
        proxy = self._proxy_for(url)
        way = self._way(request, proxy)
        with way.translated():
            connection = self._take(way, url, proxy)
            try:
                answer = connection.exchange(way, _head(request, proxy), _body(request), request.method)
            except BaseException:
                connection.close()
                raise
        return self._response(url, connection, answer, way)

    def upgrade(self, request: httpx.Request) -> tuple[httpx.Response, Connection | None]:
        """Ask for another protocol on a new connection; it is None if the server stays with HTTP.

        A proxy only passes on what is said. The answer has its way under ``extensions``.

        Raises:
            BrokenConnectionError: there is no answer.
            UsageError: the environment names a proxy or certificates that cannot be used.
        """
        url = request.url
        proxy = self._proxy_for(url)
        way = self._way(request, proxy)
        with way.translated():
            certificates = self._load_certificates() if url.scheme == "https" else None
            connection = Connection.open(way, proxy=proxy, certificates=certificates, tunnelled=True)
            try:
                answer = connection.exchange(way, _head(request, None), (), request.method)
            except BaseException:
                connection.close()
                raise
        return self._response(url, connection, answer, way), connection if answer.status == 101 else None

    def _way(self, request: httpx.Request, proxy: httpx.URL | None) -> Way:
        return Way(
            host=request.url.raw_host.decode("ascii"),
            port=port_of(request.url),
            timeouts=request.extensions.get("limits", self._timeouts),
            proxy=None if proxy is None else proxy.netloc.decode("ascii"),
        )

    def _response(
        self, url: httpx.URL, connection: Connection, answer: HTTPResponse, way: Way
    ) -> httpx.Response:
        return httpx.Response(
            answer.status,
            headers=[
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()
            ],
            stream=_Body(self, url, connection, answer, way),
            extensions={"way": way},
        )

    def close(self) -> None:
        """Close every idle connection, and break those off that are in use."""
        with self._lock:
            self._is_closed = True
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()
            for connection in self._busy:
                connection.interrupt()

    def give_back(self, url: httpx.URL, connection: Connection) -> None:
        """Keep a connection for the next request to the same server."""
        connection.release()
        with self._lock:
            self._busy.discard(connection)
            self._idle.setdefault(_server(url), []).append(connection)

    def _take(self, way: Way, url: httpx.URL, proxy: httpx.URL | None) -> Connection:
        with self._lock:
            self._require_open()
            idle = self._idle.get(_server(url), [])
            while idle:
                connection = idle.pop()  # the one that was used last is the most likely to be alive
                if connection.usable:
                    self._busy.add(connection)
                    return connection
                connection.close()
        certificates = self._load_certificates() if url.scheme == "https" else None
        connection = Connection.open(way, proxy=proxy, certificates=certificates)
        with self._lock:
            try:
                self._require_open()
            except ConnectionAbortedError:  # while it was opened, and nothing was said yet
                connection.close()
                raise
            self._busy.add(connection)
        return connection

    def _require_open(self) -> None:
        if self._is_closed:
            raise ConnectionAbortedError(errno.ECONNABORTED, "closed")

    def _proxy_for(self, url: httpx.URL) -> httpx.URL | None:
        text = self._proxies.get(url.scheme) or self._proxies.get("all")
        if not text or proxy_bypass(f"{url.host}:{port_of(url)}"):
            return None
        return parse_proxy(text)

    def _load_certificates(self) -> SSLContext:
        with self._lock:
            if self._certificates is None:
                self._certificates = load_certificates()
            return self._certificates


def parse_proxy(text: str) -> httpx.URL:
    """Return a proxy's URL; without a scheme it is an HTTP proxy.

    Raises:
        UsageError: it is none, or of a kind that is not supported. The text is not shown, for it may
            hold a password.
    """
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError) as error:
        raise UsageError("The proxy in the environment is not a URL.", hint=_PROXY_HINT) from error
    if url.scheme not in {"http", "socks", "socks5", "socks5h"}:
        raise UsageError(f"A proxy of the kind {url.scheme}:// is not supported.", hint=_PROXY_HINT)
    if not url.host or not 0 < port_of(url) < 65536:
        raise UsageError("The proxy in the environment has no host name, or no such port.", hint=_PROXY_HINT)
    return url


def load_certificates() -> SSLContext:
    """Return the authorities that servers are checked against: SSL_CERT_FILE, SSL_CERT_DIR or certifi's.

    Raises:
        UsageError: the file or folder cannot be used.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        import certifi

        return create_default_context(cafile=certifi.where())
    if folder and not file and not Path(folder).is_dir():
        raise UsageError(
            f"SSL_CERT_DIR is not a folder: {folder}.", hint="Correct the variable, or unset it."
        )
    try:
        return create_default_context(cafile=file or None, capath=folder or None)
    except OSError as error:  # not there, not readable, or (an SSLError) without certificates in it
        problem = "it holds no certificates" if isinstance(error, SSLError) else error.strerror
        raise UsageError(
            f"SSL_CERT_FILE cannot be used: {file}: {problem}.",
            hint="Let it name a PEM file with the certificates of the authorities, or unset it.",
        ) from error


class _Body(httpx.SyncByteStream):
    """The bytes of an answer. Read to the end, it gives its connection back."""

    def __init__(
        self, transport: Transport, url: httpx.URL, connection: Connection, answer: HTTPResponse, way: Way
    ) -> None:
        self._transport = transport
        self._url = url
        self._connection: Connection | None = connection
        self._answer = answer
        self._way = way

    def __iter__(self) -> Iterator[bytes]:
        with self._way.translated():
            yield from read_body(self._answer, self._way)
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._answer.will_close:
            connection.close()
        else:
            self._transport.give_back(self._url, connection)

    def close(self) -> None:
        self._answer.close()
        if self._connection is not None:
            self._connection.close()


def _head(request: httpx.Request, proxy: httpx.URL | None) -> bytes:
    url = request.url
    lines = [request.method.encode("ascii") + b" " + url.raw_path + b" HTTP/1.1"]
    headers = list(request.headers.raw)
    if proxy and proxy.scheme == "http" and url.scheme == "http":
        whole = b"http://" + url.netloc + url.raw_path
        lines = [request.method.encode("ascii") + b" " + whole + b" HTTP/1.1"]
        headers += [(name.encode(), value.encode()) for name, value in proxy_authorization(proxy).items()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", b""])


def _body(request: httpx.Request) -> Iterator[bytes]:
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise TypeError("a request whose body is asynchronous")
    if "transfer-encoding" not in request.headers:
        yield from request.stream
        return
    for piece in filter(None, request.stream):  # an empty chunk would be the end
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def _server(url: httpx.URL) -> _Server:
    return url.raw_scheme, url.raw_host, url.port
