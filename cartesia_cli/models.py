"""The field's nouns as frozen values. Times are seconds, rates are hertz, audio is mono."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, Literal, NamedTuple

EngineName = Literal["cloud", "local"]

SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
"""The rates, in hertz, that the API can send."""

BIT_RATES = (32_000, 64_000, 96_000, 128_000, 192_000)
"""The MP3 bit rates, in bits per second, that the API can send."""

FILE_FORMATS = ("wav", "pcm", "raw", "mp3", "flac", "ogg", "opus", "ulaw", "alaw")
"""How speech can be written: the endings of files, and what ``--format`` takes."""

SPEEDS = (0.6, 1.5)
"""The slowest and the fastest pace, relative to the voice's own."""

VOLUMES = (0.5, 2.0)
"""The softest and the loudest level, relative to the voice's own."""


@unique
class Encoding(StrEnum):
    """How one sample is stored, little-endian."""

    PCM_F32LE = "pcm_f32le"
    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"
    PCM_ALAW = "pcm_alaw"

    @property
    def sample_width(self) -> int:
        """Bytes per sample."""
        return _SAMPLE_WIDTHS[self]


_SAMPLE_WIDTHS = {
    Encoding.PCM_F32LE: 4,
    Encoding.PCM_S16LE: 2,
    Encoding.PCM_MULAW: 1,
    Encoding.PCM_ALAW: 1,
}


@unique
class Container(StrEnum):
    """How samples are wrapped on the wire."""

    RAW = "raw"
    WAV = "wav"
    MP3 = "mp3"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the bytes of an audio stream mean: the API's ``output_format``."""

    encoding: Encoding = Encoding.PCM_F32LE
    """Without a meaning where the container is MP3."""

    sample_rate: int = 44_100
    """Samples per second, in hertz."""

    container: Container = Container.RAW

    bit_rate: int | None = None
    """Bits per second, MP3 only."""

    @property
    def bytes_per_second(self) -> int:
        """Payload bytes for one second of audio, without any header."""
        if self.container is Container.MP3:
            return (self.bit_rate or 128_000) // 8
        return self.sample_rate * self.encoding.sample_width

    def seconds(self, n_bytes: int) -> float:
        """Playing time of ``n_bytes`` of payload."""
        return n_bytes / self.bytes_per_second


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One text to be spoken by one voice."""

    transcript: str
    voice_id: str
    format: AudioFormat
    model_id: str = "sonic-latest"
    language: str | None = None
    locale: str | None = None
    """Like ``en-GB``; the API takes a language or a locale, not both."""

    speed: float | Literal["slow", "normal", "fast"] | None = None
    """Times the voice's own pace, within ``SPEEDS``, or one of the API's names."""

    volume: float | None = None
    """Times the voice's own level, within ``VOLUMES``."""

    emotion: tuple[str, ...] = ()
    normalization: str | None = None
    pronunciation_dict_id: str | None = None
    context_id: str | None = None
    voice_embedding: tuple[float, ...] | None = None
    """Stands in for ``voice_id`` with servers of the older API."""

    word_timestamps: bool = False
    phoneme_timestamps: bool = False
    seed: int | None = None
    """The same seed gives the same bytes; the embedded engine only."""

    max_buffer_delay_ms: int | None = None
    """How long text that is still arriving may wait for more, 0 to 5000; None leaves it to the engine."""


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When one word is spoken, in seconds from the start of the audio."""

    word: str
    start: float
    end: float
    confidence: float | None = None
    """0 to 1; only where a recogniser says so."""


@dataclass(frozen=True, slots=True)
class PhonemeTiming:
    """When one phoneme (IPA) is spoken, in seconds from the start of the audio."""

    phoneme: str
    start: float
    end: float


class AudioChunk(NamedTuple):
    """Consecutive payload bytes, as they arrived; may end inside a sample."""

    data: bytes


class WordTimings(NamedTuple):
    """Timings of the next few words; they arrive before or after their audio."""

    words: tuple[WordTiming, ...]


class PhonemeTimings(NamedTuple):
    """Timings of the next few phonemes; they arrive before or after their audio."""

    phonemes: tuple[PhonemeTiming, ...]


class SpeechWarning(NamedTuple):
    """What the engine could not do as asked, one sentence for the user."""

    message: str


class Flushed(NamedTuple):
    """Everything before a ``Flush`` has been spoken."""


SpeechEvent = AudioChunk | WordTimings | PhonemeTimings | SpeechWarning | Flushed
"""What an engine yields while it speaks. The end is the end of the generator."""

SpeechEvents = Generator[SpeechEvent, None, None]
"""The speech of one request; closing it ends the work and frees what it holds."""

Speak = Callable[[SpeechRequest], SpeechEvents]
"""Asks for the speech of one request; an engine's ``synthesize`` with its options bound."""


class Flush(NamedTuple):
    """In a text that is still being written: speak what there is of it; more may follow."""


TextPiece = str | Flush
"""A part of a text that is still being written. All of them joined are the text."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks."""

    id: str
    name: str
    description: str = ""
    language: str = "en"
    gender: str | None = None
    is_owner: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Everything the API said of the voice, under its own keys."""


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """A new voice that sounds like the speaker of a clip."""

    name: str
    language: str = "en"
    description: str | None = None
    accent: str | None = None
    base_voice_id: str | None = None
    mode: Literal["similarity", "stability"] | None = None
    """Of API versions before 2025-04-16."""

    enhance: bool | None = None
    """Of API versions that had it."""


@dataclass(frozen=True, slots=True)
class LocalizeRequest:
    """A new voice: one that exists, in another accent."""

    voice_id: str
    name: str
    accent: str
    description: str | None = None
    tagline: str | None = None


@dataclass(frozen=True, slots=True)
class Accent:
    """A way of speaking a language, of the API's catalogue."""

    id: str
    name: str
    language: str
    locale: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Everything the API said of it, under its own keys."""


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """How a text is to be said."""

    text: str
    alias: str
    """As it sounds, or IPA: ``<<h|ə|l|oʊ>>``."""

    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class PronunciationDictionary:
    """Pronunciations under one name."""

    id: str
    name: str
    items: tuple[Pronunciation, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Everything the API said of it, under its own keys."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a recording."""

    text: str
    words: tuple[WordTiming, ...] = ()
    language: str | None = None
    duration: float | None = None
    is_cut: bool = False
    """Whether the recording broke off before its end; what there was of it was heard."""


@dataclass(frozen=True, slots=True)
class ListenRequest:
    """How sound that is still arriving is to be written down."""

    encoding: str
    """Of the samples, which are mono, little-endian and without a header: ``pcm_s16le`` and the like."""

    sample_rate: int
    """Samples per second, in hertz."""

    model_id: str | None = None
    """None leaves it to the engine."""

    language: str | None = None
    keyterms: tuple[str, ...] = ()
    """Words to expect."""

    min_volume: float | None = None
    """0 to 1: what is fainter counts as silence."""

    max_silence: float | None = None
    """Seconds of silence that end an utterance."""

    turns: bool = False
    """Whether the turns of a conversation are wanted instead of words with their times."""


@dataclass(frozen=True, slots=True)
class TranscriptUpdate:
    """What has been understood of the utterance, or turn, that is being spoken."""

    kind: Literal["interim", "final", "turn"]
    """``interim`` may change and is replaced by the next update; the others stand."""

    text: str
    """All of the utterance so far, without white space around it; may be empty if ``interim``."""

    start: float | None = None
    end: float | None = None
    """Seconds from the start of the sound, where the engine says."""

    words: tuple[WordTiming, ...] = ()


TranscriptUpdates = Generator[TranscriptUpdate, None, None]
"""What is understood while it is being said; closing it ends the work and frees what it holds."""


@dataclass(slots=True)
class Traffic:
    """What a run asked of an engine; the engine counts, ``--stats`` shows."""

    requests: int = 0
    retries: int = 0
    reconnects: int = 0
    """How often a socket was opened again after it had been in use."""
