import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cartesia_cli.api import Client
from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from cartesia_cli.models import Pronunciation, PronunciationDictionary
from tests.fakes.scripted import CLOSE, Request, Scripted, Step, response

NAMES = {
    "id": "dict-1",
    "name": "Names",
    "owner_id": "u",
    "pinned": False,
    "created_at": "2026-01-01T00:00:00Z",
    "items": [{"text": "Köln", "alias": "<<k|œ|l|n>>"}, {"text": "a", "alias": "b", "case_sensitive": True}],
}
ITEMS = (Pronunciation("Köln", "<<k|œ|l|n>>"), Pronunciation("a", "b", case_sensitive=True))
DICTIONARY = PronunciationDictionary("dict-1", "Names", ITEMS, NAMES)


def client(server: Scripted, **changes: Any) -> Client:
    options: dict[str, Any] = {"base_url": server.url, "retries": 0, "sleep": lambda _: None}
    return Client("sk_car_0123456789", **options | changes)


def body(value: Any) -> list[Step]:
    return response(body=json.dumps(value).encode())


def catalogue(n_dictionaries: int) -> Any:
    """A server that pages through dictionaries and always says that there are more."""

    def answer(request: Request) -> list[Step]:
        query = parse_qs(urlsplit(request.target).query)
        first = int(query.get("starting_after", ["-1"])[0]) + 1
        last = min(first + int(query["limit"][0]), n_dictionaries)
        items = [{"id": str(number), "name": f"Names {number}"} for number in range(first, last)]
        return body({"data": items, "has_more": True})

    return answer


@pytest.mark.parametrize("n_dictionaries", [0, 1, 100, 201])
def test_dictionaries_are_paged_to_the_end(n_dictionaries: int) -> None:
    with Scripted(catalogue(n_dictionaries)) as server, client(server) as api:
        found = [dictionary.id for dictionary in api.dictionaries()]

    assert found == [str(number) for number in range(n_dictionaries)]
    assert {urlsplit(request.target).path for request in server.requests} == {"/pronunciation-dicts/"}


def test_pages_in_a_circle_are_left() -> None:
    pages = [body({"data": [{"id": name}], "has_more": True}) for name in ("a", "b", "a")]
    with (
        Scripted(*pages) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="dictionaries again and again"),
    ):
        list(api.dictionaries())


def test_a_dictionary_is_found_by_its_id() -> None:
    with Scripted(body(NAMES)) as server, client(server) as api:
        assert api.get_dictionary("dict-1/x") == DICTIONARY

    assert (server.requests[0].method, server.requests[0].target) == (
        "GET",
        "/pronunciation-dicts/dict-1%2Fx",
    )


def test_a_dictionary_is_made() -> None:
    with Scripted(body(NAMES)) as server, client(server) as api:
        assert api.create_dictionary("Names", ITEMS) == DICTIONARY

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/pronunciation-dicts/")
    assert sent.header("content-type") == "application/json"
    assert sent.json() == {"name": "Names", "items": NAMES["items"]}


def test_the_items_of_a_dictionary_are_replaced() -> None:
    with Scripted(body(NAMES)) as server, client(server) as api:
        assert api.update_dictionary("dict-1", ITEMS[:1]) == DICTIONARY

    [sent] = server.requests
    assert (sent.method, sent.target) == ("PATCH", "/pronunciation-dicts/dict-1")
    assert sent.json() == {"items": [{"text": "Köln", "alias": "<<k|œ|l|n>>"}]}


def test_a_dictionary_is_deleted_even_at_the_second_attempt() -> None:
    with Scripted([CLOSE], response(204, content_type="")) as server, client(server, retries=1) as api:
        api.delete_dictionary("dict-1")

    assert [(each.method, each.target) for each in server.requests] == [
        ("DELETE", "/pronunciation-dicts/dict-1")
    ] * 2


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_is_none_is_not_asked_for(name: str) -> None:
    with Scripted() as server, client(server) as api:
        for call in (api.get_dictionary, api.delete_dictionary):
            with pytest.raises(UsageError, match="pronunciation dictionary"):
                call(name)
        with pytest.raises(UsageError, match="pronunciation dictionary"):
            api.update_dictionary(name, ITEMS)

    assert server.requests == []


def test_an_unknown_dictionary_is_the_users_to_change() -> None:
    error = b'{"error_code":null,"title":"Not found","message":"No dictionary has this ID.","request_id":"r"}'
    with (
        Scripted(response(404, error)) as server,
        client(server) as api,
        pytest.raises(RequestError, match="No dictionary has this ID") as caught,
    ):
        api.get_dictionary("x")

    assert caught.value.hint


def test_a_server_of_an_older_version_has_no_dictionaries() -> None:
    with Scripted(response(404)) as server, client(server) as api:
        with pytest.raises(RequestError, match="has no pronunciation dictionaries") as caught:
            list(api.dictionaries())
        with pytest.raises(RequestError, match="has no pronunciation dictionaries"):
            api.create_dictionary("Names", [])

    assert caught.value.hint


@pytest.mark.parametrize("answer", [{}, {"data": [{"name": "x"}]}, {"data": ["x"]}, {"data": "x"}, "x", [1]])
def test_what_is_no_list_of_dictionaries_is_said_so(answer: Any) -> None:
    with Scripted(body(answer)) as server, client(server) as api, pytest.raises(UnavailableError) as caught:
        list(api.dictionaries())

    assert caught.value.hint
