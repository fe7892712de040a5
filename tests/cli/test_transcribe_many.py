"""Many recordings at once: in parallel, in order, none lost to another's failure: cli.md sections 6, 8."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud, error, hear
from tests.cli.conftest import Transcribe
from tests.cli.program import WITHOUT_PRIVILEGE, Program, assert_failure, assert_printable
from tests.cli.uploads import read_upload, recording
from tests.fakes.scripted import Request, Step

NO_AUDIO = b"I am a text that somebody called a recording."


def put(folder: Path, *names: str) -> None:
    """Make recordings that say their own names."""
    for name in names:
        (folder / name).write_bytes(recording(name))


class Meeting:
    """An API that answers a request when as many as expected are under way, or no other comes."""

    def __init__(self, n_expected: int, patience: float) -> None:
        self.most = 0
        self._n_expected = n_expected
        self._patience = patience
        self._present = 0
        self._changed = threading.Condition()

    def __call__(self, request: Request) -> Sequence[Step]:
        with self._changed:
            self._present += 1
            self.most = max(self.most, self._present)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self._n_expected, self._patience)
            self._present -= 1
        return hear(request)


def test_as_many_requests_overlap_as_jobs_are_asked_for(
    transcribe: Transcribe, cloud: Cloud, folder: Path
) -> None:
    names = [f"{i}.wav" for i in range(6)]
    put(folder, *names)
    meeting = Meeting(3, patience=10)
    cloud.always(meeting)

    result = transcribe(*names, "--jobs", "3", "-q")

    assert (result.status, result.stderr) == (0, "")
    assert meeting.most == 3


def test_as_many_files_may_be_open_as_the_system_allows(
    transcribe: Transcribe, cloud: Cloud, folder: Path
) -> None:
    names = [f"{i}.wav" for i in range(40)]
    put(folder, *names)
    meeting = Meeting(40, patience=10)
    cloud.always(meeting)

    few = ("sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh")
    result = transcribe(*names, "--jobs", "40", "-q", wrapper=few)

    assert (result.status, result.stderr) == (0, "")
    assert meeting.most == 40


def test_one_job_is_one_request_at_a_time(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    put(folder, "a.wav", "b.wav", "c.wav")
    meeting = Meeting(2, patience=0.2)
    cloud.always(meeting)

    assert transcribe("a.wav", "b.wav", "c.wav", "--jobs", "1").status == 0

    assert meeting.most == 1


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5"])
def test_jobs_are_a_number_of_at_least_one(
    transcribe: Transcribe, cloud: Cloud, folder: Path, jobs: str
) -> None:
    put(folder, "a.wav", "b.wav")

    assert_failure(transcribe("a.wav", "b.wav", "--jobs", jobs), 2, jobs)
    assert cloud.requests == []


def test_the_lines_keep_the_order_of_the_sources(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    names = [f"{i}.wav" for i in range(8)]
    put(folder, *names)
    others = threading.Semaphore(0)

    def the_first_last(request: Request) -> Sequence[Step]:
        if read_upload(request).heard == "0.wav":
            assert all(others.acquire(timeout=10) for _ in range(3))
        else:
            others.release()
        return hear(request)

    cloud.always(the_first_last)

    result = transcribe(*names, "--jobs", "4", "-q")

    assert result.status == 0
    assert result.text == "".join(f"{name}\t{name}\n" for name in names)


def test_a_bad_file_among_good_ones(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav", "c.wav")
    (folder / "b.wav").write_bytes(NO_AUDIO)

    result = transcribe("a.wav", "b.wav", "nowhere.wav", "c.wav")

    assert result.status == 8
    assert result.text == "a.wav\ta.wav\nc.wav\tc.wav\n"
    assert_printable(result.stderr)
    assert sum("b.wav" in line for line in result.lines) == 1
    assert sum("nowhere.wav" in line for line in result.lines) == 1
    summary = " ".join(result.lines[2:])
    assert "2 transcribed" in summary
    assert "2 failed" in summary


def test_a_failure_names_its_cause(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav")
    (folder / "b.wav").write_bytes(NO_AUDIO)

    result = transcribe("b.wav", "a.wav")

    [cause] = [line for line in result.lines if "b.wav" in line]
    assert "This is not audio." in cause


def test_a_bad_file_alone_has_its_own_status(transcribe: Transcribe, folder: Path) -> None:
    (folder / "b.wav").write_bytes(NO_AUDIO)

    assert_failure(transcribe("b.wav"), 5, "This is not audio.")
    assert_failure(transcribe("b.wav", "-o", "subs/"), 5, "This is not audio.")
    assert list((folder / "subs").iterdir()) == []


def test_errors_are_objects_with_json(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav")
    (folder / "b.wav").write_bytes(NO_AUDIO)

    alone = transcribe("b.wav", "--json")
    among = transcribe("a.wav", "b.wav", "--json")

    assert (alone.status, alone.stdout) == (5, b"")
    assert json.loads(alone.stderr)["error"]["status"] == 5
    assert among.status == 8
    assert [e["source"] for e in among.events] == ["a.wav"]
    errors = [json.loads(line)["error"] for line in among.lines]
    assert errors[-1]["status"] == 8
    assert "b.wav" in among.stderr
    assert "This is not audio." in among.stderr


@pytest.mark.parametrize("formats", [["text"], ["srt", "vtt", "json"]], ids=" ".join)
def test_a_hundred_files_of_which_three_are_broken(
    transcribe: Transcribe, cloud: Cloud, folder: Path, formats: list[str]
) -> None:
    talks = folder / "talks"
    talks.mkdir()
    put(talks, *[f"{i:03}.wav" for i in range(100)])
    broken = {"007", "042", "099"}
    for name in broken:
        (talks / f"{name}.wav").write_bytes(NO_AUDIO)
    command = ["talks", *[x for f in formats for x in ("--format", f)], "-o", "subs/"]

    first = transcribe(*command)
    asked = len(cloud.uploads)
    second = transcribe(*command)
    asked_again = [u.data for u in cloud.uploads[asked:]]
    put(talks, *[f"{name}.wav" for name in broken])
    third = transcribe(*command)
    nothing_to_do = transcribe(*command)

    assert (first.status, asked) == (8, 100)
    assert {line.split("/")[1][:3] for line in first.lines if "talks/" in line} == broken
    assert "97 transcribed" in first.stderr
    assert "3 failed" in first.stderr
    assert second.status == 8
    assert asked_again == [NO_AUDIO] * 3
    assert "97 skipped" in second.stderr
    assert "3 failed" in second.stderr
    assert third.status == 0
    assert len(list((folder / "subs").iterdir())) == 100 * len(formats)
    assert (folder / "subs" / f"042.{'txt' if formats == ['text'] else 'srt'}").stat().st_size > 0
    assert nothing_to_do.status == 0
    assert len(cloud.uploads) == 106


def test_an_unreadable_file_among_many(in_cloud: Program, folder: Path) -> None:
    put(folder, "a.wav", "b.wav", "c.wav")
    (folder / "b.wav").chmod(0)

    result = in_cloud("transcribe", "a.wav", "b.wav", "c.wav", wrapper=WITHOUT_PRIVILEGE)

    assert result.status == 8
    assert result.text == "a.wav\ta.wav\nc.wav\tc.wav\n"
    [cause] = [line for line in result.lines if "b.wav" in line]
    assert "permission" in cause.lower()


def test_only_what_is_missing_is_done(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    put(folder, "a.wav", "b.wav")
    assert transcribe("a.wav", "b.wav", "--format", "srt", "--format", "vtt", "-o", "subs/").status == 0
    (folder / "subs" / "a.srt").write_text("mine")
    (folder / "subs" / "b.vtt").unlink()
    cloud.requests.clear()

    result = transcribe("a.wav", "b.wav", "--format", "srt", "--format", "vtt", "-o", "subs/")

    assert result.status == 0
    assert [u.heard for u in cloud.uploads] == ["b.wav"]
    assert (folder / "subs" / "b.vtt").exists()
    assert (folder / "subs" / "a.srt").read_text() == "mine"


def test_one_source_into_a_folder_is_skipped_too(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    put(folder, "a.wav")

    results = [transcribe("a.wav", "-o", "subs/") for _ in range(2)]

    assert [r.status for r in results] == [0, 0]
    assert len(cloud.uploads) == 1


def test_force_does_everything_again(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    put(folder, "a.wav", "b.wav")
    assert transcribe("a.wav", "b.wav", "-o", "subs/").status == 0
    (folder / "subs" / "a.txt").write_text("old")

    assert transcribe("a.wav", "b.wav", "-o", "subs/", "--force").status == 0

    assert len(cloud.uploads) == 4
    assert (folder / "subs" / "a.txt").read_text() == "a.wav\n"


def test_what_failed_under_force_keeps_the_old_file(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav", "b.wav")
    assert transcribe("a.wav", "b.wav", "-o", "subs/").status == 0
    (folder / "b.wav").write_bytes(NO_AUDIO)

    result = transcribe("a.wav", "b.wav", "-o", "subs/", "--force")

    assert result.status == 8
    assert (folder / "subs" / "b.txt").read_text() == "b.wav\n"
    assert sorted(p.name for p in (folder / "subs").iterdir()) == ["a.txt", "b.txt"]


def test_a_refused_key_ends_the_run_at_once(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    names = [f"{i}.wav" for i in range(40)]
    put(folder, *names)
    cloud.always(error(401, message="Invalid key."))

    result = transcribe(*names, "-o", "subs/")

    assert_failure(result, 3, "Invalid key.")
    assert len(cloud.requests) < 20


def test_when_every_file_fails_the_status_is_that_of_many(
    transcribe: Transcribe, cloud: Cloud, folder: Path
) -> None:
    put(folder, "a.wav", "b.wav")
    cloud.always(error(400, message="Never."))

    result = transcribe("a.wav", "b.wav")

    assert (result.status, result.stdout) == (8, b"")
    assert "2 failed" in result.stderr


def test_a_file_that_changed_into_a_folder_fails_alone(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav", "b.wav")
    (folder / "subs").mkdir()
    (folder / "subs" / "a.txt").mkdir()

    result = transcribe("a.wav", "b.wav", "-o", "subs/", "--force")

    assert result.status == 8
    assert (folder / "subs" / "b.txt").read_text() == "b.wav\n"
