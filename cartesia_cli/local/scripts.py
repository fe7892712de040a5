"""Finds the words of a known script in a recording of it: its own words, numbers and punctuation."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.errors import UsageError
from cartesia_cli.local.hearing import hear_speech
from cartesia_cli.local.recognizer import SAMPLE_RATE
from cartesia_cli.local.segments import Segment, cut_segments
from cartesia_cli.local.transcriber import LocalTranscriber
from cartesia_cli.local.workers import work_in_order
from cartesia_cli.models import WordTiming

_ANCHOR = 3
"""Words in a row that stand once in the script and were heard once."""

_LEAST_HEARD = 0.2
"""Part of the script's words that must be heard for it to be the script of this recording."""

_LARGE_GAP = 2_000
"""Words between anchors beyond which frequent ones are no longer compared."""


@dataclass(frozen=True, slots=True)
class _Share:
    """The words that belong to one segment, in order."""

    words: tuple[str, ...]
    indices: tuple[int | None, ...]
    """Which word of the script each is; None for what was said beside it."""


class ScriptAligner:
    """Fits ``Aligner``. Works with the models of a transcriber."""

    def __init__(self, transcriber: LocalTranscriber, *, n_threads: int | None = None) -> None:
        self._transcriber = transcriber
        self._n_threads = n_threads

    def align(self, text: str, recording: Path) -> tuple[WordTiming, ...]:
        """Return when each word of ``text`` is spoken, all of them, in order and without overlaps.

        The recording, of any length, is read twice: heard once to learn which words belong to which
        segment, then the script's words of each segment are laid over it.

        Raises:
            UsageError: the script has no words, the recording cannot be read or says something else.
        """
        words = text.split()
        if not words:
            raise UsageError("The script holds no words.")
        heard = [*self._hear(recording)]
        shares = _share_out(words, heard)
        models = self._transcriber.models()

        def align(part: tuple[Segment, _Share]) -> list[tuple[int, float, float]]:
            segment, share = part
            times = segment.start + models.aligner().align(share.words, segment.samples)
            return [
                (index, start, end)
                for index, (start, end) in zip(share.indices, times.tolist(), strict=True)
                if index is not None
            ]

        with open_recording(recording) as source:
            segments = cut_segments(source.blocks(SAMPLE_RATE))
            parts = (pair for pair in zip(segments, shares, strict=True) if pair[1].words)
            found = [word for part in work_in_order(parts, align, self._n_threads) for word in part]
        return tuple(WordTiming(words[index], start, end) for index, start, end in found)

    def _hear(self, recording: Path) -> Iterator[tuple[str, ...]]:
        """Yield the words of each segment as they are heard, none where no one speaks."""
        models = self._transcriber.models()

        def hear(segment: Segment) -> tuple[str, ...]:
            speech = hear_speech(segment.samples, models.recognizer, models.aligner)
            return tuple(speech.texts) if speech else ()

        with open_recording(recording) as source:
            segments = cut_segments(source.blocks(SAMPLE_RATE))
            yield from work_in_order(segments, hear, self._n_threads)


def match_words(script: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of indices of equal words, ascending in both.

    Anchors first: runs of words that each side has once, in the longest order that both share
    (Bram Cohen's patience diff); then what lies between two anchors.
    """
    left, right = [*map(_key, script)], [*map(_key, heard)]
    pairs: list[tuple[int, int]] = []
    i = j = 0
    for i_next, j_next in [*_anchors(left, right), (len(left), len(right))]:
        ours, theirs = left[i:i_next], right[j:j_next]
        is_large = len(ours) * len(theirs) > _LARGE_GAP**2
        matcher = SequenceMatcher(None, ours, theirs, autojunk=is_large)
        for block in matcher.get_matching_blocks():
            pairs += [(i + block.a + n, j + block.b + n) for n in range(block.size) if ours[block.a + n]]
        i, j = i_next, j_next
    return pairs


def _anchors(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """Return where the shared runs begin, ascending in both."""
    places = _unique_runs(right)
    candidates = [(i, places[run]) for run, i in _unique_runs(left).items() if run in places]
    # The longest ascending subsequence: the last of each length, and what came before it.
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for n, (_, j) in enumerate(candidates):
        length = bisect_left(tails, j)
        before.append(last[length - 1] if length else -1)
        tails[length : length + 1] = [j]
        last[length : length + 1] = [n]
    chain: list[tuple[int, int]] = []
    n = last[-1] if last else -1
    while n >= 0:
        chain.append(candidates[n])
        n = before[n]
    return chain[::-1]


def _unique_runs(keys: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Return where each run of words that occurs once begins, in order."""
    runs = [tuple(keys[n : n + _ANCHOR]) for n in range(len(keys) - _ANCHOR + 1)]
    counts = Counter(runs)
    return {run: n for n, run in enumerate(runs) if counts[run] == 1}


def _share_out(script: Sequence[str], heard: Sequence[Sequence[str]]) -> list[_Share]:
    """Return which words belong to each segment.

    Raises:
        UsageError: too few of the words were heard.
    """
    flat = [word for words in heard for word in words]
    segment_of = [n for n, words in enumerate(heard) for _ in words]
    pairs = match_words(script, flat)
    if len(pairs) < _LEAST_HEARD * min(len(script), len(flat)) or not pairs:
        raise UsageError(
            "The recording does not say what the script does.", hint="Check that they belong together."
        )
    matched = np.array(pairs)
    # A word that was not heard as it is written lies between its neighbours that were.
    places = np.interp(np.arange(len(script)), matched[:, 0], matched[:, 1])
    shares: list[list[tuple[float, str, int | None]]] = [[] for _ in heard]
    for index, place in enumerate(places.tolist()):
        shares[segment_of[int(place)]].append((place, script[index], index))
    for place in _beside(pairs, len(script), len(flat)):
        shares[segment_of[place]].append((place, flat[place], None))
    ordered = [
        sorted(share, key=lambda word: (word[0], -1 if word[2] is None else word[2])) for share in shares
    ]
    return [_Share(tuple(word[1] for word in share), tuple(word[2] for word in share)) for share in ordered]


def _beside(pairs: Sequence[tuple[int, int]], n_script: int, n_heard: int) -> Iterator[int]:
    """Yield the heard words for which the script has nothing: between two words that follow each other."""
    for (i, j), (i_next, j_next) in zip([(-1, -1), *pairs], [*pairs, (n_script, n_heard)], strict=True):
        if i_next == i + 1:
            yield from range(j + 1, j_next)


def _key(word: str) -> str:
    """Return what two ways of writing a word have in common."""
    return "".join(filter(str.isalnum, word)).casefold()
