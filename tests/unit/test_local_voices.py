import pytest

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.voices import find_variant, list_voices

NAMES = ["heart", "deep", "male", "tenor", "bright", "child"]
DOCUMENTED = [
    "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "e07c00bc-4134-4eae-9ea4-1a55fb45746b",
    "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4",
    "f786b574-daa5-4673-aa0c-cbe3e8534c02",
    "a0e99841-438c-4a64-b679-ae501e7d6091",
    "694f9389-aac1-45b6-b726-9d9369183238",
    "f9836c6e-a0bd-460e-9d3c-f7299fa60f94",
]


def test_the_voices_are_heart_and_its_variants_each_with_an_id_of_its_own() -> None:
    voices = [*list_voices()]

    assert [voice.name for voice in voices] == NAMES
    assert len({voice.id for voice in voices}) == len(NAMES)
    assert all("variant of heart" in voice.description for voice in voices[1:])


def test_heart_keeps_its_id() -> None:
    assert find_variant("heart").voice.id == "7eef6874-fa50-566f-9102-5b6844916d4f"


@pytest.mark.parametrize("name", NAMES)
def test_a_voice_answers_to_its_name_in_any_case_and_to_its_id(name: str) -> None:
    variant = find_variant(name)

    assert find_variant(name.upper()) == variant
    assert find_variant(variant.voice.id) == variant


@pytest.mark.parametrize("voice_id", DOCUMENTED)
def test_an_id_of_the_apis_documents_is_answered_under_that_id(voice_id: str) -> None:
    voice = find_variant(voice_id).voice

    assert voice.id == voice_id
    assert voice.fields["id"] == voice_id
    assert voice.name in NAMES


def test_any_other_id_is_rejected_as_the_api_would() -> None:
    with pytest.raises(RequestError, match="00000000-0000-4000-8000-000000000000") as caught:
        find_variant("00000000-0000-4000-8000-000000000000")

    assert caught.value.code == "voice_not_found"


def test_an_unknown_name_is_an_error_that_names_the_closest_and_all() -> None:
    with pytest.raises(UsageError, match="'hart'") as caught:
        find_variant("hart")

    assert caught.value.hint is not None
    assert "Did you mean heart?" in caught.value.hint
    assert all(name in caught.value.hint for name in NAMES)


def test_a_query_finds_voices_by_name_description_and_id() -> None:
    assert [voice.name for voice in list_voices("DEEP")] == ["deep"]
    assert [voice.name for voice in list_voices("light male")] == ["tenor"]
    assert [voice.name for voice in list_voices("7eef6874")] == ["heart"]
    assert [*list_voices("nobody")] == []
