"""Ctrl-C, SIGTERM and SIGKILL while someone speaks: cli.md sections 6 and 8."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Begin
from tests.cli.live import LEFT, ON, RAW, Ear, Timed, env, final, hang, interim, screen, sound
from tests.cli.program import Program, Running, wait_until
from tests.fakes.sockets import Peer, SocketServer

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
IGNORE = "import os, signal, sys; signal.signal(1, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
SCRIPT: tuple[Timed, ...] = ((0.5, final(LEFT, 0.1, 0.4)), (0.8, interim("Then go")))
LAST = (99.0, final(f" {ON}", 0.5, 0.9))


def think(_: Peer) -> None:
    """Take a while for the last words."""
    time.sleep(0.4)


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_the_last_words_are_still_written(
    begin: Begin, folder: Path, number: signal.Signals, status: int
) -> None:
    ear = Ear(*SCRIPT, (99.0, think), LAST)
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.srt", env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: ear.seconds >= 0.9)
        running.send(number)
        result = running.wait()

    assert result.status == status
    assert (result.stdout, result.stderr) == (b"", "")
    text = (folder / "a.srt").read_text("utf-8")
    assert LEFT in text
    assert ON in " ".join(text.split())
    assert ear.commands == ["close"]
    assert bytes(ear.sound) == sound(1), "what was said before Ctrl-C is part of the recording"
    assert result.seconds < 5


def test_the_last_words_go_to_standard_output_too(begin: Begin) -> None:
    ear = Ear(*SCRIPT, LAST)
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: ear.seconds >= 0.9)
        running.send(signal.SIGINT)
        result = running.wait()

    assert (result.status, result.text, result.stderr) == (130, f"{LEFT}\n{ON}\n", "")


def test_last_words_that_never_come_are_waited_for_five_seconds(begin: Begin, folder: Path) -> None:
    ear = Ear(*SCRIPT, (99.0, hang))
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: ear.seconds >= 0.9)
        sent = time.monotonic()
        running.send(signal.SIGINT)
        result = running.wait()
        took = time.monotonic() - sent

    assert result.status == 130
    assert 4 < took < 6.5
    assert (folder / "a.txt").read_text() == f"{LEFT}\n"


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_told_twice_it_ends_at_once(begin: Begin, folder: Path, second: signal.Signals) -> None:
    ear = Ear(*SCRIPT, (99.0, hang))
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: ear.seconds >= 0.9)
        running.send(signal.SIGINT)
        wait_until(lambda: bool(ear.commands))
        sent = time.monotonic()
        running.send(second)
        result = running.wait()
        took = time.monotonic() - sent

    assert result.status in {130, STATUSES[second]}
    assert result.stderr == ""
    assert took < 1.5
    assert (folder / "a.txt").read_text() == f"{LEFT}\n"


def test_told_twice_it_ends_even_if_nobody_reads_what_it_writes(begin: Begin, folder: Path) -> None:
    def n_unread() -> int:
        return int.from_bytes(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)), sys.byteorder)

    ear = Ear((0.5, final("word " * 30_000, 0.1, 0.4)), (99.0, hang))
    os.mkfifo(folder / "a.txt")
    reader = os.open(folder / "a.txt", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reader), SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: n_unread() == fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ))
        running.send(signal.SIGINT)
        running.send(signal.SIGTERM)
        result = running.wait()

    assert result.status in {130, STATUSES[signal.SIGTERM]}
    assert result.stderr == ""


def test_an_error_on_the_way_out_does_not_change_the_status(begin: Begin, folder: Path) -> None:
    ear = Ear(*SCRIPT, (99.0, Peer.drop))
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", env=env(server))
        pipe.write(sound(1))
        wait_until(lambda: ear.seconds >= 0.9)
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status == 130
    assert len(result.lines) <= 1
    assert (folder / "a.txt").read_text() == f"{LEFT}\n"
    assert result.seconds < 5


@pytest.mark.parametrize("format", ["txt", "vtt"])
def test_sigkill_keeps_what_was_final(begin: Begin, folder: Path, format: str) -> None:
    ear = Ear(*SCRIPT)
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", f"a.{format}", env=env(server))
        pipe.write(sound(1))
        path = folder / f"a.{format}"
        wait_until(lambda: path.exists() and "light" in path.read_text("utf-8"))
        running.send(signal.SIGKILL)
        result = running.wait()

    assert result.status == 137
    assert [p.name for p in folder.iterdir()] == [path.name]
    text = path.read_text("utf-8")
    assert text == f"{LEFT}\n" if format == "txt" else text.startswith("WEBVTT\n")


def test_ctrl_c_takes_interim_text_away(run: Program, folder: Path) -> None:
    os.mkfifo(folder / "sound")
    ear = Ear(*SCRIPT)
    with SocketServer(ear) as server:
        running = run.start(
            "transcribe", "--live", "sound", *RAW, env=env(server), tty=["stderr"], columns=20
        )
        with (folder / "sound").open("wb", buffering=0) as fifo:
            fifo.write(sound(1))
            shown = running.stderr
            assert shown is not None
            wait_until(lambda: b"Then go" in shown.wait_for(0))
            running.send(signal.SIGINT)
            result = running.wait()

    assert (result.status, result.text) == (130, f"{LEFT}\n")
    assert screen(result.stderr, 20) == []


WAITING: dict[str, list[str]] = {
    "for a header": ["-"],
    "for samples": ["-", *RAW],
    "for somebody who writes to a named pipe": ["fifo"],
}


@pytest.mark.parametrize("source", WAITING.values(), ids=WAITING)
def test_ctrl_c_ends_the_wait_for_sound(begin: Begin, folder: Path, source: list[str]) -> None:
    os.mkfifo(folder / "fifo")
    ear = Ear()
    with SocketServer(ear) as server:
        running, _ = begin("transcribe", "--live", *source, "-o", "a.txt", env=env(server))
        wait_until(lambda: bool(server.peers))
        sent = time.monotonic()
        running.send(signal.SIGINT)
        result = running.wait()
        took = time.monotonic() - sent

    assert (result.status, result.stdout, result.stderr) == (130, b"", "")
    assert took < 2
    assert ear.sound == b""


def test_ctrl_c_ends_a_file_that_is_played(run: Program, folder: Path) -> None:
    (folder / "a.raw").write_bytes(sound(30))
    ear = Ear(*SCRIPT, LAST)
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--live", "a.raw", *RAW, "--pace", "4", env=env(server))
        wait_until(lambda: ear.seconds >= 0.9)
        running.send(signal.SIGINT)
        result = running.wait()

    assert (result.status, result.text) == (130, f"{LEFT}\n{ON}\n")
    assert ear.seconds < 10


def test_ctrl_c_ends_a_handshake_that_is_not_answered(begin: Begin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        running, _ = begin("transcribe", "--live", "-", *RAW, "--base-url", url)
        connection, _ = mute.accept()
        with connection:
            connection.recv(1)
            for _ in range(20):  # two that come at once are one
                with contextlib.suppress(ProcessLookupError):
                    running.send(signal.SIGINT)
                time.sleep(0.05)
            result = running.wait()

    assert (result.status, result.stderr) == (130, "")
    assert result.seconds < 4


def test_what_the_parent_ignores_stays_ignored(run: Program, folder: Path) -> None:
    """As under ``nohup``."""
    ignoring = (sys.executable, "-c", IGNORE)
    os.mkfifo(folder / "sound")
    ear = Ear(*SCRIPT)
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--live", "sound", *RAW, env=env(server), wrapper=ignoring)
        with (folder / "sound").open("wb", buffering=0) as fifo:
            fifo.write(sound(0.6))
            assert running.stdout is not None
            running.stdout.wait_for(1)
            running.send(signal.SIGHUP)
            fifo.write(sound(0.6))
        result = running.wait()

    assert (result.status, result.text) == (0, f"{LEFT}\n")
    assert ear.seconds == pytest.approx(1.2)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_nothing_runs_on_after_ctrl_c(begin: Begin) -> None:
    """Not even the decoder of a stream that is no wave file."""
    ear = Ear()
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", env=env(server))
        pipe.write(b"OggS" + bytes(4000))
        wait_until(lambda: bool(children(running)) or not Path(f"/proc/{running.pid}").exists())
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status in {130, 2}
    assert result.seconds < 5


def children(running: Running) -> str:
    """Return the process IDs of what a run has started."""
    try:
        tasks = list(Path(f"/proc/{running.pid}/task").iterdir())
        return "".join((task / "children").read_text() for task in tasks)
    except OSError:
        return ""
