"""``GET /api-keys``: the keys of this server have neither names nor IDs, so none is listed."""

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.server.storage.fields import missing

_PATH = "/api-keys"


def api_key_routes() -> list[Route]:
    """Return the routes."""
    return [
        Route(_PATH, _list_all, methods=["GET"]),
        Route(f"{_PATH}/{{key_id}}", _refuse, methods=["GET"]),
    ]


async def _list_all(_request: Request) -> Response:
    return JSONResponse({"data": [], "has_more": False})


async def _refuse(request: Request) -> NoReturn:
    raise missing("API key", request.path_params["key_id"])
