"""What ``cartesia batch`` reports, and what ``--verify`` finds: cli.md sections 7 and 10."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.cli.batching import KEYS, RAW, asked, files, sentences, speech, write
from tests.cli.cloud import Cloud, encoded, error, samples
from tests.cli.program import KEY, WITHOUT_PRIVILEGE, Program
from tests.fakes.scripted import Request, Step, response

ROOM = "lines.jsonl"
GOOD, BAD = "A text that is all good.", "A text that goes wrong."


def refuse_the_bad(request: Request) -> Sequence[Step]:
    """Speak, but not the bad text."""
    if request.json()["transcript"] == BAD:
        return error(400, message='Not <so> & "so".')
    return speech(request)


# --report


def test_a_report_in_json(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": GOOD, "id": "a"}, {"text": BAD, "id": "b"}, "Already there.")
    in_cloud("batch", ROOM, "-o", "out", *RAW, "--shard", "3/3")
    cloud.always(refuse_the_bad)
    cloud.requests.clear()

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", "r.json", "--json")
    report = json.loads((folder / "r.json").read_text("utf-8"))

    assert result.status == 8
    assert {"version", "counts", "credits", "wall", "items"} <= set(report)
    assert report["version"] == 1
    assert {k: report["counts"][k] for k in ("done", "skipped", "failed")} == {
        "done": 1,
        "skipped": 1,
        "failed": 1,
    }
    assert report["credits"] == len(GOOD)
    assert 0 < report["wall"] < result.seconds
    assert report["items"] == result.events
    assert [list(item) for item in report["items"]] == [KEYS] * 3
    assert "Not <so>" in str(report["items"][1]["error"])


def test_a_report_in_xml_is_read_as_junit(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": GOOD, "id": "a"}, {"text": BAD, "id": "b"}, "Already there.")
    in_cloud("batch", ROOM, "-o", "out", *RAW, "--shard", "3/3")
    cloud.always(refuse_the_bad)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", "r.xml")
    root = ET.fromstring((folder / "r.xml").read_bytes())  # noqa: S314  written by the program under test

    assert result.status == 8
    assert root.tag == "testsuites"
    [suite] = root.iter("testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "skipped")}
    assert counts == {"tests": "3", "failures": "1", "skipped": "1"}
    cases = list(suite.iter("testcase"))
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["skipped"]]
    [failure] = suite.iter("failure")
    assert 'Not <so> & "so".' in (failure.get("message") or "")
    assert "line 2" in (failure.text or "")
    assert all(float(case.get("time") or -1) >= 0 for case in cases)


def test_a_report_of_a_stopped_run_tells_what_was_done(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(20))
    count = iter(range(100))
    cloud.always(lambda request: speech(request) if next(count) < 3 else error(401, message="Invalid key."))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "1", "--report", "r.json")
    report = json.loads((folder / "r.json").read_text())

    assert result.status == 3
    assert report["counts"]["done"] == 3
    assert [item["status"] for item in report["items"]][:3] == ["done"] * 3


def test_a_report_replaces_the_one_before(in_cloud: Program, folder: Path) -> None:
    write(folder, *sentences(2))

    for _ in range(2):
        in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", "r.json")

    assert json.loads((folder / "r.json").read_text())["counts"]["skipped"] == 2
    assert files(folder) == [ROOM, "out/000001.raw", "out/000002.raw", "r.json"]


def test_a_report_that_cannot_be_written_is_known_before_anything_is_paid_for(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *sentences(2))
    (folder / "locked").mkdir(mode=0o500)

    missing = in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", "nowhere/r.json")
    locked = in_cloud(
        "batch", ROOM, "-o", "out", *RAW, "--report", "locked/r.json", wrapper=WITHOUT_PRIVILEGE
    )

    assert (missing.status, locked.status) == (7, 7)
    assert cloud.requests == []


def test_mistakes_leave_the_report_of_the_run_before(in_cloud: Program, folder: Path) -> None:
    write(folder, "...")
    (folder / "r.json").write_text("old")

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", "r.json").status == 2

    assert (folder / "r.json").read_text() == "old"


def test_credits_of_the_cache_are_not_reported(in_cloud: Program, folder: Path) -> None:
    write(folder, *sentences(2))
    in_cloud("batch", ROOM, "-o", "out", *RAW)

    in_cloud("batch", ROOM, "-o", "other", *RAW, "--report", "r.json")

    report = json.loads((folder / "r.json").read_text())
    assert report["counts"]["done"] == 2
    assert report["credits"] == 0


def test_no_key_is_in_a_report(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, BAD)
    cloud.always(error(400, message=f"The key {KEY} may not."))

    for name in ("r.json", "r.xml"):
        in_cloud("batch", ROOM, "-o", "out", *RAW, "--report", name)
        report = (folder / name).read_text()
        assert "may not" in report
        assert KEY not in report


# --verify


Sound = NDArray[np.float32]


def voice(text: str, rate: int = 8000) -> Sound:
    """Return sound that swells and fades with each word, as speech does."""
    pieces = []
    for i, word in enumerate(text.split()):
        n_samples = round(len(word) * 0.06 * rate)
        time = np.arange(n_samples) / rate
        level = (0.6, 0.3, 0.45)[i % 3] * np.sin(np.pi * np.arange(n_samples) / n_samples)
        pieces += [level * np.sin(2 * np.pi * 220 * time), np.zeros(rate // 20)]
    return np.concatenate(pieces).astype(np.float32)


def spoken(sound: Sound, request: Request) -> Sequence[Step]:
    """Return an answer with this sound in the form that the request wants."""
    wanted = request.json()["output_format"]
    if wanted["container"] == "mp3":
        file = io.BytesIO()
        soundfile.write(file, sound, wanted["sample_rate"], format="MP3", subtype="MPEG_LAYER_III")
        return response(body=file.getvalue(), content_type="audio/mpeg")
    assert wanted["container"] == "raw"
    return response(body=encoded(sound, wanted["encoding"], wanted["sample_rate"]), content_type="audio/wav")


def speak(request: Request) -> Sequence[Step]:
    """Speak well."""
    fields = request.json()
    return spoken(voice(fields["transcript"], fields["output_format"]["sample_rate"]), request)


def speak_badly(flaw: Sound) -> Callable[[Request], Sequence[Step]]:
    """Return an API that speaks well, but for the bad text."""
    return lambda request: spoken(flaw, request) if request.json()["transcript"] == BAD else speak(request)


def is_well_said(path: Path, text: str) -> bool:
    """Return whether a file holds what ``voice`` says, as ``RAW`` has it."""
    return path.read_bytes() == encoded(voice(text), "pcm_s16le", 8000)


WHOLE = voice(BAD)
HALF = len(WHOLE) // 2
FLAWS: dict[str, Sound] = {
    "silence": np.zeros_like(WHOLE),
    "almost silence": WHOLE * np.float32(0.0005),
    "noise": samples(BAD, 8000),
    "too short": WHOLE[: len(WHOLE) // 12],
    "nothing": WHOLE[:0],
    "too long": np.tile(WHOLE, 30),
    "a long pause": np.concatenate([WHOLE[:HALF], np.zeros(8000 * 6, np.float32), WHOLE[HALF:]]),
    "clipping": np.clip(WHOLE * np.float32(20), -1, 1),
}


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_verify_finds_what_is_wrong_and_the_next_run_asks_again(
    in_cloud: Program, cloud: Cloud, folder: Path, flaw: Sound
) -> None:
    write(folder, GOOD, BAD, "And all is well that ends well.")
    cloud.always(speak_badly(flaw))

    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--verify", "--json")
    cloud.requests.clear()
    cloud.always(speak)
    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--verify")

    assert first.status == 8
    assert [event["status"] for event in first.events] == ["done", "failed", "done"], first.text
    assert first.events[1]["error"]
    assert second.status == 0
    assert asked(cloud) == [BAD]
    assert is_well_said(folder / "out" / "000002.raw", BAD)


def test_without_verify_the_sound_is_not_judged(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, BAD)
    cloud.always(speak_badly(FLAWS["silence"]))

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0


def test_verify_passes_what_is_right_in_every_format(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    endings = ("wav", "mp3", "flac", "ogg", "opus", "pcm", "raw", "ulaw", "alaw")
    write(
        folder,
        *({"text": GOOD, "format": ending} for ending in endings),
        "Yes.",
        "One, two, three, four, five.",
    )
    cloud.always(speak)

    result = in_cloud("batch", ROOM, "-o", "out", "--verify")

    assert result.status == 0, result.stderr


def test_verify_looks_at_what_was_made_before_it_was_asked_for(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, GOOD, BAD)
    cloud.always(speak_badly(FLAWS["silence"]))
    in_cloud("batch", ROOM, "-o", "out", *RAW)
    cloud.always(speak)
    cloud.requests.clear()

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--verify", "--json")
    after = in_cloud("batch", ROOM, "-o", "out", *RAW, "--verify", "--json")

    assert GOOD not in asked(cloud)
    assert [event["status"] for event in result.events] == ["skipped", "failed"]
    assert after.status == 0
    assert asked(cloud) == [BAD]
    assert is_well_said(folder / "out" / "000002.raw", BAD)


def test_verify_does_not_ask_again_for_what_it_found_good(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, GOOD)
    cloud.always(speak)

    results = [in_cloud("batch", ROOM, "-o", "out", *RAW, "--verify", "--no-cache") for _ in range(2)]
    plain = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert [each.status for each in (*results, plain)] == [0, 0, 0]
    assert asked(cloud) == [GOOD]


# --verify-asr


@pytest.mark.parametrize(("status", "ended_with"), [(404, 8), (500, 8), (402, 4)])
def test_what_could_not_be_heard_is_kept_and_heard_by_the_next_run(
    in_cloud: Program, cloud: Cloud, folder: Path, status: int, ended_with: int
) -> None:
    command = ("batch", ROOM, "-o", "out", *RAW, "--verify-asr", "--no-cache", "--retries", "0", "--json")
    write(folder, GOOD)
    n_heard: list[int] = []

    def hear_nothing_at_first(request: Request) -> Sequence[Step]:
        if not request.target.startswith("/stt"):
            return speech(request)
        n_heard.append(1)
        if len(n_heard) == 1:
            return error(status, message="Nobody listens.")
        return response(body=json.dumps({"type": "transcript", "text": GOOD, "language": "en"}).encode())

    cloud.always(hear_nothing_at_first)

    first = in_cloud(*command)
    there = files(folder / "out")
    second = in_cloud(*command)

    assert first.status == ended_with, first.stderr
    assert "done" not in [event.get("status") for event in first.events]
    assert there == ["000001.raw"]
    assert second.status == 0, second.stderr
    assert [event["status"] for event in second.events] == ["skipped"]
    assert len(n_heard) == 2
    assert asked(cloud) == [GOOD]
