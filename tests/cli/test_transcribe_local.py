"""``transcribe`` on the machine: what the built-in recogniser hears, and what it makes of broken files."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile

from tests.captions_judge import judge, words_in
from tests.cli.program import WITHOUT_PRIVILEGE, Program, assert_failure, wait_until

GREETING = "Good morning, everyone, and welcome to the show."
SENTENCES = [
    "The train to Boston leaves at nine in the morning.",
    "My sister bought three apples and a loaf of bread.",
    "Please close the window before the rain comes in.",
    "Nobody knew why the old man had left the village.",
    "We counted twenty seven birds on the roof of the church.",
    "Doctor Miller will see you at the hospital tomorrow.",
    "The river was frozen, so the children walked across it.",
    "She opened the letter, read it twice, and smiled.",
]


class Spoken(NamedTuple):
    """Recordings by the built-in voice; nobody changes them."""

    greeting: Path
    """One sentence, 16 bit at 44100 Hz."""

    sentences: Path
    words: list[dict[str, Any]]
    """What is said in ``sentences``, and when, as the voice knows it."""


@pytest.fixture(scope="session")
def spoken(server: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    folder = tmp_path_factory.mktemp("spoken")
    program = Program(server, folder, tmp_path_factory.mktemp("home"))
    text = " ".join(SENTENCES)
    first = program("say", GREETING, "-o", "greeting.wav", "--engine", "local")
    second = program("say", text, "-o", "all.wav", "--timings", "all.json", "--engine", "local")
    assert (first.status, second.status) == (0, 0)
    words = json.loads((folder / "all.json").read_text("utf-8"))["words"]
    return Spoken(folder / "greeting.wav", folder / "all.wav", words)


@pytest.fixture
def local(run: Program, folder: Path, spoken: Spoken) -> Program:
    """The program on its own, with a recording in the folder."""
    run.env["CARTESIA_ENGINE"] = "local"
    shutil.copy(spoken.greeting, folder / "a.wav")
    return run


def letters(text: str) -> list[str]:
    """Return the words of a text as a judge of recognition compares them."""
    return re.findall(r"[a-z0-9']+", text.lower().replace("-", " "))


def likeness(text: str, expected: str) -> float:
    return SequenceMatcher(None, letters(text), letters(expected), autojunk=False).ratio()


def is_greeting(text: str) -> bool:
    """Whether a text is the greeting, give or take a word."""
    return likeness(text, GREETING) > 0.85


def with_sizes(wav: bytes, size: int) -> bytes:
    """Return the file with another size in its two headers."""
    at = wav.index(b"data") + 4
    riff = min(size + at - 4 if size else 0, 0xFFFFFFFF)
    changed = wav[:4] + riff.to_bytes(4, "little") + wav[8:at] + size.to_bytes(4, "little") + wav[at + 4 :]
    assert len(changed) == len(wav)
    return changed


def ffmpeg(folder: Path, *arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", *arguments], cwd=folder, check=True)


# What is heard


def test_what_was_said_is_heard_when_it_was_said(local: Program, folder: Path, spoken: Spoken) -> None:
    options = [x for f in ("json", "srt", "text") for x in ("--format", f)]

    result = local("transcribe", spoken.sentences, "--words", *options, "-o", folder / "out")

    assert (result.status, result.stdout) == (0, b""), result.stderr
    report = json.loads((folder / "out" / "all.json").read_text("utf-8"))
    heard = report["words"]
    truth = [(word, w["start"]) for w in spoken.words for word in letters(w["word"])[:1]]
    found = [(word, w["start"]) for w in heard for word in letters(w["word"])[:1]]
    matcher = SequenceMatcher(None, [w for w, _ in truth], [w for w, _ in found], autojunk=False)
    pairs = [
        (truth[block.a + i], found[block.b + i])
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]
    late = sorted(abs(said[1] - got[1]) for said, got in pairs)
    assert len(pairs) >= 0.92 * len(truth)
    assert len(found) <= 1.05 * len(truth)
    assert late[len(late) // 2] < 0.04
    assert late[int(0.95 * len(late))] < 0.12
    assert report["duration"] == pytest.approx(soundfile.info(spoken.sentences).duration, abs=0.002)
    assert report["language"] == "en"
    assert all(0 <= w["confidence"] <= 1 for w in heard)
    assert all(a["start"] <= a["end"] <= b["end"] and a["start"] <= b["start"] for a, b in pairwise(heard))
    assert heard[-1]["end"] <= report["duration"] + 0.001
    captions = (folder / "out" / "all.srt").read_text("utf-8")
    assert [broken for broken in judge(captions, words_in(report)) if broken.avoidable] == []
    rows = (folder / "out" / "all.txt").read_text("utf-8").splitlines()
    assert [row.split("\t")[2] for row in rows] == [w["word"] for w in heard]
    assert letters(report["text"]) == [x for w in heard for x in letters(w["word"])]


def test_every_container_and_kind_of_sample_is_heard(local: Program, folder: Path) -> None:
    sound, rate = soundfile.read(folder / "a.wav", dtype="float32")
    (folder / "a.wav").unlink()
    stereo = np.stack([sound, 0.5 * sound], axis=1)
    soundfile.write(folder / "b.flac", stereo, rate, subtype="PCM_24")
    soundfile.write(folder / "c.ogg", sound, rate)
    soundfile.write(folder / "d.mp3", stereo, rate)
    soundfile.write(folder / "e.wav", sound, rate, subtype="ULAW")
    soundfile.write(folder / "f.wav", np.stack([sound, -sound], axis=1), rate, subtype="DOUBLE")
    ffmpeg(folder, "-i", "b.flac", "-ac", "1", "-ar", "8000", "g.m4a")
    ffmpeg(folder, "-f", "lavfi", "-i", "color=black:size=64x64", "-i", "b.flac", "-shortest", "h.mkv")

    result = local("transcribe", ".", "--json", "-q")

    assert (result.status, result.stderr) == (0, "")
    assert len(result.events) == 7
    assert [e["source"] for e in result.events if not is_greeting(e["text"])] == []
    assert all(e["duration"] == pytest.approx(len(sound) / rate, abs=0.15) for e in result.events)


def test_silence_and_noise_are_no_words(local: Program, folder: Path) -> None:
    rate = 16_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(4 * rate) / rate)
    noise = 0.1 * np.random.default_rng(1).standard_normal(4 * rate)
    (folder / "a.wav").unlink()
    sounds = {"nothing": np.zeros(0), "silence": np.zeros(rate), "tone": tone, "noise": noise}
    for name, sound in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, rate)
    formats = ["text", "json", "srt", "vtt", "ass", "lrc", "tsv"]

    result = local("transcribe", ".", "--words", *[x for f in formats for x in ("--format", f)], "-o", "out/")

    assert result.status == 0, result.stderr
    assert len(list((folder / "out").iterdir())) == len(formats) * len(sounds)
    for name, sound in sounds.items():
        report = json.loads((folder / "out" / f"{name}.json").read_text("utf-8"))
        assert (report["text"], report["words"], report["duration"]) == ("", [], len(sound) / rate)
        assert (folder / "out" / f"{name}.txt").read_text("utf-8").strip() == ""
        assert (folder / "out" / f"{name}.srt").read_text("utf-8").strip() == ""


def test_what_is_heard_on_the_machine_is_reported_to_nobody(
    local: Program, folder: Path, tmp_path: Path
) -> None:
    """The library that runs the networks keeps a device number and a queue of reports, if it is let."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}

    said = local("say", "Hello.", "-o", "hello.wav", env=env)
    heard = local("transcribe", "a.wav", env=env)

    assert (said.status, heard.status) == (0, 0)
    assert list(temporary.iterdir()) == []
    assert [p for p in local.home.rglob("*") if "microsoft" in str(p).lower()] == []
    assert sorted(p.name for p in folder.iterdir()) == ["a.wav", "hello.wav"]


# Broken files


def test_headers_that_do_not_know_the_size_are_read_to_the_end(local: Program, folder: Path) -> None:
    whole = (folder / "a.wav").read_bytes()
    sizes = {"zero": 0, "pipe": 0x7FFFF000, "endless": 0xFFFFFFFF}
    for name, size in sizes.items():
        (folder / f"{name}.wav").write_bytes(with_sizes(whole, size))
    seconds = soundfile.info(folder / "a.wav").duration

    result = local("transcribe", *[f"{name}.wav" for name in sizes], "--json", "-q")

    assert result.status == 0, result.stderr
    assert [e["source"] for e in result.events if not is_greeting(e["text"])] == []
    assert all(e["duration"] == pytest.approx(seconds, abs=0.01) for e in result.events)


def test_what_is_there_of_broken_recordings_is_heard(local: Program, folder: Path) -> None:
    whole = (folder / "a.wav").read_bytes()
    (folder / "a.wav").unlink()
    sound, rate = soundfile.read(beside(folder, whole), dtype="float32")
    soundfile.write(folder / "whole.mp3", sound, rate)
    mp3 = (folder / "whole.mp3").read_bytes()
    (folder / "whole.mp3").unlink()
    sound[len(sound) // 2 : len(sound) // 2 + 20] = np.nan
    sound[-50:] = np.inf
    soundfile.write(folder / "nan.wav", sound, rate, subtype="FLOAT")
    (folder / "odd.wav").write_bytes(whole[:-1])
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.mp3").write_bytes(mp3[: len(mp3) // 2])
    (folder / "tail.wav").write_bytes(whole + b"LIST\x10\0\0\0more of nothing!")

    result = local("transcribe", "nan.wav", "odd.wav", "tail.wav", "cut.wav", "cut.mp3", "--json")

    assert result.status == 0, result.stderr
    events = {e["source"]: e for e in result.events}
    assert [
        name for name in ("nan.wav", "odd.wav", "tail.wav") if not is_greeting(events[name]["text"])
    ] == []
    for name in ("cut.wav", "cut.mp3"):
        assert letters(events[name]["text"])[:2] == ["good", "morning"]
        assert events[name]["duration"] == pytest.approx(len(sound) / rate / 2, abs=0.1)


def beside(folder: Path, data: bytes) -> Path:
    """Return a file beside the folder."""
    path = folder.parent / "copy.wav"
    path.write_bytes(data)
    return path


def test_each_bad_file_is_named_with_its_fault(local: Program, folder: Path) -> None:
    ffmpeg(folder, "-f", "lavfi", "-i", "color=black:size=64x64:duration=0.2", "mute.mp4")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("I am a text that somebody called a recording.\n" * 20)
    (folder / "header.wav").write_bytes((folder / "a.wav").read_bytes()[:20])
    (folder / "noise.mp3").write_bytes(np.random.default_rng(2).bytes(5000))
    names = ["empty.wav", "text.wav", "header.wav", "noise.mp3", "mute.mp4", "nowhere.wav"]

    alone = [local("transcribe", name) for name in names]
    among = local("transcribe", *names, "a.wav")

    for name, result in zip(names, alone, strict=True):
        assert_failure(result, 2, name)
    assert re.search("sound|audio", alone[names.index("mute.mp4")].stderr)
    assert among.status == 8
    assert [line.split("\t")[0] for line in among.text.splitlines()] == ["a.wav"]
    for name in names:
        assert sum(name in line for line in among.lines) == 1
    assert "6 failed" in among.stderr


def test_a_missing_ffmpeg_is_told_where_it_is_needed(local: Program, folder: Path) -> None:
    ffmpeg(folder, "-i", "a.wav", "a.m4a")

    result = local("transcribe", "a.m4a", env={"PATH": "/nonexistent"})

    assert_failure(result, 2, "a.m4a", "ffmpeg")


def test_a_file_that_cannot_be_read_is_named(local: Program, folder: Path) -> None:
    (folder / "a.wav").chmod(0)

    assert_failure(local("transcribe", "a.wav", wrapper=WITHOUT_PRIVILEGE), 2, "a.wav", "permission")


# Samples without a header


RAW = {"pcm_s16le": ("s16le", b"\0"), "pcm_mulaw": ("mulaw", b"")}


@pytest.mark.parametrize(("encoding", "names"), RAW.items(), ids=RAW)
def test_samples_without_a_header_are_heard(
    local: Program, folder: Path, encoding: str, names: tuple[str, bytes]
) -> None:
    """Half a sample at the end is left out."""
    kind, half = names
    ffmpeg(folder, "-i", "a.wav", "-ar", "16000", "-ac", "1", "-f", kind, "a.raw")
    data = (folder / "a.raw").read_bytes() + half
    options = ["--encoding", encoding, "--sample-rate", "16000", "--json", "--stats"]

    result = local("transcribe", "-", *options, stdin=data)

    assert result.status == 0
    assert [("breaks off" in line) for line in result.lines] == ([True] if half else [])
    assert is_greeting(result.json["text"])
    assert result.json["source"] == "-"
    assert result.json["duration"] == pytest.approx(soundfile.info(folder / "a.wav").duration, abs=0.01)
    assert result.json["stats"]["wall"] > 0


def test_a_recording_on_stdin_needs_no_seeking(local: Program, folder: Path) -> None:
    endless = with_sizes((folder / "a.wav").read_bytes(), 0x7FFFF000)

    result = local("transcribe", "-q", stdin=endless, env={"CARTESIA_ENGINE": None})

    assert (result.status, result.stderr) == (0, "")
    assert is_greeting(result.text)


def test_empty_or_senseless_stdin_is_refused(local: Program) -> None:
    assert_failure(local("transcribe", "-", stdin=b""), 2)
    assert_failure(local("transcribe", "-", stdin=b"I am a text." * 100), 2)


# The engine


def test_without_a_key_the_built_in_engine_is_announced(local: Program) -> None:
    result = local("transcribe", "a.wav", env={"CARTESIA_ENGINE": None})

    assert result.status == 0
    assert is_greeting(result.text)
    assert len(result.lines) == 1
    assert result.stderr.startswith("cartesia: no API key, using the built-in")


def test_a_language_that_it_does_not_know_is_refused(local: Program) -> None:
    assert_failure(local("transcribe", "a.wav", "--language", "de"), 2, "de")


def test_a_model_is_not_its_business_and_it_says_so(local: Program) -> None:
    result = local(
        "transcribe", "a.wav", "--model", "ink-whisper", "--language", "en-GB", "--keyterm", "show"
    )

    assert result.status == 0
    assert is_greeting(result.text)
    assert len(result.lines) == 1
    assert "--model" in result.stderr
    assert "--keyterm" in result.stderr


def test_a_failed_cloud_turns_local_only_when_asked(local: Program) -> None:
    env = {"CARTESIA_ENGINE": "cloud", "CARTESIA_API_KEY": "k", "CARTESIA_BASE_URL": "http://127.0.0.1:9"}

    alone = local("transcribe", "a.wav", "--retries", "0", env=env)
    helped = local("transcribe", "a.wav", "--retries", "0", "--fallback", "local", env=env)

    assert_failure(alone, 6)
    assert helped.status == 0, helped.stderr
    assert is_greeting(helped.text)
    assert "built-in" in helped.stderr


# Signals


def long_recording(folder: Path, spoken: Spoken) -> Path:
    """Write twenty minutes of speech."""
    sound, rate = soundfile.read(spoken.sentences, dtype="int16")
    path = folder / "long.wav"
    with soundfile.SoundFile(path, "w", rate // 2, 1, "PCM_16") as file:
        for _ in range(1200 * rate // len(sound)):
            file.write(sound[::2])
    return path


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return str(path) in {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return False


def seconds_of_work(pid: int) -> float:
    """Return how much processor time a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_signal_while_it_listens_leaves_nothing(
    local: Program, folder: Path, tmp_path: Path, spoken: Spoken, number: signal.Signals, status: int
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = long_recording(tmp_path, spoken)

    running = local.start("transcribe", path, "-o", "x.srt", env={"TMPDIR": str(temporary)})
    wait_until(lambda: has_open(running.pid, path))
    before = seconds_of_work(running.pid)
    wait_until(lambda: seconds_of_work(running.pid) > before + 1.5, 20)
    sent = time.monotonic()
    running.send(number)
    result = running.wait()
    took = time.monotonic() - sent

    assert result.status == status
    assert result.stdout == b""
    assert len(result.lines) <= 1
    assert [p.name for p in folder.iterdir()] == ["a.wav"]
    assert list(temporary.iterdir()) == []
    assert took < 3


def descendants(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return {int(line) for line in listed.stdout.split()}


def test_a_signal_ends_the_decoder_too(local: Program, folder: Path, tmp_path: Path, spoken: Spoken) -> None:
    long_recording(tmp_path, spoken)
    ffmpeg(tmp_path, "-i", "long.wav", "-ac", "1", "-ar", "8000", "-c:a", "adpcm_ima_qt", "long.mov")

    running = local.start("transcribe", tmp_path / "long.mov", "-o", "x.txt")
    wait_until(lambda: bool(descendants(running.pid)))
    decoders = descendants(running.pid)
    running.send(signal.SIGINT)
    result = running.wait()

    assert result.status == 130
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in decoders), 3)
    assert [p.name for p in folder.iterdir()] == ["a.wav"]
