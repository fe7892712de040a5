# ruff: noqa: RUF001 - the letters of the phonetic alphabet look like others
from collections.abc import Sequence

import pytest

from cartesia_cli.local.packages import find_speech_assets
from cartesia_cli.local.pronounce import NOBODY, Pronouncer, align
from cartesia_cli.local.text import Sentence, sentences


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(find_speech_assets())


def by_word(pronouncer: Pronouncer, transcript: str) -> dict[str, str]:
    """Return the phonemes of each word, without stress and punctuation."""
    (sentence,) = sentences(transcript)
    assert isinstance(sentence, Sentence)
    reading = pronouncer.pronounce(sentence)
    return {
        word.text: "".join(
            symbol
            for symbol, who in zip(reading.symbols, reading.owners, strict=True)
            if who == owner and symbol.isalpha() and symbol not in "ˈˌ"
        )
        for owner, word in enumerate(sentence.words)
    }


def test_each_word_owns_its_phonemes(pronouncer: Pronouncer) -> None:
    assert by_word(pronouncer, "Hello there, cat.") == {"Hello": "həlO", "there,": "ðɛɹ", "cat.": "kæt"}


def test_numbers_abbreviations_and_marks_belong_to_the_word_that_was_written(pronouncer: Pronouncer) -> None:
    words = by_word(pronouncer, "Dr. Lee paid $42 at 9:30 am for 5 km — #7 & 50%.")

    assert words["Dr."] == "dɑktəɹ"
    assert words["$42"] == "fɔɹTitudɑləɹz"
    assert words["9:30"] == "nInθɜɹTi"
    assert words["am"] == "Aɛm"
    assert words["km"] == "kəlɑməTəɹz"
    assert words["—"] == ""
    assert words["#7"] == "nʌmbəɹsɛvən"
    assert words["&"] == "ænd"
    assert words["50%."] == "fɪftipəɹsɛnt"


def test_spelled_and_phonetic_words_are_said_as_given(pronouncer: Pronouncer) -> None:
    words = by_word(pronouncer, "Code (<spell>AB-12</spell>), <<ˈtʃ|ɪ|p>>!")

    assert words["(AB-12),"] == "Abidæʃwʌntu"
    assert words["ˈtʃɪp!"] == "ʧɪp"


def test_what_cannot_be_said_has_no_phonemes(pronouncer: Pronouncer) -> None:
    words = by_word(pronouncer, "Hi 🙂 Привет cat🙂")

    assert words == {"Hi": "hI", "🙂": "", "Привет": "", "cat🙂": "kæt"}


@pytest.mark.parametrize("transcript", ["🙂", "...", "你好 —", "$"])
def test_a_sentence_without_words_gives_no_phonemes(pronouncer: Pronouncer, transcript: str) -> None:
    assert not any(by_word(pronouncer, transcript).values())


@pytest.mark.parametrize(
    "transcript",
    [
        "1" * 190,
        "$" + "9" * 100,
        "1," * 90,
        "a" * 190,
        "pneumono" * 20,
        "x1" * 90,
        "1.5" * 60,
        "Chapter MMMMCMXCIX",
        "[a](/b/) [c](d)",
    ],
)
def test_strange_words_are_read_to_their_end(pronouncer: Pronouncer, transcript: str) -> None:
    assert all(by_word(pronouncer, transcript).values())


def test_every_symbol_has_an_owner_and_owners_follow_the_text(pronouncer: Pronouncer) -> None:
    (sentence,) = sentences(
        "On Jan. 5, 2024, Henry VIII's “old” well-known cat—1/2 wild—ate 3°C fish, e.g. cod."
    )
    assert isinstance(sentence, Sentence)

    reading = pronouncer.pronounce(sentence)

    assert len(reading.symbols) == len(reading.owners)
    owners = [owner for owner in reading.owners if owner != NOBODY]
    assert owners == sorted(owners)
    assert set(owners) == set(range(len(sentence.words)))


@pytest.mark.parametrize(
    ("sources", "spoken", "owners"),
    [
        (["a", "b"], ["a", "b"], [0, 1]),
        (["9:30", "am"], ["nine", "thirty", "A.M."], [0, 0, 1]),
        (["room", "#5,"], ["room", "number", "5,"], [0, 1, 1]),
        (["pay", "$5", "million", "now"], ["pay", "5", "million", "dollars", "now"], [0, 1, 2, 2, 3]),
        (["x", "y"], [], []),
        ([], [], []),
    ],
)
def test_spoken_words_are_shared_out_among_those_that_were_written(
    sources: Sequence[str], spoken: Sequence[str], owners: list[int]
) -> None:
    counts = {"9:30": 2, "#5,": 2}

    assert align(sources, spoken, lambda word: counts.get(word, 1)) == owners
