"""Cuts text that is still arriving where a message may end."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Literal

from cartesia_cli.sentences.abbreviations import is_abbreviation
from cartesia_cli.sentences.characters import NUMBER_SIGNS, is_in_character, is_in_number, is_unspaced
from cartesia_cli.sentences.content import is_speakable
from cartesia_cli.sentences.ends import Search, ends_so_far
from cartesia_cli.sentences.parts import MAX_PART, cut_in_sentence, cut_in_word
from cartesia_cli.sentences.punctuation import CLOSERS, PAUSES, STOPS, STRONG_PAUSES, STRONG_STOPS
from cartesia_cli.sentences.tags import MAX_TAG, open_tag_pattern, tag_pattern

_KEPT = 64
"""Characters before the text held back that are still known, to tell abbreviations."""

_SLICE = MAX_PART - MAX_TAG
"""Characters judged at once where pieces go as they come; with what was held back they fit in one part."""

_FIXED_SPACES = "\u00a0\u2007\u202f"
"""Stand inside numbers and between words that belong together."""

_NEVER_COMBINED = "\n\t\v\f\x85\u2028\u2029"
"""White space after which no mark can belong to it."""


class PieceCutter:
    """Gives a text back in pieces that may be sent, while it is still being written.

    The pieces, joined, are the text. None ends inside a word, a number, a tag of the API or what a reader
    takes for one character, as far as these are of ordinary length.

    Args:
        split: ``none`` gives words as soon as they are whole, ``line`` lines with their line ends and
            ``sentence`` sentences, once the word behind them is there to judge them by. Lines and
            sentences with nothing to say go with their neighbours, and those longer than ``MAX_PART``
            are cut as ``split_parts`` does. A line ends with its line end, whatever tag is open.
    """

    def __init__(self, split: Literal["none", "sentence", "line"] = "none") -> None:
        self._split = split
        self._text = ""
        # Before it is what was sent, after it what is held back.
        self._start = 0
        # Before it nothing has to be looked at again: for a cut, and for a tag that is open.
        self._judged = 0
        self._closed = 0
        # The start of the line being written; between it and `_start` are lines with nothing to say.
        self._line = 0
        self._search = Search()

    def feed(self, text: str) -> list[str]:
        """Return the pieces that are whole now that ``text`` is there too; often none."""
        if self._split == "none":
            slices = (text[i : i + _SLICE] for i in range(0, len(text), _SLICE))
            return [piece for part in slices for piece in self._feed_words(part)]
        self._text += text
        ends = self._line_ends() if self._split == "line" else self._sentence_ends(text)
        pieces = [piece for end in ends for piece in self._take(end)]
        while len(self._text) - self._start > MAX_PART + MAX_TAG:
            end = self._search.end
            if not self._start < end <= self._start + MAX_PART:
                end = cut_in_sentence(self._text, self._start, self._start + MAX_PART)
            pieces += self._take(end)
        self._forget()
        return pieces

    def pause(self) -> str:
        """Return what may be said at a pause in the input, although more may follow; else an empty text.

        That is everything up to the last whole word. One that ends with a stop which cannot be in a
        number is whole; a word, a number or a tag that may go on stays.
        """
        text, start = self._text, self._start
        end = self._open_tag()
        if end == len(text) and not _is_finished(text[max(start, end - _KEPT) :]):
            end = self._last_cut(end, start, self._tags(start, end))
        if not text[start:end].strip():
            return ""
        self._start = self._judged = self._line = end
        self._search = Search(position=end)
        self._forget()
        return text[start:end]

    def finish(self) -> list[str]:
        """Return the rest, at the end of the text; nothing is held back any more."""
        is_cut = self._split == "sentence"
        ends = ends_so_far(self._text, self._search, is_whole=True) if is_cut else iter(())
        pieces = [piece for end in chain(ends, [len(self._text)]) for piece in self._take(end)]
        self._forget()
        return pieces

    @property
    def is_at_end(self) -> bool:
        """Whether all that was given so far ends a line or, as far as can be seen, a sentence."""
        text = self._text[-_KEPT:].rstrip(" \t")
        if not text or self._open_tag() < len(self._text):
            return False
        if text[-1] in "\r\n\u2029":
            return True
        found = _sentence_end_pattern().search(text)
        if found is None or found["stop"] != ".":
            return found is not None
        stop = found.start("stop")
        return not (text[:stop][-1:].isdigit() or is_abbreviation(text, stop, "The"))

    def _feed_words(self, text: str) -> Iterator[str]:
        held = len(self._text) - self._start
        self._text += text
        end_of_word = self._text[-len(text) - 1 :]
        if held and held < MAX_TAG and end_of_word.isascii() and end_of_word.isalnum():
            return  # most of what comes letter by letter
        known = self._closed
        limit = self._open_tag()
        end = self._last_cut(limit, max(self._judged, self._start), self._tags(known, limit))
        self._judged = max(self._judged, limit - 1)
        is_long = len(self._text) - self._start > MAX_TAG
        if is_long and end == self._start:
            end = limit if self._start < limit < len(self._text) else self._cut_in_word()
        elif not is_long and self._text[self._start : end].isspace():
            return
        yield from self._take(end)
        self._forget()

    def _line_ends(self) -> Iterator[int]:
        for found in re.compile(r"\r\n|\n|\r(?=[^\n])").finditer(self._text, self._judged):
            self._judged = end = found.end()
            is_said = is_speakable(self._text[self._line : end])
            self._line = end
            if is_said:
                yield end
        self._judged = max(self._judged, len(self._text) - 1)

    def _sentence_ends(self, new: str) -> Iterator[int]:
        # A sentence has ended when the next one has begun, with a letter, a digit or a tag.
        if _beginning_pattern().search(new):
            yield from ends_so_far(self._text, self._search, is_whole=False)

    def _take(self, end: int) -> Iterator[str]:
        """Yield what is held back before ``end``, in parts of at most ``MAX_PART``."""
        while end - self._start > MAX_PART:
            cut = cut_in_sentence(self._text, self._start, self._start + MAX_PART)
            yield self._text[self._start : cut]
            self._start = cut
        if end > self._start:
            yield self._text[self._start : end]
            self._start = end

    def _forget(self) -> None:
        """Drop what was sent, but for what tells abbreviations, and move all offsets."""
        gone = max(0, self._start - _KEPT)
        self._text = self._text[gone:]
        self._start -= gone
        self._judged = max(self._judged - gone, self._start)
        self._closed = max(self._closed - gone, self._start)
        self._line = max(self._line - gone, self._start)
        search = self._search
        search.position = max(search.position - gone, self._start)
        search.end = search.end - gone if search.end - gone > self._start else 0

    def _open_tag(self) -> int:
        """Return where a tag begins that is not whole yet, else the end of the text."""
        found = open_tag_pattern().search(self._text, self._closed)
        self._closed = found.start() if found else len(self._text)
        return self._closed

    def _last_cut(self, limit: int, lowest: int, tags: list[tuple[int, int]]) -> int:
        """Return the last place in ``lowest + 1 .. limit`` where a piece may end, else ``self._start``."""
        high = limit
        for tag_start, tag_end in [*reversed(tags), (lowest, lowest + 1)]:
            for cut in range(high, max(lowest, tag_end - 1), -1):
                if self._may_cut(cut):
                    return cut
            high = tag_start
        return self._start

    def _may_cut(self, cut: int) -> bool:
        """Return whether a piece may end here, outside a tag: behind a word that is whole."""
        text = self._text
        before = text[cut - 1]
        if cut == len(text):
            return before in _NEVER_COMBINED
        after = text[cut]
        if _is_space(before) or _is_space(after):
            return not is_in_character(text, self._start, cut)
        return (
            (is_unspaced(before) or is_unspaced(after))
            and not is_in_number(text, cut)
            and not is_in_character(text, self._start, cut)
        )

    def _cut_in_word(self) -> int:
        """Return where to end a piece in what is too long for a word."""
        start, end = self._start, len(self._text)
        tag_start, tag_end = [(start, start), *self._tags(start, end)][-1]
        if tag_end == end:
            return tag_start if tag_start > start else end
        return cut_in_word(self._text, start, tag_end, end - 1)

    def _tags(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return where the whole tags between two places begin and end."""
        if self._text.find("<", start, end) < 0 and self._text.find("[", start, end) < 0:
            return []
        return [found.span() for found in tag_pattern().finditer(self._text, start, end)]


def _is_space(character: str) -> bool:
    return character.isspace() and character not in _FIXED_SPACES


def _is_finished(text: str) -> bool:
    """Return whether the last word of a text can be said, although more may follow without white space."""
    if not text:
        return True
    if is_unspaced(text[-1]):
        return not (text[-1].isdigit() or (text[-1] in NUMBER_SIGNS and text[-2:-1].isdigit()))
    found = _finished_word_pattern().search(text)
    return found is not None and not (found["closers"] == "" and _may_be_number(text[: found.end("marks")]))


def _may_be_number(text: str) -> bool:
    """Return whether a text ends with a number and a sign that can be inside one."""
    return text[-1] in NUMBER_SIGNS and text.rstrip(NUMBER_SIGNS)[-1:].isdigit()


@cache
def _beginning_pattern() -> re.Pattern[str]:
    """Return what matches where something that is said can begin, or the end of a tag."""
    return re.compile(r"[^\W_]|>")


@cache
def _finished_word_pattern() -> re.Pattern[str]:
    """Return what matches stops and pauses, and the quotes and brackets behind them, at the end of a text."""
    marks = f"{STOPS}{STRONG_STOPS}{PAUSES}{STRONG_PAUSES}"
    return re.compile(rf"(?P<marks>[{marks}]++)(?P<closers>[{re.escape(CLOSERS)}]*+)\Z")


@cache
def _sentence_end_pattern() -> re.Pattern[str]:
    """Return what matches the end of a sentence at the end of a text, as far as it can be seen."""
    return re.compile(rf"(?P<stop>[{STOPS}{STRONG_STOPS}]++)[{re.escape(CLOSERS)}]*+\Z")
