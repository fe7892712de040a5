"""The microphone against a real sound server: what is played is what is recorded."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cartesia_cli
from tests.fakes.soundserver import SoundServer, require_sound, without_sound

RATE = 44_100
ROOT = Path(cartesia_cli.__file__).parents[1]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """A sound server whose microphone hears what its loudspeaker plays."""
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound"), sample_rate=RATE) as server:
        server.environ["PYTHONPATH"] = str(ROOT)
        yield server


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[SoundServer]:
    """A sound server of the test's own, to be killed."""
    require_sound()
    with SoundServer(tmp_path) as server:
        server.environ["PYTHONPATH"] = str(ROOT)
        yield server


def tone(seconds: float, hertz: float = 440.0) -> NDArray[np.float32]:
    wave: NDArray[np.float64] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return wave.astype(np.float32)


def start(
    server: SoundServer, *, listens: bool = True, env: dict[str, str] | None = None, **options: Any
) -> Any:
    """Start the recorder as a program of its own; return when it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.recording", json.dumps(options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | server.environ | (env or {}),
    )
    assert process.stdout
    if listens:
        assert process.stdout.readline() == b"listening\n"
    return process


def finish(process: Any) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Wait for it; return the samples and the report."""
    stdout, stderr = process.communicate(timeout=30)
    return np.frombuffer(stdout, "<i2").astype(np.float32) / np.float32(32_767), json.loads(stderr)


def play(server: SoundServer, samples: NDArray[np.float32]) -> None:
    command = ["pacat", "--raw", "--format=float32le", f"--rate={RATE}", "--channels=1"]
    environ = os.environ | server.environ
    subprocess.run(command, input=samples.tobytes(), env=environ, check=True, timeout=30)


@pytest.mark.parametrize("sample_rate", [16_000, 48_000])
def test_what_is_played_is_recorded_as_it_is_to_be(room: SoundServer, sample_rate: int) -> None:
    process = start(room, seconds=1.6, sample_rate=sample_rate)
    play(room, tone(0.5))

    heard, report = finish(process)

    (loud,) = np.nonzero(np.abs(heard) > 0.01)
    sound = heard[loud[0] : loud[-1]]
    seconds = np.arange(sound.size) / sample_rate
    level = 2 * abs(np.mean(sound * np.exp(-2j * np.pi * 440 * seconds)))
    assert sound.size / sample_rate == pytest.approx(0.5, abs=0.05)
    assert level == pytest.approx(0.5, rel=0.05)
    assert heard.size / sample_rate == pytest.approx(1.6, abs=0.5)
    assert report["overflows"] == 0
    assert not report["is_silent"]
    assert all(0.09 < size / 2 / sample_rate < 0.13 for size in report["sizes"][:-1])


def test_a_rate_the_device_refuses_is_made_from_its_own(room: SoundServer) -> None:
    process = start(room, seconds=1.2, sample_rate=400_000)
    play(room, tone(0.3))

    heard, _ = finish(process)

    assert heard.size / 400_000 == pytest.approx(1.2, abs=0.4)
    assert np.abs(heard).max() == pytest.approx(0.5, rel=0.1)


def test_silence_is_told_from_sound(room: SoundServer) -> None:
    heard, report = finish(start(room, seconds=0.5))

    assert not heard.any()
    assert report["is_silent"]


def test_a_device_is_found_by_part_of_its_name(room: SoundServer) -> None:
    _, report = finish(start(room, seconds=0.3, device="LAMP"))

    assert report["sizes"]


@pytest.mark.parametrize(
    ("device", "message"),
    [("kitchen", "'kitchen' is not a microphone."), ("Desk", "'Desk' fits several microphones.")],
)
def test_a_device_that_is_not_one_lists_those_that_are(room: SoundServer, device: str, message: str) -> None:
    process = start(room, listens=False, seconds=0.3, device=device)

    stdout, stderr = process.communicate(timeout=30)

    report = json.loads(stderr)
    assert (process.returncode, stdout, report["message"]) == (2, b"", message)
    assert "desk_lamp" in report["hint"]


def test_no_microphone_is_an_output_error(room: SoundServer, tmp_path: Path) -> None:
    process = start(room, listens=False, seconds=0.3, env=without_sound(tmp_path))

    _, stderr = process.communicate(timeout=30)

    assert (process.returncode, json.loads(stderr)["message"]) == (7, "There is no microphone.")


def test_no_portaudio_is_an_output_error(room: SoundServer, tmp_path: Path) -> None:
    (tmp_path / "libportaudio.so.2").write_bytes(b"")  # the loader meets it before the system's
    process = start(room, listens=False, seconds=0.3, env={"LD_LIBRARY_PATH": str(tmp_path)})

    _, stderr = process.communicate(timeout=30)

    report = json.loads(stderr)
    assert process.returncode == 7
    assert report["message"].startswith("Cannot record: ")
    assert "libportaudio2" in report["hint"]


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_a_microphone_that_goes_away_ends_it(doomed: SoundServer, end: str) -> None:
    process = start(doomed, seconds=60)

    ended = time.monotonic()
    getattr(doomed, end)()
    _, stderr = process.communicate(timeout=30)

    report = json.loads(stderr)
    assert (process.returncode, report["error"]) == (7, "OutputError")
    assert "--device" in report["hint"]
    assert report["at"] - ended < 6
    assert time.monotonic() - ended < 10
