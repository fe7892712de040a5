"""The official client 2.0.17, the last one of the old API.

Its types are not those of the client that is installed where types are checked, so it has none here.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import Any

import httpx

from tests.sdk.parts import Part, waiting

assert version("cartesia") == "2.0.17", "these tests are of another client: run nox -s sdk2"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub, which it imports, misses ffmpeg and has old escapes
    _cartesia: Any = import_module("cartesia")
    _errors: Any = import_module("cartesia.core.api_error")

AsyncCartesia: Any = _cartesia.AsyncCartesia
ApiError: Any = _errors.ApiError
"""What it raises for every refusal, with ``status_code`` and ``body``."""

VERSION = "2024-11-13"
"""Of the API, sent with every request."""


@contextmanager
def old_client(url: str, key: str = "sk_car_test") -> Iterator[Any]:
    """Lend a client whose connections are closed at the end; by itself it closes none.

    It takes no socket without TLS unless the host is called ``localhost``. It follows no redirects: a server
    of the API needs none.
    """
    with httpx.Client(timeout=10) as connections:
        yield _cartesia.Cartesia(api_key=key, base_url=_local(url), httpx_client=connections)


@contextmanager
def lent(url: str, *, is_async: bool) -> Iterator[tuple[Any, set[str]]]:
    """Lend a client of either kind, and the set in which the names of called methods gather."""
    called: set[str] = set()
    with waiting() as wait:
        if not is_async:
            with old_client(url) as client:
                yield Part(client, "", called, wait), called
            return
        connections = httpx.AsyncClient(timeout=10)
        client = AsyncCartesia(api_key="sk_car_test", base_url=_local(url), httpx_client=connections)
        try:
            yield Part(client, "", called, wait), called
        finally:
            wait(client.close())
            wait(connections.aclose())


def _local(url: str) -> str:
    """Return the address of a server by the one name for which the client does without TLS."""
    return url.replace("127.0.0.1", "localhost")
