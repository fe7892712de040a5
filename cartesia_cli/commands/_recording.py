"""One recording that was given, as a file that can be read more than once."""

import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO, cast

from cartesia_cli.errors import OutputError, UsageError

STDIN = "-"


def recording_file(given: str, folder: Path) -> Path:
    """Return the file itself, or a copy of standard input or of a pipe in ``folder``.

    Raises:
        UsageError: there is none, or it cannot be read.
        OutputError: there is no space for the copy.
    """
    copy = folder / "recording"
    if given == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("There is no recording on standard input.", hint="Name a file, or pipe one in.")
        _copy(cast("BinaryIO", sys.stdin.buffer), copy, "standard input")
        return copy
    path = Path(given)
    check_readable(path)
    if path.is_file():
        return path
    with path.open("rb") as pipe:
        _copy(pipe, copy, given)
    return copy


def check_readable(path: Path) -> None:
    """Check that there is something to read, before anything is opened.

    Raises:
        UsageError: there is nothing, or it cannot be read.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a recording.")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path} cannot be read: permission denied.")


def _copy(stream: BinaryIO, target: Path, name: str) -> None:
    try:
        with target.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except OSError as error:
        raise OutputError(f"Cannot keep a copy of {name} in {target.parent}: {error.strerror}.") from error
