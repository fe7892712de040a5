"""Keys that steer the loudspeaker: space, arrows, q."""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, Protocol

from cartesia_cli.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import select
    import termios

_ESCAPE_TIME = 0.05
"""Seconds in which the rest of an escape sequence follows its first byte."""

_LOOK = 0.25
"""Seconds between two looks whether the terminal is ours: another program may have it meanwhile."""

_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[0-9;]*[@-~]|[^\x1b\[O]|(?=\x1b))|[^\x1b]", re.DOTALL)
"""One key: CSI and SS3 sequences (ECMA-48), Alt with a key, Escape before another, or a byte."""

_ARROW = re.compile(rb"\x1b(?:\[|O)[0-9;]*([CD])")


class Steerable(Protocol):
    """What the keys steer; the player."""

    @property
    def paused(self) -> bool:
        """Whether it is silent until ``resume``."""

    def pause(self) -> None:
        """Be silent."""

    def resume(self) -> None:
        """Go on."""

    def back(self) -> None:
        """Jump to the start of the sentence, or to the one before."""

    def forward(self) -> None:
        """Jump to the next sentence."""

    def stop(self) -> None:
        """Be silent for ever."""


def can_steer(*, reads_stdin: bool, no_input: bool = False) -> bool:
    """Return whether there is a keyboard: stdin is a terminal and nothing else is read from it."""
    return not reads_stdin and not no_input and sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def steering(player: Steerable) -> Iterator[None]:
    """Let the keys of the terminal at stdin steer ``player`` inside the block.

    The terminal is left as it was found, however the block ends, and whenever Ctrl-Z stops the
    program. A program in the background leaves it alone until it is in the foreground.
    """
    with ExitStack() as leaving:
        if sys.platform == "win32":
            ended = threading.Event()
            reader = threading.Thread(target=_read_console, args=(player, ended), name="keys", daemon=True)
            leave: Callable[[], None] = ended.set
        else:
            keyboard = _Keyboard(sys.stdin.fileno())
            leaving.callback(keyboard.close)
            reader = threading.Thread(target=keyboard.run, args=(player,), name="keys", daemon=True)
            leave = keyboard.leave
            leaving.enter_context(_stopping_cleanly(keyboard))

        def end() -> None:
            leave()  # the terminal first of all, in case that the user is impatient
            if reader.is_alive():
                reader.join()

        leaving.callback(end)
        reader.start()
        yield


def press(player: Steerable, key: str) -> None:
    """Do what a key means; most mean nothing."""
    # A device that is gone is noticed, and told of, where its sound is waited for.
    with suppress(OutputError):
        match key:
            case " ":
                (player.resume if player.paused else player.pause)()
            case "left":
                player.back()
            case "right":
                player.forward()
            case "q" | "Q":
                player.stop()
            case _:
                pass


def split_keys(data: bytes) -> tuple[list[str], bytes]:
    """Return the keys in what a terminal sent, and the start of one that is not whole yet."""
    keys, end = [], 0
    for found in _SEQUENCE.finditer(data):
        if found.start() != end:
            break
        end = found.end()
        arrow = _ARROW.fullmatch(found[0])
        if arrow:
            keys.append("right" if arrow[1] == b"C" else "left")
        elif not found[0].startswith(b"\x1b"):
            keys.append(found[0].decode("latin-1"))
    return keys, data[end:]


if sys.platform == "win32":

    def _read_console(player: Steerable, ended: threading.Event) -> None:
        arrows = {"K": "left", "M": "right"}
        while not ended.wait(_ESCAPE_TIME):
            while msvcrt.kbhit():
                key = msvcrt.getwch()
                press(player, arrows.get(msvcrt.getwch(), "") if key in "\x00\xe0" else key)

else:

    class _Keyboard:
        """A terminal that gives each key at once and does not show it, while it is ours."""

        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor
            self._wake = os.pipe()
            self._lock = threading.RLock()
            self._left = False
            self._stopping = False
            self._before: list[Any] | None = None

        def enter(self) -> bool:
            """Take the terminal if this program is in its foreground; return whether it has it."""
            with self._lock:
                if self._left or self._stopping or not self._is_ours():
                    self._before = None  # who has it now has set it to his liking
                    return False
                now = termios.tcgetattr(self._descriptor)
                if now[3] & (termios.ICANON | termios.ECHO):  # or a shell has set it back, after SIGSTOP
                    self._before = now  # first, since Ctrl-C may come between the two
                    characters = list(now[6])
                    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
                    lflag = now[3] & ~(termios.ICANON | termios.ECHO)
                    changed = [*now[:3], lflag, *now[4:6], characters]
                    termios.tcsetattr(self._descriptor, termios.TCSANOW, changed)
                return True

        def give_back(self, *, stopping: bool) -> None:
            """Leave the terminal as it was found, until ``enter``, and not before ``go_on`` if stopping."""
            with self._lock:
                self._stopping = stopping
                before, self._before = self._before, None
                if before is not None and self._is_ours():
                    with suppress(termios.error):
                        termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

        def go_on(self) -> None:
            """Let ``run`` take the terminal again."""
            self._stopping = False

        def leave(self) -> None:
            """Give it back for ever, and let ``run`` end."""
            with self._lock:
                self._left = True
                self.give_back(stopping=False)
            os.write(self._wake[1], b"\n")

        def close(self) -> None:
            """Close what wakes ``run``."""
            for descriptor in self._wake:
                os.close(descriptor)

        def _is_ours(self) -> bool:
            """Return whether a change of the terminal, or reading from it, would not stop this program."""
            try:
                return os.tcgetpgrp(self._descriptor) == os.getpgrp()
            except OSError:  # it went away, or is the terminal of another session
                return False

        def run(self, player: Steerable) -> None:
            """Do what the keys say until ``leave``, or the end of the terminal."""
            # Sent to the background between a look and a read, it shall get an error, and not be stopped.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN, signal.SIGTTOU})
            data: bytes | None = b""
            rest = b""
            while not self._left and data is not None:
                try:
                    data = self._read(_ESCAPE_TIME if rest else _LOOK)
                except (OSError, termios.error):  # another program has got the terminal
                    data = b""
                    select.select([self._wake[0]], [], [], _LOOK)
                # What follows late does not belong to an escape sequence.
                keys, rest = split_keys(rest + data) if data else ([], b"")
                for key in keys:
                    press(player, key)

        def _read(self, seconds: float) -> bytes | None:
            """Return what is typed within a time; None at the end of the terminal."""
            if not self.enter():
                select.select([self._wake[0]], [], [], _LOOK)
                return b""
            ready, _, _ = select.select([self._descriptor, self._wake[0]], [], [], seconds)
            if self._descriptor not in ready or not self._is_ours():
                return b""
            return os.read(self._descriptor, 64) or None

    @contextmanager
    def _stopping_cleanly(keyboard: _Keyboard) -> Iterator[None]:
        """Give the terminal back before Ctrl-Z stops this program; ``run`` takes it again later."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            keyboard.give_back(stopping=True)
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)
            # Here the program goes on, in the foreground or in the background.
            signal.signal(signal.SIGTSTP, stop)
            keyboard.go_on()

        # A shell without job control ignores it, and only the main thread may ask for it.
        main = threading.current_thread() is threading.main_thread()
        if not main or signal.getsignal(signal.SIGTSTP) is not signal.SIG_DFL:
            yield
            return
        signal.signal(signal.SIGTSTP, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
