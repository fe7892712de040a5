from collections.abc import Iterator

import httpx
import pytest

from cartesia_cli.server.storage.datasets import FORMATS
from cartesia_cli.server.storage.state import State, stored
from tests.fakes.keeping import KEY, serving

SOUND = b"RIFF and so on"
UNKNOWN = "dataset_0"


@pytest.fixture
def state() -> Iterator[State]:
    kept = State(":memory:", clock=lambda: 1_790_000_000.0)
    yield kept
    kept.close()


@pytest.fixture
def url(state: State) -> Iterator[str]:
    with serving(state, max_recording=100_000) as running:
        yield running


def create(url: str, name: str = "Calls") -> str:
    made: str = httpx.post(f"{url}/datasets/", json={"name": name, "description": ""}).json()["id"]
    return made


def upload(url: str, dataset: str, name: str = "one.wav", content: bytes = SOUND) -> httpx.Response:
    return httpx.post(
        f"{url}/datasets/{dataset}/files", files={"file": (name, content)}, data={"purpose": "fine_tune"}
    )


def files_of(url: str, dataset: str) -> list[str]:
    return [each["filename"] for each in httpx.get(f"{url}/datasets/{dataset}/files").json()["data"]]


def test_a_data_set_is_made_read_changed_and_deleted(url: str) -> None:
    made = httpx.post(f"{url}/datasets/", json={"name": "Calls", "description": "Of May"})
    one = f"{url}/datasets/{made.json()['id']}"

    changed = httpx.patch(one, json={"name": "Talks", "description": "Of June"})
    after = httpx.get(one).json()
    deleted = httpx.delete(one)

    assert made.status_code == 200
    assert made.json() == {
        "id": made.json()["id"],
        "name": "Calls",
        "description": "Of May",
        "created_at": "2026-09-21T14:13:20Z",
    }
    assert (changed.status_code, changed.content) == (204, b"")
    assert after == {**made.json(), "name": "Talks", "description": "Of June"}
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert httpx.get(f"{url}/datasets").json() == {"data": [], "has_more": False}


def test_data_sets_come_in_pages_that_end(url: str) -> None:
    ids = [create(url, f"Number {n}") for n in range(5)]

    pages = [
        httpx.get(f"{url}/datasets/?{query}").json()
        for query in ("limit=2", f"starting_after={ids[1]}", f"limit=2&ending_before={ids[3]}")
    ]
    past_the_end = httpx.get(f"{url}/datasets?starting_after={ids[4]}").json()

    assert [[each["id"] for each in page["data"]] for page in pages] == [ids[:2], ids[2:], ids[1:3]]
    assert [page["has_more"] for page in pages] == [True, False, True]
    assert past_the_end == {"data": [], "has_more": False}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Calls"},
        {"description": "Of May"},
        {"name": "", "description": ""},
        {"name": " ", "description": ""},
        {"name": 1, "description": ""},
        {"name": "Calls", "description": ["Of May"]},
        {"name": "Calls", "description": None},
        {"name": "x" * 201, "description": ""},
        {"name": "Calls", "description": "x" * 10_001},
        {"name": "Calls", "description": "", "nmae": "Calls"},
    ],
)
def test_what_is_no_data_set_is_refused(url: str, method: str, body: object) -> None:
    path = f"{url}/datasets/" if method == "POST" else f"{url}/datasets/{create(url)}"

    refused = httpx.request(method, path, json=body)

    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid request")


def test_a_file_is_listed_by_its_name_size_and_date(url: str) -> None:
    dataset = create(url)

    stored_one = upload(url, dataset)
    (listed,) = httpx.get(f"{url}/datasets/{dataset}/files/").json()["data"]

    assert (stored_one.status_code, stored_one.content) == (204, b"")
    assert listed == {
        "id": listed["id"],
        "filename": "one.wav",
        "size": len(SOUND),
        "created_at": "2026-09-21T14:13:20Z",
    }


def test_files_come_in_pages_and_are_deleted(url: str) -> None:
    dataset = create(url)
    for number in range(3):
        upload(url, dataset, f"{number}.mp3")
    first = httpx.get(f"{url}/datasets/{dataset}/files?limit=1").json()

    deleted = httpx.delete(f"{url}/datasets/{dataset}/files/{first['next_page']}")
    again = httpx.delete(f"{url}/datasets/{dataset}/files/{first['next_page']}")

    assert (len(first["data"]), first["has_more"]) == (1, True)
    assert (deleted.status_code, again.status_code) == (204, 404)
    assert files_of(url, dataset) == ["1.mp3", "2.mp3"]


def test_a_file_belongs_to_one_data_set(url: str) -> None:
    one, other = create(url), create(url)
    upload(url, one)
    file_id = httpx.get(f"{url}/datasets/{one}/files").json()["data"][0]["id"]

    assert httpx.delete(f"{url}/datasets/{other}/files/{file_id}").status_code == 404
    assert (files_of(url, one), files_of(url, other)) == (["one.wav"], [])


def test_a_data_set_takes_its_files_with_it(url: str, state: State) -> None:
    dataset = create(url)
    upload(url, dataset)

    httpx.delete(f"{url}/datasets/{dataset}")

    assert httpx.get(f"{url}/datasets/{dataset}/files").status_code == 404
    assert stored(state.files_of(dataset)) == []


@pytest.mark.parametrize("ending", [*sorted(FORMATS), "WAV"])
def test_the_documented_formats_are_taken(url: str, ending: str) -> None:
    assert upload(url, create(url), f"one.{ending}").status_code == 204


@pytest.mark.parametrize("name", ["notes.txt", "one.wav.exe", "one", "one.aiff", ".wav"])
def test_other_formats_are_refused(url: str, name: str) -> None:
    dataset = create(url)

    refused = upload(url, dataset, name)

    assert (refused.status_code, refused.json()["error_code"]) == (400, "unsupported_audio_format")
    assert files_of(url, dataset) == []


def test_a_type_speaks_for_a_name_without_an_ending(url: str) -> None:
    dataset = create(url)

    answer = httpx.post(f"{url}/datasets/{dataset}/files", files={"file": ("one", SOUND, "audio/ogg")})

    assert (answer.status_code, files_of(url, dataset)) == (204, ["one"])


def test_a_path_in_a_name_is_left_out(url: str) -> None:
    dataset = create(url)

    upload(url, dataset, "../../etc/one.wav")

    assert files_of(url, dataset) == ["one.wav"]


def test_an_upload_without_a_file_is_refused(url: str) -> None:
    dataset = create(url)

    answers = [
        httpx.post(f"{url}/datasets/{dataset}/files", data={"purpose": "fine_tune"}),
        httpx.post(f"{url}/datasets/{dataset}/files", json={"file": "one.wav"}),
        upload(url, dataset, content=b""),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert files_of(url, dataset) == []


def test_a_file_that_is_too_large_is_refused(url: str) -> None:
    dataset = create(url)

    refused = upload(url, dataset, content=b"\0" * 200_000)

    assert (refused.status_code, refused.json()["error_code"]) == (413, "file_too_large")
    assert files_of(url, dataset) == []


def test_what_is_not_there_is_not_found(url: str) -> None:
    one, body = f"{url}/datasets/{UNKNOWN}", {"name": "x", "description": ""}
    answers = [
        httpx.get(one),
        httpx.patch(one, json=body),
        httpx.delete(one),
        httpx.get(f"{one}/files"),
        upload(url, UNKNOWN),
        httpx.delete(f"{one}/files/file_0"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert set(answers[0].json()) == {"error_code", "title", "message", "request_id"}
    assert (answers[0].json()["title"], answers[0].json()["error_code"]) == ("Dataset not found", "not_found")
    older = httpx.get(one, headers={"cartesia-version": "2025-04-16"})
    assert older.text == "Dataset not found: There is no dataset dataset_0."


def test_a_token_does_not_open_data_sets(state: State) -> None:
    auth = {"authorization": f"Bearer {KEY}"}
    with serving(state, keys=[KEY]) as url:
        grants = {"grants": {"tts": True, "stt": True, "agent": True}}
        token = httpx.post(f"{url}/access-token", json=grants, headers=auth).json()["token"]
        statuses = [
            httpx.get(f"{url}{path}", headers={"authorization": f"Bearer {token}"}).status_code
            for path in ("/datasets/", "/fine-tunes/", "/agents", "/agents/metrics", "/api-keys")
        ]
        with_key = httpx.get(f"{url}/datasets/", headers=auth).status_code

    assert (statuses, with_key) == ([403] * 5, 200)
