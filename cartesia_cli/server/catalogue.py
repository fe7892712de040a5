"""``GET /voices`` and ``GET /voices/{id}``: looking voices up, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.engines import VoiceCatalogue
from cartesia_cli.errors import RequestError
from cartesia_cli.models import Voice
from cartesia_cli.server.access import requested_version
from cartesia_cli.server.failures import error_response
from cartesia_cli.wire import encode_voice

_FIRST_VERSION_WITH_PAGES = "2024-11-13"


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list is asked for."""

    limit: int = 10
    """1 to 100 items."""

    starting_after: str | None = None
    ending_before: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceQuery:
    """Which voices are asked for; ``None`` is all of them."""

    is_owner: bool | None = None
    gender: str | None = None
    language: str | None = None

    def matches(self, voice: Voice) -> bool:
        """Whether ``voice`` is asked for."""
        return (
            self.is_owner in {None, voice.is_owner}
            and self.gender in {None, voice.gender}
            and self.language in {None, voice.language}
        )


def read_page_query(params: QueryParams) -> PageQuery:
    """Return what a query says about the page.

    Raises:
        RequestError: a limit that is not 1 to 100, or both cursors.
    """
    limit = params.get("limit", "10")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= 100):
        raise RequestError(f"The limit must be from 1 to 100, not {limit!r}.", title="Invalid limit")
    after, before = params.get("starting_after") or None, params.get("ending_before") or None
    if after and before:
        raise RequestError(
            "The cursors starting_after and ending_before exclude each other.", title="Invalid cursor"
        )
    return PageQuery(int(limit), after, before)


def read_voice_query(params: QueryParams) -> VoiceQuery:
    """Return what a query says about the voices.

    Raises:
        RequestError: ``is_owner`` is neither true nor false.
    """
    is_owner = params.get("is_owner") or None
    if is_owner not in {None, "true", "false"}:
        raise RequestError(
            f"The field is_owner must be true or false, not {is_owner!r}.", title="Invalid is_owner"
        )
    return VoiceQuery(
        None if is_owner is None else is_owner == "true",
        params.get("gender") or None,
        params.get("language") or None,
    )


def page(items: Sequence[Voice], query: PageQuery) -> tuple[Sequence[Voice], bool]:
    """Return the items asked for, in the list's order, and whether more lie beyond them.

    Past the end, and for a cursor that is not in the list, there are none: the official client asks on until
    it gets none, so anything else would keep it asking for ever.
    """
    positions = {voice.id: position for position, voice in enumerate(items)}
    if query.ending_before is not None:
        end = positions.get(query.ending_before, 0)
        start = max(0, end - query.limit)
        return items[start:end], start > 0
    start = 0
    if query.starting_after is not None:
        start = positions.get(query.starting_after, len(items)) + 1
    end = start + query.limit
    return items[start:end], end < len(items)


def voice_routes(catalogue: VoiceCatalogue) -> list[Route]:
    """Return the routes that look up voices in ``catalogue``."""

    async def list_voices(request: Request) -> Response:
        params = request.query_params
        page_query, voice_query = read_page_query(params), read_voice_query(params)
        found = await run_in_threadpool(lambda: list(catalogue.voices(query=params.get("q") or None)))
        voices = [voice for voice in found if voice_query.matches(voice)]
        if requested_version(request) < _FIRST_VERSION_WITH_PAGES:
            return JSONResponse([_encode(voice, params) for voice in voices])
        items, has_more = page(voices, page_query)
        answer: dict[str, Any] = {"data": [_encode(voice, params) for voice in items], "has_more": has_more}
        if has_more and items:
            answer["next_page"] = items[0 if page_query.ending_before else -1].id
        return JSONResponse(answer)

    async def get_voice(request: Request) -> Response:
        try:
            voice = await run_in_threadpool(catalogue.get_voice, request.path_params["voice_id"])
        except RequestError as error:
            error.code = error.code or "voice_not_found"
            return error_response(request, error, 404)
        return JSONResponse(_encode(voice, request.query_params))

    return [
        Route("/voices", list_voices, methods=["GET"]),
        Route("/voices/{voice_id}", get_voice, methods=["GET"]),
    ]


def _encode(voice: Voice, params: QueryParams) -> dict[str, Any]:
    key: Literal["preview_file_url"] = "preview_file_url"
    answer = encode_voice(voice)
    preview = answer.pop(key, None)
    if key in params.getlist("expand[]"):
        answer[key] = preview
    return answer
