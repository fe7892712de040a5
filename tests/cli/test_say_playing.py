"""Playing: without a sound library, without a device, and on a real sound server without hardware."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cli.cloud import Cloud, pcm
from tests.cli.conftest import Say
from tests.cli.program import Program, Reader, assert_failure, wait_until, without
from tests.fakes.scripted import HANG, chunked

TEXT = "Good morning to you."
SECONDS = len(TEXT) * 0.05

NO_CARD = pytest.mark.skipif(
    any(Path("/dev/snd").glob("pcm*p")), reason="this machine has a sound card, which would play"
)

NO_PORTAUDIO = """
import ctypes.util

ctypes.util.find_library = lambda name: None
"""


@NO_CARD
def test_playing_without_a_device_is_an_output_error(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "--play")

    assert_failure(result, 7)
    assert "hint: " in result.stderr
    assert cloud.requests == []


@NO_CARD
def test_a_file_beside_a_device_that_is_missing_is_not_left(say: Say, folder: Path) -> None:
    result = say(TEXT, "--play", "-o", "a.wav")

    assert_failure(result, 7)
    assert list(folder.iterdir()) == []


@NO_CARD
def test_without_a_destination_a_terminal_means_to_play(say: Say) -> None:
    result = say(TEXT, tty=["stdout"])

    assert_failure(result, 7)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems bring PortAudio in the wheel")
def test_playing_without_the_sound_library_says_what_to_install(
    run: Program, cloud: Cloud, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(NO_PORTAUDIO, encoding="utf-8")
    env = cloud.env | {"PYTHONPATH": f"{tmp_path / 'site'}:{run.env['PYTHONPATH']}"}

    result = run("say", TEXT, "--play", env=env)

    assert_failure(result, 7, "PortAudio")
    assert "hint: " in result.stderr
    assert cloud.requests == []


def test_files_need_no_sound_library(run: Program, cloud: Cloud, folder: Path, tmp_path: Path) -> None:
    env = cloud.env | without(tmp_path, run, "sounddevice")

    result = run("say", TEXT, "-o", "a.pcm", "-o", "a.flac", env=env)

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT)


@pytest.mark.parametrize(
    "options", [["--device", "no such loudspeaker"], ["--device", "999"]], ids=["name", "index"]
)
def test_a_device_that_is_missing_is_an_output_error(say: Say, options: list[str]) -> None:
    result = say(TEXT, "--play", *options)

    assert_failure(result, 7)


@pytest.mark.parametrize("options", [["--device", "1"], ["--gain", "-3"]], ids=lambda o: o[0])
def test_options_of_playing_without_playing_are_no_secret_failure(
    say: Say, folder: Path, options: list[str]
) -> None:
    result = say(TEXT, "-o", "a.pcm", *options)

    assert result.status in {0, 2}
    assert (folder / "a.pcm").exists() == (result.status == 0)


# A sound server without hardware: a null sink, its monitor recorded

RATE = 44_100
BYTES_PER_SECOND = 2 * RATE
TOOLS = ("pulseaudio", "pactl", "parec")


@pytest.fixture
def sound_server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the variables that lead PortAudio to a sound server whose only sink goes nowhere."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        pytest.skip(f"needs {', '.join(missing)}")
    home = tmp_path / "sound"
    home.mkdir(mode=0o700)
    (home / "asound.conf").write_text(
        "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
        if not Path("/usr/share/alsa/alsa.conf").exists()
        else "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n",
        encoding="utf-8",
    )
    socket = home / "socket"
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "XDG_RUNTIME_DIR": str(home),
        "XDG_CONFIG_HOME": str(home),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(home / "asound.conf"),
    }
    command = [
        "pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm", "-n",
        f"--load=module-native-protocol-unix socket={socket} auth-anonymous=1",
        f"--load=module-null-sink sink_name=nowhere rate={RATE} channels=1",
    ]  # fmt: skip
    server_env = {k: v for k, v in env.items() if k != "PULSE_SERVER"}
    log = (home / "log").open("wb")
    with log, subprocess.Popen(command, env=server_env, stderr=log, stdout=log) as server:
        try:
            wait_until(
                lambda: (
                    subprocess.run(["pactl", "info"], env=env, capture_output=True, check=False).returncode
                    == 0
                )
            )
            yield {k: env[k] for k in ("PULSE_SERVER", "ALSA_CONFIG_PATH")}
        finally:
            server.terminate()
            server.wait(10)


@contextlib.contextmanager
def recording(sound_server: dict[str, str]) -> Iterator[Reader]:
    """Record what goes to the sink, as 16-bit samples."""
    command = [
        "parec",
        "-d",
        "nowhere.monitor",
        "--raw",
        "--format=s16le",
        f"--rate={RATE}",
        "--channels=1",
        "--latency-msec=20",
    ]
    env = os.environ | sound_server
    reading, writing = os.pipe()
    with subprocess.Popen(command, env=env, stdout=writing, stderr=subprocess.DEVNULL) as recorder:
        os.close(writing)
        reader = Reader(reading)
        reader.wait_for(BYTES_PER_SECOND // 10)
        try:
            yield reader
        finally:
            reader.wait_for(reader.size + BYTES_PER_SECOND // 4)  # what the server still holds back
            recorder.terminate()


def heard(reader: Reader) -> NDArray[np.float64]:
    """Return the recorded samples from the first to the last that is not silence."""
    samples = np.frombuffer(reader.all()[: len(reader.all()) // 2 * 2], "<i2").astype(float) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    return samples[loud[0] : loud[-1] + 1] if loud.size else samples[:0]


def test_what_is_said_on_a_terminal_is_heard(say: Say, sound_server: dict[str, str]) -> None:
    with recording(sound_server) as reader:
        result = say(TEXT, tty=["stdout"], env=sound_server)

    assert result.status == 0, result.stderr
    assert result.stdout == b""
    sound = heard(reader)
    assert len(sound) / RATE == pytest.approx(SECONDS, abs=0.06)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert np.argmax(spectrum) * RATE / len(sound) == pytest.approx(200 + sum(TEXT.encode()) % 500, abs=4)
    assert result.seconds >= SECONDS


def test_playing_and_a_file_at_once(say: Say, folder: Path, sound_server: dict[str, str]) -> None:
    with recording(sound_server) as reader:
        result = say(TEXT, "--play", "-o", "a.pcm", "--json", "--stats", env=sound_server)

    assert result.status == 0, result.stderr
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT)
    assert len(heard(reader)) / RATE == pytest.approx(SECONDS, abs=0.06)
    assert result.json["stats"]["underruns"] == 0
    assert 0 < result.json["stats"]["first_sound"] < 5


def test_ctrl_c_is_silent_at_once(in_cloud: Program, cloud: Cloud, sound_server: dict[str, str]) -> None:
    text = TEXT * 8
    cloud.always(chunked(pcm(text), HANG))

    with recording(sound_server) as reader:
        running = in_cloud.start("say", text, "--play", env=sound_server)
        wait_until(lambda: np.abs(np.frombuffer(reader.wait_for(2000)[-2000:], "<i2")).max() > 1000)
        at = len(reader.wait_for(reader.size + BYTES_PER_SECOND // 3))
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status == 130
    data = reader.all()
    after = np.frombuffer(data[at // 2 * 2 : len(data) // 2 * 2], "<i2")
    loud = np.flatnonzero(np.abs(after) > 600)
    assert (loud[-1] if loud.size else 0) / RATE < 0.1 + 0.1  # the recorder's own delay is in it
