"""One API over HTTP: base URL, headers, redirects, retries; answers are checked before they are used."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from cartesia_cli import __version__
from cartesia_cli.api.address import confidential_headers, parse_base_url, same_server
from cartesia_cli.api.answers import (
    Answer,
    bounded,
    content_type,
    finish,
    is_absent,
    read_error,
    refuse,
    require_uncompressed,
)
from cartesia_cli.api.bodies import Form, content_of
from cartesia_cli.api.redaction import Secrets
from cartesia_cli.api.redirects import REDIRECTS, redirected
from cartesia_cli.api.retry import RefusedError, retry_delay, server_wish, should_retry
from cartesia_cli.api.sse import Habits
from cartesia_cli.api.transport import Transport
from cartesia_cli.api.way import BrokenConnectionError, Timeouts
from cartesia_cli.errors import CartesiaError, RequestError, UnavailableError
from cartesia_cli.models import Traffic
from cartesia_cli.wire.values import MalformedError, load_json, one_line
from cartesia_cli.wire.version import API_VERSION

if TYPE_CHECKING:
    from cartesia_cli.api.sockets import Socket

_log = logging.getLogger("cartesia_cli")
_Result = TypeVar("_Result")

Params = Mapping[str, str | list[str]]
"""Of a query; a list is a parameter for each of its items."""

MAX_REDIRECTS = 10
MAX_JSON = 64 * 2**20
"""Bytes of an answer that is held in memory as a whole; a page of voices has about 60,000."""

_PATHS = 64
"""Whose addresses are kept: to parse one takes as long as to send it."""

LISTENING = 10
"""How much longer the first byte of an answer may take where the API has to listen to a recording first."""

_HINT_PERHAPS_DONE = "It may have been done all the same: look before you try again."


class Exchange:
    """Asks one API. Safe for use by several threads.

    Args:
        api_key: sent as the bearer; None for none.
        base_url: of the API, with or without a path.
        timeouts: for each part of the way.
        retries: how often a request is sent again, before any of its answer was used.
        headers: added to each request; they win over our own.
        traffic: counts.
        sleep: waits between attempts.
        jitter: see ``retry_delay``.

    Raises:
        CredentialsError: the key cannot be sent.
        UsageError: the base URL or a header cannot be used.
    """

    def __init__(
        self,
        api_key: str | None,
        *,
        base_url: str,
        timeouts: Timeouts,
        retries: int,
        headers: Mapping[str, str],
        traffic: Traffic,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        self._base_url = parse_base_url(base_url)
        self._confidential = confidential_headers(api_key, headers)
        self._secrets = Secrets(self._confidential)
        self._timeouts = timeouts
        self._retries = retries
        self._traffic = traffic
        self._counting = threading.Lock()
        self._sleep = sleep
        self._jitter = jitter
        self.habits = Habits()
        """Of the server's event streams."""

        self._transport = Transport(timeouts)
        self._with_usual = lru_cache(_PATHS)(lambda *added: httpx.Headers(self._headers | dict(added)))
        self._url = lru_cache(_PATHS)(lambda path: httpx.URL(f"{self._base_url}{path}"))
        self._headers = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
            "User-Agent": f"cartesia-cli/{__version__}",
            "Cartesia-Version": API_VERSION,
        }
        self._http = httpx.Client(
            transport=self._transport,
            headers=self._headers,
            trust_env=False,  # our transport reads the environment
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    @property
    def timeouts(self) -> Timeouts:
        """For each part of the way."""
        return self._timeouts

    @property
    def version(self) -> str:
        """Of the API, as it is asked for: a date."""
        version: str = self._confidential.get("cartesia-version", API_VERSION)
        return version

    def count_request(self) -> None:
        """Count one that was made on a socket."""
        with self._counting:
            self._traffic.requests += 1

    def count_reconnect(self) -> None:
        """Count a socket that was opened again."""
        with self._counting:
            self._traffic.reconnects += 1

    def kept(self) -> AbstractContextManager[None]:
        """Return what covers secrets in every error that is raised inside; for what comes from a socket."""
        return self._secrets.kept()

    @contextmanager
    def answer(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        body: Mapping[str, Any] | Form | None = None,
        params: Params | None = None,
        once: bool = False,
        absent: RequestError | None = None,
    ) -> Iterator[Answer]:
        """Send a request, again if need be, and yield its answer; leaving closes it.

        Args:
            method: GET, POST, PATCH or DELETE.
            path: below the base URL, with a slash in front, percent-encoded.
            accept: the content type to be asked for.
            body: to be sent as JSON, or a form.
            params: of the query.
            once: whether it makes something of which there would be two if it was made again: then it is
                not sent again where it is not known what became of it.
            absent: raised where the server has nothing at this path.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError: there is none.
            UsageError: the body cannot be sent, or the environment's proxy or certificates are unusable.
        """
        request = self._request(method, path, params, content_of(body, {"Accept": accept}))
        form = body if isinstance(body, Form) else None
        if form is not None:
            limits = self._timeouts
            request.extensions["limits"] = replace(limits, first_byte=limits.first_byte * LISTENING)
        with self._secrets.kept():
            response, first, rest = self._begin(request, form, once=once, absent=absent)
            with closing(response):
                pieces = chain([first], rest) if first else iter(())
                yield Answer(content_type(response), pieces, partial(finish, response, rest))

    def json(
        self,
        path: str,
        params: Params | None = None,
        body: Mapping[str, Any] | Form | None = None,
        *,
        method: str | None = None,
        once: bool = False,
        absent: RequestError | None = None,
    ) -> Any:
        """Return the JSON value that a request brings: GET, or POST if it has a body, or ``method``.

        Raises:
            CartesiaError: as ``answer``.
            UnavailableError: the answer is not JSON, or too long.
        """
        method = method or ("GET" if body is None else "POST")
        accept = "application/json"
        with self.answer(
            method, path, accept=accept, body=body, params=params, once=once, absent=absent
        ) as answer:
            content = b"".join(bounded(answer.pieces, MAX_JSON))
            try:
                return load_json(content)
            except MalformedError as error:
                refuse(answer, "JSON", error)

    def delete(self, path: str) -> None:
        """Send a DELETE request; what else the answer says is of no interest.

        Raises:
            CartesiaError: as ``answer``.
        """
        with self.answer("DELETE", path, accept="*/*") as answer:
            if answer.content_type == "text/html":  # a page of a proxy, and nothing was deleted
                refuse(answer, "a deletion")
            answer.finish()

    def open_socket(self, path: str, params: Params | None = None) -> "Socket":
        """Open a WebSocket, in several attempts if need be.

        Args:
            path: below the base URL, with a slash in front.
            params: of the query; the version of the API is added.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError: the API refuses, or there is
                no connection.
            UsageError: the environment's proxy or certificates are unusable.
        """
        from cartesia_cli.api.handshake import shake_hands

        limits = replace(self._timeouts, first_byte=self._timeouts.connect)

        def attempt() -> "Socket":
            request = self._http.build_request(
                "GET",
                f"{self._base_url}{path}",
                params={**(params or {}), "cartesia_version": self.version},
                headers=self._confidential,
                extensions={"limits": limits},
            )
            return shake_hands(self._transport, request, read_error)

        with self._secrets.kept():
            return self._repeat(attempt, may=lambda: True)

    def _request(
        self, method: str, path: str, params: Params | None, content: dict[str, Any]
    ) -> httpx.Request:
        if params is not None:
            return self._http.build_request(method, self._url(path), params=params, **content)
        # To merge what a client may add takes as long as all the rest; there are headers alone.
        content["headers"] = self._with_usual(*content["headers"].items())
        return httpx.Request(method, self._url(path), **content)

    def _begin(
        self, request: httpx.Request, form: Form | None, *, once: bool, absent: RequestError | None
    ) -> tuple[httpx.Response, bytes, Iterator[bytes]]:
        """Return an answer whose first byte has arrived, and those bytes; try again while that may help."""
        self.count_request()

        def attempt() -> tuple[httpx.Response, bytes, Iterator[bytes]]:
            response = self._follow(request, form)
            if response.is_success:
                return self._first_piece(response)
            error = read_error(response)
            if absent is not None and is_absent(response.status_code, error):
                raise absent from error
            raise RefusedError(error, response.status_code, response.headers)

        return self._repeat(attempt, may=lambda: form is None or form.is_repeatable, once=once)

    def _repeat(
        self, attempt: Callable[[], _Result], *, may: Callable[[], bool], once: bool = False
    ) -> _Result:
        """Return what an attempt brings; make another while that may help, and cannot harm."""
        n_retries = 0
        while True:
            headers: Mapping[str, str] = {}
            try:
                return attempt()
            except RefusedError as refused:
                error, headers = refused.error, refused.headers
                error.is_passing = should_retry(refused.status, headers, code=error.code, once=once)
                wish = server_wish(headers, time.time)
                error.retry_after = wish if wish > 0 else None
            except BrokenConnectionError as broken:
                error = broken
                if once and broken.is_sent:
                    unknown = type(broken)(str(broken), hint=_HINT_PERHAPS_DONE)
                    unknown.is_passing = False
                    raise unknown from broken
            if not error.is_passing or not may() or not self.pause(n_retries, error, headers):
                raise error
            n_retries += 1

    def pause(self, n_retries: int, error: CartesiaError, headers: Mapping[str, str] | None = None) -> bool:
        """Wait before another attempt; return False at once if there were enough of them.

        Args:
            n_retries: how many there were.
            error: of the last attempt, for the log.
            headers: of its answer; they may say how long to wait.
        """
        if n_retries >= self._retries:
            return False
        delay = retry_delay(n_retries, headers or {}, jitter=self._jitter, clock=time.time)
        _log.debug("again in %.2f s: %s", delay, self._secrets.cover(str(error)))
        self._sleep(delay)
        with self._counting:
            self._traffic.retries += 1
        return True

    @staticmethod
    def _first_piece(response: httpx.Response) -> tuple[httpx.Response, bytes, Iterator[bytes]]:
        with ExitStack() as opened:
            opened.callback(response.close)
            require_uncompressed(response)
            pieces = response.iter_raw()
            first = next(pieces, b"")
            opened.pop_all()
        return response, first, pieces

    def _follow(self, request: httpx.Request, form: Form | None) -> httpx.Response:
        """Send a request where redirects lead; what is confidential goes to the API alone."""
        home = request.url
        for _ in range(MAX_REDIRECTS + 1):
            if same_server(home, request.url):
                request.headers.update(self._confidential)
            response = self._send(request)
            if response.status_code not in REDIRECTS:
                return response
            response.close()
            again = form is None or form.is_repeatable
            request = redirected(self._http, request, response, again=again)
        raise UnavailableError(
            f"The API redirects without end; the last address was on {one_line(request.url.host, 100)}.",
            hint="Check --base-url.",
        )

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send a request once; the log gets neither its query nor its headers."""
        if not _log.isEnabledFor(logging.DEBUG):
            return self._transport.handle_request(request)
        place = self._secrets.cover(str(request.url.copy_with(query=None)))
        began = time.monotonic()
        try:
            response = self._transport.handle_request(request)
        except BrokenConnectionError:
            _log.debug("%s %s: no answer, %.3f s", request.method, place, time.monotonic() - began)
            raise
        took = time.monotonic() - began
        _log.debug("%s %s: %d, %.3f s", request.method, place, response.status_code, took)
        return response
