"""``/agents``: voice agents, which are deployed elsewhere: there are none here, but metrics can be stored."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.database import Record
from cartesia_cli.errors import RequestError
from cartesia_cli.server.bodies import read_body
from cartesia_cli.server.failures import error_response
from cartesia_cli.server.pages import enveloped, read_page_query
from cartesia_cli.server.rules import rules_of
from cartesia_cli.server.schemas.agents import NewMetric
from cartesia_cli.server.storage.fields import missing, optional_name, required_name, required_text
from cartesia_cli.server.storage.state import State, Stored, stored
from cartesia_cli.server.storage.usage import read_time

_PATH = "/agents"
_METRIC_NAME = re.compile(r"[a-z0-9_.-]+", re.ASCII)
RESULT_COLUMNS = (
    "id",
    "agentId",
    "callId",
    "deploymentId",
    "metricId",
    "metricName",
    "runId",
    "status",
    "result",
    "value",
    "summary",
    "createdAt",
)
"""Of the exported results of metrics."""

_NOTHING: tuple[Stored, ...] = ()


def agent_routes(state: State) -> list[Route]:
    """Return the routes of voice agents; metrics are stored in ``state``."""
    metrics = _Metrics(state)
    return [
        Route(_PATH, _answering({"summaries": []}), methods=["GET"]),
        Route(f"{_PATH}/templates", _answering({"templates": []}), methods=["GET"]),
        Route(f"{_PATH}/calls", _list_calls, methods=["GET"]),
        Route(f"{_PATH}/calls/{{call_id}}", _refuse_call, methods=["GET"]),
        Route(f"{_PATH}/calls/{{call_id}}/audio", _refuse_call, methods=["GET"]),
        Route(f"{_PATH}/metrics", metrics.list_all, methods=["GET"]),
        Route(f"{_PATH}/metrics", metrics.create, methods=["POST"]),
        Route(f"{_PATH}/metrics/results", _list_results, methods=["GET"]),
        Route(f"{_PATH}/metrics/results/export", _export_results, methods=["GET"]),
        Route(f"{_PATH}/metrics/{{metric_id}}", metrics.get, methods=["GET"]),
        Route(f"{_PATH}/deployments/{{deployment_id}}", _refuse_deployment, methods=["GET"]),
        Route(f"{_PATH}/{{agent_id}}", _refuse_agent, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{_PATH}/{{agent_id}}/phone-numbers", _refuse_agent, methods=["GET"]),
        Route(f"{_PATH}/{{agent_id}}/deployments", _refuse_agent, methods=["GET"]),
        Route(f"{_PATH}/{{agent_id}}/metrics/{{metric_id}}", _refuse_agent, methods=["POST", "DELETE"]),
    ]


class _Metrics:
    """The endpoints of what calls are judged by."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def list_all(self, request: Request) -> Response:
        query = read_page_query(request.query_params)
        found = await run_in_threadpool(stored, self._state.metrics)
        return JSONResponse(enveloped(found, query, lambda each: dict(each.fields)))

    async def create(self, request: Request) -> Response:
        asked = await read_body(request, NewMetric, _decode_metric)
        record = {"id": f"metric_{uuid4().hex}", **asked, "created_at": self._state.now()}
        is_lenient = rules_of(request).is_lenient
        if not await run_in_threadpool(self._add, record, may_repeat=is_lenient):
            taken = RequestError(f"There is a metric called {asked['name']} already.", title="Name taken")
            refusal = error_response(request, taken, 409)
            refusal.headers["x-should-retry"] = "false"
            return refusal
        return JSONResponse(record)

    async def get(self, request: Request) -> Response:
        metric_id = request.path_params["metric_id"]
        record = await run_in_threadpool(self._state.metrics.get, metric_id)
        if record is None:
            raise missing("metric", metric_id)
        return JSONResponse(record)

    def _add(self, record: Record, *, may_repeat: bool) -> bool:
        """Return whether the metric was added: its name must be its own."""
        with self._state.writing():
            if not may_repeat and any(each["name"] == record["name"] for each in self._state.metrics):
                return False
            self._state.metrics.add(record)
            return True


def _decode_metric(payload: Mapping[str, Any]) -> Record:
    """Return what is to be kept of a metric."""
    name = required_name(payload)
    if not _METRIC_NAME.fullmatch(name):
        raise RequestError(
            "The name of a metric has only lower case letters, numbers and the characters _, - and .",
            title="Invalid name",
        )
    return {
        "name": name,
        "prompt": required_text(payload, "prompt"),
        "display_name": optional_name(payload, "display_name"),
    }


def _answering(answer: dict[str, Any]) -> Any:
    async def endpoint(_request: Request) -> Response:
        return JSONResponse(answer)

    return endpoint


async def _list_calls(request: Request) -> Response:
    if not request.query_params.get("agent_id"):
        raise RequestError("The field agent_id is required.", title="Invalid request")
    return _empty_page(request)


async def _list_results(request: Request) -> Response:
    _check_dates(request)
    return _empty_page(request)


async def _export_results(request: Request) -> Response:
    _check_dates(request)
    return Response(f"{','.join(RESULT_COLUMNS)}\r\n", media_type="text/csv")


def _check_dates(request: Request) -> None:
    for name in ("start_date", "end_date"):
        read_time(request.query_params, name)


def _empty_page(request: Request) -> Response:
    query = read_page_query(request.query_params)
    return JSONResponse(enveloped(_NOTHING, query, lambda each: dict(each.fields)))


async def _refuse_agent(request: Request) -> NoReturn:
    raise missing("agent", request.path_params["agent_id"])


async def _refuse_call(request: Request) -> NoReturn:
    raise missing("call", request.path_params["call_id"])


async def _refuse_deployment(request: Request) -> NoReturn:
    raise missing("deployment", request.path_params["deployment_id"])
