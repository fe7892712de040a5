"""Cuts a transcript into words and sentences."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from cartesia_cli.local.tags import (
    Break,
    Element,
    Ignored,
    Loudness,
    Pace,
    Plain,
    Pronounced,
    Spelled,
    parse_tags,
)
from cartesia_cli.models import Flush

Part = Plain | Spelled | Pronounced
"""What a word is made of: ``(<spell>AB</spell>)`` is three parts."""

SENTENCE_PAUSE = 0.35
PARAGRAPH_PAUSE = 0.7
CLAUSE_PAUSE = 0.12
"""Seconds of silence after a sentence, after a paragraph, and where a sentence had to be cut."""

_MAX_WORDS, _MAX_CHARS = 60, 600
"""A sentence beyond either is cut, so that text without an end needs neither memory nor patience."""

MAX_WORD = 200
"""Characters; a longer word is cut."""

_PIECE = re.compile(rf"\s+|\S{{1,{MAX_WORD}}}")
_LINE_END = re.compile(r"\r\n?|[\n\x0b\x0c\x85\u2028\u2029]")
_OPENING, _CLOSING = "\"'“‘(«[", "\"'”’)»]"
_LIST_ITEM = re.compile(r"[-*•–]$|\(?\d{1,3}[.)]$")
_SHORT_LINE = 45
"""Characters; a shorter line ends by intention, a longer one because the page was full."""

_ABBREVIATION = re.compile(
    r"Mrs?|Ms|Dr|Prof|St|Mt|Ft|Gen|Gov|Sen|Rep|Capt|Lt|Col|Sgt|Cmdr|Rev|Hon|Pres|Supt|Cpl|Maj|Adm|Fr|Msgr"
    r"|vs|e\.g|i\.e|cf|al|approx|[A-HJ-Z]"
)
"""A full stop after these, or an initial, ends no sentence; "I" is more often a word."""

_NUMBER_MARK = re.compile(
    r"Nos?|nos?|[Ff]ig|[Vv]ol|[Cc]h|pp?|Art|Sec|Eq|ca|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
"""A full stop between these and a digit ends no sentence."""


class Gap(IntEnum):
    """What stands between two words, in order of strength."""

    NONE = 0
    SPACE = 1
    LINE = 2
    PARAGRAPH = 3


@dataclass(frozen=True, slots=True)
class Word:
    """One word as the caller wrote it, without tags."""

    text: str
    parts: tuple[Part, ...]
    speed: float | None = None
    """As a tag set it; None is that of the request."""

    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that the voice speaks in one breath, at one speed."""

    words: tuple[Word, ...]
    pause: float
    """Seconds of silence before what follows."""

    @property
    def speed(self) -> float | None:
        """As a tag set it; None is that of the request."""
        return self.words[0].speed


@dataclass(frozen=True, slots=True)
class WordEnd:
    """Among elements: the word so far is over; white space follows that may not have come as a whole."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The pause after a sentence that a ``Flush`` ended, known once the next word is."""

    seconds: float


def sentences(transcript: str) -> Iterator[Sentence | Break]:
    """Yield sentences and breaks in order, reading the transcript only as far as needed."""
    for item in sentences_of(parse_tags(transcript)):
        if isinstance(item, Sentence | Break):
            yield item


def sentences_of(elements: Iterable[Element | WordEnd | Flush]) -> Iterator[Sentence | Break | Rest | Flush]:
    """Yield sentences and breaks in order, each as soon as it is known to be over.

    A ``Flush`` ends the sentence, and the word, before it; it is passed on behind them.
    """
    words: list[Word] = []
    flushed: list[Word] = []  # the sentence that a flush ended, until the next word tells the pause
    line = 0  # characters of the line so far
    for gap, item in _Words().read(elements):
        if not isinstance(item, Word):
            if words:
                yield Sentence(tuple(words), 0.0)
            flushed = words or flushed if isinstance(item, Flush) else []
            words = []
            yield item
            continue
        if flushed and (pause := _pause_between(flushed, gap, item, line)) is not None:
            yield Rest(pause)
        flushed = []
        if words and (pause := _pause_between(words, gap, item, line)) is not None:
            yield Sentence(tuple(words), pause)
            words = []
        line = len(item.text) + (0 if gap in {Gap.LINE, Gap.PARAGRAPH} else line + 1)
        words.append(item)
    if words:
        yield Sentence(tuple(words), 0.0)


def _pause_between(words: list[Word], gap: Gap, after: Word, line: int) -> float | None:
    """Return the seconds of silence if a sentence ends between ``words`` and ``after``."""
    before = words[-1]
    if gap is Gap.PARAGRAPH:
        return PARAGRAPH_PAUSE
    if gap is Gap.LINE and _line_ends_sentence(before.text, after.text, line):
        return SENTENCE_PAUSE
    if gap is not Gap.NONE and ends_sentence(before.text, after.text):
        return SENTENCE_PAUSE
    if after.speed != before.speed:
        return CLAUSE_PAUSE
    if len(words) >= _MAX_WORDS or sum(len(word.text) for word in words) >= _MAX_CHARS:
        return CLAUSE_PAUSE
    return None


def ends_sentence(before: str, after: str) -> bool:
    """Whether a sentence ends between two words."""
    bare = before.rstrip(_CLOSING)
    if not bare or bare[-1] not in ".!?…" or after.lstrip(_OPENING)[:1].islower():
        return False
    stem = bare[:-1].lstrip(_OPENING)
    if bare[-1] != ".":
        return True
    is_number_mark = _NUMBER_MARK.fullmatch(stem) and after[:1].isdigit()
    return not (is_number_mark or _ABBREVIATION.fullmatch(stem))


def _line_ends_sentence(before: str, after: str, line: int) -> bool:
    """Whether a line break is meant, as in a heading, a list or a poem."""
    if _LIST_ITEM.match(after):
        return True
    return line < _SHORT_LINE and before[-1:] not in ",;" and not after[:1].islower()


class _Words:
    """Puts words together out of elements, each with what stands before it."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._speed: float | None = None
        self._volume: float | None = None
        self._word_speed: float | None = None
        self._word_volume: float | None = None
        self._gap = Gap.NONE

    def read(
        self, elements: Iterable[Element | WordEnd | Flush]
    ) -> Iterator[tuple[Gap, Word | Break | Flush]]:
        """Yield words, breaks and flushes, each with what stands before it."""
        for element in elements:
            match element:
                case Plain(text):
                    for piece in _PIECE.finditer(text):
                        if piece[0].isspace():
                            yield from self._finish(_gap(piece[0]))
                        else:
                            yield from self._add(Plain(piece[0]))
                case Spelled() | Pronounced():
                    yield from self._add(element)
                case Break() | Flush():
                    yield from self._finish(Gap.NONE)
                    yield self._gap, element
                    # White space before a flush still tells the pause after it.
                    self._gap = self._gap if isinstance(element, Flush) else Gap.NONE
                case WordEnd():
                    yield from self._finish(Gap.NONE)
                case Pace() | Loudness() | Ignored():
                    self._obey(element)
        yield from self._finish(Gap.NONE)

    def _obey(self, tag: Pace | Loudness | Ignored) -> None:
        match tag:
            case Pace(ratio):
                self._speed = ratio
            case Loudness(ratio):
                self._volume = ratio
            case Ignored():
                pass

    def _read_plain(self, text: str) -> Iterator[tuple[Gap, Word]]:
        for piece in _PIECE.finditer(text):
            if piece[0].isspace():
                yield from self._finish(_gap(piece[0]))
            else:
                yield from self._add(Plain(piece[0]))

    def _add(self, part: Part) -> Iterator[tuple[Gap, Word]]:
        if sum(len(_written(known)) for known in self._parts) + len(_written(part)) > MAX_WORD:
            yield from self._finish(Gap.NONE)
        if not self._parts:
            self._word_speed, self._word_volume = self._speed, self._volume
        match self._parts, part:
            case [*_, Plain(before)], Plain(text):
                self._parts[-1] = Plain(before + text)
            case _:
                self._parts.append(part)

    def _finish(self, gap: Gap) -> Iterator[tuple[Gap, Word]]:
        """Yield the word so far; ``gap`` is what follows it."""
        if not self._parts:
            self._gap = max(self._gap, gap)
            return
        written = "".join(map(_written, self._parts))
        yield self._gap, Word(written, tuple(self._parts), self._word_speed, self._word_volume)
        self._parts = []
        self._gap = gap


def _written(part: Part) -> str:
    """Return how the caller wrote this part, without its tag."""
    match part:
        case Plain(text):
            return text
        case Spelled(text):
            return " ".join(text.split())
        case Pronounced(phonemes):
            return "".join(phonemes)


def _gap(whitespace: str) -> Gap:
    match len(_LINE_END.findall(whitespace)):
        case 0:
            return Gap.SPACE
        case 1:
            return Gap.LINE
        case _:
            return Gap.PARAGRAPH
