"""Puts a text together: sentence after sentence, the silence between, and one timeline."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np

from cartesia_cli.audio import pcm
from cartesia_cli.audio.resample import StreamResampler
from cartesia_cli.local.pronounce import Pronouncer, Reading
from cartesia_cli.local.speakable import nothing_to_say
from cartesia_cli.local.tags import Break
from cartesia_cli.local.text import CLAUSE_PAUSE, Rest, Sentence
from cartesia_cli.local.voice import Span, SpeechModel, Stretch, cut
from cartesia_cli.local.voices import Manner
from cartesia_cli.local.waveform import SAMPLE_RATE, Floats
from cartesia_cli.local.workers import Work, at_once
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Flush,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    WordTiming,
    WordTimings,
)

_CHUNK_SECONDS = 0.1
_MOST_SILENCE = 5.0


def speak(
    items: Iterable[Sentence | Break | Rest | Flush],
    request: SpeechRequest,
    manner: Manner,
    pronouncer: Pronouncer,
    model: SpeechModel,
    work: Work = at_once,
) -> Iterator[SpeechEvent]:
    """Yield the sound of sentences as they come, and the timings asked for.

    Each stretch of it is a piece of ``work``, due when a listener has heard all that there was before.

    Raises:
        UsageError: nothing in the text has a sound.
    """
    output, pause, n_stretches = Output(request.format), _Pause(), 0
    for item in items:
        match item:
            case Break(seconds):
                pause.order(seconds)
                continue
            case Rest(seconds):
                pause.allow(seconds)
                continue
            case Flush():
                if n_stretches:
                    yield from output.write_silence(pause.begin(CLAUSE_PAUSE))
                yield Flushed()
                continue
            case Sentence():
                pass
        track = _Track(item, output.seconds)
        reader = _Reader(item, manner, request.seed, pronouncer, model, n_stretches)
        make = partial(_make_sound, reader, pause, output)
        while not reader.is_done and (sound := work(make, output.heard_at)) is not None:
            track.add(sound.stretch, sound.start)
            yield from sound.chunks
            pause.allow(CLAUSE_PAUSE)
            n_stretches += 1
        if n_stretches:
            pause.allow(item.pause)
        yield from track.timings(request)
    if not n_stretches:
        raise nothing_to_say()
    yield from output.write_silence(pause.rest())
    yield from output.finish()


@dataclass(slots=True)
class _Reader:
    """Reads one sentence aloud, a stretch at a time."""

    sentence: Sentence
    manner: Manner
    seed: int | None
    pronouncer: Pronouncer
    model: SpeechModel
    n_read: int
    """Stretches of the text so far."""

    _parts: deque[Reading] | None = None

    @property
    def is_done(self) -> bool:
        """Whether all of the sentence is read."""
        return self._parts is not None and not self._parts

    def read(self) -> Stretch | None:
        """Return the next stretch; None if nothing of the sentence has a sound."""
        if self._parts is None:
            self._parts = deque(cut(self.pronouncer.pronounce(self.sentence), soon=self.n_read == 0))
        if not self._parts:
            return None
        volumes = [self.manner.volume if word.volume is None else word.volume for word in self.sentence.words]
        speed = self.manner.speed if self.sentence.speed is None else self.sentence.speed
        manner, noise = Manner(self.manner.timbre, speed), _noise(self.seed, self.n_read)
        self.n_read += 1
        return self.model.speak(self._parts.popleft(), manner, volumes, noise)


@dataclass(frozen=True, slots=True)
class _Sound:
    """A stretch, ready to be sent."""

    stretch: Stretch
    start: float
    """Seconds on the timeline of the text."""

    chunks: Iterable[AudioChunk]
    """With the silence before it."""


def _make_sound(reader: _Reader, pause: "_Pause", output: "Output") -> _Sound | None:
    """Return the sound of the next stretch; None if nothing of the sentence has one."""
    stretch = reader.read()
    if stretch is None:
        return None
    silence = pause.take()
    start = output.seconds_after(silence)
    chunks = chain(output.write_silence(silence), output.write(stretch.samples))
    # Who does the work does it to the end, but hours of silence are not to be kept in memory.
    return _Sound(stretch, start, list(chunks) if silence <= _MOST_SILENCE else chunks)


def _noise(seed: int | None, n: int) -> np.random.Generator:
    """Return the noise of the n-th stretch: the same for one seed, whatever was spoken before."""
    return np.random.default_rng([(seed or 0) % 2**64, n])


@dataclass(slots=True)
class _Pause:
    """The silence that is due before the next sound: what tags order, or else what is natural."""

    natural: float = 0.0
    ordered: float = 0.0
    begun: float = 0.0
    """Seconds of it that are written already."""

    def allow(self, seconds: float) -> None:
        """Set the natural pause; a longer one stays."""
        self.natural = max(self.natural, seconds)

    def order(self, seconds: float) -> None:
        """Add a break, which stands in place of any natural pause."""
        self.ordered += seconds

    def begin(self, seconds: float) -> float:
        """Return up to ``seconds`` of what is due, to be written now: it pushes out the sound before it."""
        now = min(seconds, max(0.0, (self.ordered or self.natural) - self.begun))
        self.begun += now
        return now

    def take(self) -> float:
        """Return the seconds due; then none are."""
        due = max(0.0, (self.ordered or self.natural) - self.begun)
        self.natural = self.ordered = self.begun = 0.0
        return due

    def rest(self) -> float:
        """Return the seconds due behind the last sound: breaks alone."""
        return max(0.0, self.ordered - self.begun)


@dataclass(slots=True)
class _Track:
    """When the words and phonemes of one sentence are spoken, on the timeline of the text."""

    sentence: Sentence
    start: float
    """Seconds; where words without a sound are that nothing stands before."""

    phonemes: list[PhonemeTiming] = field(default_factory=list)
    _spans: dict[int, Span] = field(default_factory=dict)

    def add(self, stretch: Stretch, offset: float) -> None:
        """Take over the timings of a stretch that begins at ``offset`` seconds."""
        for span in stretch.words:
            start = self._spans[span.owner].start if span.owner in self._spans else offset + span.start
            self._spans[span.owner] = Span(span.owner, start, offset + span.end)
        self.phonemes += [
            PhonemeTiming(timing.phoneme, offset + timing.start, offset + timing.end)
            for timing in stretch.phonemes
        ]

    def timings(self, request: SpeechRequest) -> Iterator[SpeechEvent]:
        """Yield those that were asked for."""
        if request.word_timestamps:
            yield WordTimings(self.words())
        if request.phoneme_timestamps and self.phonemes:
            yield PhonemeTimings(tuple(self.phonemes))

    def words(self) -> tuple[WordTiming, ...]:
        """Return every word of the sentence in order.

        A word without a sound, such as a dash, has the time between its neighbours.
        """
        timings: list[WordTiming] = []
        for owner, word in enumerate(self.sentence.words):
            span = self._spans.get(owner)
            if span is None:
                before = timings[-1].end if timings else self.start
                after = next(
                    (
                        self._spans[n].start
                        for n in range(owner, len(self.sentence.words))
                        if n in self._spans
                    ),
                    before,
                )
                span = Span(owner, before, max(before, after))
            timings.append(WordTiming(word.text, span.start, span.end))
        return tuple(timings)


class Output:
    """Samples at the model's rate in, chunks in the request's encoding and rate out."""

    def __init__(self, audio_format: AudioFormat, clock: Callable[[], float] = time.monotonic) -> None:
        self._format = audio_format
        self._clock = clock
        self._began: float | None = None
        self._resampler = StreamResampler(SAMPLE_RATE, audio_format.sample_rate)
        self._n_samples = 0

    @property
    def seconds(self) -> float:
        """Playing time of what was written."""
        return self._n_samples / SAMPLE_RATE

    def seconds_after(self, silence: float) -> float:
        """Return what ``seconds`` will be after ``write_silence(silence)``."""
        return (self._n_samples + round(silence * SAMPLE_RATE)) / SAMPLE_RATE

    @property
    def heard_at(self) -> float:
        """When one who listens since the first sound has heard everything; now if there was none."""
        return self._clock() if self._began is None else self._began + self.seconds

    def write(self, samples: Floats) -> Iterator[AudioChunk]:
        """Yield the sound that is ready."""
        if self._began is None:
            self._began = self._clock()
        self._n_samples += samples.size
        yield from self._chunks(self._resampler.process(samples))

    def write_silence(self, seconds: float) -> Iterator[AudioChunk]:
        """Yield silence, a second at most at a time."""
        n_left = round(seconds * SAMPLE_RATE)
        while n_left > 0:
            yield from self.write(np.zeros(min(n_left, SAMPLE_RATE), np.float32))
            n_left -= SAMPLE_RATE

    def finish(self) -> Iterator[AudioChunk]:
        """Yield what the resampler still holds."""
        yield from self._chunks(self._resampler.process(np.zeros(0, np.float32), last=True))

    def _chunks(self, samples: Floats) -> Iterator[AudioChunk]:
        data = pcm.encode(samples, self._format.encoding)
        size = round(self._format.sample_rate * _CHUNK_SECONDS) * self._format.encoding.sample_width
        for start in range(0, len(data), size):
            yield AudioChunk(data[start : start + size])
