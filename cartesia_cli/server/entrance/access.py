"""Who asks: the key or token of a request, and what it opens."""

import hmac
from collections.abc import Collection

from starlette.requests import HTTPConnection

from cartesia_cli.errors import CredentialsError
from cartesia_cli.server.entrance.tokens import Tokens


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
