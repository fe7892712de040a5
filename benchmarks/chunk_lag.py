"""Row 11: how long a chunk is under way from the server's write to our standard output, against the SDK.

Every chunk begins with the time of its write (``fastserver.py --stamp``); the reader of standard output looks
at the same clock when those bytes reach it.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import measure
from benchmarks.fastserver import CHUNK_BYTES, CHUNK_SECONDS, STAMP


def lags(argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> list[float]:
    """Return how many seconds each chunk that a program wrote was under way.

    The first 20 are left out: they tell of the program's start.

    Raises:
        measure.BenchmarkError: the program failed, or wrote parts of chunks.
    """
    process = subprocess.Popen(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**measure.inherited(), **(environment or {})},
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    found: list[float] = []
    rest = b""
    with process.stdout as pipe:
        while data := os.read(pipe.fileno(), 1 << 20):
            now = time.monotonic_ns()
            rest += data
            while len(rest) >= CHUNK_BYTES:
                found.append((now - STAMP.unpack_from(rest)[0]) / 1e9)
                rest = rest[CHUNK_BYTES:]
    if process.wait() or rest:
        raise measure.BenchmarkError(
            f"{argv[0]} ended with {process.returncode}, {len(rest)} bytes left over"
        )
    return found[20:]


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=5)
    parser.add_argument("--pace", type=float, default=5, metavar="MS", help="from one chunk to the next")
    parser.add_argument("--chunks", type=int, default=400)
    given = parser.parse_args()
    found = measure.programs(given)
    seconds = given.chunks * CHUNK_SECONDS
    rows = []
    with measure.fast_server("--stamp", "--pace", f"{given.pace:g}") as url:
        for transport, mode in (("sse", "sse"), ("bytes", "stream")):
            argv, environment = measure.say(
                found, url, seconds, "-", transport=transport, arguments=measure.RAW
            )
            ours: list[float] = []
            reference: list[float] = []
            for _ in range(given.rounds):
                reference += lags(measure.sdk(found, mode, url, seconds, "-"))
                ours += lags(argv, environment)
            rows += [
                measure.compare(
                    f"{transport}: median lag of a chunk",
                    statistics.median(reference) * 1e6,
                    statistics.median(ours) * 1e6,
                    unit="µs",
                    must=1.4,
                    goal=2,
                ),
                measure.compare(
                    f"{transport}: lag of 99 in 100",
                    statistics.quantiles(reference, n=100)[-1] * 1e6,
                    statistics.quantiles(ours, n=100)[-1] * 1e6,
                    unit="µs",
                ),
            ]
    measure.print_table("Chunk lag (row 11), reference: the official SDK", rows)


if __name__ == "__main__":
    main()
