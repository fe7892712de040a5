"""What a reader takes for one character or one number, and must not be parted."""

import re
from functools import cache

MAX_UNIT = 128
"""Code points; what is longer may be cut, as no reader takes it for one number or one character."""


NUMBER_SIGNS = ".,:．，："
"""Part digits of one number or time."""


def is_in_number(text: str, cut: int) -> bool:
    """Return whether a cut would part a number, or the signs in it."""
    return all(character.isdigit() or character in NUMBER_SIGNS for character in text[cut - 1 : cut + 1])


def is_in_character(text: str, start: int, cut: int) -> bool:
    """Return whether a cut would part what a reader sees as one character; one begins at ``start``.

    A simplification of the extended grapheme clusters of Unicode Standard Annex 29: it never cuts inside
    one of the sequences in use, and at worst keeps two together.
    """
    from unicodedata import category, combining

    before, after = text[cut - 1], text[cut]
    if after.isascii() and before.isascii():
        return before + after == "\r\n"
    if _is_regional(before) and _is_regional(after):
        n_before = 1
        while cut - n_before > start and _is_regional(text[cut - n_before - 1]):
            n_before += 1
        return n_before % 2 == 1
    return (
        category(after) in {"Mn", "Me", "Mc"}
        or before == "\u200d"
        or combining(before) == 9  # a virama joins two consonants
        or after in "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
        or "\u1160" <= after <= "\u11ff"  # vowels and finals of Hangul syllables
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # regions in flags
    )


def _is_regional(character: str) -> bool:
    """Return whether two such characters make a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def is_unspaced(character: str) -> bool:
    """Return whether a character is of a script without white space between words, digits aside.

    These are the scripts of East and South East Asia except Hangul, with their punctuation.
    """
    return character >= "\u0e00" and _unspaced_pattern().match(character) is not None


@cache
def _unspaced_pattern() -> re.Pattern[str]:
    return re.compile(
        "[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u2e80-\u2fff\u3001-\u312f\u3190-\u4dbf\u4e00-\ua4cf"
        "\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff9f"
        "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
    )
