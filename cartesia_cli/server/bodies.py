"""What a request carries: JSON, or a form with files, never larger than it may be."""

import json
import re
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.types import Message, Receive

from cartesia_cli.errors import RequestError
from cartesia_cli.server.rules import rules_of

_COPY_SIZE = 2**20
_SUFFIX = re.compile(r"\.[0-9A-Za-z]{1,8}", re.ASCII)
_MOST_FILES, _MOST_FIELDS = 8, 100


async def read_json(request: Request) -> dict[str, Any]:
    """Return the object in a request's body.

    Raises:
        RequestError: too large, not JSON, or not an object.
    """
    body, max_body = bytearray(), rules_of(request).max_body
    async for piece in request.stream():
        body += piece
        if len(body) > max_body:
            raise RequestError(
                f"The body has more than {max_body} bytes.", title="Body too large", code="file_too_large"
            )
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is not JSON: {error}.", title="Invalid request") from error
    if not isinstance(payload, dict):
        raise RequestError("The body must be a JSON object.", title="Invalid request")
    return payload


@asynccontextmanager
async def read_form(request: Request, limit: int) -> AsyncGenerator[FormData, None]:
    """Read the form of a request; its files are there until the context is left.

    Raises:
        RequestError: the body has more than ``limit`` bytes.
        HTTPException: it is no form, or has too many parts.
    """
    limited_request = Request(request.scope, limited(request.receive, limit))
    async with limited_request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
        yield form


def limited(receive: Receive, limit: int) -> Receive:
    """Return ``receive`` for a body of at most ``limit`` bytes; more is a RequestError."""
    left = limit

    async def receive_limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise RequestError(
                f"The body has more than {limit} bytes.", title="Body too large", code="file_too_large"
            )
        return message

    return receive_limited


def texts(form: FormData) -> Mapping[str, str]:
    """Return the fields of a form that are no files, of several with one name the last."""
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def find_upload(form: FormData, name: str) -> UploadFile | None:
    """Return the file of this name; None if the form has none.

    Raises:
        RequestError: it is empty.
    """
    upload = form.get(name)
    if not isinstance(upload, UploadFile):
        return None
    if not upload.size:
        raise RequestError("The file is empty.", title="Invalid audio", code="unsupported_audio_format")
    return upload


def required_upload(form: FormData, name: str) -> UploadFile:
    """Return the file of this name.

    Raises:
        RequestError: there is none, or it is empty.
    """
    upload = find_upload(form, name)
    if upload is None:
        raise RequestError(f"The form has no file called {name!r}.", title="Invalid request")
    return upload


def keep_upload(upload: UploadFile, folder: str, name: str) -> Path:
    """Return a file in ``folder`` with what was sent; the ending of its name may tell what it is."""
    suffix = Path(upload.filename or "").suffix
    path = Path(folder) / f"{name}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, _COPY_SIZE)
    return path
