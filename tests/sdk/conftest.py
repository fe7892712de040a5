"""The built-in engine behind ``cartesia serve``, and the official client of it in both its kinds."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.sdk.clients import KINDS, lent
from tests.sdk.parts import assert_shown
from tests.sdk.serving import served


@pytest.fixture(scope="session")
def built_in() -> Iterator[str]:
    """Return the address of a server that speaks, listens and keeps things; one for all tests of a worker."""
    with served() as url:
        yield url


@pytest.fixture(params=KINDS, ids=["sync", "async"])
def lend(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Return ``lend(url, **options)``: a client, closed at the end.

    A test that passes must have called every method that it is marked to show.
    """
    calls: list[set[str]] = []
    n_failed = request.session.testsfailed
    with ExitStack() as stack:

        def lend_one(url: str, **options: Any) -> Any:
            client, called = stack.enter_context(lent(request.param, url, **options))
            calls.append(called)
            return client

        yield lend_one
    if request.session.testsfailed > n_failed:
        return
    assert_shown(request.node, set().union(*calls))


@pytest.fixture
def client(lend: Callable[..., Any], built_in: str) -> Any:
    """Return a client of the built-in engine."""
    return lend(built_in)
