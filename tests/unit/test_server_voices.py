import io
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.models import Voice
from cartesia_cli.server.pages import PageQuery, page
from tests.fakes.known import DEFAULT_VOICE, VOICES
from tests.fakes.server import RunningServer, running_server

HEART = "7eef6874-fa50-566f-9102-5b6844916d4f"
UNKNOWN = "11111111-2222-4333-8444-555555555555"
OLD, OLDEST = {"cartesia-version": "2024-11-13"}, {"cartesia-version": "2024-06-10"}


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


@pytest.fixture
def server() -> Iterator[RunningServer]:
    library = LocalCatalogue(":memory:")
    with running_server(library=library, dictionaries=library, max_clip=1_000_000) as running:
        yield running
    library.close()


def hum(hertz: float = 120.0, seconds: float = 3.0) -> bytes:
    """Return a WAV of a voice that hums, louder and softer."""
    times = np.arange(int(24_000 * seconds)) / 24_000
    sound = sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 20))
    file = io.BytesIO()
    soundfile.write(file, 0.1 * sound * (1.2 + np.sin(2 * np.pi * 4 * times)), 24_000, format="WAV")
    return file.getvalue()


def clone(server: RunningServer, clip: bytes | None = None, **fields: str) -> httpx.Response:
    return httpx.post(
        f"{server.url}/voices/clone",
        data={"name": "Ann", "language": "en", **fields},
        files={"clip": ("clip.wav", hum() if clip is None else clip)},
    )


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_clip_becomes_a_voice(server: RunningServer, slash: str) -> None:
    response = httpx.post(
        f"{server.url}/voices/clone{slash}",
        data={"name": "Ann", "language": "en", "mode": "stability", "enhance": "true"},
        files={"clip": ("clip.wav", hum())},
    )

    made = response.json()
    voice = httpx.get(f"{server.url}/voices/{made['id']}").json()
    assert set(made) == {
        "id", "user_id", "name", "tagline", "description", "created_at", "language", "access", "visibility",
        "is_public",
    }  # fmt: skip
    assert (made["access"], made["visibility"], made["is_public"]) == ("private", "owner", False)
    assert "120 Hz" in made["description"]
    assert (voice["name"], voice["is_owner"], voice["gender"]) == ("Ann", True, "masculine")
    assert httpx.get(f"{server.url}/voices?is_owner=true").json()["data"] == [voice]


@pytest.mark.parametrize(
    ("clip", "fields", "status"),
    [
        (b"", {}, 400),
        (b"no sound at all", {}, 400),
        (b"x" * 1_000_001, {}, 413),
        (None, {"name": ""}, 400),
        (None, {"language": ""}, 400),
        (None, {"language": "de"}, 400),
        (None, {"base_voice_id": UNKNOWN}, 404),
        (None, {"accent": "martian"}, 400),
    ],
)
def test_a_clip_that_cannot_become_a_voice_is_refused(
    server: RunningServer, clip: bytes | None, fields: dict[str, str], status: int
) -> None:
    response = clone(server, clip, **fields)

    assert response.status_code == status
    assert set(response.json()) == {"error_code", "title", "message", "request_id"}
    assert httpx.get(f"{server.url}/voices?is_owner=true").json()["data"] == []


def test_a_form_without_a_clip_is_refused(server: RunningServer) -> None:
    for sent in ({"data": {"name": "x", "clip": "text"}}, {"json": {"name": "x"}}, {"content": b"\xff"}):
        assert httpx.post(f"{server.url}/voices/clone", **sent).status_code == 400


def test_a_voice_is_changed_and_deleted(server: RunningServer) -> None:
    url = f"{server.url}/voices/{clone(server).json()['id']}"

    changed = httpx.patch(url, json={"name": "Bea", "gender": None, "accent": "british"}).json()

    assert (changed["name"], changed["gender"], changed["accent"]) == ("Bea", None, "british")
    assert httpx.get(url).json() == changed
    deleted = httpx.delete(f"{url}/")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert httpx.get(url).status_code == httpx.delete(url).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", f"/voices/{HEART}", {"name": "x"}, 400, None),
        ("DELETE", f"/voices/{HEART}", None, 400, None),
        ("PATCH", f"/voices/{UNKNOWN}", {"name": "x"}, 404, "voice_not_found"),
        ("DELETE", f"/voices/{UNKNOWN}", None, 404, "voice_not_found"),
        ("GET", "/voices/nobody", None, 404, "voice_not_found"),
        ("PATCH", f"/voices/{UNKNOWN}/accents", {"accents": ["british"]}, 404, "voice_not_found"),
        ("PATCH", f"/voices/{HEART}/accents", {"accents": []}, 400, None),
        ("PATCH", f"/voices/{HEART}/accents", {"accents": "british"}, 400, None),
        ("DELETE", f"/voices/{UNKNOWN}/accents/british", None, 404, "voice_not_found"),
        ("PATCH", f"/voices/{HEART}", {"name": 1}, 400, None),
        ("PATCH", f"/voices/{HEART}", ["name"], 400, None),
        ("POST", "/voices/localize", {"voice_id": HEART, "name": "x", "accent": "british"}, 400, None),
        ("POST", "/voices/localize", {"voice_id": HEART, "name": "x"}, 400, None),
        ("POST", "/voices/mix", {}, 404, None),
        ("POST", "/voices", {}, 404, None),
        ("POST", "/voices/clone/clip", {}, 404, None),
    ],
)
def test_what_cannot_be_done_to_a_voice_is_refused(
    server: RunningServer, method: str, path: str, body: object, status: int, code: str | None
) -> None:
    response = httpx.request(method, server.url + path, json=body)

    assert (response.status_code, response.json()["error_code"]) == (status, code)


def test_accents_are_listed_added_and_removed(server: RunningServer) -> None:
    url = f"{server.url}/voices/{clone(server).json()['id']}/accents"

    listed = httpx.get(f"{server.url}/accents").json()["accents"]
    added = httpx.patch(url, json={"accents": ["british"]}).json()
    removed = httpx.delete(f"{url}/british")

    assert [accent["id"] for accent in listed] == sorted(accent["id"] for accent in listed)
    assert set(listed[0]) == {"id", "name", "language", "locale", "is_locale_default", "is_localizable"}
    assert [locale["locale"] for locale in added["locales"]] == ["en-US", "en-GB"]
    assert (removed.status_code, len(removed.json()["locales"])) == (200, 1)
    assert httpx.delete(f"{url}/british").status_code == 404


@pytest.mark.parametrize("accent", [{"accent": "general-american"}, {"language": "en", "dialect": "us"}])
def test_a_voice_is_localized_by_accent_or_by_dialect(server: RunningServer, accent: dict[str, str]) -> None:
    body = {"voice_id": HEART, "name": "Copy", "description": "x", "original_speaker_gender": "female"}

    made = httpx.post(f"{server.url}/voices/localize", json=body | accent).json()

    assert (made["name"], made["access"]) == ("Copy", "private")


def test_an_older_version_mixes_voices_and_makes_one_of_the_embedding(server: RunningServer) -> None:
    expanded = httpx.get(f"{server.url}/voices/{HEART}?expand[]=embedding&expand[]=is_starred", headers=OLD)
    embedding = expanded.json()["embedding"]
    halves = {"voices": [{"id": HEART, "weight": 1}, {"embedding": embedding, "weight": 1}]}

    mixed = httpx.post(f"{server.url}/voices/mix", json=halves, headers=OLD).json()["embedding"]
    made = httpx.post(
        f"{server.url}/voices/", json={"name": "Ann", "description": "x", "embedding": mixed}, headers=OLD
    ).json()

    assert expanded.json()["is_starred"] is False
    assert mixed == pytest.approx(embedding)
    assert len(embedding) == 192
    assert made["embedding"] == pytest.approx(embedding)
    assert "embedding" not in httpx.get(f"{server.url}/voices/{made['id']}", headers=OLD).json()
    assert "embedding" not in httpx.get(f"{server.url}/voices/{made['id']}?expand[]=embedding").json()


def test_the_oldest_version_gets_embeddings_of_voices_and_clips(server: RunningServer) -> None:
    listed = httpx.get(f"{server.url}/voices", headers=OLDEST).json()
    embedding = httpx.post(
        f"{server.url}/voices/clone/clip", files={"clip": ("c.wav", hum())}, headers=OLDEST
    ).json()["embedding"]

    assert [len(voice["embedding"]) for voice in listed] == [192] * 6
    assert all(voice["user_id"] for voice in listed)
    assert len(embedding) == 192
    assert len(httpx.get(f"{server.url}/voices", headers=OLDEST).json()) == 6


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"voices": []},
        {"voices": [1]},
        {"voices": [{"id": HEART}]},
        {"voices": [{"id": HEART, "weight": "1"}]},
        {"voices": [{"id": HEART, "weight": 0}]},
        {"voices": [{"embedding": [1], "weight": 1}, {"id": HEART, "weight": 1}]},
        {"voices": [{"embedding": [1e308], "weight": 1e308}, {"embedding": [1e308], "weight": 1e308}]},
    ],
)
def test_a_mixture_that_cannot_be_is_refused(server: RunningServer, body: object) -> None:
    assert httpx.post(f"{server.url}/voices/mix", json=body, headers=OLD).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/voices/clone"),
        ("PATCH", "/voices/x"),
        ("DELETE", "/voices/x"),
        ("GET", "/accents"),
        ("PATCH", "/voices/x/accents"),
        ("GET", "/pronunciation-dicts/"),
        ("POST", "/voice-changer/bytes"),
        ("POST", "/infill/bytes"),
    ],
)
def test_a_server_without_a_library_says_so(method: str, path: str) -> None:
    with running_server() as server:
        assert httpx.request(method, server.url + path).status_code == 501
