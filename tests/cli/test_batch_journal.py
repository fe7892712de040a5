"""A second run of ``cartesia batch`` makes what is missing or changed, nothing twice: cli.md section 10."""

import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.cli.batching import RAW, Crowd, asked, files, holds, parts, sentences, speech, write
from tests.cli.cloud import Cloud, error
from tests.cli.program import Program, wait_until
from tests.fakes.scripted import Gate, Request, Step

ROOM = "lines.jsonl"
TEXTS = sentences(5)
SKYLAR = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"


def made(program: Program, folder: Path, *options: str) -> None:
    """Make the five texts."""
    write(folder, *TEXTS)
    assert program("batch", ROOM, "-o", "out", *RAW, *options).status == 0
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, 6)]


def assert_all_right(folder: Path, texts: Sequence[str] = TEXTS) -> None:
    """Check that there is a file for each text, and that each is its speech."""
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, len(texts) + 1)]
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))


@pytest.mark.parametrize("options", [(), ("--no-cache",)], ids=["cache", "no cache"])
def test_the_second_run_asks_for_nothing(
    in_cloud: Program, cloud: Cloud, folder: Path, options: tuple[str, ...]
) -> None:
    made(in_cloud, folder, *options)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.raw")}
    cloud.requests.clear()

    second = in_cloud("batch", ROOM, "-o", "out", *RAW, *options, "--json")

    assert second.status == 0
    assert [event["status"] for event in second.events] == ["skipped"] * 5
    assert cloud.requests == []
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.raw")} == before


def test_the_journal_is_in_the_folder(in_cloud: Program, folder: Path) -> None:
    made(in_cloud, folder)

    hidden = [path.name for path in (folder / "out").iterdir() if path.name.startswith(".")]
    assert ".cartesia-journal" in hidden
    assert all(name.startswith(".cartesia-journal") for name in hidden)


def test_the_journal_may_be_elsewhere(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    made(in_cloud, folder, "--no-cache", "--journal", "notes.db")
    cloud.requests.clear()

    again = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache", "--journal", "notes.db")

    assert again.status == 0
    assert cloud.requests == []
    assert (folder / "notes.db").exists()
    assert not (folder / "out" / ".cartesia-journal").exists()


CHANGES = {
    "voice": ("--voice", SKYLAR),
    "model": ("--model", "sonic-2"),
    "language": ("--language", "de"),
    "speed": ("--speed", "1.2"),
    "volume": ("--volume", "0.8"),
    "emotion": ("--emotion", "angry"),
    "rate": ("-r", "16000"),
    "encoding": ("--encoding", "pcm_mulaw"),
}


@pytest.mark.parametrize("options", CHANGES.values(), ids=CHANGES)
def test_an_option_that_shapes_the_speech_remakes_every_file(
    in_cloud: Program, cloud: Cloud, folder: Path, options: tuple[str, str]
) -> None:
    write(folder, *TEXTS[:2])
    in_cloud("batch", ROOM, "-o", "out", *RAW)
    cloud.requests.clear()

    changed = in_cloud("batch", ROOM, "-o", "out", *RAW, *options, "--json")
    n_asked = len(asked(cloud))
    again = in_cloud("batch", ROOM, "-o", "out", *RAW, *options)

    assert (changed.status, again.status) == (0, 0)
    assert [event["status"] for event in changed.events] == ["done", "done"]
    assert n_asked == len(asked(cloud)) == 2


def test_an_option_that_does_not_shape_the_speech_remakes_nothing(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    made(in_cloud, folder, "--no-cache")
    cloud.requests.clear()

    again = in_cloud(
        "batch", ROOM, "-o", "out", *RAW, "--no-cache", "--jobs", "2", "--timeout", "30", "--retries", "5",
        "--report", "r.json", "--stats",
    )  # fmt: skip

    assert again.status == 0
    assert cloud.requests == []


def test_a_changed_line_is_remade_and_no_other(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    made(in_cloud, folder)
    cloud.requests.clear()
    texts = [*TEXTS[:2], "Something else altogether.", *TEXTS[3:]]
    write(folder, *texts[:4], {"text": texts[4], "voice": SKYLAR})

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--json")

    assert [event["status"] for event in result.events] == ["skipped", "skipped", "done", "skipped", "done"]
    assert sorted(asked(cloud)) == sorted([texts[2], texts[4]])
    assert_all_right(folder, texts)


def test_a_line_that_moves_to_another_file_costs_nothing(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    made(in_cloud, folder)
    cloud.requests.clear()
    texts = ["A new first line.", *TEXTS]
    write(folder, *texts)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert result.status == 0
    assert asked(cloud) == ["A new first line."]
    assert_all_right(folder, texts)


def test_what_left_the_manifest_stays_in_the_folder(in_cloud: Program, folder: Path) -> None:
    made(in_cloud, folder)
    (folder / "out" / "mine.txt").write_text("mine")
    write(folder, *TEXTS[:2])

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0

    assert files(folder / "out") == [*(f"{i:06}.raw" for i in range(1, 6)), "mine.txt"]
    assert (folder / "out" / "mine.txt").read_text() == "mine"


def delete(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, 100)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def swap(path: Path) -> None:
    shutil.copyfile(path.with_name("000001.raw"), path)


DAMAGE = [delete, cut, flip, empty, swap]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize(("options", "n_asked"), [((), 0), (("--no-cache",), 1)], ids=["cache", "no cache"])
def test_a_file_that_is_not_what_was_made_is_made_again(
    in_cloud: Program,
    cloud: Cloud,
    folder: Path,
    damage: Callable[[Path], None],
    options: tuple[str, ...],
    n_asked: int,
) -> None:
    made(in_cloud, folder, *options)
    cloud.requests.clear()
    damage(folder / "out" / "000003.raw")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, *options, "--json")

    assert result.status == 0
    assert [event["line"] for event in result.events if event["status"] == "done"] == [3]
    assert asked(cloud) == [TEXTS[2]] * n_asked
    assert_all_right(folder)


def test_a_file_that_was_only_touched_is_as_good_as_before(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    made(in_cloud, folder, "--no-cache")
    cloud.requests.clear()
    os.utime(folder / "out" / "000003.raw", (1, 1))

    again = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert again.status == 0
    assert cloud.requests == []


def test_a_folder_that_was_copied_is_as_good_as_before(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    made(in_cloud, folder, "--no-cache")
    cloud.requests.clear()
    shutil.copytree(folder / "out", folder / "copy")

    again = in_cloud("batch", ROOM, "-o", "copy", *RAW, "--no-cache")

    assert again.status == 0
    assert cloud.requests == []


def test_without_its_journal_a_folder_is_made_from_the_cache(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    made(in_cloud, folder)
    cloud.requests.clear()
    for path in (folder / "out").glob(".cartesia-journal*"):
        path.unlink()

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0

    assert cloud.requests == []
    assert_all_right(folder)


def test_a_file_that_was_there_before_is_not_taken_for_ours(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *TEXTS)
    (folder / "out").mkdir()
    (folder / "out" / "000002.raw").write_bytes(b"somebody's")

    assert in_cloud("batch", ROOM, "-o", "out", *RAW).status == 0

    assert len(asked(cloud)) == 5
    assert_all_right(folder)


@pytest.mark.parametrize(
    "content", [b"not a journal at all, but a text.\n" * 100, b"SQLite format 3\x00" + bytes(900)]
)
def test_a_journal_that_cannot_be_read_is_said_before_anything_is_asked(
    in_cloud: Program, cloud: Cloud, folder: Path, content: bytes
) -> None:
    write(folder, *TEXTS)
    (folder / "out").mkdir()
    (folder / "out" / ".cartesia-journal").write_bytes(content)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert result.status == 2
    assert ".cartesia-journal" in result.stderr
    assert cloud.requests == []
    assert (folder / "out" / ".cartesia-journal").read_bytes() == content


def test_force_makes_everything_again(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    made(in_cloud, folder, "--no-cache")
    cloud.requests.clear()

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache", "--force", "--json")

    assert result.status == 0
    assert [event["status"] for event in result.events] == ["done"] * 5
    assert sorted(asked(cloud)) == sorted(TEXTS)
    assert_all_right(folder)


def test_what_failed_under_force_keeps_the_old_file(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    made(in_cloud, folder, "--no-cache")
    cloud.always(Refusing(TEXTS[2]))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache", "--force")

    assert result.status == 8
    assert_all_right(folder)


class Refusing:
    """An API that refuses one text for good."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, request: Request) -> Sequence[Step]:
        refused = request.json()["transcript"] == self._text
        return error(400, message="Not this one.") if refused else speech(request)


def test_the_second_run_asks_again_for_what_failed(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *TEXTS)
    cloud.always(Refusing(TEXTS[2]))
    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")
    cloud.requests.clear()
    cloud.always(speech)

    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert (first.status, second.status) == (8, 0)
    assert asked(cloud) == [TEXTS[2]]
    assert_all_right(folder)


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_identical_lines_are_asked_for_once(in_cloud: Program, cloud: Cloud, folder: Path, jobs: str) -> None:
    texts = ["The same words."] * 6 + ["Other words."]
    write(folder, *texts)
    cloud.always(Crowd(seconds=0.2))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", jobs)

    assert result.status == 0
    assert Counter(asked(cloud)) == {"The same words.": 1, "Other words.": 1}
    assert_all_right(folder, texts)


def test_identical_lines_whose_first_try_fails_still_become_files(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *["The same words."] * 3)
    cloud.next(error(400, message="Not now."))

    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "3")
    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "3")

    assert first.status == 8
    assert second.status == 0
    assert_all_right(folder, ["The same words."] * 3)


# Two runs at the same time


def test_a_second_run_in_the_same_folder_is_refused_and_says_why(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *TEXTS)
    gate = Gate()
    cloud.next([gate])
    running = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "1")
    assert gate.reached.wait(10)
    n_asked = len(asked(cloud))

    second = in_cloud("batch", ROOM, "-o", "out", *RAW)
    n_asked_by_second = len(asked(cloud)) - n_asked
    dry = in_cloud("batch", ROOM, "-o", "out", *RAW, "--dry-run")
    elsewhere = in_cloud("batch", ROOM, "-o", "elsewhere", *RAW)
    running.send(signal.SIGKILL)
    running.wait()
    after = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert (second.status, second.stdout) == (7, b"")
    assert "out" in second.stderr
    assert str(running.pid) in second.stderr or "another" in second.stderr.lower()
    assert n_asked_by_second == 0
    assert (dry.status, elsewhere.status, after.status) == (0, 0, 0)
    assert_all_right(folder)


def test_shards_make_everything_exactly_once(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(20)
    write(folder, *texts)

    results = [
        in_cloud("batch", ROOM, "-o", "out", *RAW, "--shard", f"{i}/3", "--json", "--no-cache")
        for i in (1, 2, 3)
    ]
    whole = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache", "--json")

    assert [result.status for result in results] == [0, 0, 0]
    shares = [[event["line"] for event in result.events] for result in results]
    assert sorted(line for share in shares for line in share) == list(range(1, 21))
    assert all(6 <= len(share) <= 7 for share in shares)
    assert sorted(asked(cloud)) == sorted(texts)
    assert [event["status"] for event in whole.events] == ["skipped"] * 20
    assert_all_right(folder, texts)


def test_shards_may_run_side_by_side(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(24)
    write(folder, *texts)
    together = threading.Barrier(3, timeout=10)
    count = iter(range(1000))

    def when_all_have_begun(request: Request) -> Sequence[Step]:
        if next(count) < 3:  # each run asks for one at a time
            together.wait()
        return speech(request)

    cloud.always(when_all_have_begun)
    running = [
        in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "1", "--no-cache", "--shard", f"{i}/3")
        for i in (1, 2, 3)
    ]
    results = [each.wait() for each in running]

    assert [result.status for result in results] == [0, 0, 0], [result.stderr for result in results]
    assert sorted(asked(cloud)) == sorted(texts)
    assert_all_right(folder, texts)


@pytest.mark.parametrize("options", [(), ("--shard", "1/2")], ids=["the whole", "the same shard"])
def test_what_a_shard_does_may_not_be_done_beside_it(
    in_cloud: Program, cloud: Cloud, folder: Path, options: tuple[str, ...]
) -> None:
    write(folder, *TEXTS)
    gate = Gate()
    cloud.next([gate])
    running = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "1", "--shard", "1/2")
    assert gate.reached.wait(10)

    beside = in_cloud("batch", ROOM, "-o", "out", *RAW, *options)
    running.send(signal.SIGKILL)
    running.wait()

    assert beside.status == 7, beside.stderr


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1/0", "-1/3", "1", "1/2/3", "a/b", "1.5/3", "", "/", "1/"])
def test_a_shard_that_is_none_is_refused(in_cloud: Program, cloud: Cloud, folder: Path, shard: str) -> None:
    write(folder, *TEXTS)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, f"--shard={shard}")

    assert (result.status, result.stdout) == (2, b"")
    assert cloud.requests == []
    assert not (folder / "out").exists()


def test_mistakes_in_the_lines_of_other_shards_count(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.", "...")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--shard", "1/2")

    assert result.status == 2
    assert cloud.requests == []


def test_more_shards_than_lines_are_fine(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.")

    results = [in_cloud("batch", ROOM, "-o", "out", *RAW, "--shard", f"{i}/3") for i in (1, 2, 3)]

    assert [result.status for result in results] == [0, 0, 0]
    assert asked(cloud) == ["Good day."]


def test_nothing_is_left_beside_the_files(in_cloud: Program, folder: Path) -> None:
    made(in_cloud, folder)

    assert parts(folder) == parts(in_cloud.home) == []
    wait_until(lambda: not list((folder / "out").glob("*-wal")))
