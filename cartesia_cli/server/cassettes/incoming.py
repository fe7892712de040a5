"""A request as it came, before it is passed on or compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from cartesia_cli.server.cassettes.asking import Asked
from cartesia_cli.server.cassettes.covers import Cover


@dataclass(frozen=True, slots=True)
class Incoming:
    """The head of a request, or of a socket's handshake."""

    method: str
    path: str
    """Percent-decoded, without the prefix under which everything lies."""

    raw_path: str
    """The same, as it came."""

    query: str
    headers: Sequence[tuple[str, str]]
    """Names in lower case."""

    @classmethod
    def of(cls, scope: Scope, root: str) -> "Incoming":
        """Return the head in ``scope``, whose path begins with ``root``."""
        return cls(
            scope.get("method", "GET"),
            scope["path"].removeprefix(root) or "/",
            scope["raw_path"].decode("latin-1").removeprefix(root) or "/",
            scope["query_string"].decode("latin-1"),
            [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        )

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.raw_path}?{self.query}" if self.query else self.raw_path

    @property
    def content_type(self) -> str:
        """As the client names it."""
        return next((value for name, value in self.headers if name == "content-type"), "")

    def asked(self, body: Mapping[str, Any] | None, cover: Cover) -> Asked:
        """Return the request as it is kept, and tell ``cover`` its credentials."""
        return Asked.of(self.method, self.path, self.query, self.headers, body, cover)
