"""The timing formats by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cartesia_cli.captions.ass import format_ass
from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.lrc import format_lrc
from cartesia_cli.captions.srt import format_srt, read_srt
from cartesia_cli.captions.timings import format_timings
from cartesia_cli.captions.tsv import format_tsv
from cartesia_cli.captions.vtt import format_vtt, read_vtt
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming


@dataclass(frozen=True, slots=True)
class CaptionFormat:
    """How one kind of timing file is written and read; its name is its ending."""

    name: str
    write: Callable[[Sequence[Cue]], str] | None
    """None: it is written from the words, not the cues."""

    read: Callable[[str], list[Cue]] | None = None
    """None: it cannot be read."""


FORMATS: Mapping[str, CaptionFormat] = {
    each.name: each
    for each in (
        CaptionFormat("srt", format_srt, read_srt),
        CaptionFormat("vtt", format_vtt, read_vtt),
        CaptionFormat("ass", format_ass),
        CaptionFormat("lrc", format_lrc),
        CaptionFormat("tsv", format_tsv),
        CaptionFormat("json", None),
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

    Raises:
        UsageError: there is no such format.
    """
    write = _format(name).write
    if write is not None:
        return write(cues)
    if words is None:
        words = [word for cue in cues for word in cue.words]
    return format_timings(
        words, text=text, language=language, duration=duration, phonemes=phonemes, source=source
    )


def read_captions(name: str, text: str) -> list[Cue]:
    """Return the cues of a file in the format of this name.

    Raises:
        UsageError: there is no such format, it cannot be read, or the text is not in it.
    """
    read = _format(name).read
    if read is None:
        readable = ", ".join(each.name for each in FORMATS.values() if each.read is not None)
        raise UsageError(f"{name} files cannot be read", hint=f"what can be read: {readable}")
    return read(text)


def _format(name: str) -> CaptionFormat:
    try:
        return FORMATS[name]
    except KeyError:
        raise UsageError(
            f"no timing format is called {name!r}", hint=f"one of {', '.join(FORMATS)}"
        ) from None
