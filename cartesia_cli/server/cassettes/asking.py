"""What was asked: as it came, and so that the same can be found again."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

from cartesia_cli.api.relay import KEY_PARAMS
from cartesia_cli.server.cassettes.covers import Cover, credentials_in

_NOT_KEPT = KEY_PARAMS | {"cartesia_version"}
_SHOWN = 60
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The head of a request, or of a socket's handshake, as it came."""

    method: str
    """Of HTTP; GET for a socket."""

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

    def asked(self, body: Mapping[str, Any] | None, cover: Cover) -> "Asked":
        """Return the request as it is to be kept.

        Args:
            body: as ``Upload`` describes it.
            cover: gets to know the credentials of the request, which are nowhere kept.
        """
        params = parse_qsl(self.query, keep_blank_values=True)
        cover.add(credentials_in(self.headers, params))
        versions = [value for name, value in params if name == "cartesia_version" and value]
        versions += [value for name, value in self.headers if name == "cartesia-version" and value]
        kept = urlencode(sorted((name, value) for name, value in params if name not in _NOT_KEPT))
        return Asked(
            self.method,
            cover.cover(self.path),
            cover.cover(kept),
            cover.cover(versions[0]) if versions else None,
            None if body is None else json.loads(cover.cover(json.dumps(body, ensure_ascii=False))),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, without anything that changes from one time to the next."""

    method: str
    path: str
    """Without prefix, percent-decoded."""

    query: str
    version: str | None
    body: Mapping[str, Any] | None = None

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Asked":
        """Return the request in a cassette.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        texts = fields["method"], fields["path"], fields["query"]
        version, body = fields["version"], fields["body"]
        if not all(isinstance(text, str) for text in texts) or not isinstance(version, str | None):
            raise TypeError("its request is not made of texts")
        if not isinstance(body, dict | None):
            raise TypeError("the body of its request is no object")
        asked = cls(*texts, version, body)
        json.dumps(asked.comparable)  # which takes the body apart: it must be one
        return asked

    @property
    def fields(self) -> dict[str, Any]:
        """The request as it stands in a cassette."""
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "version": self.version,
            "body": self.body,
        }

    @property
    def key(self) -> bytes:
        """The same for requests that get the same answer."""
        canonical = json.dumps(self.comparable, sort_keys=True)
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).digest()

    @property
    def context_id(self) -> str | None:
        """What an event stream is to name."""
        value = (self.body or {}).get("json")
        context_id = value.get("context_id") if isinstance(value, dict) else None
        return context_id if isinstance(context_id, str) and context_id else None

    def differences(self, other: "Asked") -> list[str]:
        """Return what is not the same in another one, as sentences without a full stop."""
        return list(differences("", self.comparable, other.comparable))

    @property
    def comparable(self) -> dict[str, Any]:
        """The request without what does not count: names of files, and of an event stream's context.

        Raises:
            KeyError, TypeError: the body is none of a cassette.
        """
        fields = self.fields | {"path": self.path.rstrip("/")}
        match self.body:
            case {"form": parts}:
                kept = (
                    {name: part[name] for name in part if name not in {"filename", "type"}} for part in parts
                )
                fields["body"] = sorted(kept, key=lambda part: json.dumps(part, sort_keys=True))
            case {"json": dict(value)} if fields["path"].endswith("/sse"):
                fields["body"] = {name: value[name] for name in value if name != "context_id"}
            case {"json": value}:
                fields["body"] = value
            case body:
                fields["body"] = body
        return fields


def differences(place: str, recorded: Any, asked: Any) -> Iterator[str]:
    """Yield what is not the same in two values of JSON; ``place`` is their name."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in sorted(recorded.keys() | asked.keys()):
            inner = f"{place}.{name}" if place else name
            if name not in recorded:
                yield f"{inner} is {shown(asked[name])} and was not there"
            elif name not in asked:
                yield f"{inner} was {shown(recorded[name])} and is not there"
            else:
                yield from differences(inner, recorded[name], asked[name])
    elif isinstance(recorded, list) and isinstance(asked, list) and len(recorded) == len(asked):
        for number, (one, other) in enumerate(zip(recorded, asked, strict=True)):
            yield from differences(f"{place}[{number}]", one, other)
    elif recorded != asked or type(recorded) is not type(asked):
        yield f"{place} is {shown(asked)} and was {shown(recorded)}"


def shown(value: Any) -> str:
    """Return a value for a message, of bounded length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
