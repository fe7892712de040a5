"""Real shells on a terminal, that complete what is typed."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.cli.program import ROOT

SCRIPTS = ROOT / "completions"

_LIMIT = 4.0
_PROMPT = "ready>"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b\([A-Z0-9]|\x1b[=>]|[\r\x07\x0f⏎]")

# The prompt is put together by the shell: the echo of what is typed must not look like it.
_BASH = """
bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; bind 'set bell-style none';
bind 'set completion-query-items 0'; bind 'set page-completions off'; source {scripts}/cartesia.bash;
PS1=read'y>'
"""
_ZSH = """
unsetopt zle_bracketed_paste prompt_sp prompt_cr; setopt no_list_beep; LISTMAX=0;
fpath=({scripts} $fpath); autoload -Uz compinit; compinit -D; PS1=read'y>'
"""
_FISH = """
set -g fish_autosuggestion_enabled 0; source {scripts}/cartesia.fish; source {scripts}/cartesia-speech.fish;
function fish_right_prompt; end; function fish_prompt; echo -n read'y>'; end
"""
# Job control, and with it every line editor, needs a terminal that is the session's own.
_IN_CONTROL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
_STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], _BASH),
    "zsh": (["-f", "-i"], _ZSH),
    "fish": (["--no-config", "-i"], _FISH),
}


def require_shell(name: str) -> str:
    """Return where a shell is; skip the test without it, fail it in CI."""
    found = shutil.which(name)
    if found is None:
        reason = f"no {name} here (Debian: apt install {name})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Shell:
    """An interactive shell with our script; use it in a ``with`` block.

    ``start`` replaces what makes it load the script from the source.
    """

    def __init__(self, name: str, folder: Path, env: dict[str, str], start: str | None = None) -> None:
        self.name = name
        options, usual = _STARTS[name]
        ours, theirs = pty.openpty()  # one that echoes: readline shows nothing on another
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._screen = ours
        self._process = subprocess.Popen(
            [sys.executable, "-c", _IN_CONTROL, require_shell(name), *options],
            cwd=folder,
            # On a dumb terminal zsh draws words anew; on others it goes over what stays with the cursor.
            env=env | {"TERM": "dumb" if name == "zsh" else "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._write(" ".join((start or usual).format(scripts=SCRIPTS).split()) + "\n")
        self._read_until(lambda text: text.endswith(_PROMPT))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._screen)

    def complete(self, line: str, expected: str) -> str:
        """Type a line and a tab; return what is shown once ``expected`` is in it, and clear the line."""
        self._write(f"{line}\t")
        shown = self._read_until(lambda text: expected in text)
        self._clear()
        return shown

    def seconds_for(self, line: str, rest: str) -> float:
        """Return how long the shell takes, from the tab on, to show the rest of a word."""
        self._write(line)
        self._read_until(lambda text: text.endswith(line[-3:]))
        began = time.perf_counter()
        self._write("\t")
        self._read_until(lambda text: rest in text)
        seconds = time.perf_counter() - began
        self._clear()
        return seconds

    def _clear(self) -> None:
        self.run("\x15 true")

    def run(self, line: str) -> None:
        """Run a command line and wait for the prompt after it."""
        self._write(f"{line}; echo fin''ished\n")
        self._read_until(lambda text: "finished" in text and text.endswith(_PROMPT))

    def _write(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def _read_until(self, condition: Callable[[str], bool]) -> str:
        data = b""
        end = time.monotonic() + _LIMIT
        while not condition(shown := _CONTROL.sub("", data.decode(errors="replace"))):
            assert time.monotonic() < end, f"it never came: {shown!r}"
            if select.select([self._screen], [], [], 0.1)[0]:
                data += os.read(self._screen, 65536)
        return shown
