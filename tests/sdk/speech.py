"""What the tests of the built-in engine say and hear."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEART = "7eef6874-fa50-566f-9102-5b6844916d4f"
DEEP = "2324a26e-cec0-5185-b567-f178a0073743"
MALE = "4de8f8f6-c905-5dee-9a6c-448664e46d82"
CLOUD_DEFAULT = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
"""What the official client takes where no voice is given."""

UNKNOWN = "11111111-2222-4333-8444-555555555555"
RATE = 16_000
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE}
WAV = {**RAW, "container": "wav"}
MP3 = {"container": "mp3", "sample_rate": 44_100, "bit_rate": 128_000}
SENTENCE = "The train to Boston leaves at noon."
WORDS = SENTENCE.split()
SPEECH: dict[str, Any] = {"model_id": "sonic-3", "transcript": SENTENCE, "voice": HEART, "output_format": RAW}


def words_of(text: str) -> list[str]:
    """Return the words of a text, however it is spelled."""
    return re.findall(r"[a-z0-9']+", text.lower())


def samples_of(sound: bytes) -> NDArray[np.int16]:
    """Return 16-bit samples without a header as numbers."""
    return np.frombuffer(sound, "<i2")


def sound_of(events: Iterable[Any]) -> bytes:
    """Return the audio of speech events, joined."""
    return b"".join(event.audio for event in events if event.type == "chunk")


def timed_words(events: Iterable[Any]) -> list[tuple[str, float, float]]:
    """Return each word of speech events with its start and end, in seconds."""
    timings = [event.word_timestamps for event in events if event.type == "timestamps"]
    return [row for t in timings for row in zip(t.words, t.start, t.end, strict=True)]


def assert_in_time(words: list[tuple[str, float, float]], seconds: float) -> None:
    """Check that words follow each other and end before the sound does."""
    flat = [moment for _, start, end in words for moment in (start, end)]
    assert flat == sorted(flat)
    assert flat[0] >= 0
    assert flat[-1] <= seconds + 0.01
