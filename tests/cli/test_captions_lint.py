"""``captions lint``: cli.md sections 7 to 9, the rules of captions.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, assert_failure

LONG = "A line that is far too long for anyone who must read it."
GOOD = "1\n00:00:00,000 --> 00:00:02,000\nGood day to all.\n\n"
BAD = f"\n1\n00:00:00,000 --> 00:00:00,500\nGood day to all.\n\n2\n00:00:00,520 --> 00:00:03,000\n{LONG}\n\n"
TIMINGS: dict[str, Any] = {
    "version": 1,
    "text": "Good day to all.",
    "language": "en",
    "words": [
        {"word": "Good", "start": 0.0, "end": 0.4},
        {"word": "day", "start": 0.5, "end": 0.9},
        {"word": "to", "start": 1.0, "end": 1.4},
        {"word": "all.", "start": 1.5, "end": 2.0},
    ],
}


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    """The folder, with good and bad files in it."""
    (folder / "good.srt").write_text(GOOD, "utf-8")
    (folder / "bad.srt").write_text(BAD, "utf-8")
    (folder / "words.json").write_text(json.dumps(TIMINGS), "utf-8")
    return folder


def test_good_subtitles_are_passed_in_silence(run: Program) -> None:
    result = run("captions", "lint", "good.srt", "--words", "words.json")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")


def test_every_broken_rule_is_a_line_and_the_status_is_8(run: Program) -> None:
    result = run("captions", "lint", "good.srt", "bad.srt")

    assert result.status == 8
    assert result.text.splitlines() == [
        "bad.srt:3: reading-speed: 32.0 characters a second, at most 20",
        "bad.srt:3: too-short: 0.500 s, at least 0.834",
        "bad.srt:3: gap: 20 ms to cue 2, at least 83",
        f"bad.srt:7: characters: 56 characters in a line, at most 42: {LONG}",
        "bad.srt:7: reading-speed: 22.6 characters a second, at most 20",
    ]
    assert result.lines == ["cartesia: 5 errors, 0 warnings."]
    lines = BAD.splitlines()
    assert all("-->" in lines[int(line.split(":")[1]) - 1] for line in result.text.splitlines())


@pytest.mark.parametrize("ending", ["vtt", "ass", "lrc", "tsv"])
def test_the_lines_are_those_of_every_format(run: Program, files: Path, ending: str) -> None:
    assert run("captions", "convert", "bad.srt", "-o", f"bad.{ending}").status == 0

    result = run("captions", "lint", f"bad.{ending}")

    lines = (files / f"bad.{ending}").read_text("utf-8").splitlines()
    # WebVTT, like SubRip, has the times on a line of their own.
    at = {
        int(line.split(":")[1]): lines[int(line.split(":")[1]) - (0 if ending == "vtt" else 1)]
        for line in result.text.splitlines()
    }
    assert result.status == 8
    assert len(at) == 2
    for shown, part in zip(at.values(), ("Good day to all.", LONG[:24]), strict=True):
        assert part in shown


def test_json_has_the_agreed_keys(run: Program) -> None:
    result = run("captions", "lint", "bad.srt", "--json")

    assert result.status == 8
    assert result.events[0] == {
        "file": "bad.srt",
        "line": 3,
        "cue": 1,
        "rule": "reading-speed",
        "severity": "error",
        "message": "32.0 characters a second, at most 20",
    }
    assert len(result.events) == 5
    assert json.loads(result.stderr) == {"error": {"status": 8, "message": "5 errors, 0 warnings."}}


def test_what_speech_makes_impossible_is_a_warning(run: Program, files: Path) -> None:
    fast = [
        {"word": "incomprehensibilities", "start": 0.0, "end": 0.3},
        {"word": "everywhere.", "start": 0.3, "end": 0.6},
        {"word": "End.", "start": 9, "end": 10},
    ]
    (files / "fast.json").write_text(json.dumps({"words": fast}), "utf-8")
    assert run("captions", "convert", "fast.json", "-o", "fast.srt").status == 0

    alone = run("captions", "lint", "fast.srt")
    told = run("captions", "lint", "fast.srt", "--words", "fast.json")
    as_json = run("captions", "lint", "fast.srt", "--words", "fast.json", "--json", "-q")

    assert alone.status == 8
    assert (told.status, told.lines) == (0, ["cartesia: 0 errors, 1 warning"])
    assert told.text.startswith("fast.srt:2: reading-speed: ")
    assert told.text.endswith(" (warning: the speech allows no better)\n")
    assert (as_json.status, as_json.stderr) == (0, "")
    assert [event["severity"] for event in as_json.events] == ["warning"]


def test_lost_words_are_seen_with_the_timings(run: Program, files: Path) -> None:
    (files / "lost.srt").write_text(GOOD.replace("day ", ""), "utf-8")

    assert run("captions", "lint", "lost.srt").status == 0
    result = run("captions", "lint", "lost.srt", "--words", "words.json")

    assert (result.status, result.text) == (8, "lost.srt:2: words: missing: day\n")


def test_profile_language_and_overrides_count(run: Program, files: Path) -> None:
    text = "1\n00:00:00,000 --> 00:00:02,000\n" + "x" * 38 + "\n\n"
    (files / "a.srt").write_text(text, "utf-8")

    def rules(*args: str) -> list[str]:
        shown = run("captions", "lint", "a.srt", *args).text
        return [line.split(": ")[1] for line in shown.splitlines()]

    assert rules() == []
    assert rules("--captions", "bbc") == ["characters", "reading-speed"]
    assert rules("--language", "de") == ["reading-speed"]
    assert rules("--cps", "10", "--max-chars", "30") == ["characters", "reading-speed"]


@pytest.mark.parametrize("ending", ["srt", "vtt", "ass", "lrc", "tsv", "json"])
def test_what_say_writes_has_no_errors(run: Program, ending: str) -> None:
    text = (
        "The harbour was quiet that morning, and nobody had seen the boats leave. By noon, however, "
        "three of them had come back with more fish than anyone could carry. Well, that is that."
    )
    said = run("say", text, "--timings", f"a.{ending}", "--timings", "words.json", "--engine", "local")
    assert said.status == 0

    result = run("captions", "lint", f"a.{ending}", "--words", "words.json")

    assert (result.status, result.stdout) == (0, b"")


def test_a_file_that_cannot_be_read_does_not_hide_the_others(run: Program, files: Path) -> None:
    (files / "broken.vtt").write_text("no subtitles\n", "utf-8")

    result = run("captions", "lint", "gone.srt", "broken.vtt", "good.srt")

    assert (result.status, result.stdout) == (8, b"")
    assert result.lines[0].startswith("cartesia: gone.srt: Cannot read gone.srt")
    assert "broken.vtt, line 1: this is not WebVTT" in result.lines[1]
    assert result.lines[2] == "cartesia: 0 errors, 0 warnings, 2 files could not be read."


def test_one_file_that_cannot_be_read_has_its_own_status(run: Program) -> None:
    assert_failure(run("captions", "lint", "gone.srt"), 2, "gone.srt")


def test_stdin_is_checked_too(run: Program) -> None:
    result = run("captions", "lint", "-", "--from", "srt", stdin=BAD.encode())

    assert result.status == 8
    assert result.text.startswith("-:3: reading-speed: ")


def test_colour_is_for_terminals_or_when_asked_for(run: Program) -> None:
    plain = run("captions", "lint", "bad.srt")
    asked = run("captions", "lint", "bad.srt", "--color", "always")
    terminal = run("captions", "lint", "bad.srt", tty={"stdout"})
    never = run("captions", "lint", "bad.srt", "--color", "never", tty={"stdout"})

    assert b"\x1b" not in plain.stdout
    assert "bad.srt:3: \x1b[31mgap\x1b[0m: " in asked.text
    assert "bad.srt:3: \x1b[31mgap\x1b[0m: " in terminal.text
    assert never.stdout == plain.stdout


def test_control_characters_of_a_file_drive_no_terminal(run: Program, files: Path) -> None:
    (files / "a.srt").write_text("1\n00:00:00,000 --> 00:00:03,000\n\x1b[2J" + "x" * 50 + "\n\n", "utf-8")

    result = run("captions", "lint", "a.srt")

    assert result.status == 8
    assert b"\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        ([], ["nothing to check"]),
        (["good.srt", "bad.srt", "--words", "words.json"], ["--words", "one file"]),
        (["-", "--from", "srt", "--words", "-"], ["once"]),
        (["good.srt", "--words", "gone.json"], ["gone.json"]),
        (["good.srt", "--words", "good.srt"], ["good.srt", "JSON"]),
        (["good.srt", "--captions", "betamax"], ["betamax"]),
        (["good"], ["--from"]),
    ],
)
def test_what_cannot_be_checked_is_refused(run: Program, args: list[str], fragments: list[str]) -> None:
    assert_failure(run("captions", "lint", *args), 2, *fragments)
