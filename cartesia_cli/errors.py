"""Every error this program raises on purpose, ordered by what its user can do next.

* CartesiaError
  * UsageError            2   options, text, audio or a manifest that cannot be used
  * CredentialsError      3   no API key, or the API refused it
  * LimitError            4   quota, payment, rate or concurrency; wait or upgrade
  * RequestError          5   the API rejected this request; retrying cannot help
  * UnavailableError      6   no answer that can be used; retrying may help
  * OutputError           7   not writable, no space, no sound device
  * PartialFailureError   8   finished, but some items failed
"""

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """Exit statuses, documented in README.md under "Exit statuses"."""

    OK = 0
    BUG = 1
    USAGE = 2
    CREDENTIALS = 3
    LIMIT = 4
    REJECTED = 5
    UNAVAILABLE = 6
    OUTPUT = 7
    PARTIAL = 8
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


class CartesiaError(Exception):
    """Base class. Shown to the user as one line, plus a hint if there is one.

    Args:
        message: what happened, one sentence.
        hint: what to do next.
        title: the API's short name of the failure.
        code: the API's ``error_code``.
        request_id: the API's identifier of the request, for its support.
        retry_after: seconds that the API asks everybody to wait.
    """

    exit_code = ExitCode.BUG

    is_passing: bool | None = None
    """Whether the same request may succeed later; None where nobody says."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        title: str | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.title = title
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class UsageError(CartesiaError):
    """Options, or input, that cannot be used."""

    exit_code = ExitCode.USAGE


class CredentialsError(CartesiaError):
    """No API key, or the API refused it (401, 403)."""

    exit_code = ExitCode.CREDENTIALS


class LimitError(CartesiaError):
    """Quota, payment, rate or concurrency (402, 429)."""

    exit_code = ExitCode.LIMIT


class RequestError(CartesiaError):
    """The API rejected the request (other 4xx)."""

    exit_code = ExitCode.REJECTED


class UnavailableError(CartesiaError):
    """No answer that can be used: network, timeout, 408, 5xx, a broken stream."""

    exit_code = ExitCode.UNAVAILABLE


class OutputError(CartesiaError):
    """The result cannot be delivered: disk, permissions, sound device."""

    exit_code = ExitCode.OUTPUT


class PartialFailureError(CartesiaError):
    """The run finished, but some of its items failed."""

    exit_code = ExitCode.PARTIAL
