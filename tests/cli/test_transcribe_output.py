"""What ``transcribe`` writes, and where: cli.md sections 6 and 7."""

import json
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import srt

from tests.captions_judge import judge, words_in
from tests.cli.cloud import Cloud, words_of
from tests.cli.conftest import Transcribe
from tests.cli.program import WITHOUT_PRIVILEGE, Program, assert_failure, assert_printable
from tests.cli.uploads import recording, transcript
from tests.fakes.scripted import Gate, response

TEXT = "Good day."
WORD_LINES = "0.000\t0.200\tGood\n0.250\t0.450\tday.\n"
FORMATS = ["text", "json", "srt", "vtt", "ass", "lrc", "tsv"]
CAPTIONS = FORMATS[2:]
ENDINGS = {"text": "txt"}
LONG = " ".join(
    f"Sentence number {i}, which is rather long, says no more than the one before it." for i in range(40)
)


@pytest.fixture(autouse=True)
def recordings(folder: Path) -> None:
    """Two recordings in the folder, one below it."""
    (folder / "a.wav").write_bytes(recording(TEXT))
    (folder / "b.wav").write_bytes(recording("And good night."))


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# Standard output


def test_the_text_is_a_line_on_stdout(transcribe: Transcribe) -> None:
    result = transcribe("a.wav")

    assert (result.status, result.stdout, result.stderr) == (0, b"Good day.\n", "")


def test_several_sources_are_lines_with_their_names(transcribe: Transcribe) -> None:
    result = transcribe("b.wav", "a.wav", "-q")

    assert (result.status, result.stderr) == (0, "")
    assert result.text == "b.wav\tAnd good night.\na.wav\tGood day.\n"


def test_a_source_named_twice_is_one(transcribe: Transcribe, cloud: Cloud) -> None:
    result = transcribe("a.wav", "a.wav")

    assert (result.status, result.text) == (0, "Good day.\n")
    assert len(cloud.uploads) == 1


def test_words_are_lines_with_start_and_end(transcribe: Transcribe) -> None:
    result = transcribe("a.wav", "--words")

    assert (result.status, result.text, result.stderr) == (0, WORD_LINES, "")


def test_words_of_several_sources_have_the_source_in_front(transcribe: Transcribe) -> None:
    result = transcribe("a.wav", "b.wav", "--words", "-q")

    assert result.status == 0
    assert result.text.splitlines() == [
        "a.wav\t0.000\t0.200\tGood",
        "a.wav\t0.250\t0.450\tday.",
        "b.wav\t0.000\t0.150\tAnd",
        "b.wav\t0.200\t0.400\tgood",
        "b.wav\t0.450\t0.750\tnight.",
    ]


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"], ["--json", "--format", "json"]])
def test_json_is_one_object_of_the_agreed_shape(transcribe: Transcribe, options: list[str]) -> None:
    result = transcribe("a.wav", "--words", *options)

    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.count(b"\n") == 1
    assert result.json == {
        "version": 1,
        "source": "a.wav",
        "text": TEXT,
        "language": "en",
        "duration": 0.45,
        "words": [{"word": "Good", "start": 0, "end": 0.2}, {"word": "day.", "start": 0.25, "end": 0.45}],
    }


def test_json_without_words_has_none_and_asks_for_none(transcribe: Transcribe, cloud: Cloud) -> None:
    result = transcribe("a.wav", "--json")

    assert result.json["text"] == TEXT
    assert "words" not in result.json
    assert "timestamp_granularities[]" not in cloud.uploads[0].fields


def test_json_of_several_sources_is_one_object_a_line(transcribe: Transcribe) -> None:
    result = transcribe("b.wav", "a.wav", "--json", "--words")

    assert (result.status, result.stderr) == (0, "")
    assert [(e["source"], e["text"], len(e["words"])) for e in result.events] == [
        ("b.wav", "And good night.", 3),
        ("a.wav", TEXT, 2),
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_the_same_on_stdout_in_a_file_and_on_a_terminal(
    transcribe: Transcribe, folder: Path, format: str
) -> None:
    ending = ENDINGS.get(format, format)

    piped = transcribe("a.wav", "--format", format)
    shown = transcribe("a.wav", "--format", format, "-q", tty=True)
    filed = transcribe("a.wav", "-o", f"x.{ending}")

    assert [r.status for r in (piped, shown, filed)] == [0, 0, 0]
    assert piped.stdout == shown.stdout
    assert filed.stdout == b""
    assert (folder / f"x.{ending}").read_bytes() == piped.stdout
    assert all(word in piped.text for word in ("Good", "day."))


@pytest.mark.parametrize("format", CAPTIONS)
def test_subtitles_on_stdout_are_of_one_recording(transcribe: Transcribe, cloud: Cloud, format: str) -> None:
    assert_failure(transcribe("a.wav", "b.wav", "--format", format), 2, "-o")
    assert cloud.requests == []


def test_several_formats_do_not_fit_on_stdout(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe("a.wav", "--format", "srt", "--format", "vtt"), 2, "-o")
    assert transcribe("a.wav", "--json", "--format", "srt").status == 2
    assert cloud.requests == []


def test_an_unknown_format_is_refused_with_the_known_ones(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe("a.wav", "--format", "docx"), 2, "docx", "srt")
    assert cloud.requests == []


def test_one_line_a_source_whatever_the_text(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(response(body=transcript("One line.\nAnother\tline.\r\n\u2028And a third.")))

    single = transcribe("a.wav")
    several = transcribe("a.wav", "b.wav", "-q")

    assert single.text.count("\n") == 1
    assert single.text.split() == ["One", "line.", "Another", "line.", "And", "a", "third."]
    lines = several.text.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["a.wav", "b.wav"]


def test_a_text_cannot_command_the_terminal(transcribe: Transcribe, cloud: Cloud) -> None:
    words = [{"word": "\x1b]0;gone\x07Good\tand\nbad", "start": 0, "end": 1}]
    cloud.always(response(body=transcript("\x1b[31mGood \x9bday.", words)))

    shown = [transcribe("a.wav", "--words"), transcribe("a.wav"), transcribe("a.wav", "--format", "srt")]

    for result in shown:
        assert result.status == 0
        assert "Good" in result.text
        assert_printable(result.text.replace("\t", ""))
    assert shown[0].text.count("\n") == 1
    assert shown[0].text.count("\t") == 2


@pytest.mark.parametrize("format", FORMATS)
def test_no_speech_is_an_empty_result_and_success(transcribe: Transcribe, cloud: Cloud, format: str) -> None:
    cloud.always(response(body=transcript("", [])))

    result = transcribe("a.wav", "--format", format, "--words")

    assert result.status == 0
    if format == "json":
        assert result.json["text"] == ""
        assert result.json["words"] == []
    elif format in {"text", "srt"}:
        assert result.text.strip() == ""
    else:
        assert pysubs2_or_rows(result.text, format) == 0


def pysubs2_or_rows(text: str, format: str) -> int:
    """Return how many cues there are."""
    if format == "tsv":
        return len(text.splitlines()) - 1
    if format == "lrc":
        return len(re.findall(r"^\[\d", text, re.MULTILINE))
    return len(pysubs2.SSAFile.from_string(text))


def test_no_speech_in_one_of_several_is_a_line_without_text(transcribe: Transcribe, folder: Path) -> None:
    (folder / "quiet.wav").write_bytes(recording(""))

    result = transcribe("a.wav", "quiet.wav", "b.wav", "-q")

    assert result.status == 0
    assert result.text == "a.wav\tGood day.\nquiet.wav\t\nb.wav\tAnd good night.\n"


# Files


@pytest.mark.parametrize("format", FORMATS)
def test_the_ending_decides_the_format_in_any_capitalisation(
    transcribe: Transcribe, folder: Path, format: str
) -> None:
    ending = ENDINGS.get(format, format)

    result = transcribe("a.wav", "-o", f"x.{ending.upper()}")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert (folder / f"x.{ending.upper()}").read_text("utf-8") == transcribe("a.wav", "--format", format).text


def test_a_file_can_hold_the_words(transcribe: Transcribe, folder: Path) -> None:
    assert transcribe("a.wav", "--words", "-o", "x.txt").status == 0
    assert transcribe("a.wav", "--words", "-o", "x.json").status == 0

    assert (folder / "x.txt").read_text("utf-8") == WORD_LINES
    assert len(read_json(folder / "x.json")["words"]) == 2


def test_a_name_that_says_nothing_needs_a_format(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    assert_failure(transcribe("a.wav", "-o", "x.transcript"), 2, "x.transcript", "--format")
    assert cloud.requests == []

    assert transcribe("a.wav", "-o", "x.transcript", "--format", "text").status == 0
    assert (folder / "x.transcript").read_text("utf-8") == "Good day.\n"


def test_a_format_that_contradicts_the_name_is_refused(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe("a.wav", "-o", "x.srt", "--format", "vtt"), 2, "vtt", "x.srt")
    assert transcribe("a.wav", "-o", "x.srt", "--json").status == 2
    assert cloud.requests == []


def test_a_dash_is_stdout(transcribe: Transcribe, folder: Path) -> None:
    plain = transcribe("a.wav", "-o", "-")
    captions = transcribe("a.wav", "--format", "srt", "-o", "-")

    assert (plain.status, plain.text) == (0, "Good day.\n")
    assert captions.status == 0
    assert len(list(srt.parse(captions.text))) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["a.wav", "b.wav"]


def test_a_file_for_several_sources_is_refused(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    assert_failure(transcribe("a.wav", "b.wav", "-o", "all.srt"), 2, "all.srt")

    (folder / "old.txt").write_text("old")
    assert_failure(transcribe("a.wav", "b.wav", "-o", "old.txt"), 2, "old.txt")
    assert (folder / "old.txt").read_text() == "old"
    assert cloud.requests == []


def test_an_existing_file_is_replaced_and_keeps_its_permissions(transcribe: Transcribe, folder: Path) -> None:
    (folder / "x.txt").write_text("old")
    (folder / "x.txt").chmod(0o600)

    assert transcribe("a.wav", "-o", "x.txt").status == 0

    assert (folder / "x.txt").read_text() == "Good day.\n"
    assert (folder / "x.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("output", ["a.wav", "./a.wav", "link.txt"])
def test_a_recording_is_never_replaced_by_its_transcript(
    transcribe: Transcribe, folder: Path, output: str
) -> None:
    (folder / "link.txt").symlink_to("a.wav")

    assert_failure(transcribe("a.wav", "-o", output, "--format", "text"), 2, "a.wav")

    assert (folder / "a.wav").read_bytes() == recording(TEXT)


def test_no_clobber_refuses_before_anything_is_sent(
    transcribe: Transcribe, cloud: Cloud, folder: Path
) -> None:
    (folder / "x.txt").write_text("old")

    assert_failure(transcribe("a.wav", "-o", "x.txt", "--no-clobber"), 2, "x.txt")

    assert cloud.requests == []
    assert (folder / "x.txt").read_text() == "old"


def test_a_file_that_exists_can_be_skipped(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    (folder / "x.txt").write_text("old")

    skipped = transcribe("a.wav", "-o", "x.txt", "--skip-existing")
    asked = len(cloud.requests)
    forced = transcribe("a.wav", "-o", "x.txt", "--skip-existing", "--force")

    assert (skipped.status, asked) == (0, 0)
    assert forced.status == 0
    assert (folder / "x.txt").read_text() == "Good day.\n"


@pytest.mark.parametrize("existing", [True, False])
def test_a_folder_takes_every_format_of_every_source(
    transcribe: Transcribe, cloud: Cloud, folder: Path, existing: bool
) -> None:
    if existing:
        (folder / "subs").mkdir()
    options = [x for f in FORMATS for x in ("--format", f)]

    result = transcribe("a.wav", "b.wav", *options, "-o", "subs/" if not existing else "subs")

    assert (result.status, result.stdout) == (0, b"")
    names = {p.name for p in (folder / "subs").iterdir()}
    assert names == {f"{n}.{ENDINGS.get(f, f)}" for n in "ab" for f in FORMATS}
    assert (folder / "subs" / "b.txt").read_text("utf-8") == "And good night.\n"
    assert read_json(folder / "subs" / "b.json")["source"] == "b.wav"
    assert len(cloud.uploads) == 2


def test_a_folder_takes_text_where_no_format_is_given(transcribe: Transcribe, folder: Path) -> None:
    assert transcribe("a.wav", "-o", "deep/er/").status == 0

    assert [p.name for p in (folder / "deep" / "er").iterdir()] == ["a.txt"]


def test_json_goes_to_the_folder(transcribe: Transcribe, folder: Path) -> None:
    result = transcribe("a.wav", "b.wav", "--json", "-o", "subs/", "-q")

    assert (result.status, result.stderr) == (0, "")
    assert sorted(p.name for p in (folder / "subs").iterdir()) == ["a.json", "b.json"]


def test_a_file_appears_whole(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    gate = Gate()
    cloud.always([gate, *response(body=transcript("Late."))])

    running = in_cloud.start("transcribe", "a.wav", "-o", "subs/")
    assert gate.reached.wait(10)
    during = list((folder / "subs").glob("[!.]*")) if (folder / "subs").exists() else []
    gate.open()
    result = running.wait()

    assert during == []
    assert result.status == 0
    assert [p.name for p in (folder / "subs").iterdir()] == ["a.txt"]


# Where it cannot be written


def test_a_folder_that_does_not_exist_costs_no_request(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe("a.wav", "-o", "nowhere/x.txt"), 7, "nowhere")
    assert cloud.requests == []


def test_a_file_where_a_folder_is_needed(transcribe: Transcribe, folder: Path) -> None:
    (folder / "subs").write_text("I am a file.")

    result = transcribe("a.wav", "b.wav", "-o", "subs/")

    assert result.status in {2, 7}
    assert "subs" in result.stderr
    assert (folder / "subs").read_text() == "I am a file."


def test_a_folder_that_cannot_be_written_is_named(in_cloud: Program, folder: Path) -> None:
    (folder / "subs").mkdir(mode=0o500)

    result = in_cloud("transcribe", "a.wav", "-o", "subs/", wrapper=WITHOUT_PRIVILEGE)

    assert_failure(result, 7, "subs")
    assert list((folder / "subs").iterdir()) == []


def test_a_full_disk_is_told(in_cloud: Program) -> None:
    assert_failure(in_cloud("transcribe", "a.wav", "-o", "/dev/full", "--format", "text"), 7, "space")

    full = in_cloud("transcribe", "a.wav", stdout=os.open("/dev/full", os.O_WRONLY))
    assert full.status == 7
    assert len(full.lines) <= 2


def test_a_reader_that_went_away_ends_the_run_silently(in_cloud: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    result = in_cloud("transcribe", "a.wav", "b.wav", "-q", stdout=writer)

    assert (result.status, result.stderr) == (141, "")


# Captions


def long_recording(cloud: Cloud, *, gap: float = 0.4) -> list[tuple[str, float, float]]:
    """Let the API hear sentences at the pace of speech, with pauses between them."""
    words = []
    shift = 0.0
    for word, start, end in words_of(LONG):
        words.append((word, round(start * 1.4 + shift, 3), round(end * 1.4 + shift, 3)))
        shift += gap if word.endswith(".") else 0
    as_sent = [{"word": word, "start": start, "end": end} for word, start, end in words]
    cloud.always(response(body=transcript(LONG, as_sent, duration=words[-1][2] + 1)))
    return words


@pytest.mark.parametrize("format", ["srt", "vtt"])
@pytest.mark.parametrize("profile", ["netflix", "bbc", "shorts"])
def test_subtitles_break_no_rule_of_their_profile(
    transcribe: Transcribe, cloud: Cloud, profile: str, format: str
) -> None:
    words = long_recording(cloud)

    result = transcribe("a.wav", "--format", format, "--captions", profile)

    assert result.status == 0
    spoken = words_in({"words": [{"word": w, "start": s, "end": e} for w, s, e in words]})
    assert [broken for broken in judge(result.text, spoken, profile) if broken.avoidable] == []


def test_netflix_is_the_default_and_options_override_it(transcribe: Transcribe, cloud: Cloud) -> None:
    long_recording(cloud)

    default = transcribe("a.wav", "--format", "srt")
    named = transcribe("a.wav", "--format", "srt", "--captions", "netflix")
    narrow = transcribe("a.wav", "--format", "srt", "--max-chars", "30", "--max-lines", "1")

    assert default.stdout == named.stdout
    cues = list(srt.parse(narrow.text, ignore_errors=False))
    assert all("\n" not in cue.content and len(cue.content) <= 30 for cue in cues)
    assert " ".join(cue.content for cue in cues) == LONG


def test_a_profile_can_be_a_file(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    long_recording(cloud)
    (folder / "own.toml").write_text("max_chars = 20\n")

    result = transcribe("a.wav", "-o", "x.srt", "--captions", "own.toml")

    assert result.status == 0, result.stderr
    text = (folder / "x.srt").read_text("utf-8")
    assert all(len(line) <= 20 for cue in srt.parse(text) for line in cue.content.split("\n"))


def test_an_unknown_profile_costs_no_request(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe("a.wav", "--format", "srt", "--captions", "nettflix"), 2, "nettflix")
    assert cloud.requests == []


def test_every_subtitle_format_has_the_same_cues(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    long_recording(cloud)

    result = transcribe("a.wav", *[x for f in CAPTIONS for x in ("--format", f)], "-o", "subs/")

    assert result.status == 0
    subs = folder / "subs"
    times = {f: [(e.start, e.end) for e in pysubs2.load(str(subs / f"a.{f}"))] for f in ("srt", "vtt")}
    rows = [line.split("\t") for line in (subs / "a.tsv").read_text("utf-8").splitlines()[1:]]
    assert times["srt"] == times["vtt"] == [(int(row[0]), int(row[1])) for row in rows]
    assert all(a[1] <= b[0] for a, b in pairwise(times["srt"]))
    spoken = [e.plaintext.replace("\n", " ") for e in pysubs2.load(str(subs / "a.ass"))]
    assert " ".join(spoken) == LONG
    assert r"{\k" in (subs / "a.ass").read_text("utf-8")
    assert re.search(r"<\d\d:\d\d:\d\d\.\d{3}>", (subs / "a.vtt").read_text("utf-8"))
    assert (subs / "a.lrc").read_text("utf-8").count("Sentence") == 40


# What is told


def test_stats_are_on_stderr_or_in_the_object(transcribe: Transcribe) -> None:
    told = transcribe("a.wav", "--stats")
    counted = transcribe("a.wav", "--json", "--stats")

    assert (told.status, told.stdout) == (0, b"Good day.\n")
    assert "request" in told.stderr.lower()
    assert counted.stderr == ""
    assert counted.json["stats"]["requests"] == 1
    assert counted.json["stats"]["retries"] == 0
    assert 0 < counted.json["stats"]["wall"] < 10


def test_verbose_and_the_log_tell_of_the_request_but_not_of_the_key(
    transcribe: Transcribe, folder: Path
) -> None:
    result = transcribe("a.wav", "--verbose", "--verbose", "--log-file", "log.txt")

    assert (result.status, result.stdout) == (0, b"Good day.\n")
    log = (folder / "log.txt").read_text("utf-8")
    assert "/stt" in result.stderr
    assert "/stt" in log
    assert "sk_car" not in log + result.stderr


def test_progress_is_for_terminals_only(transcribe: Transcribe) -> None:
    shown = transcribe("a.wav", "b.wav", tty=["stderr"])
    quiet = transcribe("a.wav", "b.wav", "-q", tty=["stderr"])
    piped = transcribe("a.wav", "b.wav")

    assert "of 2" in shown.stderr
    assert quiet.stderr == ""
    assert "\r" not in piped.stderr
    assert "\x1b" not in piped.stderr
    assert shown.stdout == piped.stdout == quiet.stdout


def test_the_time_of_a_word_is_rounded_to_a_millisecond(transcribe: Transcribe, cloud: Cloud) -> None:
    words = [
        {"word": "Good", "start": 0.0394999, "end": 0.29049},
        {"word": "day.", "start": 1 / 3, "end": 2 / 3},
    ]
    cloud.always(response(body=transcript(TEXT, words, duration=2 / 3)))

    plain = transcribe("a.wav", "--words")
    as_json = transcribe("a.wav", "--words", "--json")

    assert plain.text == "0.039\t0.290\tGood\n0.333\t0.667\tday.\n"
    assert [(w["start"], w["end"]) for w in as_json.json["words"]] == [(0.039, 0.29), (0.333, 0.667)]
    assert as_json.json["duration"] == 0.667
