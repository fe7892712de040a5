"""Row 6: an hour of bytes to a file, against the official SDK's ``generate()`` and against curl."""

import json
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import measure

_CURL_BODY = {
    "transcript": "",
    "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100},
}


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=5)
    parser.add_argument("--seconds", type=float, default=3600)
    given = parser.parse_args()
    found = measure.programs(given)
    with measure.fast_server() as url, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.pcm"
        say, environment = measure.say(
            found, url, given.seconds, path, transport="bytes", arguments=measure.RAW
        )
        body = json.dumps({**_CURL_BODY, "transcript": f"{given.seconds:g} seconds"})
        curl: list[str | Path] = [
            "curl",
            "--silent",
            "--fail",
            "--data",
            body,
            "--output",
            path,
            f"{url}/tts/bytes",
        ]
        commands: dict[str, list[str | Path]] = {
            "ours": say,
            "generate": measure.sdk(found, "bytes", url, given.seconds, path),
            "streaming": measure.sdk(found, "stream", url, given.seconds, path),
            "curl": curl,
        }

        def measured(name: str) -> measure.Usage:
            usage = measure.run(commands[name], environment=environment if name == "ours" else None)
            measure.check_audio(path, given.seconds)
            return usage

        candidates = {name: partial(measured, name) for name in commands}
        usages = measure.interleave(candidates, given.rounds)

    def row(
        claim: str, peer: str, field: str, *, must: float | None = None, goal: float | None = None
    ) -> measure.Row:
        unit = "MB" if field == "peak" else "s"
        reference, ours = (measure.median(usages[name], field) for name in (peer, "ours"))
        return measure.compare(claim, reference, ours, unit=unit, must=must, goal=goal)

    rows = [
        row("CPU, SDK generate()", "generate", "cpu", must=1.8, goal=3),
        row("peak memory, SDK generate()", "generate", "peak", must=40, goal=45),
        row("wall, SDK generate()", "generate", "wall"),
        row("CPU, SDK streaming response", "streaming", "cpu"),
        row("peak memory, SDK streaming response", "streaming", "peak"),
        row("CPU, curl", "curl", "cpu"),
        row("wall, curl", "curl", "wall"),
    ]
    measure.print_table(f"{given.seconds:g} s of bytes to a file (row 6)", rows)


if __name__ == "__main__":
    main()
