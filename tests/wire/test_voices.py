import json
from pathlib import Path

import pytest

from cartesia_cli.errors import UnavailableError, UsageError
from cartesia_cli.models import Accent, CloneRequest, LocalizeRequest, Voice
from cartesia_cli.wire import decode_voice, encode_voice
from cartesia_cli.wire.voices import (
    decode_accents,
    decode_embedding,
    decode_new_voice,
    encode_accent,
    encode_changes,
    encode_clone,
    encode_localize,
    encode_mix,
)

GOLDEN = json.loads((Path(__file__).parent / "voice.json").read_text("utf-8"))


def test_the_documented_voice_is_decoded() -> None:
    voice = decode_voice(GOLDEN)

    assert (voice.id, voice.name, voice.language) == (GOLDEN["id"], "Skylar", "en")
    assert (voice.gender, voice.is_owner, voice.fields) == ("feminine", False, GOLDEN)


def test_a_voice_of_the_oldest_api_is_decoded() -> None:
    voice = decode_voice(
        {"id": "a", "name": "Ann", "description": None, "is_public": True, "embedding": [0.5]}
    )

    assert voice == Voice("a", "Ann", fields=voice.fields)


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"id": 3}, {"id": ""}])
def test_what_is_no_voice_is_refused(payload: object) -> None:
    with pytest.raises(UnavailableError, match="voice that cannot be read"):
        decode_voice(payload)


def test_control_characters_do_not_reach_a_table() -> None:
    assert decode_voice({"id": "a", "name": "\x1b[31mAnn\nSmith"}).name == "[31mAnn Smith"


def test_an_encoded_voice_has_the_fields_of_all_versions() -> None:
    encoded = encode_voice(decode_voice(GOLDEN))

    assert encoded.items() >= GOLDEN.items()
    assert encoded["is_public"] is True


def test_a_voice_of_ones_own_is_private_and_decodes_to_itself() -> None:
    mine = Voice("a", "Ann", "My aunt.", "de", is_owner=True)

    encoded = encode_voice(mine)

    assert (encoded["access"], encoded["visibility"], encoded["is_public"]) == ("private", "owner", False)
    assert encoded["locales"] == [{"locale": "de", "is_native": True}]
    assert decode_voice(encoded) == Voice("a", "Ann", "My aunt.", "de", is_owner=True, fields=encoded)


def test_a_new_voice_is_ones_own_unless_the_api_says_otherwise() -> None:
    assert decode_new_voice({"id": "a", "user_id": "u"}).is_owner
    assert not decode_new_voice(GOLDEN).is_owner


def test_a_clone_has_the_documented_fields() -> None:
    everything = CloneRequest("Ann", "de", "My aunt.", "british", "base", "stability", enhance=True)

    assert encode_clone(CloneRequest("Ann"), version="2026-08-14") == {"name": "Ann", "language": "en"}
    assert encode_clone(everything, version="2026-08-14") == {
        "name": "Ann",
        "language": "de",
        "description": "My aunt.",
        "accent": "british",
        "base_voice_id": "base",
        "mode": "stability",
        "enhance": "true",
    }


@pytest.mark.parametrize(("version", "mode"), [("2024-06-10", "similarity"), ("2025-04-16", None)])
def test_an_old_api_needs_the_mode_of_a_clone(version: str, mode: str | None) -> None:
    assert encode_clone(CloneRequest("Ann"), version=version).get("mode") == mode
    assert encode_clone(CloneRequest("Ann", mode="stability"), version=version)["mode"] == "stability"


def test_a_localized_voice_has_the_documented_fields() -> None:
    request = LocalizeRequest("v", "Ann", "british", "My aunt.", "Kind")

    assert encode_localize(LocalizeRequest("v", "Ann", "british")) == {
        "voice_id": "v",
        "name": "Ann",
        "accent": "british",
    }
    assert encode_localize(request).items() >= {"description": "My aunt.", "tagline": "Kind"}.items()


def test_a_gender_alone_can_be_taken_away() -> None:
    assert encode_changes({"gender": None, "name": ""}) == {"gender": None, "name": ""}
    with pytest.raises(UsageError, match="without description"):
        encode_changes({"description": None})


def test_an_accent_is_decoded_and_encoded_as_documented() -> None:
    documented = {
        "id": "british",
        "name": "British English",
        "language": "en",
        "locale": "en-GB",
        "is_locale_default": True,
        "is_localizable": True,
    }

    [accent] = decode_accents({"accents": [documented]})

    assert accent == Accent("british", "British English", "en", "en-GB", documented)
    assert encode_accent(accent) == documented


def test_control_characters_of_an_accent_do_not_reach_a_table() -> None:
    assert decode_accents([{"id": "a\n", "name": "\x1b[1mA"}])[0] == Accent(
        "a", "[1mA", "", "", {"id": "a\n", "name": "\x1b[1mA"}
    )


def test_a_mixture_is_encoded_as_documented() -> None:
    assert encode_mix([("a", 0.25), ("b", -1)]) == {
        "voices": [{"id": "a", "weight": 0.25}, {"id": "b", "weight": -1}]
    }


@pytest.mark.parametrize("payload", [None, [], {}, {"embedding": []}, {"embedding": [True]}])
def test_what_is_no_embedding_is_refused(payload: object) -> None:
    with pytest.raises(UnavailableError, match="embedding that cannot be read"):
        decode_embedding(payload)
