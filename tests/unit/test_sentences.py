"""Text is cut where a speaker would pause, nothing is lost, and no text takes long."""

import re
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UsageError
from cartesia_cli.sentences import clean_text, is_speakable, sentence_ends, split_parts, split_sentences

TAGS = [
    '<break time="1s"/>',
    "<spell>A.B. C! D</spell>",
    "<<h|ə|l|oʊ. >>",
    "[laughter]",
    '<emotion value="a. b"/>',
]
PIECES = [
    *TAGS,
    *"aZ09.,;:!?…。！、।\"'”)( \n\t<>[]-—",
    "Dr.",
    "U.S.",
    "3.14",
    "1,234.5",
    "e.g.",
    "https://a.example/b?c=d.",
    "漢字",
    "नमस्ते।",
    "👩‍👩‍👧",
    "🇩🇪",
    "e\u0301",
    "\r\n",
    "\n\n",
    ". ",
    "word ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@pytest.mark.parametrize(
    "marked",
    [
        "Dr. Smith paid. ¦He left.",
        "Mr. J. R. R. Tolkien wrote it. ¦We read it.",
        "It costs $3.50 or 1,234.5 in all. ¦Fine.",
        "See No. 5 and Fig. 3. ¦No. ¦I will not.",
        "Fruit, e.g. Apples, i.e. This one, etc. ¦Then tea.",
        "The U.S. Army came. ¦He left the U.S. ¦The rest stayed.",
        "At 5 p.m. sharp, or at 5 p.m. ¦They came.",
        "Apple Inc. Shares rose. ¦They bought Apple Inc. ¦It was dear.",
        "On Jan. 5 she sat. ¦Then she rose.",
        "So do I. ¦Tom went.",
        "The end... ¦Or not... maybe. ¦Yes… ¦No… well.",
        "“Really?” she asked. ¦“Yes.” ¦(Indeed.) ¦Fine.",
        'She said "Stop." ¦Then she left.',
        "What?! ¦No! ¦why? ¦because.",
        "Read https://a.example/b?c=d.e! ¦Or main.py. ¦Or v1.2.3 of it.",
        "你好。¦我是小明！¦“好。”¦他说。¦今天3.5度。",
        "「はい。」と言った。¦次です。",
        "你好!¦我是?¦谁",
        "यह है। ¦वह था॥¦ठीक",
        "هل هذا؟ ¦نعم.",
        "Am 3. Oktober war es. ¦Ja, z.B. Hier. ¦Nein.",
        "¿Qué? ¦¡Sí! ¦Sra. García vino. ¦Bien.",
        "Title\n\n¦First line\nwrapped here. ¦Second.\r\n\r\n¦Third",
        "To buy:\n¦1. One apple\n¦2. Two pears. ¦Ripe\n¦- dates",
        '<break time="1s. X"/>Hi. ¦<spell>A. B. C</spell> and <<x|y. Z>> go. ¦[laughter] Ha.',
        "Hi.¦<break/> You.",
        "... And so it goes. ¦Yes. ***",
        "1 < 2. ¦And 3 > 2.",
        "",
        " \n ",
        "...",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(marked: str) -> None:
    expected = [sentence for sentence in marked.split("¦") if sentence]

    assert split_sentences("".join(expected)) == expected


@given(TEXTS)
def test_sentences_joined_are_the_text_and_each_can_be_spoken(text: str) -> None:
    sentences = split_sentences(text)

    assert "".join(sentences) == text
    assert all(sentences)
    if len(sentences) > 1:
        assert all(re.search(r"[^\W_]", sentence) for sentence in sentences)


@given(TEXTS, st.integers(40, 120))
def test_no_cut_is_inside_a_tag_a_number_or_a_character(text: str, limit: int) -> None:
    whole = [re.escape(tag) for tag in TAGS] + [r"\d+(?:[.,]\d+)+"]
    forbidden = {
        inside
        for found in regex.finditer(rf"(?<!<)(?:{'|'.join(whole)})|\X", text)
        if len(found.group()) < 40 and not found.group().isspace()
        for inside in range(found.start() + 1, found.end())
    }

    parts = list(split_parts(text, limit))

    cuts, position = set(sentence_ends(text)), 0
    for part in parts:
        position += len(part)
        cuts.add(position)
    assert not cuts & forbidden


@given(TEXTS, st.integers(1, 60))
def test_parts_joined_are_the_text_and_none_is_empty_or_too_long(text: str, limit: int) -> None:
    parts = list(split_parts(text, limit))

    assert "".join(parts) == text
    assert all(0 < len(part) <= limit for part in parts)


@given(st.text(max_size=300), st.integers(1, 20))
def test_any_text_at_all_can_be_cut(text: str, limit: int) -> None:
    assert "".join(split_sentences(text)) == text
    assert "".join(split_parts(text, limit)) == text


def test_up_to_the_limit_is_one_part_and_one_more_is_two() -> None:
    text = "One. " * 600

    assert list(split_parts(text)) == [text]
    assert [len(part) for part in split_parts(text + "T")] == [3000, 1]
    assert list(split_parts("")) == []


def test_parts_end_with_sentences_and_are_filled() -> None:
    assert list(split_parts("One two. Three. Four five six. Seven.", 20)) == [
        "One two. Three. ",
        "Four five six. ",
        "Seven.",
    ]


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("one two three, four five six", 20, ["one two three, ", "four five six"]),
        ("a, bcd efgh ijkl mnop", 12, ["a, bcd efgh ", "ijkl mnop"]),
        ("one two three", 9, ["one two ", "three"]),
        ("one two three", 7, ["one two", " three"]),
        ("一二三、四五六七八", 6, ["一二三、", "四五六七八"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("xxxx123.45yyy", 8, ["xxxx", "123.45yy", "y"]),
        ("xxe\u0301e\u0301", 3, ["xx", "e\u0301", "e\u0301"]),
        ("x🇩🇪🇫🇷", 4, ["x🇩🇪", "🇫🇷"]),
        ("xx👩‍👩‍👧", 5, ["xx", "👩‍👩‍👧"]),
        ("नमस्ते", 4, ["नम", "स्ते"]),
        ("abc<break/>def", 10, ["abc", "<break/>de", "f"]),
        ("10\u00a0000 000", 8, ["10\u00a0000 ", "000"]),
        ("<" + "a" * 8 + ">", 5, ["<aaaa", "aaaa>"]),
    ],
)
def test_a_sentence_too_long_is_cut_at_the_best_place_there_is(
    text: str, limit: int, parts: list[str]
) -> None:
    assert list(split_parts(text, limit)) == parts


def test_a_limit_without_room_for_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        list(split_parts("text", 0))


@pytest.mark.timeout(60)  # in quadratic time each would take hours
@pytest.mark.parametrize(
    "unit",
    [
        "x",
        "<",
        ".",
        "[",
        " ",
        "\n",
        "(",
        ". ",
        "<a ",
        "<<a",
        "<spell>a",
        '."',
        ",",
        "1",
        "\u0301",
        "🇩",
        "漢",
        "\n ",
    ],
)
def test_the_time_is_linear_whatever_the_text_holds(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))

    parts = list(split_parts(text))

    assert "".join(parts) == text
    assert max(map(len, parts)) <= 3000
    assert len(parts) < 3 * len(text) / 3000
    assert clean_text(text) == (text, 0)
    assert is_speakable(text) == bool(re.search(r"[^\W_]", text))


@pytest.mark.parametrize(
    ("text", "clean", "n_dropped"),
    [
        ("plain\ttext\r\n", "plain\ttext\r\n", 0),
        ("\ufefftext", "text", 0),
        ("a\x00b\x07c\x1b[0m\x7f\x85\x9f", "abc[0m", 6),
        ("a\u200db\u200cc\u202ed", "a\u200db\u200cc\u202ed", 0),
        ("in\ufeffside", "in\ufeffside", 0),
        ("", "", 0),
    ],
)
def test_control_characters_are_dropped_and_counted(text: str, clean: str, n_dropped: int) -> None:
    assert clean_text(text) == (clean, n_dropped)


@given(st.text())
def test_clean_text_holds_no_control_character_and_stays_as_it_is(text: str) -> None:
    clean, _ = clean_text(text)

    assert not any(unicodedata.category(c) == "Cc" and c not in "\t\n\r" for c in clean)
    assert clean.startswith("\ufeff") or clean_text(clean) == (clean, 0)


def test_bytes_that_were_not_utf_8_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="not UTF-8: character 4"):
        clean_text("caf\udce9")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "5",
        "½",
        "漢",
        "नम",
        "…x",
        "<spell>A</spell>",
        "<<h|ə>>",
        "[b]",
        "1 <",
        "<break/> a",
        "[laughter] a",
    ],
)
def test_letters_and_digits_of_any_script_can_be_spoken(text: str) -> None:
    assert is_speakable(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "...?!",
        "—",
        "_",
        "$ € +",
        "🎉",
        "<break time='1s'/>",
        "[laughter]",
        "<>",
        "<spell></spell>",
    ],
)
def test_signs_spaces_emoji_and_tags_alone_are_nothing_to_say(text: str) -> None:
    assert not is_speakable(text)
