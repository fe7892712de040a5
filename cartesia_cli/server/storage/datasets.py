"""``/datasets/``: collections of recordings to train voices with.

What is known of a recording is kept: its name, its size and when it came. The sound is not: nothing here
could use it.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.database import Record
from cartesia_cli.errors import RequestError
from cartesia_cli.server.bodies import read_body, read_form, required_upload, texts
from cartesia_cli.server.pages import enveloped, read_page_query
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.training import DatasetFields, DatasetFileForm
from cartesia_cli.server.storage.fields import missing, optional_name, required_name, required_text
from cartesia_cli.server.storage.state import State, Stored, stored

FORMATS = frozenset({"flac", "mp3", "mpeg", "mpga", "oga", "ogg", "wav", "webm"})
"""Of the recordings, by the endings of their names."""

_PATH = "/datasets"
_DATASET = ("id", "name", "description", "created_at")
_FILE = ("id", "filename", "size", "created_at")
_LONGEST_NAME = 255


def dataset_routes(state: State) -> list[Route]:
    """Return the routes that store data sets in ``state``."""
    routes, one = _Datasets(state), f"{_PATH}/{{dataset_id}}"
    return [
        Route(_PATH, routes.list_all, methods=["GET"]),
        Route(_PATH, routes.create, methods=["POST"]),
        Route(one, routes.get, methods=["GET"]),
        Route(one, routes.update, methods=["PATCH"]),
        Route(one, routes.delete, methods=["DELETE"]),
        Route(f"{one}/files", routes.list_files, methods=["GET"]),
        Route(f"{one}/files", routes.upload, methods=["POST"]),
        Route(f"{one}/files/{{file_id}}", routes.delete_file, methods=["DELETE"]),
    ]


class _Datasets:
    """The routes' endpoints."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list_all(self, request: Request) -> Response:
        query = read_page_query(request.query_params)
        found = await run_in_threadpool(stored, self._state.datasets)
        return JSONResponse(enveloped(found, query, lambda each: _shown(each.fields, _DATASET)))

    async def create(self, request: Request) -> Response:
        record = {
            "id": f"dataset_{uuid4().hex}",
            **await read_body(request, DatasetFields, _decode),
            "created_at": self._state.now(),
        }
        await run_in_threadpool(self._state.datasets.add, record)
        return JSONResponse(record)

    async def get(self, request: Request) -> Response:
        record = await run_in_threadpool(self._state.datasets.get, _id(request))
        if record is None:
            raise missing("dataset", _id(request))
        return JSONResponse(_shown(record, _DATASET))

    async def update(self, request: Request) -> Response:
        changes = await read_body(request, DatasetFields, _decode)
        changed = await run_in_threadpool(
            self._state.datasets.update, _id(request), lambda record: {**record, **changes}
        )
        if changed is None:
            raise missing("dataset", _id(request))
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        await run_in_threadpool(self._delete, _id(request))
        return Response(status_code=204)

    async def list_files(self, request: Request) -> Response:
        query = read_page_query(request.query_params)
        found = await run_in_threadpool(self._files, _id(request))
        return JSONResponse(enveloped(found, query, lambda each: _shown(each.fields, _FILE)))

    async def upload(self, request: Request) -> Response:
        async with read_form(request, rules_of(request).max_recording, DatasetFileForm) as form:
            upload = required_upload(form, "file")
            purpose = optional_name(texts(form), "purpose")
            record = {
                "id": f"file_{uuid4().hex}",
                "filename": PurePath(upload.filename or "").name[-_LONGEST_NAME:],
                "size": upload.size,
                "created_at": self._state.now(),
                "purpose": purpose,
            }
            await run_in_threadpool(self._add_file, _id(request), record, upload)
        return Response(status_code=204)

    async def delete_file(self, request: Request) -> Response:
        file_id = request.path_params["file_id"]
        files = self._state.files_of(_id(request))
        if not await run_in_threadpool(files.delete, file_id):
            raise missing("file", file_id)
        return Response(status_code=204)

    def _delete(self, dataset_id: str) -> None:
        with self._state.writing():
            if not self._state.datasets.delete(dataset_id):
                raise missing("dataset", dataset_id)
            self._state.files_of(dataset_id).clear()

    def _files(self, dataset_id: str) -> list[Stored]:
        if self._state.datasets.get(dataset_id) is None:
            raise missing("dataset", dataset_id)
        return stored(self._state.files_of(dataset_id))

    def _add_file(self, dataset_id: str, record: Record, upload: UploadFile) -> None:
        with self._state.writing():  # nobody deletes the data set meanwhile
            if self._state.datasets.get(dataset_id) is None:
                raise missing("dataset", dataset_id)
            _check_format(upload)
            self._state.files_of(dataset_id).add(record)


def _id(request: Request) -> str:
    dataset_id: str = request.path_params["dataset_id"]
    return dataset_id


def _decode(payload: Mapping[str, Any]) -> Record:
    """Return what is to be kept of a data set."""
    return {"name": required_name(payload), "description": required_text(payload, "description")}


def _check_format(upload: UploadFile) -> None:
    """Refuse what is no recording, by its name or, where that says nothing, by its type.

    Raises:
        RequestError: it is none.
    """
    suffix = PurePath(upload.filename or "").suffix.lstrip(".").lower()
    if suffix in FORMATS or (not suffix and (upload.content_type or "").startswith("audio/")):
        return
    raise RequestError(
        f"The file must be one of {', '.join(sorted(FORMATS))}.",
        title="Unsupported audio format",
        code="unsupported_audio_format",
    )


def _shown(record: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: record[name] for name in names}
