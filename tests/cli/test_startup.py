"""What a start loads: row 14 of the performance targets, and `--version`, which is answered before Typer."""

import json
import re
from pathlib import Path

import pytest

import cartesia_cli
from cartesia_cli.cli import COMMANDS as NAMES
from tests.cli.cloud import Cloud, pcm
from tests.cli.program import EXTRA, Program, without

HEAVY = {"numpy", "soundfile", "sounddevice", "rich", "pydantic", "asyncio"}
CONNECTING = {"httpx", "httpcore", "ssl", "websockets"}

SITE = """
import atexit
import json
import os
import sys

WRITE, MODULES = os.open({path!r}, os.O_WRONLY | os.O_CREAT), sys.modules
atexit.register(lambda: os.write(WRITE, json.dumps(sorted(MODULES)).encode()))
"""


def loaded(run: Program, tmp_path: Path, *args: str, env: dict[str, str] | None = None) -> set[str]:
    """Return the top-level packages that a run has imported when it ends well."""
    path = tmp_path / "modules.json"
    # Without extras: uvicorn brings Click, and where Click is installed httpx loads Rich.
    absent = (*EXTRA, "click", "starlette", "uvicorn", "msgspec", "keyring")
    machine = without(tmp_path, run, *absent, then=SITE.format(path=str(path)))
    result = run(*args, env=(env or {}) | machine)
    assert (result.status, result.stderr) == (0, "")
    return {name.partition(".")[0] for name in json.loads(path.read_text(encoding="utf-8"))}


def test_the_version_is_the_package_s(run: Program) -> None:
    result = run("--version", cold=True)

    assert (result.status, result.text, result.stderr) == (0, f"cartesia {cartesia_cli.__version__}\n", "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", cartesia_cli.__version__)


def test_the_version_loads_no_typer(run: Program, tmp_path: Path) -> None:
    modules = loaded(run, tmp_path, "--version")

    assert not modules & (HEAVY | {"typer", "httpx", "inspect", "dataclasses", "typing_extensions"})


COMMANDS = {
    "help": ["--help"],
    "help of say": ["say", "--help"],
    "wav": ["say", "Hello.", "-o", "a.wav"],
    "mp3": ["say", "Hello.", "-o", "a.mp3"],
    "pcm": ["say", "Hello.", "-o", "a.pcm"],
    "wav over SSE": ["say", "Hello.", "-o", "a.wav", "--transport", "sse"],
    "raw to a pipe": ["say", "Hello.", "-o", "-", "--format", "raw"],
    "json": ["say", "Hello.", "-o", "a.wav", "--json"],
}


@pytest.mark.parametrize("args", COMMANDS.values(), ids=COMMANDS)
def test_nothing_heavy_is_loaded(run: Program, cloud: Cloud, tmp_path: Path, args: list[str]) -> None:
    modules = loaded(run, tmp_path, *args, env=cloud.env)

    assert not modules & HEAVY


@pytest.mark.parametrize("command", ["", *NAMES])
def test_help_for_a_narrow_terminal_is_drawn_anew_and_loads_nothing_heavy_either(
    run: Program, tmp_path: Path, command: str
) -> None:
    modules = loaded(run, tmp_path, *command.split(), "--help", env={"COLUMNS": "60"})

    assert "typer" in modules
    assert not modules & (HEAVY | CONNECTING)


def test_a_dry_run_loads_nothing_that_connects(run: Program, cloud: Cloud, tmp_path: Path) -> None:
    modules = loaded(run, tmp_path, "say", "Hello.", "-o", "a.wav", "--dry-run", env=cloud.env)

    assert cloud.requests == []
    assert not modules & (HEAVY | CONNECTING)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_on_stdout(run: Program, option: str) -> None:
    result = run(option, cold=True)

    assert (result.status, result.stderr) == (0, "")
    assert "say" in result.text


def test_the_module_and_a_cold_start_do_the_same(run: Program, cloud: Cloud, folder: Path) -> None:
    warm = run("say", "Hello.", "-o", "warm.pcm", env=cloud.env)
    cold = run("say", "Hello.", "-o", "cold.pcm", env=cloud.env, cold=True)

    assert (warm.status, warm.stderr) == (cold.status, cold.stderr) == (0, "")
    assert (folder / "warm.pcm").read_bytes() == (folder / "cold.pcm").read_bytes() == pcm("Hello.")
