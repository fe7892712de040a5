"""What the tests of ``cartesia batch`` share: manifests, the files that come of them, a cloud that counts."""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile

from tests.cli.cloud import Cloud, audio_for, frames_for, pcm
from tests.fakes.scripted import CLOSE, Gate, Pause, Request, Step, chunked, response, sse

RAW = ("--format", "raw", "--encoding", "pcm_s16le", "-r", "8000")
"""Options for small files that hold exactly the samples of the cloud."""

KEYS = ["line", "id", "output", "status", "duration", "error"]
"""What a line of ``--json`` tells, in this order."""


def sentences(n: int) -> list[str]:
    """Return so many texts of 30 characters, no two alike."""
    return [f"It is a sentence, number {i:04}." for i in range(n)]


def write(folder: Path, *lines: Mapping[str, Any] | str, name: str = "lines.jsonl") -> Path:
    """Write a manifest of JSON lines; a text alone is a line with nothing else."""
    path = folder / name
    entries = [{"text": line} if isinstance(line, str) else dict(line) for line in lines]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def holds(path: Path, text: str) -> bool:
    """Return whether a file, a WAV or one made with ``RAW``, is exactly what the cloud says for a text."""
    if path.suffix == ".wav":
        sound, rate = soundfile.read(path, dtype="int16")
        return bool(sound.astype("<i2").tobytes() == pcm(text, "pcm_s16le", rate))
    return path.read_bytes() == pcm(text, "pcm_s16le", 8000)


def files(folder: Path) -> list[str]:
    """Return the names of all files that a user sees in a folder and those below it."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def parts(folder: Path) -> list[Path]:
    """Return the unfinished files in a folder and those below it."""
    return sorted(folder.rglob("*.cartesia-part"))


def asked(cloud: Cloud) -> list[str]:
    """Return the texts that the cloud was asked to speak, in the order in which it was."""
    return [body["transcript"] for body in cloud.spoken]


def names_line(text: str, number: int) -> bool:
    """Return whether a message names a line of the manifest."""
    return re.search(rf"\bline {number}\b|:{number}\b", text, re.IGNORECASE) is not None


def speech(request: Request) -> Sequence[Step]:
    """Return what the cloud answers when all is well; nothing to a request that was broken off."""
    if len(request.body) < int(request.header("content-length") or 0):
        return [CLOSE]
    if request.target.startswith("/tts/sse"):
        return sse(*frames_for(request.json()))
    return response(body=audio_for(request.json()), content_type="audio/wav")


def broken(request: Request) -> Sequence[Step]:
    """Return the first half of what the cloud would answer; then the connection is closed."""
    if request.target.startswith("/tts/sse"):
        frames = frames_for(request.json())
        return [*sse(*frames[: len(frames) // 2], end=False), CLOSE]
    data = audio_for(request.json())
    return [*chunked(data[: len(data) // 4 * 2], end=False), CLOSE]


class Crowd:
    """Answers requests for speech, and counts how many are under way at the same time.

    Args:
        answer: what a request gets; ``speech`` if it is not said.
        seconds: how long an answer takes.
    """

    def __init__(self, answer: Callable[[Request], Sequence[Step]] = speech, seconds: float = 0.02) -> None:
        self.most = 0
        self.n_present = 0
        self._answer = answer
        self._seconds = seconds
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Sequence[Step]:
        with self._lock:
            self.n_present += 1
            self.most = max(self.most, self.n_present)
        return [Pause(self._seconds), Gate(_Leaving(self._leave), _OPEN), *self._answer(request)]

    def _leave(self) -> None:
        with self._lock:
            self.n_present -= 1


class _Leaving(threading.Event):
    """Set just before the first byte of an answer is sent: whoever asked cannot know yet that it is over."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def set(self) -> None:
        self._then()
        super().set()


_OPEN = threading.Event()
_OPEN.set()
