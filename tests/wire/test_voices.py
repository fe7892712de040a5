import json
from pathlib import Path

import pytest

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Voice
from cartesia_cli.wire import decode_voice, encode_voice

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
