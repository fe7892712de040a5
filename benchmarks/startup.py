"""Rows 1, 2 and 14: start-up against an empty console script, the official SDK and other programs.

Every program gets an environment of its own, made by the same pip in ``--scratch`` and kept there: ours
without extras (from ``--package``), the official SDK, edge-tts, and a package whose console script is
``def main(): pass``.
"""

import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from functools import partial
from pathlib import Path

from benchmarks import measure

_HEAVY = ("numpy", "soundfile", "sounddevice", "rich", "pydantic", "asyncio")
"""What none of the quick commands may import."""

_REPOSITORY = Path(__file__).parent.parent


def empty_wheel(folder: Path) -> Path:
    """Write a wheel with the console script ``empty``, which does nothing, and return its path."""
    info = "empty_script-1.0.dist-info"
    files = {
        "empty_script.py": "def main():\n    pass\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: empty-script\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: startup\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nempty = empty_script:main\n",
    }
    records = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        records.append(f"{name},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,", ""])
    path = folder / "empty_script-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return path


def environment(folder: Path, *packages: str | Path) -> Path:
    """Return an environment with ``packages``, made if it is not there yet."""
    if not (folder / "pyvenv.cfg").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True)
    return folder / "bin"


def imported(program: Path, *arguments: str | Path, variables: dict[str, str] | None = None) -> set[str]:
    """Return the top-level names of all modules that one run of a Python program imports."""
    argv = [str(part) for part in (program.parent / "python", "-X", "importtime", program, *arguments)]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**measure.inherited(), **(variables or {})},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    if done.returncode:
        message = "\n".join(set(done.stderr.splitlines()) - set(lines))
        raise measure.BenchmarkError(f"{program.name} {arguments} ended with {done.returncode}: {message}")
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def timing_rows(ours: Path, empty: Path, sdk: Path, edge: Path, rounds: int) -> list[measure.Row]:
    """Return the rows about time: wall clock and CPU of whole processes."""
    commands: dict[str, tuple[list[str | Path], int]] = {
        "empty": ([empty / "empty"], 0),
        "sdk": ([sdk / "python", "-c", "import cartesia"], 0),
        "edge": ([edge / "edge-tts", "--version"], 0),
        "edge help": ([edge / "edge-tts", "--help"], 0),
        "version": ([ours / "cartesia", "--version"], 0),
        "help": ([ours / "cartesia", "--help"], 0),
        "say help": ([ours / "cartesia", "say", "--help"], 0),
        "usage": ([ours / "cartesia", "say", "--no-such-option"], 2),
    }
    usages = measure.interleave(
        {name: partial(measure.run, argv, status=status) for name, (argv, status) in commands.items()}, rounds
    )

    def row(
        claim: str, peer: str, name: str, field: str, *, must: float | None = None, goal: float | None = None
    ) -> measure.Row:
        reference, mine = (measure.median(usages[key], field) * 1000 for key in (peer, name))
        return measure.compare(claim, reference, mine, unit="ms", must=must, goal=goal)

    return [
        row("--version against an empty script, wall", "empty", "version", "wall", must=0.75, goal=1),
        row("--version against an empty script, CPU", "empty", "version", "cpu"),
        row("--help against `import cartesia` (SDK), wall", "sdk", "help", "wall", must=3.5, goal=15),
        row("say --help against the same, wall", "sdk", "say help", "wall", must=3.5, goal=15),
        row("a usage error against the same, wall", "sdk", "usage", "wall", must=3.5, goal=15),
        row("--version against edge-tts --version, wall", "edge", "version", "wall"),
        row("--help against edge-tts --help, wall", "edge help", "help", "wall"),
    ]


def hygiene_rows(ours: Path) -> list[measure.Row]:
    """Return the rows about what is imported: one for each quick command."""
    rows = []
    with measure.fast_server() as url, tempfile.TemporaryDirectory() as folder:
        program = ours / "cartesia"
        variables = {"CARTESIA_BASE_URL": url, "CARTESIA_API_KEY": "benchmark"}
        commands: dict[str, list[str | Path]] = {
            "--version": ["--version"],
            "--help": ["--help"],
            "captions lint --help": ["captions", "lint", "--help"],
        }
        for ending in ("wav", "mp3", "pcm"):
            output = Path(folder) / f"speech.{ending}"
            commands[f"say -o x.{ending}"] = ["say", "1 second", "--voice", measure.VOICE, "-o", output]
        for name, arguments in commands.items():
            heavy = sorted(imported(program, *arguments, variables=variables) & set(_HEAVY))
            rows.append(
                measure.Row(
                    f"{name} imports", "–", ", ".join(heavy) or "nothing heavy", "–", "–", "–", not heavy
                )
            )
    return rows


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scratch", type=Path, required=True, help="a folder for the environments")
    parser.add_argument(
        "--package", default=str(_REPOSITORY), help="ours, for pip (default: this repository)"
    )
    parser.add_argument(
        "--venv", type=Path, help="an environment with ours instead, which must have no extras"
    )
    parser.add_argument("--sdk", default="cartesia==4.2.0", help="the official SDK, for pip")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    scratch: Path = given.scratch.absolute()
    scratch.mkdir(parents=True, exist_ok=True)
    ours = given.venv / "bin" if given.venv else environment(scratch / "ours", given.package)
    empty = environment(scratch / "empty", empty_wheel(scratch))
    sdk = environment(scratch / "sdk", given.sdk)
    edge = environment(scratch / "edge-tts", "edge-tts")
    rows = timing_rows(ours, empty, sdk, edge, given.rounds)
    measure.print_table("Start-up (rows 1 and 2)", rows)
    measure.print_table("What the quick commands import (row 14)", hygiene_rows(ours))


if __name__ == "__main__":
    main()
