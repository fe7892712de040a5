"""What a pronunciation dictionary changes in a sentence: how words are said, not how they are written."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cartesia_cli.local.tags import Element, Plain, Pronounced, Spelled, parse_tags
from cartesia_cli.local.text import Part, Sentence, Word
from cartesia_cli.models import Pronunciation

_UNIT = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One pronunciation, ready to be looked for."""

    pattern: re.Pattern[str]
    text: str
    said: tuple[tuple[Part, ...], ...]
    """The words of the alias."""

    only_first: bool
    """Whether it also matches with a capital letter, but at the start of a sentence alone."""

    def fits(self, found: str, *, is_first: bool) -> bool:
        """Whether what the pattern found is meant."""
        return not self.only_first or is_first or found[0] == self.text[0]


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    said: tuple[tuple[Part, ...], ...]


class Lexicon:
    """The pronunciations of a dictionary. Longer texts win; matched are whole words.

    A text matches in any case. One that is case sensitive matches as it is written; if that is in small
    letters, also with a capital at the start of a sentence.
    """

    def __init__(self, items: Sequence[Pronunciation]) -> None:
        entries: dict[str, list[_Entry]] = defaultdict(list)
        for item in sorted(items, key=lambda item: (-len(item.text), not item.case_sensitive)):
            if unit := _UNIT.search(item.text):
                entries[unit[0].casefold()].append(_entry(item))
        self._entries = dict(entries)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def rewrite(self, elements: Iterable[Element]) -> Iterator[Element]:
        """Yield elements with the aliases in place of what they stand for, to see what can be spoken."""
        for element in elements:
            if not isinstance(element, Plain):
                yield element
                continue
            position = 0
            for match in self._find(element.text):
                yield Plain(element.text[position : match.start])
                for word in match.said:
                    yield from word
                position = match.end
            yield Plain(element.text[position:])

    def apply(self, sentence: Sentence) -> Sentence:
        """Return a sentence whose words are written as before, and said as the dictionary has it."""
        starts, length = [], 0
        for word in sentence.words:
            starts.append(length)
            length += len(word.text) + 1
        matches = [
            match
            for match in self._find(" ".join(word.text for word in sentence.words))
            if all(_is_plain(sentence.words[n]) for n in _touched(match, starts, sentence.words))
        ]
        if not matches:
            return sentence
        words = [
            _said(word, start, matches, starts, sentence.words)
            for word, start in zip(sentence.words, starts, strict=True)
        ]
        return replace(sentence, words=tuple(words))

    def _find(self, text: str) -> Iterator[_Match]:
        """Yield what is in a text, from left to right, none within another."""
        position, is_first = 0, True
        while unit := _UNIT.search(text, position):
            position = unit.end()
            for entry in self._entries.get(unit[0].casefold(), ()):
                found = entry.pattern.match(text, unit.start())
                if found and entry.fits(found[0], is_first=is_first):
                    yield _Match(found.start(), found.end(), entry.said)
                    position = found.end()
                    break
            is_first = is_first and not unit[0][0].isalnum()


def _entry(item: Pronunciation) -> _Entry:
    text = " ".join(item.text.split())
    is_small = item.case_sensitive and text == text.lower() and text[0] != text[0].upper()
    body = r"\s+".join(map(re.escape, text.split()))
    if is_small:
        body = f"[{re.escape(text[0])}{re.escape(text[0].upper())}]{body[len(re.escape(text[0])) :]}"
    before = r"(?<!\w)" if _is_word(text[0]) else ""
    after = r"(?!\w)" if _is_word(text[-1]) else ""
    pattern = re.compile(f"{before}{body}{after}", 0 if item.case_sensitive else re.IGNORECASE)
    return _Entry(pattern, text, _words_of(item.alias), is_small)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _words_of(alias: str) -> tuple[tuple[Part, ...], ...]:
    """Return the words of an alias, each with its parts; white space alone parts them."""
    words: list[list[Part]] = [[]]
    for element in parse_tags(alias):
        match element:
            case Plain(text):
                for n, piece in enumerate(re.split(r"\s+", text)):
                    if n and words[-1]:
                        words.append([])
                    if piece:
                        words[-1].append(Plain(piece))
            case Pronounced() | Spelled():
                words[-1].append(element)
            case _:
                pass
    return tuple(tuple(word) for word in words if word)


def _is_plain(word: Word) -> bool:
    return all(isinstance(part, Plain) for part in word.parts)


def _touched(match: _Match, starts: Sequence[int], words: Sequence[Word]) -> list[int]:
    """Return the indices of the words of which a match has a part."""
    return [
        n
        for n, (start, word) in enumerate(zip(starts, words, strict=True))
        if start < match.end and match.start < start + len(word.text)
    ]


def _said(
    word: Word, start: int, matches: Sequence[_Match], starts: Sequence[int], words: Sequence[Word]
) -> Word:
    """Return a word whose parts are what is said of it."""
    here = [match for match in matches if match.start < start + len(word.text) and start < match.end]
    if not here:
        return word
    parts: list[Part] = []
    position = start
    for match in here:
        _append(parts, Plain(word.text[position - start : max(0, match.start - start)]))
        position = match.end
        touched = _touched(match, starts, words)
        n = touched.index(starts.index(start))
        for m, each in enumerate(_share(match.said, len(touched))[n]):
            if m:
                _append(parts, Plain(" "))
            for part in each:
                _append(parts, part)
    _append(parts, Plain(word.text[position - start :]))
    return replace(word, parts=tuple(parts))


def _share(said: tuple[tuple[Part, ...], ...], n: int) -> list[tuple[tuple[Part, ...], ...]]:
    """Return the words of an alias, shared out in order to ``n`` written ones; the first get more."""
    ends = [-(-len(said) * (k + 1) // n) for k in range(n)]
    return [said[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _append(parts: list[Part], part: Part) -> None:
    match parts, part:
        case _, Plain(""):
            pass
        case [*_, Plain(before)], Plain(text):
            parts[-1] = Plain(before + text)
        case _:
            parts.append(part)
