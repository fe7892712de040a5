import io
import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.errors import UsageError

RATE = 16_000
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def tone(seconds: float = 1.0, rate: int = RATE, hertz: float = 440.0) -> NDArray[np.float32]:
    wave: NDArray[np.float64] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return wave.astype(np.float32)


def read(source: Any, **options: Any) -> NDArray[np.float32]:
    with open_recording(source, **options) as recording:
        return np.concatenate([*recording.blocks(RATE)])


def loudness(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def wav(data: bytes, *, riff_size: int, data_size: int) -> bytes:
    description = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    return (
        struct.pack("<4sI4s", b"RIFF", riff_size, b"WAVE")
        + description
        + b"data"
        + struct.pack("<I", data_size)
        + data
    )


@pytest.mark.parametrize(
    ("ending", "subtype"),
    [
        ("wav", "PCM_U8"),
        ("wav", "PCM_16"),
        ("wav", "PCM_24"),
        ("wav", "PCM_32"),
        ("wav", "FLOAT"),
        ("wav", "DOUBLE"),
        ("wav", "ULAW"),
        ("wav", "ALAW"),
        ("aiff", "PCM_16"),
        ("flac", "PCM_16"),
        ("ogg", "VORBIS"),
        ("ogg", "OPUS"),
        ("mp3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_every_container_rate_and_sample_type_is_read_at_the_rate_asked_for(
    tmp_path: Path, ending: str, subtype: str, rate: int
) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, tone(2.0, rate), rate, subtype=subtype)

    samples = read(path)

    assert samples.size == pytest.approx(2 * RATE, abs=0.1 * RATE)
    assert loudness(samples[RATE // 2 : 3 * RATE // 2]) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF, 0x80000000])
def test_a_wav_whose_header_has_no_true_size_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.wav"
    data = (tone() * 32_767).astype("<i2").tobytes()
    path.write_bytes(wav(data, riff_size=(size + 36) % 2**32 if size else 0, data_size=size))

    assert read(path).size == RATE


def test_data_of_size_0_with_another_chunk_after_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"LIST" + struct.pack("<I", 4) + b"INFO", riff_size=48, data_size=0))

    assert read(path).size == 0


def test_a_truncated_wav_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    data = (tone() * 32_767).astype("<i2").tobytes()
    path.write_bytes(wav(data[:20_001], riff_size=36 + len(data), data_size=len(data)))

    assert read(path).size == 10_000


def test_a_truncated_flac_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE), RATE)
    path.write_bytes(path.read_bytes()[:-100_000])

    with open_recording(path) as recording:
        n_samples = sum(block.size for block in recording.blocks(RATE))
        assert recording.is_cut

    assert 5 * RATE < n_samples < 10 * RATE


def test_nan_and_infinity_become_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = tone()
    samples[100:200], samples[300:400] = np.nan, np.inf
    soundfile.write(path, samples, RATE, subtype="FLOAT")

    heard = read(path)

    assert np.isfinite(heard).all()
    assert not heard[100:200].any()
    assert not heard[300:400].any()
    assert heard[500:].any()


def test_channels_that_are_each_others_negative_do_not_cancel(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone(), -tone()], axis=1), RATE)

    assert loudness(read(path)) == pytest.approx(loudness(tone()), rel=0.01)


def test_independent_channels_are_all_heard(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    first, second = tone(hertz=400), tone(hertz=1000)
    first[RATE // 2 :], second[: RATE // 2] = 0, 0
    soundfile.write(path, np.stack([first, second], axis=1), RATE)

    heard = read(path)

    assert loudness(heard[: RATE // 2]) == pytest.approx(loudness(first[: RATE // 2]) / 2, rel=0.01)
    assert loudness(heard[RATE // 2 :]) == pytest.approx(loudness(second[RATE // 2 :]) / 2, rel=0.01)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("pcm_s16le", (tone() * 32_767).astype("<i2").tobytes()),
        ("pcm_s32le", (tone().astype(np.float64) * 0x7FFFFFFF).astype("<i4").tobytes()),
        ("pcm_f16le", tone().astype("<f2").tobytes()),
        ("pcm_f32le", tone().astype("<f4").tobytes()),
    ],
)
def test_samples_without_a_header_are_read_as_told(encoding: str, data: bytes) -> None:
    heard = read(io.BytesIO(data), encoding=encoding, sample_rate=RATE)

    assert heard == pytest.approx(tone(), abs=1e-3)


def test_half_a_sample_at_the_end_is_left_out_and_reported() -> None:
    data = (tone() * 32_767).astype("<i2").tobytes()

    with open_recording(io.BytesIO(data + b"x"), encoding="pcm_s16le", sample_rate=RATE) as recording:
        n_samples = sum(block.size for block in recording.blocks(RATE))
        assert recording.is_cut
        assert recording.seconds == 1.0

    assert n_samples == RATE


def test_samples_without_a_header_need_a_rate() -> None:
    with pytest.raises(UsageError, match="sample rate"):
        read(io.BytesIO(b"1234"), encoding="pcm_s16le")


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(), RATE)
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(path.read_bytes())

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(reader, "rb") as pipe:
        heard = read(pipe)
    thread.join()

    assert heard.size == RATE


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.wav", b"", r"a\.wav is empty"),
        ("a.wav", b"These are words, not sound.\n" * 20, r"a\.wav"),
        ("a.mp3", bytes(range(256)) * 8, r"a\.mp3"),
        ("a.raw", bytes(range(256)) * 8, r"a\.raw"),
        ("a.m3u8", b"#EXTM3U\nother.wav\n", "playlist|not a recording"),
    ],
)
def test_what_is_no_recording_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UsageError, match=message):
        read(path)


def test_an_empty_stream_is_no_recording() -> None:
    with pytest.raises(UsageError, match="empty"):
        read(io.BytesIO(b""))
    with pytest.raises(UsageError, match="empty"):
        read(io.BytesIO(b""), encoding="pcm_s16le", sample_rate=RATE)


def test_a_folder_and_a_missing_file_are_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        read(tmp_path / "none.wav")


@needs_ffmpeg
def test_what_libsndfile_does_not_know_is_read_by_ffmpeg(tmp_path: Path) -> None:
    path = tmp_path / "-a b'.m4a"
    convert(
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100:duration=2", "-ac", "2", f"file:{path}"
    )

    samples = read(path)

    assert samples.size == pytest.approx(2 * RATE, abs=0.1 * RATE)
    assert loudness(samples) > 0.05


@needs_ffmpeg
def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    convert("-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=5", f"file:{path}")

    with pytest.raises(UsageError, match=r"no sound in a\.mp4"):
        read(path)


def test_without_ffmpeg_the_hint_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "a.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))

    with pytest.raises(UsageError) as caught:
        read(path)

    assert "ffmpeg" in str(caught.value.hint)


def convert(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *arguments], check=True, timeout=60)
