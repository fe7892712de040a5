"""Moves speech from an engine to where it is wanted, on one timeline; prints nothing."""

import queue
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    Speak,
    SpeechEvent,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
    WordTiming,
    WordTimings,
)

if TYPE_CHECKING:
    from cartesia_cli.captions import Profile

_AHEAD_BYTES = 4 * 2**20
"""How much audio of the next part may wait in memory: 24 s of float32 at 44.1 kHz."""


class Sink(Protocol):
    """What ``write_speech`` needs of a sink; ``audio.sinks`` and ``audio.playback`` fit."""

    def write(self, data: bytes, /) -> None:
        """Take payload bytes, cut anywhere."""

    def mark(self) -> None:
        """Note that a part is complete: ``rewind`` returns to here."""

    def rewind(self) -> bool:
        """Forget everything since ``mark``; False if that cannot be done."""


class AudioWritten(NamedTuple):
    """Audio has reached the sink: which stretch of the timeline, in seconds."""

    n_bytes: int
    start: float
    end: float


SpeechProgress = AudioWritten | WordTimings | PhonemeTimings | SpeechWarning | Flushed
"""What ``write_speech`` yields; times count from the start of the whole text."""


@dataclass(slots=True)
class Timeline:
    """Everything spoken so far, over all parts."""

    format: AudioFormat
    n_bytes: int = 0
    """Payload written."""

    words: list[WordTiming] = field(default_factory=list)
    phonemes: list[PhonemeTiming] = field(default_factory=list)
    first_byte: float | None = None
    """``time.monotonic()`` when the first audio arrived."""

    _mark: tuple[int, int, int] = (0, 0, 0)
    _end: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds of audio written."""
        return self._end

    @property
    def is_at_mark(self) -> bool:
        """Whether nothing has come since ``mark``."""
        return self._mark == (self.n_bytes, len(self.words), len(self.phonemes))

    def mark(self) -> None:
        """Note that a part is complete."""
        self._mark = (self.n_bytes, len(self.words), len(self.phonemes))

    def rewind(self) -> None:
        """Forget everything since ``mark``."""
        self.n_bytes, n_words, n_phonemes = self._mark
        del self.words[n_words:], self.phonemes[n_phonemes:]
        self._end = self.format.seconds(self.n_bytes)

    def add_audio(self, n_bytes: int) -> AudioWritten:
        """Count audio that has been written."""
        if self.first_byte is None:
            self.first_byte = time.monotonic()
        start, self._end = self._end, self.format.seconds(self.n_bytes + n_bytes)
        self.n_bytes += n_bytes
        return AudioWritten(n_bytes, start, self._end)

    def add_words(self, words: Iterable[WordTiming]) -> WordTimings:
        """Place words of the part under way on the timeline."""
        offset = self.format.seconds(self._mark[0])
        placed = tuple(replace(w, start=w.start + offset, end=w.end + offset) for w in words)
        self.words.extend(placed)
        return WordTimings(placed)

    def add_phonemes(self, phonemes: Iterable[PhonemeTiming]) -> PhonemeTimings:
        """Place phonemes of the part under way on the timeline."""
        offset = self.format.seconds(self._mark[0])
        placed = tuple(replace(p, start=p.start + offset, end=p.end + offset) for p in phonemes)
        self.phonemes.extend(placed)
        return PhonemeTimings(placed)


def write_speech(
    speak: Speak,
    requests: Iterable[SpeechRequest],
    sink: Sink,
    timeline: Timeline,
    *,
    repeatable: bool = True,
) -> Generator[SpeechProgress, None, None]:
    """Write the audio of ``requests``, the parts of one text, to ``sink``; yield what happened.

    A part of a long text that breaks after its first byte is asked for once
    more if the sink can forget it.

    Args:
        speak: asks the engine for one part.
        requests: one for each part; the next is under way while one is written.
        sink: takes the audio.
        timeline: keeps the timings and the count.
        repeatable: False if what was yielded is out of our hands, like a printed event.

    Raises:
        CartesiaError: from the engine or the sink. What was yielded before stays valid.
    """
    for part in _ahead(speak, requests):
        sink.mark()
        timeline.mark()
        try:
            with closing(part.events) as events:
                yield from _write_part(events, sink, timeline, final=not (part.one_of_many and repeatable))
        except UnavailableError:
            broken = part.one_of_many and not timeline.is_at_mark
            if not (broken and repeatable and sink.rewind()):
                raise
            timeline.rewind()
            with closing(speak(part.request)) as events:
                yield from _write_part(events, sink, timeline, final=True)
    sink.mark()
    timeline.mark()


def write_utterance(
    events: SpeechEvents, sink: Sink, timeline: Timeline, *, final: bool = True
) -> Generator[SpeechProgress, None, None]:
    """Write the speech of one utterance as it comes; yield what happened.

    It goes on where the timeline ends. Its events are closed, however this ends.

    Args:
        events: the speech.
        sink: takes the audio.
        timeline: keeps the timings and the count.
        final: False if what breaks off will be forgotten, with ``rewind``, and asked for again.

    Raises:
        CartesiaError: from the engine or the sink. What was yielded before stays valid.
    """
    sink.mark()
    timeline.mark()
    with closing(events):
        yield from _write_part(events, sink, timeline, final=final)
    sink.mark()
    timeline.mark()


def _write_part(
    events: Iterable[SpeechEvent], sink: Sink, timeline: Timeline, *, final: bool
) -> Iterator[SpeechProgress]:
    """Write one part; ``final`` if it will not be asked for again, so that a sink need not hold it back."""
    for event in events:
        match event:
            case AudioChunk(data):
                sink.write(data)
                if final:
                    sink.mark()
                yield timeline.add_audio(len(data))
            case WordTimings(words):
                if words:
                    yield timeline.add_words(words)
            case PhonemeTimings(phonemes):
                if phonemes:
                    yield timeline.add_phonemes(phonemes)
            case SpeechWarning() | Flushed():
                yield event


def format_timings(
    wanted: Sequence[tuple[str, str]],
    profile: "Profile | None",
    timeline: Timeline,
    *,
    text: str,
    language: str | None,
) -> dict[str, str]:
    """Return what each timings file holds, by its name.

    Args:
        wanted: name and format of each.
        profile: the rules of captions.
        timeline: all that was spoken.
        text: what was to be spoken.
        language: its code.

    Raises:
        UnavailableError: timings are wanted, and there are none.
    """
    if not wanted or profile is None:
        return {}
    if not timeline.words:
        raise UnavailableError(
            "The API sent no word timings, so there is nothing to make subtitles of.",
            hint="Another model or language may have them.",
        )
    from cartesia_cli.captions import cues_from_words, format_captions

    cues = cues_from_words(timeline.words, profile, language=language)
    return {
        target: format_captions(
            fmt,
            cues,
            words=timeline.words,
            phonemes=timeline.phonemes,
            text=text,
            language=language,
            duration=timeline.duration,
        )
        for target, fmt in wanted
    }


class _Part(NamedTuple):
    request: SpeechRequest
    events: SpeechEvents
    one_of_many: bool


def _ahead(speak: Speak, requests: Iterable[SpeechRequest]) -> Iterator[_Part]:
    """Yield every part with its events; a part is asked for while the one before it is written.

    A text of one part, the ordinary case, takes no thread.
    """
    waiting = iter(requests)
    request, following = next(waiting, None), next(waiting, None)
    if request is None:
        return
    if following is None:
        yield _Part(request, speak(request), one_of_many=False)
        return
    current: _Prefetch | None = _Prefetch(speak, request)
    upcoming: _Prefetch | None = None
    try:
        while current is not None:
            upcoming = _Prefetch(speak, following) if following is not None else None
            following = next(waiting, None)
            yield _Part(current.request, current.events(), one_of_many=True)
            current, upcoming = upcoming, None
    finally:
        for unfinished in (current, upcoming):
            if unfinished is not None:
                unfinished.stop()


class _Prefetch:
    """One part, pulled from the engine by a thread of its own into a bounded buffer."""

    def __init__(self, speak: Speak, request: SpeechRequest) -> None:
        self.request = request
        self._ready: queue.SimpleQueue[SpeechEvent | BaseException | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._stopped = False
        self._changed = threading.Condition()
        # A daemon: when the user leaves, nothing waits for an answer that nobody wants.
        threading.Thread(target=self._pull, args=(speak,), name="next-part", daemon=True).start()

    def events(self) -> SpeechEvents:
        """Yield what has been pulled, waiting for it where need be."""
        try:
            while (event := self._ready.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, AudioChunk):
                    with self._changed:
                        self._waiting_bytes -= len(event.data)
                        self._changed.notify()
                yield event
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop pulling; the thread ends at its next event."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _pull(self, speak: Speak) -> None:
        try:
            with closing(speak(self.request)) as events:
                for event in events:
                    if not self._wait_for_room(event):
                        return
                    self._ready.put(event)
        except BaseException as failure:  # noqa: BLE001  carried to the reader, who raises it
            self._ready.put(failure)
        else:
            self._ready.put(None)

    def _wait_for_room(self, event: SpeechEvent) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting_bytes < _AHEAD_BYTES)
            if isinstance(event, AudioChunk):
                self._waiting_bytes += len(event.data)
            return not self._stopped
