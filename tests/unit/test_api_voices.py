import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cartesia_cli.api import Client
from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from tests.fakes.scripted import Request, Scripted, Step, bytewise, chunked, response

VOICE = json.loads((Path(__file__).parents[1] / "wire" / "voice.json").read_text("utf-8"))


def client(server: Scripted) -> Client:
    return Client("sk_car_0123456789", base_url=server.url, retries=0)


def body(value: Any) -> list[Step]:
    return response(body=json.dumps(value).encode())


def catalogue(n_voices: int, **envelope: Any) -> Any:
    """A server that pages through voices named 0, 1, 2, ..."""

    def answer(request: Request) -> list[Step]:
        query = parse_qs(urlsplit(request.target).query)
        first = int(query.get("starting_after", ["-1"])[0]) + 1
        last = min(first + int(query["limit"][0]), n_voices)
        voices = [{"id": str(number), "name": f"Voice {number}"} for number in range(first, last)]
        more = envelope or {"has_more": last < n_voices}
        return body({"data": voices, **more})

    return answer


@pytest.mark.parametrize("n_voices", [0, 1, 99, 100, 101, 250])
@pytest.mark.parametrize("envelope", [{}, {"next_page": "x"}, {"has_more": True}])
def test_voices_are_paged_to_the_end(n_voices: int, envelope: dict[str, Any]) -> None:
    with Scripted(catalogue(n_voices, **envelope)) as server, client(server) as api:
        assert [voice.id for voice in api.voices()] == [str(number) for number in range(n_voices)]


def test_the_server_searches() -> None:
    with Scripted(body({"data": [VOICE], "has_more": False})) as server, client(server) as api:
        assert [voice.name for voice in api.voices(query="Sky lar&x=1")] == ["Skylar"]

    sent = urlsplit(server.requests[0].target)
    assert (sent.path, parse_qs(sent.query)) == ("/voices", {"limit": ["100"], "q": ["Sky lar&x=1"]})
    assert server.requests[0].header("accept") == "application/json"


def test_an_old_server_sends_a_bare_list_and_is_searched_here() -> None:
    voices = [
        {"id": "a", "name": "Ann"},
        {"id": "b", "name": "Bob", "description": "Like ANN"},
        {"id": "c", "name": "Cy"},
    ]
    with Scripted(body(voices)) as server, client(server) as api:
        assert [voice.id for voice in api.voices()] == ["a", "b", "c"]
        assert [voice.id for voice in api.voices(query="ann")] == ["a", "b"]


def test_a_server_that_repeats_itself_is_left() -> None:
    with Scripted(body({"data": [VOICE], "has_more": True})) as server, client(server) as api:
        voices = api.voices()
        assert next(voices).name == "Skylar"
        with pytest.raises(UnavailableError, match="again and again"):
            next(voices)

    assert len(server.requests) == 2


def test_pages_in_a_circle_are_left() -> None:
    pages = [body({"data": [{"id": name}], "has_more": True}) for name in ("a", "b", "a")]
    with (
        Scripted(*pages) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="again and again"),
    ):
        list(api.voices())


@pytest.mark.parametrize(
    "answer",
    [
        body({"voices": []}),
        body({"data": {}}),
        body("voices"),
        body({"data": [{"name": "no ID"}]}),
        response(200, b"{oops"),
        response(200, b"\xff"),
        response(200, b""),
        response(200, b"[" * 100_000),
        response(200, b"<html>", content_type="text/html"),
    ],
    ids=range(9),
)
def test_what_is_no_list_of_voices_is_said_so(answer: list[Step]) -> None:
    with Scripted(answer) as server, client(server) as api, pytest.raises(UnavailableError) as caught:
        list(api.voices())

    assert caught.value.hint


def test_a_voice_is_found_by_its_id() -> None:
    with Scripted(bytewise(body(VOICE))) as server, client(server) as api:
        voice = api.get_voice(VOICE["id"])

    assert (voice.name, voice.fields) == ("Skylar", VOICE)
    assert server.requests[0].target == f"/voices/{VOICE['id']}"


def test_an_id_cannot_lead_elsewhere() -> None:
    with Scripted(body(VOICE)) as server, client(server) as api:
        api.get_voice("../api-keys?x=y#z\r\nä")

    assert server.requests[0].target == "/voices/..%2Fapi-keys%3Fx%3Dy%23z%0D%0A%C3%A4"


@pytest.mark.parametrize("voice_id", ["", ".", ".."])
def test_an_id_that_is_none_is_not_asked_for(voice_id: str) -> None:
    with Scripted() as server, client(server) as api, pytest.raises(UsageError):
        api.get_voice(voice_id)

    assert server.requests == []


def test_an_unknown_voice_is_the_users_to_change() -> None:
    error = (Path(__file__).parents[1] / "wire" / "error.json").read_bytes()
    with (
        Scripted(response(404, error)) as server,
        client(server) as api,
        pytest.raises(RequestError) as caught,
    ):
        api.get_voice("nobody")

    assert caught.value.code == "voice_not_found"


def test_an_answer_without_end_is_left() -> None:
    flood = chunked(*[b" " * 2**20] * 80, content_type="application/json")
    with (
        Scripted(flood) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="does not end"),
    ):
        api.get_voice("a")
