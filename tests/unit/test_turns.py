"""Turns at the loudspeaker, between processes."""

import contextlib
import json
import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import cartesia_cli
from cartesia_cli.audio.turns import Turn, take_turn
from cartesia_cli.audio.waitingline import runtime_folder
from cartesia_cli.errors import OutputError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and permissions of POSIX")

PROGRAM = """
import json, subprocess, sys, time
from cartesia_cli.audio.turns import Turn
from cartesia_cli.errors import OutputError

options = json.loads(sys.argv[1])
child = options.pop("child", False)
turn = Turn(**options)
tell = lambda what: print(json.dumps([what, time.monotonic()]), flush=True)
tell("ready")
turn.on_interrupt(lambda: tell("silent"))
try:
    tell("taken" if turn.take() else "not taken")
except OutputError as error:
    tell(f"{error} {error.hint}")
if child:
    silence = subprocess.DEVNULL
    child = subprocess.Popen(["sleep", "60"], close_fds=False, stdin=silence, stdout=silence)
    tell(child.pid)
sys.stdin.readline()
tell("releasing")
turn.release()
sys.stdin.readline()
"""
DEADLINE = 10.0


class Peer:
    """A process that takes the turn, keeps it until told otherwise, and tells when."""

    def __init__(self, **options: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what was told is told by select
            env=os.environ | {"PYTHONPATH": str(Path(cartesia_cli.__file__).parents[1])},
        )
        assert self.next()[0] == "ready"

    def next(self) -> tuple[Any, float]:
        """Return what it tells next, and when that was."""
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], DEADLINE)[0], "it tells nothing"
        what, when = json.loads(self.process.stdout.readline())
        return what, when

    def is_silent(self, seconds: float) -> bool:
        """Return whether it tells nothing for so long."""
        assert self.process.stdout
        return not select.select([self.process.stdout], [], [], seconds)[0]

    def wait_in_line(self) -> None:
        """Wait until it waits."""
        deadline = time.monotonic() + DEADLINE
        while not list(runtime_folder().glob(f"waiting-*-{self.process.pid}")):
            assert time.monotonic() < deadline, "it does not wait"
            time.sleep(0.005)
        assert self.is_silent(0.05)

    def release(self) -> float:
        """Let it give the turn back; return when."""
        assert self.process.stdin
        self.process.stdin.write(b"\n")
        what, when = self.next()
        assert what == "releasing"
        return when


@contextmanager
def peer(**options: Any) -> Iterator[Peer]:
    """Start one; end it in any case."""
    process = Peer(**options)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.communicate()


@contextmanager
def line_of(n: int) -> Iterator[list[Peer]]:
    """Start some: the first has the turn, the others wait in this order."""
    with contextlib.ExitStack() as leaving:
        peers = [leaving.enter_context(peer())]
        assert peers[0].next()[0] == "taken"
        for _ in range(n - 1):
            peers.append(leaving.enter_context(peer()))
            peers[-1].wait_in_line()
        yield peers


@pytest.fixture(autouse=True)
def folder() -> Path:
    """Where the locks are."""
    return runtime_folder()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_one_after_the_other_in_the_order_of_their_coming() -> None:
    with line_of(4) as (first, *waiting):
        released = first.release()
        for each in waiting:
            what, when = each.next()
            assert what == "taken"
            assert 0 <= when - released < 0.2
            released = each.release()


def test_the_turn_of_a_process_that_is_killed_is_free_at_once_whatever_its_children_do() -> None:
    with peer(child=True) as first, peer() as second:
        assert first.next()[0] == "taken"
        child, _ = first.next()
        try:
            second.wait_in_line()
            killed = time.monotonic()
            first.process.send_signal(signal.SIGKILL)

            what, when = second.next()
        finally:
            os.kill(child, signal.SIGKILL)

    assert what == "taken"
    assert when - killed < 0.2


def test_one_that_dies_while_it_waits_holds_nobody_up(folder: Path) -> None:
    with line_of(3) as (first, second, third):
        second.process.kill()
        second.process.wait()
        released = first.release()

        what, when = third.next()

        assert what == "taken"
        assert when - released < 0.2
    assert names(folder) == ["loudspeaker"]


def test_one_that_is_stopped_while_it_waits_holds_nobody_up_for_long() -> None:
    with line_of(3) as (first, second, third):
        second.process.send_signal(signal.SIGSTOP)
        released = first.release()

        what, when = third.next()

    assert what == "taken"
    assert when - released < 3.0


def test_the_wait_has_an_end_that_names_the_holder(folder: Path) -> None:
    with peer(command="cartesia say") as first, peer(wait=0.3) as second:
        assert first.next()[0] == "taken"

        (told, _) = second.next()

        assert told.startswith(f"'cartesia say' (process {first.process.pid}) is being heard. ")
        assert "--wait" in told
        assert "--interrupt" in told
        assert names(folder) == ["loudspeaker"]


def test_no_wait_at_all() -> None:
    with peer() as first:
        assert first.next()[0] == "taken"
        begun = time.monotonic()

        with pytest.raises(OutputError, match="is being heard"), take_turn(wait=0):
            pass

        assert time.monotonic() - begun < 0.2


def test_cutting_in_silences_the_holder_before_those_who_wait(folder: Path) -> None:
    with peer() as first, peer() as second:
        assert first.next()[0] == "taken"
        second.wait_in_line()
        begun = time.monotonic()

        with take_turn(interrupt=True) as turn:
            taken = time.monotonic()
            what, silent = first.next()
            assert turn.held
            assert second.is_silent(0.1)
            assert not turn.interrupted

        assert second.next()[0] == "taken"
        assert names(folder) == ["loudspeaker"]
    assert what == "silent"
    assert begun < silent < taken < begun + 0.2


def test_who_was_interrupted_gets_no_other_turn() -> None:
    silenced = threading.Event()
    turn = Turn()
    assert turn.take()
    turn.on_interrupt(silenced.set)

    with peer(interrupt=True) as other:
        assert other.next()[0] == "taken"
        assert silenced.is_set()
        assert (turn.interrupted, turn.held, turn.take()) == (True, False, False)
    late: list[str] = []
    turn.on_interrupt(lambda: late.append("called"))
    assert late == ["called"]


def test_a_request_for_an_earlier_turn_stops_nobody(folder: Path) -> None:
    (folder / "stop-0123456789abcdef").touch()
    with take_turn() as turn:
        assert turn.held
        time.sleep(0.15)  # thrice the time between two looks

        assert not turn.interrupted
        assert names(folder) == ["loudspeaker"]


def test_the_turn_is_taken_again_for_the_next_utterance(folder: Path) -> None:
    turn = Turn()
    for _ in range(3):
        assert turn.take()
        assert turn.held
        assert turn.take()
        turn.release()
        assert not turn.held
    assert (folder / "loudspeaker").read_bytes() == b""


def test_waiting_can_be_given_up() -> None:
    with peer() as first:
        assert first.next()[0] == "taken"
        looks = iter([False, False, False, True])

        taken = Turn().take(until=lambda: next(looks))

    assert not taken


def test_ctrl_c_ends_the_wait(folder: Path) -> None:
    with peer() as first, peer() as second:
        assert first.next()[0] == "taken"
        second.wait_in_line()
        second.process.send_signal(signal.SIGINT)

        assert second.process.wait(DEADLINE) != 0
        assert names(folder) == ["loudspeaker"]


def test_where_there_is_no_runtime_folder_a_private_one_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    folder = runtime_folder()

    assert folder == tmp_path / f"cartesia-{os.geteuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("trap", ["link", "file", "open to all"])
def test_a_folder_that_others_could_have_laid_out_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trap: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"cartesia-{os.geteuid()}"
    (tmp_path / "elsewhere").mkdir()
    if trap == "link":
        folder.symlink_to(tmp_path / "elsewhere")
    elif trap == "file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777)

    with take_turn() as turn:
        assert not turn.held
        assert turn.problem is not None

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_link_in_the_place_of_the_lock_is_not_followed(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("text")
    (folder / "loudspeaker").unlink(missing_ok=True)
    (folder / "loudspeaker").symlink_to(precious)

    with take_turn() as turn:
        assert turn.problem is not None

    assert precious.read_text() == "text"
