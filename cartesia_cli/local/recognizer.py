"""The embedded recogniser: Moonshine's tiny English network, one segment of a recording at a time."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.errors import UsageError
from cartesia_cli.local.graph import open_session
from cartesia_cli.local.packages import find_recognizer_assets
from cartesia_cli.models import Transcript

SAMPLE_RATE = 16_000

_DIGESTS = {
    "encoder_model.ort": "94e90a4654fc45cd",
    "decoder_model_merged.ort": "cf524c4862d36e9e",
    "tokenizer.bin": "6884b35fd6377d4c",
}
"""How the SHA-256 of each file begins, in moonshine-voice 0.1.0 for every platform."""

_N_LAYERS, _N_HEADS, _HEAD_SIZE = 6, 8, 36
_CACHE_NAMES = tuple(
    f"past_key_values.{layer}.{side}.{kind}"
    for layer in range(_N_LAYERS)
    for side in ("decoder", "encoder")
    for kind in ("key", "value")
)
_START, _END = 1, 2
_WORD_START = "\u2581".encode()
_TOKENS_PER_SECOND = 6.5
_SHORTEST = 0.1
"""Seconds; there is no word in less, and the network needs as much."""

_PADDING = 0.5
"""Seconds of silence before and after: without it the network invents a number before an abrupt start."""

_LEVEL = 10 ** (-20 / 20)
_MOST_GAIN = 1000.0
"""Speech is brought to one level, 60 dB louder at most."""

_REPEATED_TOKENS = range(4, 13)
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word, with its punctuation, and how sure the network is of it."""

    text: str
    confidence: float
    """0 to 1: the geometric mean of the probabilities of its tokens."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the network makes of one segment, be it speech or not."""

    words: tuple[HeardWord, ...]
    confidence: float
    """0 to 1: the geometric mean of the probabilities of all tokens, the end among them."""

    @property
    def text(self) -> str:
        """The words, joined."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Impression:
    """What the network hears in one segment: it depends on what is said much more than on who says it."""

    states: NDArray[np.float32]
    """(n, 288), one about every 24 ms, the silence at both ends included."""

    duration: float
    """Seconds, without that silence."""

    padding: float
    """Seconds of silence at each end."""

    def frames(self, hop: float) -> NDArray[np.float32]:
        """Return (frames, 288): the states at the middle of every ``hop`` seconds, interpolated."""
        times = hop * (np.arange(int(self.duration / hop + 1e-6)) + 0.5) + self.padding
        rate = len(self.states) / (self.duration + 2 * self.padding)
        places = np.clip(times * rate - 0.5, 0, len(self.states) - 1)
        before = places.astype(np.int64)
        after = np.minimum(before + 1, len(self.states) - 1)
        weights = (places - before).astype(np.float32)[:, None]
        frames: NDArray[np.float32] = self.states[before] * (1 - weights) + self.states[after] * weights
        return frames


@dataclass(frozen=True, slots=True)
class _Token:
    id: int
    log_probability: float


class Recognizer:
    """Writes down English speech. May be used by several threads at once.

    Raises:
        UsageError: the weights are missing or damaged.
    """

    def __init__(self) -> None:
        folder = find_recognizer_assets()
        self._encoder = open_session(_read_checked(folder / "encoder_model.ort"))
        self._decoder = open_session(_read_checked(folder / "decoder_model_merged.ort"))
        self._tokens = [*_decode_vocabulary(_read_checked(folder / "tokenizer.bin"))]

    def transcribe(self, samples: NDArray[np.float32]) -> Transcript:
        """Return the text of one segment, whether it is speech or not.

        Args:
            samples: see ``listen``.
        """
        is_long_enough = samples.size >= _SHORTEST * SAMPLE_RATE
        text = self.spell(self.listen(samples)).text if is_long_enough else ""
        return Transcript(text, language="en", duration=samples.size / SAMPLE_RATE)

    def listen(self, samples: NDArray[np.float32], padding: float = _PADDING) -> Impression:
        """Return what the network hears in one segment, before it looks for words.

        Args:
            samples: mono at 16 kHz, of any level; best between 1 and 15 seconds,
                since the time that this takes grows with the square of the length.
            padding: seconds of silence put before and after.
        """
        duration = max(_SHORTEST, samples.size / SAMPLE_RATE)
        missing = round(_SHORTEST * SAMPLE_RATE) - samples.size
        loud = np.pad(samples.astype(np.float32, copy=False) * _gain(samples), (0, max(0, missing)))
        padded = np.pad(loud, round(padding * SAMPLE_RATE))
        mask = np.ones((1, padded.size), np.int64)
        (states,) = self._encoder.run(None, {"input_values": padded[None], "attention_mask": mask})
        return Impression(states[0], duration, padding)

    def spell(self, impression: Impression) -> Hearing:
        """Return the words of one segment, with punctuation and confidence, be it speech or not."""
        tokens = self._decode(impression, max(8, int(impression.duration * _TOKENS_PER_SECOND) + 4))
        mean = sum(token.log_probability for token in tokens) / len(tokens)
        return Hearing(tuple(self._words(tokens)), math.exp(mean))

    def _decode(self, impression: Impression, max_tokens: int) -> list[_Token]:
        """Return the most likely token after each token, up to the end or the first loop."""
        n_samples = round((impression.duration + 2 * impression.padding) * SAMPLE_RATE)
        mask = np.ones((1, n_samples), np.int64)
        cache: dict[str, Any] = {
            name: np.zeros((0, _N_HEADS, 1, _HEAD_SIZE), np.float32) for name in _CACHE_NAMES
        }
        tokens: list[_Token] = []
        token = _START
        for step in range(max_tokens):
            logits, *kept = self._decoder.run(
                None,
                {
                    "input_ids": np.array([[token]], np.int64),
                    "encoder_hidden_states": impression.states[None],
                    "encoder_attention_mask": mask,
                    "use_cache_branch": np.array([step > 0]),
                    **cache,
                },
            )
            scores = logits[0, -1]
            token = int(scores.argmax())
            tokens.append(_Token(token, -float(np.log(np.exp(scores - scores[token]).sum()))))
            if token == _END:
                break
            if n_kept := find_loop([token.id for token in tokens]):
                return tokens[:n_kept]
            # What was computed of the recording does not change after the first step.
            computed = zip(_CACHE_NAMES, kept, strict=True)
            cache |= {name: state for name, state in computed if step == 0 or ".decoder." in name}
        return tokens

    def _words(self, tokens: Sequence[_Token]) -> Iterator[HeardWord]:
        """Yield the words that the tokens spell."""
        groups: list[tuple[bytearray, list[float]]] = []
        for token in tokens:
            added = _token_bytes(self._tokens[token.id])
            if not added:
                continue
            if not groups or added.startswith(_WORD_START):
                groups.append((bytearray(), []))
            groups[-1][0].extend(added)
            groups[-1][1].append(token.log_probability)
        for spelled, logs in groups:
            confidence = math.exp(sum(logs) / len(logs))
            for text in spelled.decode("utf-8", "ignore").replace("\u2581", " ").split():
                yield HeardWord(text, confidence)


def find_loop(tokens: Sequence[int]) -> int:
    """Return how many tokens to keep if they end in the same 4 to 12 three times, otherwise 0."""
    for size in _REPEATED_TOKENS:
        end = list(tokens[-size:])
        if len(tokens) >= size * _REPEATS and list(tokens[-size * _REPEATS :]) == end * _REPEATS:
            return len(tokens) - size * (_REPEATS - 1)
    return 0


def _gain(samples: NDArray[np.float32]) -> np.float32:
    """Return the factor that brings the loudest twentieth of the sound to -20 dBFS."""
    step = SAMPLE_RATE // 40
    steps = np.pad(samples, (0, -samples.size % step)).reshape(-1, step)
    level = float(np.sqrt(np.percentile(np.mean(steps.astype(np.float64) ** 2, axis=1), 95)))
    return np.float32(min(_LEVEL / level, _MOST_GAIN) if level > 0 else 1.0)


def _token_bytes(token: bytes) -> bytes:
    """Return what a token adds to the text: nothing for control tokens, one byte for ``<0xNN>``."""
    if len(token) > 2 and token.startswith(b"<") and token.endswith(b">"):
        return bytes([int(token[3:5], 16)]) if token.startswith(b"<0x") else b""
    return token


def _decode_vocabulary(data: bytes) -> Iterator[bytes]:
    """Yield the tokens in order: each has its length before it, in one byte, or two from 128."""
    position = 0
    while position < len(data):
        length = data[position]
        position += 1
        if length >= 128:
            length += data[position] * 128 - 128
            position += 1
        yield data[position : position + length]
        position += length


def _read_checked(path: Path) -> bytes:
    data = path.read_bytes()
    if not hashlib.sha256(data).hexdigest().startswith(_DIGESTS[path.name]):
        raise UsageError(
            f"The built-in recogniser's {path.name} is damaged.",
            hint="Install it again with: pip install --force-reinstall moonshine-voice==0.1.0",
        )
    return data
