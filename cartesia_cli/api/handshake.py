"""How a request becomes a WebSocket (RFC 6455, section 4), or a clear error."""

import base64
import hashlib
import os
from collections.abc import Callable
from contextlib import closing

import httpx

from cartesia_cli.api.address import describe_place
from cartesia_cli.api.retry import RefusedError
from cartesia_cli.api.sockets import Socket
from cartesia_cli.api.transport import Transport
from cartesia_cli.errors import CartesiaError, UnavailableError
from cartesia_cli.wire.values import one_line

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""With it a server shows that it has understood the question."""


def shake_hands(
    transport: Transport, request: httpx.Request, read_error: Callable[[httpx.Response], CartesiaError]
) -> Socket:
    """Send a request for a WebSocket once.

    Args:
        transport: opens the connection.
        request: a GET request with all headers but those that ask for the protocol, which are added.
        read_error: reads and closes an answer that reports an error.

    Raises:
        BrokenConnectionError: there is no answer.
        RefusedError: it is a refusal.
        UnavailableError: it is not from a server of this protocol.
        UsageError: the environment names a proxy or certificates that cannot be used.
    """
    key = base64.b64encode(os.urandom(16))
    request.headers.update(
        {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key.decode("ascii"),
        }
    )
    response, upgraded = transport.upgrade(request)
    status = response.status_code
    if status in {301, 302, 303, 307, 308}:
        with closing(response):
            raise _moved(request, response)
    if status >= 400:
        raise RefusedError(read_error(response), status, response.headers)
    if upgraded is None or not _has_agreed(response, key):
        with closing(response):
            kind = one_line(response.headers.get("content-type", "").partition(";")[0], 60)
            raise UnavailableError(
                f"The API answered, but not as a WebSocket (status {status}{f', {kind}' if kind else ''}).",
                hint="Check --base-url: a proxy, a sign-in page or another server may have answered.",
            )
    connected, begun = upgraded.detach()
    return Socket(connected, response.extensions["way"], begun=begun)


def _has_agreed(response: httpx.Response, key: bytes) -> bool:
    expected = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest()).decode("ascii")
    headers = response.headers
    return (
        headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in headers.get("connection", "").lower()
        and headers.get("sec-websocket-accept", "").strip() == expected
        and "sec-websocket-extensions" not in headers  # none was offered
    )


def _moved(request: httpx.Request, response: httpx.Response) -> UnavailableError:
    status = response.status_code
    try:
        place = describe_place(request.url.join(response.headers["location"]))
    except (KeyError, httpx.InvalidURL, ValueError):
        return UnavailableError(
            f"The API answered with a redirect ({status}) to nowhere.", hint="Check --base-url."
        )
    return UnavailableError(
        f"The API has moved to {place} (status {status}).", hint="Give its new address with --base-url."
    )
