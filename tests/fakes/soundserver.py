"""A sound server without a sound card: what is played on it is recorded, sample by sample.

PulseAudio runs in a folder of its own with a null sink; PortAudio reaches it through ALSA's pulse plugin,
as the default device; ``parec`` records what a listener would hear, from the first moment on. Needed
(Debian): pulseaudio, pulseaudio-utils, libasound2-plugins, libportaudio2. Linux only.

    @pytest.fixture(scope="module")
    def loudspeaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
        require_sound()  # skips with a reason; fails where CI is set
        with SoundServer(tmp_path_factory.mktemp("sound")) as server:
            yield server

    def test_play_is_heard(run: Program, loudspeaker: SoundServer) -> None:
        loudspeaker.forget()
        run("say", "Hello", "--play", env=loudspeaker.environ)
        heard = loudspeaker.record()      # float32, (n, 2), at loudspeaker.sample_rate, silence around it
        assert np.abs(heard).max() > 0.1

PortAudio looks at its environment once in a process, so the program must be a process of its own, started
with ``environ``. ``spoken(heard)`` is the recording without the silence around it, one channel; where the
sound has the server's rate it is exactly what was sent. ``heard_at`` turns places in the recording into
monotonic times, which all processes share. ``kill()`` is a device that is unplugged, ``freeze()`` one that
hangs; ``without_sound(folder)`` is the environment of a machine that has none. Start-up takes 0.1 s.
"""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
import pytest
from numpy.typing import NDArray

_ALSA = """
pcm.!default { type pulse }
pcm.desk_lamp { type pulse }
pcm.desk_radio { type pulse }
"""
_NO_DEVICE = "pcm.nothing { type hw card 99 }"
"""Not an empty file: with no PCM at all in it, PortAudio aborts the process."""

_CHANNELS = 2
_READ = 4096
_LIMIT = 20.0
"""Seconds after which a wait of a test has failed."""


def require_sound() -> None:
    """Skip the test where the sound server is not installed; fail it in CI."""
    missing = [program for program in ("pulseaudio", "parec") if shutil.which(program) is None]
    if missing:
        reason = f"no {' and no '.join(missing)} here (Debian: pulseaudio, pulseaudio-utils)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def without_sound(folder: Path) -> dict[str, str]:
    """Return the variables with which a program finds neither a sound server nor a sound card."""
    config = folder / "no-alsa.conf"
    config.write_text(_NO_DEVICE)
    return {"ALSA_CONFIG_PATH": str(config), "PULSE_SERVER": f"unix:{folder / 'no-sound-server'}"}


class SoundServer:
    """A running sound server and the recording of all it plays."""

    def __init__(self, folder: Path, *, sample_rate: int = 44_100) -> None:
        self.sample_rate = sample_rate
        self._folder = folder
        self._socket = folder / "native"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._recorded = bytearray()
        self._recording: IO[bytes] | None = None
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._lock = threading.Lock()
        self._epoch = float("inf")
        self._start = 0
        self.environ = {
            "ALSA_CONFIG_PATH": str(folder / "alsa.conf"),
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_COOKIE": str(folder / "cookie"),
        }
        """The variables with which a program finds this server, and nothing else, to play on."""

    def __enter__(self) -> Self:
        (self._folder / "alsa.conf").write_text(_ALSA)
        (self._folder / "cookie").write_bytes(bytes(256))
        try:
            self._serve()
            self._record()
            self.wait(lambda: len(self._recorded) > 0, "the recording to begin")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._end()

    def _serve(self) -> None:
        sink = f"module-null-sink rate={self.sample_rate} channels={_CHANNELS} format=float32le norewinds=1"
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes"]
        command += ["--use-pid-file=no", "--realtime=no", "--high-priority=no"]
        # The sink first: whoever can connect finds it there.
        protocol = f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"
        command += ["-L", sink, "-L", protocol]
        home = {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        environ = os.environ | self.environ | home
        with (self._folder / "pulseaudio.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, env=environ, stderr=log))
        self.wait(self._answers, "the sound server to start")

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(str(self._socket)) == 0

    def _record(self) -> None:
        command = ["parec", "--device=@DEFAULT_MONITOR@", "--raw", "--format=float32le", "--latency-msec=10"]
        command += [f"--rate={self.sample_rate}", f"--channels={_CHANNELS}"]
        recorder = subprocess.Popen(
            command, env=os.environ | self.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._processes.append(recorder)
        self._recording = recorder.stdout
        self._collector.start()

    def _collect(self) -> None:
        while self._recording and (data := os.read(self._recording.fileno(), _READ)):
            now = time.monotonic()
            with self._lock:
                self._recorded += data
                # The reading that was delayed least tells best when the recording began.
                self._epoch = min(self._epoch, now - self._n_recorded() / self.sample_rate)

    def _n_recorded(self) -> int:
        return len(self._recorded) // (4 * _CHANNELS)

    def _end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()
        if self._recording:
            # The reader ends with the recorder; closed under its hands, the pipe could be another file.
            self._collector.join()
            self._recording.close()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition`` holds, or fail the test."""
        deadline = time.monotonic() + _LIMIT
        while not condition():
            if time.monotonic() > deadline:
                log = (self._folder / "pulseaudio.log").read_text(errors="replace")
                pytest.fail(f"waited {_LIMIT:g} s for {what}\n{log}")
            time.sleep(0.005)

    def forget(self) -> None:
        """Let the next recording begin here."""
        self._start = self._n_recorded()

    def wait_for_sound(self) -> None:
        """Wait until something is heard after ``forget``."""
        self.wait(lambda: bool(np.any(self._heard())), "a sound")

    def record(self) -> NDArray[np.float32]:
        """Return what was heard between ``forget`` and now: (n, 2), full scale at -1.0 and 1.0."""
        # What is played now is in the recording a few hundredths of a second later.
        enough = self._n_recorded() + self.sample_rate // 5
        self.wait(lambda: self._n_recorded() >= enough, "the recording to come")
        return self._heard()

    def heard_at(self, index: int) -> float:
        """Return the monotonic time at which a sample of the recording was played."""
        return self._epoch + (self._start + index) / self.sample_rate

    def _heard(self) -> NDArray[np.float32]:
        with self._lock:
            whole = self._n_recorded()
            data = bytes(memoryview(self._recorded)[self._start * 4 * _CHANNELS : whole * 4 * _CHANNELS])
        return np.frombuffer(data, np.float32).reshape(-1, _CHANNELS)

    def kill(self) -> None:
        """End the server at once: the device is gone."""
        self._processes[0].kill()
        self._processes[0].wait()

    def freeze(self) -> None:
        """Stop the server without ending it: the device hangs."""
        self._processes[0].send_signal(signal.SIGSTOP)


def spoken(heard: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the left channel of a recording without the silence around it."""
    (sounding,) = np.nonzero(heard[:, 0])
    return heard[sounding[0] : sounding[-1] + 1, 0] if sounding.size else heard[:0, 0]
