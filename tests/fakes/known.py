"""A voice whose every sample and timing is known beforehand, as an engine."""

import sys
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from time import sleep
from typing import Any

from cartesia_cli.errors import CartesiaError, RequestError, UnavailableError, UsageError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    EngineName,
    Flush,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
    Voice,
    WordTiming,
    WordTimings,
)

DEFAULT_VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"

VOICES = (
    Voice(DEFAULT_VOICE, "Ada", "Calm and clear", gender="feminine"),
    Voice("e07c00bc-4134-4eae-9ea4-1a55fb45746b", "Barbara", "Warm narrator", gender="feminine"),
    Voice("db6b0ed5-d5d3-463d-ae85-518a07d3c2b4", "Skylar", "Friendly guide", gender="feminine"),
    Voice("f786b574-daa5-4673-aa0c-cbe3e8534c02", "Katie", "Energetic host", gender="feminine"),
    Voice("a0e99841-438c-4a64-b679-ae501e7d6091", "Barbershop Man", "Deep and friendly", gender="masculine"),
    Voice("694f9389-aac1-45b6-b726-9d9369183238", "Sarah", "Soft", gender="feminine", is_owner=True),
    Voice("f9836c6e-a0bd-460e-9d3c-f7299fa60f94", "Jürgen", "Sachlich", language="de", gender="masculine"),
    Voice("00000000-0000-4000-8000-000000000001", "Sarah", "Another one", language="fr", gender="feminine"),
)
"""Two of them share a name; the others can be found by theirs."""

WORD_SECONDS = 0.3
TONE_SECONDS = 0.25


def known_s16(transcript: str, sample_rate: int, *, word_seconds: float = WORD_SECONDS) -> "array[int]":
    """Return the samples that ``KnownSamples`` speaks, as 16-bit integers.

    Word ``i`` of ``transcript.split()`` begins at sample ``round(i * word_seconds * sample_rate)`` and sounds
    for 5/6 of ``word_seconds``. Sample ``k`` of the whole is a triangle wave of amplitude 12,000 plus a
    pattern from -32 to 31 that hardly ever repeats; between words there is the pattern alone::

        period  = sample_rate // (120 + 10 * (i % 32))
        tone(k) = 4 * 12000 * |(k % period) / period - 1/2| - 12000, rounded down
        k -> tone(k) + ((k * 40503) % 65536) // 1024 - 32
    """
    samples = array("h")
    for i in range(len(transcript.split())):
        samples.extend(_known_word(i, sample_rate, word_seconds))
    return samples


def known_samples(transcript: str, audio: AudioFormat, *, word_seconds: float = WORD_SECONDS) -> bytes:
    """Return the payload that ``KnownSamples`` speaks, in any encoding.

    ``pcm_f32le`` is the 16-bit value / 32768, exactly; ``pcm_mulaw`` and ``pcm_alaw`` are ITU-T G.711 of it.
    """
    return _encode(known_s16(transcript, audio.sample_rate, word_seconds=word_seconds), audio)


def known_words(transcript: str, *, word_seconds: float = WORD_SECONDS) -> tuple[WordTiming, ...]:
    """Return the timings of what ``KnownSamples`` speaks."""
    return tuple(_timing(word, i, word_seconds) for i, word in enumerate(transcript.split()))


@dataclass
class KnownSamples:
    """An engine and its voices; what it speaks is ``known_samples``, when is ``known_words``."""

    word_seconds: float = WORD_SECONDS
    chunk_bytes: int | None = None
    """Cuts the audio into chunks of this size, inside samples too; ``None``: one chunk a word."""

    pace: float | None = None
    """How many seconds of audio come in a second; ``None``: as fast as it goes."""

    timings_first: bool = False
    """Whether a word's timing comes before its audio, or after."""

    fail_after: int | None = None
    """Fails when so many words are spoken; 0: before any audio."""

    error: CartesiaError = field(
        default_factory=lambda: UnavailableError("The voice broke.", title="Voice failure")
    )
    """How it fails."""

    known: Sequence[Voice] = VOICES
    name: EngineName = "local"
    traffic: Traffic = field(default_factory=Traffic)
    asked: list[SpeechRequest] = field(default_factory=list)
    """Every request it got."""

    pieces: list[list[TextPiece]] = field(default_factory=list)
    """What has come of each text that was streamed; of empty pieces too."""

    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released once for every request whose iterator came to its end or was closed."""

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Yield the known samples and timings of a request."""
        self.asked.append(request)
        self.traffic.requests += 1
        if request.voice_embedding is None:
            self.get_voice(request.voice_id)
        if not any(character.isalnum() for character in request.transcript):
            raise RequestError("Transcript is empty or contains only punctuation", title="Invalid transcript")
        try:
            yield from self._cut(self._speak(request.transcript.split(), request), request.format)
        finally:
            self.ended.release()

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Yield the known samples and timings of the pieces joined.

        A word is spoken when the white space after it has come, at a ``Flush`` and at the end; a ``Flush``
        inside a word makes two of it. What has neither letter nor digit waits for a word that has.
        """
        self.asked.append(request)
        self.traffic.requests += 1
        if request.voice_embedding is None:
            self.get_voice(request.voice_id)
        came: list[TextPiece] = []
        self.pieces.append(came)
        try:
            yield from self._cut(self._speak(_arriving(pieces, came), request), request.format)
        finally:
            self.ended.release()

    def get_voice(self, voice_id: str, /) -> Voice:
        """Return one voice."""
        for voice in self.known:
            if voice.id == voice_id:
                return voice
        raise RequestError("No voice has the ID you sent.", title="Voice not found", code="voice_not_found")

    def voices(
        self,
        *,
        query: str | None = None,
        language: str | None = None,
        gender: str | None = None,
        owned: bool | None = None,
        page_size: int = 100,
    ) -> Iterator[Voice]:
        """Yield every voice, or those that match."""
        wanted = (query or "").lower()
        for voice in self.known:
            if (
                any(wanted in text.lower() for text in (voice.id, voice.name, voice.description))
                and language in {None, voice.language}
                and gender in {None, voice.gender}
                and owned in {None, voice.is_owner}
            ):
                yield voice

    def close(self) -> None:
        """Free nothing."""

    def _speak(self, words: Iterable[str | Flushed], request: SpeechRequest) -> Iterator[SpeechEvent]:
        i = 0
        for word in words:
            if isinstance(word, Flushed):
                yield word
                continue
            if i == self.fail_after:
                raise copy(self.error)
            samples = _known_word(i, request.format.sample_rate, self.word_seconds)
            audio = AudioChunk(_encode(samples, request.format))
            timings = list(_timings(_timing(word, i, self.word_seconds), request))
            yield from [*timings, audio] if self.timings_first else [audio, *timings]
            i += 1
        if self.fail_after is not None and self.fail_after >= i:
            raise copy(self.error)

    def _cut(self, events: Iterator[SpeechEvent], audio: AudioFormat) -> Iterator[SpeechEvent]:
        rest = b""
        for event in events:
            if isinstance(event, Flushed) and rest:
                yield self._paced(rest, audio)
                rest = b""
            if not isinstance(event, AudioChunk):
                yield event
                continue
            data = rest + event.data
            size = self.chunk_bytes or len(data)
            end = len(data) - len(data) % size
            for start in range(0, end, size):
                yield self._paced(data[start : start + size], audio)
            rest = data[end:]
        if rest:
            yield self._paced(rest, audio)

    def _paced(self, data: bytes, audio: AudioFormat) -> AudioChunk:
        if self.pace is not None:
            sleep(audio.seconds(len(data)) / self.pace)
        return AudioChunk(data)


def _arriving(pieces: Iterable[TextPiece], came: list[TextPiece]) -> Iterator[str | Flushed]:
    """Yield each word when it is known to be over, and write down the pieces."""
    waiting: list[str] = []
    rest, speaks = "", False
    for piece in pieces:
        came.append(piece)
        if isinstance(piece, str):
            rest += piece
            words = rest.split()
            rest = words.pop() if words and not rest[-1].isspace() else ""
        else:
            words, rest = rest.split(), ""
        waiting += words
        speaks = speaks or any(character.isalnum() for word in words for character in word)
        if speaks:
            yield from waiting
            waiting.clear()
        if isinstance(piece, Flush):
            yield Flushed()
    waiting += rest.split()
    if not speaks and not any(character.isalnum() for word in waiting for character in word):
        raise UsageError("There is nothing to say.", hint="Give it some words.")
    yield from waiting


def _known_word(i: int, sample_rate: int, word_seconds: float) -> "array[int]":
    """Return the samples of the word with the number ``i`` and of the pause after it."""
    start, end = (round(position * word_seconds * sample_rate) for position in (i, i + 1))
    sounding = start + (end - start) * 5 // 6
    period = sample_rate // (120 + 10 * (i % 32))
    wave = _triangle(period)
    pattern = [((k * 40503) % 65536) // 1024 - 32 for k in range(start, end)]
    tone = [wave[k % period] + pattern[k - start] for k in range(start, sounding)]
    return array("h", tone + pattern[sounding - start :])


@lru_cache
def _triangle(period: int) -> list[int]:
    return [abs(2 * k - period) * 2 * 12_000 // period - 12_000 for k in range(period)]


def _encode(samples: "array[int]", audio: AudioFormat) -> bytes:
    match audio.encoding:
        case Encoding.PCM_F32LE:
            encoded: array[Any] = array("f", [sample / 32768 for sample in samples])
        case Encoding.PCM_S16LE:
            encoded = array("h", samples)
        case Encoding.PCM_MULAW:
            return bytes(_mulaw(sample) for sample in samples)
        case Encoding.PCM_ALAW:
            return bytes(_alaw(sample) for sample in samples)
    if sys.byteorder == "big":
        encoded.byteswap()
    return encoded.tobytes()


@lru_cache(None)
def _mulaw(sample: int) -> int:
    """Return one sample in ITU-T G.711 µ-law: 14 bits, a bias of 33, all bits inverted."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min((-sample - 1 if sample < 0 else sample) >> 2, 8158) + 33
    segment = magnitude.bit_length() - 6
    return ~(sign | segment << 4 | (magnitude >> (segment + 1)) & 0x0F) & 0xFF


@lru_cache(None)
def _alaw(sample: int) -> int:
    """Return one sample in ITU-T G.711 A-law: 13 bits, even bits inverted."""
    sign = 0 if sample < 0 else 0x80
    magnitude = (-sample - 1 if sample < 0 else sample) >> 3
    segment = max(0, magnitude.bit_length() - 5)
    mantissa = (magnitude >> max(1, segment)) & 0x0F
    return (sign | segment << 4 | mantissa) ^ 0x55


def _timing(word: str, i: int, word_seconds: float) -> WordTiming:
    start = i * word_seconds
    tone = word_seconds * TONE_SECONDS / WORD_SECONDS
    return WordTiming(word, round(start, 6), round(start + tone, 6))


def _timings(word: WordTiming, request: SpeechRequest) -> Iterator[SpeechEvent]:
    if request.word_timestamps:
        yield WordTimings((word,))
    if request.phoneme_timestamps:
        step = (word.end - word.start) / len(word.word)
        yield PhonemeTimings(
            tuple(
                PhonemeTiming(letter, round(word.start + j * step, 6), round(word.start + (j + 1) * step, 6))
                for j, letter in enumerate(word.word)
            )
        )
