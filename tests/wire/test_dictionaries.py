import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import Pronunciation, PronunciationDictionary
from cartesia_cli.wire.dictionaries import (
    decode_dictionary,
    decode_pronunciations,
    encode_dictionary,
    encode_pronunciations,
)
from cartesia_cli.wire.values import MalformedError

GOLDEN = json.loads((Path(__file__).parent / "dictionary.json").read_text("utf-8"))
ITEMS = (Pronunciation("Köln", "<<k|œ|l|n>>"), Pronunciation("Nice", "niece", case_sensitive=True))


def test_the_documented_dictionary_is_decoded_and_encoded() -> None:
    dictionary = decode_dictionary(GOLDEN)

    assert dictionary == PronunciationDictionary("dict-1", "Places", ITEMS, GOLDEN)
    assert encode_dictionary(dictionary) == GOLDEN


def test_a_dictionary_made_here_has_every_documented_field() -> None:
    assert encode_dictionary(PronunciationDictionary("d", "x")).keys() == GOLDEN.keys()


def test_the_newer_name_of_an_alias_is_understood() -> None:
    items = [{"text": "a", "pronunciation": "b"}, {"text": "c", "alias": "d", "pronunciation": "e"}]

    assert decode_pronunciations(items) == (Pronunciation("a", "b"), Pronunciation("c", "d"))


@pytest.mark.parametrize("items", [None, []])
def test_a_dictionary_may_be_empty(items: object) -> None:
    assert decode_dictionary({"id": "d", "items": items}).items == ()
    assert decode_dictionary({"id": "d"}).name == "d"


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"id": ""},
        {"id": 5},
        {"id": "d", "items": {}},
        {"id": "d", "items": ["x"]},
        {"id": "d", "items": [{"text": "a"}]},
        {"id": "d", "items": [{"alias": "a"}]},
        {"id": "d", "items": [{"text": "a", "alias": 5}]},
    ],
)
def test_what_is_no_dictionary_is_refused(payload: Any) -> None:
    with pytest.raises(UnavailableError, match="pronunciation dictionary that cannot be read") as caught:
        decode_dictionary(payload)

    assert caught.value.hint


def test_control_characters_do_not_reach_a_table() -> None:
    dictionary = decode_dictionary(
        {"id": "d", "name": "\x1b[1mx\ny", "items": [{"text": "\x07a", "alias": "b"}]}
    )

    assert (dictionary.name, dictionary.items) == ("[1mx y", (Pronunciation("a", "b"),))


def test_what_is_no_pronunciation_is_malformed() -> None:
    with pytest.raises(MalformedError):
        decode_pronunciations([5])


texts = st.text(st.characters(exclude_categories=["C"]))


@given(st.lists(st.builds(Pronunciation, texts, texts, st.booleans())))
def test_what_is_encoded_is_decoded(items: list[Pronunciation]) -> None:
    assert decode_pronunciations(encode_pronunciations(items)) == tuple(items)
