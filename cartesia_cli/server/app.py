"""The Cartesia API as an ASGI app on an engine."""

import time
from collections.abc import Callable, Collection, Iterable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from cartesia_cli.server.entrance.crowd import Crowd, CrowdMiddleware
from cartesia_cli.server.entrance.gate import Gate, Missing
from cartesia_cli.server.entrance.tokens import Tokens, token_routes
from cartesia_cli.server.failures import HANDLERS
from cartesia_cli.server.faults import Fault, FaultMiddleware, FaultPlan
from cartesia_cli.server.hearing.sockets import listening_routes
from cartesia_cli.server.hearing.transcription import transcription_routes
from cartesia_cli.server.lenience.engines import lenient
from cartesia_cli.server.lenience.routes import lenient_routes
from cartesia_cli.server.metering import metered
from cartesia_cli.server.openapi import openapi_routes
from cartesia_cli.server.playground import page_response, playground_routes, wants_page
from cartesia_cli.server.rules import USUAL, Rules
from cartesia_cli.server.speech.changing import changing_routes
from cartesia_cli.server.speech.sockets import speaking_routes
from cartesia_cli.server.speech.synthesis import synthesis_routes
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.agents import agent_routes
from cartesia_cli.server.storage.apikeys import api_key_routes
from cartesia_cli.server.storage.datasets import dataset_routes
from cartesia_cli.server.storage.finetunes import fine_tune_routes
from cartesia_cli.server.storage.state import State
from cartesia_cli.server.storage.usage import usage_routes
from cartesia_cli.server.voices.catalogue import voice_routes
from cartesia_cli.server.voices.dictionaries import dictionary_routes
from cartesia_cli.server.voices.voicemaking import voicemaking_routes
from cartesia_cli.wire.version import API_VERSION


def create_app(
    staff: Staff,
    *,
    rules: Rules = USUAL,
    state: State | None = None,
    keys: Collection[str] | None = None,
    prefix: str = "",
    faults: Iterable[Fault] = (),
    seed: int = 0,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return an app that answers as the Cartesia API does.

    Args:
        staff: the engines that do the work.
        rules: what is accepted, how much of it, and how long is waited.
        state: where tokens, data sets and usage are kept; None keeps them in memory.
        keys: the API keys that are accepted; ``None`` accepts every request, also without a key.
        prefix: a path like ``/cartesia`` under which everything lies.
        faults: failures that requests meet.
        seed: decides which requests meet the faults that have a chance.
        clock: seconds since 1970, for tokens and for what was used.
    """
    state = state or State(":memory:", clock=clock)
    tokens = Tokens(state.secret, clock)
    paid = metered(lenient(staff) if rules.is_lenient else staff, state.ledger)
    routes = _routes(paid, state, tokens)
    root = f"/{prefix.strip('/')}".rstrip("/")
    crowd = Crowd(rules.concurrency)
    app = Starlette(
        routes=_spelled(lenient_routes(routes) if rules.is_lenient else routes, root),
        middleware=[
            Middleware(FaultMiddleware, plan=FaultPlan(faults, seed), root=root),
            Middleware(Gate, keys=keys, tokens=tokens, root=root),
            Middleware(CrowdMiddleware, crowd=crowd, root=root),
        ],
        exception_handlers=HANDLERS,
    )
    app.state.rules, app.state.crowd = rules, crowd
    app.router.redirect_slashes = False
    app.router.default = Missing(app.router.default)
    return app


def _routes(staff: Staff, state: State, tokens: Tokens) -> list[Route | WebSocketRoute]:
    return [
        Route("/", status, methods=["GET"]),
        *openapi_routes(),
        *playground_routes(),
        *synthesis_routes(staff.synthesizer),
        *transcription_routes(staff.transcriber),
        *voice_routes(staff.catalogue, staff.library),
        *voicemaking_routes(staff.library),
        *dictionary_routes(staff.dictionaries),
        *changing_routes(staff.changer),
        *dataset_routes(state),
        *fine_tune_routes(state, staff.library),
        *agent_routes(state),
        *api_key_routes(),
        *token_routes(tokens),
        *usage_routes(state.ledger),
        *speaking_routes(staff.synthesizer),
        *listening_routes(staff.live_transcriber),
    ]


async def status(request: Request) -> Response:
    """Say that the server is there, and the newest version that it speaks; show browsers the page."""
    if wants_page(request):
        return await page_response(request)
    return JSONResponse({"ok": True, "version": API_VERSION}, headers={"vary": "Accept"})


def _spelled(routes: Iterable[Route | WebSocketRoute], root: str) -> list[BaseRoute]:
    """Return ``routes`` below ``root``, each with a slash at its end and without: clients send both."""
    spelled: list[BaseRoute] = []
    for route in routes:
        path = f"{root}{route.path}".rstrip("/")
        for each in (path, f"{path}/"):
            if isinstance(route, WebSocketRoute):
                spelled.append(WebSocketRoute(each, route.endpoint))
            elif each:
                spelled.append(Route(each, route.endpoint, methods=list(route.methods or ())))
    return spelled
