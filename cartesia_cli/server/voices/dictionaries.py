"""``/pronunciation-dicts/``: how words are to be said."""

from collections.abc import Sequence
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.engines import DictionaryCatalogue
from cartesia_cli.errors import RequestError
from cartesia_cli.models import Pronunciation, PronunciationDictionary
from cartesia_cli.server.bodies import read_body
from cartesia_cli.server.failures import error_response, unable
from cartesia_cli.server.pages import enveloped, read_page_query
from cartesia_cli.server.schemas.dictionaries import DictionaryUpdate, NewDictionary
from cartesia_cli.server.voices.catalogue import Endpoint
from cartesia_cli.wire.catalogue import decode_dictionary_changes, decode_new_dictionary
from cartesia_cli.wire.dictionaries import encode_dictionary

_PATH = "/pronunciation-dicts"


class Dictionaries(DictionaryCatalogue, Protocol):
    """Can rename a dictionary too, as the API can. ``local.LocalCatalogue`` fits."""

    def update_dictionary(
        self, dictionary_id: str, items: Sequence[Pronunciation] | None, /, *, name: str | None = None
    ) -> PronunciationDictionary:
        """Return a dictionary after its items, its name or both were replaced; None leaves what there is."""


def dictionary_routes(dictionaries: Dictionaries | None) -> list[Route]:
    """Return the routes; without dictionaries they answer 501."""
    one = f"{_PATH}/{{dictionary_id}}"
    if dictionaries is None:
        refuse = unable("This server keeps no pronunciation dictionaries.")
        return [
            Route(_PATH, refuse, methods=["GET", "POST"]),
            Route(one, refuse, methods=["GET", "PATCH", "DELETE"]),
        ]

    async def list_all(request: Request) -> Response:
        query = read_page_query(request.query_params)
        found = await run_in_threadpool(lambda: list(dictionaries.dictionaries()))
        return JSONResponse(enveloped(found, query, _encode))

    async def create(request: Request) -> Response:
        name, items = await read_body(request, NewDictionary, decode_new_dictionary)
        return JSONResponse(_encode(await run_in_threadpool(dictionaries.create_dictionary, name, items)))

    async def get(request: Request) -> Response:
        found = await run_in_threadpool(dictionaries.get_dictionary, request.path_params["dictionary_id"])
        return JSONResponse(_encode(found))

    async def update(request: Request) -> Response:
        name, items = await read_body(request, DictionaryUpdate, decode_dictionary_changes)
        dictionary_id = request.path_params["dictionary_id"]
        changed = await run_in_threadpool(
            lambda: dictionaries.update_dictionary(dictionary_id, items, name=name)
        )
        return JSONResponse(_encode(changed))

    async def delete(request: Request) -> Response:
        await run_in_threadpool(dictionaries.delete_dictionary, request.path_params["dictionary_id"])
        return Response(status_code=204)

    return [
        Route(_PATH, list_all, methods=["GET"]),
        Route(_PATH, create, methods=["POST"]),
        Route(one, _of_one(get), methods=["GET"]),
        Route(one, _of_one(update), methods=["PATCH"]),
        Route(one, _of_one(delete), methods=["DELETE"]),
    ]


def _of_one(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers 404 where there is no dictionary with the ID in its path."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RequestError as error:
            if error.title == "Invalid request":
                raise
            return error_response(request, error, 413 if error.code == "file_too_large" else 404)

    return answer


def _encode(dictionary: PronunciationDictionary) -> dict[str, Any]:
    """Return a dictionary with ``case_sensitive`` in each item, also where it is the default."""
    items = [
        {"text": item.text, "alias": item.alias, "case_sensitive": item.case_sensitive}
        for item in dictionary.items
    ]
    return {**encode_dictionary(dictionary), "items": items}
