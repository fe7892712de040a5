"""Our WebVTT by the judgement of the W3C's own parser, ``webvtt-parser`` from npm."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.cli.program import Program

PACKAGE = "webvtt-parser@2.2.0"
ENVIRONMENT = dict(os.environ)  # before a test hides the user's own npm settings
SCRIPT = """
const { WebVTTParser } = require("webvtt-parser");
const files = process.argv.slice(2).map(name => require("fs").readFileSync(name, "utf8"));
const parsed = files.map(text => new WebVTTParser().parse(text, "subtitles/captions/descriptions"));
console.log(JSON.stringify(parsed.map(({ cues, errors }) =>
  ({ errors, cues: cues.map(cue => [cue.startTime, cue.endTime]) }))));
"""

TEXT = (
    "The harbour was quiet that morning & nobody had seen the boats leave --> not even Dr. Smith. "
    "By noon, however, three of them had come back with more fish than 1 < 2 > 0 anyone could carry. "
    "“Are you sure?” she asked; the café was closed."
)


def give_up(reason: str) -> NoReturn:
    """Skip where a tool is missing, but not in CI, which has it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the parser is installed, with a script that runs it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        give_up("needs node and npm")
    folder = tmp_path_factory.mktemp("webvtt-parser")
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        PACKAGE,
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=100)
    if done.returncode:
        give_up(f"npm cannot install {PACKAGE}: {done.stderr[-500:]}")
    (folder / "check.js").write_text(SCRIPT, "utf-8")
    return folder


def parse(parser: Path, *files: Path) -> list[dict[str, Any]]:
    """Return the errors and the cues' times, in seconds, that the parser finds in each file."""
    command = ["node", str(parser / "check.js"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_parser_finds_errors_where_there_are_some(parser: Path, folder: Path) -> None:
    (folder / "bad.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:00.500\na & b <\n", "utf-8")

    [found] = parse(parser, folder / "bad.vtt")

    assert found["errors"]


def test_the_parser_finds_no_error_in_what_we_write(run: Program, parser: Path, folder: Path) -> None:
    spoken = ("a.vtt", "a.srt", "a.ass", "a.lrc", "a.tsv", "a.json")
    timings = [argument for name in spoken for argument in ("--timings", name)]
    assert run("say", TEXT, *timings, "--engine", "local").status == 0
    written = ["a.vtt"]
    for source in spoken:
        for options in ([], ["--captions", "shorts"]):
            written.append(f"{len(written)}.vtt")
            assert run("captions", "convert", source, "-o", written[-1], *options).status == 0
    written.append("retimed.vtt")
    assert run("captions", "retime", "a.vtt", "-o", "retimed.vtt", "--fps", "25:23.976").status == 0

    found = parse(parser, *(folder / name for name in written))

    assert [each["errors"] for each in found] == [[]] * len(written)
    assert all(each["cues"] for each in found)
    assert found[1]["cues"] == found[0]["cues"]
