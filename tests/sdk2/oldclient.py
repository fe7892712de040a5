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
        yield _cartesia.Cartesia(
            api_key=key, base_url=url.replace("127.0.0.1", "localhost"), httpx_client=connections
        )
