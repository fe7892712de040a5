"""``transcribe --live --mic``: what is played on a real sound server is what is written down."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.live import Ear, env, final, screen
from tests.cli.program import Program, Running, assert_failure, wait_until
from tests.fakes.sockets import SocketServer
from tests.fakes.soundserver import SoundServer, require_sound, without_sound

SENTENCE = "The train to Boston leaves at nine in the morning."


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """A sound server whose microphone hears what its loudspeaker plays."""
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound")) as server:
        yield server


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[SoundServer]:
    """A sound server of the test's own, to be killed."""
    require_sound()
    with SoundServer(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def voice(server: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence as a file."""
    folder = tmp_path_factory.mktemp("voice")
    program = Program(server, folder, tmp_path_factory.mktemp("home"))
    assert program("say", SENTENCE, "-o", "a.wav", "--engine", "local").status == 0
    return folder / "a.wav"


def play(room: SoundServer, recording: Path) -> None:
    """Play a recording to its end."""
    command = ["paplay", str(recording)]
    subprocess.run(command, env=os.environ | room.environ, check=True, timeout=20)


def wait_for_notice(running: Running) -> None:
    """Wait until the program says that it listens."""
    shown = running.stderr
    assert shown is not None
    wait_until(lambda: b"listening" in shown.wait_for(0), 20)


def test_what_is_said_is_written_until_ctrl_c(
    run: Program, room: SoundServer, voice: Path, folder: Path
) -> None:
    running = run.start(
        "transcribe",
        "--mic",
        "--device",
        "desk_lamp",
        "-o",
        "a.txt",
        "--engine",
        "local",
        env=room.environ,
        tty=["stderr"],
        cold=True,
    )
    wait_for_notice(running)
    play(room, voice)
    wait_until(lambda: "morning" in (folder / "a.txt").read_text(), 20)
    running.send(signal.SIGINT)
    result = running.wait()

    assert result.status == 130
    assert "train to Boston" in (folder / "a.txt").read_text()
    shown = screen(result.stderr, 80)
    assert "Ctrl-C" in shown[0]
    assert len([line for line in shown if "Boston" in line]) == 1


def test_the_sound_of_the_microphone_goes_to_the_api(run: Program, room: SoundServer, voice: Path) -> None:
    ear = Ear((0.3, final("Heard.", 0, 0.2)), (99, final(" Last.", 1, 2)))
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--mic", env=room.environ | env(server), cold=True)
        assert running.stdout is not None
        running.stdout.wait_for(1, 20)
        play(room, voice)
        running.send(signal.SIGTERM)
        result = running.wait()

    assert (result.status, result.text) == (143, "Heard.\nLast.\n")
    assert ear.commands == ["close"]
    assert any(ear.sound)


def test_a_microphone_that_gives_only_silence_is_told_of(run: Program, room: SoundServer) -> None:
    ear = Ear((0.3, final("Hm.", 0, 0.2)))
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--mic", env=room.environ | env(server), cold=True)
        assert running.stdout is not None
        running.stdout.wait_for(1, 20)
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status == 130
    [warning] = result.lines
    assert "silence" in warning


def test_a_microphone_that_goes_is_an_error_and_keeps_the_words(
    run: Program, doomed: SoundServer, folder: Path
) -> None:
    ear = Ear((0.3, final("Heard.", 0, 0.2)))
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--mic", "-o", "a.txt", env=doomed.environ | env(server), cold=True)
        wait_until(lambda: (folder / "a.txt").exists() and "Heard" in (folder / "a.txt").read_text(), 20)
        doomed.kill()
        result = running.wait()

    assert result.status == 7
    assert any(line.startswith("hint: ") for line in result.lines)
    assert (folder / "a.txt").read_text() == "Heard.\n"


def test_no_sound_system_is_status_7(run: Program, tmp_path: Path) -> None:
    result = run("transcribe", "--mic", "--engine", "local", env=without_sound(tmp_path), cold=True)

    assert_failure(result, 7)
    assert "hint: " in result.stderr


@pytest.mark.parametrize("device", ["no such microphone", "99"])
def test_a_device_that_is_not_there_is_status_2(run: Program, room: SoundServer, device: str) -> None:
    result = run(
        "transcribe", "--mic", f"--device={device}", "--engine", "local", env=room.environ, cold=True
    )

    assert_failure(result, 2, device)
