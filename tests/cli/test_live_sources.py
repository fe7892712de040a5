"""What ``transcribe --live`` listens to: streams with a header and without, named pipes, files."""

import io
import os
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.cli.conftest import Begin
from tests.cli.live import RATE, RAW, Ear, env, final, sound
from tests.cli.program import WITHOUT_PRIVILEGE, Program, Result, assert_failure, wait_until
from tests.fakes.sockets import SocketServer

SECONDS = 1.5
SOUND = sound(SECONDS)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def hear(run: Program, *args: object, **others: Any) -> tuple[Ear, Result]:
    """Listen; return what was heard at the other side, and how it ended."""
    ear = Ear(final("Heard.", 0.1, 0.9))
    with SocketServer(ear) as server:
        result = run("transcribe", "--live", *args, env=env(server), **others)
    return ear, result


def assert_heard(ear: Ear, result: Result, seconds: float = SECONDS) -> None:
    """Check that all of the sound arrived, and nothing else."""
    assert (result.status, result.text, result.stderr) == (0, "Heard.\n", "")
    assert ear.seconds == pytest.approx(seconds, abs=0.001)
    assert ear.commands == ["close"]


def wav(size: int | None = None, data: bytes = SOUND, before: bytes = b"") -> bytes:
    """Return a wave file, if need be with another size in its headers."""
    size = len(data) if size is None else size
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    riff = min(size + 36 if size else 0, 0xFFFFFFFF)
    return (
        b"RIFF" + struct.pack("<I", riff) + b"WAVE" + before + form + b"data" + struct.pack("<I", size) + data
    )


def tone(seconds: float, rate: int) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = 0.4 * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)
    return wave


def encoded(rate: int, subtype: str, format: str = "WAV", channels: int = 1) -> bytes:
    """Return a tone as a file."""
    file = io.BytesIO()
    data = np.stack([tone(SECONDS, rate)] * channels, 1)
    soundfile.write(
        file, data, rate, format=format, subtype=subtype, endian="LITTLE" if format == "RAW" else None
    )
    return file.getvalue()


def assert_tone(ear: Ear, result: Result, seconds: float = SECONDS) -> None:
    """Check that the tone was heard with its pitch, its level and its length."""
    assert (result.status, result.stderr) == (0, "")
    samples = np.frombuffer(bytes(ear.sound), "<i2") / 32768
    assert len(samples) / RATE == pytest.approx(seconds, abs=0.07)  # mp3 and the like pad
    middle = samples[RATE // 2 : RATE]
    pitch = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) * RATE / len(middle)
    assert pitch == pytest.approx(300, abs=3)
    assert np.abs(middle).max() == pytest.approx(0.4, abs=0.03)


# Streams


UNKNOWN = {
    "as this program writes": 0x7FFFF000,
    "as ffmpeg writes": 0xFFFFFFFF,
    "as arecord and sox write": 0,
}


@pytest.mark.parametrize("size", [None, *UNKNOWN.values()], ids=["known", *UNKNOWN])
def test_a_wave_stream_needs_no_options(run: Program, size: int | None) -> None:
    ear, result = hear(run, "-", stdin=wav(size))

    assert_heard(ear, result)
    assert bytes(ear.sound) == SOUND


def test_other_chunks_before_the_sound_are_passed_over(run: Program) -> None:
    ear, result = hear(run, "-", stdin=wav(before=b"LIST" + struct.pack("<I", 7) + b"INFOabc\0"))

    assert_heard(ear, result)
    assert bytes(ear.sound) == SOUND


def test_what_stands_behind_the_sound_is_no_sound(run: Program) -> None:
    ear, result = hear(run, "-", stdin=wav() + b"LIST" + struct.pack("<I", 4000) + bytes(4000))

    assert_heard(ear, result)


@pytest.mark.parametrize(
    ("rate", "subtype", "channels"),
    [(44_100, "PCM_16", 2), (48_000, "FLOAT", 1), (8_000, "ULAW", 1), (22_050, "PCM_24", 1)],
)
def test_wave_streams_of_other_kinds(run: Program, rate: int, subtype: str, channels: int) -> None:
    assert_tone(*hear(run, "-", stdin=encoded(rate, subtype, channels=channels)))


@pytest.mark.parametrize(
    ("encoding", "subtype", "rate"),
    [("pcm_s16le", "PCM_16", 48_000), ("pcm_f32le", "FLOAT", 16_000), ("pcm_s32le", "PCM_32", 8_000),
     ("pcm_mulaw", "ULAW", 8_000), ("pcm_alaw", "ALAW", 8_000)],
)  # fmt: skip
def test_samples_without_a_header(run: Program, encoding: str, subtype: str, rate: int) -> None:
    data = encoded(rate, subtype, "RAW")

    assert_tone(*hear(run, "-", "--encoding", encoding, "-r", rate, stdin=data))


def test_samples_pass_unchanged(run: Program) -> None:
    ear, result = hear(run, "-", *RAW, stdin=SOUND)

    assert_heard(ear, result)
    assert bytes(ear.sound) == SOUND


def test_half_a_sample_at_the_end_is_left_out(run: Program) -> None:
    ear, result = hear(run, "-", *RAW, stdin=SOUND[:-1])

    assert result.status == 0
    assert bytes(ear.sound) == SOUND[:-2]


@pytest.mark.parametrize("options", [["--encoding", "pcm_s16le"], ["--sample-rate", "16000"]], ids=" ".join)
def test_half_a_description_is_none(run: Program, options: list[str]) -> None:
    _, result = hear(run, "-", *options, stdin=SOUND)

    assert_failure(result, 2, "--encoding", "--sample-rate")


def test_a_header_may_come_in_drops(begin: Begin) -> None:
    ear = Ear(final("Heard.", 0, 1))
    stream = wav(0xFFFFFFFF)
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", env=env(server))
        pipe.write(*(stream[i : i + 1] for i in range(50)), stream[50:])
        pipe.close()
        result = running.wait()

    assert_heard(ear, result)
    assert bytes(ear.sound) == SOUND


def test_sound_is_sent_as_it_comes(begin: Begin) -> None:
    """A tenth of a second is not kept back until there is more."""
    ear = Ear()
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", env=env(server))
        stream = wav(0)
        pipe.write(stream[:44])
        for tenth in range(3):
            pipe.write(stream[44 + tenth * 3200 : 44 + (tenth + 1) * 3200])
            wait_until(lambda n=tenth: len(ear.sound) == (n + 1) * 3200)  # type: ignore[misc]
        pipe.close()
        result = running.wait()

    assert result.status == 0


@needs_ffmpeg
@pytest.mark.parametrize(
    "format", [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")], ids=str
)
def test_streams_of_other_formats_are_read_by_ffmpeg(run: Program, format: tuple[str, str]) -> None:
    assert_tone(*hear(run, "-", stdin=encoded(44_100, format[1], format[0])))


def test_without_ffmpeg_they_are_refused_and_files_are_not(run: Program, folder: Path) -> None:
    data = encoded(44_100, "PCM_16", "FLAC")
    (folder / "a.flac").write_bytes(data)
    ear = Ear(final("Heard.", 0, 1))
    with SocketServer(ear) as server:
        bare = env(server) | {"PATH": "/nowhere"}
        piped = run("transcribe", "--live", "-", stdin=data, env=bare)
        file = run("transcribe", "--live", "a.flac", "--pace", "max", env=bare)

    assert_failure(piped, 2, "ffmpeg", "--encoding")
    assert file.status == 0


NO_SOUND: dict[str, bytes] = {
    "nothing": b"",
    "text": b"This is no sound at all, but a letter.\n" * 100,
    "a page": b"<!doctype html><title>Sign in</title>" * 50,
    "half a header": wav()[:30],
    "a header of nonsense": wav()[:20] + bytes(24) + SOUND,
    "zeros": bytes(10_000),
}


@pytest.mark.parametrize("data", NO_SOUND.values(), ids=NO_SOUND)
def test_what_is_no_sound_is_refused(run: Program, data: bytes) -> None:
    _, result = hear(run, "-", stdin=data)

    assert_failure(result, 2)


def test_a_stream_without_sound_is_silence(run: Program) -> None:
    ear = Ear()
    with SocketServer(ear) as server:
        header = run("transcribe", "--live", "-", stdin=wav(0, b""), env=env(server))
        samples = run("transcribe", "--live", "-", *RAW, stdin=b"", env=env(server))

    assert (header.status, header.text) == (0, "")
    assert samples.status in {0, 2}
    assert samples.status == 0 or "empty" in samples.stderr


def test_closed_standard_input_is_an_error(run: Program) -> None:
    _, result = hear(run, "-", *RAW, closed=0)

    assert_failure(result, 2)


def test_standard_input_may_be_a_file(run: Program, folder: Path) -> None:
    (folder / "a.flac").write_bytes(encoded(44_100, "PCM_16", "FLAC"))
    redirected = ("sh", "-c", 'exec "$@" < a.flac', "sh")

    assert_tone(*hear(run, "-", "--pace", "max", wrapper=redirected))


def test_a_named_pipe_is_a_stream(run: Program, folder: Path) -> None:
    os.mkfifo(folder / "sound")
    writer = threading.Thread(target=lambda: (folder / "sound").write_bytes(wav(0)))
    writer.start()

    ear, result = hear(run, "sound")
    writer.join()

    assert_heard(ear, result)


def test_a_named_pipe_waits_for_who_writes(run: Program, folder: Path) -> None:
    os.mkfifo(folder / "sound")
    ear = Ear(final("Heard.", 0, 1))
    with SocketServer(ear) as server:
        running = run.start("transcribe", "--live", "sound", *RAW, env=env(server))
        wait_until(lambda: bool(server.peers))
        (folder / "sound").write_bytes(SOUND)
        result = running.wait()

    assert_heard(ear, result)


def test_the_own_voice_is_a_source(run: Program) -> None:
    """``cartesia say … -o - | cartesia transcribe --live -``."""
    said = run("say", "Hello.", "-o", "-", "--engine", "local")

    ear, result = hear(run, "-", stdin=said.stdout)

    assert result.status == 0
    assert 0.3 < ear.seconds < 3


# Files


@pytest.mark.parametrize(
    ("name", "format"),
    {
        "a.mp3": ("MP3", "MPEG_LAYER_III"),
        "a.flac": ("FLAC", "PCM_16"),
        "a.ogg": ("OGG", "VORBIS"),
        "a.wav": ("WAV", "FLOAT"),
        "no ending": ("WAV", "PCM_16"),
    }.items(),
)
def test_files_of_every_kind(run: Program, folder: Path, name: str, format: tuple[str, str]) -> None:
    (folder / name).write_bytes(encoded(44_100, format[1], format[0]))

    assert_tone(*hear(run, name, "--pace", "max"))


@pytest.mark.parametrize(("pace", "least", "most"), [(None, 1.4, 3), ("4", 0.36, 1.2), ("max", 0, 0.8)])
def test_a_file_has_a_pace(run: Program, folder: Path, pace: str | None, least: float, most: float) -> None:
    (folder / "a.raw").write_bytes(SOUND)
    arrived: list[float] = []

    def note(_: object) -> None:
        arrived.append(time.monotonic())

    ear = Ear((0.05, note), (1.45, note))
    with SocketServer(ear) as server:
        options = ["--pace", pace] if pace else []
        result = run("transcribe", "--live", "a.raw", *RAW, *options, env=env(server))

    assert result.status == 0
    took = (arrived[1] - arrived[0]) * SECONDS / 1.4
    assert least <= took * 1.1
    assert took < most
    assert bytes(ear.sound) == SOUND


@pytest.mark.parametrize(
    ("name", "make"),
    {
        "missing.wav": lambda _: None,
        "folder.wav": lambda path: path.mkdir(),
        "empty.wav": lambda path: path.write_bytes(b""),
        "letter.txt": lambda path: path.write_text("This is no sound, but a letter.\n" * 99),
        "cut.wav": lambda path: path.write_bytes(wav()[:30]),
    }.items(),
)
def test_files_that_cannot_be_heard(
    run: Program, folder: Path, name: str, make: Callable[[Path], object]
) -> None:
    make(folder / name)

    ear, result = hear(run, name, "-o", "out.txt")

    assert_failure(result, 2, name.partition(".")[0])
    assert ear.sound == b""


def test_a_file_that_must_not_be_read(run: Program, folder: Path) -> None:
    (folder / "a.wav").write_bytes(wav())
    (folder / "a.wav").chmod(0)

    _, result = hear(run, "a.wav", wrapper=WITHOUT_PRIVILEGE)

    assert_failure(result, 2, "a.wav")


def test_a_name_that_begins_with_a_dash(run: Program, folder: Path) -> None:
    (folder / "-a.wav").write_bytes(wav())

    ear, result = hear(run, "--pace", "max", "--", "-a.wav")

    assert_heard(ear, result)


@needs_ffmpeg
def test_a_stream_of_ffmpeg_is_heard(run: Program, folder: Path) -> None:
    (folder / "a.wav").write_bytes(encoded(44_100, "PCM_16"))
    command = ["ffmpeg", "-v", "error", "-i", "a.wav", "-f", "wav", "-"]
    stream = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True).stdout

    assert_tone(*hear(run, "-", stdin=stream))
