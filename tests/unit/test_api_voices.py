import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.models import CloneRequest, LocalizeRequest
from tests.fakes.forms import form_of
from tests.fakes.scripted import CLOSE, HANG, Request, Scripted, Step, bytewise, chunked, response

VOICE = json.loads((Path(__file__).parents[1] / "wire" / "voice.json").read_text("utf-8"))


def client(server: Scripted, **changes: Any) -> Client:
    options: dict[str, Any] = {"base_url": server.url, "retries": 0, "sleep": lambda _: None}
    return Client("sk_car_0123456789", **options | changes)


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


# ---- choosing


def listed(*voices: dict[str, Any]) -> list[Step]:
    return body({"data": list(voices), "has_more": False})


def test_the_server_chooses() -> None:
    with Scripted(listed()) as server, client(server) as api:
        assert list(api.voices(language="de", gender="feminine", owned=True, page_size=7)) == []

    assert parse_qs(urlsplit(server.requests[0].target).query) == {
        "limit": ["7"],
        "language": ["de"],
        "gender": ["feminine"],
        "is_owner": ["true"],
    }


@pytest.mark.parametrize(("page_size", "limit"), [(-1, "1"), (0, "1"), (100, "100"), (5_000, "100")])
def test_a_page_has_a_size_that_the_api_takes(page_size: int, limit: str) -> None:
    with Scripted(listed()) as server, client(server) as api:
        assert list(api.voices(page_size=page_size)) == []

    assert parse_qs(urlsplit(server.requests[0].target).query) == {"limit": [limit]}


MANY = (
    {"id": "a", "name": "Ann", "language": "de", "gender": "feminine", "is_owner": True},
    {"id": "b", "name": "Bob", "language": "en", "gender": "masculine", "is_owner": False},
    {"id": "c", "name": "Cy", "language": "en", "locales": [{"locale": "en-US"}, {"locale": "de-AT"}]},
)


@pytest.mark.parametrize("answer", [listed(*MANY), body(MANY)], ids=["pages", "a bare list"])
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"language": "de"}, "ac"),
        ({"language": "DE-ch"}, "ac"),
        ({"language": "en"}, "bc"),
        ({"gender": "feminine"}, "ac"),
        ({"owned": True}, "ac"),
        ({"owned": False}, "bc"),
        ({"language": "fr"}, ""),
    ],
)
def test_what_a_server_does_not_choose_by_is_chosen_here_as_far_as_it_is_known(
    answer: list[Step], wanted: dict[str, Any], found: str
) -> None:
    with Scripted(answer) as server, client(server) as api:
        assert "".join(voice.id for voice in api.voices(**wanted)) == found


def test_the_first_page_is_enough_for_the_first_voices() -> None:
    with Scripted(catalogue(1_000)) as server, client(server) as api:
        voices = api.voices(page_size=3)

        assert [next(voices).id for _ in range(3)] == ["0", "1", "2"]

    assert len(server.requests) == 1


def test_ten_thousand_voices_need_no_more_memory_than_a_thousand() -> None:
    def peak(n_voices: int) -> int:
        with Scripted(catalogue(n_voices)) as server, client(server) as api:
            tracemalloc.start()
            assert sum(1 for _ in api.voices()) == n_voices
            server.requests.clear()
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return used

    peak(100)  # what is loaded once
    assert peak(10_000) - peak(1_000) < 2**20


# ---- making and changing


NO_EMBEDDINGS = "has no embeddings any more"
NOT_FOUND = json.dumps({"error_code": "voice_not_found", "title": "Voice not found", "message": "No."})


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"RIFF" * 1_000)
    return path


def test_a_new_voice_is_ones_own() -> None:
    made = {"id": "new", "user_id": "u", "name": "Ann", "access": "private", "visibility": "owner"}
    with Scripted(body(made)) as server, client(server) as api:
        voice = api.localize_voice(LocalizeRequest("a", "Ann", "british"))

    assert (voice.id, voice.is_owner, voice.fields) == ("new", True, made)


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("2024-11-13", {"name": b"Ann", "language": b"en", "mode": b"similarity"}),
        ("2025-04-16", {"name": b"Ann", "language": b"en"}),
        ("2026-08-14", {"name": b"Ann", "language": b"en"}),
    ],
)
def test_a_clone_has_a_mode_where_the_version_needs_one(
    clip: Path, version: str, fields: dict[str, bytes]
) -> None:
    headers = {"Cartesia-Version": version}
    with Scripted(body(VOICE)) as server, client(server, headers=headers) as api:
        api.clone_voice(clip, CloneRequest("Ann"))

    [sent] = server.requests
    assert sent.header("cartesia-version") == version
    assert {part.name: part.content for part in form_of(sent)} == {**fields, "clip": clip.read_bytes()}


def test_a_refused_clone_says_why(clip: Path) -> None:
    error = json.dumps({"error_code": None, "title": "Invalid field", "message": "mode is not known."})
    with (
        Scripted(response(400, error.encode())) as server,
        client(server) as api,
        pytest.raises(RequestError, match="Invalid field: mode is not known"),
    ):
        api.clone_voice(clip, CloneRequest("Ann", mode="stability"))


def test_a_clip_that_is_not_there_is_not_sent(tmp_path: Path) -> None:
    with Scripted() as server, client(server) as api, pytest.raises(UsageError, match="does not exist"):
        api.clone_voice(tmp_path / "none.wav", CloneRequest("Ann"))

    assert server.requests == []


Call = Callable[[Client, Path], object]
MAKERS: dict[str, Call] = {
    "clone": lambda api, clip: api.clone_voice(clip, CloneRequest("Ann")),
    "localize": lambda api, _: api.localize_voice(LocalizeRequest("a", "Ann", "british")),
    "create": lambda api, _: api.create_voice("Ann", [0.5], description=None, language=None),
    "dictionary": lambda api, _: api.create_dictionary("Names", []),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("answer", [[CLOSE], [HANG], response(500), response(504)], ids=range(4))
def test_what_may_have_been_made_is_not_made_again(make: Call, answer: list[Step], clip: Path) -> None:
    timeouts = Timeouts(first_byte=0.02)
    with (
        Scripted(answer) as server,
        client(server, retries=2, timeouts=timeouts) as api,
        pytest.raises(UnavailableError) as caught,
    ):
        make(api, clip)

    assert len(server.requests) == 1
    assert caught.value.hint
    assert ("may have been done" in caught.value.hint) is (answer[0] in {CLOSE, HANG})


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_was_not_made_is_asked_for_again(make: Call, clip: Path) -> None:
    with (
        Scripted(response(429), response(503), body(VOICE)) as server,
        client(server, retries=2) as api,
    ):
        make(api, clip)

    first, second, third = server.requests
    assert len(first.body) == len(second.body) == len(third.body)


def test_a_change_is_asked_for_again() -> None:
    with Scripted([CLOSE], body(VOICE)) as server, client(server, retries=1) as api:
        assert api.update_voice("a", {"name": "Skylar"}).name == "Skylar"


@pytest.mark.parametrize("changes", [{}, {"name": None}, {"access": "public"}, {"gender": "x", "": None}])
def test_what_cannot_be_changed_is_not_sent(changes: dict[str, str | None]) -> None:
    with Scripted() as server, client(server) as api, pytest.raises(UsageError) as caught:
        api.update_voice("a", changes)

    assert server.requests == []
    assert caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [
        response(204, content_type=""),
        response(200, b"{}"),
        chunked(b"deleted", content_type="text/plain"),
    ],
)
def test_a_deleted_voice_leaves_the_connection_for_the_next(answer: list[Step]) -> None:
    with Scripted(answer) as server, client(server) as api:
        api.delete_voice("a")
        api.delete_voice("b")

        assert server.connections == 1
    assert [(each.method, each.target) for each in server.requests] == [
        ("DELETE", "/voices/a"),
        ("DELETE", "/voices/b"),
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.update_voice("..", {"name": "x"}),
        lambda api: api.delete_voice(""),
        lambda api: api.add_accents(".", ["british"]),
        lambda api: api.add_accents("a", []),
        lambda api: api.remove_accent("a", ".."),
        lambda api: api.mix_voices([]),
        lambda api: api.mix_voices([("a", 0.0), ("b", 0.0)]),
        lambda api: api.mix_voices([("a", float("nan"))]),
        lambda api: api.mix_voices([("a", float("inf"))]),
        lambda api: api.create_voice("Ann", [float("nan")], description=None, language=None),
    ],
    ids=range(10),
)
def test_what_cannot_be_is_not_asked_for(call: Callable[[Client], object]) -> None:
    with Scripted() as server, client(server) as api, pytest.raises(UsageError):
        call(api)

    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, CredentialsError), (402, LimitError), (404, RequestError), (409, RequestError)],
)
def test_a_deletion_that_is_refused_is_an_error(status: int, expected: type[CartesiaError]) -> None:
    with Scripted(response(status)) as server, client(server) as api, pytest.raises(expected) as caught:
        api.delete_voice("a")

    assert caught.value.hint or status == 409


# ---- accents


def test_accents_come_by_their_ids() -> None:
    accents = [
        {"id": "parsi", "name": "Parsi", "language": "gu", "locale": "gu-IN"},
        {"id": "british", "name": "British English", "language": "en", "locale": "en-GB", "more": 1},
    ]
    with Scripted(body({"accents": accents})) as server, client(server) as api:
        british, parsi = api.accents()

    assert (british.id, british.name, british.language, british.locale) == (
        "british",
        "British English",
        "en",
        "en-GB",
    )
    assert (british.fields, parsi.fields) == (accents[1], accents[0])


@pytest.mark.parametrize("answer", [{}, {"accents": {}}, {"accents": [1]}, {"accents": [{"name": "x"}]}])
def test_what_is_no_list_of_accents_is_said_so(answer: Any) -> None:
    with Scripted(body(answer)) as server, client(server) as api, pytest.raises(UnavailableError) as caught:
        list(api.accents())

    assert caught.value.hint


def test_a_server_without_accents_says_so() -> None:
    with (
        Scripted(response(404)) as server,
        client(server) as api,
        pytest.raises(RequestError, match="no accents"),
    ):
        list(api.accents())


# ---- the older API's embeddings


def test_an_embedding_is_asked_for() -> None:
    with Scripted(body(VOICE | {"embedding": [0.25, -1]})) as server, client(server) as api:
        voice = api.get_voice("a", embedding=True)

    assert voice.fields["embedding"] == [0.25, -1]
    assert urlsplit(server.requests[0].target).query == "expand%5B%5D=embedding"


@pytest.mark.parametrize("embedding", [[], None, ...])
def test_a_voice_without_an_embedding_says_so(embedding: Any) -> None:
    voice = VOICE if embedding is ... else VOICE | {"embedding": embedding}
    with (
        Scripted(body(voice)) as server,
        client(server) as api,
        pytest.raises(RequestError, match=NO_EMBEDDINGS),
    ):
        api.get_voice("a", embedding=True)


def test_voices_are_mixed_as_the_older_api_has_it() -> None:
    with Scripted(body({"embedding": [0.25, 1]})) as server, client(server) as api:
        assert api.mix_voices([("a", 0.25), ("b", 0.75)]) == (0.25, 1.0)

    [sent] = server.requests
    assert (sent.method, sent.target) == ("POST", "/voices/mix")
    assert sent.json() == {"voices": [{"id": "a", "weight": 0.25}, {"id": "b", "weight": 0.75}]}


def test_a_voice_is_made_of_an_embedding_as_the_older_api_has_it() -> None:
    with Scripted(body(VOICE)) as server, client(server) as api:
        assert api.create_voice("Ann", (0.5, 1.0), description=None, language="de").is_owner is False
        api.create_voice("Ann", (0.5,), description="My aunt.", language=None)

    first, second = server.requests
    assert (first.method, first.target) == ("POST", "/voices/")
    assert first.json() == {"name": "Ann", "description": "", "embedding": [0.5, 1.0], "language": "de"}
    assert second.json() == {"name": "Ann", "description": "My aunt.", "embedding": [0.5]}


OLD: dict[str, Callable[[Client], object]] = {
    "mix": lambda api: api.mix_voices([("a", 1.0)]),
    "create": lambda api: api.create_voice("Ann", [0.5], description=None, language=None),
}


@pytest.mark.parametrize("call", OLD.values(), ids=OLD)
@pytest.mark.parametrize(
    "answer",
    [
        response(404),
        response(404, b'{"detail":"Not Found"}'),
        response(
            404, b'{"error_code":"not_found","title":"Not Found","message":"POST /voices/mix is gone."}'
        ),
        response(404, b"<pre>Cannot POST /voices/mix</pre>", content_type="text/html"),
        response(405, headers=[("Allow", "GET")]),
        response(410, b"Gone: Embeddings are gone.", content_type="text/plain"),
        response(501),
    ],
    ids=range(7),
)
def test_a_server_without_embeddings_says_so(call: Callable[[Client], object], answer: list[Step]) -> None:
    with (
        Scripted(answer) as server,
        client(server, retries=2) as api,
        pytest.raises(RequestError, match=NO_EMBEDDINGS) as caught,
    ):
        call(api)

    assert len(server.requests) == 1
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", [NOT_FOUND, "Voice not found: Nobody.", '{"message":"the voice b does not exist"}']
)
def test_a_voice_that_is_not_there_is_not_taken_for_a_server_without_embeddings(text: str) -> None:
    with (
        Scripted(response(404, text.encode(), content_type="")) as server,
        client(server) as api,
        pytest.raises(RequestError) as caught,
    ):
        api.mix_voices([("b", 1.0)])

    assert NO_EMBEDDINGS not in str(caught.value)


@pytest.mark.parametrize("answer", [[], {}, {"embedding": []}, {"embedding": ["x"]}, {"embedding": [1e999]}])
def test_what_is_no_embedding_is_said_so(answer: Any) -> None:
    with (
        Scripted(body(answer)) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="an embedding that cannot be read"),
    ):
        api.mix_voices([("a", 1.0)])


def test_an_old_version_gets_a_name_and_a_description_whatever_changes() -> None:
    old = {"Cartesia-Version": "2024-11-13"}
    with Scripted(body(VOICE), body(VOICE)) as server, client(server, headers=old) as api:
        api.update_voice(VOICE["id"], {"name": "Bob"})

    asked, changed = server.requests
    assert (asked.method, changed.method) == ("GET", "PATCH")
    assert json.loads(changed.body) == {"name": "Bob", "description": VOICE["description"]}


def test_a_page_in_answer_to_a_deletion_is_none() -> None:
    page = response(body=b"<html>Sign in</html>", content_type="text/html; charset=utf-8")
    with (
        Scripted(page) as server,
        client(server) as api,
        pytest.raises(UnavailableError, match="not with a deletion"),
    ):
        api.delete_voice(VOICE["id"])
