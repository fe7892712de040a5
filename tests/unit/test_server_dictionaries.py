from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.server import RunningServer, built_in_server

PATH = "/pronunciation-dicts/"
ITEM = {"text": "cat", "alias": "<<d|ɔ|ɡ>>", "case_sensitive": False}


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with built_in_server() as running:
        yield running


def create(server: RunningServer, name: str = "Names") -> str:
    made: str = httpx.post(server.url + PATH, json={"name": name, "items": [ITEM]}).json()["id"]
    return made


def test_a_dictionary_has_the_fields_that_the_api_promises(server: RunningServer) -> None:
    made = httpx.post(server.url + PATH, json={"name": "Names", "items": [ITEM]}).json()

    assert set(made) == {"id", "name", "owner_id", "pinned", "created_at", "items"}
    assert (made["name"], made["pinned"], made["items"]) == ("Names", False, [ITEM])
    assert httpx.get(f"{server.url}{PATH}{made['id']}").json() == made


def test_the_newer_name_of_an_alias_is_taken(server: RunningServer) -> None:
    items = [{"text": "cat", "pronunciation": "dog"}]

    made = httpx.post(server.url + PATH, json={"name": "x", "items": items}).json()

    assert made["items"] == [{"text": "cat", "alias": "dog", "case_sensitive": False}]


def test_name_and_items_are_replaced_each_alone(server: RunningServer) -> None:
    url = f"{server.url}{PATH}{create(server)}"

    renamed = httpx.patch(url, json={"name": "Others"}).json()
    emptied = httpx.patch(url, json={"items": []}).json()

    assert (renamed["name"], renamed["items"]) == ("Others", [ITEM])
    assert (emptied["name"], emptied["items"]) == ("Others", [])


def test_a_deleted_dictionary_is_gone(server: RunningServer) -> None:
    url = f"{server.url}{PATH}{create(server)}"

    assert httpx.delete(url).status_code == 204

    assert {httpx.request(method, url, json={}).status_code for method in ("GET", "PATCH", "DELETE")} == {404}


def test_dictionaries_come_in_pages(server: RunningServer) -> None:
    ids = [create(server, f"Number {n}") for n in range(5)]

    first = httpx.get(f"{server.url}{PATH}?limit=2").json()
    rest = httpx.get(f"{server.url}/pronunciation-dicts?limit=10&starting_after={ids[1]}").json()
    before = httpx.get(f"{server.url}{PATH}?limit=2&ending_before={ids[3]}").json()

    assert ([each["id"] for each in first["data"]], first["has_more"]) == (ids[:2], True)
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[2:], False)
    assert [each["id"] for each in before["data"]] == ids[1:3]
    for past in (ids[-1], "nobody"):
        end = httpx.get(f"{server.url}{PATH}?starting_after={past}").json()
        assert end == {"data": [], "has_more": False}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": 1},
        {"name": "x", "items": {}},
        {"name": "x", "items": ["a"]},
        {"name": "x", "items": [{"text": "a"}]},
        {"name": "x", "items": [{"text": "", "alias": "b"}]},
        {"name": "x", "items": [{"text": "a", "alias": "b" * 101}]},
    ],
)
def test_a_dictionary_that_cannot_be_is_refused(server: RunningServer, body: object) -> None:
    response = httpx.post(server.url + PATH, json=body)

    assert response.status_code == 400
    assert httpx.get(server.url + PATH).json()["data"] == []


def speak(server: RunningServer, dictionary: str | None) -> httpx.Response:
    body = {
        "model_id": "sonic-3",
        "transcript": "The cat.",
        "voice": "7eef6874-fa50-566f-9102-5b6844916d4f",
        "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
        "pronunciation_dict_id": dictionary,
    }
    return httpx.post(f"{server.url}/tts/bytes", json=body)


def test_a_dictionary_changes_what_the_local_voice_says(server: RunningServer) -> None:
    plain, changed = speak(server, None), speak(server, create(server))

    assert (plain.status_code, changed.status_code) == (200, 200)
    assert plain.content != changed.content
    assert speak(server, "pdict_nobody").status_code == 404
