"""Word timings in every format: cli.md section 4, "Timings", and section 7."""

import io
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import soundfile
import srt

from tests.cli.cloud import DONE, Cloud, by_part, chunk, pcm, timestamps, words_of
from tests.cli.conftest import Say
from tests.cli.program import Program, assert_failure
from tests.fakes.scripted import sse

TEXT = (
    "The harbour was quiet that morning, and nobody had seen the boats leave. "
    "By noon, however, three of them had come back with more fish than anyone could carry. "
    "“Are you sure?” she asked, & he nodded <twice>."
)
LONG = " ".join(f"Sentence number {i} is about as long as the one before it was." for i in range(120))


def timings(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_timings_in_every_format_beside_the_sound(say: Say, cloud: Cloud, folder: Path) -> None:
    endings = ["srt", "vtt", "ass", "lrc", "tsv", "json"]

    result = say(TEXT, "-o", "a.pcm", *[x for ending in endings for x in ("--timings", f"a.{ending}")])

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert sorted(p.name for p in folder.iterdir()) == sorted(["a.pcm", *[f"a.{e}" for e in endings]])
    assert [r.target for r in cloud.requests] == ["/tts/sse"]
    assert cloud.spoken[0]["add_timestamps"] is True
    assert not cloud.spoken[0].get("add_phoneme_timestamps")
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT)
    for ending in endings:
        data = (folder / f"a.{ending}").read_bytes()
        assert not data.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in data
        assert data.endswith(b"\n")


def test_srt_reads_back_with_srt_and_pysubs2(say: Say, folder: Path) -> None:
    assert say(TEXT, "--timings", "a.srt").status == 0

    text = (folder / "a.srt").read_text(encoding="utf-8")
    cues = list(srt.parse(text, ignore_errors=False))
    words = words_of(TEXT)
    assert " ".join(" ".join(cue.content.split()) for cue in cues) == TEXT
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    assert cues[0].start.total_seconds() == pytest.approx(words[0][1], abs=0.001)
    assert all(a.end <= b.start for a, b in pairwise(cues))
    assert all(cue.end.total_seconds() - cue.start.total_seconds() <= 7 for cue in cues)
    assert [(e.start, e.end) for e in pysubs2.SSAFile.from_string(text)] == [
        (round(c.start.total_seconds() * 1000), round(c.end.total_seconds() * 1000)) for c in cues
    ]


def test_every_subtitle_format_has_the_same_cues(say: Say, folder: Path) -> None:
    assert (
        say(
            TEXT, "--timings", "a.srt", "--timings", "a.vtt", "--timings", "a.ass", "--timings", "a.tsv"
        ).status
        == 0
    )

    read = {name: pysubs2.load(str(folder / name)) for name in ("a.srt", "a.vtt", "a.ass")}
    spoken = {name: " ".join(e.plaintext.replace("\n", " ") for e in events) for name, events in read.items()}
    assert spoken["a.ass"] == TEXT
    assert spoken["a.srt"] == TEXT.replace("<twice>", "")  # pysubs2 takes it for markup
    times = {name: [(e.start, e.end) for e in events] for name, events in read.items()}
    assert times["a.srt"] == times["a.vtt"]
    assert all(
        abs(a - b) <= 10
        for x, y in zip(times["a.srt"], times["a.ass"], strict=True)
        for a, b in zip(x, y, strict=True)
    )
    rows = [line.split("\t") for line in (folder / "a.tsv").read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["start", "end", "text"]
    assert [(int(r[0]), int(r[1])) for r in rows[1:]] == times["a.srt"]


def test_vtt_escapes_markup_and_times_words(say: Say, folder: Path) -> None:
    assert say(TEXT, "--timings", "a.vtt").status == 0

    text = (folder / "a.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    assert "&amp;" in text
    assert "&lt;twice&gt;" in text
    assert re.search(r"<\d\d:\d\d:\d\d\.\d{3}>", text)


def test_lrc_has_lines_and_words(say: Say, folder: Path) -> None:
    assert say("Hello there.", "--timings", "a.lrc").status == 0

    text = (folder / "a.lrc").read_text(encoding="utf-8")
    assert re.search(r"^\[00:00\.00\] ?<00:00\.00> ?Hello <00:00\.30> ?there\.", text, re.MULTILINE)


def test_json_has_the_agreed_shape(say: Say, folder: Path) -> None:
    assert say("Good day.", "--timings", "a.json").status == 0

    assert (
        timings(folder / "a.json").items()
        >= {
            "version": 1,
            "text": "Good day.",
            "language": "en",
            "duration": 0.45,
            "words": [
                {"word": "Good", "start": 0.0, "end": 0.2},
                {"word": "day.", "start": 0.25, "end": 0.45},
            ],
        }.items()
    )


def test_phonemes_are_there_when_asked_for(say: Say, cloud: Cloud, folder: Path) -> None:
    assert say("Good day.", "--timings", "a.json", "--phonemes").status == 0

    assert cloud.spoken[0]["add_phoneme_timestamps"] is True
    read = timings(folder / "a.json")
    assert read["phonemes"][0] == {"phoneme": "Good", "start": 0.0, "end": 0.2}
    assert [w["word"] for w in read["words"]] == ["Good", "day."]


def test_seconds_are_rounded_to_a_millisecond(say: Say, cloud: Cloud, folder: Path) -> None:
    words = [("Good", 0.0123456, 0.2999999), ("day.", 0.3000001, 0.4440000001)]
    cloud.always(sse(timestamps(words), chunk(pcm("Good day.")), DONE))

    assert say("Good day.", "--timings", "a.json").status == 0

    assert timings(folder / "a.json")["words"] == [
        {"word": "Good", "start": 0.012, "end": 0.3},
        {"word": "day.", "start": 0.3, "end": 0.444},
    ]


@pytest.mark.parametrize("form", ["srt", "vtt", "ass", "lrc", "tsv", "json"])
def test_timings_can_go_to_stdout(say: Say, folder: Path, form: str) -> None:
    assert say(TEXT, "--timings", f"a.{form}").status == 0

    result = say(TEXT, "--timings", "-", "--timings-format", form)

    assert result.status == 0
    assert result.stdout == (folder / f"a.{form}").read_bytes()


REFUSED = {
    "stdout without a format": ["--timings", "-"],
    "an ending that says nothing": ["--timings", "a.words"],
    "an unknown format": ["--timings", "-", "--timings-format", "docx"],
    "bytes have no timings": ["--timings", "a.srt", "--transport", "bytes"],
    "bytes have no phonemes": ["--timings", "a.json", "--phonemes", "--transport", "bytes"],
    "an unknown profile": ["--timings", "a.srt", "--captions", "betamax"],
    "a profile that is missing": ["--timings", "a.srt", "--captions", "mine.toml"],
    "lines of no characters": ["--timings", "a.srt", "--max-chars", "0"],
    "no lines": ["--timings", "a.srt", "--max-lines", "0"],
    "a longest that is shorter than the shortest": [
        "--timings",
        "a.srt",
        "--min-duration",
        "5",
        "--max-duration",
        "2",
    ],
    "a negative gap": ["--timings", "a.srt", "--gap", "-1"],
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=REFUSED)
def test_what_timings_cannot_be_is_refused_before_anything_is_sent(
    say: Say, cloud: Cloud, folder: Path, options: list[str]
) -> None:
    result = say(TEXT, *options)

    assert_failure(result, 2)
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "most_chars", "most_lines"),
    [
        ([], 42, 2),
        (["--captions", "bbc"], 37, 2),
        (["--captions", "shorts"], 24, 2),
        (["--max-chars", "20"], 20, 2),
        (["--captions", "bbc", "--max-lines", "1"], 37, 1),
    ],
    ids=["netflix", "bbc", "shorts", "characters", "lines"],
)
def test_the_captions_keep_to_their_profile(
    say: Say, folder: Path, options: list[str], most_chars: int, most_lines: int
) -> None:
    assert say(TEXT, "--timings", "a.srt", *options).status == 0

    cues = list(srt.parse((folder / "a.srt").read_text(encoding="utf-8")))
    lines = [cue.content.split("\n") for cue in cues]
    assert max(len(line) for cue in lines for line in cue) <= most_chars
    assert max(len(cue) for cue in lines) <= most_lines
    assert len(cues) >= 3


def test_a_profile_of_ones_own(say: Say, folder: Path) -> None:
    (folder / "mine.toml").write_text("max_chars = 16\nmax_lines = 1\n", encoding="utf-8")

    result = say(TEXT, "--timings", "a.srt", "--captions", "mine.toml")

    assert result.status == 0
    cues = list(srt.parse((folder / "a.srt").read_text(encoding="utf-8")))
    assert all(len(cue.content) <= 16 for cue in cues)


def test_long_text_has_one_timeline(say: Say, cloud: Cloud, folder: Path) -> None:
    result = say("-o", "a.wav", "--timings", "a.json", "-r", "8000", stdin=LONG.encode())

    assert result.status == 0
    parts = [body["transcript"] for body in cloud.spoken]
    assert len(parts) >= 3
    read = timings(folder / "a.json")
    info = soundfile.info(str(folder / "a.wav"))
    assert read["duration"] == pytest.approx(info.frames / info.samplerate, abs=0.002)
    assert [w["word"] for w in read["words"]] == LONG.split()
    starts = [w["start"] for w in read["words"]]
    assert starts == sorted(starts)
    first, second = sorted(parts, key=LONG.index)[:2]
    first_word_of_second = len(LONG[: LONG.index(second.strip())].split())
    offset = len(pcm(first, "pcm_s16le", 8000)) / 16000
    lead = (len(second) - len(second.lstrip())) * 0.05
    assert read["words"][first_word_of_second]["start"] == pytest.approx(offset + lead, abs=0.002)


def test_a_part_asked_for_twice_has_its_words_once(say: Say, cloud: Cloud, folder: Path) -> None:
    words = [("One", 0.0, 0.2), ("two.", 0.25, 0.4)]
    sound = pcm("One two.")
    whole = sse(timestamps(words), chunk(sound), DONE)
    broken = sse(timestamps(words), chunk(sound[:4000]))
    cloud.always(by_part(one=[whole], two=[broken, whole]))
    text = "One " + "x" * 2900 + ". Two " + "y" * 2900 + "."

    result = say("-o", "a.pcm", "--timings", "a.json", stdin=text.encode())

    assert result.status == 0
    read = timings(folder / "a.json")
    assert [w["word"] for w in read["words"]] == ["One", "two.", "One", "two."]
    assert read["words"][2]["start"] == pytest.approx(len(sound) / 4 / 44100, abs=0.001)
    assert (folder / "a.pcm").read_bytes() == sound * 2


def test_a_server_that_has_no_timings_to_give_is_not_believed(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(sse(chunk(pcm(TEXT)), DONE))

    result = say(TEXT, "-o", "a.pcm", "--timings", "a.srt")

    assert result.status == 6 or "timing" in result.stderr.lower()
    assert result.status == 0 or list(folder.iterdir()) == []


def probed(path: Path) -> float:
    """Return the duration that ffprobe finds."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return float(done.stdout)


def decoded(path: Path) -> float:
    """Return the duration that ffmpeg decodes, without a complaint."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", "48000", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    return len(done.stdout) / 96_000


@pytest.mark.skipif(not shutil.which("ffprobe") or not shutil.which("sox"), reason="needs ffmpeg and sox")
@pytest.mark.parametrize("engine", ["cloud", "local"])
def test_everything_at_once_from_one_command(run: Program, cloud: Cloud, folder: Path, engine: str) -> None:
    """The acceptance line: five containers and six kinds of timings, read by independent programs."""
    outputs = ["a.wav", "b.mp3", "c.flac", "d.opus", "e.ogg"]
    subtitles = ["a.srt", "a.vtt", "a.ass", "a.json", "a.lrc", "a.tsv"]
    text = TEXT.replace("& he nodded <twice>", "and he nodded twice")

    result = run(
        "say",
        text,
        *[x for name in outputs for x in ("-o", name)],
        *[x for name in subtitles for x in ("--timings", name)],
        "--engine",
        engine,
        env=cloud.env,
        cold=True,
    )

    assert (result.status, result.stderr) == (0, "")
    infos = {name: soundfile.info(str(folder / name)) for name in outputs}
    lengths = {name: info.frames / info.samplerate for name, info in infos.items()}
    lengths |= {f"{name} probed": probed(folder / name) for name in outputs}
    lengths |= {f"{name} decoded": decoded(folder / name) for name in outputs}
    assert max(lengths.values()) - min(lengths.values()) <= 0.06, lengths
    for name in ("a.wav", "b.mp3", "c.flac", "e.ogg"):
        done = subprocess.run(
            ["sox", str(folder / name), "-n", "stat"], cwd=folder, capture_output=True, check=True
        )
        assert b"WARN" not in done.stderr
    read = timings(folder / "a.json")
    assert " ".join(w["word"] for w in read["words"]) == text
    assert read["duration"] == pytest.approx(lengths["a.wav"], abs=0.002)
    assert read["words"][-1]["end"] <= lengths["a.wav"] + 0.001
    for name in ("a.srt", "a.vtt", "a.ass"):
        done = subprocess.run(
            ["ffmpeg", "-v", "warning", "-i", str(folder / name), "-f", "srt", "-"],
            capture_output=True,
            check=True,
        )
        assert done.stderr == b""
        assert len(list(srt.parse(io.StringIO(done.stdout.decode())))) >= 3
