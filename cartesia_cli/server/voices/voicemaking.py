"""Making, changing and deleting voices, and the accents; what older versions had besides."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.engines import VoiceLibrary
from cartesia_cli.errors import RequestError
from cartesia_cli.models import CloneRequest, Voice
from cartesia_cli.server.bodies import kept, read_body, read_form, required_upload, texts
from cartesia_cli.server.failures import error_response, unable
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas import voices as schemas
from cartesia_cli.server.versions import requested_version
from cartesia_cli.server.voices.accents import read_accent
from cartesia_cli.server.voices.catalogue import (
    USER_ID,
    encode_expanded,
    of_one_voice,
)
from cartesia_cli.wire.catalogue import (
    decode_accent_ids,
    decode_changes,
    decode_clone,
    decode_localize,
    decode_mix,
    decode_new_voice_request,
    encode_metadata,
)
from cartesia_cli.wire.version import FIRST_WITH_PAGES, FIRST_WITHOUT_EMBEDDINGS
from cartesia_cli.wire.voices import encode_accent


def voicemaking_routes(library: VoiceLibrary | None) -> list[Route]:
    """Return the routes that make and change voices; without a library they answer 501."""
    if library is None:
        refuse = unable("This server does not make or change voices.")
        return [
            Route("/accents", refuse, methods=["GET"]),
            Route("/voices/{voice_id}", refuse, methods=["POST", "PATCH", "DELETE"]),
            Route("/voices/{voice_id}/accents", refuse, methods=["PATCH"]),
            Route("/voices/{voice_id}/accents/{accent_id}", refuse, methods=["DELETE"]),
        ]
    routes = _Voicemaking(library)
    return [
        Route("/accents", routes.list_accents, methods=["GET"]),
        Route("/voices", _until(FIRST_WITHOUT_EMBEDDINGS, routes.create), methods=["POST"]),
        Route("/voices/mix", _until(FIRST_WITHOUT_EMBEDDINGS, routes.mix), methods=["POST"]),
        Route("/voices/clone", routes.clone, methods=["POST"]),
        Route("/voices/clone/clip", _until(FIRST_WITH_PAGES, routes.embed), methods=["POST"]),
        Route("/voices/localize", routes.localize, methods=["POST"]),
        Route("/voices/{voice_id}", of_one_voice(routes.update), methods=["PATCH"]),
        Route("/voices/{voice_id}", of_one_voice(routes.delete), methods=["DELETE"]),
        Route("/voices/{voice_id}/accents", of_one_voice(routes.add_accents), methods=["PATCH"]),
        Route(
            "/voices/{voice_id}/accents/{accent_id}", of_one_voice(routes.remove_accent), methods=["DELETE"]
        ),
    ]


class _Voicemaking:
    """The routes' endpoints."""

    def __init__(self, library: VoiceLibrary) -> None:
        self._library = library

    async def list_accents(self, request: Request) -> Response:
        accents = await run_in_threadpool(lambda: sorted(self._library.accents(), key=lambda each: each.id))
        return JSONResponse({"accents": [encode_accent(accent) for accent in accents]})

    async def update(self, request: Request) -> Response:
        changes = await read_body(request, schemas.VoiceUpdate, decode_changes)
        if accent := changes.get("accent"):
            changes["accent"] = read_accent(accent, requested_version(request), self._library)
        voice_id = request.path_params["voice_id"]
        return await self._answer(request, lambda: self._library.update_voice(voice_id, changes))

    async def delete(self, request: Request) -> Response:
        await run_in_threadpool(self._library.delete_voice, request.path_params["voice_id"])
        return Response(status_code=204)

    async def add_accents(self, request: Request) -> Response:
        accents = await read_body(request, schemas.AccentsToAdd, decode_accent_ids)
        voice_id = request.path_params["voice_id"]
        return await self._answer(request, lambda: self._library.add_accents(voice_id, accents))

    async def remove_accent(self, request: Request) -> Response:
        voice_id, accent = request.path_params["voice_id"], request.path_params["accent_id"]
        return await self._answer(request, lambda: self._library.remove_accent(voice_id, accent))

    async def clone(self, request: Request) -> Response:
        async with read_form(request, rules_of(request).max_clip, schemas.CloneForm) as form:
            clip = required_upload(form, "clip")
            asked = decode_clone(texts(form))
            if asked.accent is not None:
                accent = read_accent(asked.accent, requested_version(request), self._library)
                asked = replace(asked, accent=accent)
            voice = await run_in_threadpool(self._clone, clip, asked)
        return JSONResponse(encode_metadata(voice, user_id=USER_ID))

    async def localize(self, request: Request) -> Response:
        asked = await read_body(request, schemas.Localization, decode_localize)
        asked = replace(asked, accent=read_accent(asked.accent, requested_version(request), self._library))
        voice = await run_in_threadpool(self._library.localize_voice, asked)
        return JSONResponse(encode_metadata(voice, user_id=USER_ID))

    async def mix(self, request: Request) -> Response:
        parts = await read_body(request, schemas.Mix, decode_mix)
        return JSONResponse({"embedding": await run_in_threadpool(self._mix, parts)})

    async def create(self, request: Request) -> Response:
        name, embedding, description, language = await read_body(
            request, schemas.NewVoice, decode_new_voice_request
        )
        return await self._answer(
            request,
            lambda: self._library.create_voice(name, embedding, description=description, language=language),
            with_embedding=True,
        )

    async def embed(self, request: Request) -> Response:
        """Answer with the embedding of a clip; no voice stays."""
        async with read_form(request, rules_of(request).max_clip, schemas.ClipForm) as form:
            clip = required_upload(form, "clip")
            embedding = await run_in_threadpool(self._embed, clip)
        return JSONResponse({"embedding": embedding})

    async def _answer(
        self, request: Request, act: Callable[[], Voice], *, with_embedding: bool = False
    ) -> Response:
        def answer() -> dict[str, Any]:
            return encode_expanded(act(), request, self._library, with_embedding=with_embedding)

        return JSONResponse(await run_in_threadpool(answer))

    def _clone(self, clip: UploadFile, asked: CloneRequest) -> Voice:
        with kept(clip, "clip") as path:
            return self._library.clone_voice(path, asked)

    def _embed(self, clip: UploadFile) -> list[float]:
        voice = self._clone(clip, CloneRequest("clip"))
        try:
            return [*self._library.mix_voices([(voice.id, 1.0)])]
        finally:
            self._library.delete_voice(voice.id)

    def _mix(self, parts: list[tuple[str | tuple[float, ...], float]]) -> list[float]:
        """Return the mean of voices and embeddings, weighted."""
        ids = [(part, weight) for part, weight in parts if isinstance(part, str)]
        if len(ids) == len(parts):
            return [*self._library.mix_voices(ids)]
        embeddings = [
            self._library.mix_voices([(part, 1.0)]) if isinstance(part, str) else part for part, _ in parts
        ]
        total = sum(weight for _, weight in parts)
        if len({len(embedding) for embedding in embeddings}) != 1 or total <= 0:
            raise RequestError(
                "Embeddings of one length, and weights of which one is not 0, can be mixed.",
                title="Invalid mix",
            )
        mixed = [
            sum(number * weight for number, (_, weight) in zip(column, parts, strict=True)) / total
            for column in zip(*embeddings, strict=True)
        ]
        if not all(math.isfinite(number) for number in mixed):
            raise RequestError("The numbers are too large to be mixed.", title="Invalid mix")
        return mixed


def _until(version: str, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """Return an endpoint that only versions before ``version`` have."""

    async def answer(request: Request) -> Response:
        if requested_version(request) >= version:
            gone = RequestError(
                f"{request.method} {request.url.path} is gone since the API's version {version}.",
                title="Not Found",
            )
            return error_response(request, gone, 404)
        response: Response = await endpoint(request)
        return response

    return answer
