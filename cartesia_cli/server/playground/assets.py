"""The page and what belongs to it, as answers."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

ASSETS = "/playground/"
"""Where everything but the page itself lies. It is the same for everyone: nobody needs a key for it."""

_FOLDER = Path(__file__).parent
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)
_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "media-src 'self' blob:; "
    "worker-src 'self'; "
    "connect-src 'self' ws:; "  # Safari before 15.4 does not count a socket as the page's own server
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def playground_routes() -> list[Route]:
    """Return the routes of everything that the page loads."""

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in await run_in_threadpool(_names):
            raise HTTPException(404)
        return await _answer(request, name)

    return [Route(f"{ASSETS}{{name}}", asset, methods=["GET"])]


def wants_page(request: Request) -> bool:
    """Whether who asks for ``/`` would rather see a page than JSON, as browsers would.

    The answer depends on the header ``Accept``: either one needs ``Vary: Accept``.
    """
    accepted = request.headers.get("accept", "")
    return _quality(accepted, "text", "html") > _quality(accepted, "application", "json")


async def page_response(request: Request) -> Response:
    """Return the page; where its address lacks the slash at its end, a redirection to the one that has it.

    Without the slash, the relative addresses in the page would lead out of the prefix.
    """
    path: str = request.scope["path"]
    if not path.endswith("/"):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{path.rpartition('/')[2]}/{query}", headers={"vary": "Accept"})
    response = await _answer(request, "index.html")
    response.headers["vary"] = "Accept"
    return response


async def _answer(request: Request, name: str) -> Response:
    data, etag = await run_in_threadpool(_read, name)
    headers = {**_HEADERS, "etag": etag}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(data, headers={**headers, "content-type": _TYPES[Path(name).suffix]})


@cache
def _names() -> frozenset[str]:
    return frozenset(path.name for path in _FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def _read(name: str) -> tuple[bytes, str]:
    data = (_FOLDER / name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


def _quality(accepted: str, kind: str, subtype: str) -> float:
    """Return how welcome a media type is, 0 to 1, by the most exact range that fits."""
    best = (0, 0.0)
    for part in accepted.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        fit = {f"{kind}/{subtype}": 3, f"{kind}/*": 2, "*/*": 1}.get(media_range, 0)
        if fit:
            best = max(best, (fit, _weight(parameters)))
    return best[1]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
