"""Writes down speech while it is being said: the segment that grows is heard again and again."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.agreement import Agreement
from cartesia_cli.local.growing import GrowingSegments
from cartesia_cli.local.hearing import FirstHearing, guess_words, hear_once
from cartesia_cli.local.intake import Intake
from cartesia_cli.local.passages import Models, hear_passage
from cartesia_cli.local.segments import Segment
from cartesia_cli.local.workers import Work, at_once
from cartesia_cli.models import ListenRequest, TranscriptUpdate, TranscriptUpdates

_MAX_SILENCE = 0.9
"""Seconds that end an utterance, if the request says nothing."""

_INTERVAL = 0.5
_SHARE = 1 / 8
_EFFORT = 2.0
"""A segment is heard again after so many seconds of new speech, after that part of its length, and
after so many times the seconds that it took to hear it."""

_BREATH = 0.3
_LEAST = 0.1
"""Seconds of silence after which what was said is heard without waiting for more, and of that at least."""

_BEHIND = 5.0
"""Seconds of sound that wait, beyond which only whole segments are heard."""


def listen_live(
    request: ListenRequest, sound: Iterable[bytes], models: Callable[[], Models], work: Work = at_once
) -> TranscriptUpdates:
    """Yield what is said while it is being said; nothing if no one speaks.

    Args:
        request: see ``ListenRequest``; its language is not looked at.
        sound: see ``LiveTranscriber.listen``.
        models: gives what listens; called when sound is arriving already.
        work: who listens; every hearing is due at once.

    Raises:
        UsageError: at once, the encoding or the rate is not known.
    """
    return _listen(request, Intake(sound, request.encoding, request.sample_rate), models, work)


def _listen(
    request: ListenRequest, intake: Intake, models: Callable[[], Models], work: Work
) -> TranscriptUpdates:
    silence = _MAX_SILENCE if request.max_silence is None else request.max_silence
    segments = GrowingSegments(silence, request.min_volume or 0.0)
    with intake:
        ear = _Ear(models(), work, turns=request.turns)
        for step in intake.steps():
            for segment in segments.add(step):
                yield from ear.conclude(segment)
            if intake.waiting <= _BEHIND:
                yield from ear.follow(segments)
        for segment in segments.finish():
            yield from ear.conclude(segment)
        intake.check()


@dataclass(slots=True)
class _Draft:
    """What is known of the segment that grows."""

    agreement: Agreement = field(default_factory=Agreement)
    segment: Segment | None = None
    """As it was when it was last heard."""

    first: FirstHearing | None = None
    """Of that."""

    effort: float = 0.0
    """Seconds that this took."""

    shown: str = ""

    def is_due(self, segments: GrowingSegments) -> bool:
        """Whether so much was said since the segment was last heard that it should be heard again."""
        heard = 0.0 if self.segment is None else self.segment.end - self.segment.start
        grown = segments.length - heard
        if segments.silence >= _BREATH:
            return grown >= _LEAST
        return grown >= max(_INTERVAL, _SHARE * segments.length, _EFFORT * self.effort)

    def hearing_of(self, segment: Segment) -> FirstHearing | None:
        """Return what was heard in just this segment, if it was heard."""
        if self.segment is None:
            return None
        is_same = (segment.start, segment.samples.size) == (self.segment.start, self.segment.samples.size)
        return self.first if is_same else None


class _Ear:
    """Hears one segment after the other, while it grows and when it is whole."""

    def __init__(self, models: Models, work: Work, *, turns: bool) -> None:
        self._models = models
        self._work = work
        self._turns = turns
        self._draft = _Draft()
        models.aligner()  # it takes half a second, which the first words would have to wait for

    def follow(self, segments: GrowingSegments) -> Iterator[TranscriptUpdate]:
        """Yield what is understood of the segment that grows, if that is due and something new."""
        draft = self._draft
        segment = segments.current() if draft.is_due(segments) else None
        if segment is None:
            return
        began = time.monotonic()
        first, words = self._work(partial(self._hear, segment.samples), began)
        if words:
            draft.agreement.hear(words, is_pause=segments.silence >= _BREATH)
        draft.segment, draft.first, draft.effort = segment, first, time.monotonic() - began
        # The text of a turn only ever grows.
        text = draft.agreement.stable if self._turns else draft.agreement.text
        if text != draft.shown:
            draft.shown = text
            yield TranscriptUpdate("interim", text, segment.start, segment.end)

    def conclude(self, segment: Segment) -> Iterator[TranscriptUpdate]:
        """Yield what was said in a whole segment; if it is nothing after all, take back what was shown."""
        draft, self._draft = self._draft, _Draft()
        first = draft.hearing_of(segment)
        hear = partial(hear_passage, segment, self._models, words=not self._turns, first=first)
        passage = self._work(hear, time.monotonic())
        if passage is not None:
            kind: Literal["turn", "final"] = "turn" if self._turns else "final"
            yield TranscriptUpdate(kind, passage.text, passage.start, passage.end, passage.words)
        elif draft.shown:
            yield TranscriptUpdate("interim", "", segment.start, segment.end)

    def _hear(self, samples: NDArray[np.float32]) -> tuple[FirstHearing, list[str]]:
        """Return what is heard in a segment that may still grow, and its words if it is speech."""
        first = hear_once(samples, self._models.recognizer)
        return first, guess_words(first, samples, self._models.aligner)
