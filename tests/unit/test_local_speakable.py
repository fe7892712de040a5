import pytest

from cartesia_cli.local.speakable import spoken_form, survey


@pytest.mark.parametrize(
    "transcript",
    ["", " \n\t", "...", "?!", "— “” —", "🙂", "你好", "\x00", "<break time='1s'/>", "[laughter]", "$"],
)
def test_a_text_without_words_is_known_to_be_one(transcript: str) -> None:
    assert not survey(transcript).has_words


@pytest.mark.parametrize("transcript", ["a", "7", "é", "&", "50%", "a 你好", "<<ə>>", "<spell>x</spell>"])
def test_a_text_with_a_word_is_known_to_be_one(transcript: str) -> None:
    assert survey(transcript).has_words


def test_what_cannot_be_spoken_is_named_once_and_in_order() -> None:
    found = survey("Hi 👩‍👩‍👧 and 你好, Привет 你好 ∑ café naïve Łódź “quote” – € ½ <<h|☃>> don’t")

    assert found.unspeakable == ("👩‍👩‍👧", "你好", "Привет", "∑", "/☃/")


def test_ignored_tags_are_named_once_and_in_order() -> None:
    found = survey('<emotion value="sad"/>One [laughter] two [laughter] <speed ratio="9"/>')

    assert found.ignored == ('<emotion value="sad"/>', "[laughter]", '<speed ratio="9"/>')


def test_the_spoken_form_of_a_word_has_only_what_can_be_read() -> None:
    assert spoken_form("so\u00adft\u200d") == "soft"
    assert spoken_form("e\u0301te\u0301") == "été"
    assert spoken_form("hi🙂") == "hi"
