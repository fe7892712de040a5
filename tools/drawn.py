"""Files that are drawn from the program: written, or compared with what would be written."""

from collections.abc import Mapping
from pathlib import Path

import cartesia_cli

ROOT = Path(cartesia_cli.__file__).parents[1]


def update(folder: Path, drawn: Mapping[str, str], *, check: bool) -> int:
    """Make the files of a folder be those that are drawn; return 1 if ``check`` finds that they are not."""
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*") if path.is_file()}
    stale = sorted(name for name in {**drawn, **found} if drawn.get(name) != found.get(name))
    if check:
        if stale:
            print(f"out of date in {folder.name}: {', '.join(stale)}; run nox -s generated -- fix")
        return int(bool(stale))
    folder.mkdir(exist_ok=True)
    for name in found.keys() - drawn.keys():
        folder.joinpath(name).unlink()
    for name in stale:
        if name in drawn:
            folder.joinpath(name).write_text(drawn[name], "utf-8", newline="\n")
    return 0
