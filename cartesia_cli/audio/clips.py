"""What a clip of someone speaking is like, and which stretch of it is the best."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio import pcm, wav
from cartesia_cli.audio.decoders import Block, Decoder
from cartesia_cli.audio.mixing import MonoMix
from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.models import Encoding

STEP: Final = 0.02
"""Seconds for which one level is measured: a frame."""

SHORTEST, LONGEST = 3.0, 20.0
"""Seconds of a clip that a voice can be made of."""

BEST: Final = 10.0
"""Seconds of the best stretch, at most."""

QUIETEST: Final = -100.0
"""Decibels of full scale that stand for no sound at all, and for anything below."""

_FULL_SCALE = 0.999
_INAUDIBLE = -60.0
_RANGE = 30.0
"""Decibels below the loudest frames at which nobody speaks."""

_STEADY = 6.0
"""Decibels between the loudest and the faintest frames: speech always has more."""

_PAUSE, _CLICK = 10, 3
"""Frames without sound that are a pause, and with sound that are more than a click."""

_EDGE = 5
"""Frames that stay before and after the speech of a stretch."""

_ABOVE = 1e-6
"""Share of the power above the frequency where the sound is said to end."""

Levels = NDArray[np.float32]


@dataclass(frozen=True)
class Clip:
    """What was measured of a recording, frame by frame."""

    sample_rate: int
    """Samples per second, in hertz."""

    n_channels: int
    duration: float
    """Seconds."""

    is_cut: bool
    """Whether the file breaks off before its end."""

    levels: Levels
    """(n,) decibels of full scale, root mean square; of all channels mixed."""

    clipped: Levels
    """(n,) share of the samples at full scale; of the worst channel."""

    peak: float
    """Decibels of full scale; may be above 0."""

    bandwidth: float
    """Hertz above which there is nothing."""

    @cached_property
    def speech(self) -> NDArray[np.bool_]:
        """(n,) where something is said, the short gaps within words too."""
        if self._loud < _INAUDIBLE:
            return np.zeros(self.levels.size, np.bool_)
        threshold = max(self._loud - _RANGE, self._faint + 0.3 * (self._loud - self._faint))
        return _without_runs(_without_runs(self.levels >= threshold, _PAUSE, False), _CLICK, True)

    @property
    def speech_seconds(self) -> float:
        """How long something is said."""
        return int(np.count_nonzero(self.speech)) * STEP

    @property
    def is_steady(self) -> bool:
        """Whether it is as loud all the time, as noise and tones are, and speech is not."""
        return self._loud >= _INAUDIBLE and self._loud - self._faint < _STEADY

    @property
    def speech_level(self) -> float:
        """Decibels of full scale, root mean square, where something is said."""
        return _mean_level(self.levels[self.speech])

    @property
    def noise_level(self) -> float:
        """Decibels of full scale where it is faintest."""
        return self._faint

    @property
    def signal_to_noise(self) -> float:
        """Decibels between the speech and the noise."""
        return self.speech_level - self.noise_level

    @property
    def silence(self) -> float:
        """Share of the clip in which nothing is said, 0 to 1."""
        return 1.0 - float(np.mean(self.speech)) if self.speech.size else 1.0

    @property
    def clipping(self) -> float:
        """Share of the samples at full scale, 0 to 1."""
        return float(np.mean(self.clipped)) if self.clipped.size else 0.0

    def columns(self, n_columns: int) -> list[tuple[float, bool]]:
        """Return the loudest level of each of so many parts, or fewer, and whether it is clipped."""
        bounds = np.linspace(0, self.levels.size, min(n_columns, self.levels.size) + 1).astype(int)[:-1]
        if not bounds.size:
            return []
        levels, clipped = (np.maximum.reduceat(each, bounds) for each in (self.levels, self.clipped))
        return [(float(level), bool(share)) for level, share in zip(levels, clipped, strict=True)]

    @cached_property
    def _loud(self) -> float:
        """Level that a twentieth of the frames reach, but no more of them than a third of a second."""
        if not self.levels.size:
            return QUIETEST
        n_louder = min(max(self.levels.size // 20, 1), 15)
        return float(np.partition(self.levels, -n_louder)[-n_louder])

    @cached_property
    def _faint(self) -> float:
        return float(np.percentile(self.levels, 5)) if self.levels.size else QUIETEST


def measure_clip(path: Path) -> Clip:
    """Return what a recording of any kind and length is like, read once in constant memory.

    Raises:
        UsageError: it cannot be read, or holds no sound.
    """
    with _decoding(path) as decoder:
        meter = _Meter(decoder.sample_rate, decoder.n_channels)
        for block in decoder.blocks():
            meter.add(block)
        return meter.finish(is_cut=decoder.is_cut)


def best_stretch(clip: Clip) -> tuple[float, float]:
    """Return where the best part of a clip starts and ends, in seconds: 3 to 10 s, from pause to pause.

    It has the most speech and the least clipping. A clip that is shorter than 3 s is taken whole.
    """
    speech, n_frames = clip.speech, clip.levels.size
    changes = np.flatnonzero(np.diff(np.concatenate([[False], speech, [False]]).astype(np.int8)))
    starts, ends = changes[::2], changes[1::2]
    longest = round(BEST / STEP) - 2 * _EDGE
    worth = np.concatenate([[0.0], np.cumsum(speech - 5.0 * (clip.clipped > 0))])
    best, best_worth = (0, min(longest, n_frames)), -np.inf
    for start in starts:
        fitting = ends[(ends > start) & (ends <= start + longest)]
        # One long breath: it is cut where the time is over.
        end = int(fitting[-1]) if fitting.size else min(int(start) + longest, n_frames)
        if worth[end] - worth[start] > best_worth:
            best, best_worth = (int(start), end), float(worth[end] - worth[start])
    first, last = best[0] - _EDGE, best[1] + _EDGE
    missing = round(SHORTEST / STEP) + 1 - (last - first)
    if missing > 0:
        first, last = first - missing // 2, last + missing - missing // 2
    if first < 0:
        first, last = 0, last - first
    if last > n_frames:
        first, last = max(0, first - (last - n_frames)), n_frames
    return first * STEP, min(last * STEP, clip.duration)


def write_stretch(source: Path, target: Path, start: float = 0.0, end: float | None = None) -> None:
    """Write a part of a recording, or all of it, as a mono WAV file of 16 bits at its own sample rate.

    Args:
        source: a recording of any kind.
        target: the new file.
        start: seconds from the start of the recording.
        end: seconds; None is the end of the recording.

    Raises:
        UsageError: the recording cannot be read.
        OSError: the file cannot be written.
    """
    with _decoding(source) as decoder, target.open("wb") as file:
        rate, mix = decoder.sample_rate, MonoMix(decoder.n_channels)
        first = round(start * rate)
        last = None if end is None else round(end * rate)
        position, n_bytes = 0, 0
        file.write(wav.file_header(Encoding.PCM_S16LE, rate, 0))
        for block in decoder.blocks():
            if last is not None and position >= last:
                break
            mono = mix.mix(block)
            wanted = mono[max(0, first - position) : None if last is None else last - position]
            position += len(block)
            n_bytes += file.write(pcm.encode(wanted, Encoding.PCM_S16LE))
        file.seek(0)
        file.write(wav.file_header(Encoding.PCM_S16LE, rate, n_bytes))


@contextmanager
def _decoding(path: Path) -> Iterator[Decoder]:
    with open_recording(path) as recording:
        yield recording._decoder  # noqa: SLF001  a module of this room; the channels are wanted unmixed


@dataclass
class _Meter:
    """Measures sound as it comes."""

    sample_rate: int
    n_channels: int
    _levels: list[Levels] = field(default_factory=list)
    _clipped: list[Levels] = field(default_factory=list)
    _peak: float = 0.0
    _n_samples: int = 0

    def __post_init__(self) -> None:
        self._size = max(1, round(self.sample_rate * STEP))
        self._rest = np.zeros((0, self.n_channels), np.float32)
        self._mix = MonoMix(self.n_channels)
        self._window = np.hanning(self._size)
        self._power = np.zeros(self._size // 2 + 1)

    def add(self, block: Block) -> None:
        """Take the next samples."""
        self._n_samples += len(block)
        block = np.concatenate([self._rest, np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)])
        n_whole = len(block) - len(block) % self._size
        self._rest = block[n_whole:]
        if n_whole:
            self._measure(block[:n_whole])

    def finish(self, *, is_cut: bool) -> Clip:
        """Return what there was."""
        if len(self._rest):
            self._measure(np.pad(self._rest, ((0, self._size - len(self._rest)), (0, 0))))
        nothing = np.zeros(0, np.float32)
        return Clip(
            sample_rate=self.sample_rate,
            n_channels=self.n_channels,
            duration=self._n_samples / self.sample_rate,
            is_cut=is_cut,
            levels=np.concatenate([nothing, *self._levels]),
            clipped=np.concatenate([nothing, *self._clipped]),
            peak=_decibels(np.array([self._peak**2])).item(),
            bandwidth=self._bandwidth(),
        )

    def _measure(self, block: Block) -> None:
        """Measure whole frames."""
        full = np.abs(block) >= _FULL_SCALE
        # A lone sample is the top of a wave; clipping cuts it off.
        lasting = full.copy()
        lasting[1:] &= full[:-1]
        lasting[:-1] |= lasting[1:] & full[:-1]
        lasting[0] &= full[1] if len(full) > 1 else False
        by_frame = lasting.reshape(-1, self._size, self.n_channels).mean(axis=1)
        self._clipped.append(by_frame.max(axis=1).astype(np.float32))
        self._peak = max(self._peak, float(np.abs(block).max()))
        frames = self._mix.mix(block).astype(np.float64).reshape(-1, self._size)
        self._levels.append(_decibels(np.mean(frames**2, axis=1)))
        self._power += np.sum(np.abs(np.fft.rfft(frames * self._window, axis=1)) ** 2, axis=0)

    def _bandwidth(self) -> float:
        above = np.cumsum(self._power[::-1])[::-1]
        return float(np.flatnonzero(above > _ABOVE * above[0])[-1] / STEP) if above[0] > 0 else 0.0


def _decibels(power: NDArray[np.float64]) -> Levels:
    return (10 * np.log10(np.maximum(power, 10 ** (QUIETEST / 10)))).astype(np.float32)


def _mean_level(levels: Levels) -> float:
    """Return the level of frames together, in decibels."""
    return float(10 * np.log10(np.mean(10 ** (levels / 10.0)))) if levels.size else QUIETEST


def _without_runs(flags: NDArray[np.bool_], shortest: int, value: bool) -> NDArray[np.bool_]:
    """Return flags in which no run of ``value`` between others is shorter; those that are, are turned."""
    changed = flags.copy()
    edges = np.flatnonzero(np.diff(flags.astype(np.int8))) + 1
    bounds = [0, *map(int, edges), flags.size]
    for i, (first, last) in enumerate(pairwise(bounds)):
        is_inside = value or 0 < i < len(bounds) - 2  # silence at the ends is no gap
        if last - first < shortest and is_inside and first < last and flags[first] == value:
            changed[first:last] = not value
    return changed
