import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from cartesia_cli.server.storage.agents import RESULT_COLUMNS
from cartesia_cli.server.storage.state import State
from tests.fakes.keeping import serving

EMPTY = {"data": [], "has_more": False}


@pytest.fixture
def url() -> Iterator[str]:
    state = State(":memory:", clock=lambda: 1_790_000_000.0)
    with serving(state) as running:
        yield f"{running}/agents"
    state.close()


def add(url: str, name: str, **others: Any) -> httpx.Response:
    return httpx.post(f"{url}/metrics", json={"name": name, "prompt": "Was it said?", **others})


def test_there_are_no_agents(url: str) -> None:
    assert httpx.get(url).json() == {"summaries": []}
    assert httpx.get(f"{url}/templates").json() == {"templates": []}
    assert httpx.get(f"{url}/calls?agent_id=agent_1&expand=transcript").json() == EMPTY
    assert httpx.get(f"{url}/metrics/results?agent_id=agent_1").json() == EMPTY


@pytest.mark.parametrize(
    ("method", "path", "title"),
    [
        ("GET", "/agent_1", "Agent not found"),
        ("PATCH", "/agent_1", "Agent not found"),
        ("DELETE", "/agent_1", "Agent not found"),
        ("GET", "/agent_1/phone-numbers", "Agent not found"),
        ("GET", "/agent_1/deployments", "Agent not found"),
        ("POST", "/agent_1/metrics/metric_1", "Agent not found"),
        ("DELETE", "/agent_1/metrics/metric_1", "Agent not found"),
        ("GET", "/deployments/deployment_1", "Deployment not found"),
        ("GET", "/calls/call_1", "Call not found"),
        ("GET", "/calls/call_1/audio", "Call not found"),
        ("GET", "/metrics/metric_1", "Metric not found"),
    ],
)
def test_what_is_not_there_is_not_found(url: str, method: str, path: str, title: str) -> None:
    for spelled in (path, f"{path}/"):
        refused = httpx.request(method, url + spelled)

        assert (refused.status_code, refused.json()["title"]) == (404, title)
        assert refused.json()["error_code"] == "not_found"


def test_calls_are_those_of_an_agent(url: str) -> None:
    for query in ("", "?agent_id="):
        refused = httpx.get(f"{url}/calls{query}")

        assert (refused.status_code, refused.json()["message"]) == (400, "The field agent_id is required.")


def test_a_metric_is_made_listed_and_read(url: str) -> None:
    made = add(url, "was_it-said.2", display_name="Said?").json()
    plain = add(url, "plain").json()

    assert made == {
        "id": made["id"],
        "name": "was_it-said.2",
        "prompt": "Was it said?",
        "display_name": "Said?",
        "created_at": "2026-09-21T14:13:20Z",
    }
    assert plain["display_name"] is None
    assert httpx.get(f"{url}/metrics/{made['id']}").json() == made
    assert httpx.get(f"{url}/metrics").json() == {"data": [made, plain], "has_more": False}
    first = httpx.get(f"{url}/metrics?limit=1").json()
    rest = httpx.get(f"{url}/metrics?starting_after={first['next_page']}").json()
    assert (first["data"], rest["data"]) == ([made], [plain])


def test_the_name_of_a_metric_is_its_own(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        statuses = [each.status_code for each in pool.map(lambda _: add(url, "same"), range(4))]
    taken = add(url, "same")

    assert sorted(statuses) == [200, 409, 409, 409]
    assert (taken.json()["title"], taken.headers["x-should-retry"]) == ("Name taken", "false")
    assert len(httpx.get(f"{url}/metrics").json()["data"]) == 1


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({"prompt": "x"}, "Invalid request"),
        ({"name": "x"}, "Invalid request"),
        ({"name": "x", "prompt": 7}, "Invalid request"),
        ({"name": "x", "prompt": "x", "display_name": 7}, "Invalid request"),
        ({"name": "x", "prompt": "x", "diplay_name": "X"}, "Invalid request"),
        ({"name": "Said", "prompt": "x"}, "Invalid name"),
        ({"name": "was it said", "prompt": "x"}, "Invalid name"),
        ({"name": "gesagt-ü", "prompt": "x"}, "Invalid name"),
    ],
)
def test_what_is_no_metric_is_refused(url: str, body: dict[str, Any], title: str) -> None:
    refused = httpx.post(f"{url}/metrics", json=body)

    assert (refused.status_code, refused.json()["title"]) == (400, title)


def test_results_are_exported_as_a_table_without_rows(url: str) -> None:
    answer = httpx.get(f"{url}/metrics/results/export?start_date=2026-01-01T00:00:00Z")

    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(answer.text.splitlines())) == [list(RESULT_COLUMNS)]


@pytest.mark.parametrize("path", ["/metrics/results", "/metrics/results/export"])
@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_a_date_that_is_none_is_refused(url: str, path: str, name: str) -> None:
    assert httpx.get(f"{url}{path}?{name}=yesterday").status_code == 400


@pytest.mark.parametrize("path", ["/metrics", "/metrics/results", "/calls"])
def test_a_page_without_items_is_refused(url: str, path: str) -> None:
    refused = httpx.get(f"{url}{path}?agent_id=agent_1&limit=0")

    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid limit")
