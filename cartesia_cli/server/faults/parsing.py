"""Faults, and how they are written; the grammar is in the package's docstring."""

import re
from dataclasses import dataclass

from cartesia_cli.errors import UsageError

SOCKETS = ("/tts/websocket", "/stt/websocket", "/stt/turns/websocket")
"""The paths of the API that are no HTTP."""

_SPEC = re.compile(
    r"(?:(?P<path>/[^:]*):)?(?P<kind>\d{3}|[a-z][a-z0-9-]*)(?:=(?P<value>[^*@]+))?"
    r"(?:\*(?P<times>\d+))?(?:@(?P<chance>\d+(?:\.\d+)?)%)?",
    re.ASCII,
)
_BYTES = r"\d+"
_NONE = r"(?!)"
_VALUES = {
    "status": r"\d+(\.\d+)?|\d+ms|never|html|text|empty",
    "drop": _BYTES,
    "stall": _BYTES,
    "cut": _BYTES,
    "slow": r"\d+(\.\d+)?x|\d+ms",
    "split": r"[1-9]\d*",
    "cut-utf8": _NONE,
    "garbage": _NONE,
    # The codes that may be sent (RFC 6455, section 7.4), and 1005 for a closing that names none.
    "close": r"(1000|1001|1002|1003|1005|100[7-9]|101[0-4]|[34]\d{3})(,\d+)?",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure, and when it happens."""

    kind: str
    """``drop``, ``stall``, ``cut``, ``slow``, ``split``, ``cut-utf8``, ``garbage``, ``close`` or a status."""

    value: str | None = None
    path: str = ""
    """Without the app's prefix; empty is every path."""

    times: int | None = None
    """How many requests it strikes at most."""

    chance: float = 1.0
    """Which part of the requests it strikes, 0 to 1."""

    def covers(self, path: str, *, is_socket: bool = False) -> bool:
        """Whether ``path`` is the fault's own path or below it, and can meet a fault of this kind."""
        if self.kind == "close" and not is_socket:
            return False
        return f"{path}/".startswith(f"{self.path.rstrip('/')}/")


def parse_fault(spec: str) -> Fault:
    """Return the fault that ``spec`` describes.

    Raises:
        UsageError: not a fault, with what is wrong.
    """
    found = _SPEC.fullmatch(spec)
    if not found:
        raise UsageError(
            f"--fault {spec}: not a fault.",
            hint="A fault is [PATH:]KIND[=VALUE][*TIMES][@CHANCE%], like 429*2.",
        )
    kind, value, chance = found["kind"], found["value"], float(found["chance"] or 100)
    values = _VALUES["status"] if kind.isdecimal() and 400 <= int(kind) <= 599 else _VALUES.get(kind)
    if values is None:
        raise UsageError(
            f"--fault {spec}: {kind} is not a kind of fault.",
            hint="There are 400 to 599, drop, stall, cut, slow, split, cut-utf8, garbage and close.",
        )
    if value is not None and not re.fullmatch(values, value, re.ASCII):
        raise UsageError(f"--fault {spec}: {kind} cannot have the value {value}.", hint=_hint(kind, value))
    if chance > 100:
        raise UsageError(f"--fault {spec}: a chance is at most 100 %.")
    times = None if found["times"] is None else int(found["times"])
    fault = Fault(kind, value, found["path"] or "", times, chance / 100)
    if kind == "close" and not any(_meets(fault.path, socket) for socket in SOCKETS):
        raise UsageError(
            f"--fault {spec}: only a socket can be closed with a code, and there is none at {fault.path}.",
            hint=f"The sockets are {', '.join(SOCKETS)}; elsewhere there are drop and cut.",
        )
    return fault


def _hint(kind: str, value: str) -> str | None:
    if kind != "close":
        return None
    if value.partition(",")[0] in {"1006", "1015"}:
        return "No server can send this code: a connection that breaks off is drop."
    return "The codes are 1000 to 1003, 1005, 1007 to 1014 and 3000 to 4999, like close=1012."


def _meets(path: str, socket: str) -> bool:
    return f"{socket}/".startswith(f"{path.rstrip('/')}/")
