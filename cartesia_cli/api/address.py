"""Where an API is, and what nobody else may see."""

from collections.abc import Mapping

import httpx

from cartesia_cli.access import check_base_url, check_header, check_key
from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.wire.values import one_line


def parse_base_url(text: str) -> str:
    """Return a base URL without a slash at the end.

    Raises:
        UsageError: it cannot be one. It is not shown, for it may hold a password.
    """
    try:
        return str(httpx.URL(check_base_url(text))).rstrip("/")
    except (ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            "The base URL is not the address of a server.",
            hint="It looks like https://HOST or http://HOST:PORT/PATH, without a password or a query.",
        ) from error


def confidential_headers(api_key: str | None, headers: Mapping[str, str]) -> httpx.Headers:
    """Return the headers that only the API may see: the key, and those of the user.

    Raises:
        CredentialsError, UsageError: one of them cannot be sent. No message shows a value.
    """
    result = httpx.Headers()
    if api_key is not None:
        try:
            result["Authorization"] = f"Bearer {check_key(api_key)}"
        except ValueError as error:
            raise CredentialsError(f"The API key {error}.", hint="Set CARTESIA_API_KEY again.") from error
    for name, value in headers.items():
        try:
            result[name] = check_header(name, value)
        except ValueError as error:
            raise UsageError(
                f"The header {one_line(name, 60)!r} {error}.", hint="Check CARTESIA_CUSTOM_HEADERS."
            ) from error
    return result


def describe_place(url: httpx.URL) -> str:
    """Return a URL for a message, without its query."""
    return one_line(f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}", 200)


def same_server(home: httpx.URL, other: httpx.URL) -> bool:
    """Return whether a redirect stays with the server, or goes from its plain port to its encrypted one."""
    if home.host != other.host:
        return False
    if (home.scheme, home.port) == (other.scheme, other.port):
        return True
    return (home.scheme, home.port, other.scheme, other.port) == ("http", None, "https", None)
