"""What a viewer sees as characters: grapheme clusters, and scripts that put no space between words."""

import re
from collections.abc import Iterable

_PLAIN = re.compile(
    r"[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf"
    r"\u3000-\u3029\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d]*"
)
"""Text of which each code point is one character; most text is, and needs no grapheme library."""

_IDEOGRAPHIC = "\u2e80-\u2fdf\u3000-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_IDEOGRAPHIC += "\uff01-\uff9f\U00020000-\U0003ffff"

CJK = re.compile(f"[{_IDEOGRAPHIC}]")
"""Han, kana and their punctuation: a line may be cut between any two of these."""

UNSPACED = re.compile(f"[{_IDEOGRAPHIC}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Scripts written without spaces between words: CJK, Thai, Lao, Burmese, Khmer."""

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7a3]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)


def graphemes(text: str) -> list[str]:
    """Return the grapheme clusters of ``text``: an emoji with its modifiers, é in two code points."""
    if _PLAIN.fullmatch(text):
        return list(text)
    import regex

    clusters: list[str] = regex.findall(r"\X", text)
    return clusters


def count_characters(text: str) -> int:
    """Return how many characters a viewer sees; marks of direction and other invisible ones count nothing."""
    if text.isascii() or _PLAIN.fullmatch(text):
        return len(text)
    import unicodedata

    return sum(any(unicodedata.category(char) != "Cf" for char in cluster) for cluster in graphemes(text))


def needs_space(left: str, right: str) -> bool:
    """Whether words that end and begin so are written with a space between them."""
    if not left or not right:
        return False
    if left.isascii() and right.isascii():
        return True
    return not (UNSPACED.match(left[-1]) or UNSPACED.match(right[0]))


def join_text(parts: Iterable[str]) -> str:
    """Return words or lines as running text: ``Good day.``, but 今日は without spaces."""
    joined: list[str] = []
    for part in parts:
        if joined and needs_space(joined[-1], part):
            joined.append(" ")
        joined.append(part)
    return "".join(joined)


def language_of(text: str) -> str | None:
    """Return ``ja``, ``ko``, ``zh`` or ``th`` where most letters are of that script, otherwise None."""
    if text.isascii():
        return None
    letters = sum(map(str.isalnum, text))
    counts = {language: len(pattern.findall(text)) for language, pattern in _SCRIPTS}
    japanese = counts["ja"] + counts["zh"]
    if counts["ja"] * 10 > japanese and japanese * 2 > letters:
        return "ja"
    return next((language for language in ("ko", "zh", "th") if counts[language] * 2 > letters), None)
