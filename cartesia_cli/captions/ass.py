"""Advanced SubStation Alpha with karaoke: each word lights up as it is spoken."""

import re
from collections.abc import Iterable, Iterator, Sequence

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import stretches
from cartesia_cli.captions.srt import parse_time, split_lines
from cartesia_cli.captions.words import Mark, bare, words_at_marks
from cartesia_cli.errors import UsageError

_HEADER = """\
[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 0
ScaledBorderAndShadow: yes
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, \
MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,72,&H00FFFFFF,&H00B0B0B0,&H00101010,&H80000000,0,0,0,0,100,100,0,0,1,4,1,2,96,96,64,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""White on a dark outline; a word that is still to come is grey."""

_FIELDS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
"""What a line of dialogue holds where the file does not say it."""

_TIME = re.compile(r"\s*(\d{1,6}):(\d{1,2}):(\d{1,2})(?:[.:,](\d{1,3}))?\s*")
_PART = re.compile(r"\{([^}]*)\}|\\([{}Nnh\u2060])|((?:[^\\{]|\\(?![{}Nnh\u2060])|\{(?![^}]*\}))+)")
"""Codes in braces, an escaped character, or text."""

_ESCAPED = {"N": "\n", "n": "\n", "h": "\xa0", "\u2060": "\\"}
_KARAOKE = re.compile(r"\\[kK][fo]?(\d{1,9})")
_DRAWING = re.compile(r"\\p(\d)")


def format_ass(cues: Iterable[Cue]) -> str:
    r"""Return the file, with a ``{\k}`` in centiseconds before each word."""
    return _HEADER + "".join(
        f"Dialogue: 0,{_timestamp(cue.start)},{_timestamp(cue.end)},Default,,0,0,0,,"
        + r"\N".join(_lines(cue))
        + "\n"
        for cue in cues
    )


def _lines(cue: Cue) -> Iterator[str]:
    lines = stretches(cue)
    starts = [start for line in lines for _, start, _ in line if start is not None]
    # Both ends of a word come from the same rounded times, so that rounding cannot add up along a cue.
    marks = [_centiseconds(at) for at in [*starts, cue.end]]
    marks[0] = _centiseconds(cue.start)
    word = 0
    for line in lines:
        shown = []
        for text, start, _ in line:
            if start is not None:
                shown.append(rf"{{\k{marks[word + 1] - marks[word]}}}")
                word += 1
            shown.append(escape(text))
        yield "".join(shown)


def escape(text: str) -> str:
    """Return text without codes: a word joiner, which nobody sees, keeps a backslash from being one."""
    return text.replace("\\", "\\\u2060").replace("{", r"\{").replace("}", r"\}")


def _centiseconds(milliseconds: int) -> int:
    return (milliseconds + 5) // 10


def _timestamp(milliseconds: int) -> str:
    """Return ``H:MM:SS.cc``."""
    seconds, centiseconds = divmod(_centiseconds(milliseconds), 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}.{centiseconds:02}"


def read_ass(text: str) -> list[Cue]:
    r"""Return the dialogue, with the times of its words where it has ``{\k}`` before them.

    Other codes in braces, drawings and comments go. SSA, the format's older form, is read as well.

    Raises:
        UsageError: there is no list of events, or a line of dialogue lacks fields or times.
    """
    cues = []
    section, fields = "", list(_FIELDS)
    for number, line in enumerate(split_lines(text), 1):
        kind, _, rest = line.strip().partition(":")
        if kind.startswith("["):
            section = kind.lower()
        elif section == "[events]" and kind == "Format":
            fields = [name.strip().lower() for name in rest.split(",")]
        elif section == "[events]" and kind == "Dialogue":
            cues.append(_decode(dict(zip(fields, rest.split(",", len(fields) - 1), strict=False)), number))
    if not section or (not cues and "[events]" not in text.lower()):
        hint = "It has a section [Events] with lines of dialogue."
        raise UsageError("Line 1: this is not ASS, it lists no events.", hint=hint)
    return cues


def _decode(fields: dict[str, str], line: int) -> Cue:
    start, end = (_TIME.fullmatch(fields.get(name, "")) for name in ("start", "end"))
    if start is None or end is None or "text" not in fields:
        hint = "It is like Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,Good day."
        raise UsageError(f"Line {line}: this is not a whole line of dialogue.", hint=hint)
    times = parse_time(start), parse_time(end)
    text, marks = _plain(fields["text"], times[0])
    lines = tuple(filter(None, (shown.strip() for shown in text.split("\n"))))
    return Cue(*times, lines, words_at_marks(lines, marks, *times), line=line)


def _plain(text: str, start: int) -> tuple[str, Sequence[Mark]]:
    r"""Return text without codes, and when the words after each ``\k`` begin, in milliseconds."""
    shown: list[str] = []
    marks: list[Mark] = []
    seen, time, draws = 0, start, False
    for codes, escaped, plain in _PART.findall(text):
        for duration in _KARAOKE.findall(codes):
            marks.append(Mark(seen, time))
            time += int(duration) * 10
        for scale in _DRAWING.findall(codes):
            draws = scale != "0"
        part = _ESCAPED.get(escaped, escaped) or plain
        if part and not draws:
            shown.append(part)
            seen += len(bare(part))
    return "".join(shown), marks
