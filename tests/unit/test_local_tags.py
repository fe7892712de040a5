from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.local.tags import (
    Break,
    Element,
    Ignored,
    Loudness,
    Pace,
    Plain,
    Pronounced,
    Spelled,
    parse_tags,
)


def plain_text(elements: Sequence[Element]) -> str:
    return "".join(element.text for element in elements if isinstance(element, Plain))


@pytest.mark.parametrize(
    ("source", "element"),
    [
        ('<break time="1s"/>', Break(1.0)),
        ('<break time="200ms"/>', Break(0.2)),
        ("<BREAK time='1.5s' />", Break(1.5)),
        ('<speed ratio="1.5"/>', Pace(1.5)),
        ('<speed ratio="0.6">', Pace(0.6)),
        ("</speed>", Pace(None)),
        ('<volume ratio="2"/>', Loudness(2.0)),
        ("</volume>", Loudness(None)),
        ("<spell>AB12</spell>", Spelled("AB12")),
        ("<spell>A<b>B</b></spell>", Spelled("AB")),
        ("<<h|ə|l|oʊ>>", Pronounced(("h", "ə", "l", "oʊ"))),
        ("<< h | ə >>", Pronounced(("h", "ə"))),
    ],
)
def test_a_known_tag_is_understood(source: str, element: Element) -> None:
    elements = [*parse_tags(f"one {source} two")]

    assert elements == [Plain("one "), element, Plain(" two")]


@pytest.mark.parametrize(
    "source",
    [
        '<emotion value="angry"/>',
        "[laughter]",
        "[Laughter]",
        "<prosody rate='slow' pitch=\"low\">",
        "</prosody>",
        "<!-- a remark -->",
        '<?xml version="1.0"?>',
        "<break/>",
        "<break 1s/>",
        '<break time="1"/>',
        '<break time="61s"/>',
        '<break time="1s"',
        '<speed ratio="1.6"/>',
        '<speed ratio="fast"/>',
        "<speed>",
        '<volume ratio="0.4"/>',
        "<spell>",
        "</spell>",
        "<<h|ə|l",
    ],
)
def test_a_tag_that_is_unknown_or_malformed_is_ignored_and_never_text(source: str) -> None:
    elements = [*parse_tags(f"one {source} two")]

    assert elements == [Plain("one "), Ignored(source), Plain(" two")]


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "3 > 2",
        "x <= y",
        "I <3 you",
        "<- left",
        "a << b",
        "<user@example.com>",
        "<https://a.b/c>",
        "[1]",
        "[sic]",
    ],
)
def test_ordinary_text_with_brackets_is_not_a_tag(text: str) -> None:
    assert [*parse_tags(text)] == [Plain(text)]


def test_a_tag_that_separates_words_in_html_separates_them_here() -> None:
    assert plain_text([*parse_tags("<p>One.</p><p>Two</p> un<b>like</b>ly")]).split() == [
        "One.",
        "Two",
        "unlikely",
    ]


def test_a_spelling_that_is_never_closed_spells_nothing() -> None:
    elements = [*parse_tags("<spell>" + "word " * 100 + "</spell>")]

    assert not any(isinstance(element, Spelled) for element in elements)
    assert plain_text(elements) == "word " * 100


@given(st.text(alphabet="<>/ab |\"'=[]1s\n", max_size=80))
def test_text_without_known_tags_comes_back_in_order(text: str) -> None:
    elements = [*parse_tags(text)]
    parts = [e.text if isinstance(e, Plain) else e.source for e in elements if isinstance(e, Plain | Ignored)]

    remaining = "".join(text.split())
    for part in parts:
        for piece in part.split():
            assert piece in remaining
            remaining = remaining.split(piece, 1)[1]


@pytest.mark.parametrize("unit", ["<", "<<", "<spell>", "<break ", '<a b="c"', "<!--", "[laughter", "<<a|"])
@pytest.mark.timeout(20)
def test_text_that_looks_like_the_start_of_a_tag_everywhere_is_read_in_time(unit: str) -> None:
    n_elements = sum(1 for _ in parse_tags(unit * (400_000 // len(unit))))

    assert n_elements > 0
