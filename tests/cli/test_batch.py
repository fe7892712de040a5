"""``cartesia batch``: what a run makes and tells: cli.md sections 7, 8 and 10."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import srt

from cartesia_cli.models import AudioFormat, Encoding
from tests.cli.batching import KEYS, RAW, Crowd, asked, broken, files, holds, parts, sentences, speech, write
from tests.cli.cloud import Cloud, by_part, error
from tests.cli.program import KEY, Program, assert_failure, assert_printable, wait_until
from tests.fakes.known import KnownSamples, known_samples
from tests.fakes.scripted import Request, Step
from tests.fakes.server import running_server

ROOM = "lines.jsonl"


# What is made


def test_every_line_becomes_a_file(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(30)
    write(folder, *texts)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert (result.status, result.stdout) == (0, b"")
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, 31)]
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))
    assert sorted(asked(cloud)) == sorted(texts)
    assert parts(folder) == []


def test_the_summary_counts(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.", "Bad day.", "See you.")
    cloud.always(by_part(good=[speech], bad=[error(400, message="Not so.")], see=[speech]))

    first = in_cloud("batch", ROOM, "-o", "out", *RAW)
    second = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert (first.status, second.status) == (8, 8)
    assert "2 done" in first.stderr
    assert "1 failed" in first.stderr
    assert "2 skipped" in second.stderr
    assert "1 failed" in second.stderr
    assert_printable(first.stderr)


def test_quiet_is_silent_about_what_went_well(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.", "See you.")

    well = in_cloud("batch", ROOM, "-o", "out", *RAW, "--quiet", tty=["stderr"])
    cloud.always(error(400, message="Not so."))
    badly = in_cloud("batch", ROOM, "-o", "other", *RAW, "--no-cache", "--quiet")

    assert (well.status, well.stdout, well.stderr) == (0, b"", "")
    assert badly.status == 8
    assert "Not so." in badly.stderr


def test_a_folder_below_folders_is_made(in_cloud: Program, folder: Path) -> None:
    write(folder, {"text": "Good day.", "output": "one/two/a.raw"})

    assert in_cloud("batch", ROOM, "-o", "deep/out", *RAW).status == 0

    assert holds(folder / "deep" / "out" / "one" / "two" / "a.raw", "Good day.")


def test_words_of_the_manifest_reach_the_cloud_as_they_are(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = [
        'Say <break time="1s"/> nothing.',
        "  Space around.  ",
        "Ünïcödé, 日本語, 🙂 done.",
        '"Quoted", \\n so.',
    ]
    write(folder, *texts)

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "1").status == 0

    assert [text.strip() for text in asked(cloud)] == [text.strip() for text in texts]


def test_one_bad_line_fails_alone(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    nobody = "00000000-0000-4000-8000-00000000dead"
    write(folder, "One.", {"text": "Two.", "voice": nobody, "id": "second"}, "Three.")
    refused = error(404, message="No voice has the ID you sent.")
    cloud.always(lambda request: refused if nobody in request.body.decode() else speech(request))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json")

    assert result.status == 8
    assert files(folder / "out") == ["000001.raw", "000003.raw"]
    assert [event["status"] for event in result.events] == ["done", "failed", "done"]
    assert "No voice has the ID you sent." in str(result.events[1]["error"])
    assert len(asked(cloud)) == 3


def test_when_every_line_fails_the_status_is_that_of_many(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, "One.", "Two.")
    cloud.always(error(400, message="Never."))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert (result.status, result.stdout) == (8, b"")
    assert result.stderr.count("Never.") == 2
    assert files(folder / "out") == []


# --json


def test_json_has_a_line_for_each_item_with_exactly_these_keys(in_cloud: Program, folder: Path) -> None:
    write(folder, {"text": "Good day.", "id": "a"}, "See you soon.")

    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json")
    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json")

    assert [list(event) for event in first.events + second.events] == [KEYS] * 4
    assert first.events[0] == {
        "line": 1,
        "id": "a",
        "output": first.events[0]["output"],
        "status": "done",
        "duration": 0.45,
        "error": None,
    }
    assert [Path(event["output"]).name for event in first.events] == ["a.raw", "000002.raw"]
    assert first.events[1]["id"] is None
    assert [event["status"] for event in second.events] == ["skipped", "skipped"]
    assert [event["duration"] for event in second.events] == [0.45, 0.65]


def test_the_lines_keep_the_order_of_the_manifest(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(12)
    write(folder, *texts)
    others = threading.Semaphore(0)

    def the_first_last(request: Request) -> Sequence[Step]:
        if request.json()["transcript"] == texts[0]:
            assert others.acquire(timeout=10)
        else:
            others.release()
        return speech(request)

    cloud.always(the_first_last)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "4", "--json")

    assert result.status == 0
    assert [event["line"] for event in result.events] == list(range(1, 13))


def test_a_line_is_told_as_soon_as_it_is_its_turn(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "First thing.", "Second thing.")
    told = threading.Event()

    def after_the_first_was_told(request: Request) -> Sequence[Step]:
        if "Second" in request.json()["transcript"]:
            assert told.wait(10)
        return speech(request)

    cloud.always(after_the_first_was_told)
    running = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--json")
    assert running.stdout is not None
    wait_until(lambda: running.stdout is not None and b"\n" in running.stdout.wait_for(0))
    told.set()

    assert [event["line"] for event in running.wait().events] == [1, 2]


def test_an_error_for_all_is_an_object_with_json(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "One.", "Two.")
    cloud.always(error(401, message="Invalid key."))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json")

    assert result.status == 3
    assert json.loads(result.lines[-1])["error"]["status"] == 3


# --timings


def test_timings_stand_beside_the_sound(in_cloud: Program, folder: Path) -> None:
    text = "Good day, and welcome to all of you."
    write(folder, {"text": text, "id": "a"}, {"text": "See you soon.", "output": "b/c.raw"})

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--timings", "json")

    assert result.status == 0
    assert files(folder / "out") == ["a.json", "a.raw", "a.srt", "b/c.json", "b/c.raw", "b/c.srt"]
    assert holds(folder / "out" / "a.raw", text)
    cues = list(srt.parse((folder / "out" / "a.srt").read_text("utf-8")))
    assert " ".join(cue.content for cue in cues).split() == text.split()
    timings = json.loads((folder / "out" / "a.json").read_text("utf-8"))
    assert [word["word"] for word in timings["words"]] == text.split()
    assert timings["words"][1]["start"] == 0.25


def test_missing_timings_are_made_again(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": "Good day.", "id": "a"}, {"text": "See you.", "id": "b"})
    in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--no-cache")
    before = (folder / "out" / "a.srt").read_text()
    (folder / "out" / "a.srt").unlink()
    cloud.requests.clear()

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--no-cache")

    assert result.status == 0
    assert asked(cloud) == ["Good day."]
    assert (folder / "out" / "a.srt").read_text() == before


def test_further_timings_cost_nothing(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": "Good day, and welcome to all of you.", "id": "a"})
    in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt")
    before = (folder / "out" / "a.srt").read_text()

    further = in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--timings", "vtt")
    shorter = in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--max-chars", "12")

    assert (further.status, shorter.status) == (0, 0)
    assert len(asked(cloud)) == 1
    assert (folder / "out" / "a.vtt").read_text().startswith("WEBVTT")
    assert len(list(srt.parse((folder / "out" / "a.srt").read_text()))) > len(list(srt.parse(before)))


def test_leaving_timings_out_makes_nothing_anew(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": "Good day, and welcome to all of you.", "id": "a"})
    in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "srt")

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0

    assert len(asked(cloud)) == 1
    assert holds(folder / "out" / "a.raw", "Good day, and welcome to all of you.")


# Long texts


def long_text() -> str:
    """Return a text of three parts that begin with different words."""
    return " ".join(f"{word} sentence number {i:03} of this long text." for word in
                    ("Alpha", "Beta", "Gamma") for i in range(62))  # fmt: skip


def first_words(cloud: Cloud) -> list[str]:
    return [text.split()[0] for text in asked(cloud)]


def test_a_text_of_several_parts_is_one_file(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    text = long_text()
    write(folder, {"text": text, "id": "long"}, {"text": "Short one.", "id": "short"})

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--timings", "json", "--json")

    assert result.status == 0
    spoken = [part for part in asked(cloud) if part != "Short one."]
    assert len(spoken) > 1
    assert max(map(len, spoken)) <= 3000
    assert files(folder / "out") == ["long.json", "long.raw", "short.json", "short.raw"]
    seconds = sum(round(0.05 * len(part) * 8000) for part in spoken) / 8000
    assert (folder / "out" / "long.raw").stat().st_size == round(seconds * 16_000)
    assert result.events[0]["duration"] == pytest.approx(seconds, abs=0.001)
    words = json.loads((folder / "out" / "long.json").read_text())["words"]
    assert [word["word"] for word in words] == text.split()
    starts = [word["start"] for word in words]
    assert starts == sorted(starts)
    assert seconds - 10 < starts[-1] < seconds


def test_a_break_in_the_second_part_repeats_only_that(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": long_text(), "id": "long"})
    second_begins = in_cloud("batch", ROOM, "-o", "whole", *RAW, "--no-cache").status == 0
    whole = asked(cloud)
    cloud.requests.clear()
    seen: list[str] = []

    def break_once(request: Request) -> Sequence[Step]:
        text = request.json()["transcript"]
        seen.append(text)
        return broken(request) if text == whole[1] and seen.count(text) == 1 else speech(request)

    cloud.always(break_once)
    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert second_begins
    assert result.status == 0
    assert asked(cloud) == [whole[0], whole[1], whole[1], *whole[2:]]
    assert (folder / "out" / "long.raw").read_bytes() == (folder / "whole" / "long.raw").read_bytes()


def test_the_parts_that_came_are_not_asked_for_by_the_next_run(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, {"text": long_text(), "id": "long"})
    seen: list[str] = []

    def never_the_second(request: Request) -> Sequence[Step]:
        text = request.json()["transcript"]
        if text not in seen:
            seen.append(text)
        return error(400, message="Not this one.") if seen.index(text) == 1 else speech(request)

    cloud.always(never_the_second)
    first = in_cloud("batch", ROOM, "-o", "out", *RAW)
    left = files(folder / "out")
    cloud.requests.clear()
    cloud.always(speech)
    second = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert (first.status, left) == (8, [])
    assert second.status == 0
    assert asked(cloud)[0] == seen[1]
    assert seen[0] not in asked(cloud)


# Jobs


def test_as_many_requests_overlap_as_jobs_are_asked_for(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *sentences(60))
    crowd = Crowd(seconds=0.05)
    cloud.always(crowd)

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "5").status == 0

    assert crowd.most == 5


def test_one_job_is_one_request_at_a_time_and_in_order(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(8)
    write(folder, *texts)
    crowd = Crowd()
    cloud.always(crowd)

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "1").status == 0

    assert crowd.most == 1
    assert asked(cloud) == texts


def test_connections_are_used_again(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(40))

    in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "4")

    kept = [request.header("connection") for request in cloud.requests]
    assert len(kept) == 40
    assert "close" not in kept


# --dry-run


def test_a_dry_run_counts_and_sends_nothing(run: Program, folder: Path) -> None:
    texts = sentences(40)
    write(folder, *texts)

    result = run("batch", ROOM, "-o", "out", *RAW, "--engine", "cloud", "--dry-run")

    assert result.status == 0
    shown = result.text.lower()
    assert "40" in shown
    assert "1,200" in shown or "1200" in shown
    assert "credits" in shown
    assert "minutes" in shown
    assert files(folder) == [ROOM]
    assert [path.name for path in folder.iterdir()] == [ROOM]


def test_a_dry_run_tells_what_is_left(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(6)
    write(folder, *texts[:4])
    in_cloud("batch", ROOM, "-o", "out", *RAW)
    write(folder, *texts)
    cloud.requests.clear()

    facts = in_cloud("batch", ROOM, "-o", "out", *RAW, "--dry-run", "--json").json

    assert cloud.requests == []
    assert facts["credits"] == 60
    assert 60 in facts.values()
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, 5)]


def test_a_dry_run_leaves_everything_as_it_was(in_cloud: Program, folder: Path) -> None:
    write(folder, *sentences(3))
    in_cloud("batch", ROOM, "-o", "out", *RAW)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--dry-run").status == 0
    assert in_cloud("batch", ROOM, "-o", "new", *RAW, "--dry-run").status == 0

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not (folder / "new").exists()


def test_a_dry_run_of_the_built_in_engine_costs_nothing(run: Program, folder: Path) -> None:
    write(folder, *sentences(3))

    facts = run("batch", ROOM, "-o", "out", "--engine", "local", "--dry-run", "--json").json

    assert facts["credits"] == 0


def test_a_dry_run_refuses_what_the_run_would_refuse(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.", "...")

    assert in_cloud("batch", ROOM, "-o", "out", "--dry-run").status == 2
    assert cloud.requests == []


# Progress


def test_without_a_terminal_there_are_plain_lines(in_cloud: Program, folder: Path) -> None:
    write(folder, *sentences(5))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert "5 done" in result.stderr
    assert_printable(result.stderr)
    assert len(result.lines) <= 3


def test_on_a_terminal_there_is_one_line_that_changes(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(8))
    cloud.always(Crowd(seconds=0.1))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "2", tty=["stderr"])

    assert result.status == 0
    assert "of 8" in result.stderr
    assert "\r" in result.stderr
    assert result.stderr.count("\n") <= 2
    assert result.stderr.rstrip().rpartition("\r")[2].count("8 done") == 1


def test_stdout_is_the_same_on_a_terminal(in_cloud: Program, folder: Path) -> None:
    write(folder, *sentences(3))

    piped = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json", "--force")
    shown = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json", "--force", tty=["stdout", "stderr"])

    assert piped.stdout == shown.stdout


# Keys, engines


def test_the_key_is_nowhere(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(3))
    cloud.next(error(400, message=f"Your key {KEY} may not."))

    result = in_cloud(
        "batch", ROOM, "-o", "out", *RAW, "--json", "--verbose", "--report", "r.json",
        "--log-file", "log.txt",
    )  # fmt: skip

    assert result.status == 8
    everything = [path for root in (folder, in_cloud.home) for path in root.rglob("*") if path.is_file()]
    assert {"r.json", "log.txt", ".cartesia-journal"} <= {path.name for path in everything}
    assert [path for path in everything if KEY.encode() in path.read_bytes()] == []


def test_without_a_key_the_cloud_is_refused(run: Program, folder: Path) -> None:
    write(folder, "Good day.")

    assert_failure(run("batch", ROOM, "-o", "out", "--engine", "cloud"), 3)
    assert files(folder) == [ROOM]


def loudness(path: Path) -> tuple[float, float]:
    """Return the seconds and the root mean square of a file."""
    sound, rate = soundfile.read(path)
    return len(sound) / rate, float(np.sqrt(np.mean(sound**2)))


def test_without_a_key_the_built_in_voice_speaks_in_child_processes(run: Program, folder: Path) -> None:
    write(
        folder, "The kettle is on.", {"text": "The bread is warm.", "voice": "deep"}, "Come in and sit down."
    )

    running = run.start(
        "batch", ROOM, "-o", "out", "--jobs", "2", "--timings", "srt", "--json", "--verify-asr"
    )
    wait_until(lambda: n_children(running.pid) > 0, timeout=20)
    result = running.wait(60)
    again = run("batch", ROOM, "-o", "out", "--jobs", "2", "--timings", "srt", "--json")

    assert result.status == 0
    names = [f"{i:06}" for i in (1, 2, 3)]
    assert files(folder / "out") == [f"{name}.{ending}" for name in names for ending in ("srt", "wav")]
    for name, event in zip(names, result.events, strict=True):
        seconds, level = loudness(folder / "out" / f"{name}.wav")
        assert 0.6 < seconds < 4
        assert level > 0.01
        assert event["duration"] == pytest.approx(seconds, abs=0.001)
    assert "kettle" in (folder / "out" / "000001.srt").read_text()
    assert [event["status"] for event in again.events] == ["skipped"] * 3


def n_children(pid: int) -> int:
    """Return how many processes a process has started that still run."""
    found: list[str] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found += tasks.read_text().split()
    return len(found)


@pytest.mark.parametrize("transport", ["bytes", "sse", "websocket"])
def test_every_transport_brings_the_same(run: Program, folder: Path, transport: str) -> None:
    texts = sentences(12)
    write(folder, *texts)
    with running_server(KnownSamples(word_seconds=0.05)) as server:
        result = run(
            "batch", ROOM, "-o", "out", *RAW, "--transport", transport, "--jobs", "4",
            env={"CARTESIA_BASE_URL": server.url},
        )  # fmt: skip

    assert result.status == 0, result.stderr
    audio = AudioFormat(Encoding.PCM_S16LE, 8000)
    for i, text in enumerate(texts, 1):
        known = known_samples(text, audio, word_seconds=0.05)
        assert (folder / "out" / f"{i:06}.raw").read_bytes() == known


def test_the_environment_chooses_as_everywhere(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.")
    other = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"

    in_cloud("batch", ROOM, "-o", "out", *RAW, env={"CARTESIA_VOICE": other, "CARTESIA_MODEL": "sonic-2"})

    [body] = cloud.spoken
    assert other in str(body["voice"])
    assert body["model_id"] == "sonic-2"


def test_speech_of_the_cache_is_shared_with_say(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.")
    in_cloud("say", "Good day.", "-o", "a.raw", "--encoding", "pcm_s16le", "-r", "8000", "--cache")

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0

    assert asked(cloud) == ["Good day."]
    assert holds(folder / "out" / "000001.raw", "Good day.")


@pytest.mark.parametrize("closed", [0, 2], ids=["stdin", "stderr"])
def test_a_stream_that_is_not_needed_may_be_closed(in_cloud: Program, folder: Path, closed: int) -> None:
    write(folder, "Good day.")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json", closed=closed)

    assert result.status == 0, result.stderr
    assert holds(folder / "out" / "000001.raw", "Good day.")


def test_a_manifest_from_a_closed_standard_input_is_refused(in_cloud: Program, cloud: Cloud) -> None:
    result = in_cloud("batch", "-", "--manifest-format", "txt", "-o", "out", *RAW, closed=0)

    assert_failure(result, 2, "standard input")
    assert cloud.requests == []


def test_what_is_sent_is_told_where_that_is_asked_for(in_cloud: Program, folder: Path) -> None:
    write(folder, "Good day.")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--verbose", "--verbose", "--log-file", "log.txt")

    assert result.status == 0
    assert "/tts/bytes" in result.stderr
    assert "/tts/bytes" in (folder / "log.txt").read_text()
    assert "sk_car" not in result.stderr + (folder / "log.txt").read_text()


def test_no_manifest_is_a_usage_error(run: Program) -> None:
    assert run("batch").status == 2


def test_help_has_an_example(run: Program) -> None:
    result = run("batch", "--help")

    assert result.status == 0
    for option in (
        "--jobs", "--name", "--force", "--dry-run", "--budget", "--max-failures", "--shard", "--report",
        "--timings", "--verify", "--verify-asr", "--cluster", "--no-cache", "--journal", "--manifest-format",
    ):  # fmt: skip
        assert option in result.text
    assert "cartesia batch lines.csv -o" in result.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_standard_output_is_an_output_error(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(3))
    cloud.always(speech)  # which lets requests be broken off
    full = os.open("/dev/full", os.O_WRONLY)

    result = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--json", stdout=full).wait()

    assert result.status == 7
    assert parts(folder) == []
