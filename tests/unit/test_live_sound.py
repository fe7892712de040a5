"""Sound that is still arriving is read as it comes, whatever it comes in."""

import io
import os
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cartesia_cli.audio.recordings import LIVE_RATE, open_live
from cartesia_cli.errors import UsageError

BLOCK = LIVE_RATE // 10 * 2
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(seconds: float, rate: int = LIVE_RATE) -> NDArray[np.float32]:
    wave: NDArray[np.float64] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return wave.astype(np.float32)


def s16(samples: NDArray[np.float32]) -> bytes:
    return np.rint(samples * 32_767).astype("<i2").tobytes()


def wav(subtype: str, rate: int, channels: int, seconds: float, format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone(seconds, rate)] * channels, 1), rate, subtype=subtype, format=format)
    return file.getvalue()


def plain_wav(data: bytes, data_size: int, *, before: bytes = b"", name: bytes = b"RIFF") -> bytes:
    description = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, LIVE_RATE, LIVE_RATE * 2, 2, 16)
    start = struct.pack("<4sI4s", name, 0xFFFFFFFF, b"WAVE")
    return start + before + description + b"data" + struct.pack("<I", data_size) + data


@contextmanager
def pipe(write: Callable[[int], None]) -> Iterator[BinaryIO]:
    """Lend a pipe's end to read, while a thread writes to the other."""
    reader, writer = os.pipe()

    def run() -> None:
        try:
            write(writer)
        except BrokenPipeError:
            pass
        finally:
            os.close(writer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with os.fdopen(reader, "rb") as stream:
            yield stream
    finally:
        thread.join()


def write_all(data: bytes) -> Callable[[int], None]:
    def write(descriptor: int) -> None:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)

    return write


def heard(data: bytes, **options: Any) -> NDArray[np.float32]:
    """Return what is heard of bytes in a pipe, checking the blocks."""
    with pipe(write_all(data)) as stream, open_live(stream, **options) as sound:
        blocks = list(sound)
    assert all(len(block) == BLOCK for block in blocks[:-1])
    return decoded(b"".join(blocks))


def decoded(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_767)


def test_samples_without_a_header_pass_unchanged() -> None:
    samples = tone(0.55)

    assert np.array_equal(
        heard(s16(samples), encoding="pcm_s16le", sample_rate=LIVE_RATE), decoded(s16(samples))
    )


def test_samples_without_a_header_are_resampled() -> None:
    samples = tone(0.5, 48_000)

    said = heard(samples.tobytes(), encoding="pcm_f32le", sample_rate=48_000)

    assert said.size == LIVE_RATE // 2
    assert np.abs(said - tone(0.5))[200:-200].max() < 0.01


@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
def test_every_kind_of_wave_file_is_read_from_a_pipe(subtype: str, format: str) -> None:
    said = heard(wav(subtype, 44_100, 2, 0.5, format))

    assert said.size == LIVE_RATE // 2
    assert np.abs(said - tone(0.5))[200:-200].max() < 0.03


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 10**6])
def test_a_wave_file_without_its_true_size_is_read_to_its_end(size: int) -> None:
    samples = tone(0.25)

    said = heard(plain_wav(s16(samples), size))

    assert np.array_equal(said, decoded(s16(samples)))


def test_what_follows_the_samples_of_a_wave_file_is_not_heard() -> None:
    samples = tone(0.25)
    data = s16(samples)

    said = heard(plain_wav(data + b"LIST" + struct.pack("<I", 400) + b"\x7f" * 400, len(data)))

    assert np.array_equal(said, decoded(s16(samples)))


def test_behind_the_last_sample_of_a_known_size_nothing_is_waited_for() -> None:
    samples = s16(tone(0.35))
    is_read = threading.Event()
    waited_for_us: list[bool] = []

    def write(descriptor: int) -> None:
        os.write(descriptor, plain_wav(samples, len(samples)))
        waited_for_us.append(is_read.wait(5))  # before it closes the pipe

    with pipe(write) as stream, open_live(stream) as sound:
        data = b"".join(sound)
        is_read.set()

    assert data == samples
    assert waited_for_us == [True]


def test_other_chunks_before_the_samples_are_skipped() -> None:
    samples = tone(0.25)
    chunks = b"LIST" + struct.pack("<I", 100_001) + bytes(100_002)
    sizes = b"ds64" + struct.pack("<IQQQI", 28, 2**33, 2**32 + 8, 2**31, 0)

    said = heard(plain_wav(s16(samples), 0xFFFFFFFF, before=sizes + chunks, name=b"RF64"))

    assert np.array_equal(said, decoded(s16(samples)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"RIFF\0\0\0\0WAVEfmt ", "header breaks off"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no format"),
        (plain_wav(b"1234", 0).replace(b"\x01\0\x01\0", b"\x02\0\x01\0", 1), "unknown kind"),
        (plain_wav(b"1234", 0).replace(b"\x01\0\x01\0", b"\x01\0\0\0", 1), "makes no sense"),
    ],
)
def test_what_is_no_sound_says_so(data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        heard(data)


@pytest.mark.parametrize("has_header", [True, False])
def test_a_block_comes_out_while_the_writer_waits(has_header: bool) -> None:
    taken, gave_up = threading.Event(), threading.Event()

    def write(descriptor: int) -> None:
        os.write(descriptor, plain_wav(b"", 0xFFFFFFFF) if has_header else b"")
        for _ in range(3):
            os.write(descriptor, bytes(BLOCK))
            if not taken.wait(10):
                gave_up.set()
            taken.clear()

    options = {} if has_header else {"encoding": "pcm_s16le", "sample_rate": LIVE_RATE}
    n_blocks = 0
    with pipe(write) as stream, open_live(stream, **options) as sound:  # type: ignore[arg-type]
        for _ in sound:
            n_blocks += 1
            taken.set()

    assert n_blocks == 3
    assert not gave_up.is_set()


def test_stopping_ends_the_wait_and_keeps_what_came() -> None:
    done = threading.Event()

    def write(descriptor: int) -> None:
        os.write(descriptor, bytes(BLOCK + 100))
        done.wait(10)

    with pipe(write) as stream, open_live(stream, encoding="pcm_s16le", sample_rate=LIVE_RATE) as sound:
        blocks = iter(sound)
        first = next(blocks)
        timer = threading.Timer(0.1, sound.stop)
        timer.start()
        started = time.monotonic()
        rest = list(blocks)
        waited = time.monotonic() - started
        timer.join()
        done.set()

    assert (len(first), [len(block) for block in rest]) == (BLOCK, [100])
    assert waited < 5


def test_stopping_before_anything_came_is_no_error() -> None:
    done = threading.Event()

    def write(_descriptor: int) -> None:
        done.wait(10)

    with pipe(write) as stream, open_live(stream) as sound:
        timer = threading.Timer(0.1, sound.stop)
        timer.start()
        blocks = list(sound)
        timer.join()
        done.set()

    assert blocks == []


def test_a_named_pipe_waits_for_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    os.mkfifo(path)
    samples = tone(0.25)
    data = plain_wav(s16(samples), 0)
    writer = threading.Timer(0.2, lambda: path.write_bytes(data))

    with open_live(path) as sound:
        writer.start()
        said = b"".join(sound)
    writer.join()

    assert said == s16(samples)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_a_file_of_any_kind_is_read_at_its_pace(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, tone(0.5, 44_100), 44_100)

    started = time.monotonic()
    with open_live(path, pace=2.0) as sound:
        blocks = list(sound)
    seconds = time.monotonic() - started

    assert [len(block) for block in blocks] == [BLOCK] * 5
    assert seconds >= 0.25


def test_a_file_on_standard_input_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(0.3), LIVE_RATE)

    with path.open("rb") as stream, open_live(stream) as sound:
        said = np.frombuffer(b"".join(sound), "<i2").astype(int)

    assert np.abs(said - np.frombuffer(s16(tone(0.3)), "<i2")).max() <= 1


def test_stopping_a_file_ends_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(60), LIVE_RATE)

    with open_live(path, pace=1.0) as sound:
        blocks = iter(sound)
        next(blocks)
        sound.stop()
        started = time.monotonic()

        assert list(blocks) == []

    assert time.monotonic() - started < 5


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    for path, message in [(tmp_path, "is a folder"), (tmp_path / "none.wav", "does not exist")]:
        with pytest.raises(UsageError, match=message), open_live(path):
            pass


def test_a_rate_is_asked_for() -> None:
    with pytest.raises(UsageError, match="sample rate"):
        heard(b"1234", encoding="pcm_s16le")


@needs_ffmpeg
@pytest.mark.parametrize(("ending", "codec"), [("mp3", "libmp3lame"), ("ogg", "libvorbis"), ("flac", "flac")])
def test_other_kinds_come_through_ffmpeg(tmp_path: Path, ending: str, codec: str) -> None:
    path = tmp_path / f"a.{ending}"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=2"]
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", *source, "-c:a", codec, "-ac", "2", str(path)]
    subprocess.run(command, check=True, timeout=60)

    said = heard(path.read_bytes())

    assert said.size == pytest.approx(2 * LIVE_RATE, abs=0.15 * LIVE_RATE)
    assert np.sqrt(np.mean(said**2)) > 0.05


@needs_ffmpeg
def test_sound_comes_out_of_ffmpeg_while_the_writer_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    source = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000:duration=8"]
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *source, str(path)], check=True, timeout=60)
    done = threading.Event()

    def write(descriptor: int) -> None:
        with os.fdopen(os.dup(descriptor), "wb", buffering=0) as file:
            file.write(path.read_bytes()[:40_000])
            done.wait(20)

    with pipe(write) as stream, open_live(stream) as sound:
        blocks = iter(sound)
        first = next(blocks)
        sound.stop()
        rest = list(blocks)
        done.set()

    assert len(first) == BLOCK
    assert rest


@needs_ffmpeg
def test_what_ffmpeg_does_not_know_says_so() -> None:
    with pytest.raises(UsageError, match="cannot be read as a recording"):
        heard(b"These are words, not sound.\n" * 200)


def test_without_ffmpeg_the_hint_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError) as caught:
        heard(b"ID3\x04" + bytes(5000))

    assert "--encoding" in str(caught.value.hint)
    assert "ffmpeg" in str(caught.value.hint)
