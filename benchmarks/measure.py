"""What the benchmarks share: programs run and measured, medians of interleaved runs, one table.

Figures come from the kernel (``wait4``): CPU is user plus system time of the whole process, peak is its
largest resident set. Linux counts into the peak what the child had before ``exec``, a copy of this process;
so a benchmark imports little, and nothing that it measures may be smaller than itself (about 17 MB).
"""

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fastserver import CHUNK_BYTES, CHUNK_SECONDS, chunk_audio

_HERE = Path(__file__).parent
VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"


class BenchmarkError(Exception):
    """A program did not do what is measured; no figure is better than a wrong one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run of a program took."""

    wall: float
    """Seconds from before the start until after the end."""

    cpu: float
    """Seconds, user and system, of the process and the children that it waited for."""

    peak: float
    """Largest resident set, in megabytes (10^6 bytes)."""

    first_byte: float | None
    """Seconds from before the start until the first byte on standard output, if that was a pipe."""


def run(
    argv: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    stdout: int = subprocess.DEVNULL,
    status: int = 0,
) -> Usage:
    """Run a program to its end and return what it took.

    Args:
        argv: the program and its arguments.
        environment: added to this process's own.
        stdout: ``subprocess.PIPE`` to read it, and to learn when its first byte came.
        status: the exit status that it must have.

    Raises:
        BenchmarkError: it ended with another status.
    """
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=errors,
            env={**inherited(), **(environment or {})},
        )
        first_byte = None
        if process.stdout is not None:
            with process.stdout as pipe:
                if os.read(pipe.fileno(), 65536):
                    first_byte = time.perf_counter() - began
                while os.read(pipe.fileno(), 1 << 20):
                    pass
        _, wait_status, resources = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        if process.returncode != status:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip()
            raise BenchmarkError(f"{argv[0]} ended with {process.returncode}, not {status}: {message}")
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = resources.ru_utime + resources.ru_stime
    return Usage(wall, cpu, resources.ru_maxrss * unit / 1e6, first_byte)


def inherited() -> dict[str, str]:
    """Return this process's environment without what would configure the programs under measurement."""
    others = {
        name: value for name, value in os.environ.items() if not name.startswith(("CARTESIA_", "PYTHON"))
    }
    return {**others, "NO_PROXY": "127.0.0.1"}


def interleave(candidates: Mapping[str, Callable[[], Usage]], rounds: int) -> dict[str, list[Usage]]:
    """Return the usages of ``rounds`` runs of each candidate, taken in turns, one before them not counted."""
    results: dict[str, list[Usage]] = {name: [] for name in candidates}
    for i in range(rounds + 1):
        for name, measured in candidates.items():
            usage = measured()
            if i:
                results[name].append(usage)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def median(usages: Sequence[Usage], what: str) -> float:
    """Return the median of one field of ``Usage``."""
    values: list[float] = [getattr(usage, what) for usage in usages]
    return statistics.median(values)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    claim: str
    reference: str
    ours: str
    ratio: str
    must: str
    goal: str
    passed: bool | None
    """``None`` where nothing is asked for."""

    def __str__(self) -> str:
        verdict = {True: "yes", False: "**no**", None: "–"}[self.passed]
        cells = (self.claim, self.reference, self.ours, self.ratio, self.must, self.goal, verdict)
        return f"| {' | '.join(cells)} |"


def compare(
    claim: str,
    reference: float,
    ours: float,
    *,
    unit: str = "s",
    must: float | None = None,
    goal: float | None = None,
) -> Row:
    """Return the row for "ours takes so many times less than the reference"."""
    ratio = reference / ours
    return Row(
        claim,
        _form(reference, unit),
        _form(ours, unit),
        f"{ratio:.2f}",
        "–" if must is None else f"≥ {must:g}",
        "–" if goal is None else f"{goal:g}",
        None if must is None else ratio >= must,
    )


def limit(claim: str, ours: float, *, unit: str, must: float, goal: float | None = None) -> Row:
    """Return the row for "ours is at most so much"."""
    goal_text = "–" if goal is None else f"≤ {goal:g} {unit}"
    return Row(claim, "–", _form(ours, unit), "–", f"≤ {must:g} {unit}", goal_text, ours <= must)


def _form(value: float, unit: str) -> str:
    digits = 3 if unit == "s" else 1
    return f"{value:.{digits}f} {unit}"


def print_table(title: str, rows: Sequence[Row]) -> None:
    """Print the rows as a Markdown table, with the machine on which they were measured."""
    print(f"\n### {title}\n\n{machine()}\n")
    print("| claim | reference | ours | ratio | must | goal | pass |")
    print("|---|--:|--:|--:|--:|--:|---|")
    for row in rows:
        print(row)


def machine() -> str:
    """Return the processor, the number of cores, the Python and the day, in one line."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model
        )
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {day}"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs under measurement are."""

    python: Path
    """The interpreter that runs the official SDK."""

    cartesia: Path
    """Our console script."""


def options(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Return a parser for the options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--venv", type=Path, default=Path(sys.prefix), help="where `cartesia` is installed")
    parser.add_argument("--sdk-venv", type=Path, help="where the official SDK is installed (default: --venv)")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="runs of each program (default: %(default)s)"
    )
    return parser


def programs(given: argparse.Namespace) -> Programs:
    """Return the programs that the options name."""
    sdk: Path = given.sdk_venv or given.venv
    return Programs(sdk / "bin" / "python", given.venv / "bin" / "cartesia")


@contextlib.contextmanager
def fast_server(*arguments: str, pin: bool = True) -> Iterator[str]:
    """Run ``fastserver.py`` and yield its address; with ``pin`` it has the first core to itself.

    This process, and with it every program that it measures, then stays on the other cores.
    """
    argv = [sys.executable, str(_HERE / "fastserver.py"), *arguments]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if pin and len(cores) > 1:
            os.sched_setaffinity(process.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:])
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
        if pin and len(cores) > 1:
            os.sched_setaffinity(0, cores)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the fast server was asked for since it was last asked for its counts."""

    asked: int
    """Texts."""

    most_at_once: int


def counts(url: str) -> Counts:
    """Return what the fast server was asked for since the last call."""
    host, _, port = url.rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(b"GET /counts HTTP/1.1\r\nhost: %b\r\n\r\n" % host.encode())
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as reader:
            _, _, text = reader.read().partition(b"\r\n\r\n")
    return Counts(**json.loads(text))


def say(
    found: Programs,
    url: str,
    seconds: float,
    output: Path | str,
    *,
    transport: str,
    arguments: Sequence[str] = (),
) -> tuple[list[str | Path], dict[str, str]]:
    """Return arguments and environment of our ``say`` for so many seconds of the fast server's audio."""
    argv: list[str | Path] = [found.cartesia, "say", f"{seconds:g} seconds", "--voice", VOICE]
    argv += ["--transport", transport, "-o", output, *arguments]
    environment = {"CARTESIA_API_KEY": "benchmark", "CARTESIA_BASE_URL": url, "CARTESIA_ENGINE": "cloud"}
    return argv, environment


def sdk(found: Programs, mode: str, url: str, source: float | Path, output: Path | str) -> list[str | Path]:
    """Return the arguments of the official SDK's client for the same: seconds of audio, or a recording."""
    text = source if isinstance(source, Path) else f"{source:g} seconds"
    return [found.python, _HERE / "sdk_client.py", mode, url, text, output]


RAW = ("--format", "raw", "--encoding", "pcm_f32le", "--sample-rate", "44100")
"""The format of the fast server's audio, for ``say``."""


def check_audio(path: Path, seconds: float) -> None:
    """Check that a file holds the fast server's audio to the last byte, then delete it.

    Raises:
        BenchmarkError: it holds something else.
    """
    n_chunks = round(seconds / CHUNK_SECONDS)
    block = chunk_audio() * 64
    left = n_chunks * CHUNK_BYTES
    if path.stat().st_size != left:
        raise BenchmarkError(f"{path.name} has {path.stat().st_size} bytes, not {left}")
    with path.open("rb") as file:
        while left:
            data = file.read(min(left, len(block)))
            if data != block[: len(data)]:
                raise BenchmarkError(f"{path.name} holds other audio than was sent")
            left -= len(data)
    path.unlink()
