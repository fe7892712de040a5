"""Where an answer says that the API has moved to."""

import httpx

from cartesia_cli.api.address import describe_place
from cartesia_cli.errors import UnavailableError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses that lead elsewhere."""

_KEPT = ("accept", "content-type", "content-length", "transfer-encoding")


def redirected(
    http: httpx.Client, request: httpx.Request, response: httpx.Response, *, again: bool
) -> httpx.Request:
    """Return the same request to where an answer leads, without anything confidential.

    Args:
        http: makes the request.
        request: was answered with a redirect.
        response: that redirect.
        again: whether the body can be sent once more.

    Raises:
        UnavailableError: it leads nowhere, or the request cannot be sent there.
    """
    status = response.status_code
    try:
        target = request.url.join(response.headers["location"])
    except (KeyError, httpx.InvalidURL, ValueError) as error:
        raise UnavailableError(
            f"The API answered with a redirect ({status}) to nowhere.", hint="Check --base-url."
        ) from error
    place = describe_place(target)
    if target.scheme not in {"http", "https"} or not target.host or target.userinfo:
        raise UnavailableError(
            f"The API redirects to {place}, which is no place for it.", hint="Check --base-url."
        )
    if not again or (request.method != "GET" and status in {301, 302, 303}):
        # The standard lets a client turn POST into GET here, which would ask for something else;
        # and what came through a pipe is gone.
        raise UnavailableError(
            f"The API has moved to {place} (status {status}).",
            hint="Give its new address with --base-url.",
        )
    headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
    copy = http.build_request(request.method, target, headers=headers, extensions=request.extensions)
    copy.stream = request.stream
    return copy
