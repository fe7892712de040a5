"""Servers that keep something, strict or lenient."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from cartesia_cli.server.app import create_app
from cartesia_cli.server.rules import Rules
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.state import State
from tests.fakes.apps import running_app
from tests.fakes.known import KnownSamples

KEY = "sk_car_test"


@contextmanager
def serving(
    state: State,
    *,
    is_lenient: bool = False,
    keys: Collection[str] | None = None,
    staff: Staff | None = None,
    **rules: Any,
) -> Iterator[str]:
    """Run a server that keeps what it must in ``state``; yield its address."""
    engine = KnownSamples()
    app = create_app(
        staff or Staff(synthesizer=engine, catalogue=engine),
        rules=Rules(is_lenient=is_lenient, **rules),
        keys=keys,
        state=state,
    )
    with running_app(app, waits=False) as url:
        yield url
