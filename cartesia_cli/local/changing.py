"""Gives a recording the pitch and the throat of a voice, and finds out how loud its neighbours are.

The words are not spoken anew: periods of the speaker's own voice are cut out, made shorter or longer, which
moves the resonances, and put down again closer together or further apart, which moves the pitch (PSOLA:
Moulines and Charpentier, 1990). So melody, pace and pauses stay, in any language.
"""

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.errors import UsageError
from cartesia_cli.local.cloning import PITCH, nearest_variant, read_start
from cartesia_cli.local.pitch import SIZE, STEP, measure, typical_pitch
from cartesia_cli.local.utterance import Output
from cartesia_cli.local.voices import Timbre
from cartesia_cli.local.waveform import SAMPLE_RATE, Floats
from cartesia_cli.models import AudioFormat, SpeechEvents

_LISTENED = 60
"""Seconds from which the speaker's pitch is known."""

_SEGMENT = 5 * SAMPLE_RATE
_MARGIN = SAMPLE_RATE // 5
"""Samples that are worked on together, and that are kept on either side of them."""

_VOICELESS = SAMPLE_RATE // 200
"""Samples that stand for a period where there is none: 5 ms."""

_SHIFTS = (0.4, 2.5)
_SMOOTH = SAMPLE_RATE // 1000

_LEVEL = -19.8
"""Decibels of full scale: how loud the built-in voices speak, as ``speech_level`` has it."""

_SPEECH = 25.0
"""Decibels below the loudest frame at which nobody speaks."""

_NEIGHBOURHOOD = 5 * SAMPLE_RATE
_VOLUMES = (0.05, 4.0)


def change_recording(recording: Path, timbre: Timbre, audio: AudioFormat) -> SpeechEvents:
    """Yield a recording with another timbre, as raw PCM; it is as long as it was.

    Raises:
        UsageError: it cannot be read, or no voice is heard in its first minute.
    """
    pitch = typical_pitch(measure(read_start(recording, _LISTENED)))
    if pitch is None:
        raise UsageError(
            f"No voice is to be heard in {recording.name}.", hint="Use a recording of someone speaking."
        )
    shift = min(max(PITCH * timbre.pitch / pitch, _SHIFTS[0]), _SHIFTS[1])
    shifter = Shifter(shift, timbre.formant / nearest_variant(pitch).timbre.formant)
    output = Output(audio)
    with open_recording(recording) as opened:
        for block in opened.blocks(SAMPLE_RATE):
            yield from output.write(shifter.process(block))
    yield from output.write(shifter.finish())
    yield from output.finish()


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a period is."""

    position: int
    """Of its peak, in samples from the start of the recording."""

    period: float
    """Samples."""

    is_voiced: bool


class Shifter:
    """Moves the pitch and the resonances of a voice; takes sound as it comes, in constant memory.

    Args:
        pitch: factor of the fundamental frequency.
        formant: factor of the resonances.
    """

    def __init__(self, pitch: float, formant: float) -> None:
        self._pitch = pitch
        self._formant = formant
        self._sound = np.zeros(_MARGIN, np.float32)
        self._start = -_MARGIN  # where the sound that is kept begins
        self._marks: deque[_Mark] = deque([_Mark(-_VOICELESS, _VOICELESS, is_voiced=False)])
        self._next = 0.0  # where the next period is put down
        self._made = np.zeros(0, np.float32)
        self._n_given = 0

    def process(self, samples: Floats) -> Floats:
        """Return what is ready after more of the sound, which may be nothing."""
        self._sound = np.concatenate([self._sound, samples])
        if self._sound.size < _SEGMENT + 2 * _MARGIN:
            return np.zeros(0, np.float32)
        return self._work(self._start + self._sound.size - _MARGIN)

    def finish(self) -> Floats:
        """Return the rest."""
        end = self._start + self._sound.size
        self._sound = np.concatenate([self._sound, np.zeros(_MARGIN, np.float32)])
        rest = self._work(end + _MARGIN // 2)
        n_due = end - (self._n_given - rest.size)
        rest = np.concatenate([rest, self._made])[:n_due]
        return np.pad(rest, (0, max(0, n_due - rest.size)))

    def _work(self, end: int) -> Floats:
        """Return what is ready once all up to ``end`` is worked on."""
        self._find_marks(end)
        self._put_down()
        n_ready = max(0, math.floor(self._next) - _MARGIN // 2 - self._n_given)
        ready, self._made = self._made[:n_ready], self._made[n_ready:]
        self._n_given += ready.size
        n_passed = min(self._sound.size, max(0, math.floor(self._next) - _MARGIN - self._start))
        self._sound = self._sound[n_passed:]
        self._start += n_passed
        return np.clip(ready, -1.0, 1.0)

    def _find_marks(self, end: int) -> None:
        pitches = _steady(measure(self._sound).pitch)
        smooth = np.convolve(self._sound, np.ones(_SMOOTH, np.float32) / _SMOOTH, "same")
        mark = self._marks[-1]
        while mark.position < end:
            pitch = _pitch_at(pitches, mark.position + _VOICELESS - self._start)
            if pitch == 0:
                mark = _Mark(mark.position + _VOICELESS, _VOICELESS, is_voiced=False)
            else:
                period = SAMPLE_RATE / pitch
                reach = 0.2 if mark.is_voiced else 0.5
                first = mark.position - self._start + round(period * (1 - reach))
                last = first + round(2 * reach * period) + 1
                here = smooth[first:last]
                peak = first + int(np.argmax(here)) if here.size else first
                mark = _Mark(self._start + peak, period, is_voiced=True)
            self._marks.append(mark)

    def _put_down(self) -> None:
        last = self._marks[-1].position - 1
        self._make_room(last + _MARGIN)
        while self._next < last:
            while self._marks[0].position < self._next and (
                self._marks[1].position - self._next <= self._next - self._marks[0].position
            ):
                self._marks.popleft()
            mark = self._marks[0]
            self._add(mark)
            self._next += mark.period / (self._pitch if mark.is_voiced else 1.0)

    def _make_room(self, end: int) -> None:
        missing = end - self._n_given - self._made.size
        self._made = np.pad(self._made, (0, max(0, missing)))

    def _add(self, mark: _Mark) -> None:
        """Put a period down at ``_next``: what is around its mark, faster or slower by the formant."""
        reach = mark.period / self._formant
        first = max(self._n_given, math.ceil(self._next - reach))
        offsets = np.arange(first, math.floor(self._next + reach) + 1) - self._next
        read = mark.position - self._start + offsets * self._formant
        low = max(0, math.floor(read[0]))
        grain = np.interp(read - low, np.arange(math.ceil(read[-1]) + 2 - low), self._read(low, read[-1]))
        grain *= 0.5 + 0.5 * np.cos(np.pi * offsets / reach)
        gain = math.sqrt(self._formant / (self._pitch if mark.is_voiced else 1.0))
        place = first - self._n_given
        self._made[place : place + grain.size] += (gain * grain).astype(np.float32)

    def _read(self, low: int, last: float) -> Floats:
        """Return the sound that is kept from ``low`` to beyond ``last``, silence where there is none."""
        size = math.ceil(last) + 2 - low
        found = self._sound[low : low + size]
        return np.pad(found, (0, size - found.size))


def _steady(pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pitches without those of a single frame that its neighbours contradict."""
    around = np.stack([np.roll(pitches, 1), pitches, np.roll(pitches, -1)])
    return np.median(around, axis=0) if pitches.size > 2 else pitches


def _pitch_at(pitches: NDArray[np.float64], sample: int) -> float:
    """Return the pitch of the frame in whose middle a sample is."""
    if not pitches.size:
        return 0.0
    frame = round((sample - SIZE / 2) / STEP)
    return float(pitches[min(max(frame, 0), pitches.size - 1)])


def level_between(left: Path | None, right: Path | None) -> float:
    """Return the factor that makes the built-in voice as loud as the speech before and after it.

    Raises:
        UsageError: there is no recording, or one cannot be read.
    """
    if left is None and right is None:
        raise UsageError(
            "There is no recording on either side.", hint="Give the one before, the one after or both."
        )
    sides = [
        *([] if left is None else [_end_of(left)]),
        *([] if right is None else [read_start(right, _NEIGHBOURHOOD / SAMPLE_RATE)]),
    ]
    levels = [level for level in map(speech_level, sides) if level is not None]
    if not levels:
        return 1.0
    wanted = sum(levels) / len(levels)
    return min(max(10 ** ((wanted - _LEVEL) / 20), _VOLUMES[0]), _VOLUMES[1])


def speech_level(samples: Floats) -> float | None:
    """Return how loud a sound is where it is loud, in decibels of full scale; None for silence."""
    level = measure(samples).level
    if not level.size or level.max() < -70:
        return None
    loud = level[level > level.max() - _SPEECH]
    return float(10 * np.log10(np.mean(10 ** (loud / 10))))


def _end_of(recording: Path) -> Floats:
    """Return the last seconds of a recording, read in constant memory."""
    held = np.zeros(0, np.float32)
    with open_recording(recording) as opened:
        for block in opened.blocks(SAMPLE_RATE):
            held = np.concatenate([held, block])[-_NEIGHBOURHOOD:]
    return held
