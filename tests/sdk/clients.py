"""The official client 4.2.0 in both its kinds, and its errors."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cartesia import (
    APIStatusError,
    AsyncCartesia,
    Cartesia,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
)

from tests.sdk.parts import Part, waiting
from tests.sdk.serving import socket_url

KINDS = (Cartesia, AsyncCartesia)
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nobody shows a certificate here, and to read those of the authorities takes each client 30 ms."""


@contextmanager
def lent(
    kind: type[Cartesia] | type[AsyncCartesia], url: str, **options: Any
) -> Iterator[tuple[Any, set[str]]]:
    """Lend a client of a server, and the set in which the names of called methods gather."""
    called: set[str] = set()
    options = {"api_key": "sk_car_any", "max_retries": 0, "timeout": 20, **options}
    with waiting() as wait:
        connections: Any = DefaultHttpxClient if kind is Cartesia else DefaultAsyncHttpxClient
        client = kind(
            base_url=url,
            websocket_base_url=socket_url(url),
            http_client=connections(verify=_NO_AUTHORITIES),
            **options,
        )
        try:
            yield Part(client, "", called, wait), called
        finally:
            if isinstance(client, Cartesia):
                client.close()
            else:
                wait(client.close())


def body_of(error: APIStatusError) -> dict[str, Any]:
    """Return the body with which a server refused."""
    assert isinstance(error.body, dict)
    return error.body


def assert_refused(expected: type[APIStatusError], *calls: Callable[[], object]) -> None:
    """Check that each call raises this class of error, with a body that says why."""
    for call in calls:
        with pytest.raises(expected) as refused:
            call()
        assert set(body_of(refused.value)) >= {"error_code", "title", "message", "request_id"}
