"""What it costs to break text before each piece: nothing after a sentence, much between article and noun."""

from collections.abc import Sequence

from cartesia_cli.captions.characters import CJK
from cartesia_cli.captions.pieces import Piece
from cartesia_cli.captions.small_words import ABBREVIATIONS, UNITS, SmallWords, small_words

SENTENCE = 0.0
CLAUSE = 1.0
COMMA = 2.0
BEFORE_FUNCTION = 4.0
ELSEWHERE = 7.0
INSIDE_CJK = 10.0
AFTER_FUNCTION = 14.0
INSIDE_NAME = 24.0
INSIDE_WORD = 28.0
NEVER = 36.0
KINSOKU = 50.0

_CLOSING = "\"'”’»)]}›」』）】》〉\u3015*_"
_OPENING = "\"'“‘«([{‹¿¡„\u201a"
_SENTENCE_END = tuple(".!?…。！？｡؟۔।")
_CLAUSE_END = tuple(";:；：—–؛")
_COMMA_END = tuple(",，、､،")

_NOT_AT_START = frozenset(
    "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）\u3015\uff3d\uff5d〉》」』】°\u2032″℃\uff05"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;?!)]}»›…‥"
)
"""Kinsoku: what may not begin a line (JIS X 4051), and the closing marks of other scripts."""

_NOT_AT_END = frozenset("‘“（\u3014\uff3b\uff5b〈《「『【([{«‹¿¡$£€¥#@")
"""Kinsoku: what may not end a line."""


def break_costs(pieces: Sequence[Piece], language: str | None = None) -> list[float]:
    """Return, for each piece, what a line or cue break before it costs by the text alone; the first is 0."""
    small = small_words(language)
    known: dict[tuple[str, str, bool], float] = {}
    costs = [0.0] * len(pieces)
    begins = True
    for index in range(1, len(pieces)):
        before, after = pieces[index - 1], pieces[index]
        key = (before.text, after.text, begins)
        cost = known.get(key)
        if cost is None:
            cost = known[key] = _cost(before.text, after.text, small, begins=begins)
        if after.inner and not after.spaced:
            cost = max(
                cost, INSIDE_CJK if CJK.match(after.text) or CJK.match(before.text[-1]) else INSIDE_WORD
            )
        costs[index] = cost
        begins = cost == SENTENCE
    return costs


def _cost(before: str, after: str, small: SmallWords, *, begins: bool) -> float:
    """Return the cost between two texts; ``begins``: the first of them begins a sentence."""
    if after[0] in _NOT_AT_START or before[-1] in _NOT_AT_END:
        return KINSOKU
    stripped = before.rstrip(_CLOSING) or before
    if stripped.endswith(_SENTENCE_END):
        return _after_stop(stripped, after.lstrip(_OPENING) or after)
    if stripped.endswith(_CLAUSE_END) or before in {"-", "--"}:
        return CLAUSE
    if stripped.endswith(_COMMA_END):
        return COMMA
    return _between(
        before.strip(_CLOSING + _OPENING) or before,
        after.strip(_CLOSING + _OPENING) or after,
        small,
        begins=begins,
    )


def _after_stop(before: str, after: str) -> float:
    """Return the cost after a full stop, which may only be that of an abbreviation or an initial."""
    bare = before.rstrip(".").lstrip(_OPENING)
    if before.endswith(".") and not before.endswith(".."):
        if bare.lower() in ABBREVIATIONS or (len(bare) == 1 and bare.isupper() and bare != "I"):
            return INSIDE_NAME
        if after[0].islower():
            return ELSEWHERE
    elif after[0].islower():  # "Stop!" he said
        return COMMA
    return SENTENCE


def _between(before: str, after: str, small: SmallWords, *, begins: bool) -> float:
    """Return the cost between two words without punctuation between them: the worst that is true of them."""
    left = before.lower().replace("’", "'")
    right = after.lower().replace("’", "'").rstrip(".,;:!?…")
    number = before[-1].isdigit()
    if left in small.determiners or (number and right in UNITS):
        return NEVER
    capitals = before[0].isupper() and after[0].isupper()
    if left in small.auxiliaries or (small.names and not begins and capitals):
        return INSIDE_NAME
    if left in small.links or left in small.pronouns:
        return AFTER_FUNCTION
    if right in small.links:
        return BEFORE_FUNCTION
    return AFTER_FUNCTION if number and after[0].islower() else ELSEWHERE
