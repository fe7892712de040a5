"""How far what was heard is from what was to be said, whatever the spelling of either."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Final

from cartesia_cli.local.tags import Plain, Pronounced, Spelled, parse_tags

_DIGIT_WEIGHT = 3
"""Letters that a digit counts for; about as many as it has when it is spoken."""

_LONGEST_DIGIT = 8
"""Letters that a digit may have in a language whose numbers are not known here."""

_LARGEST_TABLE = 250_000
"""Letters times letters that are compared one by one; what differs more differs as a whole."""

_MOST_SHOWN = 8
_LONGEST_ADDRESS = 200

_NUMBERS: Final = {
    "1": "one won first january",
    "2": "two to too second half twenty twentieth february",
    "3": "three third thirty thirtieth march",
    "4": "four for fourth forty fortieth quarter quarters april",
    "5": "five fifth fifty fiftieth may",
    "6": "six sixth sixty sixtieth june",
    "7": "seven seventh seventy seventieth july",
    "8": "eight ate eighth eighty eightieth august",
    "9": "nine ninth ninety ninetieth september",
    "10": "ten tenth october",
    "11": "eleven eleventh november",
    "12": "twelve twelfth december",
    "13": "thirteen thirteenth",
    "14": "fourteen fourteenth",
    "15": "fifteen fifteenth",
    "16": "sixteen sixteenth",
    "17": "seventeen seventeenth",
    "18": "eighteen eighteenth",
    "19": "nineteen nineteenth",
}
"""A number is the row of its digits without zeros: so 1999, 1,999 and "nineteen ninety-nine" are the same."""

_SILENT: Final = (
    "and zero oh hundred hundreds thousand thousands million billion point dot comma minus plus dash slash "
    "at dollar dollars cent cents pound pounds pence euro euros percent per degree degrees celsius oclock "
    "hash equals"
)
"""Words that stand for a sign, a zero or a point, and may be written as that."""

_SAME: Final = {
    "dr": "doctor drive",
    "mr": "mister",
    "mrs": "missus misses",
    "st": "street saint",
    "ave": "avenue",
    "prof": "professor",
    "vs": "versus",
    "univ": "university",
    "approx": "approximately",
    "etc": "etcetera",
    "min": "minute minutes mins",
    "km": "kilometer kilometers kilometre kilometres",
    "kg": "kilogram kilograms kilo kilos",
    "g": "gram grams",
    "m": "meter meters metre metres",
    "kb": "kilobyte kilobytes",
    "tsp": "teaspoon teaspoons",
    "ok": "okay",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets two texts apart, after both were brought to one spelling."""

    n_words: int
    """Of the longer one."""

    n_different: int
    n_letters: int
    """Of the text that was to be said."""

    letters: int
    """How many letters must be changed, put in or taken out."""

    longest_gap: int
    """Letters that one side has more than the other, in one place."""

    is_unspaced: bool
    """Whether it is in a script without spaces, where much that sounds alike is written in other ways."""

    first: str
    """The first difference, as a clause; empty if there is none."""


@dataclass(frozen=True, slots=True)
class _Token:
    key: str
    """What is compared; empty for what nobody knows how to say, such as an address."""

    written: str
    slack: int = 0
    """Letters that may be heard in its place, beyond its own."""


def compare(text: str, heard: str, language: str | None = None) -> Difference:
    """Return what sets apart a text that was to be said, tags and all, and what was heard.

    Args:
        text: what was to be said.
        heard: what a recogniser wrote.
        language: its code; None is English.
    """
    # Its module loads numpy; for most files of a batch nothing is compared.
    from cartesia_cli.local.scripts import match_words

    is_english = (language or "en").replace("_", "-").partition("-")[0].lower() == "en"
    ours = list(_tokens_of(text, is_english))
    theirs = [token for word in heard.split() for token in _tokens(word, is_english)]
    n_different = letters = longest_gap = 0
    first = ""
    i = j = 0
    pairs = match_words([token.key for token in ours], [token.key for token in theirs])
    for i_next, j_next in [*pairs, (len(ours), len(theirs))]:
        left, right = ours[i:i_next], theirs[j:j_next]
        changed, gap = _change(left, right)
        if changed:
            n_different += max(len(left), len(right))
            letters += changed
            longest_gap = max(longest_gap, gap)
            first = first or _told(left, right, ours[i - 1 : i] if i else [], theirs[j - 1 : j] if j else [])
        i, j = i_next + 1, j_next + 1
    return Difference(
        n_words=max(len(ours), len(theirs)),
        n_different=n_different,
        n_letters=len(_joined(ours)),
        letters=letters,
        longest_gap=longest_gap,
        is_unspaced=_unspaced().search(text) is not None,
        first=first,
    )


def _change(left: Sequence[_Token], right: Sequence[_Token]) -> tuple[int, int]:
    """Return how many letters differ between two stretches, and how many one has more than the other."""
    a, b = _joined(left), _joined(right)
    slack = sum(token.slack for token in left)
    distance = 0 if a == b else _distance(a, b)
    # What may be heard excuses what is too much, never what is missing.
    known = _joined([token for token in left if not token.slack])
    changed = max(min(len(known), distance), distance - slack)
    return changed, max(len(a) - len(b), len(b) - len(a) - slack, 0)


def _tokens_of(text: str, is_english: bool) -> Iterator[_Token]:
    """Yield what counts of a text with tags."""
    for element in parse_tags(text):
        match element:
            case Plain(part):
                for word in part.split():
                    bare = word.strip("\"'()[]<>.,;:!?")
                    if len(bare) <= _LONGEST_ADDRESS and _address().fullmatch(bare):
                        yield _Token("", word, 2 * len(word) + 10)
                    else:
                        yield from _tokens(word, is_english)
            case Spelled(part):
                for character in part:
                    if character.isalnum():
                        yield from _tokens(character, is_english)
                    elif not character.isspace():
                        yield _Token("", character, 10)
            case Pronounced(phonemes):
                yield _Token("", "".join(phonemes), 2 * len(phonemes) + 4)
            case _:
                pass


def _tokens(word: str, is_english: bool) -> Iterator[_Token]:
    """Yield what counts of a word, each with the word."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for piece in _pieces().findall(plain.casefold().replace("'", "").replace("\u2019", "")):
        if not is_english:
            slack = _LONGEST_DIGIT * len(piece) if piece.isdigit() else 0
            yield _Token(unicodedata.normalize("NFC", piece), word, slack)
        elif piece.isdigit():
            yield from (_Token(digit, word) for digit in piece if digit != "0")
        else:
            known = _known().get(piece, piece)
            yield from (_Token(key, word) for key in (known if known.isdigit() else [known]) if key)


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(t.key * _DIGIT_WEIGHT if t.key.isdigit() else t.key for t in tokens)


def _told(
    left: Sequence[_Token], right: Sequence[_Token], before: Sequence[_Token], heard_before: Sequence[_Token]
) -> str:
    """Return a difference as a clause, with the word before it, if that is the same, in sight."""
    if not left:
        return f"heard {_quoted(right)}, which is not in the text"
    if not right:
        return f"{_quoted(left)} is not heard"
    return f"heard {_quoted([*heard_before, *right])} for {_quoted([*before, *left])}"


def _quoted(tokens: Sequence[_Token]) -> str:
    words = [word for word, _ in groupby(token.written for token in tokens)]
    bare = " ".join(words[:_MOST_SHOWN]).strip(".,;:!?\"'")
    return f"'{bare}{' …' if len(words) > _MOST_SHOWN else ''}'"


def _distance(a: str, b: str) -> int:
    """Return how many letters must be changed, put in or taken out (Levenshtein)."""
    if len(a) * len(b) > _LARGEST_TABLE or not a or not b:
        return max(len(a), len(b))
    costs: list[int] = list(range(len(b) + 1))
    for n, letter in enumerate(a, 1):
        corner, costs[0] = costs[0], n
        for m, other in enumerate(b, 1):
            change = corner + (letter != other)
            corner, costs[m] = costs[m], min(costs[m] + 1, costs[m - 1] + 1, change)
    return costs[-1]


@cache
def _known() -> dict[str, str]:
    """Return for each word that may be written in another way what stands for it, which may be nothing."""
    known = {word: number.replace("0", "") for number, words in _NUMBERS.items() for word in words.split()}
    known |= dict.fromkeys(_SILENT.split(), "")
    return known | {word: short for short, words in _SAME.items() for word in words.split()}


@cache
def _pieces() -> re.Pattern[str]:
    """Return what matches a number, a character of a script without spaces, or a word."""
    return re.compile(rf"\d+|{_UNSPACED}|(?:(?!{_UNSPACED})[^\W\d_])+")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(_UNSPACED)


_UNSPACED: Final = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
"""Thai, Lao, Burmese, Khmer, Chinese and Japanese."""


@cache
def _address() -> re.Pattern[str]:
    return re.compile(r"\S*(?:://|www\.|@\w)\S*|[^\W_]+(?:[._/-][^\W_]+)*\.[a-z]{2,4}(?:/\S*)?(?![^\W_])")
