"""What a server says of a request that it cannot accept."""

from typing import NoReturn

from cartesia_cli.errors import RequestError


def refuse(title: str, message: str, code: str | None = None) -> NoReturn:
    """Refuse a request.

    Args:
        title: the API's short name of the failure, like ``Invalid voice``.
        message: what is wrong, a sentence.
        code: the API's ``error_code``.

    Raises:
        RequestError: always.
    """
    raise RequestError(f"{title}: {message}", title=title, code=code)


def refuse_request(message: str) -> NoReturn:
    """Refuse a request that has the wrong fields, or values of the wrong kind.

    Raises:
        RequestError: always.
    """
    refuse("Invalid request", message)
