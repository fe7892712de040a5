"""Tables fit terminals of any width, and lose nothing where no person looks."""

import contextlib
import fcntl
import os
import pty
import struct
import termios
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.commands._columns import columns_of
from cartesia_cli.commands._tables import Column, cut, one_line, print_facts, print_table, wrap

UUID = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
COLUMNS = (Column("ID"), Column("NAME", 8), Column("DESCRIPTION", 8))
ROWS = [(UUID, "Skylar", "A friendly guide with a long story"), (UUID, "語り手", "")]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
WIDTHS = st.integers(1, 40)


class Terminal:
    """A terminal that stands in for standard output."""

    def __init__(self, columns: int) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        attributes = termios.tcgetattr(theirs)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        self.file = os.fdopen(theirs, "w", encoding="utf-8")

    def lines(self) -> list[str]:
        self.file.close()
        data = b""
        with contextlib.suppress(OSError):  # the other side is closed
            while piece := os.read(self._ours, 4096):
                data += piece
        os.close(self._ours)
        return data.decode().splitlines()


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


def shown(
    columns: int, rows: Sequence[Sequence[str]], *, table: Sequence[Column] = COLUMNS, few: int = 100
) -> list[str]:
    terminal = Terminal(columns)
    with contextlib.redirect_stdout(terminal.file):
        assert print_table(table, rows, few=few) == len(rows)
    return terminal.lines()


@given(TEXTS, WIDTHS)
def test_wrapped_lines_fit_and_hold_every_character(text: str, width: int) -> None:
    lines = wrap(text, width)

    assert "".join("".join(line.split()) for line in lines) == "".join(text.split())
    assert all(columns_of(line) <= max(width, 2) for line in lines)
    assert all(lines)


@given(TEXTS, WIDTHS)
def test_a_cut_text_fits_and_shows_that_it_was_cut(text: str, width: int) -> None:
    result = cut(text, width)

    assert columns_of(result) <= width
    if columns_of(text) <= width:
        assert result == text
    else:
        assert result.endswith("…")
        assert text.startswith(result[:-1].rstrip())


def test_what_drives_a_terminal_is_taken_out() -> None:
    assert one_line("a\x1b[2Jb\nc\x9bd\te") == "a [2Jb c d e"


def test_a_wide_terminal_gets_aligned_columns_under_their_titles() -> None:
    assert shown(120, ROWS) == [
        f"ID{' ' * 36}NAME    DESCRIPTION",
        f"{UUID}  Skylar  A friendly guide with a long story",
        f"{UUID}  語り手",
    ]


def test_the_last_columns_are_cut_first() -> None:
    _, first, second = shown(60, ROWS)

    assert first == f"{UUID}  Skylar  A friendly g…"
    assert second == f"{UUID}  語り手"


@pytest.mark.parametrize("columns", [20, 40])
def test_on_a_narrow_terminal_every_cell_has_lines_of_its_own(columns: int) -> None:
    lines = shown(columns, ROWS)

    assert all(columns_of(line) < columns for line in lines)
    assert "".join("".join(lines).split()) == "".join("".join(cell.split()) for row in ROWS for cell in row)
    assert next(line for line in lines if not line.startswith(" ")).startswith(UUID[:19])


def test_the_first_rows_settle_the_widths() -> None:
    rows = [("a", "b", "c"), ("a" * 9, "Skylar", "A friendly guide")]

    title, first, second = shown(80, rows, table=(Column("X"), Column("Y", 3), Column("Z", 3)), few=1)

    assert (title, first) == ("X  Y  Z", "a  b  c")
    assert second == "…  …  …"


def test_no_rows_are_no_titles() -> None:
    assert shown(80, []) == []


def test_a_program_gets_tabs_and_whole_cells(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_table(COLUMNS, [*ROWS, ("x", "a\tb", "c\nd")])
    print_facts([("name", "a\tb"), ("text", "long " * 40)])

    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split("\t") for line in lines] == [
        *map(list, ROWS),
        ["x", "a b", "c d"],
        ["name", "a b"],
        ["text", "long " * 40],
    ]


def test_a_screen_reader_gets_plain_lines_on_a_terminal() -> None:
    terminal = Terminal(80)

    with contextlib.redirect_stdout(terminal.file):
        print_table(COLUMNS, ROWS, plain=True)
        print_facts([("name", "Skylar")], plain=True)

    assert terminal.lines() == ["\t".join(row) for row in ROWS] + ["name\tSkylar"]


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_facts_are_broken_into_lines_that_fit(columns: int) -> None:
    facts = [("id", UUID), ("description", "A friendly guide with a long story to tell"), ("gender", "")]
    terminal = Terminal(columns)

    with contextlib.redirect_stdout(terminal.file):
        print_facts(facts)

    lines = terminal.lines()
    assert all(columns_of(line) < columns for line in lines)
    together = "".join("".join(lines).split())
    assert together == "".join("".join((name + value).split()) for name, value in facts)


def test_an_id_is_not_broken_where_it_fits_below_its_name() -> None:
    terminal = Terminal(40)

    with contextlib.redirect_stdout(terminal.file):
        print_facts([("id", UUID), ("description", "Calm.")])

    assert terminal.lines() == ["id", f"  {UUID}", "description  Calm."]


def test_columns_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    assert max(map(columns_of, shown(200, ROWS))) == 59


def test_titles_are_bold_only_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = shown(80, ROWS)
    monkeypatch.delenv("NO_COLOR")

    coloured = shown(80, ROWS)

    assert coloured == [f"\x1b[1m{plain[0]}\x1b[0m", *plain[1:]]
