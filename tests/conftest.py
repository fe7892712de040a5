"""What every room's tests share: nothing of the developer's own set-up reaches a test."""

import os
from pathlib import Path

import pytest

OURS = ("CARTESIA_", "XDG_")
FOREIGN = (
    "ALL_PROXY",
    "COLUMNS",
    "FORCE_COLOR",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_COLOR",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No key, no configuration, no proxy and no sound server of the developer reaches a test."""
    for name in list(os.environ):
        if name.startswith(OURS) or name.upper() in FOREIGN:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    for name, value in home_variables(home).items():
        monkeypatch.setenv(name, value)


def home_variables(home: Path) -> dict[str, str]:
    """Return the variables that lead every lookup of a user's folder below ``home``."""
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_RUNTIME_DIR": str(home),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        # No sound server: a test that wants to play brings its own.
        "PULSE_SERVER": f"unix:{home / 'no-sound-server'}",
    }
