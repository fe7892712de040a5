"""Where sentences end, in a text that is there or one that is still arriving."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from cartesia_cli.sentences.abbreviations import LONGEST_WORD, depends_on_word, is_abbreviation
from cartesia_cli.sentences.punctuation import CLOSERS, LINE_END, OPENERS, STOPS, STRONG_STOPS
from cartesia_cli.sentences.tags import NO_TAG, SILENT_TAG, TAG, open_tag_pattern, tag_pattern


class Search:
    """How far the ends of sentences were looked for in a text; its offsets are those of the text."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        """Before it everything is judged."""

        self.end = 0
        """A sentence ended here, but nothing that can be said came after it; 0 if there is no such place."""

        self.spoken = False
        """Whether there is something to say since the last end."""


def split_sentences(text: str) -> list[str]:
    """Return the sentences of ``text``, each with the white space behind it; joined they are ``text``.

    Each has a letter or a digit, unless all of the text has none: what stands before the first and
    after the last sentence belongs to it.
    """
    return [text[start:end] for start, end in pairwise([0, *sentence_ends(text)])]


def sentence_ends(text: str) -> Iterator[int]:
    """Yield where each sentence ends, as offsets, ``len(text)`` last; nothing for an empty text."""
    yield from ends_so_far(text, Search(), is_whole=True)
    if text:
        yield len(text)


def ends_so_far(text: str, search: Search, *, is_whole: bool) -> Iterator[int]:
    """Yield where sentences end before the last one, going on where ``search`` stopped.

    Args:
        text: what there is of it; what was judged before may be cut off, but for some words.
        search: moved on; its offsets are those of ``text``.
        is_whole: nothing follows. Otherwise nothing is judged that could still change.
    """
    letter = re.compile(r"[^\W_]")
    unfinished = None if is_whole else open_tag_pattern().search(text, search.position)
    open_tag = unfinished.start() if unfinished else len(text)
    for found in _token_pattern().finditer(text, search.position):
        kind = found.lastgroup or "other"
        search.spoken = search.spoken or letter.search(text, search.position, found.start(kind)) is not None
        if search.end and search.spoken:
            yield search.end
            search.end = 0
        if not is_whole and _may_change(text, found, open_tag):
            search.position = found.end("run")
            return
        search.position = found.end()
        if kind == "tag":
            search.spoken = search.spoken or found[kind].startswith(("<<", "<spell>"))
        elif kind != "other" and search.spoken and _ends_sentence(text, found):
            search.end, search.spoken = search.position, False
    if search.end and search.spoken:
        yield search.end


@cache
def _token_pattern() -> re.Pattern[str]:
    """Return what matches on to the next tag or the next place that may end a sentence, white space included.

    It matches everywhere, and its runs are possessive: so no character is tried twice.
    """
    strong = rf"[{STRONG_STOPS}][{STRONG_STOPS}{STOPS}]*+|．(?!\d)"
    closers = rf"[{re.escape(CLOSERS)}]*+"
    return re.compile(
        rf"(?P<run>[^<\[\n\r\u2029．{STOPS}{STRONG_STOPS}]*+)(?:"
        rf"(?P<tag>{TAG})"
        rf"|(?P<stop>[{STOPS}]++)(?P<closers>{closers})(?P<space>\s*+)"
        rf"|(?:{strong})(?P<strong_closers>{closers})(?P<strong_space>\s*+)"
        rf"|(?P<paragraph>{LINE_END}[ \t]*+[\r\n\u2029]\s*+|\u2029\s*+)"
        rf"|(?P<line>{LINE_END}[ \t]*+(?=(?:[-*•]|#{{1,6}}|\d{{1,3}}[.)])[ \t]))"
        rf"|(?P<other>{NO_TAG}|[\s\S]|\Z))"
    )


@cache
def _next_word_pattern() -> re.Pattern[str]:
    """Return what matches from a stop's white space to the end of the next word, its group 1."""
    return re.compile(rf"(?:{SILENT_TAG}|[\s{re.escape(OPENERS)}])*+(\w{{0,{LONGEST_WORD}}})")


def _ends_sentence(text: str, found: re.Match[str]) -> bool:
    """Return whether a sentence ends with this match of ``_token_pattern``."""
    end = found.end()
    if end == len(text) or found.lastgroup in {"paragraph", "line"}:
        return True
    if found.lastgroup == "strong_space":
        # 「はい。」と言った goes on: the quotation is part of the sentence around it.
        return bool(found["strong_space"]) or not (found["strong_closers"] and "ぁ" <= text[end] <= "ゟ")
    stop, space = found["stop"], found["space"]
    if not space and tag_pattern().match(text, end) is None:
        return stop[-1] in "!?" and text[end] >= "\u3040" and text[end].isalpha()
    if max(space.count("\n"), space.count("\r")) > 1 or "\u2029" in space:
        return True
    following = _next_word_pattern().match(text, end)
    word = following[1] if following else ""
    if word[:1].islower():
        return not (found["closers"] or stop.strip("!?‽"))
    return stop != "." or not is_abbreviation(text, found.start("stop"), word)


def _may_change(text: str, found: re.Match[str], open_tag: int) -> bool:
    """Return whether a match of ``_token_pattern`` may be, or mean, another thing in a longer text."""
    end = found.end()
    if end == len(text) or end > open_tag:
        return True
    match found.lastgroup:
        case "other":
            is_line = text[end - 1] in "\r\n"
            return is_line and _begun_line_pattern().match(text, end) is not None
        case "space":
            following = _next_word_pattern().match(text, end)
            behind, word = (following.end(), following[1]) if following else (end, "")
            if behind < len(text) or behind > open_tag:
                return behind > open_tag or (behind == open_tag and not word)
            return not word or (found["stop"] == "." and depends_on_word(text, found.start("stop"), word))
        case _:
            return False


@cache
def _begun_line_pattern() -> re.Pattern[str]:
    """Return what matches the rest of a text, behind a line end, that may become the marker of a list."""
    return re.compile(r"[ \t]*+(?:[-*•]|#{1,6}|\d{1,3}[.)]?)?\Z")
