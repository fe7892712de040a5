"""A short look at the API, for a diagnosis: whether it answers, and what its clock says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from cartesia_cli import __version__
from cartesia_cli.api.address import confidential_headers, parse_base_url
from cartesia_cli.api.transport import Transport
from cartesia_cli.api.way import Timeouts
from cartesia_cli.wire.version import API_VERSION


@dataclass(frozen=True, slots=True)
class Sign:
    """What came back, whatever its status."""

    status: int
    date: datetime | None
    """The server's clock when it answered."""

    proxy: str | None
    """Host and port of the proxy between."""


def knock(
    base_url: str, path: str = "/", *, api_key: str | None = None, headers: Mapping[str, str], seconds: float
) -> Sign:
    """Ask once with GET and return what came; redirects are not followed, the body is not read.

    Args:
        base_url: of the API.
        path: below it.
        api_key: None to ask without.
        headers: the user's own.
        seconds: for each part of the way.

    Raises:
        UnavailableError: no answer.
        CredentialsError, UsageError: key, URL, headers, proxy or certificates that cannot be used.
    """
    usual = {
        "User-Agent": f"cartesia-cli/{__version__}",
        "Cartesia-Version": API_VERSION,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    transport = Transport(Timeouts(seconds, seconds, seconds))
    with httpx.Client(transport=transport, headers=usual, trust_env=False) as client:
        request = client.build_request("GET", f"{parse_base_url(base_url)}{path}")
        request.headers.update(confidential_headers(api_key, headers))
        response = client.send(request, stream=True)
        response.close()
        return Sign(
            response.status_code, _read_date(response.headers.get("date")), response.extensions["way"].proxy
        )


def _read_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
