"""``captions convert``, ``retime`` and ``align``: cli.md sections 8 and 9."""

import json
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import srt

from tests.cli.program import Program, assert_failure, assert_printable

SRT = (
    "1\n00:00:00,040 --> 00:00:01,500\nGood day, everybody\nin this room.\n\n"
    "2\n00:00:01,583 --> 00:00:03,000\n“Really?” & <truly>\n\n"
)
VTT = (
    "WEBVTT\n\n00:00:00.040 --> 00:00:01.500\nGood day, everybody\nin this room.\n\n"
    "00:00:01.583 --> 00:00:03.000\n“Really?” &amp; &lt;truly&gt;\n\n"
)
KARAOKE = "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nGood <00:00:02.000>day <00:00:03.000>all.\n\n"
TIMINGS: dict[str, Any] = {
    "version": 1,
    "text": "Good day.",
    "language": "en",
    "duration": 1.2,
    "words": [{"word": "Good", "start": 0.04, "end": 0.29}, {"word": "day.", "start": 0.31, "end": 1.06}],
}
ENDINGS = ["srt", "vtt", "ass", "lrc", "tsv", "json"]


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    """The folder, with a file to work on."""
    (folder / "a.srt").write_text(SRT, "utf-8")
    return folder


def text(path: Path) -> str:
    return path.read_bytes().decode()


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_the_group_alone_shows_its_help(run: Program) -> None:
    result = run("captions")

    assert (result.status, result.stderr) == (0, "")
    for name in ("convert", "lint", "retime", "align"):
        assert f"\n  {name} " in result.text
    assert "..." not in result.text.partition("Commands:")[2]


@pytest.mark.parametrize("command", ["convert", "lint", "retime", "align"])
def test_every_subcommand_has_help_with_an_example(run: Program, command: str) -> None:
    result = run("captions", command, "--help", env={"COLUMNS": "79"})

    assert (result.status, result.stderr) == (0, "")
    assert f"Example: cartesia captions {command} " in result.text
    assert all(f" {option}" in result.text for option in ("--captions", "-q, --quiet", "--color"))


def test_an_unknown_subcommand_is_a_usage_error(run: Program) -> None:
    assert_failure(run("captions", "burn"), 2, "burn", "cartesia captions --help")


# --- convert


def test_srt_becomes_vtt_with_the_same_cues(run: Program, files: Path) -> None:
    result = run("captions", "convert", "a.srt", "-o", "b.vtt")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert text(files / "b.vtt") == VTT


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_there_and_back(run: Program, files: Path, ending: str) -> None:
    assert run("captions", "convert", "a.srt", "-o", f"b.{ending}").status == 0
    assert run("captions", "convert", f"b.{ending}", "-o", "c.srt").status == 0

    old, new = (list(srt.parse(text(files / name))) for name in ("a.srt", "c.srt"))
    assert [cue.content.split() for cue in new] == [cue.content.split() for cue in old]
    for a, b in zip(old, new, strict=True):
        assert abs((a.start - b.start).total_seconds()) <= 0.005
        assert abs((a.end - b.end).total_seconds()) <= 0.005
    if ending in {"vtt", "json"}:
        assert text(files / "c.srt") == SRT


def test_word_times_travel_along(run: Program, files: Path) -> None:
    (files / "k.vtt").write_text(KARAOKE, "utf-8")
    for name in ("k.ass", "k.lrc", "k.json"):
        assert run("captions", "convert", "k.vtt", "-o", name).status == 0
        assert run("captions", "convert", name, "-o", f"{name}.vtt").status == 0

    assert r"{\k100}Good {\k100}day {\k100}all." in text(files / "k.ass")
    assert [word["start"] for word in json.loads(text(files / "k.json"))["words"]] == [1.0, 2.0, 3.0]
    for name in ("k.ass", "k.lrc", "k.json"):
        assert text(files / f"{name}.vtt") == KARAOKE


def test_pysubs2_s_files_are_read_and_ours_by_it(run: Program, files: Path) -> None:
    theirs = pysubs2.load(str(files / "a.srt"), keep_unknown_html_tags=True)
    theirs.save(str(files / "theirs.ass"))

    assert run("captions", "convert", "theirs.ass", "-o", "b.ass").status == 0

    ours = pysubs2.load(str(files / "b.ass"))
    assert [(e.start, e.end, e.plaintext) for e in ours] == [
        (e.start, e.end, e.plaintext) for e in pysubs2.load(str(files / "theirs.ass"))
    ]


def test_from_stdin_to_stdout(run: Program) -> None:
    result = run(
        "captions", "convert", "-", "--from", "srt", "-o", "-", "--format", "vtt", stdin=SRT.encode()
    )

    assert (result.status, result.text, result.stderr) == (0, VTT, "")


def test_stdout_in_another_locale_is_utf_8(run: Program) -> None:
    result = run("captions", "convert", "a.srt", "-o", "-", "--format", "vtt", env={"LC_ALL": "C"})

    assert (result.status, result.text) == (0, VTT)


def test_from_overrules_the_ending(run: Program, files: Path) -> None:
    (files / "wrong.srt").write_text(VTT, "utf-8")

    assert run("captions", "convert", "wrong.srt", "--from", "vtt", "-o", "b.srt").status == 0
    assert text(files / "b.srt") == SRT


def test_utf_16_with_its_mark_is_read(run: Program, files: Path) -> None:
    (files / "w.srt").write_bytes(SRT.replace("\n", "\r\n").encode("utf-16"))

    assert run("captions", "convert", "w.srt", "-o", "b.srt").status == 0
    assert text(files / "b.srt") == SRT


def test_with_a_profile_the_words_are_cut_anew(run: Program, files: Path) -> None:
    result = run("captions", "convert", "a.srt", "-o", "b.srt", "--max-chars", "20", "--max-lines", "1")

    assert result.status == 0
    cues = list(srt.parse(text(files / "b.srt")))
    assert len(cues) > 2
    assert all(len(cue.content) <= 20 for cue in cues)
    assert " ".join(cue.content for cue in cues) == "Good day, everybody in this room. “Really?” & <truly>"


def test_a_rule_that_is_0_counts_too(run: Program, files: Path) -> None:
    assert run("captions", "convert", "a.srt", "-o", "b.srt", "--gap", "0").status == 0

    assert text(files / "b.srt") == (
        "1\n00:00:00,040 --> 00:00:03,000\nGood day, everybody in this room.\n“Really?” & <truly>\n\n"
    )


def test_known_word_times_are_what_is_cut_by(run: Program, files: Path) -> None:
    (files / "k.vtt").write_text(KARAOKE, "utf-8")

    assert (
        run("captions", "convert", "k.vtt", "-o", "b.srt", "--max-chars", "5", "--max-lines", "1").status == 0
    )

    starts = [cue.start.total_seconds() for cue in srt.parse(text(files / "b.srt"))]
    assert starts == [1.0, 2.0, 3.0]


def test_json_of_words_becomes_cues_by_the_rules(run: Program, files: Path) -> None:
    (files / "w.json").write_text(json.dumps(TIMINGS), "utf-8")

    assert run("captions", "convert", "w.json", "-o", "b.srt").status == 0
    assert run("captions", "convert", "w.json", "-o", "c.json").status == 0

    assert text(files / "b.srt") == "1\n00:00:00,040 --> 00:00:01,060\nGood day.\n\n"
    assert json.loads(text(files / "c.json")) == TIMINGS


def test_many_files_go_into_a_folder_each_with_a_name_of_its_own(run: Program, files: Path) -> None:
    (files / "sub").mkdir()
    (files / "sub" / "a.srt").write_text(SRT.replace("Good", "Bad"), "utf-8")
    (files / "a.vtt").write_text(VTT, "utf-8")
    (files / "b.vtt").write_text(VTT, "utf-8")

    result = run(
        "captions", "convert", "a.srt", "sub/a.srt", "a.vtt", "b.vtt", "-o", "out", "--format", "lrc"
    )

    assert (result.status, result.stderr) == (0, "")
    made = {path.name: text(path) for path in (files / "out").iterdir()}
    assert len(made) == 4
    assert "b.lrc" in made
    assert sum("Bad" in shown for shown in made.values()) == 1


def test_a_bad_file_does_not_stop_the_others(run: Program, files: Path) -> None:
    (files / "bad.srt").write_text("1\n00:00:01,000 --> nothing\n", "utf-8")
    (files / "b.srt").write_text(SRT, "utf-8")

    result = run(
        "captions", "convert", "a.srt", "bad.srt", "gone.srt", "b.srt", "-o", "out/", "--format", "vtt"
    )

    assert (result.status, result.stdout) == (8, b"")
    assert names(files / "out") == ["a.vtt", "b.vtt"]
    assert "bad.srt" in result.stderr
    assert "gone.srt" in result.stderr
    assert "2 converted, 2 failed" in result.stderr


REFUSED: dict[str, tuple[list[str], list[str]]] = {
    "nothing": ([], ["nothing to convert"]),
    "no destination": (["a.srt"], ["-o FILE"]),
    "a file that is not there": (["gone.srt", "-o", "b.vtt"], ["gone.srt", "No such file"]),
    "a folder": ([".", "--from", "srt", "-o", "b.vtt"], ["Is a directory"]),
    "a file without an ending": (["a", "-o", "b.vtt"], ["--from"]),
    "stdin without a format": (["-", "-o", "b.vtt"], ["standard input", "--from"]),
    "stdout without a format": (["a.srt", "-o", "-"], ["--format"]),
    "a name without an ending": (["a.srt", "-o", "b"], ["--format"]),
    "a clash": (["a.srt", "-o", "b.vtt", "--format", "srt"], ["contradicts", "b.vtt"]),
    "a format that does not exist": (["a.srt", "-o", "b.docx"], ["--format"]),
    "several into a file": (["a.srt", "a.srt", "-o", "b.vtt"], ["folder"]),
    "several to stdout": (["a.srt", "a.srt", "-o", "-", "--format", "vtt"], ["folder"]),
    "a folder without a format": (["a.srt", "-o", "out/"], ["--format"]),
    "stdin twice": (["-", "-", "--from", "srt", "-o", "out"], ["once"]),
    "an unknown profile": (["a.srt", "-o", "b.vtt", "--captions", "betamax"], ["betamax"]),
    "no lines": (["a.srt", "-o", "b.vtt", "--max-lines", "0"], ["--max-lines"]),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_cannot_be_converted_is_refused(run: Program, files: Path, given: str) -> None:
    args, fragments = REFUSED[given]

    result = run("captions", "convert", *args)

    assert_failure(result, 2, *fragments)
    assert names(files) == ["a.srt"]


def test_a_file_of_another_format_is_named_with_its_line(run: Program, files: Path) -> None:
    (files / "b.srt").write_text("Dear Sir or Madam\n", "utf-8")
    (files / "c.srt").write_text(SRT + "00:00:0x,000 --> 00:00:09,000\nNo\n", "utf-8")
    (files / "d.srt").write_bytes(b"1\n00:00:01,000 --> 00:00:02,000\nM\xfcller\n")

    assert_failure(run("captions", "convert", "b.srt", "-o", "x.vtt"), 2, "b.srt, line 1: this is not SRT")
    assert_failure(run("captions", "convert", "c.srt", "-o", "x.vtt"), 2, "c.srt, line 10: ")
    assert_failure(run("captions", "convert", "d.srt", "-o", "x.vtt"), 2, "d.srt, line 3: ", "UTF-8", "iconv")
    assert not (files / "x.vtt").exists()


def test_no_clobber_keeps_what_is_there(run: Program, files: Path) -> None:
    (files / "b.vtt").write_text("mine", "utf-8")

    assert_failure(run("captions", "convert", "a.srt", "-o", "b.vtt", "--no-clobber"), 2, "b.vtt")
    assert text(files / "b.vtt") == "mine"
    assert run("captions", "convert", "a.srt", "-o", "b.vtt").status == 0
    assert text(files / "b.vtt") == VTT


def test_a_file_can_be_replaced_by_itself(run: Program, files: Path) -> None:
    assert run("captions", "retime", "a.srt", "-o", "a.srt", "--shift", "1").status == 0

    assert text(files / "a.srt").startswith("1\n00:00:01,040 --> 00:00:02,500\n")
    assert names(files) == ["a.srt"]


def test_a_missing_folder_is_an_output_error(run: Program) -> None:
    assert_failure(run("captions", "convert", "a.srt", "-o", "no/where/b.vtt"), 7, "no/where")


def test_a_full_disk_is_an_output_error(run: Program) -> None:
    assert_failure(run("captions", "convert", "a.srt", "-o", "/dev/full", "--format", "vtt"), 7, "/dev/full")


# --- retime


def test_everything_moves_by_the_shift(run: Program, files: Path) -> None:
    result = run("captions", "retime", "a.srt", "-o", "b.srt", "--shift", "-0.04")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert [line for line in text(files / "b.srt").splitlines() if "-->" in line] == [
        "00:00:00,000 --> 00:00:01,460",
        "00:00:01,543 --> 00:00:02,960",
    ]


def test_frame_rates_and_another_format_at_once(run: Program) -> None:
    result = run(
        "captions", "retime", "a.srt", "-o", "-", "--format", "tsv", "--fps", "25:23.976", "--shift", "1"
    )

    assert (result.status, result.stderr) == (0, "")
    assert [line.split("\t")[:2] for line in result.text.splitlines()[1:]] == [
        ["1042", "2564"],
        ["2651", "4128"],
    ]


def test_word_times_move_along(run: Program, files: Path) -> None:
    (files / "k.vtt").write_text(KARAOKE, "utf-8")
    (files / "w.json").write_text(json.dumps(TIMINGS), "utf-8")

    assert run("captions", "retime", "k.vtt", "-o", "b.vtt", "--stretch", "2").status == 0
    assert run("captions", "retime", "w.json", "-o", "c.json", "--shift", "1").status == 0

    assert "Good <00:00:04.000>day <00:00:06.000>all." in text(files / "b.vtt")
    moved = json.loads(text(files / "c.json"))
    assert [(word["start"], word["end"]) for word in moved["words"]] == [(1.04, 1.29), (1.31, 2.06)]
    assert (moved["text"], moved["duration"]) == ("Good day.", 2.2)


def test_what_falls_out_at_the_front_is_told(run: Program, files: Path) -> None:
    result = run("captions", "retime", "a.srt", "-o", "b.srt", "--shift", "-1.6")

    assert result.status == 0
    assert result.lines == ["cartesia: warning: 1 cue left out that would be over before 0"]
    assert text(files / "b.srt") == "1\n00:00:00,000 --> 00:00:01,400\n“Really?” & <truly>\n\n"
    assert run("captions", "retime", "a.srt", "-o", "b.srt", "--shift", "-1.6", "-q").stderr == ""
    assert_failure(run("captions", "retime", "a.srt", "-o", "c.srt", "--shift", "-9"), 2, "before 0")
    assert not (files / "c.srt").exists()


def test_a_profile_alone_retimes(run: Program) -> None:
    assert run("captions", "retime", "a.srt", "-o", "b.srt", "--captions", "shorts").status == 0

    assert run("captions", "lint", "b.srt", "--captions", "shorts").status == 0


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        ([], ["nothing to retime"]),
        (["a.srt", "--shift", "1"], ["-o FILE"]),
        (["a.srt", "-o", "b.srt"], ["--shift"]),
        (["a.srt", "-o", "b.srt", "--shift", "soon"], ["--shift", "soon"]),
        (["a.srt", "-o", "b.srt", "--stretch", "0"], ["--stretch"]),
        (["a.srt", "-o", "b.srt", "--fps", "25"], ["--fps"]),
        (["a.srt", "-o", "b.srt", "--fps", "25:24", "--stretch", "2"], ["--fps", "--stretch"]),
        (["a.srt", "a.srt", "-o", "b.srt", "--shift", "1"], ["a.srt"]),
    ],
)
def test_what_cannot_be_retimed_is_refused(
    run: Program, files: Path, args: list[str], fragments: list[str]
) -> None:
    assert_failure(run("captions", "retime", *args), 2, *fragments)
    assert names(files) == ["a.srt"]


# --- align


SCRIPT = "The harbour was quiet in 1984.\n\n“Are you sure?” she asked Dr. Smith.\n"


def test_a_script_gets_the_times_of_its_recording(run: Program, folder: Path) -> None:
    (folder / "script.txt").write_text(SCRIPT, "utf-8")
    said = run("say", "-f", "script.txt", "-o", "a.wav", "--timings", "said.json", "--engine", "local")
    assert said.status == 0

    result = run("captions", "align", "script.txt", "a.wav", "-o", "a.json", timeout=60)
    cut = run("captions", "align", "script.txt", "a.wav", "-o", "a.srt", "--max-lines", "1", timeout=60)

    assert (result.status, result.stderr, cut.status) == (0, "", 0)
    truth, found = (json.loads(text(folder / name)) for name in ("said.json", "a.json"))
    assert found["text"] == SCRIPT.strip()
    assert [word["word"] for word in found["words"]] == SCRIPT.split()
    off = [abs(a["start"] - b["start"]) for a, b in zip(truth["words"], found["words"], strict=True)]
    assert sorted(off)[len(off) // 2] <= 0.04
    shown = [cue.content for cue in srt.parse(text(folder / "a.srt"))]
    assert " ".join(shown) == " ".join(SCRIPT.split())
    assert not any("\n" in cue for cue in shown)


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        ([], ["script", "recording"]),
        (["s.txt"], ["script", "recording"]),
        (["s.txt", "a.wav"], ["-o FILE"]),
        (["gone.txt", "a.wav", "-o", "b.srt"], ["gone.txt"]),
        (["empty.txt", "a.wav", "-o", "b.srt"], ["empty.txt"]),
        (["s.txt", "gone.wav", "-o", "b.srt"], ["gone.wav"]),
        (["s.txt", "s.txt", "-o", "b.srt"], ["s.txt"]),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    run: Program, folder: Path, args: list[str], fragments: list[str]
) -> None:
    (folder / "s.txt").write_text(SCRIPT, "utf-8")
    (folder / "empty.txt").write_text("\n \n", "utf-8")
    before = names(folder)

    result = run("captions", "align", *args)

    assert_failure(result, 2, *fragments)
    assert_printable(result.stderr)
    assert names(folder) == before
