"""What a request carries: JSON, or a form with files, never larger than it may be."""

import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.types import Message, Receive

from cartesia_cli.errors import RequestError
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.checking import DecodedT, check, decode_checked, find_fault
from cartesia_cli.server.schemas.kinds import File
from cartesia_cli.wire.values import MalformedError, load_json

_COPY_SIZE = 2**20
_SUFFIX = re.compile(r"\.[0-9A-Za-z]{1,8}", re.ASCII)
_MOST_FILES, _MOST_FIELDS = 8, 100


async def read_bytes(request: Request) -> bytes:
    """Return the body of a request without a file.

    Raises:
        RequestError: too large.
    """
    return await Request(request.scope, _limited(request.receive, rules_of(request).max_body)).body()


async def read_json(request: Request, schema: type[Struct] | None = None) -> dict[str, Any]:
    """Return the object in a request's body; of a strict server, if it has the shape of ``schema``.

    Raises:
        RequestError: too large, not JSON, not an object, or of another shape.
    """
    try:
        payload = load_json(await read_bytes(request))
    except MalformedError as error:
        raise RequestError(f"The body is {error}.", title="Invalid request") from error
    if not isinstance(payload, dict):
        raise RequestError("The body must be a JSON object.", title="Invalid request")
    if schema is not None:
        check(payload, schema, lenient=rules_of(request).is_lenient)
    return payload


async def read_body(
    request: Request, schema: type[Struct], decode: Callable[[dict[str, Any]], DecodedT]
) -> DecodedT:
    """Return what ``decode`` makes of the object in a request's body; see ``decode_checked``.

    Raises:
        RequestError: as of ``read_json``, or of ``decode``.
    """
    payload = await read_json(request)
    return decode_checked(payload, schema, decode, lenient=rules_of(request).is_lenient)


@asynccontextmanager
async def read_form(
    request: Request, limit: int, schema: type[Struct] | None = None
) -> AsyncGenerator[FormData, None]:
    """Read the form of a request; its files are there until the context is left.

    Of a strict server, it has no fields but those of ``schema``; what is missing is for who reads it to say.

    Raises:
        RequestError: the body has more than ``limit`` bytes, or fields that are not as they should be.
        HTTPException: it is no form, or has too many parts.
    """
    limited_request = Request(request.scope, _limited(request.receive, limit))
    async with limited_request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS) as form:
        if schema is not None and not rules_of(request).is_lenient:
            fields = {name: value if isinstance(value, str) else File() for name, value in form.multi_items()}
            fault = find_fault(fields, schema)
            if fault is not None and fault.kind != "missing":
                raise fault.as_error()
        yield form


def _limited(receive: Receive, limit: int) -> Receive:
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


@contextmanager
def kept(upload: UploadFile, name: str) -> Iterator[Path]:
    """Lend a file with what was sent, for engines read files; the ending of its name may tell what it is."""
    suffix = Path(upload.filename or "").suffix
    with tempfile.TemporaryDirectory(prefix="cartesia-") as folder:
        path = Path(folder) / f"{name}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
        with path.open("wb") as file:
            shutil.copyfileobj(upload.file, file, _COPY_SIZE)
        yield path
