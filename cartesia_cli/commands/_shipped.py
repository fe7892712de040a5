"""Files that come with the program and are drawn from it: completion scripts and man pages."""

from pathlib import Path

import cartesia_cli
from cartesia_cli.errors import UsageError


def find_shipped(folder: str, name: str) -> Path:
    """Return where a file is: in the package, as the wheel has it, or beside it, as the source has it.

    Raises:
        UsageError: the installation is incomplete.
    """
    package = Path(cartesia_cli.__file__).parent
    for above in (package, package.parent):
        path = above / folder / name
        if path.is_file():
            return path
    raise UsageError(
        f"The file {folder}/{name} is missing from this installation.",
        hint="Install it again with: pip install --force-reinstall cartesia-cli",
    )
