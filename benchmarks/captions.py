"""Row 13: 20,000 words to cues and an SRT file, against the `srt` library composing the same cues.

    python benchmarks/captions.py [--words 20000] [--runs 7]

Medians of interleaved runs in one process, CPU time.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import srt

sys.path.insert(0, str(Path(__file__).parents[1]))

from cartesia_cli.captions import Cue, cues_from_words, format_captions, load_profile
from cartesia_cli.models import WordTiming

TEXT = """
    It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
    foolishness. The committee will meet again on the first Monday of the month, unless the chairman is away.
    In 1997 she moved to New York with her two brothers, a piano and very little money. Nothing happened.
"""


def spoken(n_words: int) -> list[WordTiming]:
    """Return 160 words a minute, with pauses after punctuation; the same in every run."""
    chance = random.Random(0)  # noqa: S311  not for secrets
    texts = TEXT.split()
    at, words = 0.0, []
    for index in range(n_words):
        text = texts[index % len(texts)]
        length = (len(text) + 1) * 0.0658 * chance.uniform(0.8, 1.2)
        words.append(WordTiming(text, at, at + length * 0.95))
        at += length + (chance.uniform(0.1, 0.6) if text[-1] in ".,;" else 0)
    return words


def compose(cues: list[Cue]) -> str:
    """Return the file as the `srt` library writes it."""
    composed: str = srt.compose(
        srt.Subtitle(
            index, timedelta(milliseconds=cue.start), timedelta(milliseconds=cue.end), "\n".join(cue.lines)
        )
        for index, cue in enumerate(cues, 1)
    )
    return composed


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU milliseconds of one run."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def main() -> None:
    """Print one line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    words, profile = spoken(options.words), load_profile("netflix")
    cues = cues_from_words(words, profile, language="en")
    if compose(cues) != format_captions("srt", cues):
        sys.exit("the two write different files")
    works: dict[str, Callable[[], object]] = {
        "cues": lambda: cues_from_words(words, profile, language="en"),
        "srt": lambda: format_captions("srt", cues),
        "peer": lambda: compose(cues),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.runs):
        for name, work in works.items():
            times[name].append(cpu(work))
    median = {name: statistics.median(values) for name, values in times.items()}
    print("| claim | words to cues | our SRT | `srt` library, the same cues | writing, `srt` / ours |")
    print("|---|--:|--:|--:|--:|")
    print(
        f"| captions for {options.words:,} words ({len(cues):,} cues) | {median['cues']:.0f} ms "
        f"| {median['srt']:.1f} ms | {median['peer']:.1f} ms | {median['peer'] / median['srt']:.1f} |"
    )


if __name__ == "__main__":
    main()
