import itertools

import pytest

from cartesia_cli.local.tags import Plain, Spelled
from cartesia_cli.local.text import (
    CLAUSE_PAUSE,
    PARAGRAPH_PAUSE,
    SENTENCE_PAUSE,
    Sentence,
    ends_sentence,
    sentences,
)


def spoken(transcript: str) -> list[str]:
    """Return each sentence's words joined by spaces, and each break as its seconds."""
    return [
        " ".join(word.text for word in item.words) if isinstance(item, Sentence) else f"{item.seconds:g}"
        for item in sentences(transcript)
    ]


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith met J. Doe, e.g. here.", ["Dr. Smith met J. Doe, e.g. here."]),
        ("See No. 5 and Fig. 2 of Jan. 7.", ["See No. 5 and Fig. 2 of Jan. 7."]),
        ("So did I. Then we left.", ["So did I.", "Then we left."]),
        ("He said no. Nobody spoke.", ["He said no.", "Nobody spoke."]),
        ("“Yes.” “No!” she cried.", ["“Yes.”", "“No!” she cried."]),
        ("at 9 a.m. on Monday", ["at 9 a.m. on Monday"]),
        ("A title\n\nA text that follows", ["A title", "A text that follows"]),
        ("- bread\n- butter\n3. tea", ["- bread", "- butter", "3. tea"]),
        (
            "This line is as long as the page is wide and goes\non here.\nShort\nlines",
            ["This line is as long as the page is wide and goes on here.", "Short lines"],
        ),
        ("windows\r\n\r\nline ends", ["windows", "line ends"]),
        ("Wait<break time='1s'/>now. <break time='2s'/> Go", ["Wait", "1", "now.", "2", "Go"]),
    ],
)
def test_sentences_end_where_a_reader_would_pause(transcript: str, expected: list[str]) -> None:
    assert spoken(transcript) == expected


def test_pauses_are_longer_after_a_paragraph_than_after_a_sentence() -> None:
    pauses = [item.pause for item in sentences("One. Two.\n\nThree. Four.") if isinstance(item, Sentence)]

    assert pauses == [SENTENCE_PAUSE, PARAGRAPH_PAUSE, SENTENCE_PAUSE, 0.0]
    assert SENTENCE_PAUSE < PARAGRAPH_PAUSE


def test_a_sentence_is_cut_where_the_speed_changes() -> None:
    first, second, third = sentences('Slow now <speed ratio="1.5"/>faster here</speed> slow')

    assert isinstance(first, Sentence)
    assert isinstance(second, Sentence)
    assert isinstance(third, Sentence)
    assert (first.speed, second.speed, third.speed) == (None, 1.5, None)
    assert first.pause == CLAUSE_PAUSE


def test_a_tag_at_the_end_of_a_word_changes_the_next_word() -> None:
    (sentence,) = sentences('soft<volume ratio="2.0"/> loud')

    assert isinstance(sentence, Sentence)
    assert [word.volume for word in sentence.words] == [None, 2.0]


def test_a_tag_inside_a_word_is_no_part_of_it() -> None:
    (sentence,) = sentences("un<b>like</b>ly (<spell>AB 12</spell>), <<h|ə>>!")

    assert isinstance(sentence, Sentence)
    assert [word.text for word in sentence.words] == ["unlikely", "(AB 12),", "hə!"]
    assert sentence.words[0].parts == (Plain("unlikely"),)
    assert sentence.words[1].parts == (Plain("("), Spelled("AB 12"), Plain("),"))


def test_words_are_those_of_the_transcript_without_control_characters() -> None:
    assert spoken("a\x00b\x07 c\x1b[0m\ufeff \ud83d d") == ["ab c[0m d"]


@pytest.mark.parametrize("transcript", ["a" * 10_000_000, "word " * 2_000_000, "1" * 10_000_000])
@pytest.mark.timeout(20)
def test_ten_megabytes_without_a_full_stop_are_cut(transcript: str) -> None:
    cut = [item for item in itertools.islice(sentences(transcript), 50) if isinstance(item, Sentence)]

    assert len(cut) == 50
    assert max(sum(len(word.text) for word in sentence.words) for sentence in cut) <= 800


def test_a_full_stop_before_a_small_letter_ends_nothing() -> None:
    assert not ends_sentence("etc.", "and")
    assert ends_sentence("etc.", "And")
