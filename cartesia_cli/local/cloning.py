"""Finds the variant of the built-in voice that comes closest to a speaker: in pitch and pace, in no more."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.errors import UsageError
from cartesia_cli.local.pitch import measure, syllable_rate, typical_pitch
from cartesia_cli.local.voices import Timbre, Variant, variants
from cartesia_cli.local.waveform import SAMPLE_RATE, Floats

PITCH = 193.0
"""Median pitch of the built-in voice, in hertz, as ``measure`` has it."""

_RATE = 4.5
"""Syllables of the built-in voice in a second of speech, as ``syllable_rate`` has it."""

_STRETCH = 1.4
"""Power that makes real differences in pace of those measured, which are smaller; tried on known paces."""

_PITCHES, _PACES = (0.5, 1.6), (0.75, 1.35)
"""How far a voice can be from the built-in one and still sound like someone."""

_LONGEST = 60
"""Seconds of a clip that are looked at."""


@dataclass(frozen=True, slots=True)
class Match:
    """The variant that comes closest, and how it is moved to come closer."""

    base: str
    """Name of the variant."""

    timbre: Timbre
    gender: str | None
    description: str
    """All that the match is; without a full stop."""


def match_clip(clip: Path, base: Variant | None = None) -> Match:
    """Return what comes closest to the speaker of a clip.

    Args:
        clip: a recording of any kind; a minute of it is looked at.
        base: the variant to start from; None is the one that is nearest in pitch.

    Raises:
        UsageError: the clip cannot be read, or holds no voice.
    """
    frames = measure(read_start(clip, _LONGEST))
    pitch, rate = typical_pitch(frames), syllable_rate(frames)
    if pitch is None or rate is None:
        raise UsageError(
            f"No voice is to be heard in {clip.name}.", hint="Use a clip of 3 to 20 seconds of speech."
        )
    factor = _within(_PITCHES, pitch / PITCH)
    pace = _within(_PACES, (rate / _RATE) ** _STRETCH)
    nearest = base or nearest_variant(pitch)
    name = nearest.voice.name
    timbre = replace(nearest.timbre, pitch=round(factor, 3), pace=round(pace, 3))
    return Match(
        name,
        timbre,
        nearest.voice.gender,
        f"The built-in voice {name!r} at the pitch ({PITCH * factor:.0f} Hz) and the speaking rate"
        f" ({pace:.2f} times) of a clip: nothing else of its speaker",
    )


def nearest_variant(pitch: float) -> Variant:
    """Return the variant whose pitch is closest to one in hertz."""
    return min(variants(), key=lambda variant: abs(math.log(pitch / (PITCH * variant.timbre.pitch))))


def read_start(recording: Path, seconds: float) -> Floats:
    """Return the beginning of a recording at 24 kHz.

    Raises:
        UsageError: it cannot be read.
    """
    wanted, blocks = round(seconds * SAMPLE_RATE), list[Floats]()
    with open_recording(recording) as opened:
        for block in opened.blocks(SAMPLE_RATE):
            blocks.append(block)
            wanted -= block.size
            if wanted <= 0:
                break
    samples = np.concatenate([np.zeros(0, np.float32), *blocks])
    return samples[: round(seconds * SAMPLE_RATE)]


def _within(limits: tuple[float, float], value: float) -> float:
    return min(max(value, limits[0]), limits[1])
