"""Row 5: an hour over a WebSocket to a file, against the official SDK."""

import tempfile
from pathlib import Path

from benchmarks import measure


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=5)
    parser.add_argument("--seconds", type=float, default=3600)
    given = parser.parse_args()
    found = measure.programs(given)
    with measure.fast_server() as url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.pcm"
        argv, environment = measure.say(found, url, given.seconds, path, transport="websocket")

        def ours() -> measure.Usage:
            usage = measure.run(argv, environment=environment)
            measure.check_audio(path, given.seconds)
            return usage

        def sdk() -> measure.Usage:
            usage = measure.run(measure.sdk(found, "websocket", url, given.seconds, path))
            measure.check_audio(path, given.seconds)
            return usage

        usages = measure.interleave({"sdk": sdk, "ours": ours}, given.rounds)
    rows = [
        measure.compare(
            f"{given.seconds:g} s over a WebSocket to a file: {what}",
            measure.median(usages["sdk"], field),
            measure.median(usages["ours"], field),
            must=3.5,
            goal=7.5,
        )
        for what, field in (("CPU", "cpu"), ("wall", "wall"))
    ]
    peaks = (measure.median(usages[name], "peak") for name in ("sdk", "ours"))
    rows.append(measure.compare("its peak memory", *peaks, unit="MB"))
    measure.print_table("WebSocket (row 5), reference: the official SDK", rows)


if __name__ == "__main__":
    main()
