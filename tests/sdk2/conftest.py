"""Nothing of this folder is collected where the official client is not the old one: ``nox -s sdk2`` has it.

Both are called ``cartesia``, so no environment has two of them.
"""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from tests.sdk.parts import assert_shown
from tests.sdk.serving import served

collect_ignore_glob = [] if version("cartesia").startswith("2.") else ["test_*.py"]


@pytest.fixture(scope="session")
def built_in() -> Iterator[str]:
    """Return the address of ``cartesia serve``: one for all tests."""
    with served() as url:
        yield url


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest, built_in: str) -> Iterator[Any]:
    """Return a client of the built-in engine, of either kind.

    A test that passes must have called every method that it is marked to show.
    """
    from tests.sdk2.oldclient import lent

    n_failed = request.session.testsfailed
    with lent(built_in, is_async=request.param == "async") as (client, called):
        yield client
    if request.session.testsfailed == n_failed:
        assert_shown(request.node, called)
