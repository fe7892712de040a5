"""``/fine-tunes/``: voices trained with a data set, which nothing here can do.

What is asked for is checked as the API does it; then the answer is an honest 501. A lenient server stores a
fine-tune instead, whose training never begins.
"""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.database import Record
from cartesia_cli.engines import VoiceLibrary
from cartesia_cli.errors import RequestError
from cartesia_cli.server.bodies import read_body
from cartesia_cli.server.failures import UnableError
from cartesia_cli.server.pages import enveloped, read_page_query
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.training import NewFineTune
from cartesia_cli.server.storage.fields import missing, optional_name, required_name, required_text
from cartesia_cli.server.storage.state import State, Stored, stored
from cartesia_cli.server.versions import requested_version
from cartesia_cli.server.voices.accents import read_accent, shown_accent

MODELS = ("sonic-3-2026-01-12", "sonic-3-2025-10-27")
"""That can be trained further."""

_PATH = "/fine-tunes"


def fine_tune_routes(state: State, library: VoiceLibrary | None = None) -> list[Route]:
    """Return the routes that store fine-tunes in ``state``; a ``library`` knows the accents."""
    routes, one = _FineTunes(state, library), f"{_PATH}/{{fine_tune_id}}"
    return [
        Route(_PATH, routes.list_all, methods=["GET"]),
        Route(_PATH, routes.create, methods=["POST"]),
        Route(one, routes.get, methods=["GET"]),
        Route(one, routes.delete, methods=["DELETE"]),
        Route(f"{one}/voices", routes.list_voices, methods=["GET"]),
    ]


class _FineTunes:
    """The routes' endpoints."""

    def __init__(self, state: State, library: VoiceLibrary | None) -> None:
        self._state = state
        self._library = library

    async def list_all(self, request: Request) -> Response:
        query = read_page_query(request.query_params)
        found = await run_in_threadpool(stored, self._state.fine_tunes)
        return JSONResponse(enveloped(found, query, lambda each: self._shown(each.fields, request)))

    async def create(self, request: Request) -> Response:
        asked = await read_body(request, NewFineTune, _decode)
        if "accent" in asked:
            asked["accent"] = read_accent(asked["accent"], requested_version(request), self._library)
        is_lenient = rules_of(request).is_lenient
        await run_in_threadpool(self._check, asked, is_lenient=is_lenient)
        if not is_lenient:
            raise UnableError("The built-in engine cannot train voices.")
        record = {"id": f"fine_tune_{uuid4().hex}", **asked, "status": "created"}
        await run_in_threadpool(self._state.fine_tunes.add, record)
        return JSONResponse(self._shown(record, request))

    async def get(self, request: Request) -> Response:
        record = await run_in_threadpool(self._get, _id(request))
        return JSONResponse(self._shown(record, request))

    async def delete(self, request: Request) -> Response:
        if not await run_in_threadpool(self._state.fine_tunes.delete, _id(request)):
            raise missing("fine-tune", _id(request))
        return Response(status_code=204)

    async def list_voices(self, request: Request) -> Response:
        query = read_page_query(request.query_params)
        await run_in_threadpool(self._get, _id(request))
        nothing: list[Stored] = []  # its training never ends
        return JSONResponse(enveloped(nothing, query, lambda each: dict(each.fields)))

    def _shown(self, record: Mapping[str, Any], request: Request) -> dict[str, Any]:
        fields = dict(record)
        if "accent" in fields:
            fields["accent"] = shown_accent(fields["accent"], requested_version(request), self._library)
        return fields

    def _get(self, fine_tune_id: str) -> Record:
        record = self._state.fine_tunes.get(fine_tune_id)
        if record is None:
            raise missing("fine-tune", fine_tune_id)
        return record

    def _check(self, asked: Record, *, is_lenient: bool) -> None:
        if asked["model_id"] not in MODELS:
            raise RequestError(
                f"The model_id must be one of {', '.join(MODELS)}.",
                title="Invalid model",
                code="model_not_found",
            )
        accent = asked.get("accent")
        if accent and self._library and all(each.id != accent for each in self._library.accents()):
            raise RequestError(
                "The accent must be the ID of one that GET /accents lists.", title="Invalid accent"
            )
        if not is_lenient and self._state.datasets.get(asked["dataset"]) is None:
            raise missing("dataset", asked["dataset"])


def _id(request: Request) -> str:
    fine_tune_id: str = request.path_params["fine_tune_id"]
    return fine_tune_id


def _decode(payload: Mapping[str, Any]) -> Record:
    """Return what is asked for, as it is kept."""
    accent = optional_name(payload, "accent")
    return {
        "name": required_name(payload),
        "description": required_text(payload, "description"),
        "language": required_name(payload, "language"),
        "model_id": required_name(payload, "model_id"),
        "dataset": required_name(payload, "dataset"),
        **({} if accent is None else {"accent": accent}),
    }
