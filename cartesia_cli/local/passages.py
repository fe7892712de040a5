"""What is said in one segment, as text and as words with their times."""

import sys
from dataclasses import dataclass
from threading import Lock

from cartesia_cli.local.alignment import WordAligner
from cartesia_cli.local.hearing import FirstHearing, hear_speech
from cartesia_cli.local.recognizer import Recognizer
from cartesia_cli.local.segments import Segment
from cartesia_cli.models import WordTiming


@dataclass(frozen=True, slots=True)
class Passage:
    """What was said in one segment of a recording."""

    text: str
    words: tuple[WordTiming, ...]
    """On the timeline of the recording; none if times were not asked for."""

    start: float
    end: float
    """Seconds from the start of the recording."""


class Models:
    """The recogniser, and the aligner, which is loaded when it is first needed."""

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._aligner: WordAligner | None = None
        self._lock = Lock()

    def aligner(self) -> WordAligner:
        """Return what finds the times of words.

        Raises:
            UsageError: the voice is missing or broken.
        """
        with self._lock:
            if self._aligner is None:
                self._aligner = WordAligner(self.recognizer)
            return self._aligner


def hear_passage(
    segment: Segment, models: Models, *, words: bool, first: FirstHearing | None = None
) -> Passage | None:
    """Return what is said in one segment, None if it is nothing.

    Args:
        segment: of a recording.
        models: what listens.
        words: also find when each word is spoken.
        first: of this segment, if it was heard before.
    """
    speech = hear_speech(segment.samples, models.recognizer, models.aligner, first)
    if speech is None:
        return None
    timings: tuple[WordTiming, ...] = ()
    if words:
        times = models.aligner().align(speech.texts, segment.samples, speech.impression)
        timings = tuple(
            # The same words come again and again: one copy of each is enough for hours.
            WordTiming(sys.intern(word.text), segment.start + start, segment.start + end, word.confidence)
            for word, (start, end) in zip(speech.words, times.tolist(), strict=True)
        )
    return Passage(" ".join(speech.texts), timings, segment.start, segment.end)
