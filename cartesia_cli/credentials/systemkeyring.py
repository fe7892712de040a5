"""The system's keyring: never waited for long, and none where it would keep a key in the open.

Whatever is done there is done in a thread that may be left behind: a keyring that asks its user, or a
D-Bus without anyone at its other end, answers late or never.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

LIMIT = 3.0
"""Seconds."""

ORIGIN = "system keyring"
_SERVICE, _ACCOUNT = "cartesia-cli", "api-key"
_NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
"""Modules whose keyrings keep nothing, or keep it in a file that is no safer than one of our own."""

_Result = TypeVar("_Result")


class UnusableError(Exception):
    """The keyring cannot be used; the message completes "the system's keyring …" without a full stop."""


def check() -> None:
    """Make sure that there is a keyring.

    Raises:
        UnusableError: there is none.
    """
    _within_limit(lambda _: None)


def find() -> str | None:
    """Return the key, None if the keyring has none.

    Raises:
        UnusableError: it does not answer.
    """
    return _within_limit(lambda keyring: keyring.get_password(_SERVICE, _ACCOUNT))


def keep(value: str) -> None:
    """Put the key into the keyring, in place of the one before.

    Raises:
        UnusableError: it cannot be kept there.
    """

    def step(keyring: "KeyringBackend") -> str | None:
        keyring.set_password(_SERVICE, _ACCOUNT, value)
        return keyring.get_password(_SERVICE, _ACCOUNT)

    if _within_limit(step) != value:
        raise UnusableError("does not give back what is put into it")


def remove() -> None:
    """Take the key out of the keyring, if it is there.

    Raises:
        UnusableError: it stays there.
    """

    def step(keyring: "KeyringBackend") -> None:
        if keyring.get_password(_SERVICE, _ACCOUNT) is not None:
            keyring.delete_password(_SERVICE, _ACCOUNT)

    _within_limit(step)


def _within_limit(step: Callable[["KeyringBackend"], _Result]) -> _Result:
    """Return what is done with the keyring.

    Raises:
        UnusableError: there is none, it fails, or it takes too long.
    """
    results: list[_Result] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(step(_open()))
        except BaseException as error:  # noqa: BLE001  keyrings are plug-ins, which raise whatever they like
            failures.append(error)

    thread = threading.Thread(target=work, name="keyring", daemon=True)
    thread.start()
    thread.join(LIMIT)
    if results:
        return results[0]
    if not failures:
        raise UnusableError(f"does not answer within {LIMIT:.0f} seconds")
    failure = failures[0]
    if isinstance(failure, UnusableError):
        raise failure
    reason = " ".join(str(failure).split()).rstrip(".") or type(failure).__name__
    raise UnusableError(f"refuses: {reason}") from failure


def _open() -> "KeyringBackend":
    import logging

    # It logs tracebacks of backends that cannot be loaded, which Python would print for want of a handler.
    log = logging.getLogger("keyring")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    try:
        import keyring
    except ImportError as error:
        raise UnusableError("cannot be reached: the package keyring is not installed") from error

    chosen = keyring.get_keyring()
    for each in getattr(chosen, "backends", [chosen]):  # of a chain, the first that really keeps something
        if not type(each).__module__.startswith(_NO_KEYRINGS):
            backend: KeyringBackend = each
            return backend
    raise UnusableError("cannot be reached: none is set up here")
