"""Row 12: the built-in voice on one core: its real-time factor, and its first sound, warm and cold.

Wall time on one core with one thread; the CPU time beside it is what an idle machine would take.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks import measure
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechRequest

_FORMAT = AudioFormat(Encoding.PCM_F32LE, 44_100)
_SENTENCES = (
    "The quick brown fox jumps over the lazy dog, and nobody in the village knows why.",
    "On the 3rd of March 2024, 1,250 people paid $9.99 each to hear it read at 7:30 pm.",
    "A good book and a warm cup of tea make a pleasant evening.",
    "Please remember to close the window before you leave the house, since it may rain in the night.",
)
_LONG_SENTENCE = "When the last train had left, and the lamps had gone out one after another, " * 4
_COLD = (
    "from cartesia_cli.local.engine import LocalEngine; from cartesia_cli.models import *;"
    f"next(LocalEngine().synthesize(SpeechRequest({_SENTENCES[0]!r}, 'heart', AudioFormat())))"
)


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=7)
    parser.add_argument("--core", type=int, default=1)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    os.sched_setaffinity(0, {given.core})
    found = measure.programs(given)
    engine = LocalEngine()
    engine.load()
    say: list[str] = [str(found.cartesia), "say", "--engine", "local", _SENTENCES[0], "-o", "-"]
    rows = []
    for voice in ("heart", "male"):
        wall, cpu = _median(partial(_factor, engine, voice), given.rounds)
        rows.append(
            measure.Row(
                f"times real time, {voice}, wall (CPU)",
                "–",
                f"{wall:.0f}× ({cpu:.0f}×)",
                "–",
                "≥ 50×",
                "100×",
                wall >= 50,
            )
        )
    for text, name in ((_SENTENCES[0], "a sentence"), (_LONG_SENTENCE, "a long sentence")):
        wall, _ = _median(partial(_first_sound, engine, text), given.rounds)
        rows.append(measure.limit(f"first sound, warm, {name}", wall * 1000, unit="ms", must=100))
    for name, command in (("the engine alone", [sys.executable, "-c", _COLD]), ("say -o -", say)):
        wall, cpu = _median(partial(_first_byte, command), given.rounds)
        claim = f"first sound, cold, {name} (whole process {cpu:.2f} s CPU)"
        rows.append(measure.limit(claim, wall, unit="s", must=1.5, goal=0.9))
    measure.print_table("Row 12: the built-in voice", rows)


def _median(run: Callable[[], tuple[float, float]], rounds: int) -> tuple[float, float]:
    """Return the medians of the two figures that a run gives; one run before them is not counted."""
    run()
    walls, cpus = zip(*(run() for _ in range(rounds)), strict=True)
    return statistics.median(walls), statistics.median(cpus)


def _chunks(engine: LocalEngine, text: str, voice: str = "heart") -> Iterator[AudioChunk]:
    """Yield the sound of a text, whose timings are made too."""
    events = engine.synthesize(SpeechRequest(text, voice, _FORMAT, word_timestamps=True))
    return (event for event in events if isinstance(event, AudioChunk))


def _factor(engine: LocalEngine, voice: str) -> tuple[float, float]:
    """Return seconds of sound for each second of work, by the clock and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    seconds = _FORMAT.seconds(
        sum(len(chunk.data) for chunk in _chunks(engine, " ".join(_SENTENCES) * 2, voice))
    )
    return seconds / (time.perf_counter() - start), seconds / (time.process_time() - cpu)


def _first_sound(engine: LocalEngine, text: str) -> tuple[float, float]:
    """Return the seconds until the first chunk, by the clock and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    next(_chunks(engine, text))
    return time.perf_counter() - start, time.process_time() - cpu


def _first_byte(command: list[str]) -> tuple[float, float]:
    """Return the seconds until a program's first sound, or its end if it writes none, and its CPU seconds."""
    before = os.times()
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        output = program.stdout
        if output is not None:
            output.read(64)  # the header of a WAV file and a few samples
        wall = time.perf_counter() - start
        if output is not None:
            output.read()
    if program.returncode:
        raise measure.BenchmarkError(f"{command[0]} ended with {program.returncode}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


if __name__ == "__main__":
    main()
