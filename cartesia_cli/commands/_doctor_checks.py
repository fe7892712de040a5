"""The doctor's checks of this machine: the program, its extras, files and folders."""

import os
import platform
import re
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cartesia_cli import __version__
from cartesia_cli.commands._doctor_running import Finding
from cartesia_cli.credentials import KEY_FILE_VARIABLE
from cartesia_cli.errors import UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.local.packages import find_recognizer_assets, find_speech_assets
from cartesia_cli.server.packages import INSTALL as INSTALL_SERVER
from cartesia_cli.server.packages import has_server

_RECOGNIZER_GLIBC = (2, 34)
_LEAST_FREE = 100 * 2**20
"""Bytes; an hour of speech in WAV has 318 million."""

_MARK = b"cartesia_cli"
"""In every start script of this program, also in the .exe that Windows gets."""

_LARGEST_SCRIPT = 4 * 2**20


def check_program() -> Iterator[Finding]:
    """Say which program this is."""
    system = f"{platform.system()} {platform.release()} on {platform.machine()}"
    text = f"cartesia {__version__}, Python {platform.python_version()}, {system}."
    yield Finding("program", "ok", text)


def check_path() -> Iterator[Finding]:
    """Look which ``cartesia`` a shell would start."""
    found = [Path(each) for each in _all_on_path("cartesia")]
    scripts = sysconfig.get_path("scripts")
    if not found:
        yield Finding("path", "warning", "PATH has no cartesia.", f"Add {scripts} to PATH.")
        return
    first, *others = found
    if _is_ours(first):
        hidden = f"; behind it {', '.join(map(str, others))}" if others else ""
        yield Finding("path", "ok", f"{first} comes first{hidden}.")
    else:
        yield Finding(
            "path",
            "warning",
            f"Another cartesia comes first on PATH: {first}. Cartesia's voice-agent tool has this name too.",
            f"Call this program cartesia-speech, or put {scripts} first in PATH.",
        )


def _all_on_path(name: str) -> Iterator[str]:
    """Yield every program of a name, in the order of PATH."""
    seen = set()
    for folder in os.get_exec_path():
        path = shutil.which(name, path=folder or ".")
        if path and (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield path


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_LARGEST_SCRIPT)
    except OSError:
        return False


def check_voice() -> Iterator[Finding]:
    """Look for the built-in voice."""
    try:
        find_speech_assets()
    except UsageError as error:
        yield Finding("voice", "warning", str(error), error.hint)
    else:
        yield Finding("voice", "ok", "The built-in voice is installed.")


def check_recognizer() -> Iterator[Finding]:
    """Look for the built-in recogniser, and whether its wheel can run here."""
    glibc = _glibc_version()
    if glibc is not None and glibc < _RECOGNIZER_GLIBC:
        needed, here = (".".join(map(str, version)) for version in (_RECOGNIZER_GLIBC, glibc))
        yield Finding(
            "recognizer",
            "warning",
            f"The built-in recogniser cannot run here: it needs glibc {needed}, this system has {here}.",
            "Transcribe with --engine cloud, or on a newer system.",
        )
        return
    try:
        find_recognizer_assets()
    except UsageError as error:
        yield Finding("recognizer", "warning", str(error), error.hint)
    else:
        yield Finding("recognizer", "ok", "The built-in recogniser is installed.")


def _glibc_version() -> tuple[int, ...] | None:
    """Return the version of the C library; None if it is another one, or none is known."""
    name, version = platform.libc_ver() if sys.platform.startswith("linux") else ("", "")
    return tuple(map(int, re.findall(r"\d+", version)[:2])) if name == "glibc" and version else None


def check_server() -> Iterator[Finding]:
    """Look for what ``serve`` needs; it is no mistake to be without."""
    if has_server():
        yield Finding("server", "ok", "The local server is installed.")
    else:
        text = f"The local server is not installed; install it with: {INSTALL_SERVER}"
        yield Finding("server", "ok", text)


def check_permissions() -> Iterator[Finding]:
    """Look whether others can read the key, or change what shapes a run."""
    if os.name != "posix":
        return
    folder = user_folder("config", os.environ)
    named = os.environ.get(KEY_FILE_VARIABLE)
    looked_at = 0
    places: list[tuple[Path | None, int, str]] = [
        (folder, 0o022, "go-w"),
        (folder and folder / "config.toml", 0o022, "go-w"),
        (Path(named) if named else None, 0o077, "600"),
    ]
    for path, forbidden, mode in places:
        found = _mode(path) if path else None
        if path is None or found is None:
            continue
        looked_at += 1
        if found & forbidden:
            can = "read or change" if forbidden == 0o077 else "change"
            yield Finding("permissions", "warning", f"Others can {can} {path}.", f"Run: chmod {mode} {path}")
            looked_at = -len(places)
    if looked_at >= 0:
        yield Finding("permissions", "ok", "Nobody else can change the configuration.")


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def check_folders() -> Iterator[Finding]:
    """Look whether the cache can be written."""
    folder = user_folder("cache", os.environ)
    if folder is None:
        yield Finding("folders", "warning", "There is no home folder, so nothing is cached.", "Set HOME.")
        return
    there = _nearest(folder)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        yield Finding("folders", "ok", f"{folder} can be written.")
    else:
        fix = f"Make {there} writable, or let XDG_CACHE_HOME name another folder."
        yield Finding("folders", "warning", f"{folder} cannot be written, so nothing is cached.", fix)


def _nearest(path: Path) -> Path:
    """Return a path, or the folder above it that exists."""
    return next((each for each in (path, *path.parents) if each.exists()), Path(path.anchor))


def check_disk() -> Iterator[Finding]:
    """Look for space where files are written."""
    places = [_nearest(folder) for folder in (user_folder("cache", os.environ),) if folder]
    places.append(Path(tempfile.gettempdir()))
    try:
        places.insert(0, Path.cwd())
    except OSError:
        yield Finding("disk", "problem", "The folder this runs in is gone.", "Change to one that exists.")
    short = {}
    for place in places:
        free = shutil.disk_usage(place).free
        if free < _LEAST_FREE:
            short[place] = free
    for place, free in short.items():
        text = f"Only {free // 2**20} MB are free in {place}."
        yield Finding("disk", "warning", text, "Remove what is not needed, or write elsewhere.")
    if not short:
        least = min(shutil.disk_usage(place).free for place in places)
        yield Finding("disk", "ok", f"{least / 2**30:.1f} GB are free.")
