"""What is told of a clip from which a voice is to be made: each finding, and what to do about it."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cartesia_cli.errors import UsageError

if TYPE_CHECKING:
    from cartesia_cli.audio.clips import Clip

_LEAST_SPEECH = 1.0
"""Seconds without which there is nobody to clone."""

_BADLY_CLIPPED = 0.001
_FAINT, _TOO_FAINT = -32.0, -42.0
"""Decibels of full scale of the speech."""

_NOISY, _TOO_NOISY = 20.0, 10.0
"""Decibels between the speech and the noise."""

_MUCH_SILENCE = 0.5
_NARROW = 4_500
"""Hertz up to which a telephone goes, and a little more."""

_LOWEST_RATE = 16_000


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    value: str
    problem: str = ""
    """What is wrong, if anything is, and what helps; sentences."""

    is_serious: bool = False
    """Whether the voice will not be good."""

    @property
    def text(self) -> str:
        """All that is told of it."""
        return f"{self.value}. {self.problem}" if self.problem else self.value


def check_usable(clip: "Clip", name: str) -> None:
    """Check that there is something to make a voice of.

    Raises:
        UsageError: the clip is too short, or there is no speech in it.
    """
    from cartesia_cli.audio.clips import SHORTEST

    if clip.duration < SHORTEST:
        raise UsageError(
            f"{name} is {clip.duration:.1f} s long, and a clip needs at least {SHORTEST:.0f} s.",
            hint="Record 5 to 10 seconds of someone speaking.",
        )
    if clip.speech_seconds < _LEAST_SPEECH:
        raise UsageError(
            f"There is no speech in {name}, or hardly any.",
            hint="Check the microphone, and record 5 to 10 seconds of someone speaking.",
        )


def findings(clip: "Clip", source: Path) -> list[Finding]:
    """Return everything that was found, good or bad, in the order in which it is told."""
    return [
        _length(clip),
        _channels(clip),
        _rate(clip),
        _level(clip),
        _clipping(clip),
        _silence(clip),
        _noise(clip),
        *([_format(source)] if needs_conversion(source) else []),
    ]


def serious(found: list[Finding]) -> list[Finding]:
    """Return what makes a bad voice."""
    return [finding for finding in found if finding.is_serious]


def needs_conversion(source: Path) -> bool:
    """Return whether the API does not read files of this kind, by the ending."""
    return source.suffix.lower() not in {".flac", ".mp3", ".mpeg", ".mpga", ".oga", ".ogg", ".wav", ".webm"}


def _length(clip: "Clip") -> Finding:
    from cartesia_cli.audio.clips import LONGEST

    value = f"{clip.duration:.1f} s, of which {clip.speech_seconds:.1f} s are speech"
    if clip.is_cut:
        return Finding("length", value, "The file breaks off: it is damaged. Save it again.", True)
    if clip.duration > LONGEST:
        return Finding("length", value, f"A clip has at most {LONGEST:.0f} s.")
    return Finding("length", value)


def _channels(clip: "Clip") -> Finding:
    if clip.n_channels == 1:
        return Finding("channels", "1")
    return Finding("channels", str(clip.n_channels), "They are mixed into one.")


def _rate(clip: "Clip") -> Finding:
    value = f"{clip.sample_rate} Hz"
    if clip.sample_rate < _LOWEST_RATE:
        problem = f"The voice will sound dull. Record with at least {_LOWEST_RATE} Hz."
        return Finding("sample rate", value, problem, True)
    if clip.bandwidth < _NARROW:
        problem = (
            f"Yet there is nothing above {clip.bandwidth:.0f} Hz, as on a telephone, so the voice will sound"
            " dull. Use the original recording."
        )
        return Finding("sample rate", value, problem, True)
    return Finding("sample rate", value)


def _level(clip: "Clip") -> Finding:
    value = f"{clip.speech_level:.0f} dB, peak {clip.peak:.0f} dB"
    if clip.speech_level < _FAINT:
        problem = "It is faint. Go closer to the microphone, or turn its level up."
        return Finding("level", value, problem, clip.speech_level < _TOO_FAINT)
    return Finding("level", value)


def _clipping(clip: "Clip") -> Finding:
    if not clip.clipping:
        return Finding("clipping", "none")
    problem = "It is distorted. Turn the level of the microphone down, and record again."
    value = f"{100 * clip.clipping:.2g} % of the samples"
    return Finding("clipping", value, problem, clip.clipping > _BADLY_CLIPPED)


def _silence(clip: "Clip") -> Finding:
    value = f"{100 * clip.silence:.0f} %"
    if clip.silence > _MUCH_SILENCE:
        return Finding("silence", value, "That is much. Cut it away, or add --trim.")
    return Finding("silence", value)


def _noise(clip: "Clip") -> Finding:
    from cartesia_cli.audio.clips import QUIETEST

    if clip.is_steady:
        problem = "It is as loud all the time, which speech is not. Is it the right file?"
        return Finding("noise", f"{clip.noise_level:.0f} dB", problem, True)
    if clip.noise_level <= QUIETEST:
        return Finding("noise", "none")
    value = f"{clip.noise_level:.0f} dB, {clip.signal_to_noise:.0f} dB below the speech"
    if clip.signal_to_noise < _NOISY:
        problem = "It will be heard in the voice. Record in a quiet room, without an echo."
        return Finding("noise", value, problem, clip.signal_to_noise < _TOO_NOISY)
    return Finding("noise", value)


def _format(source: Path) -> Finding:
    return Finding("format", source.suffix[1:] or "unknown", "The API does not list it, so a WAV is sent.")
