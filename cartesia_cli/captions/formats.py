"""The timing formats by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cartesia_cli.captions.ass import format_ass, read_ass
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.lrc import format_lrc, read_lrc
from cartesia_cli.captions.profiles import PROFILES
from cartesia_cli.captions.srt import format_srt, read_srt
from cartesia_cli.captions.subtitles import Subtitles
from cartesia_cli.captions.timings import format_timings, read_timings
from cartesia_cli.captions.tsv import format_tsv, read_tsv
from cartesia_cli.captions.vtt import format_vtt, read_vtt
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming


@dataclass(frozen=True, slots=True)
class CaptionFormat:
    """How one kind of timing file is written and read; its name is its ending."""

    name: str
    write: Callable[[Sequence[Cue]], str] | None
    """None: it is written from the words, not the cues."""

    read: Callable[[str], list[Cue]] | None
    """None: it holds words, which `read_timings` reads."""

    resolution: int = 1
    """Milliseconds to which it knows times."""

    has_lines: bool = True
    """Whether it can break a cue into lines; if not, whoever shows it does."""


FORMATS: Mapping[str, CaptionFormat] = {
    each.name: each
    for each in (
        CaptionFormat("srt", format_srt, read_srt),
        CaptionFormat("vtt", format_vtt, read_vtt),
        CaptionFormat("ass", format_ass, read_ass, resolution=10),
        CaptionFormat("lrc", format_lrc, read_lrc, resolution=10, has_lines=False),
        CaptionFormat("tsv", format_tsv, read_tsv, has_lines=False),
        CaptionFormat("json", None, None),
    )
}


def format_captions(
    name: str,
    cues: Sequence[Cue],
    *,
    words: Sequence[WordTiming] | None = None,
    text: str | None = None,
    language: str | None = None,
    duration: float | None = None,
    phonemes: Sequence[PhonemeTiming] = (),
    source: str | None = None,
    keep_cues: bool = False,
) -> str:
    """Return a timing file of any format. Only ``json`` uses more than the cues (see `format_timings`).

    Args:
        name: a key of `FORMATS`.
        cues: the cues, in order.
        words: what was spoken; None: the words of the cues.
        text: the text that was spoken.
        language: its code.
        duration: of the audio, in seconds.
        phonemes: if they were asked for.
        source: the recording.
        keep_cues: write the cues into ``json`` too.

    Raises:
        UsageError: there is no such format.
    """
    write = _format(name).write
    if write is not None:
        return write(cues)
    if words is None:
        words = [word for cue in cues for word in cue.words]
    return format_timings(
        words,
        text=text,
        language=language,
        duration=duration,
        phonemes=phonemes,
        source=source,
        cues=cues if keep_cues else None,
    )


def format_subtitles(name: str, subtitles: Subtitles) -> str:
    """Return a timing file of any format; only ``json`` is written from words without cues.

    Raises:
        UsageError: there is no such format.
    """
    return format_captions(
        name,
        subtitles.cues or (),
        words=subtitles.words,
        text=subtitles.text,
        language=subtitles.language,
        duration=subtitles.duration,
        phonemes=subtitles.phonemes,
        source=subtitles.source,
        keep_cues=subtitles.cues is not None,
    )


def read_captions(name: str, text: str) -> list[Cue]:
    """Return the cues of a file in the format of this name; the ``netflix`` ones of words alone.

    Raises:
        UsageError: there is no such format, or the text is not in it; the message begins with the line.
    """
    subtitles = read_subtitles(name, text)
    return list(subtitles.cut(PROFILES["netflix"]).cues or () if subtitles.cues is None else subtitles.cues)


def read_subtitles(name: str, text: str) -> Subtitles:
    """Return all that a file in the format of this name says.

    Raises:
        UsageError: there is no such format, or the text is not in it; the message begins with the line.
    """
    read = _format(name).read
    return read_timings(text) if read is None else Subtitles.of(read(text))


def _format(name: str) -> CaptionFormat:
    try:
        return FORMATS[name]
    except KeyError:
        raise UsageError(
            f"No timing format is called {name!r}.", hint=f"It is one of {', '.join(FORMATS)}."
        ) from None
