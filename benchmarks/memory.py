"""Row 7: peak memory of `say` for a minute, ten minutes and an hour of audio, every transport and format."""

import tempfile
from pathlib import Path

from benchmarks import measure

_LENGTHS = (60.0, 600.0, 3600.0)
_PATHS = tuple((transport, ending) for transport in ("bytes", "sse") for ending in ("pcm", "wav", "mp3"))


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=3)
    parser.add_argument("--lengths", type=float, nargs="+", default=_LENGTHS, metavar="SECONDS")
    given = parser.parse_args()
    found = measure.programs(given)
    rows = []
    with measure.fast_server() as url, tempfile.TemporaryDirectory() as folder:
        for transport, ending in _PATHS:
            path = Path(folder) / f"speech.{ending}"
            peaks = []
            for seconds in given.lengths:
                argv, environment = measure.say(found, url, seconds, path, transport=transport)
                usages = []
                for _ in range(given.rounds):
                    usages.append(measure.run(argv, environment=environment))
                    path.unlink()
                peaks.append(measure.median(usages, "peak"))
            name = f"{transport} to .{ending}"
            rows += [
                measure.limit(f"{name}: peak", max(peaks), unit="MB", must=32, goal=28),
                measure.limit(f"{name}: growth with length", max(peaks) - min(peaks), unit="MB", must=1),
            ]
    lengths = ", ".join(f"{seconds:g} s" for seconds in given.lengths)
    measure.print_table(f"Memory of {lengths} of audio (row 7)", rows)


if __name__ == "__main__":
    main()
