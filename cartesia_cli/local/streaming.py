"""Reads a text that is still being written: elements as soon as nothing that follows can change them."""

import re
from collections.abc import Callable, Iterable, Iterator

from cartesia_cli.local.lexicon import Lexicon
from cartesia_cli.local.speakable import Survey, nothing_to_say, survey
from cartesia_cli.local.tags import Element, parse_tags, tag_end, without_controls
from cartesia_cli.local.text import MAX_WORD, WordEnd
from cartesia_cli.models import Flush, TextPiece

_MARK = re.compile(r"[<\[]")
_SPACE = re.compile(r"\s*")
_LAST_WORD_END = re.compile(r".*\S(?=\s)", re.DOTALL)
_LONGEST_WAIT = 5 * MAX_WORD
"""Characters without white space, or of white space, after which no more of them are waited for."""


def arriving_elements(
    pieces: Iterable[TextPiece], on_survey: Callable[[Survey], None], lexicon: Lexicon | None = None
) -> Iterator[Element | WordEnd | Flush]:
    """Yield the elements of a text word by word, the same whichever way it is cut into pieces.

    Nothing is taken from ``pieces`` before it is asked for. A ``Flush`` is passed on behind all that came
    before it.

    Args:
        pieces: the text as it comes.
        on_survey: told of each stretch of text what it holds, before its elements are yielded.
        lexicon: what a word may stand for.

    Raises:
        UsageError: the pieces ended, and there was nothing to say.
    """
    rest, has_words = "", False
    unspeakable: dict[str, None] = {}

    def read(text: str) -> Iterator[Element]:
        nonlocal has_words
        found = survey(text, lexicon)
        has_words = has_words or found.has_words
        unspeakable.update(dict.fromkeys(found.unspeakable))
        on_survey(found)
        return parse_tags(text)

    for piece in pieces:
        if isinstance(piece, Flush):
            yield from read(rest)
            rest = ""
            yield piece
            continue
        rest += without_controls(piece)
        if cut := _settled(rest):
            yield from read(rest[:cut])
            rest = rest[cut:]
            if rest[:1].isspace():
                yield WordEnd()
        elif len(rest) > _LONGEST_WAIT and rest.isspace():
            rest = "\n\n"
    yield from read(rest)
    if not has_words:
        raise nothing_to_say(tuple(unspeakable))


def _settled(text: str) -> int:
    """Return how much of ``text`` no further text can change: up to the end of a word.

    White space behind it is not in it: the pause depends on all of it.
    """
    start = position = cut = 0  # what lies between start and position is no tag
    while True:
        mark = _MARK.search(text, position)
        stop = mark.start() if mark else len(text)
        end = tag_end(text, stop) if mark else None
        if mark and end == stop:
            position = stop + 1
            continue
        if start and text[start : start + 1].isspace():
            cut = start
        if found := _LAST_WORD_END.match(text, start, stop):
            cut = found.end()
        if end is None:
            return cut or _settled_word(text, start, stop)
        start = position = end


def _settled_word(text: str, start: int, stop: int) -> int:
    """Return how much there is of whole ``MAX_WORD`` characters, if a word goes on for ever."""
    space = _SPACE.match(text, start, stop)
    begin = space.end() if space else start
    return begin + (stop - begin) // MAX_WORD * MAX_WORD if stop - begin > _LONGEST_WAIT else 0
