"""``say`` where its surroundings are not what a program expects: ignored signals, odd locales, odd names."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud
from tests.cli.conftest import Say
from tests.cli.program import Program, assert_failure
from tests.fakes.scripted import Gate, chunked

TEXT = "Good day."
SOUND = bytes(2 * 4410)


def test_nohup_keeps_a_run_alive_when_its_terminal_goes(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    gate = Gate()
    cloud.next(chunked(SOUND, gate, SOUND))
    running = in_cloud.start("say", TEXT, "-o", "a.pcm", wrapper=("nohup",), cold=True)
    assert gate.reached.wait(10)

    running.send(signal.SIGHUP)
    gate.open()
    result = running.wait()

    assert result.status == 0
    assert (folder / "a.pcm").stat().st_size == 2 * len(SOUND)


def test_a_log_that_cannot_be_written_prints_no_traceback(say: Say, folder: Path) -> None:
    result = say(TEXT, "-o", "a.pcm", "--log-file", "/dev/full")

    assert result.status == 0
    assert result.stderr == ""
    assert (folder / "a.pcm").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "ascii:strict"])
def test_data_is_utf8_whatever_the_locale_says(say: Say, encoding: str) -> None:
    result = say("Café.", "-o", "a.pcm", "--json", env={"PYTHONIOENCODING": encoding}, cold=True)

    assert result.status == 0
    assert json.loads(result.stdout.decode())["text"] == "Café."


def test_a_name_that_is_not_text_is_escaped_in_json(say: Say) -> None:
    result = say(TEXT, "-o", "\udcff.pcm", "--json")

    assert result.status == 0
    assert result.json["outputs"][0]["path"] == "\udcff.pcm"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_stdout_by_another_name_is_still_one_claim(say: Say, cloud: Cloud, name: str) -> None:
    assert_failure(say(TEXT, "-o", name, "--format", "wav", "--events"), 2, "standard output")
    assert cloud.spoken == []


@pytest.mark.parametrize("target", ["new.wav/", "nowhere/"])
def test_a_name_that_ends_in_a_slash_is_a_folder(say: Say, folder: Path, target: str) -> None:
    assert_failure(say(TEXT, "-o", target, "--format", "wav"), 2, target)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("embedding", ["[" * 100_000, f"[{'9' * 400}]", "[1e999]"])
def test_an_embedding_that_cannot_be_used_is_an_error(say: Say, folder: Path, embedding: str) -> None:
    (folder / "voice.json").write_text(embedding)

    assert_failure(say(TEXT, "-o", "a.pcm", "--voice-embedding", "voice.json"), 2, "voice.json")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless device")
def test_an_embedding_without_end_is_refused(say: Say) -> None:
    assert_failure(say(TEXT, "-o", "a.pcm", "--voice-embedding", "/dev/zero"), 2, "/dev/zero", "too large")


def test_more_patience_than_a_day_is_refused(say: Say) -> None:
    assert_failure(say(TEXT, "-o", "a.pcm", "--timeout", "1e10"), 2, "timeout")


def test_any_number_of_lines_is_quick_to_cut(say: Say, folder: Path) -> None:
    assert say(TEXT, "--timings", "a.srt", "--max-lines", 10**11).status == 0
    assert (folder / "a.srt").read_text().endswith("\n")


def test_a_fallback_that_cannot_speak_leaves_the_failure_of_the_cloud(say: Say) -> None:
    result = say(
        TEXT,
        "-o",
        "a.pcm",
        "--base-url",
        "http://127.0.0.1:9",
        "--retries",
        0,
        "--fallback",
        "local",
        "-l",
        "de",
    )

    assert result.status == 6


def test_nothing_about_a_local_run_is_written_down(run: Program, folder: Path, tmp_path: Path) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--engine", "local", cold=True)

    assert result.status == 0
    assert [p.name for p in folder.iterdir()] == ["a.wav"]
    assert [p for p in (tmp_path / "home").rglob("*") if p.is_file()] == []


def test_an_empty_spelling_is_no_word(run: Program) -> None:
    result = run(
        "say", "hi <spell></spell> there", "--engine", "local", "--timings", "-", "--timings-format", "json"
    )

    assert [word["word"] for word in result.json["words"]] == ["hi", "there"]
