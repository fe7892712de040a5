"""Man pages: signs of troff are shown as they are, and the plain text is the page."""

from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.commands._manual import as_text
from tools.command_tree import Command, Option, Value
from tools.draw_man import escape, pages

PRINTABLE = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["C", "Z"]), min_size=1
)


def page_of(help_text: str) -> str:
    option = Option(("--odd", "-o"), "FILE", help_text, Value(files=True), repeatable=False)
    return pages(Command((), "Do it.", (), ("cartesia --odd .x",), (option,), (), ()))["cartesia.1"]


@given(PRINTABLE)
def test_any_text_comes_through_as_it_is(text: str) -> None:
    assert text in as_text(page_of(text))


def test_signs_that_troff_knows_are_escaped() -> None:
    assert escape("-o 'x' ~ ^ ` \\") == r"\-o \(aqx\(aq \(ti \(ha \(ga \e"
    assert escape(".hidden") == r"\&.hidden"


def test_the_same_tree_makes_the_same_pages_without_a_date() -> None:
    assert page_of("Help.") == page_of("Help.")
    assert '.TH CARTESIA 1 ""' in page_of("Help.")


def test_plain_text_has_headings_tags_and_examples() -> None:
    text = as_text(page_of("Help."))

    assert "\nOPTIONS\n       -o, --odd FILE\n              Help.\n" in text
    assert "\nEXAMPLES\n       cartesia --odd .x\n" in text
