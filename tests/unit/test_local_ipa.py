# ruff: noqa: RUF001 - the letters of the phonetic alphabet look like others
import pytest

from cartesia_cli.local.ipa import is_ipa, to_ipa, to_symbols


@pytest.mark.parametrize(
    ("phonemes", "symbols"),
    [
        (("h", "ə", "ˈl", "oʊ"), "həlˈO"),
        (("h", "ə", "l", "ˈoʊ"), "həlˈO"),
        (("k", "æ", "t"), "kˈæt"),
        (("ˈtʃ", "ɪ", "p"), "ʧˈɪp"),
        (("d͡ʒ", "ɔɪ"), "ʤˈY"),
        (("b", "ɜː", "r", "d"), "bˈɜɹɹd"),
        (("b", "ʌ", "t", "n̩"), "bˈʌtᵊn"),
        (("f", "iː"), "fˈi"),
        (("s", "t"), "st"),
        (("a", "☃"), "ˈɑ"),
    ],
)
def test_ipa_becomes_the_models_letters_with_stress_before_the_vowel(
    phonemes: tuple[str, ...], symbols: str
) -> None:
    assert to_symbols(phonemes) == symbols


def test_what_is_not_ipa_is_known() -> None:
    assert is_ipa("oʊ")
    assert not is_ipa("☃")
    assert not is_ipa("@")


@pytest.mark.parametrize(
    ("symbol", "ipa"), [("O", "oʊ"), ("ʧ", "tʃ"), ("æ", "æ"), ("ˈ", ""), (" ", ""), (",", "")]
)
def test_a_symbol_is_reported_in_ipa_and_a_mark_as_nothing(symbol: str, ipa: str) -> None:
    assert to_ipa(symbol) == ipa
