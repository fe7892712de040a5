"""Who asks, with which key, and in which version of the API."""

import hmac
import re
from collections.abc import Collection

from starlette.requests import HTTPConnection

from cartesia_cli.errors import CredentialsError, RequestError
from cartesia_cli.server.entrance.tokens import Tokens
from cartesia_cli.wire.version import API_VERSION


def requested_version(connection: HTTPConnection) -> str:
    """Return the version that the query or else the header names, or the newest if that is no date."""
    version = _named_version(connection)
    return version if _is_date(version) else API_VERSION


def check_version(connection: HTTPConnection) -> None:
    """Refuse a version that is not a date; none at all is taken for the newest.

    Raises:
        RequestError: not ``YYYY-MM-DD``.
    """
    version = _named_version(connection)
    if not _is_date(version):
        raise RequestError(
            f"The version {version!r} is not a date like {API_VERSION}.", title="Invalid version"
        )


def presented_key(connection: HTTPConnection) -> str | None:
    """Return the key or token of a request: from ``Authorization``, ``X-API-Key`` or the query."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    query = connection.query_params
    return connection.headers.get("x-api-key") or query.get("api_key") or query.get("access_token") or None


def check_access(connection: HTTPConnection, keys: Collection[str] | None, tokens: Tokens, path: str) -> None:
    """Refuse a request without one of ``keys`` or a token that allows it; ``None`` lets everyone in.

    A token is held to what it allows even where no key is asked for.

    Args:
        connection: who asks.
        keys: what is accepted.
        tokens: those that this server issued.
        path: what is asked for, without the prefix under which everything lies.

    Raises:
        CredentialsError: no key, or one that is not accepted, or a token that has expired.
        ForbiddenError: a token that does not allow this.
    """
    key = presented_key(connection)
    if key is None:
        if keys is None:
            return
        raise CredentialsError("The request carries no API key.", title="Unauthorized")
    # Every key is compared, each in constant time: the answer's delay tells nothing.
    if keys is not None and sum(hmac.compare_digest(key.encode(), accepted.encode()) for accepted in keys):
        return
    token = tokens.read(key)
    if token is not None:
        tokens.check(token, path)
    elif keys is not None:
        raise CredentialsError("The API key is not valid.", title="Unauthorized")


def _named_version(connection: HTTPConnection) -> str:
    query = connection.query_params.get("cartesia_version")
    return query or connection.headers.get("cartesia-version") or API_VERSION


def _is_date(version: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", version, re.ASCII) is not None
