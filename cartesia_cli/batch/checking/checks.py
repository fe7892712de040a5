"""Whether a file of speech is what was asked for, as far as that can be told without a listener."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.audio.soundness import Soundness, measure_soundness
from cartesia_cli.batch.checking.lengths import Speed, spoken_length
from cartesia_cli.batch.checking.likeness import Difference, compare
from cartesia_cli.engines import Transcriber
from cartesia_cli.errors import UsageError
from cartesia_cli.sentences.content import is_speakable

_CLIPPED: Final = 0.02
"""Share of the speech at full scale; the built-in voice has none, and 4 % or more if made 12 dB louder."""

_LONGEST_PAUSE: Final = 3.0
"""Seconds of silence that nobody asked for; the built-in voice makes 0.7 s between paragraphs."""

_SHORT: Final = 0.75
"""Part of the usual length below which an abrupt end is a cut; whole texts had 0.7 and more of it."""

_ABRUPT: Final = -6.0
"""Decibels between the speech and its end; beyond one letter the built-in voice ends below this."""

_STEADY: Final = 0.3
"""Seconds; shorter sounds may be as loud all the time."""

_FEW, _SHARE, _UNSPACED_SHARE, _GAP = 3, 0.3, 0.6, 14
"""Letters that may differ in any text, and those of each letter; letters that may be missing in a row.

In 580 of 582 recordings of the built-in voice, ordinary or slow, the built-in recogniser was wrong in 0.2
of the letters at most beyond the few, and left out or added 6 in a row; two were one long word six times.
"""

_FAST: Final = 1.2
_FAST_SHARE, _FAST_GAP = 0.65, 40
"""The same beyond 1.2 times the ordinary pace, where it mishears most of a sentence at times."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a file of speech."""

    kind: Literal["unreadable", "cut", "silent", "pause", "clipped", "too-short", "too-long", "other-words"]
    message: str
    """A sentence about the file, without its name."""


def check_sound(
    path: Path, text: str, output: OutputFormat, *, speed: Speed = None, language: str | None = None
) -> list[Flaw]:
    """Return what is wrong with the sound of a file, nothing if it may be what was asked for.

    Args:
        path: the file.
        text: what is said in it, tags and all.
        output: what the file should hold; of one without a header it says how samples are stored.
        speed: of the request.
        language: of the text, if it is known.
    """
    try:
        sound = measure_soundness(path, output)
    except UsageError:
        return [Flaw("unreadable", _unreadable(path))]
    if sound.is_cut:
        return [Flaw("cut", f"The file breaks off after {sound.duration:.2f} s.")]
    if not sound.speech and is_speakable(text):
        return [Flaw("silent", f"There is no sound in its {sound.duration:.2f} s.")]
    if sound.is_steady and sound.duration >= _STEADY and is_speakable(text):
        return [Flaw("silent", f"There is noise in its {sound.duration:.2f} s, but nobody speaks.")]
    return list(_flaws(sound, text, speed, language))


def check_words(
    path: Path,
    text: str,
    transcriber: Transcriber,
    output: OutputFormat,
    *,
    language: str | None = None,
    speed: Speed = None,
) -> list[Flaw]:
    """Return what is wrong with the words of a file, nothing if they may be those of the text.

    Recognisers mishear: a few words are let pass, and more of them in fast speech.

    Args:
        path: the file.
        text: what should be said in it, tags and all.
        transcriber: who listens.
        output: what the file holds.
        language: of the text; None leaves it to the transcriber, and is English to the comparison.
        speed: of the request.

    Raises:
        CartesiaError: the transcriber gives no answer, or does not know the language.
    """
    raw = (output.encoding, output.sample_rate) if output.name == "raw" else (None, None)
    heard = transcriber.transcribe(
        path, words=False, language=language, encoding=raw[0], sample_rate=raw[1]
    ).text
    is_fast = speed == "fast" or (isinstance(speed, float | int) and speed > _FAST)
    if is_fast and not heard.strip():
        return []
    found = compare(text, heard, language)
    if _is_like(found, is_fast=is_fast):
        return []
    if not heard.strip():
        return [Flaw("other-words", f"None of its {found.n_words} words is heard.")]
    differ = "word differs" if found.n_words == 1 else "words differ"
    return [Flaw("other-words", f"{found.n_different} of {found.n_words} {differ}: {found.first}.")]


def _flaws(sound: Soundness, text: str, speed: Speed, language: str | None) -> Iterator[Flaw]:
    length = spoken_length(text, speed, language)
    n_characters = f"{len(text.strip())} characters"
    if sound.clipping > _CLIPPED:
        yield Flaw("clipped", f"{sound.clipping:.0%} of its speech is clipped.")
    start, silence = sound.pause
    slowness = max(1.0, 1 / speed) if isinstance(speed, float | int) and speed else 1.0
    if silence > _LONGEST_PAUSE * slowness + length.longest_break:
        yield Flaw("pause", f"There are {silence:.1f} s of silence, {start:.1f} s after the start.")
    if sound.speech < length.least:
        yield Flaw("too-short", f"{sound.speech:.2f} s of speech is too short for {n_characters}.")
    elif sound.end_level > _ABRUPT and sound.speech < _SHORT * length.usual:
        yield Flaw("cut", f"It ends in the middle of a sound, after {sound.duration:.2f} s.")
    if sound.speech > length.most:
        yield Flaw("too-long", f"{sound.speech:.2f} s of speech is too long for {n_characters}.")


def _unreadable(path: Path) -> str:
    try:
        return "The file is empty." if not path.stat().st_size else "The file cannot be read as a recording."
    except FileNotFoundError:
        return "The file does not exist."
    except OSError as error:
        return f"The file cannot be read: {error.strerror}."


def _is_like(found: Difference, *, is_fast: bool) -> bool:
    """Return whether a difference is one that a recogniser makes."""
    share, gap = (_FAST_SHARE, _FAST_GAP) if is_fast else (_SHARE, _GAP)
    share = max(share, _UNSPACED_SHARE) if found.is_unspaced else share
    return found.letters <= _FEW + share * found.n_letters and found.longest_gap < gap
