from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.state import State
from tests.fakes.keeping import serving
from tests.fakes.known import KnownSamples


@pytest.fixture
def state() -> Iterator[State]:
    kept = State(":memory:")
    kept.datasets.add({"id": "dataset_1", "name": "Calls", "description": "", "created_at": kept.now()})
    yield kept
    kept.close()


@pytest.fixture
def staff() -> Iterator[Staff]:
    catalogue, engine = LocalCatalogue(":memory:"), KnownSamples()
    yield Staff(synthesizer=engine, catalogue=engine, library=catalogue)
    catalogue.close()


@pytest.fixture
def url(state: State, staff: Staff) -> Iterator[str]:
    with serving(state, staff=staff) as running:
        yield running


@pytest.fixture
def lenient_url(state: State, staff: Staff) -> Iterator[str]:
    with serving(state, staff=staff, is_lenient=True) as running:
        yield running


def asked(**changes: Any) -> dict[str, Any]:
    fields = {
        "name": "Ann",
        "description": "",
        "language": "en",
        "model_id": "sonic-3-2026-01-12",
        "dataset": "dataset_1",
        "accent": "southern-us",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


def test_training_is_not_pretended(url: str) -> None:
    refused = httpx.post(f"{url}/fine-tunes/", json=asked())

    assert refused.status_code == 501
    assert refused.json() == {
        "error_code": None,
        "title": "Not implemented",
        "message": "The built-in engine cannot train voices.",
        "request_id": refused.headers["x-request-id"],
    }
    assert refused.headers["x-should-retry"] == "false"
    assert httpx.get(f"{url}/fine-tunes").json() == {"data": [], "has_more": False}


@pytest.mark.parametrize("name", ["name", "description", "language", "model_id", "dataset"])
@pytest.mark.parametrize("value", [..., None, 7])
def test_every_field_is_needed_and_is_text(url: str, name: str, value: object) -> None:
    refused = httpx.post(f"{url}/fine-tunes/", json=asked(**{name: value}))

    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid request")


@pytest.mark.parametrize(
    ("changes", "status", "title", "code"),
    [
        ({"model_id": "sonic-3.5"}, 400, "Invalid model", "model_not_found"),
        ({"accent": "Southern US English"}, 400, "Invalid accent", None),
        ({"accent": 7}, 400, "Invalid request", None),
        ({"voice": "Ann"}, 400, "Invalid request", None),
        ({"dataset": "dataset_2"}, 404, "Dataset not found", "not_found"),
    ],
)
def test_what_cannot_be_trained_is_refused_as_the_api_does(
    url: str, changes: dict[str, Any], status: int, title: str, code: str | None
) -> None:
    refused = httpx.post(f"{url}/fine-tunes/", json=asked(**changes))

    assert (refused.status_code, refused.json()["title"], refused.json()["error_code"]) == (
        status,
        title,
        code,
    )


@pytest.mark.parametrize("accent", [..., None, "parisian"])
def test_an_accent_may_be_any_of_the_catalogue_or_none(url: str, accent: object) -> None:
    assert httpx.post(f"{url}/fine-tunes", json=asked(accent=accent)).status_code == 501


def test_a_fine_tune_that_is_not_there_is_not_found(url: str) -> None:
    one = f"{url}/fine-tunes/fine_tune_1"
    answers = [httpx.get(one), httpx.delete(one), httpx.get(f"{one}/voices")]

    assert [(each.status_code, each.json()["title"]) for each in answers] == [
        (404, "Fine-tune not found")
    ] * 3


def test_a_lenient_server_stores_a_fine_tune_that_waits_for_ever(lenient_url: str) -> None:
    made = httpx.post(f"{lenient_url}/fine-tunes/", json=asked(dataset="anything", accent=...)).json()
    one = f"{lenient_url}/fine-tunes/{made['id']}"

    read, listed = httpx.get(one).json(), httpx.get(f"{lenient_url}/fine-tunes").json()
    voices = httpx.get(f"{one}/voices").json()
    deleted = httpx.delete(one).status_code

    assert made == {**asked(dataset="anything", accent=...), "id": made["id"], "status": "created"}
    assert (read, listed["data"]) == (made, [made])
    assert (voices, deleted) == ({"data": [], "has_more": False}, 204)
    assert httpx.get(f"{lenient_url}/fine-tunes").json()["data"] == []


def test_a_lenient_server_still_refuses_a_model_that_cannot_be_trained(lenient_url: str) -> None:
    assert httpx.post(f"{lenient_url}/fine-tunes/", json=asked(model_id="sonic")).status_code == 400
