"""The speech model: phonemes in, sound and the exact time of every phoneme out."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.graph import add_output, open_session
from cartesia_cli.local.ipa import to_ipa
from cartesia_cli.local.level import fade_ends, find_speech, limit
from cartesia_cli.local.packages import broken
from cartesia_cli.local.pronounce import NOBODY, Reading, is_sounding
from cartesia_cli.local.timbre import warp
from cartesia_cli.local.voices import Manner
from cartesia_cli.local.waveform import HOP, SAMPLE_RATE, Floats, Spectra, render
from cartesia_cli.models import PhonemeTiming

_DIGEST = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
_DURATIONS = "/Clip_output_0"
"""The inner tensor that says how long each phoneme is."""

_DURATION_UNIT = 2 * HOP / SAMPLE_RATE
_LAG = 0.060
"""Seconds by which the model's durations trail the sound that they describe; measured."""

_MAX_SYMBOLS = 400
_MAX_FIRST_SYMBOLS = 90
"""About seven seconds: more is cut at a clause if it stands between the listener and the first sound."""

_RAMP = 0.010
"""Seconds in which the volume changes from one word to the next."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a part of a word is spoken, in seconds from the start of its stretch."""

    owner: int
    """Index of the word in its sentence."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without silence at its ends."""

    samples: Floats
    """Mono at 24 kHz, no louder than -1.5 dBFS."""

    words: tuple[Span, ...]
    phonemes: tuple[PhonemeTiming, ...]
    """In seconds from the start of the stretch."""


class SpeechModel:
    """The network and what turns its answer into sound. May be used by several threads at once."""

    def __init__(self, assets: Path) -> None:
        model = (assets / "hibari.onnx").read_bytes()
        if hashlib.sha256(model).hexdigest() != _DIGEST:
            raise broken("the speech model is damaged")
        self._session = open_session(add_output(model, _DURATIONS))
        self._vocabulary: dict[str, int] = json.loads((assets / "vocab.json").read_text("utf-8"))

    def speak(
        self, reading: Reading, manner: Manner, volumes: Sequence[float], rng: np.random.Generator
    ) -> Stretch:
        """Return one stretch of speech; the same arguments give the same samples.

        Args:
            reading: up to 400 symbols.
            manner: timbre and speed.
            volumes: for each word of the sentence, the factor of its level.
            rng: where the noise comes from.
        """
        spectra, edges = self._predict(reading.symbols, manner.speed * manner.timbre.pace)
        if manner.timbre.formant != 1.0 or manner.timbre.pitch != 1.0:
            spectra = warp(spectra, manner.timbre.formant)
        sound = render(spectra, rng, pitch=manner.timbre.pitch)
        start, stop = find_speech(sound)
        edges = np.clip(edges - _LAG - start / SAMPLE_RATE, 0.0, (stop - start) / SAMPLE_RATE)
        words = tuple(_spans(reading, edges))
        volume = _volume(words, volumes, stop - start)
        samples = limit(fade_ends(sound[start:stop]) * np.float32(manner.timbre.gain) * volume)
        return Stretch(samples, words, tuple(_phonemes(reading, edges)))

    def _predict(self, symbols: str, speed: float) -> tuple[Spectra, NDArray[np.float64]]:
        """Return the spectra and the (symbols, 2) starts and ends in seconds.

        A symbol that the model does not know is passed over, with no length.
        """
        known = [symbol in self._vocabulary for symbol in symbols]
        ids = [self._vocabulary[symbol] for symbol in symbols if symbol in self._vocabulary]
        *parts, durations = self._session.run(
            None,
            {"ids": np.array([[0, *ids, 0]], np.int64), "speed": np.array([speed], np.float32)},
        )
        ends = np.cumsum(durations.ravel(), dtype=np.float64) * _DURATION_UNIT
        # ends[0] is that of the silence before the first symbol.
        after = np.cumsum(known)
        before = after - known
        return Spectra(*(part[0] for part in parts)), np.stack([ends[before], ends[after]], axis=1)


def cut(reading: Reading, *, soon: bool) -> Iterator[Reading]:
    """Yield the stretches of a sentence that the model speaks one at a time.

    Args:
        reading: a sentence of any length.
        soon: the first sound is waited for, so the first stretch of a long sentence is short.
    """
    symbols, start = reading.symbols, 0
    while start < len(symbols):
        stop = _clause_end(symbols, start, _MAX_FIRST_SYMBOLS) if soon and start == 0 else None
        stop = stop or _stretch_end(symbols, start)
        if any(map(to_ipa, symbols[start:stop])):
            yield Reading(symbols[start:stop], reading.owners[start:stop])
        start = stop


def _clause_end(symbols: str, start: int, limit: int) -> int | None:
    """Return where the last clause within ``limit`` ends, None if no clause does or all fits."""
    if len(symbols) - start <= limit:
        return None
    ends = [
        i for i in range(start + limit // 4, start + limit) if symbols[i - 1] in ",;:—" and symbols[i] == " "
    ]
    return ends[-1] + 1 if ends else None


def _stretch_end(symbols: str, start: int) -> int:
    """Return where to cut: at the end, a clause, a word, or where nothing better is left."""
    if len(symbols) - start <= _MAX_SYMBOLS:
        return len(symbols)
    space = symbols.rfind(" ", start, start + _MAX_SYMBOLS)
    return _clause_end(symbols, start, _MAX_SYMBOLS) or (space + 1 if space > start else start + _MAX_SYMBOLS)


def _spans(reading: Reading, edges: NDArray[np.float64]) -> Iterator[Span]:
    """Yield when each word is spoken."""
    found: dict[int, tuple[float, float]] = {}
    for symbol, owner, (start, end) in zip(reading.symbols, reading.owners, edges.tolist(), strict=True):
        if owner != NOBODY and is_sounding(symbol):
            first, _ = found.get(owner, (start, end))
            found[owner] = first, end
    for owner, (start, end) in found.items():
        yield Span(owner, start, end)


def _phonemes(reading: Reading, edges: NDArray[np.float64]) -> Iterator[PhonemeTiming]:
    """Yield the phonemes; a stress mark's time belongs to the vowel after it."""
    since: float | None = None
    for symbol, (start, end) in zip(reading.symbols, edges.tolist(), strict=True):
        if phoneme := to_ipa(symbol):
            yield PhonemeTiming(phoneme, start if since is None else since, end)
            since = None
        elif is_sounding(symbol):
            since = start if since is None else since


def _volume(words: Sequence[Span], volumes: Sequence[float], n_samples: int) -> Floats:
    """Return one factor for all samples, or one for each where the words differ."""
    wanted = [volumes[word.owner] for word in words]
    if len(set(wanted)) == 1:
        return np.array(wanted[:1], np.float32)
    starts = np.array([word.start for word in words])
    times = np.stack([starts, starts + _RAMP], axis=1).ravel()
    levels = np.stack([[wanted[0], *wanted[:-1]], wanted], axis=1).ravel()
    curve: Floats = np.interp(np.arange(n_samples) / SAMPLE_RATE, times, levels).astype(np.float32)
    return curve
