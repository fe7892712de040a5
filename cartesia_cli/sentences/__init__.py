"""Cuts text into sentences, and long text into parts of one request each, also while it arrives. No I/O.

Every cut keeps all of the text: the pieces, joined, are what was given. Nothing is cut inside a tag of the
API (``<break time="1s"/>``, ``<spell>A.B.</spell>``, ``<<h|ə|l|oʊ>>``, ``[laughter]``) or inside a number.
A stop is judged from the word before it and the first word after it, so the same rules hold for text that
is still arriving, once that word is there. Time is linear in the length of the text, whatever it holds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cartesia_cli.sentences.content import clean_text, is_speakable
from cartesia_cli.sentences.parts import MAX_PART, split_parts

if TYPE_CHECKING:
    from cartesia_cli.sentences.arriving import PieceCutter
    from cartesia_cli.sentences.ends import sentence_ends, split_sentences
    from cartesia_cli.sentences.markdown import MarkdownStripper

__all__ = [
    "MAX_PART",
    "MarkdownStripper",
    "PieceCutter",
    "clean_text",
    "is_speakable",
    "sentence_ends",
    "split_parts",
    "split_sentences",
]

_LATER = {
    "MarkdownStripper": "markdown",
    "PieceCutter": "arriving",
    "sentence_ends": "ends",
    "split_sentences": "ends",
}
"""What most commands need not load, and where it is."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
