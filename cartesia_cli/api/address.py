"""Where an API is, and what nobody else may see."""

import re
from collections.abc import Mapping

import httpx

from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.wire.values import one_line

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OUR_OWN_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})


def parse_base_url(text: str) -> str:
    """Return a base URL without a slash at the end.

    Raises:
        UsageError: it cannot be one.
    """
    hint = "It looks like https://HOST or http://HOST:PORT/PATH."
    shown = one_line(text, 100)
    try:
        url = httpx.URL(text)
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise UsageError(f"The base URL cannot be read: {shown}", hint=hint) from error
    named = url.host and ("%" not in url.host or ":" in url.host)  # a blank is percent-encoded
    if url.scheme not in {"http", "https"} or not named or (port is not None and not 0 < port < 65536):
        raise UsageError(f"The base URL is not an HTTP address: {shown}", hint=hint)
    if url.userinfo:
        raise UsageError("The base URL must not hold a user name or password.", hint="Use an API key.")
    if url.query or url.fragment:
        raise UsageError(f"The base URL must end with its path: {shown}", hint=hint)
    return str(url).rstrip("/")


def confidential_headers(api_key: str | None, headers: Mapping[str, str]) -> httpx.Headers:
    """Return the headers that only the API may see: the key, and those of the user.

    Raises:
        CredentialsError, UsageError: one of them cannot be sent. No message shows a value.
    """
    result = httpx.Headers()
    if api_key is not None:
        if not (api_key.isascii() and api_key.isprintable()) or not api_key.strip():
            raise CredentialsError(
                "The API key is blank, or holds characters that a key cannot have.",
                hint="Set it again: 'cartesia auth login', or CARTESIA_API_KEY.",
            )
        result["Authorization"] = f"Bearer {api_key.strip()}"
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OUR_OWN_HEADERS:
            raise UsageError(
                f"A header cannot be called {one_line(name, 60)!r}.", hint="Check CARTESIA_CUSTOM_HEADERS."
            )
        if not (value.isascii() and value.isprintable()):
            raise UsageError(
                f"The value of the header {name} holds characters that a header cannot have.",
                hint="Check CARTESIA_CUSTOM_HEADERS.",
            )
        result[name] = value.strip()
    return result


def same_server(home: httpx.URL, other: httpx.URL) -> bool:
    """Return whether a redirect stays with the server, or goes from its plain port to its encrypted one."""
    if home.host != other.host:
        return False
    if (home.scheme, home.port) == (other.scheme, other.port):
        return True
    return (home.scheme, home.port, other.scheme, other.port) == ("http", None, "https", None)
