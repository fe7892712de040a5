"""Row 3: from the start of the process to the first byte of audio on standard output, against the SDK."""

import subprocess
from functools import partial

from benchmarks import measure

_SECONDS = 1.0


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=15)
    parser.add_argument(
        "--first-byte", type=float, default=0, metavar="MS", help="delay of the server's answer"
    )
    given = parser.parse_args()
    found = measure.programs(given)
    rows = []
    with measure.fast_server("--first-byte", f"{given.first_byte:g}", pin=False) as url:
        for transport, mode in (("sse", "sse"), ("bytes", "stream")):
            argv, environment = measure.say(
                found, url, _SECONDS, "-", transport=transport, arguments=measure.RAW
            )
            reference = measure.sdk(found, mode, url, _SECONDS, "-")
            usages = measure.interleave(
                {
                    "sdk": partial(measure.run, reference, stdout=subprocess.PIPE),
                    "ours": partial(measure.run, argv, environment=environment, stdout=subprocess.PIPE),
                },
                given.rounds,
            )
            first, cpu = (
                [measure.median(usages[name], field) * 1000 for name in ("sdk", "ours")]
                for field in ("first_byte", "cpu")
            )
            rows += [
                measure.compare(f"{transport}: start to first audio", *first, unit="ms", must=2.2, goal=8),
                measure.compare(f"{transport}: the whole run's CPU", *cpu, unit="ms"),
            ]
    measure.print_table("First audio (row 3), reference: the official SDK", rows)


if __name__ == "__main__":
    main()
