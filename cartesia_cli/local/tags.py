"""The tags that a transcript may hold, told from ordinary text such as ``a < b``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cartesia_cli.models import SPEEDS, VOLUMES


@dataclass(frozen=True, slots=True)
class Plain:
    """Text to be read."""

    text: str


@dataclass(frozen=True, slots=True)
class Spelled:
    """Text to be read letter by letter: ``<spell>AB12</spell>``."""

    text: str


@dataclass(frozen=True, slots=True)
class Pronounced:
    """A word given in IPA: ``<<h|ə|l|oʊ>>``."""

    phonemes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Silence of an exact length: ``<break time="1s"/>``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pace:
    """From here on this speed, within ``SPEEDS``; None is that of the request."""

    ratio: float | None


@dataclass(frozen=True, slots=True)
class Loudness:
    """From here on this volume, within ``VOLUMES``; None is that of the request."""

    ratio: float | None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A tag that this engine does not know, or that is not written as it must be."""

    source: str


Element = Plain | Spelled | Pronounced | Break | Pace | Loudness | Ignored

_LONGEST_BREAK = 60.0
_LONGEST_SPELLING = 300
"""Characters in which ``</spell>`` must follow, so that a lost one does not spell a whole book."""

_SPELLING_REACH = _LONGEST_SPELLING + len("</spell>")

_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]{0,200}"|'[^'<>]{0,200}'|[^\s"'<>]{1,200})){0,9}"""
_TAG = re.compile(
    rf"""
      <<\s*(?P<ipa>[^<>\s|]{{1,20}}(?:\s*\|\s*[^<>\s|]{{1,20}}){{0,60}})\s*>>
    | <<[^<>\s|]{{0,20}}\|[^<>\s]{{0,200}}>?                     # IPA that is not closed
    | <(?P<close>/?)\s*(?P<name>break|speed|volume|emotion|spell)\b(?P<rest>[^<>\n]{{0,200}})>
    | </?(?:break|speed|volume|emotion|spell)\b{_ATTRIBUTES}(?:\s*/)?  # a known tag that is not closed
    | </?(?P<unknown>[a-z][\w:.-]{{0,40}}){_ATTRIBUTES}\s*/?>
    | <!--[^<]{{0,2000}}?-->
    | <\?[^<>]{{0,200}}\?>
    | \[laughter\]
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_NAMES = ("break", "speed", "volume", "emotion", "spell")

_LONGEST_TAG = 2100
"""Characters, above every sensible tag; a longer beginning is waited for no more."""

_SPELL_END = re.compile(r"</\s*spell\s*>", re.IGNORECASE)
_RATIO = re.compile(r"""\s+ratio\s*=\s*["']?(\d{1,3}(?:\.\d{1,6})?|\.\d{1,6})["']?\s*/?\s*""", re.IGNORECASE)
_TIME = re.compile(
    r"""\s+time\s*=\s*["']?(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})\s*(ms|s)["']?\s*/?\s*""", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ud800-\udfff]")
_LINE_TAGS = frozenset({"br", "p", "div", "li", "s", "sentence", "paragraph"})
"""Unknown tags that stand between words; any other may stand inside one, as in ``un<b>like</b>ly``."""


def parse_tags(transcript: str) -> Iterator[Element]:
    """Yield the elements of a transcript in order; what is not a tag comes as it is.

    Control characters and halves of surrogate pairs are left out.
    """
    transcript = without_controls(transcript)
    position = 0
    while found := _TAG.search(transcript, position):
        if found.start() > position:
            yield Plain(transcript[position : found.start()])
        position = found.end()
        if _begins_spelling(found):
            end = _SPELL_END.search(transcript, position, position + _SPELLING_REACH)
            if end:
                spelled = _TAG.sub("", transcript[position : end.start()])
                if spelled.strip():
                    yield Spelled(spelled)
                position = end.end()
                continue
        yield from _decode(found)
    if position < len(transcript):
        yield Plain(transcript[position:])


def without_controls(text: str) -> str:
    """Return ``text`` without control characters and halves of surrogate pairs."""
    return _CONTROLS.sub("", text)


def tag_end(text: str, start: int) -> int | None:
    """Return where the tag at ``start`` ends, in a text that is still being written.

    ``start`` itself if no tag begins there; None if it takes more text to tell. ``text`` has no controls.
    """
    if len(text) - start <= _LONGEST_TAG and _unfinished().match(text, start):
        return None
    found = _TAG.match(text, start)
    if not found:
        return start
    if _begins_spelling(found):
        end = _SPELL_END.search(text, found.end(), found.end() + _SPELLING_REACH)
        if end:
            return end.end()
        if len(text) < found.end() + _SPELLING_REACH:
            return None
    return found.end()


def _beginnings(word: str) -> str:
    """Return a pattern for every beginning of ``word`` but all of it."""
    return "".join(f"(?:{re.escape(letter)}" for letter in word[:-1]) + ")?" * (len(word) - 1)


@cache
def _unfinished() -> re.Pattern[str]:
    """Return the pattern of what more text may make a tag of, or a longer one. It takes long to compile."""
    return re.compile(
        rf"""(?:
          <
        | <<\s*(?:[^<>\s|]{{1,20}}\s*\|\s*){{0,60}}(?:[^<>\s|]{{1,20}}\s*)?>?
        | <<[^<>\s|]{{0,20}}\|[^<>\s]{{0,200}}>?
        | </?\s*(?:{"|".join(map(_beginnings, _NAMES))})
        | </?\s*(?:{"|".join(_NAMES)})\b[^<>\n]{{0,200}}
        | </?[a-z][\w:.-]{{0,40}}{_ATTRIBUTES}
          (?:\s+[\w:.-]*(?:\s*=\s*(?:"[^"<>]{{0,200}}|'[^'<>]{{0,200}}|[^\s"'<>]{{0,200}}))?)?\s*/?
        | <!(?:-(?:-(?:(?!-->)[^<]){{0,2002}})?)?
        | <\?[^<>]{{0,201}}
        | \[{_beginnings("laughter]")}
        )\Z""",
        re.IGNORECASE | re.VERBOSE | re.DOTALL,
    )


def _begins_spelling(tag: re.Match[str]) -> bool:
    return (tag["name"] or "").lower() == "spell" and not tag["close"]


def _decode(tag: re.Match[str]) -> Iterator[Element]:
    if tag["ipa"]:
        yield Pronounced(tuple(phoneme.strip() for phoneme in tag["ipa"].split("|")))
        return
    name = (tag["name"] or "").lower()
    if name == "break" and (seconds := _read_time(tag["rest"])) is not None:
        yield Break(seconds)
    elif name == "speed" and (tag["close"] or _read_ratio(tag["rest"], SPEEDS)):
        yield Pace(None if tag["close"] else _read_ratio(tag["rest"], SPEEDS))
    elif name == "volume" and (tag["close"] or _read_ratio(tag["rest"], VOLUMES)):
        yield Loudness(None if tag["close"] else _read_ratio(tag["rest"], VOLUMES))
    else:
        yield Ignored(" ".join(tag[0].split()))
        if (tag["unknown"] or "").lower() in _LINE_TAGS:
            yield Plain("\n")


def _read_ratio(attributes: str, limits: tuple[float, float]) -> float | None:
    lowest, highest = limits
    found = _RATIO.fullmatch(attributes)
    if found is None or not lowest <= float(found[1]) <= highest:
        return None
    return float(found[1])


def _read_time(attributes: str) -> float | None:
    """Return the length of a break in seconds, None if it is not one of up to a minute."""
    found = _TIME.fullmatch(attributes)
    if found is None:
        return None
    seconds = float(found[1]) * (0.001 if found[2].lower() == "ms" else 1.0)
    return seconds if seconds <= _LONGEST_BREAK else None
