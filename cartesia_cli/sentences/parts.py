"""Long text in parts of one request each."""

import re
from collections.abc import Iterator
from functools import cache

from cartesia_cli.sentences.characters import MAX_UNIT, is_in_character, is_in_number
from cartesia_cli.sentences.punctuation import CLOSERS, PAUSES, STOPS, STRONG_PAUSES
from cartesia_cli.sentences.tags import MAX_TAG, NO_TAG, TAG

MAX_PART = 3000
"""Characters of text that go into one request."""


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
    from cartesia_cli.sentences.ends import sentence_ends  # a text of ordinary length does without it

    start = complete = 0
    for end in sentence_ends(text):
        if end - start > limit:
            if complete > start:
                yield text[start:complete]
                start = complete
            while end - start > limit:
                cut = cut_in_sentence(text, start, start + limit)
                yield text[start:cut]
                start = cut
        complete = end
    if start < len(text):
        yield text[start:]


def cut_in_sentence(text: str, start: int, end: int) -> int:
    """Return the best place in ``start + 1 .. end`` to cut a sentence that goes on behind ``end``."""
    clause = word = after_tag = start
    ceiling = end
    for found in _clause_pattern().finditer(text, start, min(len(text), end + MAX_TAG)):
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
    return word if word > start else cut_in_word(text, start, after_tag, ceiling)


def cut_in_word(text: str, start: int, floor: int, ceiling: int) -> int:
    """Return the last place in ``floor .. ceiling`` between two whole characters, and outside a number."""
    lowest = max(floor, ceiling - MAX_UNIT)
    cut = ceiling
    while cut > lowest and is_in_number(text, cut):
        cut -= 1
    if is_in_number(text, cut):
        cut = ceiling
    while cut > lowest and is_in_character(text, start, cut):
        cut -= 1
    return cut if cut > start and not is_in_character(text, start, cut) else ceiling


@cache
def _clause_pattern() -> re.Pattern[str]:
    """Return what matches on to the next tag, end of a clause or white space that may be broken."""
    closers = rf"[{re.escape(CLOSERS)}]*+"
    return re.compile(
        rf"[^<\[\s{PAUSES}{STOPS}{STRONG_PAUSES}]*+(?:"
        rf"(?P<tag>{TAG})"
        rf"|(?P<clause>[{STRONG_PAUSES}]++{closers}\s*+|[{PAUSES}{STOPS}]++{closers}\s++)"
        r"|(?P<space>[^\S\u00a0\u2007\u202f]++)"
        rf"|(?P<other>{NO_TAG}|[{PAUSES}{STOPS}]++|[\s\S]|\Z))"
    )
