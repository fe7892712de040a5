"""Advanced SubStation Alpha with karaoke: each word lights up as it is spoken."""

from collections.abc import Iterable, Iterator

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.karaoke import stretches

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
