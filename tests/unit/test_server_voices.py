import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.models import Voice
from cartesia_cli.server.pages import PageQuery, page
from tests.fakes.known import DEFAULT_VOICE, VOICES
from tests.fakes.server import running_server


def voices(n: int) -> list[Voice]:
    return [Voice(f"voice-{i}", f"Voice {i}") for i in range(n)]


@given(n=st.integers(0, 50), limit=st.integers(1, 100), forwards=st.booleans())
def test_asking_on_gives_every_voice_once_and_then_nothing(n: int, limit: int, forwards: bool) -> None:
    known = voices(n)
    seen: list[Voice] = []
    cursor = None

    while True:
        query = PageQuery(limit, cursor, None) if forwards else PageQuery(limit, None, cursor or "voice-0")
        if not forwards and cursor is None:
            query = PageQuery(limit, None, known[-1].id) if known else PageQuery(limit, None, "nobody")
        items, has_more = page(known, query)
        if not items:
            assert not has_more
            break
        seen = [*seen, *items] if forwards else [*items, *seen]
        cursor = items[-1].id if forwards else items[0].id

    assert seen == (known if forwards else known[:-1])


@pytest.mark.parametrize(
    ("query", "positions", "has_more"),
    [
        (PageQuery(), range(10), True),
        (PageQuery(12), range(12), False),
        (PageQuery(5, "voice-6"), range(7, 12), False),
        (PageQuery(4, "voice-6"), range(7, 11), True),
        (PageQuery(5, "voice-11"), range(0), False),
        (PageQuery(5, "nobody"), range(0), False),
        (PageQuery(5, None, "voice-6"), range(1, 6), True),
        (PageQuery(6, None, "voice-6"), range(6), False),
        (PageQuery(5, None, "voice-0"), range(0), False),
        (PageQuery(5, None, "nobody"), range(0), False),
    ],
)
def test_a_page_has_the_voices_around_its_cursor(query: PageQuery, positions: range, has_more: bool) -> None:
    known = voices(12)

    items, more = page(known, query)

    assert list(items) == [known[i] for i in positions]
    assert more == has_more


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", [voice.name for voice in VOICES]),
        ("q=sarah", ["Sarah", "Sarah"]),
        ("q=narrator", ["Barbara"]),
        (f"q={DEFAULT_VOICE}", ["Ada"]),
        ("gender=masculine", ["Barbershop Man", "Jürgen"]),
        ("language=de", ["Jürgen"]),
        ("is_owner=true", ["Sarah"]),
        ("is_owner=false&language=fr", ["Sarah"]),
        (f"starting_after={VOICES[5].id}", ["Jürgen", "Sarah"]),
        (f"ending_before={VOICES[1].id}", ["Ada"]),
    ],
)
def test_voices_are_found(query: str, names: list[str]) -> None:
    with running_server() as server:
        answer = httpx.get(f"{server.url}/voices?{query}").json()

    assert [voice["name"] for voice in answer["data"]] == names
    assert answer["has_more"] is False
    assert "next_page" not in answer


def test_the_next_page_is_named_for_clients_that_need_it() -> None:
    with running_server() as server:
        answer = httpx.get(f"{server.url}/voices/?limit=3").json()

    assert (len(answer["data"]), answer["has_more"]) == (3, True)
    assert answer["next_page"] == VOICES[2].id


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=ten",
        "limit=",
        "limit=²",
        "is_owner=maybe",
        "starting_after=a&ending_before=b",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: str) -> None:
    with running_server() as server:
        response = httpx.get(f"{server.url}/voices?{query}")

    assert response.status_code == 400
    assert response.json()["title"].startswith("Invalid")


def test_the_oldest_version_gets_a_bare_list() -> None:
    with running_server() as server:
        answer = httpx.get(server.url + "/voices/", headers={"cartesia-version": "2024-06-10"}).json()

    assert [voice["id"] for voice in answer] == [voice.id for voice in VOICES]


def test_a_voice_has_the_fields_of_every_version() -> None:
    with running_server() as server:
        plain = httpx.get(f"{server.url}/voices/{DEFAULT_VOICE}").json()
        expanded = httpx.get(f"{server.url}/voices/{DEFAULT_VOICE}?expand[]=preview_file_url").json()

    assert (plain["access"], plain["visibility"], plain["is_public"]) == ("public", "all", True)
    assert plain["locales"] == [{"locale": "en-US", "is_native": True}]
    assert "preview_file_url" not in plain
    assert expanded == plain | {"preview_file_url": None}
