"""Rows 8 and 9: many texts at once, against the official SDK and against the ideal schedule. Linux only.

    python -m benchmarks.batch [crowd] [lines] [slow] --venv .venv

``crowd`` is 512 utterances of 2 s, 16 at once, from a server that is faster than both programs. ``lines`` is
100,000 lines of 0.1 s: throughput, memory, and what a second run takes. ``slow`` is 512 utterances, 64 at
once, from a server that takes a second for each. The SDK is its asynchronous client behind a semaphore.

Every run has a folder and a home of its own, so that it finds neither files nor a journal nor a cache. Every
file is compared with what was sent, and the server's count of its requests with the number of lines.
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import measure
from benchmarks.crowd import ask_at_once
from benchmarks.fastserver import CHUNK_SECONDS

SECTIONS = ("crowd", "lines", "slow")

CROWD = 512
CROWD_SECONDS = 2.0
CROWD_JOBS = 16

LINE_SECONDS = 0.1
FEW_LINES = 10
"""What the SDK makes of so many is its start."""

SLOW_JOBS = 64
SLOW_SECONDS = 1.1
FIRST_BYTE = 0.5
PACE = 0.05
ANSWER_TIME = FIRST_BYTE + (round(SLOW_SECONDS / CHUNK_SECONDS) - 1) * PACE
"""Seconds of the slow server for one text: half of a second to the first chunk, and as much to the last."""

_TRANSPORTS = ("sse", "bytes", "websocket")


@dataclass(frozen=True, slots=True)
class Task:
    """What one run has to do."""

    n_lines: int
    seconds: float
    """Of audio for each line."""

    jobs: int
    transport: str = "sse"


@dataclass(frozen=True, slots=True)
class Done:
    """One run, and what the server saw of it."""

    usage: measure.Usage
    most_at_once: int


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything is."""

    found: measure.Programs
    url: str
    scratch: Path

    @contextmanager
    def room(self, task: Task) -> "Iterator[Room]":
        """Yield an empty folder with the manifest of a task in it."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            room = Room(self, task, Path(folder))
            room.prepare()
            yield room

    def run(self, task: Task, *, sdk: bool = False) -> Done:
        """Return what one run took, after a look at every file."""
        with self.room(task) as room:
            done = room.sdk() if sdk else room.ours()
            room.check_files()
        return done


@dataclass(frozen=True, slots=True)
class Room:
    """A folder with a manifest, for one program or for one after the other."""

    bench: Bench
    task: Task
    folder: Path

    def prepare(self) -> None:
        """Write the manifest; the number comes last, for the server takes the first for the length."""
        lines = (f"{self.task.seconds:g} seconds of line {i}.\n" for i in range(1, self.task.n_lines + 1))
        self._manifest.write_text("".join(lines))
        self._output.mkdir()

    def ours(self, *, n_asked: int | None = None) -> Done:
        """Run ``cartesia batch``; it has to ask for ``n_asked`` lines, by default for all."""
        home = str(self.folder / "home")
        environment = {"CARTESIA_API_KEY": "benchmark", "CARTESIA_BASE_URL": self.bench.url}
        environment |= {"CARTESIA_ENGINE": "cloud", "HOME": home}
        environment |= {f"XDG_{name}_HOME": f"{home}/{name}" for name in ("CACHE", "CONFIG", "DATA", "STATE")}
        argv: list[str | Path] = [self.bench.found.cartesia, "batch", self._manifest, "-o", self._output]
        argv += ["--transport", self.task.transport, "--jobs", str(self.task.jobs), "--no-cache"]
        argv += ["--voice", measure.VOICE, *measure.RAW]
        return self._run(argv, environment, self.task.n_lines if n_asked is None else n_asked)

    def sdk(self) -> Done:
        """Run the official SDK."""
        script = Path(measure.__file__).parent / "sdk_client.py"
        argv: list[str | Path] = [
            self.bench.found.python,
            script,
            "batch",
            self.bench.url,
            self._manifest,
            self._output,
        ]
        return self._run([*argv, str(self.task.jobs)], {}, self.task.n_lines)

    def check_files(self) -> None:
        """Check that each file holds what was sent, and delete it.

        Raises:
            BenchmarkError: a file is missing, is one too many or holds something else.
        """
        paths = list(self._output.glob("[!.]*"))  # the journal's name begins with a dot
        if len(paths) != self.task.n_lines:
            raise measure.BenchmarkError(f"there are {len(paths)} files, not {self.task.n_lines}")
        for path in paths:
            measure.check_audio(path, self.task.seconds)

    @property
    def _manifest(self) -> Path:
        return self.folder / "lines.txt"

    @property
    def _output(self) -> Path:
        return self.folder / "made"

    def _run(self, argv: Sequence[str | Path], environment: dict[str, str], n_asked: int) -> Done:
        measure.counts(self.bench.url)
        usage = measure.run(argv, environment=environment)
        seen = measure.counts(self.bench.url)
        print(".", end="", file=sys.stderr, flush=True)
        if seen.asked != n_asked or seen.most_at_once > self.task.jobs:
            raise measure.BenchmarkError(
                f"the server was asked for {seen.asked} texts, {seen.most_at_once} at once,"
                f" not for {n_asked}, {self.task.jobs} at once"
            )
        return Done(usage, seen.most_at_once)


def main() -> None:
    """Measure and print the tables."""
    parser = measure.options(__doc__, rounds=5)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="crowd, lines, slow (default: all)")
    parser.add_argument("--scratch", type=Path, help="where the files go (default: the system's folder)")
    parser.add_argument("--lines", type=int, default=100_000, help="lines of ours (default: %(default)s)")
    parser.add_argument(
        "--sdk-lines", type=int, default=5_000, help="lines of the SDK (default: %(default)s)"
    )
    parser.add_argument("--line-rounds", type=int, default=1, help="rounds of `lines` (default: %(default)s)")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    for section in given.sections or SECTIONS:
        {"crowd": measure_crowd, "lines": measure_lines, "slow": measure_slow}[section](given)


@contextmanager
def _bench(given: argparse.Namespace, *arguments: str) -> Iterator[Bench]:
    with measure.fast_server(*arguments) as url:
        yield Bench(measure.programs(given), url, given.scratch or Path(tempfile.gettempdir()))


def measure_crowd(given: argparse.Namespace) -> None:
    """Print the table of row 8."""
    ours = {name: Task(CROWD, CROWD_SECONDS, CROWD_JOBS, name) for name in _TRANSPORTS}
    with _bench(given) as bench:
        alone = _server_alone(bench.url, ours["sse"], CROWD)
        done = _in_turns(bench, ours, given.rounds)
    rows = []
    for name in _TRANSPORTS:
        must, goal = (3, 6.5) if name == "sse" else (None, None)
        for what, field in (("wall", "wall"), ("CPU", "cpu")):
            values = _median(done["SDK"], field), _median(done[name], field)
            rows.append(measure.compare(f"{name}: {what}", *values, must=must, goal=goal))
        peaks = _median(done["SDK"], "peak"), _median(done[name], "peak")
        rows.append(measure.compare(f"{name}: peak memory", *peaks, unit="MB"))
    title = f"{CROWD} utterances of {CROWD_SECONDS:g} s, {CROWD_JOBS} at once (row 8)"
    measure.print_table(f"{title}, reference: the official SDK by SSE", rows)
    print(f"\nA bare client of the same server takes {alone:.3f} s.")


def measure_lines(given: argparse.Namespace) -> None:
    """Print the table of a manifest of many lines."""
    many = Task(given.lines, LINE_SECONDS, CROWD_JOBS)
    tenth = replace(many, n_lines=given.lines // 10)
    sample = replace(many, n_lines=given.sdk_lines)
    few = replace(many, n_lines=FEW_LINES)
    with _bench(given) as bench:
        alone = _server_alone(bench.url, many, given.sdk_lines) / given.sdk_lines
        found: dict[str, list[Done]] = {name: [] for name in ("few", "SDK", "tenth", "many", "again")}
        for _ in range(given.line_rounds):
            found["few"].append(bench.run(few, sdk=True))
            found["SDK"].append(bench.run(sample, sdk=True))
            found["tenth"].append(bench.run(tenth))
            with bench.room(many) as room:
                found["many"].append(room.ours())
                found["again"].append(room.ours(n_asked=0))
                room.check_files()
            found["SDK"].append(bench.run(sample, sdk=True))
    print(file=sys.stderr)
    n = given.lines
    rows = []
    for what, field, must in (("wall", "wall", 3), ("CPU", "cpu", None)):
        start = _median(found["few"], field)
        a_line = (_median(found["SDK"], field) - start) / (given.sdk_lines - FEW_LINES)
        sdk, ours = start + a_line * (n - FEW_LINES), _median(found["many"], field)
        rows.append(measure.compare(f"{n:,} lines: {what}", sdk, ours, must=must))
    peaks = {name: _median(done, "peak") for name, done in found.items()}
    growth = peaks["many"] - peaks["tenth"]
    rows.append(
        measure.compare(
            f"peak memory (the SDK's: {given.sdk_lines:,} lines)", peaks["SDK"], peaks["many"], unit="MB"
        )
    )
    rows.append(measure.limit(f"growth from {tenth.n_lines:,} lines", growth, unit="MB", must=5))
    again = _median(found["again"], "wall")
    rows.append(
        measure.compare("the same again, without a request: wall", _median(found["many"], "wall"), again)
    )
    growth = peaks["again"] - peaks["tenth"]
    rows.append(
        measure.limit("the same again: peak memory above the first run of a tenth", growth, unit="MB", must=5)
    )
    measure.print_table(f"{n:,} lines of {LINE_SECONDS:g} s by SSE, {CROWD_JOBS} at once", rows)
    print(
        f"\nThe SDK made {given.sdk_lines:,} lines; its figures are its start and as much for each line as it"
        " took for those.\nThe reference of the second run is the first. A bare client of the server takes"
        f" {alone * 1e6:.0f} µs for a line."
    )


def measure_slow(given: argparse.Namespace) -> None:
    """Print the table of row 9."""
    ours = {name: Task(CROWD, SLOW_SECONDS, SLOW_JOBS, name) for name in _TRANSPORTS}
    ideal = math.ceil(CROWD / SLOW_JOBS) * ANSWER_TIME
    with _bench(given, "--first-byte", f"{FIRST_BYTE * 1000:g}", "--pace", f"{PACE * 1000:g}") as bench:
        alone = _server_alone(bench.url, ours["sse"], CROWD)
        done = _in_turns(bench, ours, given.rounds)
    rows = [measure.compare("SDK, sse: wall", ideal, _median(done["SDK"], "wall"))]
    for name in _TRANSPORTS:
        must, goal = (0.9, 0.98) if name == "sse" else (None, None)
        rows.append(
            measure.compare(f"{name}: wall", ideal, _median(done[name], "wall"), must=must, goal=goal)
        )
    for name in _TRANSPORTS:
        cpu = _median(done["SDK"], "cpu"), _median(done[name], "cpu")
        rows.append(measure.compare(f"{name}: CPU; reference: the SDK by SSE", *cpu))
    title = f"{CROWD} utterances, {SLOW_JOBS} at once, from a server that takes {ANSWER_TIME:g} s for each"
    measure.print_table(f"{title} (row 9), reference: the ideal schedule", rows)
    print(f"\nA bare client of the same server takes {alone:.3f} s. {_at_once(done)}")


def _server_alone(url: str, task: Task, n_lines: int) -> float:
    """Return the seconds in which a client that does nothing gets as many answers."""
    n_each = math.ceil(n_lines / task.jobs)
    return ask_at_once(url, "/tts/sse", f"{task.seconds:g} seconds", task.jobs, n_each).wall


def _in_turns(bench: Bench, tasks: dict[str, Task], rounds: int) -> dict[str, list[Done]]:
    """Return ``rounds`` runs of the SDK and of each task, taken in turns, one before them not counted."""
    done: dict[str, list[Done]] = {name: [] for name in ("SDK", *tasks)}
    for _ in range(rounds + 1):
        done["SDK"].append(bench.run(tasks["sse"], sdk=True))
        for name, task in tasks.items():
            done[name].append(bench.run(task))
    print(file=sys.stderr)
    return {name: runs[1:] for name, runs in done.items()}


def _median(done: Sequence[Done], what: str) -> float:
    return measure.median([one.usage for one in done], what)


def _at_once(done: dict[str, list[Done]]) -> str:
    most = {name: statistics.median(one.most_at_once for one in runs) for name, runs in done.items()}
    return "Most at once: " + ", ".join(f"{name} {n:g}" for name, n in most.items()) + "."


if __name__ == "__main__":
    main()
