"""Row 10: a recording of 115 MB to the API, against the official SDK and against curl.

115 MB are twenty minutes of 16-bit stereo at 48 kHz. The server reads and counts; each answer says how much
arrived, and a figure counts only if that was all.
"""

import os
import re
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import measure

_BLOCK = 2**20

_OVERHEAD = 4096
"""Bytes that the form around a recording has at most."""


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=5)
    parser.add_argument("--megabytes", type=float, default=115)
    given = parser.parse_args()
    found = measure.programs(given)
    size = round(given.megabytes * 1e6)
    with measure.fast_server() as url, tempfile.TemporaryDirectory() as folder:
        recording, answer = Path(folder) / "talk.wav", Path(folder) / "answer"
        with recording.open("wb") as file:
            for start in range(0, size, _BLOCK):  # this process must stay small, see measure.py
                file.write(os.urandom(min(_BLOCK, size - start)))
        ours: list[str | Path] = [found.cartesia, "transcribe", recording, "-o", answer, "--format", "text"]
        form = [f"file=@{recording}", "model=ink-whisper", "language=en"]
        curl: list[str | Path] = ["curl", "--silent", "--fail", "--output", answer, f"{url}/stt"]
        commands = {
            "ours": ours,
            "sdk": measure.sdk(found, "stt", url, recording, answer),
            "curl": [*curl, *(part for field in form for part in ("--form", field))],
        }
        environment = {
            "CARTESIA_API_KEY": "benchmark",
            "CARTESIA_BASE_URL": url,
            "CARTESIA_ENGINE": "cloud",
        }

        def measured(name: str) -> measure.Usage:
            usage = measure.run(commands[name], environment=environment if name == "ours" else None)
            arrived = int(re.findall(r"\d{6,}", answer.read_text("utf-8"))[0])
            if not size < arrived < size + _OVERHEAD:
                raise measure.BenchmarkError(f"{arrived} bytes arrived from {name}, not {size}")
            answer.unlink()
            return usage

        usages = measure.interleave({name: partial(measured, name) for name in commands}, given.rounds)

    def row(peer: str, field: str, *, must: float | None = None, goal: float | None = None) -> measure.Row:
        what = {"cpu": "CPU", "wall": "wall", "peak": "peak memory"}[field]
        reference, mine = (measure.median(usages[name], field) for name in (peer, "ours"))
        unit = "MB" if field == "peak" else "s"
        return measure.compare(f"{what}, {peer}", reference, mine, unit=unit, must=must, goal=goal)

    rows = [
        row("sdk", "cpu", must=2, goal=4.5),
        row("sdk", "wall"),
        row("sdk", "peak"),
        row("curl", "wall", must=0.28, goal=0.5),
        row("curl", "cpu"),
        row("curl", "peak"),
    ]
    measure.print_table(f"A recording of {given.megabytes:g} MB to the API (row 10)", rows)


if __name__ == "__main__":
    main()
