"""Which file each ending makes, and what it cannot have: the table of cli.md section 4."""

import io
import itertools
import shutil
import struct
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.cli.cloud import SUBTYPES, Cloud, mp3, pcm, samples
from tests.cli.conftest import Say
from tests.cli.program import Result, assert_failure

TEXT = "Hello there."
ENCODINGS = ["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"]
RATES = [8000, 16000, 22050, 24000, 44100, 48000]
BIT_RATES = [32000, 64000, 96000, 128000, 192000]
SECONDS = len(samples(TEXT, 8000)) / 8000


def sound_of(path: Path) -> Any:
    """Return what libsndfile knows of a file."""
    return soundfile.info(str(path))


def assert_same_length(path: Path, seconds: float = SECONDS) -> None:
    """Check a duration to the 60 ms that an encoder's padding may take."""
    info = sound_of(path)
    assert abs(info.frames / info.samplerate - seconds) <= 0.06


DEFAULTS = {
    "a.wav": ("WAV", "PCM_16", 44100),
    "a.mp3": ("MP3", "MPEG_LAYER_III", 44100),
    "a.flac": ("FLAC", "PCM_16", 44100),
    "a.ogg": ("OGG", "VORBIS", 44100),
    "a.opus": ("OGG", "OPUS", 48000),
}


@pytest.mark.parametrize(("name", "expected"), DEFAULTS.items(), ids=DEFAULTS)
def test_each_ending_has_its_default(
    say: Say, folder: Path, name: str, expected: tuple[str, str, int]
) -> None:
    result = say(TEXT, "-o", name)

    assert result.status == 0
    info = sound_of(folder / name)
    assert (info.format, info.subtype, info.samplerate, info.channels) == (*expected, 1)
    assert_same_length(folder / name)


RAW_DEFAULTS = {
    "a.pcm": ("pcm_f32le", 44100),
    "a.raw": ("pcm_f32le", 44100),
    "a.ulaw": ("pcm_mulaw", 8000),
    "a.alaw": ("pcm_alaw", 8000),
}


@pytest.mark.parametrize(("name", "expected"), RAW_DEFAULTS.items(), ids=RAW_DEFAULTS)
def test_each_ending_without_a_header_has_its_default(
    say: Say, folder: Path, name: str, expected: tuple[str, int]
) -> None:
    result = say(TEXT, "-o", name)

    assert result.status == 0
    assert (folder / name).read_bytes() == pcm(TEXT, *expected)


@pytest.mark.parametrize(("encoding", "rate"), list(itertools.product(ENCODINGS, RATES)))
def test_wav_has_every_encoding_and_rate(say: Say, folder: Path, encoding: str, rate: int) -> None:
    result = say(TEXT, "-o", "a.wav", "--encoding", encoding, "-r", rate)

    assert result.status == 0
    data = (folder / "a.wav").read_bytes()
    payload = pcm(TEXT, encoding, rate)
    assert data[:4] == b"RIFF"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert data.endswith((payload, payload + b"\0" * (len(payload) % 2)))
    assert struct.pack("<4sI", b"data", len(payload)) in data[:128]
    info = sound_of(folder / "a.wav")
    assert (info.subtype, info.samplerate, info.frames) == (
        SUBTYPES[encoding],
        rate,
        len(samples(TEXT, rate)),
    )


@pytest.mark.parametrize(
    ("encoding", "rate"), [("pcm_f32le", rate) for rate in RATES] + [(e, 16000) for e in ENCODINGS[1:]]
)
def test_pcm_has_every_encoding_and_rate(say: Say, folder: Path, encoding: str, rate: int) -> None:
    result = say(TEXT, "-o", "a.pcm", "--encoding", encoding, "--sample-rate", rate)

    assert result.status == 0
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT, encoding, rate)


@pytest.mark.parametrize("ending", ["ulaw", "alaw"])
@pytest.mark.parametrize("rate", RATES)
def test_companded_files_have_every_rate(say: Say, folder: Path, ending: str, rate: int) -> None:
    result = say(TEXT, "-o", f"a.{ending}", "-r", rate)

    assert result.status == 0
    assert (folder / f"a.{ending}").read_bytes() == pcm(
        TEXT, {"ulaw": "pcm_mulaw", "alaw": "pcm_alaw"}[ending], rate
    )


@pytest.mark.parametrize(
    ("ending", "rate"),
    [(e, r) for e in ("mp3", "flac", "ogg") for r in RATES]
    + [("opus", r) for r in (8000, 16000, 24000, 48000)],
)
def test_compressed_files_have_their_rates(say: Say, folder: Path, ending: str, rate: int) -> None:
    result = say(TEXT, "-o", f"a.{ending}", "-r", rate)

    assert result.status == 0
    if ending != "opus":  # libsndfile reads every Opus file at the rate it was made from, others at 48000
        assert sound_of(folder / f"a.{ending}").samplerate == rate
    assert_same_length(folder / f"a.{ending}")


@pytest.mark.parametrize(
    ("encoding", "subtype"), [(None, "PCM_16"), ("pcm_s16le", "PCM_16"), ("pcm_f32le", "PCM_24")]
)
def test_flac_is_exact_to_its_bits(say: Say, folder: Path, encoding: str | None, subtype: str) -> None:
    result = say(TEXT, "-o", "a.flac", *(["--encoding", encoding] if encoding else []))

    assert result.status == 0
    assert sound_of(folder / "a.flac").subtype == subtype
    sound, _ = soundfile.read(str(folder / "a.flac"), dtype="float64")
    step = 2**-15 if subtype == "PCM_16" else 2**-23
    assert np.max(np.abs(sound - samples(TEXT, 44100))) <= step


@pytest.mark.parametrize(
    ("rate", "bit_rate"), [(44100, b) for b in BIT_RATES] + [(r, 192000) for r in RATES if r != 44100]
)
def test_mp3_straight_from_the_api_has_what_the_api_allows(
    say: Say, cloud: Cloud, folder: Path, rate: int, bit_rate: int
) -> None:
    result = say(TEXT, "-o", "a.mp3", "-r", rate, "--bit-rate", bit_rate)

    assert result.status == 0
    wanted = cloud.spoken[0]["output_format"]
    assert (wanted["container"], wanted["sample_rate"], wanted["bit_rate"]) == ("mp3", rate, bit_rate)
    assert (folder / "a.mp3").read_bytes() == mp3(TEXT, rate)


@pytest.mark.parametrize(
    ("rate", "bit_rate"),
    [(8000, 64000), (16000, 128000), (22050, 128000), (24000, 128000), (44100, 128000), (48000, 128000)],
)
def test_mp3_asks_for_the_most_that_the_rate_can_have_up_to_128(
    say: Say, cloud: Cloud, rate: int, bit_rate: int
) -> None:
    result = say(TEXT, "-o", "a.mp3", "-r", rate)

    assert result.status == 0
    assert cloud.spoken[0]["output_format"]["bit_rate"] == bit_rate


def most(rate: int) -> int:
    """Return the highest bit rate that can be encoded here."""
    return 64000 if rate == 8000 else 128000 if rate <= 24000 else 192000


@pytest.mark.parametrize(("rate", "bit_rate"), [(r, b) for r in RATES for b in BIT_RATES if b <= most(r)])
def test_mp3_encoded_here_has_the_bit_rate(say: Say, folder: Path, rate: int, bit_rate: int) -> None:
    text = "Hello there, it is a rather long day today, and I speak."

    result = say(text, "-o", "a.mp3", "-o", "a.pcm", "-r", rate, "--bit-rate", bit_rate)

    assert result.status == 0
    seconds = len(samples(text, rate)) / rate
    assert sound_of(folder / "a.mp3").samplerate == rate
    # At 32 kbit/s a frame is too small for the tag that tells padding, up to two frames, from sound.
    padding = 0.06 if bit_rate > 32000 else 2 * (1152 if rate >= 32000 else 576) / rate + 0.06
    info = sound_of(folder / "a.mp3")
    assert abs(info.frames / rate - seconds) <= padding
    assert (folder / "a.mp3").stat().st_size * 8 / seconds == pytest.approx(bit_rate, rel=0.15)


@pytest.mark.parametrize(("rate", "bit_rate"), [(r, b) for r in RATES for b in BIT_RATES if b > most(r)])
def test_mp3_encoded_here_cannot_have_more(
    say: Say, cloud: Cloud, folder: Path, rate: int, bit_rate: int
) -> None:
    result = say(TEXT, "-o", "a.mp3", "-o", "a.pcm", "-r", rate, "--bit-rate", bit_rate)

    assert_failure(result, 2, str(bit_rate))
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


IMPOSSIBLE = {
    "a rate between the rates": ["-o", "a.wav", "-r", "11025"],
    "a rate beyond the rates": ["-o", "a.wav", "-r", "96000"],
    "a rate that is no number": ["-o", "a.wav", "-r", "fast"],
    "an unknown encoding": ["-o", "a.wav", "--encoding", "pcm_s24le"],
    "an unknown bit rate": ["-o", "a.mp3", "--bit-rate", "320000"],
    "an unknown format": ["-o", "-", "--format", "aiff"],
    "opus at 44100": ["-o", "a.opus", "-r", "44100"],
    "opus at 22050": ["-o", "a.opus", "-r", "22050"],
    "opus beside wav at 44100": ["-o", "a.wav", "-o", "a.opus", "-r", "44100"],
    "an encoding for mp3": ["-o", "a.mp3", "--encoding", "pcm_s16le"],
    "an encoding for ogg": ["-o", "a.ogg", "--encoding", "pcm_s16le"],
    "an encoding for opus": ["-o", "a.opus", "--encoding", "pcm_s16le"],
    "companding in flac": ["-o", "a.flac", "--encoding", "pcm_mulaw"],
    "µ-law as A-law": ["-o", "a.alaw", "--encoding", "pcm_mulaw"],
    "A-law as µ-law": ["-o", "a.ulaw", "--encoding", "pcm_alaw"],
    "16 bits as µ-law": ["-o", "a.ulaw", "--encoding", "pcm_s16le"],
    "a bit rate for wav": ["-o", "a.wav", "--bit-rate", "128000"],
    "a bit rate for flac": ["-o", "a.flac", "--bit-rate", "128000"],
    "a bit rate for pcm": ["-o", "a.pcm", "--bit-rate", "128000"],
    "an ending that says nothing": ["-o", "a.sound"],
    "no ending": ["-o", "a"],
    "a clash of ending and format": ["-o", "a.wav", "--format", "mp3"],
    "a clash of two compressed formats": ["-o", "a.ogg", "--format", "opus"],
    "a device without a format": ["-o", "/dev/null"],
}


@pytest.mark.parametrize("options", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_an_output_cannot_have_is_refused_before_anything_is_sent(
    say: Say, cloud: Cloud, folder: Path, options: list[str]
) -> None:
    result = say(TEXT, *options)

    assert_failure(result, 2)
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


NAMED = {
    "the rate": (["-o", "a.opus", "-r", "44100"], ["44100", "48000", "opus"]),
    "the encoding": (["-o", "a.flac", "--encoding", "pcm_mulaw"], ["pcm_mulaw", "flac"]),
    "the ending": (["-o", "a.sound"], ["a.sound", "--format"]),
    "the clash": (["-o", "a.wav", "--format", "mp3"], ["a.wav", "mp3"]),
}


@pytest.mark.parametrize(("options", "names"), NAMED.values(), ids=NAMED)
def test_a_refusal_names_what_is_wrong(say: Say, options: list[str], names: list[str]) -> None:
    result = say(TEXT, *options)

    assert_failure(result, 2, *names)


FORMATS = ["wav", "pcm", "raw", "mp3", "flac", "ogg", "opus", "ulaw", "alaw"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_name_whose_ending_says_nothing_takes_the_format(say: Say, folder: Path, form: str) -> None:
    result = say(TEXT, "-o", "sound", "-o", f"b.{form}", "--format", form)

    assert result.status == 0
    there = (folder / "sound").read_bytes(), (folder / f"b.{form}").read_bytes()
    if form in {"ogg", "opus"}:  # a stream's serial number may differ
        assert len(there[0]) == len(there[1])
    else:
        assert there[0] == there[1]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_go_to_stdout(say: Say, form: str) -> None:
    result = say(TEXT, "-o", "-", "--format", form)

    assert result.status == 0
    assert result.stderr == ""
    if form in {"pcm", "raw", "ulaw", "alaw"}:
        assert result.stdout == pcm(TEXT, *RAW_DEFAULTS[f"a.{form}"])
        return
    command = ["ffmpeg", "-v", "error", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", "48000", "-"]
    done = subprocess.run(command, input=result.stdout, capture_output=True, check=True)
    assert done.stderr == b""
    assert abs(len(done.stdout) / 96_000 - SECONDS) <= 0.06


@pytest.mark.parametrize("options", [["-o", "A.WAV"], ["-o", "A.Wav"]], ids=["capitals", "mixed"])
def test_an_ending_may_be_in_capitals(say: Say, folder: Path, options: list[str]) -> None:
    result = say(TEXT, *options)

    assert result.status == 0
    assert sound_of(folder / options[1]).subtype == "PCM_16"


def test_the_format_may_repeat_what_the_ending_says(say: Say) -> None:
    assert say(TEXT, "-o", "a.wav", "--format", "wav").status == 0
    assert say(TEXT, "-o", "a.pcm", "--format", "raw").status == 0


def piped_wave(say: Say, *options: str) -> Result:
    result = say(TEXT, "-o", "-", *options)
    assert result.status == 0
    return result


def test_stdout_without_a_format_is_wav_of_16_bits_at_44100(say: Say) -> None:
    result = piped_wave(say)

    with wave.open(io.BytesIO(result.stdout)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 44100)
        assert sound.readframes(sound.getnframes()) == pcm(TEXT, "pcm_s16le")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_wav_to_a_pipe_has_the_agreed_sizes_and_exact_samples(say: Say, encoding: str) -> None:
    data = piped_wave(say, "--encoding", encoding, "--format", "wav").stdout

    header = data.index(b"data") + 8
    assert struct.unpack("<I", data[header - 4 : header])[0] == 0x7FFFF000
    assert struct.unpack("<I", data[4:8])[0] == 0x7FFFF000 + header - 8
    assert data[header:] == pcm(TEXT, encoding)
    sound, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert (len(sound), rate) == (len(samples(TEXT, 44100)), 44100)


def test_every_format_at_once_tells_the_same_story(say: Say, cloud: Cloud, folder: Path) -> None:
    names = ["a.wav", "a.mp3", "a.flac", "a.ogg", "a.opus"]

    result = say("Hello there, and good morning to you all.", *[x for name in names for x in ("-o", name)])

    assert result.status == 0
    assert len(cloud.spoken) == 1
    seconds = [sound_of(folder / name).frames / sound_of(folder / name).samplerate for name in names]
    assert max(seconds) - min(seconds) <= 0.06


@pytest.mark.parametrize("rate", [8000, 24000])
def test_resampling_for_a_second_output_keeps_the_sound(say: Say, folder: Path, rate: int) -> None:
    result = say(
        TEXT, "-o", "a.wav", "-o", "a.ulaw", "-o", "a.opus", *(["-r", str(rate)] if rate == 24000 else [])
    )

    assert result.status == 0
    sound, played = soundfile.read(str(folder / "a.opus"))
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    pitch = np.argmax(spectrum) * played / len(sound)
    assert pitch == pytest.approx(200 + sum(TEXT.encode()) % 500, abs=4)
