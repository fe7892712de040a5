"""Tells what became of speech: as events, as one object, as figures, as timing files."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._destinations import Destinations, OpenDestinations
from cartesia_cli.models import EngineName, Flushed, PhonemeTimings, SpeechWarning, Traffic, WordTimings
from cartesia_cli.speech import AudioWritten, SpeechProgress, Timeline

_Told = AudioWritten | WordTimings | PhonemeTimings | SpeechWarning
"""What is printed as an event."""


class Performance(NamedTuple):
    """How a run went."""

    engine: EngineName
    voice: str
    """Its ID, or the name of a built-in one."""

    traffic: Traffic
    timeline: Timeline
    opened: OpenDestinations
    started: float
    """``time.monotonic()``."""

    def stats(self) -> dict[str, Any]:
        """Return the times, in seconds since the start, and the counts; None where there is none."""
        player = self.opened.player
        return {
            "first_byte": self.since_start(self.timeline.first_byte),
            "first_sound": self.since_start(player.first_sound if player else None),
            "wall": self.since_start(time.monotonic()),
            "requests": self.traffic.requests,
            "retries": self.traffic.retries,
            "reconnects": self.traffic.reconnects,
            "underruns": player.underruns if player else None,
        }

    def since_start(self, moment: float | None) -> float | None:
        """Return the seconds from the start to a moment of the monotonic clock."""
        return None if moment is None else round(moment - self.started, 3)


def show(progress: SpeechProgress, opened: OpenDestinations, *, as_event: bool) -> None:
    """Print an event, or what a person must know of it; the player learns where sentences begin and end."""
    if opened.player is not None:
        if isinstance(progress, WordTimings):
            opened.player.add_words(progress.words)
        elif isinstance(progress, Flushed):
            opened.player.end()  # the silence that may follow is nobody's fault
    if isinstance(progress, Flushed):
        return
    if as_event:
        console.data_json(_event(progress))
    elif isinstance(progress, SpeechWarning):
        console.warn(progress.message)


def _event(progress: _Told) -> dict[str, Any]:
    match progress:
        case AudioWritten(n_bytes, start, end):
            return {"type": "chunk", "bytes": n_bytes, "start": round(start, 3), "end": round(end, 3)}
        case WordTimings(words):
            spoken = [{"word": w.word, "start": round(w.start, 3), "end": round(w.end, 3)} for w in words]
            return {"type": "timestamps", "words": spoken}
        case PhonemeTimings(phonemes):
            heard = [
                {"phoneme": p.phoneme, "start": round(p.start, 3), "end": round(p.end, 3)} for p in phonemes
            ]
            return {"type": "phoneme_timestamps", "phonemes": heard}
        case SpeechWarning(message):
            return {"type": "warning", "message": message}


def write_timings(texts: Mapping[str, str], opened: OpenDestinations) -> None:
    """Bring timings to the disk, though not yet to their names: no sound appears without them."""
    for target, file in opened.timings.items():
        file.file.write(texts[target].encode())
        file.finish()


def report_stats(stats: Mapping[str, object]) -> None:
    """Show figures on stderr, those that there are."""
    console.report({name: value for name, value in stats.items() if value is not None})


def tell_files(planned: Destinations, timeline: Timeline) -> None:
    """Name the files that were made, to a person."""
    named = [target for target in planned.targets if target != "-"]
    named += [target for target, _ in planned.timings if target != "-"]
    if named:
        console.hint_to_person(f"{', '.join(named)}: {timeline.duration:.1f} s of speech")
