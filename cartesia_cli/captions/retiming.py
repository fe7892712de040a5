"""Subtitles for sound that begins at another time or runs at another speed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.subtitles import Subtitles
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming

_Timing = TypeVar("_Timing", WordTiming, PhonemeTiming)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it becomes: stretched, then shifted."""

    stretch: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)
    """Milliseconds, later."""

    def __call__(self, milliseconds: int) -> int:
        """Return the new time, rounded once, and so that what was not before is not before now."""
        return (milliseconds * self.stretch + self.shift + Fraction(1, 2)).__floor__()

    def ends_too_soon(self, start: int, end: int) -> bool:
        """Whether something falls out at the front: it would begin before 0, and not last beyond."""
        return self(start) < 0 and self(end) <= 0


def retime(subtitles: Subtitles, clock: Clock) -> Subtitles:
    """Return the subtitles by another clock; the times of words and phonemes move along.

    Nothing is before 0: what would begin before begins at 0, and what would end there as well is left out.
    """
    cues = subtitles.cues
    words = _moved(subtitles.words, clock)
    whole = len(words) == len(subtitles.words)
    return replace(
        subtitles,
        cues=None
        if cues is None
        else tuple(_cue(cue, clock) for cue in cues if not clock.ends_too_soon(cue.start, cue.end)),
        words=words,
        text=subtitles.text if whole else None,
        duration=None if subtitles.duration is None else _seconds(subtitles.duration, clock),
        phonemes=_moved(subtitles.phonemes, clock),
    )


def _cue(cue: Cue, clock: Clock) -> Cue:
    words = tuple(
        replace(word, start=_seconds(word.start, clock), end=_seconds(word.end, clock)) for word in cue.words
    )
    return replace(cue, start=max(0, clock(cue.start)), end=max(0, clock(cue.end)), words=words)


def _moved(timings: Sequence[_Timing], clock: Clock) -> tuple[_Timing, ...]:
    return tuple(
        replace(timing, start=_seconds(timing.start, clock), end=_seconds(timing.end, clock))
        for timing in timings
        if not clock.ends_too_soon(_milliseconds(timing.start), _milliseconds(timing.end))
    )


def _seconds(seconds: float, clock: Clock) -> float:
    return max(0, clock(_milliseconds(seconds))) / 1000


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def parse_shift(text: str) -> Fraction:
    """Return the milliseconds in ``SECONDS``, like ``1.5`` or ``-0.04``.

    Raises:
        UsageError: it is not that.
    """
    if not re.fullmatch(r"[+-]?(\d{1,7}(\.\d{0,9})?|\.\d{1,9})", text, re.ASCII):
        raise UsageError(f"--shift must be seconds, like 1.5 or -0.04, not {text!r}.")
    return Fraction(text) * 1000


def parse_stretch(text: str) -> Fraction:
    """Return the factor, a number or a ratio of two, like ``1.001`` or ``25/24``.

    Raises:
        UsageError: it is not that, or 0.
    """
    factor = _ratio(text)
    if factor is None:
        raise UsageError(f"--stretch must be a factor above 0, like 1.001 or 25/24, not {text!r}.")
    return factor


def parse_frame_rates(text: str) -> Fraction:
    """Return the factor for ``FROM:TO``, both in pictures a second: FROM through TO.

    A rate like 23.976 or 29.97 is what television means by it: 24000/1001, 30000/1001.

    Raises:
        UsageError: it is not that.
    """
    rates = [_ratio(part) for part in text.split(":")]
    match rates:
        case [Fraction() as made_for, Fraction() as shown_at]:
            return _exact(made_for) / _exact(shown_at)
        case _:
            raise UsageError(f"--fps must be like 25:23.976, not {text!r}.")


def _ratio(text: str) -> Fraction | None:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/(\d{1,9}(?:\.\d{1,9})?))?", text, re.ASCII)
    if match is None or not Fraction(match[1]) or not Fraction(match[2] or 1):
        return None
    return Fraction(match[1]) / Fraction(match[2] or 1)


def _exact(rate: Fraction) -> Fraction:
    """Return the rate that a rounded one stands for."""
    television = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    return television if rate.denominator > 1 and abs(rate - television) < Fraction(1, 200) else rate
