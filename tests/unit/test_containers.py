"""Encoders: every rate and bit rate, position and length of the sound, memory, signals."""

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from cartesia_cli.audio import pcm
from cartesia_cli.audio.containers import ContainerEncoder, Conversion, load_soundfile
from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import BIT_RATES, SAMPLE_RATES, AudioFormat, Encoding
from tests.fakes.outputs import output_format

COMPRESSED = ("mp3", "flac", "ogg", "opus")


def speechlike(n_samples: int, rate: int) -> NDArray[np.float32]:
    """Return tones in syllables, so that a shift in time shows."""
    time = np.arange(n_samples) / rate
    voice = np.sin(2 * np.pi * 220 * time) + 0.5 * np.sin(2 * np.pi * 1_310 * time)
    syllables = np.sin(2 * np.pi * 2.3 * time) ** 2
    return np.asarray(0.4 * voice * syllables, np.float32)


def encode(output: OutputFormat, samples: NDArray[np.float32], *, block: int = 4_410) -> bytes:
    """Return the whole file, with what is corrected at the end."""
    encoder = ContainerEncoder(output)
    blocks = [samples[start : start + block] for start in range(0, samples.size, block)]
    data = bytearray(b"".join(map(encoder.encode, blocks)) + encoder.finish())
    for offset, patch in encoder.patches:
        data[offset : offset + len(patch)] = patch
    encoder.close()
    return bytes(data)


def read(data: bytes) -> NDArray[np.float32]:
    samples, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    return np.asarray(samples, np.float32)


def mp3_frames(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield bit rate and sample rate of each frame, from its four header bytes (ISO 11172-3, 2.4.1.3)."""
    mpeg1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    mpeg2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    offset = 0
    while offset < len(data):
        head = int.from_bytes(data[offset : offset + 4], "big")
        assert head >> 21 == 0x7FF, "frames follow each other without a gap"
        version = head >> 19 & 3  # 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5
        kbit = (mpeg1 if version == 3 else mpeg2)[(head >> 12 & 15) - 1]
        rate = (44_100, 48_000, 32_000)[head >> 10 & 3] // {3: 1, 2: 2, 0: 4}[version]
        yield kbit * 1_000, rate
        offset += (144 if version == 3 else 72) * kbit * 1_000 // rate + (head >> 9 & 1)


def possible_mp3s() -> Iterator[tuple[int, int]]:
    for rate in SAMPLE_RATES:
        for bit_rate in BIT_RATES:
            try:
                output_format("a.mp3", sample_rate=rate, bit_rate=bit_rate)
            except UsageError:
                continue
            yield rate, bit_rate


def test_the_table_of_mp3_bit_rates_is_that_of_the_standard() -> None:
    assert len(list(possible_mp3s())) == 2 + 3 * 4 + 2 * 5


@pytest.mark.parametrize(("rate", "bit_rate"), list(possible_mp3s()))
def test_every_frame_of_an_mp3_has_the_bit_rate_that_was_asked_for(rate: int, bit_rate: int) -> None:
    output = output_format("a.mp3", sample_rate=rate, bit_rate=bit_rate)

    data = encode(output, speechlike(rate, rate))

    frames = list(mp3_frames(data))
    assert set(frames) == {(bit_rate, rate)}
    assert len(frames) > 10


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_sound_comes_back_at_its_place_in_its_length_and_level(name: str, rate: int) -> None:
    samples = speechlike(rate * 2 + 123, rate)

    decoded = read(encode(output_format(f"a.{name}", sample_rate=rate), samples))

    assert abs(decoded.size - samples.size) <= rate // 100
    n = min(decoded.size, samples.size)
    shift = np.argmax(np.correlate(decoded[:n], samples[200 : n - 200], "valid")) - 200
    assert abs(int(shift)) <= 1
    level = np.sqrt(np.mean(decoded**2) / np.mean(samples**2))
    assert 0.9 < level < 1.1


@pytest.mark.parametrize(
    ("encoding", "subtype", "steps"), [(None, "PCM_16", 32_767), (Encoding.PCM_F32LE, "PCM_24", 8_388_607)]
)
def test_flac_has_16_bits_or_24_and_loses_nothing_more(
    encoding: Encoding | None, subtype: str, steps: int
) -> None:
    samples = speechlike(24_000, 24_000)

    data = encode(output_format("a.flac", encoding=encoding, sample_rate=24_000), samples)

    assert soundfile.info(io.BytesIO(data)).subtype == subtype
    stored, _ = soundfile.read(io.BytesIO(data), dtype="int32")
    n_unused = 32 - (16 if subtype == "PCM_16" else 24)
    assert np.all(np.abs((stored >> n_unused) - samples.astype(np.float64) * steps) < 0.51)


def test_16_bit_samples_survive_flac_exactly() -> None:
    sound = np.random.default_rng(7).integers(-32_767, 32_768, 9_001).astype("<i2")
    conversion = Conversion(AudioFormat(Encoding.PCM_S16LE, 44_100), output_format("a.flac"))

    data = bytearray(conversion.convert(sound.tobytes()) + conversion.finish())
    for offset, patch in conversion.patches:
        data[offset : offset + len(patch)] = patch

    stored, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 44_100
    assert np.array_equal(stored, sound)


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus"])
def test_what_goes_into_a_pipe_is_readable_without_corrections(name: str) -> None:
    samples = speechlike(48_000, 48_000)
    encoder = ContainerEncoder(output_format(f"a.{name}", sample_rate=48_000))

    decoded = read(encoder.encode(samples) + encoder.finish())

    assert 0 <= decoded.size - samples.size <= 2 * 1_152 + 1_105  # an mp3 of unknown size keeps its delay


def test_flac_in_a_pipe_says_that_its_length_is_unknown() -> None:
    encoder = ContainerEncoder(output_format("a.flac"))

    data = encoder.encode(speechlike(44_100, 44_100)) + encoder.finish()

    # RFC 9639, 8.2: 36 bits of length and 128 of a checksum, both 0 if unknown.
    assert data.startswith(b"fLaC")
    assert int.from_bytes(data[18:26], "big") & (1 << 36) - 1 == 0
    assert data[26:42] == bytes(16)
    assert all(offset + len(patch) <= 42 for offset, patch in encoder.patches), "the frames stay"


@pytest.mark.parametrize("name", COMPRESSED)
def test_bytes_come_out_while_sound_still_goes_in(name: str) -> None:
    encoder = ContainerEncoder(output_format(f"a.{name}", sample_rate=48_000))

    early = encoder.encode(speechlike(96_000, 48_000))

    assert len(early) > 2_000
    encoder.close()


@pytest.mark.parametrize("name", COMPRESSED)
def test_sound_of_no_length_is_a_file_too(name: str) -> None:
    data = encode(output_format(f"a.{name}", sample_rate=48_000), np.zeros(0, np.float32))

    assert isinstance(data, bytes)


@pytest.mark.parametrize("name", COMPRESSED)
def test_nan_and_what_is_too_loud_spoil_nothing_around_them(name: str) -> None:
    samples = speechlike(48_000, 48_000)
    samples[1_000:1_010] = np.nan
    samples[2_000:2_010] = np.inf
    samples[3_000:3_010] = -300.0

    decoded = read(encode(output_format(f"a.{name}", sample_rate=48_000), samples))

    assert np.all(np.isfinite(decoded))
    error = decoded[24_000:40_000] - samples[24_000:40_000]
    assert np.sqrt(np.mean(error**2)) < 0.05


@pytest.mark.parametrize("sizes", [[1], [7, 1, 4], [3, 4_001]])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_bytes_cut_anywhere_convert_to_the_same(encoding: Encoding, sizes: list[int]) -> None:
    data = pcm.encode(speechlike(2_000, 24_000), encoding)
    source = AudioFormat(encoding, 24_000)
    output = OutputFormat("raw", Encoding.PCM_S16LE, 16_000)
    whole = Conversion(source, output)
    expected = whole.convert(data) + whole.finish()
    conversion = Conversion(source, output)

    pieces: list[bytes] = []
    while data:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(conversion.convert(data[:size]))
        data = data[size:]

    assert b"".join(pieces) + conversion.finish() == expected
    assert len(expected) == 2 * round(2_000 * 16_000 / 24_000)


def test_a_last_sample_that_is_not_whole_is_left_out() -> None:
    conversion = Conversion(
        AudioFormat(Encoding.PCM_F32LE, 8_000), OutputFormat("raw", Encoding.PCM_S16LE, 8_000)
    )

    assert conversion.convert(bytes(11)) + conversion.finish() == bytes(4)


def test_without_libsndfile_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)

    with pytest.raises(OutputError, match="Cannot encode audio") as caught:
        load_soundfile()

    assert "libsndfile1" in (caught.value.hint or "")


def test_a_container_that_libsndfile_does_not_know_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="Cannot encode audio"):
        ContainerEncoder(OutputFormat("opus", None, 44_100))


INTERRUPTED = """
import signal, sys, time
import numpy as np
from cartesia_cli.audio.containers import ContainerEncoder
from cartesia_cli.audio.formats import output_formats
encoder = ContainerEncoder(output_formats(["a.mp3"])[0])
noise = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100).astype(np.float32)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("encoding", flush=True)
    while True:
        encoder.encode(noise)
except KeyboardInterrupt:
    started = time.monotonic()
    encoder.close()
    print("closed", time.monotonic() - started < 0.5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("attempt", range(3))
def test_ctrl_c_while_the_encoder_works_is_neither_lost_nor_printed(attempt: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)

    assert (attempt, stdout, stderr) == (attempt, "closed True\n", "")


MEMORY = """
import resource, sys
import numpy as np
from cartesia_cli.audio.containers import ContainerEncoder
from cartesia_cli.audio.formats import output_formats
encoder = ContainerEncoder(output_formats([sys.argv[1]], sample_rate=8_000)[0])
second = np.random.default_rng(0).uniform(-0.1, 0.1, 8_000).astype(np.float32)
for n_seconds in (20, 120):
    for _ in range(n_seconds):
        encoder.encode(second)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts in kilobytes on Linux")
@pytest.mark.parametrize("name", COMPRESSED)
def test_memory_does_not_grow_with_the_length(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / f"a.{name}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    early, late = map(int, done.stdout.split())
    assert late - early < 5_000
