"""Draws the help pages that ship with the program: ``python tools/draw_help.py [--check]``."""

import sys
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

import cartesia_cli
from cartesia_cli.cli import app

FOLDER = Path(cartesia_cli.__file__).with_name("help")


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command, the program's own first."""
    yield path
    list_commands = getattr(group, "list_commands", None)
    for name in list_commands(None) if list_commands else ():
        yield from commands(group.get_command(None, name), (*path, name))  # type: ignore[attr-defined]  # a group


def pages() -> dict[str, str]:
    """Return every help page by its file's name, drawn for 80 columns."""
    drawn = {}
    for path in commands(get_command(app)):
        shown = CliRunner().invoke(app, [*path, "--help"], prog_name="cartesia", env={"COLUMNS": "80"})
        drawn["-".join(["cartesia", *path]) + ".txt"] = shown.output
    return drawn


def main() -> int:
    """Write the pages, or check that they are the program's."""
    drawn = pages()
    found = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.txt")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in drawn | found if drawn.get(name) != found.get(name))
        if stale:
            print(f"out of date: {', '.join(stale)}; run nox -s generated -- fix")
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for name in found.keys() - drawn.keys():
        FOLDER.joinpath(name).unlink()
    for name, page in drawn.items():
        FOLDER.joinpath(name).write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
