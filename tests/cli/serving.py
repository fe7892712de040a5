"""A ``cartesia serve`` that a test started, and a plain client of it."""

import http.client
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.cli.program import Program, Running, wait_until

SPEECH = {
    "model_id": "sonic-3",
    "transcript": "Good day.",
    "voice": {"mode": "id", "id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
}
"""A request that a server speaks in a moment."""


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Serving(NamedTuple):
    """A server that is ready."""

    url: str
    running: Running

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 0

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection, not yet open."""
        return http.client.HTTPConnection(*self.address, timeout=20)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request on a connection of its own; a body that is not bytes goes as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        connection = self.connect()
        try:
            connection.request(method, path, sent, {**kind, **(headers or {})})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, received, response.read())
        finally:
            connection.close()


@contextmanager
def serving(
    program: Program, *options: object, state: str | None = ":memory:", **how: Any
) -> Iterator[Serving]:
    """Run a server on a free port until the block ends; a server that is still there is ended then."""
    kept = () if state is None else ("--state", state)
    running = program.start("serve", "--port", "0", *kept, *options, **how)
    assert running.stdout is not None
    try:
        url = first_line(running)
        yield Serving(url, running)
    finally:
        if not running.is_over:
            running.send(signal.SIGTERM)
            running.wait()


def first_line(running: Running) -> str:
    """Return the first line on standard output once it is whole."""
    stdout = running.stdout
    assert stdout is not None
    wait_until(lambda: b"\n" in stdout.wait_for(1, 30), 30)
    return stdout.wait_for(1).decode().splitlines()[0]
