"""How long a text is when it is spoken, as far as that can be told without speaking it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cartesia_cli.local.tags import (
    Break,
    Element,
    Ignored,
    Pace,
    Plain,
    Pronounced,
    Spelled,
    parse_tags,
)
from cartesia_cli.models import SPEEDS

Speed = float | Literal["slow", "normal", "fast"] | None
"""As a request has it."""

_SPEEDS = {"slow": (SPEEDS[0], 1.0), "normal": (0.9, 1.1), "fast": (1.0, SPEEDS[1])}
"""The slowest and the fastest that an engine may mean."""

_ASIDE = 1.5
"""Seconds of breath, of an abbreviation read out, of a name spelled: in any text."""

_LONGEST_WORD = 40
"""Letters; what is longer is a key or a cry, and may be spelled or passed over."""

_LONGEST_ADDRESS = 2000
"""Characters; what is longer is not searched for what is in an address."""


@dataclass(frozen=True, slots=True)
class Length:
    """Seconds that a text takes."""

    least: float
    """Of speech alone, without the pauses in it, by the fastest voice."""

    usual: float
    """The same, by a voice of ordinary pace."""

    most: float
    """Of all that is heard, breaks that were asked for included."""

    longest_break: float
    """The longest silence that was asked for."""


@dataclass(frozen=True, slots=True)
class _Rate:
    """Seconds for one character."""

    least: float
    usual: float
    most: float


_RATES = {
    # Of alphabets. The built-in voice needs at least 0.048 s for one.
    "letters": _Rate(0.036, 0.060, 0.14),
    # IBM is spelled, NASA and ATTENTION are not.
    "capitals": _Rate(0.030, 0.08, 0.50),
    # Vowels are not written in Arabic and Hebrew.
    "consonants": _Rate(0.035, 0.09, 0.25),
    # A syllable in Chinese, one to four in Japanese.
    "han": _Rate(0.090, 0.20, 0.50),
    "kanji": _Rate(0.060, 0.22, 0.80),
    "kana": _Rate(0.040, 0.12, 0.35),
    "hangul": _Rate(0.060, 0.16, 0.45),
    # Addresses, codes, cries: read, spelled, or left out.
    "address": _Rate(0.005, 0.08, 0.50),
    "digits": _Rate(0.060, 0.25, 0.90),
    "zeros": _Rate(0.000, 0.10, 0.60),
    "spelled": _Rate(0.060, 0.30, 1.00),
    "phonemes": _Rate(0.020, 0.07, 0.25),
    "others": _Rate(0.005, 0.07, 0.50),
    "marks": _Rate(0.000, 0.00, 0.40),
    "laughter": _Rate(0.000, 0.00, 4.00),
    "symbols": _Rate(0.000, 0.05, 1.50),
}


def spoken_length(text: str, speed: Speed = None, language: str | None = None) -> Length:
    """Return how long a text is when it is spoken, tags obeyed.

    Args:
        text: what is to be said.
        speed: of the request; tags in the text change it.
        language: its code, if it is known.
    """
    slowest, fastest = _speeds(speed)
    least = usual = silence = longest = together = 0.0
    most = _ASIDE / slowest
    is_japanese = (language or "").lower().startswith("ja")
    pace: float | None = None
    for element in parse_tags(text):
        if isinstance(element, Break):
            silence += element.seconds
            together += element.seconds
            longest = max(longest, together)
            continue
        if isinstance(element, Pace):
            pace = element.ratio
            continue
        # A tag takes the place of the request's speed, or multiplies it.
        paces = (slowest, fastest) if pace is None else (pace, pace * slowest, pace * fastest)
        low, high = min(paces), max(paces)
        for n, rate in _counts(element, is_japanese=is_japanese):
            least += n * rate.least / high
            usual += n * rate.usual * 2 / (low + high)
            most += n * rate.most / low
            if rate.usual:
                together = 0.0
    return Length(least, usual, most + silence, longest)


def _speeds(speed: Speed) -> tuple[float, float]:
    if isinstance(speed, str):
        return _SPEEDS[speed]
    return (speed, speed) if speed else (1.0, 1.0)


def _counts(element: Element, *, is_japanese: bool) -> Iterator[tuple[int, _Rate]]:
    """Yield how many characters of which kind an element has."""
    match element:
        case Plain(text):
            for word in _words().finditer(text):
                if len(word[0]) <= _LONGEST_ADDRESS and _address().search(word[0]):
                    yield len(word[0]), _RATES["address"]
                    continue
                for run in _runs().finditer(word[0]):
                    kind = run.lastgroup or ""
                    yield from _count("kanji" if kind == "han" and is_japanese else kind, run[0])
        case Spelled(text):
            yield sum(map(str.isalnum, text)), _RATES["spelled"]
            yield sum(not c.isalnum() and not c.isspace() for c in text), _RATES["symbols"]
        case Pronounced(phonemes):
            yield len(phonemes), _RATES["phonemes"]
        case Ignored(_):
            yield 1, _RATES["laughter"]
        case _:
            pass


def _count(kind: str, run: str) -> Iterator[tuple[int, _Rate]]:
    if kind == "digits":
        n_zeros = len(run) - len(run.rstrip("0"))
        yield len(run) - n_zeros, _RATES["digits"]
        yield n_zeros, _RATES["zeros"]
        return
    if kind == "letters" and (len(run) > _LONGEST_WORD or len(run) > 3 * len(set(run))):
        kind = "address"
    elif kind == "letters" and len(run) > 1 and run.isupper():
        kind = "capitals"
    yield len(run), _RATES[kind]


@cache
def _words() -> re.Pattern[str]:
    """Return what matches a word, as far as it is of ASCII characters or of others alone."""
    return re.compile(r"[!-~]+|[^\s!-~]+|\n")


@cache
def _address() -> re.Pattern[str]:
    """Return what is found in addresses, codes and paths, and in no ordinary word."""
    return re.compile(r"://|www\.|@|_|[A-Za-z]\.[A-Za-z]{2}|[A-Za-z]\d|\d[A-Za-z]|/[A-Za-z]")


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(
        r"""
          (?P<digits>[0-9]+)
        | (?P<letters>[A-Za-z\xaa-\u036f\u0370-\u058f\u10a0-\u10ff\u1e00-\u1fff]+)
        | (?P<consonants>[\u0590-\u07ff\ufb1d-\ufdff\ufe70-\ufefc]+)
        | (?P<han>[\u3005\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)
        | (?P<kana>[\u3040-\u30ff\uff66-\uff9f]+)
        | (?P<hangul>[\uac00-\ud7a3]+)
        | (?P<others>[^\W_]+)
        | (?P<marks>[.,;:!?…。、！？，\n])
        | (?P<symbols>[^\w\s])
        """,
        re.VERBOSE,
    )
