"""A program that is steered by keys, and the shell that started it: ``python -m tests.fakes.steered KIND``.

Standard input is the terminal; KIND is one of

* ``shell``: takes the terminal for its session and starts a ``job`` in the foreground; ``shell background``
  in the background. It obeys the lines on descriptor 3: ``fg``, ``bg``, ``cont``, and ``wait``, which tells
  when the job has stopped or ended.
* ``job``: prints what the keys did, a line each, until ``q``.
* ``failing``: fails after the first key.
* ``playing``: plays the samples in the file whose name follows, with ``One.`` and ``Two.`` of a second each.
"""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

from cartesia_cli.audio.playback import Player
from cartesia_cli.commands._keys import steering
from cartesia_cli.models import AudioFormat, WordTiming


def tell(what: str) -> None:
    """Print a line at once."""
    os.write(1, f"{what}\n".encode())


class Recorder:
    """Notes what it is told to do."""

    def __init__(self) -> None:
        self.paused = False
        self.told = threading.Event()
        self.ended = threading.Event()

    def _note(self, what: str) -> None:
        tell(what)
        self.told.set()

    def pause(self) -> None:
        self.paused = True
        self._note("pause")

    def resume(self) -> None:
        self.paused = False
        self._note("resume")

    def back(self) -> None:
        self._note("back")

    def forward(self) -> None:
        self._note("forward")

    def stop(self) -> None:
        self._note("stop")
        self.ended.set()


def job(*, failing: bool = False) -> None:
    """Be steered until the end."""
    player = Recorder()
    with steering(player):
        tell("ready")
        while not player.ended.wait(0.05):
            if failing and player.told.is_set():
                raise ValueError("as asked")
    tell(f"left with {threading.active_count()} threads")


def play(path: Path) -> None:
    """Play, steered by keys."""
    audio = path.read_bytes()
    with Player(AudioFormat(), steerable=True) as player, steering(player):
        player.add_words([WordTiming("One.", 0.0, 1.0), WordTiming("Two.", 1.0, 2.0)])
        player.write(audio)
        tell(f"heard {player.wait_until_heard()}")


def shell(*, background: bool) -> None:
    """Start a job, and do with it what is asked for."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    started = subprocess.Popen([sys.executable, "-m", "tests.fakes.steered", "job"], process_group=0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    if not background:
        os.tcsetpgrp(0, started.pid)
    with os.fdopen(3) as commands:
        for line in commands:
            match line.strip():
                case "fg":
                    os.tcsetpgrp(0, started.pid)
                case "bg":
                    os.tcsetpgrp(0, os.getpgrp())
                case "cont":
                    os.killpg(started.pid, signal.SIGCONT)
                case "wait":
                    _, status = os.waitpid(started.pid, os.WUNTRACED)
                    tell("stopped" if os.WIFSTOPPED(status) else "ended")
                    continue
                case other:
                    raise ValueError(other)
            tell("done")


def main() -> None:
    """Be what is asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as ours does
    kind, *more = sys.argv[1:]
    if kind == "shell":
        shell(background="background" in more)
        return
    if os.getsid(0) == os.getpid():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if kind == "playing":
        play(Path(more[0]))
    else:
        job(failing=kind == "failing")


if __name__ == "__main__":
    main()
