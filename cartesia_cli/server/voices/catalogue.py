"""``GET /voices`` and ``GET /voices/{id}``: looking voices up, page by page, for every version."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.engines import VoiceCatalogue, VoiceLibrary
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import Voice
from cartesia_cli.server.failures import error_response
from cartesia_cli.server.pages import enveloped, read_page_query
from cartesia_cli.server.versions import requested_version
from cartesia_cli.server.voices.accents import shown_accent
from cartesia_cli.wire import encode_voice
from cartesia_cli.wire.version import FIRST_WITH_PAGES, FIRST_WITHOUT_EMBEDDINGS

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class VoiceQuery:
    """Which voices are asked for; ``None`` is all of them."""

    query: str | None = None
    is_owner: bool | None = None
    gender: str | None = None
    language: str | None = None


def read_voice_query(params: QueryParams) -> VoiceQuery:
    """Return what a query says about the voices.

    Raises:
        RequestError: ``is_owner`` is neither true nor false.
    """
    is_owner = params.get("is_owner") or None
    if is_owner not in {None, "true", "false"}:
        raise RequestError(
            f"The field is_owner must be true or false, not {is_owner[:40]!r}.", title="Invalid is_owner"
        )
    return VoiceQuery(
        params.get("q") or None,
        None if is_owner is None else is_owner == "true",
        params.get("gender") or None,
        params.get("language") or None,
    )


def voice_routes(catalogue: VoiceCatalogue, library: VoiceLibrary | None = None) -> list[Route]:
    """Return the routes that look up voices in ``catalogue``; a ``library`` knows their embeddings."""

    async def list_voices(request: Request) -> Response:
        params = request.query_params
        page_query, asked = read_page_query(params), read_voice_query(params)

        def answer() -> Any:
            voices = list(
                catalogue.voices(
                    query=asked.query, language=asked.language, gender=asked.gender, owned=asked.is_owner
                )
            )

            def encode(voice: Voice) -> dict[str, Any]:
                return encode_expanded(voice, request, library)

            if requested_version(request) < FIRST_WITH_PAGES:
                return [encode(voice) for voice in voices]
            return enveloped(voices, page_query, encode)

        return JSONResponse(await run_in_threadpool(answer))

    @of_one_voice
    async def get_voice(request: Request) -> Response:
        def answer() -> Any:
            try:
                voice = catalogue.get_voice(request.path_params["voice_id"])
            except UsageError as error:  # no name of a voice either
                raise RequestError(str(error), title="Voice not found", code="voice_not_found") from error
            return encode_expanded(voice, request, library)

        return JSONResponse(await run_in_threadpool(answer))

    return [
        Route("/voices", list_voices, methods=["GET"]),
        Route("/voices/{voice_id}", get_voice, methods=["GET"]),
    ]


def of_one_voice(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers 404 where there is no voice with the ID in its path.

    What is refused with a title and without a code, is so for another reason.
    """

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RequestError as error:
            if error.title and error.code is None:
                raise
            error.code = error.code or "voice_not_found"
            return error_response(request, error)

    return answer


def encode_expanded(
    voice: Voice, request: Request, library: VoiceLibrary | None, *, with_embedding: bool = False
) -> dict[str, Any]:
    """Return a voice with what ``expand[]`` asks for, of what its version has.

    Args:
        voice: what is sent.
        request: what asks for it.
        library: what knows embeddings.
        with_embedding: send the embedding in any case, if the version has them.
    """
    wanted, version = request.query_params.getlist("expand[]"), requested_version(request)
    fields = encode_voice(voice)
    preview, known = fields.pop("preview_file_url", None), fields.pop("embedding", None)
    if "preview_file_url" in wanted:
        fields["preview_file_url"] = preview
    if isinstance(accent := fields.get("accent"), str):
        fields["accent"] = shown_accent(accent, version, library)
    if version >= FIRST_WITHOUT_EMBEDDINGS:
        return fields
    if "is_starred" in wanted:
        fields["is_starred"] = False
    if with_embedding or "embedding" in wanted or version < FIRST_WITH_PAGES:
        fields |= _embedding_of(voice, known, library)
    if version < FIRST_WITH_PAGES:
        fields.setdefault("user_id", USER_ID)
    return fields


USER_ID = "local"
"""Whose the voices are that were made here."""


def _embedding_of(voice: Voice, known: object, library: VoiceLibrary | None) -> Mapping[str, object]:
    if known is None and library is not None:
        known = [*library.mix_voices([(voice.id, 1.0)])]
    return {} if known is None else {"embedding": known}
