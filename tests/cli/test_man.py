"""The manual: shown on a terminal and in a pipe, and fit for what systems format pages with."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import KEY, ROOT, Program, assert_failure

PAGES = sorted((ROOT / "man").glob("*.1"))
HEADINGS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"]


def test_a_pipe_gets_plain_text(run: Program) -> None:
    result = run("man", "say")

    assert (result.status, result.stderr) == (0, "")
    headings = re.findall(r"^[A-Z ]+$", result.text, re.MULTILINE)
    assert [each for each in headings if each in HEADINGS] == HEADINGS
    assert "       cartesia say [OPTION]... [TEXT]...\n" in result.text
    assert "       -o, --output FILE\n" in result.text
    assert max(map(len, result.text.splitlines())) <= 100
    assert not set("\x1b\x08") & set(result.text)
    assert not re.search(r"\\[-(&ef]", result.text)


def test_without_a_command_it_is_the_overview(run: Program) -> None:
    result = run("man")

    assert result.text.startswith("CARTESIA(1)\n\nNAME\n       cartesia - ")
    assert "CARTESIA_API_KEY" in result.text


def test_a_command_of_a_group_has_a_page(run: Program) -> None:
    assert run("man", "captions", "lint").text == run("man", "captions-lint").text
    assert "cartesia captions lint" in run("man", "captions", "lint").text


@pytest.mark.skipif(shutil.which("man") is None, reason="no man here (Debian: apt install man-db)")
def test_a_terminal_gets_the_page_from_the_system_s_man_that_knows_no_key(
    run: Program, tmp_path: Path
) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    fake.joinpath("man").write_text('#!/bin/sh\necho "shown: $1"\nenv\n')
    fake.joinpath("man").chmod(0o755)

    result = run("man", "say", tty=["stdout"], env={"PATH": f"{fake}:/usr/bin:/bin", "CARTESIA_API_KEY": KEY})

    assert f"shown: {ROOT / 'man' / 'cartesia-say.1'}" in result.text
    assert "CARTESIA_API_KEY" not in result.text


@pytest.mark.parametrize("man", [None, "#!/bin/sh\nexit 3\n"], ids=["no man", "a man that fails"])
def test_a_terminal_without_a_man_that_works_gets_plain_text(
    run: Program, tmp_path: Path, man: str | None
) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    if man:
        empty.joinpath("man").write_text(man)
        empty.joinpath("man").chmod(0o755)

    result = run("man", "say", tty=["stdout"], env={"PATH": str(empty)})

    assert result.status == 0
    assert result.text.startswith("CARTESIA-SAY(1)\n")


def test_an_unknown_command_is_a_usage_error_with_the_closest_name(run: Program) -> None:
    assert_failure(run("man", "transcrib"), 2, "did you mean transcribe?")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_groff_formats_every_page_without_a_warning(page: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("no groff here (Debian: apt install groff)")
    command: list[str | Path] = ["groff", "-Kutf8", "-Tutf8", "-man", "-ww", "-z", page]
    made = subprocess.run(command, capture_output=True, check=True)

    assert made.stderr == b""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_mandoc_has_no_complaint_but_the_missing_date(page: Path) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("no mandoc here (Debian: apt install mandoc)")
    made = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False
    )

    complaints = [line for line in made.stdout.splitlines() if "missing date" not in line]
    assert complaints == []


def test_every_help_page_has_a_man_page() -> None:
    helps = {path.stem for path in (ROOT / "cartesia_cli" / "help").glob("*.txt")}

    assert {path.stem for path in PAGES} == helps
