"""Keys while playing: cli.md section 4. The terminal is a real one, and its own again afterwards."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartesia_cli.commands._keys import split_keys
from tests.cli.program import ROOT, Program, Running
from tests.fakes.soundserver import SoundServer, require_sound

DEADLINE = 10.0
LEFT, RIGHT = "\x1b[D", "\x1b[C"


class Terminal:
    """A terminal, and the program that was started in it."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._ours, self._theirs = pty.openpty()
        self.at_first = self.attributes()
        self._commands, theirs = os.pipe()[::-1]
        self.program = subprocess.Popen(
            [sys.executable, "-c", f"import os; os.dup2({theirs}, 3); {RUN}", *arguments],
            stdin=self._theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=[theirs],
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}),
        )
        os.close(theirs)

    def attributes(self) -> list[Any]:
        """Return how the terminal is set."""
        return termios.tcgetattr(self._theirs)

    def set(self, attributes: list[Any]) -> None:
        termios.tcsetattr(self._theirs, termios.TCSANOW, attributes)

    def forget_what_was_typed(self) -> None:
        termios.tcflush(self._theirs, termios.TCIFLUSH)

    def is_set_for_keys(self) -> bool:
        """Return whether keys come one by one, unseen, and Ctrl-C is still Ctrl-C."""
        lflag: int = self.attributes()[3]
        return lflag & (termios.ICANON | termios.ECHO | termios.ISIG) == termios.ISIG

    def type(self, keys: str | bytes) -> None:
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)

    def told(self) -> str:
        """Return the next line that the program prints."""
        assert self.program.stdout
        assert select.select([self.program.stdout], [], [], DEADLINE)[0], "it prints nothing"
        return self.program.stdout.readline().decode().rstrip("\n")

    def is_silent(self, seconds: float) -> bool:
        assert self.program.stdout
        return not select.select([self.program.stdout], [], [], seconds)[0]

    def shell(self, command: str) -> str:
        """Give the shell a command and return its answer."""
        os.write(self._commands, f"{command}\n".encode())
        return self.told()

    def close(self) -> None:
        os.close(self._commands)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.program.pid, signal.SIGKILL)
        os.close(self._ours)  # which hangs up whoever else is there
        os.close(self._theirs)
        self.program.communicate()


RUN = "import runpy; runpy.run_module('tests.fakes.steered', run_name='__main__', alter_sys=True)"


@contextlib.contextmanager
def terminal(*arguments: str, env: dict[str, str] | None = None) -> Iterator[Terminal]:
    opened = Terminal(*arguments, env=env)
    try:
        yield opened
    finally:
        opened.close()


def wait_until(condition: Any) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("sent", "keys", "rest"),
    [
        (b" q", [" ", "q"], b""),
        (b"\x1b[C\x1b[D", ["right", "left"], b""),
        (b"\x1bOC\x1bOD", ["right", "left"], b""),
        (b"\x1b[1;5C\x1b[1;2D", ["right", "left"], b""),
        (b"\x1b[A\x1b[5~\x1bOP\x1b[200~", [], b""),
        (b"\x1bq ", [" "], b""),
        (b"\x1b\x1b[C", ["right"], b""),
        (b" \x1b", [" "], b"\x1b"),
        (b" \x1b[1;", [" "], b"\x1b[1;"),
        (b"\x1bO", [], b"\x1bO"),
        ("é".encode(), ["Ã", "©"], b""),
    ],
)
def test_what_a_terminal_sends_is_cut_into_keys(sent: bytes, keys: list[str], rest: bytes) -> None:
    assert split_keys(sent) == (keys, rest)


def test_each_key_does_what_it_says() -> None:
    with terminal("job") as tty:
        assert tty.told() == "ready"
        wait_until(tty.is_set_for_keys)
        told = []
        for key in (" ", " ", LEFT, RIGHT):
            tty.type(f"x\x1b[A{key}")
            told.append(tty.told())
        tty.type(b"\x1b")
        time.sleep(0.01)
        tty.type(b"[C")  # an arrow that came in two parts
        told.append(tty.told())
        pressed = time.monotonic()
        tty.type("q")
        told += [tty.told(), tty.told()]

        assert told == ["pause", "resume", "back", "forward", "forward", "stop", "left with 1 threads"]
        assert time.monotonic() - pressed < 0.5
        assert tty.attributes() == tty.at_first
        assert tty.program.wait(DEADLINE) == 0


def test_the_escape_key_alone_is_no_part_of_what_is_typed_later() -> None:
    with terminal("job") as tty:
        assert tty.told() == "ready"
        wait_until(tty.is_set_for_keys)
        tty.type(b"\x1b")
        assert tty.is_silent(0.3)
        tty.type(b" ")

        assert tty.told() == "pause"


@pytest.mark.parametrize(
    ("kind", "end", "status"),
    [("failing", " ", 1), ("job", "\x03", -signal.SIGINT), ("job", signal.SIGTERM, 143)],
    ids=["an error", "Ctrl-C", "SIGTERM"],
)
def test_the_terminal_is_left_as_it_was_found(kind: str, end: str | signal.Signals, status: int) -> None:
    with terminal(kind) as tty:
        assert tty.told() == "ready"
        wait_until(tty.is_set_for_keys)
        if isinstance(end, str):
            tty.type(end)
        else:
            tty.program.send_signal(end)

        ended = tty.program.wait(DEADLINE)

        assert ended == status
        assert tty.attributes() == tty.at_first


def test_ctrl_z_gives_the_terminal_back_and_it_is_taken_again_in_the_foreground() -> None:
    with terminal("shell") as tty:
        assert tty.told() == "ready"
        wait_until(tty.is_set_for_keys)
        tty.type("\x1a")
        assert tty.shell("wait") == "stopped"
        assert tty.attributes() == tty.at_first
        assert tty.shell("bg") == "done"
        assert tty.shell("cont") == "done"
        tty.type(" \n")
        assert tty.is_silent(0.4)
        assert tty.attributes() == tty.at_first
        tty.forget_what_was_typed()

        assert tty.shell("fg") == "done"
        wait_until(tty.is_set_for_keys)
        tty.type(" ")
        assert tty.told() == "pause"
        tty.type("\x1a")
        assert tty.shell("wait") == "stopped"
        assert tty.shell("cont") == "done"
        wait_until(tty.is_set_for_keys)
        tty.type("q")
        assert [tty.told(), tty.told()] == ["stop", "left with 1 threads"]

        assert tty.shell("wait") == "ended"
        assert tty.attributes() == tty.at_first


def test_in_the_background_the_terminal_is_not_touched() -> None:
    with terminal("shell", "background") as tty:
        assert tty.told() == "ready"
        tty.type(" \n")
        assert tty.is_silent(0.4)
        assert tty.attributes() == tty.at_first
        tty.forget_what_was_typed()

        assert tty.shell("fg") == "done"
        wait_until(tty.is_set_for_keys)
        tty.type("q")

        assert [tty.told(), tty.told()] == ["stop", "left with 1 threads"]
        assert tty.shell("wait") == "ended"


def test_a_stop_that_cannot_be_caught_costs_nobody_the_keys() -> None:
    with terminal("job") as tty:
        assert tty.told() == "ready"
        wait_until(tty.is_set_for_keys)
        tty.program.send_signal(signal.SIGSTOP)
        tty.set(tty.at_first)  # as a shell does
        tty.program.send_signal(signal.SIGCONT)

        wait_until(tty.is_set_for_keys)
        tty.type("q")

        assert [tty.told(), tty.told()] == ["stop", "left with 1 threads"]
        assert tty.attributes() == tty.at_first


@pytest.fixture
def loudspeaker(tmp_path: Path) -> Iterator[SoundServer]:
    require_sound()
    (tmp_path / "sound").mkdir()
    with SoundServer(tmp_path / "sound") as server:
        yield server


def test_what_the_keys_do_is_heard(loudspeaker: SoundServer, tmp_path: Path) -> None:
    one, two = np.full(44_100, 0.25, "<f4"), np.full(44_100, 0.5, "<f4")
    (tmp_path / "sound.f32").write_bytes(np.concatenate([one, two]).tobytes())
    loudspeaker.forget()

    with terminal("playing", str(tmp_path / "sound.f32"), env=loudspeaker.environ) as tty:
        loudspeaker.wait_for_sound()
        wait_until(tty.is_set_for_keys)
        for key in (RIGHT, LEFT, " ", " "):
            time.sleep(0.3)
            tty.type(key)
        assert tty.told() == "heard True"
        assert tty.program.wait(DEADLINE) == 0
        assert tty.attributes() == tty.at_first

    heard = loudspeaker.record()[:, 0]
    levels = [float(level) for level in heard[np.flatnonzero(np.diff(heard, prepend=0.0))] if level]
    assert levels == [0.25, 0.5, 0.25, 0.25, 0.5]
    assert np.count_nonzero(heard == 0.25) / 44_100 > 1.2
    assert np.count_nonzero(heard == 0.5) / 44_100 == pytest.approx(1.3, abs=0.15)


# The whole program

TAKE_TERMINAL = """
import fcntl, os, sys, termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
TEXT = "One two three four five. Six seven eight nine ten. At last, the end of it."
STARTS = [TEXT.index("One"), TEXT.index("Six"), TEXT.index("At")]


@contextlib.contextmanager
def speaking(program: Program, loudspeaker: SoundServer, *options: str, **streams: Any) -> Iterator[Running]:
    """Say TEXT in a terminal of its own; yield when it is heard and listens to the keys."""
    loudspeaker.forget()
    streams = {"tty": ["stdin"]} | streams
    wrapper = [sys.executable, "-c", TAKE_TERMINAL]
    running = program.start(
        "say", TEXT, "--play", *options, env=loudspeaker.environ, wrapper=wrapper, **streams
    )
    loudspeaker.wait_for_sound()
    yield running


def heard_of(loudspeaker: SoundServer) -> float:
    """Return how many seconds were heard."""
    return float(np.count_nonzero(loudspeaker.record()[:, 0])) / 44_100


def lflag(running: Running) -> int:
    assert running.stdin is not None
    flags: int = termios.tcgetattr(running.stdin)[3]
    return flags


def test_q_ends_the_program(in_cloud: Program, loudspeaker: SoundServer) -> None:
    with speaking(in_cloud, loudspeaker) as running:
        assert not lflag(running) & termios.ICANON
        assert running.stdin is not None
        terminal = os.dup(running.stdin)
        time.sleep(0.2)
        running.type("q")
        result = running.wait()

    assert (result.status, result.stderr, result.stdout) == (0, "", b"")
    assert termios.tcgetattr(terminal)[3] & termios.ICANON
    os.close(terminal)
    assert heard_of(loudspeaker) < 2


def test_the_arrows_jump_from_sentence_to_sentence(in_cloud: Program, loudspeaker: SoundServer) -> None:
    with speaking(in_cloud, loudspeaker) as running:
        running.type(RIGHT)
        time.sleep(0.5)
        running.type(RIGHT)
        result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    # Silence of the tone itself, where it crosses zero, does not matter.
    seconds = (len(TEXT) - STARTS[2]) * 0.05 + 0.5
    assert seconds - 0.2 < heard_of(loudspeaker) < seconds + 0.8


def test_without_input_the_keys_are_left_alone(in_cloud: Program, loudspeaker: SoundServer) -> None:
    with speaking(in_cloud, loudspeaker, "--no-input") as running:
        assert lflag(running) & termios.ICANON
        running.type("q\n")
        time.sleep(0.6)
        running.send(signal.SIGINT)
        result = running.wait()

    assert (result.status, result.stderr) == (130, "")
    assert heard_of(loudspeaker) > 0.5


def test_the_words_follow_the_sound_where_it_jumps(in_cloud: Program, loudspeaker: SoundServer) -> None:
    streams = {"tty": ["stdin", "stderr"], "columns": 26}
    with speaking(in_cloud, loudspeaker, "--follow", **streams) as running:
        running.type(RIGHT)
        assert running.stderr is not None
        end = time.monotonic() + DEADLINE
        while b"Six" not in running.stderr.wait_for(0):
            assert time.monotonic() < end
        running.type(LEFT)
        time.sleep(0.4)
        running.type("q")
        result = running.wait()

    assert result.status == 0
    shown = [line.rpartition("\r\x1b[2K")[2] for line in result.stderr.rstrip("\n").split("\n")]
    assert shown[0] == "One two three four five."
    assert shown[-1].startswith(("One", "\x1b[1;7mOne"))
    assert "end" not in result.stderr
