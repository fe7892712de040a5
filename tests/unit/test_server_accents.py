from collections.abc import Iterator

import httpx
import pytest

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.state import State
from cartesia_cli.server.voices.accents import read_accent, shown_accent
from tests.fakes.keeping import serving
from tests.fakes.known import KnownSamples

OLDER, NEWER = {"cartesia-version": "2025-11-04"}, {"cartesia-version": "2026-08-14"}


@pytest.fixture(scope="module")
def library() -> Iterator[LocalCatalogue]:
    kept = LocalCatalogue(":memory:")
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def url(library: LocalCatalogue) -> Iterator[str]:
    state = State(":memory:")
    staff = Staff(synthesizer=KnownSamples(), catalogue=library, library=library)
    with serving(state, staff=staff, is_lenient=True) as running:
        yield running
    state.close()


@pytest.mark.parametrize(
    ("accent_id", "name"),
    [
        ("general-american", "General American English"),
        ("british", "British English"),
        ("southern-us", "Southern American English"),
        ("mandarin", "Mandarin Chinese"),
    ],
)
def test_older_versions_name_an_accent_and_newer_ones_its_id(
    library: LocalCatalogue, accent_id: str, name: str
) -> None:
    assert shown_accent(accent_id, "2025-11-04", library) == name
    assert shown_accent(accent_id, "2026-08-14", library) == accent_id
    assert read_accent(name, "2026-03-01", library) == accent_id
    assert read_accent(name, "2026-08-14", library) == name


def test_what_is_no_accent_stays_as_it_is(library: LocalCatalogue) -> None:
    assert shown_accent("martian", "2025-11-04", library) == "martian"
    assert read_accent("Martian", "2025-11-04", library) == "Martian"
    assert shown_accent("british", "2025-11-04", None) == "british"


def test_voices_are_sent_and_changed_in_the_words_of_the_version(url: str, library: LocalCatalogue) -> None:
    embedding = library.mix_voices([("male", 1.0)])
    made = library.create_voice("Ann", embedding, description=None, language="en")
    one = f"{url}/voices/{made.id}"

    older = httpx.patch(one, json={"accent": "British English"}, headers=OLDER).json()
    newer = httpx.get(one, headers=NEWER).json()
    refused = httpx.patch(one, json={"accent": "British English"}, headers=NEWER)

    assert (older["accent"], newer["accent"]) == ("British English", "british")
    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid accent")


def test_fine_tunes_too(url: str) -> None:
    asked = {
        "name": "Ann",
        "description": "",
        "language": "en",
        "model_id": "sonic-3-2026-01-12",
        "dataset": "any",
        "accent": "Southern American English",
    }
    made = httpx.post(f"{url}/fine-tunes/", json=asked, headers=OLDER).json()

    newer = httpx.get(f"{url}/fine-tunes/{made['id']}", headers=NEWER).json()
    listed = httpx.get(f"{url}/fine-tunes/", headers=OLDER).json()["data"]

    assert made["accent"] == "Southern American English"
    assert newer["accent"] == "southern-us"
    assert listed == [made]


def test_a_voice_is_localized_to_an_accent_by_its_older_name(url: str) -> None:
    asked = {"voice_id": "male", "name": "Ann", "accent": "General American English"}

    assert httpx.post(f"{url}/voices/localize", json=asked, headers=OLDER).json()["name"] == "Ann"
