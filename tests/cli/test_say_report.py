"""What the program tells about its work, and what it never tells: cli.md sections 4, 7 and 8."""

import json
import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.cloud import DEFAULT_VOICE, DONE, Cloud, chunk, error, pcm
from tests.cli.conftest import Say
from tests.cli.program import KEY, Program, assert_failure, assert_printable
from tests.fakes.scripted import Gate, Pause, response, sse

TEXT = "Good day."
SECONDS = 0.45


# --json


def test_json_is_one_object_of_the_agreed_shape(say: Say, folder: Path) -> None:
    result = say(
        TEXT, "-o", "a.wav", "-o", "b.opus", "--timings", "a.srt", "--timings", "a.json", "--json", "--stats"
    )

    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.endswith(b"\n")
    report = result.json
    assert report.keys() >= {"engine", "voice", "model", "text", "duration", "outputs", "timings", "stats"}
    assert report["engine"] == "cloud"
    assert report["voice"] == DEFAULT_VOICE
    assert report["model"] == "sonic-latest"
    assert report["text"] == TEXT
    assert report["duration"] == pytest.approx(SECONDS, abs=0.001)
    assert report["timings"] == ["a.srt", "a.json"]
    first, second = report["outputs"]
    assert (
        first.items()
        >= {
            "path": "a.wav",
            "format": "wav",
            "encoding": "pcm_s16le",
            "sample_rate": 44100,
            "bytes": (folder / "a.wav").stat().st_size,
        }.items()
    )
    assert (second["path"], second["format"], second["sample_rate"]) == ("b.opus", "opus", 48000)
    assert second["bytes"] == (folder / "b.opus").stat().st_size
    stats = report["stats"]
    assert stats.keys() >= {"first_byte", "first_sound", "wall", "requests", "retries", "underruns"}
    assert (stats["requests"], stats["retries"]) == (1, 0)
    assert 0 < stats["first_byte"] <= stats["wall"] < 10


def test_stats_count_the_retries(say: Say, cloud: Cloud) -> None:
    cloud.next(error(503, headers=[("retry-after-ms", "1")]))

    report = say(TEXT, "-o", "a.wav", "--json", "--stats").json

    assert report["stats"]["retries"] == 1


def test_stats_alone_are_on_stderr(say: Say) -> None:
    result = say(TEXT, "-o", "-", "--format", "raw", "--stats")

    assert result.status == 0
    assert result.stdout == pcm(TEXT)
    assert "request" in result.stderr.lower()


def test_json_is_the_same_on_a_terminal(say: Say) -> None:
    piped = say(TEXT, "-o", "a.wav", "--json")
    shown = say(TEXT, "-o", "a.wav", "--json", tty=True)

    assert shown.status == 0
    without_times = [{k: v for k, v in r.json.items() if k != "stats"} for r in (piped, shown)]
    assert without_times[0] == without_times[1]
    assert b"\x1b" not in shown.stdout
    assert shown.stdout.count(b"\n") == piped.stdout.count(b"\n")


def test_json_names_the_file_as_it_was_given(say: Say, tmp_path: Path) -> None:
    report = say(TEXT, "-o", tmp_path / "a.mp3", "--json").json

    assert report["outputs"][0]["path"] == str(tmp_path / "a.mp3")
    assert report["outputs"][0]["format"] == "mp3"


def test_json_of_the_local_engine(run: Program) -> None:
    report = run("say", TEXT, "-o", "a.wav", "--json", "-q").json

    assert report["engine"] == "local"
    assert report["voice"] == "heart"
    assert report["duration"] > 0.4


# --events


def test_events_are_lines_of_the_agreed_shape(say: Say, folder: Path) -> None:
    result = say(TEXT, "-o", "a.pcm", "--timings", "a.json", "--phonemes", "--events")

    assert (result.status, result.stderr) == (0, "")
    events = result.events
    assert {e["type"] for e in events} == {"chunk", "timestamps", "phoneme_timestamps", "done"}
    assert events[-1]["type"] == "done"
    assert events[-1]["duration"] == pytest.approx(SECONDS, abs=0.001)
    chunks = [e for e in events if e["type"] == "chunk"]
    assert sum(e["bytes"] for e in chunks) == len(pcm(TEXT))
    assert chunks[0]["start"] == 0
    assert chunks[-1]["end"] == pytest.approx(SECONDS, abs=0.001)
    assert all(a["end"] == b["start"] for a, b in pairwise(chunks))
    words = [w for e in events if e["type"] == "timestamps" for w in e["words"]]
    assert words == [{"word": "Good", "start": 0.0, "end": 0.2}, {"word": "day.", "start": 0.25, "end": 0.45}]
    phonemes = [p for e in events if e["type"] == "phoneme_timestamps" for p in e["phonemes"]]
    assert phonemes[0] == {"phoneme": "Good", "start": 0.0, "end": 0.2}
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT)


def test_events_come_while_the_answer_still_arrives(in_cloud: Program, cloud: Cloud) -> None:
    sound = pcm(TEXT)
    gate = Gate()
    cloud.always(sse(chunk(sound[:4000]), gate, chunk(sound[4000:]), DONE))

    running = in_cloud.start("say", TEXT, "-o", "a.pcm", "--events", "--transport", "sse")
    assert running.stdout is not None
    early = running.stdout.wait_for(1)
    gate.open()
    result = running.wait()

    assert json.loads(early.splitlines()[0])["type"] == "chunk"
    assert result.status == 0


def test_a_warning_is_an_event(run: Program) -> None:
    result = run("say", "Hello 世界, friend.", "-o", "a.wav", "--engine", "local", "--events")

    assert result.status == 0
    assert [e["message"] for e in result.events if e["type"] == "warning"]


def test_events_break_off_without_done_when_the_answer_does(say: Say, cloud: Cloud) -> None:
    cloud.always(sse(chunk(pcm(TEXT))))

    result = say(TEXT, "-o", "a.pcm", "--events", "--transport", "sse")

    assert result.status == 6
    assert "done" not in {e["type"] for e in result.events}


# --dry-run and --curl


def test_dry_run_shows_the_request_and_sends_nothing(say: Say, cloud: Cloud, folder: Path) -> None:
    result = say(TEXT, "-o", "a.mp3", "--dry-run", "-v", "Skylar")

    assert result.status == 0
    assert cloud.requests == []
    assert list(folder.iterdir()) == []
    assert TEXT in result.text
    assert "/tts/bytes" in result.text
    assert "cloud" in result.text
    assert "sonic-latest" in result.text
    assert str(len(TEXT)) in result.text
    assert KEY[:12] not in result.text


@pytest.mark.parametrize("engine", ["auto", "cloud", "local"])
def test_dry_run_needs_no_key(run: Program, folder: Path, engine: str) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--dry-run", "--engine", engine)

    assert result.status == 0
    assert TEXT in result.text
    assert ("cloud" if engine == "cloud" else "local") in result.text
    assert list(folder.iterdir()) == []


def test_dry_run_needs_no_destination(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "--dry-run")

    assert result.status == 0
    assert TEXT in result.text
    assert cloud.requests == []


def test_dry_run_refuses_what_the_run_would_refuse(say: Say) -> None:
    assert_failure(say(TEXT, "-o", "a.opus", "-r", "44100", "--dry-run"), 2)
    assert_failure(say("...", "-o", "a.wav", "--dry-run"), 2)


AWKWARD = {
    "plain": TEXT,
    "quotes": """She said "it's 5 o'clock".""",
    "shell": "Pay $HOME `date` $(date) !! \\ \\\\n %s & ; | * ? ~ #",
    "lines": "One line.\nAnother line.\n\nA paragraph.",
    "other scripts": "Grüße, 世界, 👋.",
    "an at sign": "@etc/passwd, he wrote.",
}


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD)
def test_the_curl_command_does_the_same(
    run: Program, cloud: Cloud, folder: Path, tmp_path: Path, text: str
) -> None:
    shown = run("say", text, "-o", "a.pcm", "-v", DEFAULT_VOICE, "--curl", env=cloud.env)
    said = run("say", text, "-o", "a.pcm", "-v", DEFAULT_VOICE, env=cloud.env)

    assert (shown.status, shown.stderr) == (0, "")
    assert shown.text.startswith("curl ")
    assert "$CARTESIA_API_KEY" in shown.text
    assert len(cloud.requests) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(elsewhere), "CARTESIA_API_KEY": KEY}
    done = subprocess.run(
        ["sh", "-c", shown.text], cwd=elsewhere, env=environment, capture_output=True, timeout=20, check=True
    )
    written = elsewhere / "a.pcm"
    data = written.read_bytes() if written.exists() else done.stdout
    assert said.status == 0
    assert data == (folder / "a.pcm").read_bytes()
    ours, curls = cloud.requests
    assert ours.json() == curls.json()
    assert ours.target == curls.target
    for name in ("authorization", "cartesia-version", "content-type"):
        assert ours.header(name) == curls.header(name)


@pytest.mark.parametrize("engine", ["auto", "cloud", "local"])
def test_curl_needs_no_key(run: Program, folder: Path, engine: str) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--curl", "--engine", engine)

    assert result.status == 0
    assert "https://api.cartesia.ai/tts/bytes" in result.text
    assert "$CARTESIA_API_KEY" in result.text
    assert list(folder.iterdir()) == []


def test_curl_with_timings_is_a_stream(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "--timings", "a.srt", "--curl")

    assert result.status == 0
    assert "/tts/sse" in result.text
    assert "add_timestamps" in result.text
    assert cloud.requests == []


# --quiet, --verbose, --log-file, and the key


def test_quiet_keeps_errors(say: Say, cloud: Cloud) -> None:
    cloud.always(error(400))

    result = say(TEXT, "-o", "a.wav", "-q")

    assert_failure(result, 5, "The service says no.")


def test_quiet_on_a_terminal_is_silent(say: Say) -> None:
    result = say(TEXT, "-o", "a.wav", "--quiet", tty=["stdout", "stderr"])

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")


@pytest.mark.parametrize("outcome", ["done", "refused", "broken", "unreachable"])
@pytest.mark.parametrize(
    "options",
    [
        ["--verbose", "--verbose", "--verbose"],
        ["--verbose", "--log-file", "log.txt"],
        ["--log-file", "log.txt"],
    ],
    ids=" ".join,
)
def test_the_key_is_in_no_log(say: Say, cloud: Cloud, folder: Path, options: list[str], outcome: str) -> None:
    env = {"CARTESIA_CUSTOM_HEADERS": "X-Api-Key: also-secret-77", "CARTESIA_API_KEY": KEY}
    match outcome:
        case "refused":
            cloud.always(error(401, message=f"Unknown key {KEY}"))
        case "broken":
            cloud.always(
                response(500, KEY.encode(), content_type="text/plain", headers=[("retry-after-ms", "1")])
            )
        case "unreachable":
            env["CARTESIA_BASE_URL"] = "http://127.0.0.1:9"
        case _:
            pass

    result = say(TEXT, "-o", "a.pcm", "--retries", "1", *options, env=env)

    assert result.status == {"done": 0, "refused": 3, "broken": 6, "unreachable": 6}[outcome]
    assert "also-secret-77" not in result.stderr
    if "--log-file" in options:
        log = (folder / "log.txt").read_text(encoding="utf-8")
        assert log
        assert KEY not in log
        assert "also-secret-77" not in log
    if options.count("--verbose") > 1:
        assert len(result.lines) > 1


def test_a_key_in_a_base_url_is_not_shown(run: Program) -> None:
    env = {"CARTESIA_BASE_URL": f"http://user:{KEY}@127.0.0.1:9", "CARTESIA_API_KEY": "another"}

    result = run("say", TEXT, "-o", "a.pcm", "--retries", "0", "--verbose", env=env)

    assert result.status in {2, 6}


def test_a_log_that_cannot_be_written_is_an_output_error(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm", "--log-file", "missing/log.txt")

    assert_failure(result, 7, "missing/log.txt")
    assert cloud.requests == []


def test_verbose_does_not_touch_stdout(say: Say) -> None:
    result = say(TEXT, "-o", "-", "--format", "raw", "--verbose", "--verbose")

    assert result.status == 0
    assert result.stdout == pcm(TEXT)


# The terminal


@pytest.mark.parametrize("columns", [20, 80])
def test_an_error_is_one_line_however_narrow_the_terminal(say: Say, columns: int) -> None:
    result = say(
        "-f",
        "a-file-with-a-long-name-that-is-not-there.txt",
        "-o",
        "a.wav",
        tty=["stderr"],
        columns=columns,
        env={"NO_COLOR": "1"},
    )

    assert_failure(result, 2, "a-file-with-a-long-name-that-is-not-there.txt")


@pytest.mark.parametrize("args", [["--help"], ["say", "--help"], ["say", "Hi.", "-o", "a.wav"]], ids=" ".join)
def test_twenty_columns_are_enough(in_cloud: Program, args: list[str]) -> None:
    result = in_cloud(*args, tty=True, columns=20)
    by_variable = in_cloud(*args, env={"COLUMNS": "20"})

    assert result.status == by_variable.status == 0


def test_colour_is_for_terminals_that_want_it(say: Say) -> None:
    piped = say("-f", "nope", "-o", "a.wav")
    plain = say("-f", "nope", "-o", "a.wav", tty=True, env={"NO_COLOR": "1"})
    never = say("-f", "nope", "-o", "a.wav", "--color", "never", tty=True)
    dumb = say("-f", "nope", "-o", "a.wav", tty=True, env={"TERM": "dumb"})

    for result in (piped, plain, never, dumb):
        assert result.status == 2
        assert_printable(result.stderr)


def test_progress_on_a_terminal_leaves_no_line_behind_the_result(
    say: Say, cloud: Cloud, folder: Path
) -> None:
    sound = pcm(TEXT)
    cloud.always(sse(chunk(sound[:4000]), Pause(0.3), chunk(sound[4000:]), DONE))

    result = say(TEXT, "-o", "a.pcm", "--transport", "sse", tty=["stderr"])

    assert result.status == 0
    assert result.stdout == b""
    assert (folder / "a.pcm").read_bytes() == sound


# The frame


def test_unknown_commands_and_options_are_one_line(run: Program) -> None:
    assert_failure(run("sing"), 2, "sing")
    assert_failure(run("say", "--loud"), 2, "--loud")
    assert_failure(run("say", "Hi.", "-o"), 2, "-o")


@pytest.mark.parametrize(
    "option",
    [
        "--file", "--output", "--play", "--force", "--no-clobber", "--format", "--encoding", "--sample-rate",
        "--bit-rate", "--voice", "--voice-embedding", "--model", "--language", "--locale", "--speed",
        "--volume",
        "--emotion", "--dict", "--normalization", "--seed", "--timings", "--timings-format", "--phonemes",
        "--captions", "--max-chars", "--max-lines", "--min-duration", "--max-duration", "--cps", "--gap",
        "--device", "--gain", "--follow", "--transport", "--context-id", "--json", "--events", "--dry-run",
        "--curl", "--engine", "--profile", "--base-url", "--timeout", "--retries", "--quiet", "--verbose",
        "--log-file", "--color", "--stats", "--no-input", "--fallback",
    ],
)  # fmt: skip
def test_help_names_the_option(run: Program, option: str) -> None:
    result = run("say", "--help", env={"COLUMNS": "200"})

    assert (result.status, result.stderr) == (0, "")
    assert option in result.text.replace(",", " ").split() or f"{option} " in result.text


def test_help_has_an_example(run: Program) -> None:
    assert "cartesia say " in run("say", "--help").text
