"""Where the user's configuration, caches and data are, as platformdirs has it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

_Kind = Literal["config", "cache", "data", "state"]
_VARIABLES = {
    "config": "XDG_CONFIG_HOME",
    "cache": "XDG_CACHE_HOME",
    "data": "XDG_DATA_HOME",
    "state": "XDG_STATE_HOME",
}
_USUAL = {"config": ".config", "cache": ".cache", "data": ".local/share", "state": ".local/state"}


def user_folder(kind: _Kind, environ: Mapping[str, str]) -> Path | None:
    """Return the program's folder of a kind, which may not exist; None if the user has no home.

    The common case does without platformdirs, whose import takes 10 ms.
    """
    base, home = Path(environ.get(_VARIABLES[kind], "")), Path(environ.get("HOME", ""))
    if not base.is_absolute() and sys.platform not in {"win32", "darwin"}:
        base = home / _USUAL[kind]
    if base.is_absolute():
        return base / "cartesia"
    import platformdirs

    try:
        folder = Path(getattr(platformdirs, f"user_{kind}_dir")("cartesia", appauthor=False))
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None
