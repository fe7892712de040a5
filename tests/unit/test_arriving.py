"""Text that is still arriving is cut where a message may end, and nothing of it is lost."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.sentences import PieceCutter, split_sentences
from tests.unit.test_sentences import TAGS, TEXTS

Split = Literal["none", "sentence", "line"]

SIZES = st.lists(st.integers(1, 7), min_size=1, max_size=20)
SPLITS = st.sampled_from(["none", "sentence", "line"])


def arriving(text: str, sizes: Sequence[int]) -> Iterator[str]:
    start = count = 0
    while start < len(text):
        size = sizes[count % len(sizes)]
        yield text[start : start + size]
        start, count = start + size, count + 1


def cut(text: str, split: Split, sizes: Sequence[int] = (1,)) -> list[str]:
    cutter = PieceCutter(split)
    pieces = [piece for new in arriving(text, sizes) for piece in cutter.feed(new)]
    return pieces + cutter.finish()


@given(TEXTS, SIZES, SPLITS)
def test_pieces_joined_are_the_text_and_none_is_empty(text: str, sizes: list[int], split: Split) -> None:
    pieces = cut(text, split, sizes)

    assert "".join(pieces) == text
    assert all(pieces)


@given(st.text(max_size=60), SIZES, SPLITS, st.sets(st.integers(0, 60)))
def test_nothing_is_lost_at_pauses(text: str, sizes: list[int], split: Split, pauses: set[int]) -> None:
    cutter, pieces = PieceCutter(split), []

    for number, new in enumerate(arriving(text, sizes)):
        pieces += cutter.feed(new)
        if number in pauses:
            pieces.append(cutter.pause())
    pieces += cutter.finish()

    assert "".join(pieces) == text


@given(TEXTS, SIZES)
def test_sentences_are_those_of_the_whole_text(text: str, sizes: list[int]) -> None:
    assert cut(text, "sentence", sizes) == split_sentences(text)


@given(TEXTS, SIZES)
def test_no_piece_ends_inside_a_tag_a_number_or_a_character(text: str, sizes: list[int]) -> None:
    whole = [re.escape(tag) for tag in TAGS] + [r"\d+(?:[.,]\d+)+"]
    forbidden = {
        inside
        for found in regex.finditer(rf"(?<!<)(?:{'|'.join(whole)})|\X", text)
        for inside in range(found.start() + 1, found.end())
    }

    pieces = cut(text, "none", sizes)

    position, cuts = 0, set()
    for piece in pieces:
        position += len(piece)
        cuts.add(position)
    assert not cuts & forbidden


@pytest.mark.parametrize(
    ("arriving", "pieces"),
    [
        (["Hello", " wor", "ld", " now"], ["", "Hello", "", "world"]),
        (["It is 3.", "14", " or 1,", "000 "], ["It is", "", "3.14 or", "1,000"]),
        (["at 12", ":", "30\n"], ["at", "", "12:30"]),
        (["a <br", "eak ti", 'me="1s"/>', " b"], ["a", "", "", '<break time="1s"/>']),
        (["x <spell>A", " B ", "</spell> "], ["x", "", "<spell>A B </spell>"]),
        (["x <<h|ə", " l>", "> y"], ["x", "", "<<h|ə l>>"]),
        (["x [laugh", "ter] y"], ["x", "[laughter]"]),
        (["1 < 2 and 3 "], ["1 < 2 and 3"]),
        (["你", "好", "，我", "3", ".", "5度", "a"], ["", "你", "好，", "我", "", "3.5", "度"]),
        (["👩", "\u200d", "👧 ", "e", "\u0301 ", "x"], ["", "", "👩\u200d👧", "", "e\u0301", ""]),
        (["line\r", "\nnext "], ["line", "next"]),
    ],
)
def test_words_go_as_soon_as_they_are_whole(arriving: list[str], pieces: list[str]) -> None:
    cutter = PieceCutter()

    assert ["".join(cutter.feed(new)).strip() for new in arriving] == pieces


def test_a_sentence_goes_with_the_first_letter_that_shows_its_end() -> None:
    cutter = PieceCutter("sentence")

    assert cutter.feed("It rains. ") == []
    assert cutter.feed("S") == ["It rains. "]
    assert cutter.feed("ee Dr. T") == []
    assert cutter.feed("om. ") == []
    assert cutter.finish() == ["See Dr. Tom. "]


def test_lines_go_with_their_line_ends_and_empty_ones_with_the_next() -> None:
    cutter = PieceCutter("line")

    assert cutter.feed("one\ntwo\r") == ["one\n"]
    assert cutter.feed("\n\n---\nth") == ["two\r\n"]
    assert cutter.feed("ree\n") == ["\n---\nthree\n"]
    assert cutter.finish() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one two", "one "),
        ("one two ", "one two"),
        ("one two\n", "one two\n"),
        ("one two.", "one two."),
        ("one “two.”", "one “two.”"),
        ("one, two,", "one, two,"),
        ("in 3.", "in "),
        ("in 3!", "in 3!"),
        ("at 12:", "at "),
        ("wait <break ti", "wait "),
        ("wait <break/>", "wait "),
        ("wait <break/> ", "wait <break/>"),
        ("say <<h|ə", "say "),
        ("你好", "你好"),
        ("有3", "有"),
        ("one", ""),
        (" \n", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("split", ["sentence", "line"])
def test_a_pause_gives_what_is_whole(text: str, said: str, split: Split) -> None:
    cutter = PieceCutter(split)
    before = "".join(cutter.feed(text))

    assert (before + cutter.pause()).rstrip(" ") == said.rstrip(" ")
    assert cutter.pause() == ""


@pytest.mark.parametrize(
    ("text", "is_at_end"),
    [
        ("", False),
        ("  ", False),
        ("word", False),
        ("word.", True),
        ("word. ", True),
        ("word\n", True),
        ("“word!”", True),
        ("好。", True),
        ("comma,", False),
        ("Dr.", False),
        ("p.m.", True),
        ("3.", False),
        ("Three?", True),
        ('<break time="1.', False),
        ("word... ", True),
    ],
)
@pytest.mark.parametrize("split", ["none", "sentence", "line"])
def test_the_end_of_a_sentence_or_a_line_is_known(text: str, is_at_end: bool, split: Split) -> None:
    cutter = PieceCutter(split)

    for character in text:
        cutter.feed(character)

    assert cutter.is_at_end == is_at_end


def test_the_end_is_known_although_everything_was_given() -> None:
    cutter = PieceCutter()
    given = cutter.feed("Wait for Dr.")

    assert [*given, cutter.pause()] == ["Wait for ", "Dr."]
    assert not cutter.is_at_end


@pytest.mark.parametrize("split", ["none", "sentence", "line"])
@pytest.mark.parametrize("unit", ["x", "1", "<", "<a ", "<spell>a", "[", ".", " ", "\n", "漢", "🇩", "(a "])
def test_nothing_is_held_back_for_ever(unit: str, split: Split) -> None:
    cutter, n_given = PieceCutter(split), 0

    for count in range(1, 6_000 // len(unit)):
        n_given += sum(map(len, cutter.feed(unit)))
        assert count * len(unit) - n_given <= 4100


@pytest.mark.timeout(60)  # in quadratic time each would take hours
@pytest.mark.parametrize("split", ["none", "sentence", "line"])
@pytest.mark.parametrize("unit", ["x", "<", "<a ", ". (", "\n", " ", "漢", "Word. "])
def test_the_time_is_linear_whatever_the_text_holds(unit: str, split: Split) -> None:
    text = unit * (300_000 // len(unit))
    cutter = PieceCutter(split)

    pieces = cutter.feed(text)
    for character in text[:10_000]:
        pieces += cutter.feed(character)
    pieces += cutter.finish()

    assert "".join(pieces) == text + text[:10_000]
    assert max(map(len, pieces)) <= 3000


def test_a_token_costs_little() -> None:
    tokens = re.findall(r"\s?\S+", "The quick brown fox, 3.5 years old, jumps over Dr. Dog. " * 400)
    cutter = PieceCutter("sentence")

    started = time.process_time()
    for token in tokens:
        cutter.feed(token)

    assert (time.process_time() - started) / len(tokens) < 0.0005
