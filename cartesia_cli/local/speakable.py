"""What of a text the built-in voice can speak."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cartesia_cli.errors import UsageError
from cartesia_cli.local.ipa import is_ipa
from cartesia_cli.local.tags import Break, Ignored, Loudness, Pace, Plain, Pronounced, Spelled, parse_tags

if TYPE_CHECKING:
    from cartesia_cli.local.lexicon import Lexicon

_READABLE = frozenset("$£€¥₹₩°¢§¶±×÷©½¼¾²³µ=<>~+|^`™®•→←")
"""Symbols that the engine reads, or that are rightly passed over."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a transcript holds, known before any of it is spoken."""

    has_words: bool
    ignored: tuple[str, ...]
    """Tags that do nothing here, each once, in order."""

    unspeakable: tuple[str, ...]
    """Runs of characters that this voice cannot say, each once, in order."""


def nothing_to_say(unspeakable: Sequence[str] = ()) -> UsageError:
    """Return the error for a text of which nothing can be spoken."""
    if unspeakable:
        return UsageError(
            "There is nothing to say that the built-in voice can: it reads English.",
            hint="Use --engine cloud for other languages.",
        )
    return UsageError("There is nothing to say: the text holds no words.")


def survey(transcript: str, lexicon: "Lexicon | None" = None) -> Survey:
    """Return what of a transcript can be spoken, with a dictionary or without."""
    ignored: dict[str, None] = {}
    unspeakable: dict[str, None] = {}
    has_words = False
    elements = parse_tags(transcript)
    for element in lexicon.rewrite(elements) if lexicon else elements:
        match element:
            case Plain(text) | Spelled(text):
                characters = set(text)
                has_words = has_words or any(map(is_spoken, characters))
                bad = {c for c in characters if not is_speakable(c)}
                if bad:
                    runs = re.finditer(f"[{re.escape(''.join(bad))}\ufe0f\u200d]+", text)
                    unspeakable |= dict.fromkeys(run[0] for run in runs)
            case Pronounced(phonemes):
                known = [phoneme for phoneme in phonemes if is_ipa(phoneme)]
                has_words = has_words or bool(known)
                unspeakable |= dict.fromkeys(f"/{p}/" for p in phonemes if p not in known)
            case Ignored(source):
                ignored[source] = None
            case Break() | Pace() | Loudness():
                pass
    return Survey(has_words, tuple(ignored), tuple(unspeakable))


@lru_cache(maxsize=4096)
def is_speakable(character: str) -> bool:
    """Whether the voice can read this character, or may pass over it in silence."""
    if character.isascii() or character in _READABLE:
        return True
    category = unicodedata.category(character)
    if category[0] == "L":
        return unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN", "MODIFIER LETTER"))
    # Numbers, punctuation, spaces, accents and invisible marks; emoji modifiers are symbols (Sk).
    return category[0] in "NPZ" or category in {"Mn", "Cc", "Cf", "Cs"}


def is_spoken(character: str) -> bool:
    """Whether this character alone gives a sound."""
    return is_speakable(character) and (character.isalnum() or character in "&@%#°¢§¶±×÷©=<>+~")


def spoken_form(text: str) -> str:
    """Return the part of a word that the voice can read."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        " " if not is_speakable(c) else "" if unicodedata.category(c) in {"Cf", "Mn"} else c for c in composed
    ).strip()
