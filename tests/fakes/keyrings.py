"""Keyrings as the package ``keyring`` loads them: one that works, and some that do not.

A run is given one by ``PYTHON_KEYRING_BACKEND=tests.fakes.keyrings.NAME``; what it keeps is in the file
that ``KEYRING_FILE`` names.
"""

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class Working(KeyringBackend):
    """Keeps passwords in a file, as a real keyring does somewhere."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.path = Path(os.environ["KEYRING_FILE"])

    def passwords(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        return found

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.path.write_text(json.dumps(self.passwords() | {f"{service}/{username}": password}), "utf-8")

    def delete_password(self, service: str, username: str) -> None:
        passwords = self.passwords()
        if passwords.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("Not found")
        self.path.write_text(json.dumps(passwords), "utf-8")


class Forgetful(Working):
    """Takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Locked(Working):
    """Says no, and more than it should."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock\nthe collection!")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked(f"Cannot keep {password}\x1b[31m: it is locked.")


class Broken(Working):
    """Fails as no keyring should: with an error of its own."""

    def get_password(self, service: str, username: str) -> str | None:
        raise ZeroDivisionError

    def set_password(self, service: str, username: str, password: str) -> None:
        raise ZeroDivisionError


class Hanging(Working):
    """Waits for somebody at the other end of the bus."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()
