"""One API over HTTP: base URL, headers, redirects, retries; answers are checked before they are used."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import Any, NoReturn

import httpx

from cartesia_cli import __version__
from cartesia_cli.api.address import confidential_headers, parse_base_url, same_server
from cartesia_cli.api.recordings import Recording
from cartesia_cli.api.redaction import Secrets
from cartesia_cli.api.retry import retry_delay, should_retry
from cartesia_cli.api.transport import Transport
from cartesia_cli.api.way import BrokenConnectionError, Timeouts
from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from cartesia_cli.models import Traffic
from cartesia_cli.wire import decode_error
from cartesia_cli.wire.values import MalformedError, load_json, one_line
from cartesia_cli.wire.version import API_VERSION

_log = logging.getLogger("cartesia_cli")

MAX_REDIRECTS = 10
MAX_JSON = 64 * 2**20
"""Bytes of an answer that is held in memory as a whole; a page of voices has about 60,000."""

MAX_ERROR = 64 * 2**10
"""Bytes of an error's body that are looked at."""

LISTENING = 10
"""How much longer the first byte of an answer may take where the API has to listen to a recording first."""

PATIENCE_FOR_THE_END = 0.2
"""Seconds for the end of a body from which no more is expected."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent with a recording."""

    fields: Mapping[str, str | list[str]]
    """A list is a field for each of its items."""

    file: Recording


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer that has begun."""

    content_type: str
    """Without parameters, in lower case; "" if the server names none."""

    pieces: Iterator[bytes]
    """The body, as it arrives; the first piece is there already."""

    finish: Callable[[], None]
    """Reads the end of a body that no more is expected of, so that its connection can serve again."""


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
        self._http = httpx.Client(
            transport=Transport(timeouts),
            headers={
                "User-Agent": f"cartesia-cli/{__version__}",
                "Cartesia-Version": API_VERSION,
                "Accept-Encoding": "identity",
            },
            trust_env=False,  # our transport reads the environment
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    @contextmanager
    def answer(
        self,
        method: str,
        path: str,
        *,
        accept: str,
        body: Mapping[str, Any] | Form | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Iterator[Answer]:
        """Send a request, again if need be, and yield its answer; leaving closes it.

        Args:
            method: GET or POST.
            path: below the base URL, with a slash in front, percent-encoded.
            accept: the content type to be asked for.
            body: to be sent as JSON, or a form.
            params: of the query.

        Raises:
            CredentialsError, LimitError, RequestError, UnavailableError: there is none.
            UsageError: the body cannot be sent, or the environment's proxy or certificates are unusable.
        """
        request = self._http.build_request(
            method, f"{self._base_url}{path}", params=params, **_content(body, {"Accept": accept})
        )
        if isinstance(body, Form):
            limits = self._timeouts
            request.extensions["limits"] = replace(limits, first_byte=limits.first_byte * LISTENING)
        with self._secrets.kept():
            response, first, rest = self._begin(request, body.file if isinstance(body, Form) else None)
            with closing(response):
                pieces = chain([first], rest) if first else iter(())
                yield Answer(_content_type(response), pieces, partial(_finish, response, rest))

    def json(self, path: str, params: Mapping[str, str] | None = None, form: Form | None = None) -> Any:
        """Return the JSON value that a GET request brings, or a POST request with a form.

        Raises:
            CartesiaError: as ``answer``.
            UnavailableError: the answer is not JSON, or too long.
        """
        method = "GET" if form is None else "POST"
        with self.answer(method, path, accept="application/json", body=form, params=params) as answer:
            body = b"".join(_bounded(answer.pieces, MAX_JSON))
            try:
                return load_json(body)
            except MalformedError as error:
                refuse(answer, "JSON", error)

    def _begin(
        self, request: httpx.Request, file: Recording | None
    ) -> tuple[httpx.Response, bytes, Iterator[bytes]]:
        """Return an answer whose first byte has arrived, and those bytes; try again while that may help."""
        with self._counting:
            self._traffic.requests += 1
        attempt = 0
        while True:
            headers: Mapping[str, str] = {}
            try:
                response = self._follow(request, file)
                if response.is_success:
                    return self._first_piece(response)
                headers = response.headers
                error: CartesiaError = _read_error(response)
                again = should_retry(response.status_code, headers)
            except BrokenConnectionError as broken:
                error, again = broken, broken.repeatable
            if not again or attempt >= self._retries or not (file is None or file.repeatable):
                raise error
            delay = retry_delay(attempt, headers, jitter=self._jitter, clock=time.time)
            _log.debug("again in %.2f s: %s", delay, self._secrets.cover(str(error)))
            self._sleep(delay)
            attempt += 1
            with self._counting:
                self._traffic.retries += 1

    @staticmethod
    def _first_piece(response: httpx.Response) -> tuple[httpx.Response, bytes, Iterator[bytes]]:
        with ExitStack() as opened:
            opened.callback(response.close)
            _require_uncompressed(response)
            pieces = response.iter_raw()
            first = next(pieces, b"")
            opened.pop_all()
        return response, first, pieces

    def _follow(self, request: httpx.Request, file: Recording | None) -> httpx.Response:
        """Send a request where redirects lead; what is confidential goes to the API alone."""
        home = request.url
        for _ in range(MAX_REDIRECTS + 1):
            if same_server(home, request.url):
                request.headers.update(self._confidential)
            response = self._send(request)
            if response.status_code not in {301, 302, 303, 307, 308}:
                return response
            response.close()
            request = self._redirect(request, response, again=file is None or file.repeatable)
        raise UnavailableError(
            f"The API redirects without end; the last address was on {one_line(request.url.host, 100)}.",
            hint="Check --base-url.",
        )

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send a request once; the log gets neither its query nor its headers."""
        place = self._secrets.cover(str(request.url.copy_with(query=None)))
        began = time.monotonic()
        try:
            response = self._http.send(request, stream=True)
        except BrokenConnectionError:
            _log.debug("%s %s: no answer, %.3f s", request.method, place, time.monotonic() - began)
            raise
        took = time.monotonic() - began
        _log.debug("%s %s: %d, %.3f s", request.method, place, response.status_code, took)
        return response

    def _redirect(self, request: httpx.Request, response: httpx.Response, *, again: bool) -> httpx.Request:
        status = response.status_code
        try:
            target = request.url.join(response.headers["location"])
        except (KeyError, httpx.InvalidURL, ValueError) as error:
            raise UnavailableError(
                f"The API answered with a redirect ({status}) to nowhere.", hint="Check --base-url."
            ) from error
        place = one_line(f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}{target.path}", 200)
        if target.scheme not in {"http", "https"} or not target.host or target.userinfo:
            raise UnavailableError(
                f"The API redirects to {place}, which is no place for it.", hint="Check --base-url."
            )
        if not again or (request.method != "GET" and status in {301, 302, 303}):
            # The standard lets a client turn POST into GET here, which would ask for something else;
            # and what came through a pipe is gone.
            raise UnavailableError(
                f"The API has moved to {place} (status {status}).",
                hint="Give its new address with --base-url.",
            )
        names = ("accept", "content-type", "content-length", "transfer-encoding")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        copy = self._http.build_request(
            request.method, target, headers=headers, extensions=request.extensions
        )
        copy.stream = request.stream
        return copy


def refuse(answer: Answer, expected: str, cause: Exception | None = None) -> NoReturn:
    """Raise for an answer of status 200 that is not what was asked for."""
    kind = one_line(answer.content_type, 60)
    raise UnavailableError(
        f"The API answered, but not with {expected}{f': its content type is {kind}' if kind else ''}.",
        hint="Check --base-url: a proxy, a sign-in page or another server may have answered.",
    ) from cause


def _content(body: Mapping[str, Any] | Form | None, headers: dict[str, str]) -> dict[str, Any]:
    """Return how httpx is told of a body and of the headers before it."""
    match body:
        case None:
            return {"headers": headers}
        case Form():
            return {"headers": headers, "data": body.fields, "files": {"file": (body.file.name, body.file)}}
        case _:
            return {"headers": headers | {"Content-Type": "application/json"}, "content": _encode_body(body)}


def _encode_body(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError as error:  # half a surrogate pair, or NaN
        raise UsageError("The request holds a character or a number that cannot be sent.") from error


def _read_error(response: httpx.Response) -> CartesiaError:
    """Return the error that an answer reports, even if its body breaks off."""
    body = bytearray()
    with closing(response), suppress(BrokenConnectionError):  # the status says enough
        for piece in response.iter_raw():
            body += piece
            if len(body) >= MAX_ERROR:
                break
    return decode_error(
        response.status_code,
        bytes(body[:MAX_ERROR]),
        content_type=_content_type(response),
        request_id=response.headers.get("x-request-id"),
    )


def _require_uncompressed(response: httpx.Response) -> None:
    coding = response.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise UnavailableError(
            f"The API sent an answer compressed as {one_line(coding, 40)}, which was not asked for.",
            hint="A proxy on the way may do that: check --base-url.",
        )


def _finish(response: httpx.Response, rest: Iterator[bytes]) -> None:
    response.extensions["way"].silence = PATIENCE_FOR_THE_END
    with suppress(BrokenConnectionError):
        for _ in islice(rest, 16):
            pass


def _bounded(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise UnavailableError("The API's answer does not end.", hint="Check --base-url.")
        yield piece


def _content_type(response: httpx.Response) -> str:
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()
