"""Turns at the loudspeaker: several programs of one user are heard one after the other."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cartesia_cli.audio.waitingline import Hold, Holder, WaitingLine, runtime_folder
from cartesia_cli.errors import OutputError

_POLL = 0.02
"""Seconds between two tries of one that waits."""

_WATCH = 0.05
"""Seconds between two looks of the holder whether another cuts in."""


class Turn:
    """The right of this process to be heard: taken for an utterance, given back when it was heard.

    Where it cannot be had for want of a place to lock, everything goes on without, and ``problem`` says why.
    ``take`` and ``release`` are for one utterance after the other; ``release`` is for any thread.

    Args:
        command: what the others are told of this process, such as "cartesia say"; nothing private.
        wait: seconds to wait for the others at most.
        interrupt: whether the one that is heard is told to stop.
        folder: where the locks are; None is the user's.
    """

    def __init__(
        self,
        *,
        command: str = "cartesia",
        wait: float = 60.0,
        interrupt: bool = False,
        folder: Path | None = None,
    ) -> None:
        self._command = command
        self._wait = wait
        self._interrupt = interrupt
        self._folder = folder
        self._lock = threading.Lock()
        self._hold: Hold | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.interrupted = False
        """Whether another program took the turn away; there is none for this one any more."""
        self.problem: str | None = None
        """Why there are no turns here."""

    @property
    def held(self) -> bool:
        """Whether the others wait."""
        return self._hold is not None

    def on_interrupt(self, callback: Callable[[], None]) -> None:
        """Call ``callback``, from another thread, before the turn goes to a program that cuts in."""
        with self._lock:
            self._callbacks.append(callback)
            if not self.interrupted:
                return
        callback()

    def take(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Wait for the turn; return whether it came, or there are no turns here, before ``until`` did.

        Does nothing while it is held. After an interruption it never comes.

        Raises:
            OutputError: others had it all the time.
        """
        if self.interrupted or until():
            return False
        if self._hold is not None or self.problem is not None:
            return True
        try:
            line = WaitingLine(self._folder or runtime_folder(), command=self._command)
            hold = self._wait_for(line, until)
        except OSError as error:
            self.problem = error.strerror or str(error)
            return True
        if hold is None:
            return False
        with self._lock:
            self._hold = hold
        threading.Thread(target=self._watch, args=(hold,), name="turn", daemon=True).start()
        return True

    def _wait_for(self, line: WaitingLine, until: Callable[[], bool]) -> Hold | None:
        hold = line.try_at_once(urgent=self._interrupt)
        if hold is not None:
            return hold
        deadline = time.monotonic() + self._wait
        try:
            line.stand(urgent=self._interrupt)
            while (hold := line.try_in_order()) is None:
                if until():
                    return None
                if time.monotonic() > deadline:
                    raise _refusal(line.holder())
                if self._interrupt:
                    line.ask_to_stop()
                time.sleep(_POLL)
            return hold
        finally:
            line.leave()

    def release(self) -> None:
        """Let the next one be heard."""
        with self._lock:
            hold, self._hold = self._hold, None
            if hold is not None:
                hold.end()

    def _watch(self, hold: Hold) -> None:
        while not hold.ended.wait(_WATCH):
            if hold.is_asked_to_stop():
                with self._lock:
                    if self._hold is not hold:
                        return
                    self.interrupted = True
                    callbacks = list(self._callbacks)
                for callback in callbacks:
                    callback()
                self.release()
                return


@contextmanager
def take_turn(
    *, command: str = "cartesia", wait: float = 60.0, interrupt: bool = False, folder: Path | None = None
) -> Iterator[Turn]:
    """Hold the turn inside the block; the arguments are those of ``Turn``.

    Raises:
        OutputError: others had it all the time.
    """
    turn = Turn(command=command, wait=wait, interrupt=interrupt, folder=folder)
    try:
        turn.take()
        yield turn
    finally:
        turn.release()


def _refusal(holder: Holder | None) -> OutputError:
    hint = "Wait longer with --wait SECONDS, or cut in with --interrupt."
    if holder is None:
        return OutputError("Another program is being heard.", hint=hint)
    return OutputError(f"{holder.command!r} (process {holder.pid}) is being heard.", hint=hint)
