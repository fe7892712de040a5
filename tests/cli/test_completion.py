"""Completion, driven as a person drives it: a line, a tab, and what the shell makes of it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.program import Program, assert_failure, clean_environment
from tests.cli.shells import SCRIPTS, Shell, require_shell

SHELLS = ["bash", "zsh", "fish"]
FASTEST = 0.030
"""Seconds that a tab may take."""

VOICES = """\
Katie - Friendly Fixer\t694f9389-aac1-45b6-b726-9d9369183238
Ronald\t5ee9feff-1265-424a-9d7f-8e4d431a12c7
O'Neill\t5ee9feff-1265-424a-9d7f-8e4d431a12c8
Zed $(touch pwned) `touch pwned` "x"\t5ee9feff-1265-424a-9d7f-8e4d431a12c9
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its shell is PowerShell, not tried here")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, and a home with a list of voices beside it."""
    above = tmp_path_factory.mktemp("completion")
    cache = above / "home" / ".cache" / "cartesia"
    cache.mkdir(parents=True)
    (cache / "voices.txt").write_text(VOICES, "utf-8")
    here = above / "here"
    (here / "subtitles").mkdir(parents=True)
    for name in ("film.srt", "my song.srt", "film.wav", "myth.txt", "rules.toml"):
        (here / name).touch()
    return here


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, place: Path) -> Iterator[Shell]:
    """A shell of each kind at its prompt."""
    with Shell(request.param, place, environment(place)) as opened:
        yield opened


def environment(place: Path) -> dict[str, str]:
    """Return the environment of a shell, in which starting any Python or the program fails."""
    empty = place.parent / "programs"
    empty.mkdir(exist_ok=True)
    for name in ("cartesia", "cartesia-speech", "python", "python3"):
        script = empty / name
        script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(place / 'started'))}\n")
        script.chmod(0o755)
    env = clean_environment(place.parent / "home")
    return env | {"PATH": f"{empty}:{os.environ['PATH']}", "INPUTRC": "/dev/null"}


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("cartesia sa", "cartesia say "),
        ("cartesia-speech sa", "cartesia-speech say "),
        ("cartesia captions ret", "cartesia captions retime "),
        ("cartesia say --voice-e", "cartesia say --voice-embedding"),
        ("cartesia say hello there --fol", "there --follow "),
        ("cartesia say --format fl", "--format flac "),
        ("cartesia say --format=fl", "--format=flac "),
        ("cartesia say -o x --timings film.s", "film.srt "),
        ("cartesia captions lint my", "my\\ song.srt "),
        ("cartesia transcribe film.w", "film.wav "),
        ("cartesia say --captions net", "netflix "),
        ("cartesia say --captions ru", "rules.toml "),
        ("cartesia say --captions rules.toml --enc", "--encoding"),
        ("cartesia say --voice brig", "bright "),
        ("cartesia say --voice Ron", "Ronald "),
        ("cartesia say --voice=Ron", "--voice=Ronald "),
        ("cartesia say -v katie", "Katie\\ -\\ Friendly\\ Fixer "),
        ("cartesia say -v 'Kat", "'Katie - Friendly Fixer' "),
        ("cartesia say -v O", "O\\'Neill "),
    ],
)
def test_a_tab_completes(shell: Shell, line: str, whole: str) -> None:
    shell.complete(line, whole)


def test_a_tab_lists_what_there_is(shell: Shell) -> None:
    shown = shell.complete("cartesia captions ", "retime")

    assert {"align", "convert", "lint"} <= set(shown.split())


def test_a_name_of_a_voice_is_never_run(shell: Shell, place: Path) -> None:
    shell.complete("cartesia say -v Ze", "touch")

    assert not (place / "pwned").exists()


def test_a_tab_starts_no_program_of_ours_and_no_python(shell: Shell, place: Path) -> None:
    shell.complete("cartesia say --voice Ron", "Ronald")

    assert not (place / "started").exists()


def test_a_tab_takes_less_than_30_ms(shell: Shell, record_property: Callable[[str, object], None]) -> None:
    taken = {
        "option": [shell.seconds_for("cartesia say --voice-e", "mbedding") for _ in range(8)],
        "voice": [shell.seconds_for("cartesia say --voice Ron", "ald") for _ in range(8)],
        "command": [shell.seconds_for("cartesia trans", "cribe") for _ in range(8)],
    }

    # The fastest: other processes may take the processor at any time, ours cannot get faster by chance.
    fastest = {what: min(seconds) for what, seconds in taken.items()}
    record_property("fastest", fastest)
    assert max(fastest.values()) < FASTEST, taken


def test_without_a_list_the_built_in_voices_are_offered(shell: Shell, tmp_path: Path) -> None:
    name = "set -gx" if "fish" in str(shell.name) else "export"
    equals = " " if name == "set -gx" else "="
    shell.run(f"{name} XDG_CACHE_HOME{equals}{tmp_path}")
    shell.complete("cartesia say --voice ten", "tenor ")
    shell.run(f"{name} XDG_CACHE_HOME{equals}''")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "powershell"])
def test_the_script_is_printed_as_it_is_shipped(run: Program, name: str) -> None:
    file = {
        "bash": "cartesia.bash",
        "zsh": "_cartesia",
        "fish": "cartesia.fish",
        "powershell": "cartesia.ps1",
    }

    result = run("completion", name)

    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == (SCRIPTS / file[name]).read_bytes()


@pytest.mark.parametrize("name", SHELLS)
def test_the_shell_reads_the_script_without_a_complaint(name: str) -> None:
    for script in SCRIPTS.glob({"bash": "*.bash", "zsh": "_*", "fish": "*.fish"}[name]):
        read = subprocess.run([require_shell(name), "-n", script], capture_output=True, check=True)

        assert (read.stdout, read.stderr) == (b"", b"")


INSTALLED = {
    "bash": [".local/share/bash-completion/completions/cartesia"],
    "zsh": [".local/share/zsh/site-functions/_cartesia"],
    "fish": [".config/fish/completions/cartesia.fish", ".config/fish/completions/cartesia-speech.fish"],
    "powershell": [".local/share/powershell/completions/cartesia.ps1"],
}


@pytest.mark.parametrize("name", INSTALLED)
def test_install_puts_the_script_where_the_shell_looks_and_says_so(run: Program, name: str) -> None:
    result = run("completion", name, "--install")

    assert (result.status, result.stdout) == (0, b"")
    for path in INSTALLED[name]:
        assert (run.home / path).is_file()
        assert f"wrote {run.home / path}\n" in result.stderr


@pytest.mark.parametrize("name", INSTALLED)
def test_a_second_install_changes_nothing(run: Program, name: str) -> None:
    run("completion", name, "--install")
    before = {path: path.stat().st_mtime_ns for path in run.home.rglob("*")}

    result = run("completion", name, "--install")

    assert result.status == 0
    assert "is up to date" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in run.home.rglob("*")} == before


@pytest.mark.parametrize(("name", "start_file"), [("zsh", ".zshrc"), ("bash", ".bashrc")])
def test_install_shows_the_line_that_is_missing_and_edits_no_start_file(
    run: Program, name: str, start_file: str
) -> None:
    (run.home / start_file).write_text("# mine\n")

    result = run("completion", name, "--install")

    assert (run.home / start_file).read_text() == "# mine\n"
    if name == "zsh":
        assert f"add this line to {run.home / start_file}: fpath=(" in result.stderr


def test_what_is_there_already_is_not_asked_for(run: Program) -> None:
    (run.home / ".zshrc").write_text("fpath=(~/.local/share/zsh/site-functions $fpath)\ncompinit\n")

    result = run("completion", "zsh", "--install")

    assert "add this line" not in result.stderr


def test_the_installed_script_completes_after_the_line_that_was_shown(run: Program, place: Path) -> None:
    require_shell("zsh")
    result = run("completion", "zsh", "--install")
    (line,) = [each.partition(".zshrc: ")[2] for each in result.lines if "add this line" in each]

    start = (
        line.replace("compinit;", "compinit -D;")
        + "; unsetopt zle_bracketed_paste prompt_sp prompt_cr; PS1=read'y>'"
    )
    with Shell("zsh", place, environment(place) | {"HOME": str(run.home)}, start) as shell:
        shell.complete("cartesia captions ret", "captions retime ")


def test_a_folder_that_cannot_be_made_is_an_output_error(run: Program) -> None:
    (run.home / ".config").write_text("in the way")

    result = run("completion", "fish", "--install")

    assert_failure(result, 7, "fish/completions")


@pytest.mark.parametrize("arguments", [(), ("tcsh",)])
def test_an_unknown_shell_is_a_usage_error(run: Program, arguments: tuple[str, ...]) -> None:
    assert_failure(run("completion", *arguments), 2, "powershell")


def test_every_command_and_option_of_the_help_is_in_each_script() -> None:
    pages = SCRIPTS.parent / "cartesia_cli" / "help"
    options = {
        word.rstrip(",.")
        for page in pages.glob("*.txt")
        for line in page.read_text("utf-8").splitlines()
        if line.startswith("  -")
        for word in line.split()[:2]
        if word.startswith("--")
    }
    assert len(options) > 50

    for name, form in {
        "cartesia.bash": "{}",
        "_cartesia": "{}",
        "cartesia.fish": "-l {}",
        "cartesia.ps1": "{}",
    }.items():
        script = (SCRIPTS / name).read_text("utf-8")
        short = name == "cartesia.fish"
        missing = [o for o in sorted(options) if form.format(o[2:] if short else o) not in script]
        assert missing == [], name


def test_scripts_have_unix_line_ends() -> None:
    texts = [path.read_bytes() for path in SCRIPTS.iterdir()]

    assert len(texts) == 6
    assert not any(b"\r" in text for text in texts)
    assert all(one != other for one, other in pairwise(sorted(texts)))
