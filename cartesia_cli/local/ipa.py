# ruff: noqa: RUF001 - the letters of the phonetic alphabet look like others
"""The International Phonetic Alphabet and the speech model's own alphabet of single letters."""

import re
from collections.abc import Iterable

PRIMARY, SECONDARY = "ˈ", "ˌ"
_VOWELS = frozenset("AIOWYiuæɑɔəɛɜɪʊʌᵊᵻɐ")
_SYMBOLS = _VOWELS | frozenset("bdfhjklmnpstvwzðŋɡɹʃʒʤʧθT")

_TO_SYMBOLS = dict(
    re.findall(
        r"(\S+)=(\S+)",
        """
        two letters for one   oʊ=O əʊ=O eɪ=A aɪ=I aʊ=W ɔɪ=Y tʃ=ʧ dʒ=ʤ
        as an American says   ɪə=ɪɹ eə=ɛɹ ɛə=ɛɹ ʊə=ʊɹ ɜː=ɜɹ ɝ=ɜɹ ɚ=əɹ ɒ=ɑ
        the same sound        r=ɹ g=ɡ ɫ=l ɾ=T ʔ=t ɨ=ᵻ ʍ=w
        the closest vowel     a=ɑ e=ɛ o=O y=u ø=ɜɹ œ=ɜɹ ɯ=u
        the closest consonant x=k χ=k c=k q=k ç=h ɣ=ɡ β=b ʁ=ɹ ɻ=ɹ ɽ=ɹ ɲ=nj ɬ=l ʎ=lj
        """,
    )
)
_TO_IPA = dict(re.findall(r"(\S)=(\S+)", "A=eɪ I=aɪ O=oʊ W=aʊ Y=ɔɪ ʧ=tʃ ʤ=dʒ T=ɾ ᵊ=ə ᵻ=ɨ"))
_PIECES = re.compile("|".join(sorted(_TO_SYMBOLS, key=len, reverse=True)) + "|.", re.DOTALL)
_TIES = re.compile("[\u0361\u035c\u200d]")
_SYLLABIC = "\u0329"
_SILENT = frozenset("ː:ˑ.ʰʲʷ\u032a\u0303")
"""Length, syllable breaks and marks that change little."""


def is_ipa(phoneme: str) -> bool:
    """Whether the voice can say this phoneme, or one that is close to it."""
    return _convert(phoneme) != ""


def to_symbols(phonemes: Iterable[str]) -> str:
    """Return one word in the model's alphabet; what has no equivalent is left out.

    The model expects a stress mark right before its vowel, where dictionaries put it before
    the syllable. A word without a mark is stressed on its first vowel.
    """
    moved: list[str] = []
    stress = ""
    for symbol in "".join(map(_convert, phonemes)):
        if symbol in {PRIMARY, SECONDARY}:
            stress = symbol
            continue
        if stress and symbol in _VOWELS:
            moved.append(stress)
            stress = ""
        moved.append(symbol)
    word = "".join(moved)
    first_vowel = next((i for i, symbol in enumerate(word) if symbol in _VOWELS), None)
    if first_vowel is None or PRIMARY in word or SECONDARY in word:
        return word
    return word[:first_vowel] + PRIMARY + word[first_vowel:]


def to_ipa(symbol: str) -> str:
    """Return the IPA of one symbol of the model; empty for stress, spaces and punctuation."""
    return _TO_IPA.get(symbol, symbol) if symbol in _SYMBOLS else ""


def _convert(phoneme: str) -> str:
    """Return a phoneme's symbols, stress marks included; empty if the voice has nothing like it."""
    converted = ""
    for piece in _PIECES.findall(_TIES.sub("", phoneme)):
        if piece in _TO_SYMBOLS:
            converted += _TO_SYMBOLS[piece]
        elif piece in _SYMBOLS or piece in {PRIMARY, SECONDARY}:
            converted += piece
        elif piece == _SYLLABIC:
            converted = converted[:-1] + "ᵊ" + converted[-1:]
        elif piece not in _SILENT:
            return ""
    return converted
