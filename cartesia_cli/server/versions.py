"""In which version of the API a client speaks."""

import re

from starlette.requests import HTTPConnection

from cartesia_cli.errors import RequestError
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


def _named_version(connection: HTTPConnection) -> str:
    query = connection.query_params.get("cartesia_version")
    return query or connection.headers.get("cartesia-version") or API_VERSION


def _is_date(version: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", version, re.ASCII) is not None
