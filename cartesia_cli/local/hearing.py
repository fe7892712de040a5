"""Decides what of a segment is speech, and which of several hearings to believe."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.local.alignment import FARTHEST, WordAligner
from cartesia_cli.local.recognizer import HeardWord, Hearing, Impression, Recognizer

_SURE = 0.85
"""Confidence from which one hearing is enough."""

_DOUBTFUL = 0.75
"""Mean confidence of several hearings below which the sound itself must speak for the words."""

_OTHER_PADDINGS = (0.25, 0.8)
_MUSIC = "♪"
_PHANTOM = "You"
"""What the network writes, without punctuation, for sounds that are no words."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The words of one segment, at least one, and what they were heard in."""

    words: tuple[HeardWord, ...]
    impression: Impression

    @property
    def texts(self) -> list[str]:
        """The words as they are written."""
        return [word.text for word in self.words]


class FirstHearing(NamedTuple):
    """What the network makes of one segment when it listens once."""

    impression: Impression
    hearing: Hearing


def hear_once(samples: NDArray[np.float32], recognizer: Recognizer) -> FirstHearing:
    """Return what is heard in a segment that may still grow; see ``hear_speech`` for the arguments."""
    impression = recognizer.listen(samples)
    return FirstHearing(impression, recognizer.spell(impression))


def guess_words(
    first: FirstHearing, samples: NDArray[np.float32], aligner: Callable[[], WordAligner]
) -> list[str]:
    """Return the words of a segment that may still grow, if it is speech by all that is known of it.

    One hearing must do, since there will be another soon.
    """
    words = [word.text for word in _spoken(first.hearing)]
    if first.hearing.confidence >= _DOUBTFUL:
        return words
    # One short word is too little to compare: beeps sound like a letter.
    is_alike = len(words) > 1 and aligner().distance(words, samples, first.impression) <= FARTHEST
    return words if is_alike else []


def hear_speech(
    samples: NDArray[np.float32],
    recognizer: Recognizer,
    aligner: Callable[[], WordAligner],
    first: FirstHearing | None = None,
) -> Speech | None:
    """Return what is said in one segment; None if no one speaks.

    Where the network is not sure it listens again, with more and with less silence around, and the
    surest hearing counts. Words that stay doubtful must sound like our own voice saying them: silence,
    noise and music are written down as words too, with up to 0.75 of confidence.

    Args:
        samples: see ``Recognizer.listen``.
        recognizer: the network.
        aligner: gives what judges doubtful words; called only where there are some.
        first: of these samples, if they were heard before.
    """
    impression, hearing = first or hear_once(samples, recognizer)
    if not _spoken(hearing):
        return None
    if hearing.confidence >= _SURE:
        return Speech(_spoken(hearing), impression)
    hearings = [hearing, *(recognizer.spell(recognizer.listen(samples, other)) for other in _OTHER_PADDINGS)]
    words = _spoken(max(hearings, key=lambda hearing: hearing.confidence))
    if not words:
        return None
    speech = Speech(words, impression)
    if mean(hearing.confidence for hearing in hearings) >= _DOUBTFUL:
        return speech
    return speech if aligner().distance(speech.texts, samples, impression) <= FARTHEST else None


def _spoken(hearing: Hearing) -> tuple[HeardWord, ...]:
    """Return the words that can be speech: none in music, none of those that noise is taken for."""
    if _MUSIC in hearing.text or hearing.text == _PHANTOM:
        return ()
    return tuple(word for word in hearing.words if any(map(str.isalnum, word.text)))
