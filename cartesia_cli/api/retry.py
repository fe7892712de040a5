"""Whether a failed request is sent again, and when. The rules are those of the API's own clients."""

from collections.abc import Callable, Mapping

from cartesia_cli.errors import CartesiaError
from cartesia_cli.wire.errors import may_pass

LONGEST_WISH = 60.0
"""Seconds; a server that asks for a longer pause is not obeyed."""


class RefusedError(Exception):
    """The API answered one attempt with an error.

    Args:
        error: what is raised if there is no other attempt.
        status: of the answer.
        headers: of the answer, with lower-case or case-insensitive names.
    """

    def __init__(self, error: CartesiaError, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.headers = headers


def should_retry(
    status: int, headers: Mapping[str, str], *, code: str | None = None, once: bool = False
) -> bool:
    """Return whether an answer asks for another attempt; the server's own word comes first.

    Args:
        status: of the answer.
        headers: of the answer, with lower-case or case-insensitive names.
        code: the API's ``error_code``.
        once: whether it must not be done twice: then only after answers that say that nothing was done.
    """
    match headers.get("x-should-retry"):
        case "true":
            return True
        case "false":
            return False
        case _:
            return may_pass(status, code) and (not once or status in {429, 503})


def retry_delay(
    attempt: int, headers: Mapping[str, str], *, jitter: Callable[[], float], clock: Callable[[], float]
) -> float:
    """Return the seconds before the next attempt: as the server wishes, or 0.5, 1, 2, 4, 8, 8, ...

    Args:
        attempt: how many retries went before, from 0.
        headers: of the answer, with lower-case or case-insensitive names; empty if there was none.
        jitter: returns a number from 0 to 1; up to a quarter of the delay is taken off, so that many
            clients do not come back at the same moment.
        clock: returns the time in seconds since 1970, for a server that names a date.
    """
    wish = server_wish(headers, clock)
    if 0 < wish <= LONGEST_WISH:
        return wish
    return min(0.5 * 2.0 ** min(attempt, 10), 8.0) * (1 - 0.25 * jitter())


def server_wish(headers: Mapping[str, str], clock: Callable[[], float]) -> float:
    """Return the seconds that the server asks for; not above 0 if it does not.

    Args:
        headers: of the answer, with lower-case or case-insensitive names.
        clock: see ``retry_delay``.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    from email.utils import mktime_tz, parsedate_tz

    date = parsedate_tz(value) if value else None
    return mktime_tz(date) - clock() if date else 0.0


def _number(value: str | None) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
