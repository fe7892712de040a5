"""Keeps an API key for the runs to come, in one place, and removes it again."""

from pathlib import Path

from cartesia_cli.credentials import systemkeyring
from cartesia_cli.credentials.finding import KEY_FILE, KEY_VARIABLE, KEYRING_MARKER, is_marked
from cartesia_cli.errors import OutputError
from cartesia_cli.files import naming, replace_file

_MARK = b"The API key is in the system's keyring; 'cartesia auth logout' removes it.\n"


def require_keyring() -> None:
    """Make sure that there is a keyring, before anyone types a key in vain.

    Raises:
        OutputError: there is none.
    """
    try:
        systemkeyring.check()
    except systemkeyring.UnusableError as error:
        raise _unusable(error) from error


def keep_in_keyring(value: str, folder: Path) -> None:
    """Keep a key in the system's keyring, and nowhere else.

    Args:
        value: the key, checked.
        folder: the user's configuration folder; it is made if need be.

    Raises:
        OutputError: it cannot be kept there; the key before it stays.
    """
    marker = folder / KEYRING_MARKER
    was_marked = is_marked(folder)
    if not was_marked:
        # The mark first: a key without it would be lost, a mark without a key counts for nothing.
        _write(marker, _MARK)
    try:
        systemkeyring.keep(value)
    except BaseException as error:
        if not was_marked:
            marker.unlink(missing_ok=True)
        if isinstance(error, systemkeyring.UnusableError):
            raise _unusable(error) from error
        raise
    _remove_file(folder / KEY_FILE)


def keep_in_file(value: str, folder: Path) -> tuple[Path, OutputError | None]:
    """Keep a key in a file that only its owner can read, and nowhere else.

    Args:
        value: the key, checked.
        folder: the user's configuration folder; it is made if need be.

    Returns:
        The file; and what went wrong where the key of the keyring is still there, though of no use any more.

    Raises:
        OutputError: it cannot be written; the key before it stays.
    """
    path = folder / KEY_FILE
    _write(path, value.encode() + b"\n")
    try:
        forget_keyring(folder)
    except OutputError as failure:
        _remove_file(folder / KEYRING_MARKER)  # or it would win
        return path, failure
    return path, None


def forget_file(folder: Path) -> str | None:
    """Remove the key from its file; return which one that was, None if there was none.

    Raises:
        OutputError: it is still there.
    """
    path = folder / KEY_FILE
    return str(path) if _remove_file(path) else None


def forget_keyring(folder: Path) -> str | None:
    """Remove the key from the keyring, if it was put there; return what that is called, or None.

    Raises:
        OutputError: it is still there.
    """
    if not is_marked(folder):
        return None
    try:
        systemkeyring.remove()
    except systemkeyring.UnusableError as error:
        raise OutputError(
            f"Cannot remove the API key from the system's keyring: it {error}.",
            hint="Unlock the keyring and try again.",
        ) from error
    _remove_file(folder / KEYRING_MARKER)
    return systemkeyring.ORIGIN


def _remove_file(path: Path) -> bool:
    with naming(path):
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
    return True


def _write(path: Path, data: bytes) -> None:
    """Write a whole file that was never open to others, in a folder that is made if need be."""
    with naming(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replace_file(path, private=True) as file:
            file.write(data)


def _unusable(error: systemkeyring.UnusableError) -> OutputError:
    return OutputError(
        f"Cannot keep the API key in the system's keyring: it {error}.",
        hint=f"Set {KEY_VARIABLE} instead, or keep it in a file: cartesia auth login --insecure-storage",
    )
