"""Where an API key is looked for."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cartesia_cli.access import check_key
from cartesia_cli.errors import CredentialsError

KEY_VARIABLE = "CARTESIA_API_KEY"
KEY_FILE_VARIABLE = "CARTESIA_API_KEY_FILE"
KEY_FILE = "credentials"
"""In the user's configuration folder, of mode 0600."""

KEYRING_MARKER = "keyring"
"""A file beside it that tells that there is a key in the system's keyring.

Whoever has none there does not wait for the keyring, whose import alone takes longer than a whole run.
"""

MOST_BYTES = 65_536
"""Of a key file; access tokens are long, but not longer."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key or access token, fit for a header."""

    value: str = field(repr=False)
    origin: str
    """Like ``environment CARTESIA_API_KEY``, ``system keyring``, or a file."""

    @property
    def last_four(self) -> str:
        """What may be shown of it: its last four characters, fewer of a short one."""
        n_shown = min(4, len(self.value) // 4)
        return self.value[len(self.value) - n_shown :]


def find_key(environ: Mapping[str, str], *, folder: Path | None = None) -> Key | None:
    """Return the key: from the environment, the file it names, the system's keyring, or the user's own file.

    Args:
        environ: normally ``os.environ``; an empty variable counts as unset.
        folder: the user's configuration folder, if it is to be looked into.

    Raises:
        CredentialsError: what should be a key is none, its file cannot be read or is open to others, or
            the keyring does not give it.
    """
    found = next(find_all(environ, folder=folder), None)
    if isinstance(found, CredentialsError):
        raise found
    return found


def find_all(environ: Mapping[str, str], *, folder: Path | None) -> Iterator[Key | CredentialsError]:
    """Yield the key of every place that has one, or what is wrong with it; the first one hides the others."""
    for place in (
        partial(_from_variable, environ),
        partial(_from_named_file, environ),
        partial(_from_keyring, folder),
        partial(_from_own_file, folder),
    ):
        try:
            key = place()
        except CredentialsError as error:
            yield error
        else:
            if key is not None:
                yield key


def decode_key(data: bytes) -> str:
    """Return the text of a key file, without white space around it.

    Raises:
        ValueError: it is no text, or too long for a key.
    """
    if len(data) > MOST_BYTES:
        raise ValueError("it is too long for a key")
    try:
        return data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None  # the exception holds the bytes


def checked_key(value: str, source: str) -> str:
    """Return a key that can stand in a header.

    Raises:
        CredentialsError: it cannot; the message does not show it.
    """
    try:
        return check_key(value)
    except ValueError as error:
        raise CredentialsError(
            f"The API key in {source} {error}.",
            hint="Copy the key again: one word, without quotes or line ends.",
        ) from error


def _from_variable(environ: Mapping[str, str]) -> Key | None:
    value = environ.get(KEY_VARIABLE)
    if not value:
        return None
    return Key(checked_key(value, KEY_VARIABLE), f"environment {KEY_VARIABLE}")


def _from_named_file(environ: Mapping[str, str]) -> Key | None:
    name = environ.get(KEY_FILE_VARIABLE)
    if not name:
        return None
    try:
        value = _read(Path(name))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CredentialsError(
            f"Cannot read the API key from {name!r}: {reason}.",
            hint=f"Correct {KEY_FILE_VARIABLE}, or leave it out.",
        ) from error
    return Key(checked_key(value, name), name)


def _from_keyring(folder: Path | None) -> Key | None:
    if folder is None or not is_marked(folder):
        return None
    from cartesia_cli.credentials import systemkeyring

    try:
        value = systemkeyring.find()
    except systemkeyring.UnusableError as error:
        raise CredentialsError(
            f"Cannot read the API key from the system's keyring: it {error}.",
            hint=f"Unlock the keyring and try again, or set {KEY_VARIABLE}.",
        ) from error
    if value is None:  # removed by another program
        return None
    return Key(checked_key(value, "the system's keyring"), systemkeyring.ORIGIN)


def is_marked(folder: Path) -> bool:
    """Return whether a key was put into the system's keyring."""
    try:
        return stat.S_ISREG((folder / KEYRING_MARKER).stat().st_mode)
    except OSError:
        return False


def _from_own_file(folder: Path | None) -> Key | None:
    if folder is None:
        return None
    path = folder / KEY_FILE
    try:
        mode = path.stat().st_mode
        # Windows has no such modes: there a file of the user's folder is the user's.
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise CredentialsError(
                f"Others can read or change the API key in {path}.", hint=f"Run: chmod 600 {path}"
            )
        value = _read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CredentialsError(
            f"Cannot read the API key from {path}: {reason}.",
            hint=f"Correct the file, or remove it: rm {path}",
        ) from error
    return Key(checked_key(value, str(path)), str(path))


def _read(path: Path) -> str:
    """Return the key that a file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or too long for a key.
    """
    with path.open("rb") as file:
        return decode_key(file.read(MOST_BYTES + 1))
