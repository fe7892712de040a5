"""``cartesia batch`` is interrupted, killed, or has nowhere to write: cli.md section 8."""

import json
import os
import resource
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.cli.batching import RAW, Crowd, asked, files, holds, parts, sentences, speech, write
from tests.cli.cloud import Cloud, error
from tests.cli.conftest import Begin
from tests.cli.program import WITHOUT_PRIVILEGE, Program, Running, wait_until
from tests.fakes.scripted import Gate, Request, Step, chunked

ROOM = "lines.jsonl"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can arrange this")
STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def assert_all_right(folder: Path, texts: Sequence[str]) -> None:
    """Check that there is a file for each text, that each is its speech, and that there is nothing else."""
    assert files(folder) == [f"{i:06}.raw" for i in range(1, len(texts) + 1)]
    assert all(holds(folder / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))
    assert parts(folder) == []


class Held:
    """Says these texts at once; the others get some sound, and then nothing for as long as a test likes."""

    def __init__(self, at_once: Sequence[str]) -> None:
        self.gates: list[Gate] = []
        self._at_once = at_once

    def __call__(self, request: Request) -> Sequence[Step]:
        if request.json()["transcript"] in self._at_once:
            return speech(request)
        gate = Gate()
        self.gates.append(gate)
        return chunked(bytes(4000), gate, bytes(4000))

    @property
    def n_waiting(self) -> int:
        """How many answers are half given."""
        return sum(gate.reached.is_set() for gate in self.gates)


def interrupted(program: Program, cloud: Cloud, folder: Path, *options: str) -> Running:
    """Start a run over twelve lines and return when five are done and two are half done."""
    write(folder, *sentences(12))
    held = Held(sentences(12)[:5])
    cloud.always(held)
    running = program.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "2", *options)
    wait_until(lambda: len(files(folder / "out")) == 5 and held.n_waiting == 2 and len(parts(folder)) >= 2)
    return running


@pytest.mark.parametrize("options", [(), ("--no-cache",)], ids=["cache", "no cache"])
@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_after_a_signal_the_next_run_does_the_rest(
    in_cloud: Program,
    cloud: Cloud,
    folder: Path,
    number: signal.Signals,
    status: int,
    options: tuple[str, ...],
) -> None:
    running = interrupted(in_cloud, cloud, folder, *options)
    running.send(number)
    result = running.wait(10)
    left = files(folder / "out")
    unfinished = [*parts(folder), *parts(in_cloud.home)]
    cloud.requests.clear()
    cloud.always(speech)

    again = in_cloud("batch", ROOM, "-o", "out", *RAW, *options)

    texts = sentences(12)
    assert result.status == status
    assert result.stdout == b""
    assert len(result.lines) <= 2
    assert left == [f"{i:06}.raw" for i in range(1, 6)]
    assert unfinished == []
    assert again.status == 0
    assert sorted(asked(cloud)) == texts[5:]
    assert_all_right(folder / "out", texts)


@pytest.mark.parametrize("number", STATUSES, ids=["Ctrl-C", "SIGTERM"])
def test_an_answer_that_ends_with_its_connection_is_not_whole_because_we_left(
    in_cloud: Program, cloud: Cloud, folder: Path, number: signal.Signals
) -> None:
    write(folder, *sentences(2))
    gates = [Gate(), Gate()]
    waiting = iter(gates)

    def begin(_request: Request) -> Sequence[Step]:
        return [b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\n\r\n", bytes(4000), next(waiting), bytes(40)]

    cloud.always(begin)
    running = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "2")
    wait_until(lambda: all(gate.reached.is_set() for gate in gates) and len(parts(folder)) == 2)

    running.send(number)
    result = running.wait(10)
    cloud.always(speech)
    again = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert result.status == STATUSES[number]
    assert again.status == 0
    assert_all_right(folder / "out", sentences(2))


def test_a_signal_ends_a_run_soon(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    running = interrupted(in_cloud, cloud, folder)

    running.send(signal.SIGINT)
    running.wait(4)

    assert parts(folder) == []


def test_a_second_ctrl_c_is_no_worse_than_the_first(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    running = interrupted(in_cloud, cloud, folder)

    running.send(signal.SIGINT)
    running.send(signal.SIGINT)
    result = running.wait(10)

    assert result.status == 130
    assert parts(folder) == []


def test_ctrl_c_ends_a_pause_that_the_service_asked_for(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *sentences(4))
    cloud.always(error(429, headers=[("Retry-After", "50")]))
    running = in_cloud.start("batch", ROOM, "-o", "out", *RAW, "--jobs", "2")
    wait_until(lambda: len(asked(cloud)) >= 1)

    running.send(signal.SIGINT)

    assert running.wait(5).status == 130


def test_ctrl_c_ends_the_wait_for_a_manifest(begin: Begin, cloud: Cloud, folder: Path) -> None:
    running, pipe = begin("batch", "-", "--manifest-format", "txt", "-o", "out", *RAW, env=cloud.env)
    pipe.write("Good day.\n")

    running.send(signal.SIGINT)

    assert running.wait(5).status == 130
    assert cloud.requests == []
    assert files(folder) == []


def test_a_report_is_written_of_an_interrupted_run(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    running = interrupted(in_cloud, cloud, folder, "--report", "r.json")

    running.send(signal.SIGINT)
    result = running.wait(10)

    assert result.status == 130
    assert json.loads((folder / "r.json").read_text())["counts"] == {
        "done": 5,
        "skipped": 0,
        "failed": 0,
        "left": 7,
    }
    assert parts(folder) == []


def test_the_built_in_engine_leaves_no_children_behind(run: Program, folder: Path) -> None:
    write(
        folder,
        *(f"Here is number {i}, and it goes on for quite a while, so that it takes time." for i in range(40)),
    )
    running = run.start("batch", ROOM, "-o", "out", "--engine", "local", "--jobs", "2")
    wait_until(lambda: len(files(folder / "out")) >= 1, timeout=30)
    family = members(running.pid)

    running.send(signal.SIGINT)
    result = running.wait(10)

    assert result.status == 130
    assert len(family) >= 2
    wait_until(lambda: not members(running.pid))
    assert parts(folder) == []


def members(session: int) -> list[int]:
    """Return the processes of a session; each run of the program has one of its own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def test_children_end_with_a_run_that_was_killed(run: Program, folder: Path) -> None:
    write(
        folder,
        *(f"Here is number {i}, and it goes on for quite a while, so that it takes time." for i in range(40)),
    )
    running = run.start("batch", ROOM, "-o", "out", "--engine", "local", "--jobs", "2")
    wait_until(lambda: len(files(folder / "out")) >= 1, timeout=30)

    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not members(running.pid))

    assert running.wait(10).status == 137


# kill -9


@pytest.mark.parametrize("options", [(), ("--no-cache",)], ids=["cache", "no cache"])
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_moment_of_a_kill_nothing_is_asked_for_twice(
    in_cloud: Program, cloud: Cloud, folder: Path, options: tuple[str, ...], seed: int
) -> None:
    chance = Random(seed)  # noqa: S311  a die
    texts = sentences(60)
    write(folder, *texts)
    cloud.always(Crowd(seconds=0.005))
    command = ("batch", ROOM, "-o", "out", *RAW, "--jobs", "3", *options)
    n_killed = 0
    for _ in range(4):
        done = (
            {texts[int(name[:6]) - 1] for name in files(folder / "out")}
            if (folder / "out").exists()
            else set()
        )
        cloud.requests.clear()
        running = in_cloud.start(*command)
        n_before = chance.randrange(1, 14)
        moment = chance.uniform(0, 0.02)
        wait_until(lambda n=n_before: len(cloud.requests) >= n)  # type: ignore[misc]
        threading.Event().wait(moment)
        running.send(signal.SIGKILL)
        n_killed += running.wait().status == 137
        assert done.isdisjoint(asked(cloud))
        whole = [
            name
            for name in files(folder / "out")
            if not holds(folder / "out" / name, texts[int(name[:6]) - 1])
        ]
        assert whole == []
    done = {texts[int(name[:6]) - 1] for name in files(folder / "out")}
    cloud.requests.clear()

    last = in_cloud(*command)

    assert n_killed == 4
    assert last.status == 0, last.stderr
    assert done.isdisjoint(asked(cloud))
    assert 0 < len(done) < 60
    assert_all_right(folder / "out", texts)


def test_a_killed_run_does_not_lock_its_folder(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    running = interrupted(in_cloud, cloud, folder)
    running.send(signal.SIGKILL)
    running.wait()
    n_left = len(parts(folder))
    cloud.always(speech)

    again = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert n_left >= 2
    assert again.status == 0
    assert_all_right(folder / "out", sentences(12))


# Nowhere to write


def test_a_folder_that_may_not_be_written_is_known_before_anything_is_asked(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *sentences(3))
    (folder / "locked").mkdir(mode=0o500)

    inside = in_cloud("batch", ROOM, "-o", "locked", *RAW, wrapper=WITHOUT_PRIVILEGE)
    below = in_cloud("batch", ROOM, "-o", "locked/out", *RAW, wrapper=WITHOUT_PRIVILEGE)

    assert (inside.status, below.status) == (7, 7)
    assert "locked" in inside.stderr
    assert "locked" in below.stderr
    assert cloud.requests == []


@ROOT_ONLY
def test_a_full_disk_ends_the_run_and_leaves_whole_files(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(40)
    write(folder, *texts)
    (folder / "full").mkdir()
    (folder / "left").mkdir()
    script = 'mount -t tmpfs -o size=256k none full && "$@"; status=$?; cp -a full/. left; exit $status'

    result = in_cloud(
        "batch", ROOM, "-o", "full", *RAW, "--jobs", "2", wrapper=["unshare", "-m", "sh", "-c", script, "sh"]
    )

    assert result.status == 7, result.stderr
    assert "space" in result.stderr
    assert parts(folder / "left") == []
    kept = files(folder / "left")
    assert 0 < len(kept) < 40
    assert all(holds(folder / "left" / name, texts[int(name[:6]) - 1]) for name in kept)
    assert len(asked(cloud)) < 30


def test_a_file_too_large_for_its_limit_fails_without_a_trace(in_cloud: Program, folder: Path) -> None:
    write(folder, "Short.", "A long text, " * 100 + "and done.")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache", limits={resource.RLIMIT_FSIZE: 600_000})

    assert result.status == 8
    assert files(folder / "out") == ["000001.raw"]
    assert parts(folder) == []


# Readers that go away


def test_a_reader_of_json_that_leaves_is_141_and_the_next_run_goes_on(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(20)
    write(folder, *texts)
    gate = Gate()
    count = iter(range(1000))
    cloud.always(
        lambda request: (
            [gate, *speech(request)] if next(count) >= 4 and not gate.opened.is_set() else speech(request)
        )
    )
    reader, writer = os.pipe()
    running = in_cloud.start(
        "batch", ROOM, "-o", "out", *RAW, "--jobs", "1", "--json", "--no-cache", stdout=writer
    )
    first = os.read(reader, 10)
    os.close(reader)
    gate.open()
    result = running.wait()
    done = files(folder / "out")
    cloud.requests.clear()

    again = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert first.startswith(b'{"line"')
    assert (result.status, result.stderr) == (141, "")
    assert parts(folder) == []
    assert again.status == 0
    assert len(asked(cloud)) == 20 - len(done)
    assert 0 < len(done) < 20
    assert_all_right(folder / "out", texts)
