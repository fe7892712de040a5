"""Finds when known words are spoken: our own voice says them, and its sound is laid over the recording."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.resample import resample
from cartesia_cli.local.detector import FRAME, FRAMES_PER_SECOND, measure_levels, smooth_levels
from cartesia_cli.local.features import HOP, Floats, Pairing, join_features, measure_cepstra, pair_frames
from cartesia_cli.local.packages import find_speech_assets
from cartesia_cli.local.pronounce import Pronouncer
from cartesia_cli.local.recognizer import SAMPLE_RATE, Impression, Recognizer
from cartesia_cli.local.tags import Plain
from cartesia_cli.local.text import SENTENCE_PAUSE, Sentence, Word, ends_sentence
from cartesia_cli.local.voice import SpeechModel, cut
from cartesia_cli.local.voices import Manner, Timbre
from cartesia_cli.local.waveform import SAMPLE_RATE as VOICE_RATE

Times = NDArray[np.float64]
"""(words, 2): start and end of each word in seconds."""

_MOST_CHARACTERS = 30
"""In a second; text far beyond it cannot have been spoken in the time."""

FARTHEST = 9.2
"""Mean distance of paired frames beyond which two recordings do not say the same; measured."""

_BELOW_LOUD = 32.0
_ABOVE_FLOOR = 8.0
_SHORTEST = 0.02
"""Seconds that a word has at least, if there is room."""

_MOST_WORDS = 40
_PAUSE = 0.12


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Words as our own voice says them."""

    samples: NDArray[np.float32]
    """Mono at 16 kHz."""

    times: Times
    """NaN where a word has no sound."""


class WordAligner:
    """Knows how words sound. May be used by several threads at once.

    Raises:
        UsageError: the voice is missing or broken.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        assets = find_speech_assets()
        self._pronouncer = Pronouncer(assets)
        self._model = SpeechModel(assets)

    def align(
        self, words: Sequence[str], samples: NDArray[np.float32], impression: Impression | None = None
    ) -> Times:
        """Return when each word of one segment is spoken, in order and without overlaps.

        Args:
            words: what is said in the segment, all of it.
            samples: mono at 16 kHz, up to half a minute: time and memory grow with the square.
            impression: what the recogniser heard in them, if that is known already.

        Words that our voice cannot say stand between their neighbours; words that do not fit what
        is heard at all share the sound by their length.
        """
        if not words:
            return np.zeros((0, 2))
        loud = _loud_frames(samples)
        duration = samples.size / SAMPLE_RATE
        if not loud.any():
            return _in_order(_shared(words, 0.0, duration), duration)
        first, last = np.flatnonzero(loud)[[0, -1]]
        within = slice(max(0, first - 2), min(loud.size, last + 3))
        start, end = within.start * HOP, within.stop * HOP
        times = None
        if sum(map(len, words)) <= _MOST_CHARACTERS * max(1.0, end - start):
            spoken, pairing = self._pair(words, self._measure(samples, impression)[within])
            if pairing.distance <= FARTHEST:
                frames = np.arange(pairing.frames.size)
                times = start + HOP * np.interp(spoken.times / HOP, frames, pairing.frames)
        times = _shared_over(words, loud) if times is None else _fill(times, words, start, end)
        return _in_order(_snap(times, loud), duration)

    def distance(
        self, words: Sequence[str], samples: NDArray[np.float32], impression: Impression | None = None
    ) -> float:
        """Return how far what is heard is from our voice saying these words; see ``FARTHEST``.

        Args:
            words: see ``align``.
            samples: see ``align``.
            impression: see ``align``.
        """
        return self._pair(words, self._measure(samples, impression))[1].distance

    def _pair(self, words: Sequence[str], theirs: Floats) -> tuple[_Spoken, Pairing]:
        """Return the words as our voice says them, and the frames of a recording that go with it."""
        spoken = self._speak(words)
        if not spoken.samples.size:
            return spoken, Pairing(np.zeros(1), math.inf)
        return spoken, pair_frames(self._measure(spoken.samples), theirs)

    def _measure(self, samples: NDArray[np.float32], impression: Impression | None = None) -> Floats:
        """Return what is compared, a frame every 10 ms."""
        impression = impression or self._recognizer.listen(samples)
        return join_features(impression.frames(HOP), measure_cepstra(samples))

    def _speak(self, words: Sequence[str]) -> _Spoken:
        """Return the words as our voice says them, without much silence; nothing if it can say none."""
        times = np.full((len(words), 2), np.nan)
        sounds: list[NDArray[np.float32]] = []
        n_samples = first = 0
        silence = np.zeros(round(_PAUSE * VOICE_RATE), np.float32)
        for count in _sentence_lengths(words):
            parts = tuple(Word(word, (Plain(word),)) for word in words[first : first + count])
            reading = self._pronouncer.pronounce(Sentence(parts, SENTENCE_PAUSE))
            for piece in cut(reading, soon=False):
                noise = np.random.default_rng(len(sounds))
                stretch = self._model.speak(piece, Manner(Timbre()), [1.0] * len(parts), noise)
                for span in stretch.words:
                    edges = times[first + span.owner]
                    if np.isnan(edges[0]):
                        edges[0] = n_samples / VOICE_RATE + span.start
                    edges[1] = n_samples / VOICE_RATE + span.end
                sounds += [stretch.samples, silence]
                n_samples += stretch.samples.size + silence.size
            first += count
        joined = np.concatenate(sounds[:-1]) if sounds else silence[:0]
        return _Spoken(resample(joined, VOICE_RATE, SAMPLE_RATE), times)


def _sentence_lengths(words: Sequence[str]) -> list[int]:
    """Return how many words each sentence has."""
    lengths = [0]
    for before, word in zip(["", *words], words, strict=False):
        if lengths[-1] and (ends_sentence(before, word) or lengths[-1] >= _MOST_WORDS):
            lengths.append(0)
        lengths[-1] += 1
    return lengths


def _loud_frames(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each frame of 10 ms whether it is clearly louder than the background."""
    if samples.size < FRAME:
        return np.zeros(0, np.bool_)
    levels = smooth_levels(measure_levels(samples))
    floor, loud = np.percentile(levels, [5, 95])
    threshold = max(loud - _BELOW_LOUD, min(floor + _ABOVE_FLOOR, loud - 15.0))
    flags: NDArray[np.bool_] = levels > threshold
    return flags


def _shared(words: Sequence[str], start: float, end: float) -> Times:
    """Return the time from start to end shared out by the words' lengths."""
    edges = np.cumsum([0, *(len(word) + 1 for word in words)]) / sum(len(word) + 1 for word in words)
    return start + (end - start) * np.stack([edges[:-1], edges[1:]], axis=1)


def _shared_over(words: Sequence[str], loud: NDArray[np.bool_]) -> Times:
    """Return the loud frames shared out by the words' lengths; silence between them counts for nothing."""
    heard = np.concatenate([[0], np.cumsum(loud)])
    wanted = _shared(words, 0.0, float(heard[-1]))
    seconds = np.arange(heard.size) * HOP
    # The start of a word lies after a silence, its end before it.
    starts = seconds[np.minimum(np.searchsorted(heard, wanted[:, 0], "right") - 1, heard.size - 1)]
    ends = seconds[np.searchsorted(heard, wanted[:, 1] - 1e-9, "left")]
    return np.stack([starts, ends], axis=1)


def _fill(times: Times, words: Sequence[str], start: float, end: float) -> Times:
    """Return the times with those of silent words put between their neighbours'."""
    filled = times.copy()
    known = ~np.isnan(times[:, 0])
    n = 0
    while n < len(words):
        if known[n]:
            n += 1
            continue
        stop = n
        while stop < len(words) and not known[stop]:
            stop += 1
        low = filled[n - 1, 1] if n else start
        high = times[stop, 0] if stop < len(words) else end
        filled[n:stop] = _shared(words[n:stop], low, max(low, high))
        n = stop
    return filled


def _snap(times: Times, loud: NDArray[np.bool_]) -> Times:
    """Return the times with silence taken from both ends of each word."""
    snapped = times.copy()
    for edges in snapped:
        first = int(edges[0] * FRAMES_PER_SECOND)
        frames = np.flatnonzero(loud[first : max(first + 1, int(np.ceil(edges[1] * FRAMES_PER_SECOND)))])
        if frames.size:
            edges[0] = max(edges[0], (first + frames[0]) * HOP)
            edges[1] = min(edges[1], (first + frames[-1] + 1) * HOP)
    return snapped


def _in_order(times: Times, duration: float) -> Times:
    """Return the times within the segment, ascending, without overlaps and none empty if there is room."""
    room = min(_SHORTEST, duration / len(times))
    ordered = np.clip(times, 0.0, duration)
    latest = duration - room * np.arange(len(times) - 1, -1, -1)
    earliest = 0.0
    for n, edges in enumerate(ordered):
        start = min(max(edges[0], earliest), latest[n] - room)
        following = ordered[n + 1, 0] if n + 1 < len(ordered) else duration
        earliest = min(max(edges[1], start + room), max(following, start + room), latest[n])
        edges[:] = max(start, 0.0), earliest
    return ordered
