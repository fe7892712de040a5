"""Answers over HTTP, checked before they are used."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn

import httpx

from cartesia_cli.api.way import BrokenConnectionError
from cartesia_cli.errors import CartesiaError, UnavailableError
from cartesia_cli.wire import decode_error
from cartesia_cli.wire.values import one_line

MAX_ERROR = 64 * 2**10
"""Bytes of an error's body that are looked at."""

_NO_VOICE = re.compile(r"\bvoice\b.*\bnot\b|\bno( such)? voice\b", re.IGNORECASE)

PATIENCE_FOR_THE_END = 0.2
"""Seconds for the end of a body from which no more is expected."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer that has begun."""

    content_type: str
    """Without parameters, in lower case; "" if the server names none."""

    pieces: Iterator[bytes]
    """The body, as it arrives; the first piece is there already."""

    finish: Callable[[], None]
    """Reads the end of a body that no more is expected of, so that its connection can serve again."""


def refuse(answer: Answer, expected: str, cause: Exception | None = None) -> NoReturn:
    """Raise for an answer of status 200 that is not what was asked for."""
    kind = one_line(answer.content_type, 60)
    raise UnavailableError(
        f"The API answered, but not with {expected}{f': its content type is {kind}' if kind else ''}.",
        hint="Check --base-url: a proxy, a sign-in page or another server may have answered.",
    ) from cause


def is_absent(status: int, error: CartesiaError) -> bool:
    """Return whether an error says that the server knows no such path, or not to do that there.

    A voice that is not there has the same status; of that the API says more.
    """
    if status == 404:
        return "voice" not in (error.code or "") and not _NO_VOICE.search(str(error))
    return status in {405, 410, 501}


def read_error(response: httpx.Response) -> CartesiaError:
    """Return the error that an answer reports, even if its body breaks off."""
    body = bytearray()
    with closing(response), suppress(BrokenConnectionError):  # the status says enough
        for piece in response.iter_raw():
            body += piece
            if len(body) >= MAX_ERROR:
                break
    return decode_error(
        response.status_code,
        bytes(body[:MAX_ERROR]),
        content_type=content_type(response),
        request_id=response.headers.get("x-request-id"),
    )


def require_uncompressed(response: httpx.Response) -> None:
    """Check that an answer is as it was asked for.

    Raises:
        UnavailableError: it is compressed.
    """
    coding = response.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise UnavailableError(
            f"The API sent an answer compressed as {one_line(coding, 40)}, which was not asked for.",
            hint="A proxy on the way may do that: check --base-url.",
        )


def finish(response: httpx.Response, rest: Iterator[bytes]) -> None:
    """Read the end of a body from which no more is expected."""
    response.extensions["way"].silence = PATIENCE_FOR_THE_END
    with suppress(BrokenConnectionError):
        for _ in islice(rest, 16):
            pass


def bounded(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Yield what is given.

    Raises:
        UnavailableError: it is more than ``limit`` bytes.
    """
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise UnavailableError("The API's answer does not end.", hint="Check --base-url.")
        yield piece


def content_type(response: httpx.Response) -> str:
    """Return the type without parameters, in lower case; "" if there is none."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()
