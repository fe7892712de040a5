"""Runs one check of the doctor: whatever it raises is a finding, and it ends in time."""

import threading
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from cartesia_cli.errors import CartesiaError

Status = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """What a check says of one thing."""

    name: str
    status: Status
    message: str
    fix: str | None = None


Check = Callable[[], Iterable[Finding]]


def examine(name: str, check: Check, seconds: float) -> list[Finding]:
    """Return what a check finds, within so many seconds; what hangs is left behind."""
    found: list[Finding] = []
    done = threading.Event()

    def work() -> None:
        try:
            for finding in check():
                found.append(finding)  # noqa: PERF402  what was found before it hangs counts
        except CartesiaError as error:
            found.append(Finding(name, "problem", str(error), error.hint))
        except Exception as error:  # noqa: BLE001  a check that breaks must not hide what the others find
            message = f"The check failed: {type(error).__name__}: {error}."
            found.append(Finding(name, "problem", message, "Please report it."))
        finally:
            done.set()

    threading.Thread(target=work, name=f"check {name}", daemon=True).start()
    if done.wait(seconds):
        return found
    late = Finding(name, "problem", f"No answer within {seconds:g} s.", "Try again; something hangs there.")
    return [*found, late]
