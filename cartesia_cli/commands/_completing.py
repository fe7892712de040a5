"""Prints or installs the completion script of a shell."""

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._shipped import find_shipped
from cartesia_cli.commands.completion import Shell, ShellOptions
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import naming, replace_file

_SCRIPTS: dict[Shell, dict[str, str]] = {
    "bash": {"cartesia.bash": "cartesia", "cartesia-speech.bash": "cartesia-speech"},
    "zsh": {"_cartesia": "_cartesia"},
    "fish": {"cartesia.fish": "cartesia.fish", "cartesia-speech.fish": "cartesia-speech.fish"},
    "powershell": {"cartesia.ps1": "cartesia.ps1"},
}
"""The files of each shell, the main one first, with the names under which the shell finds them."""

_BASH_COMPLETION = (
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/share/bash-completion/bash_completion",
    "/usr/local/etc/profile.d/bash_completion.sh",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
)
"""What loads a command's script at its first tab, where it is installed."""


class _Place(NamedTuple):
    """Where a shell looks for scripts, and what may be missing there."""

    folder: Path
    start_file: str | None = None
    """What the shell reads when it starts, if a line may be needed in it."""

    line: str | None = None
    found: bool = False
    """Whether the line is there already, or not needed."""


def run(options: ShellOptions) -> None:
    """Print the script, or install it.

    Raises:
        UsageError: no shell is named.
        OutputError: the script cannot be written.
    """
    console.configure(quiet=options.quiet)
    if options.shell is None:
        raise UsageError("Which shell?", hint="Name one of bash, zsh, fish and powershell.")
    if options.install:
        _install(options.shell)
        return
    name = next(iter(_SCRIPTS[options.shell]))
    console.data(find_shipped("completions", name).read_text("utf-8"))


def _install(shell: Shell) -> None:
    place = _place_of(shell)
    for source, name in _SCRIPTS[shell].items():
        _put(find_shipped("completions", source).read_bytes(), place.folder / name)
    if place.line and not place.found:
        console.note(f"add this line to {place.start_file}: {place.line}")
    console.note(f"open a new {shell} to use it")


def _put(script: bytes, path: Path) -> None:
    """Write a script, unless it is there already, and say which of the two."""
    try:
        if path.read_bytes() == script:
            console.note(f"{path} is up to date")
            return
    except OSError:
        pass  # not there; or not readable, and writing will tell
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as file:
        file.write(script)
    console.note(f"wrote {path}")


def _place_of(shell: Shell) -> _Place:
    try:
        home = Path.home()
    except RuntimeError as error:
        raise OutputError("There is no home folder.", hint="Set HOME.") from error
    data = _folder("XDG_DATA_HOME", home / ".local" / "share")
    match shell:
        case "bash":
            folder = _folder("BASH_COMPLETION_USER_DIR", data / "bash-completion") / "completions"
            line = f"source {shlex.quote(str(folder / 'cartesia'))}"
            loaded = any(Path(each).exists() for each in _BASH_COMPLETION)
            return _Place(folder, "~/.bashrc", line, loaded or _mentions(home / ".bashrc", folder))
        case "zsh":
            folder = data / "zsh" / "site-functions"
            start_file = _folder("ZDOTDIR", home) / ".zshrc"
            line = f"fpath=({shlex.quote(str(folder))} $fpath); autoload -Uz compinit; compinit"
            return _Place(folder, str(start_file), line, _mentions(start_file, folder))
        case "fish":
            return _Place(_folder("XDG_CONFIG_HOME", home / ".config") / "fish" / "completions")
        case "powershell":
            folder = data / "powershell" / "completions"
            path = str(folder / "cartesia.ps1").replace("'", "''")
            return _Place(folder, "the file that $PROFILE names", f". '{path}'")


def _folder(variable: str, usual: Path) -> Path:
    """Return the folder that a variable names, if it names one absolutely."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else usual


def _mentions(start_file: Path, folder: Path) -> bool:
    """Return whether a shell's start file names a folder, however it writes the home folder."""
    try:
        text = start_file.read_text("utf-8", errors="replace")
    except OSError:
        return False
    spelled = [str(folder)]
    if folder.is_relative_to(Path.home()):
        below = folder.relative_to(Path.home()).as_posix()
        spelled += [f"~/{below}", f"$HOME/{below}", f"${{HOME}}/{below}"]
    return any(each in text for each in spelled)
