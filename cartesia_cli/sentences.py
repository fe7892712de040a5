"""Cuts text into sentences, and long text into parts of one request each. No I/O.

Every cut keeps all of the text: the pieces, joined, are what was given. Nothing is cut inside a tag of the
API (``<break time="1s"/>``, ``<spell>A.B.</spell>``, ``<<h|ə|l|oʊ>>``, ``[laughter]``) or inside a number.
A stop is judged from the word before it and the first word after it, so the same rules hold for text that
is still arriving, once that word is there. Time is linear in the length of the text, whatever it holds.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from cartesia_cli.errors import UsageError

MAX_PART = 3000
"""Characters of text that go into one request."""

_SILENT_TAG = r"(?<!<)</?[A-Za-z][^<>]{0,300}>|\[laughter\]"
_TAG = rf"<spell>[^<]{{0,900}}</spell>|<<[^<>]{{1,300}}>>|{_SILENT_TAG}"
_NO_TAG = r"(?:<(?=<<))++|(?:\[(?=\[))++"
"""A run of brackets, but for those that may begin a tag."""

_MAX_TAG = 1000
"""Characters, above every bound in ``_TAG``; what would be longer is plain text."""

_STOPS = ".!?…‽"
_STRONG_STOPS = "。！？｡।॥؟\u06d4\u0589።။"
"""End a sentence without white space behind them, and are never part of a number or an abbreviation.

Among them the Arabic (U+06D4) and the Armenian full stop (U+0589).
"""

_PAUSES = ",;:،؛–"
_STRONG_PAUSES = "、，；：—"
_CLOSERS = "\"')]}”’»\u203a」』）】》〉*_"
_OPENERS = "\"'([{“‘„«\u2039¿¡「『（【《〈*_—–-"
_LINE_END = r"(?:\r\n|\n|\r)"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    # Titles, and what explains or compares: a sentence does not end with these.
    "mr mrs ms mx dr prof rev gen col sgt capt lt cmdr maj hon gov sen rep pres supt messrs mt mme mlle sra "
    "srta dra ing sig vs cf viz e.g i.e z.b d.h u.a p.ex bzw vgl sog"
)
_BEFORE_NUMBERS = _words(
    "no nos nr vol vols pp p fig figs eq eqs sec ch art op ed ver ca approx est max min avg tel ext"
)
_MAY_BE_LAST = _words(
    "jr sr st ave blvd rd ft inc ltd co corp bros al dept univ assn assoc govt intl mfg ph.d"
)
_DATES = _words(
    "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun"
)
_GERMAN_MONTHS = _words(
    "Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember"
)
_STARTERS = _words(
    # After an abbreviation that may be last, a capital alone proves nothing ("U.S. Army"); these words do.
    "A After All Also An And Another As At Because Before Both But By Can Did Do Does Each Every For From "
    "Had Has Have He Her Here His How However I If In Is It Its Later Many Maybe Most My Next No Not Now Of "
    "On Once One Or Our Perhaps Please She Should Since So Some Such That The Their Then There These They "
    "This Those Though Thus To Today Two Was We Were What When Where Which While Who Why Will With Would Yes "
    "Yet You Your"
)
_LONGEST_WORD = 24
"""Characters looked at before a stop; no abbreviation is longer."""

_MAX_UNIT = 128
"""Code points; what is longer may be cut, as no reader takes it for one number or one character."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of ``text``, each with the white space behind it; joined they are ``text``.

    Each has a letter or a digit, unless all of the text has none: what stands before the first and
    after the last sentence belongs to it.
    """
    return [text[start:end] for start, end in pairwise([0, *sentence_ends(text)])]


def sentence_ends(text: str) -> Iterator[int]:
    """Yield where each sentence ends, as offsets, ``len(text)`` last; nothing for an empty text."""
    token, letter = _token_pattern(), re.compile(r"[^\W_]")
    end = position = 0
    spoken = False
    for found in token.finditer(text):
        kind = found.lastgroup or "other"
        spoken = spoken or letter.search(text, position, found.start(kind)) is not None
        position = found.end()
        if kind == "tag":
            spoken = spoken or found[kind].startswith(("<<", "<spell>"))
        elif kind != "other" and spoken and _ends_sentence(text, found):
            if end:
                yield end
            end, spoken = position, False
    if end and (spoken or letter.search(text, position)):
        yield end
    if text:
        yield len(text)


def split_parts(text: str, limit: int = MAX_PART) -> Iterator[str]:
    """Yield ``text`` in parts of at most ``limit`` characters; joined they are ``text``.

    A part ends with a sentence. A sentence longer than the limit is cut behind a clause, else between
    words, else between characters as a reader counts them. A part may hold nothing to say, such as a
    long run of dots: see :func:`is_speakable`. Only a tag longer than the limit is ever cut.

    Raises:
        ValueError: ``limit`` is below 1.
    """
    if limit < 1:
        raise ValueError(f"a part has at least one character, not {limit}")
    if len(text) <= limit:
        if text:
            yield text
        return
    start = complete = 0
    for end in sentence_ends(text):
        if end - start > limit:
            if complete > start:
                yield text[start:complete]
                start = complete
            while end - start > limit:
                cut = _cut_in_sentence(text, start, start + limit)
                yield text[start:cut]
                start = cut
        complete = end
    if start < len(text):
        yield text[start:]


def clean_text(text: str) -> tuple[str, int]:
    """Return the text without a byte order mark and control characters, and how many of these it had.

    Tabs and line ends stay, and so do the invisible characters that shape text, such as joiners.

    Raises:
        UsageError: the text was not valid UTF-8 where it came from.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"The text is not UTF-8: character {error.start + 1} cannot be read.",
            hint="Convert it first, for example with: iconv -f ISO-8859-1 -t UTF-8 FILE",
        ) from error
    return re.subn(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", text.removeprefix("\ufeff"))


def is_speakable(text: str) -> bool:
    """Return whether there is something to say: a letter or a digit, of any script, outside a tag.

    Punctuation, symbols ($, +), emoji, ``[laughter]`` and tags alone are nothing to say, as their sound
    is the engine's choice and often silence. What ``<spell>`` and ``<<…>>`` hold is something.
    """
    if "<" not in text and "[" not in text:
        return any(map(str.isalnum, text))
    found = re.finditer(rf"{_SILENT_TAG}|(?P<letter>[^\W_])", text)
    return any(match["letter"] for match in found)


@cache
def _token_pattern() -> re.Pattern[str]:
    """Return what matches on to the next tag or the next place that may end a sentence, white space included.

    It matches everywhere, and its runs are possessive: so no character is tried twice.
    """
    strong = rf"[{_STRONG_STOPS}][{_STRONG_STOPS}{_STOPS}]*+|．(?!\d)"
    closers = rf"[{re.escape(_CLOSERS)}]*+"
    return re.compile(
        rf"[^<\[\n\r\u2029．{_STOPS}{_STRONG_STOPS}]*+(?:"
        rf"(?P<tag>{_TAG})"
        rf"|(?P<stop>[{_STOPS}]++)(?P<closers>{closers})(?P<space>\s*+)"
        rf"|(?:{strong})(?P<strong_closers>{closers})(?P<strong_space>\s*+)"
        rf"|(?P<paragraph>{_LINE_END}[ \t]*+[\r\n\u2029]\s*+|\u2029\s*+)"
        rf"|(?P<line>{_LINE_END}[ \t]*+(?=(?:[-*•]|#{{1,6}}|\d{{1,3}}[.)])[ \t]))"
        rf"|(?P<other>{_NO_TAG}|[\s\S]|\Z))"
    )


@cache
def _clause_pattern() -> re.Pattern[str]:
    """Return what matches on to the next tag, end of a clause or white space that may be broken."""
    closers = rf"[{re.escape(_CLOSERS)}]*+"
    return re.compile(
        rf"[^<\[\s{_PAUSES}{_STOPS}{_STRONG_PAUSES}]*+(?:"
        rf"(?P<tag>{_TAG})"
        rf"|(?P<clause>[{_STRONG_PAUSES}]++{closers}\s*+|[{_PAUSES}{_STOPS}]++{closers}\s++)"
        r"|(?P<space>[^\S\u00a0\u2007\u202f]++)"
        rf"|(?P<other>{_NO_TAG}|[{_PAUSES}{_STOPS}]++|[\s\S]|\Z))"
    )


@cache
def _next_word_pattern() -> re.Pattern[str]:
    """Return what matches from a stop's white space to the end of the next word, its group 1."""
    return re.compile(rf"(?:{_SILENT_TAG}|[\s{re.escape(_OPENERS)}])*+(\w{{0,{_LONGEST_WORD}}})")


def _ends_sentence(text: str, found: re.Match[str]) -> bool:
    """Return whether a sentence ends with this match of ``_token_pattern``."""
    end = found.end()
    if end == len(text) or found.lastgroup in {"paragraph", "line"}:
        return True
    if found.lastgroup == "strong_space":
        # 「はい。」と言った goes on: the quotation is part of the sentence around it.
        return bool(found["strong_space"]) or not (found["strong_closers"] and "ぁ" <= text[end] <= "ゟ")
    stop, space = found["stop"], found["space"]
    if not space and re.compile(_TAG).match(text, end) is None:
        return stop[-1] in "!?" and text[end] >= "\u3040" and text[end].isalpha()
    if max(space.count("\n"), space.count("\r")) > 1 or "\u2029" in space:
        return True
    following = _next_word_pattern().match(text, end)
    word = following[1] if following else ""
    if word[:1].islower():
        return not (found["closers"] or stop.strip("!?‽"))
    return stop != "." or not _is_abbreviation(text, found.start("stop"), word)


def _is_abbreviation(text: str, stop: int, following: str) -> bool:
    """Return whether the full stop at ``stop`` belongs to its word, and ``following`` goes on."""
    before = text[max(0, stop - _LONGEST_WORD) : stop]
    if not before or before[-1].isspace():
        return False
    word = before.split()[-1].lstrip(_OPENERS)
    if word.isdecimal():
        start = stop - len(word)
        line = text[max(0, start - 8) : start].rstrip(" \t")
        is_list_marker = len(word) <= 3 and (not line or line[-1] in "\r\n")
        return is_list_marker or (len(word) <= 2 and following in _GERMAN_MONTHS)
    name = word.lower()
    if name in _NEVER_LAST or (name in _BEFORE_NUMBERS and following[:1].isdigit()):
        return True
    is_initial = len(word) == 1 and word.isalpha() and word != "I"
    has_stops = re.fullmatch(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}", word) is not None
    return (is_initial or has_stops or name in _MAY_BE_LAST or word in _DATES) and following not in _STARTERS


def _cut_in_sentence(text: str, start: int, end: int) -> int:
    """Return the best place in ``start + 1 .. end`` to cut a sentence that goes on behind ``end``."""
    clause = word = after_tag = start
    ceiling = end
    for found in _clause_pattern().finditer(text, start, min(len(text), end + _MAX_TAG)):
        kind = found.lastgroup or "other"
        begin, behind = found.span(kind)
        if begin > end or (begin == end and kind != "space"):
            break
        if kind == "tag" and behind > end:
            ceiling = begin if begin > start else end
            break
        if kind == "tag":
            after_tag = behind
        elif kind == "space" or (kind == "clause" and (behind <= end or text[end].isspace())):
            word = min(behind, end)
            clause = word if kind == "clause" else clause
    if clause - start > (end - start) // 2:
        return clause
    return word if word > start else _cut_in_word(text, start, after_tag, ceiling)


def _cut_in_word(text: str, start: int, floor: int, ceiling: int) -> int:
    """Return the last place in ``floor .. ceiling`` between two whole characters, and outside a number."""
    lowest = max(floor, ceiling - _MAX_UNIT)
    cut = ceiling
    while cut > lowest and _is_in_number(text, cut):
        cut -= 1
    if _is_in_number(text, cut):
        cut = ceiling
    while cut > lowest and _is_in_character(text, start, cut):
        cut -= 1
    return cut if cut > start and not _is_in_character(text, start, cut) else ceiling


def _is_in_number(text: str, cut: int) -> bool:
    return all(character.isdigit() or character in ".,:" for character in text[cut - 1 : cut + 1])


def _is_in_character(text: str, start: int, cut: int) -> bool:
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
        or after in "\u200c\u200d\u0e33\u0eb3"
        or "\u1160" <= after <= "\u11ff"  # vowels and finals of Hangul syllables
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # regions in flags
    )


def _is_regional(character: str) -> bool:
    """Return whether two such characters make a flag."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"
