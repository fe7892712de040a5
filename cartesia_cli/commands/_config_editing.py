"""Opens a file in the editor of the user's choice."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cartesia_cli.credentials import KEY_VARIABLE
from cartesia_cli.errors import UsageError
from cartesia_cli.files import naming

_SECRETS = frozenset([KEY_VARIABLE, "CARTESIA_CUSTOM_HEADERS", "CARTESIA_SERVE_KEYS"])
"""Variables that no other program is given."""


def open_editor(path: Path) -> None:
    """Open a file in $VISUAL or else $EDITOR, and return when it is closed.

    Raises:
        UsageError: there is no editor, or it fails.
    """
    import shlex
    import subprocess

    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        # Windows separates folders by what is an escape here.
        command = [wanted] if sys.platform == "win32" else shlex.split(wanted)
    except ValueError as error:
        raise UsageError(
            f"The editor {wanted!r} has a quote that does not end.", hint="Correct VISUAL or EDITOR."
        ) from error
    if not command:
        raise UsageError(
            "No editor is set.", hint=f"Set VISUAL or EDITOR, or change the file yourself: {path}"
        )
    with naming(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    try:
        with _without_interruption():
            status = subprocess.call([*command, str(path)], env=environment)  # noqa: S603  it is the user's own
    except OSError as error:
        raise UsageError(
            f"Cannot start the editor {command[0]!r}: {error.strerror}.", hint="Correct VISUAL or EDITOR."
        ) from error
    if status:
        raise UsageError(
            f"The editor {command[0]!r} ended with status {status}.", hint=f"Look at the file: {path}"
        )


@contextmanager
def _without_interruption() -> Iterator[None]:
    """Leave Ctrl-C to the editor, which has a meaning of its own for it."""
    # A handler, for what is ignored stays ignored in the program that is started.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
