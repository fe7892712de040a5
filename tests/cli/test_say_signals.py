"""Ctrl-C, SIGTERM, SIGKILL and readers that go away: cli.md section 8."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud, chunk, pcm
from tests.cli.program import Program, Running, wait_until
from tests.fakes.scripted import HANG, Gate, Step, chunked, sse

TEXT = "A sentence that takes a while."
SOUND = pcm(TEXT)
HALF = len(SOUND) // 8 * 4


def parts(folder: Path) -> list[Path]:
    """Return the unfinished files in a folder."""
    return sorted(folder.glob(".*.cartesia-part"))


@contextmanager
def speaking(program: Program, cloud: Cloud, *options: str) -> Iterator[tuple[Running, Gate]]:
    """Start a run and wait until half of its sound has been written."""
    gate = Gate()
    half, rest = SOUND[:HALF], SOUND[HALF:]
    answer: list[Step] = (
        sse(chunk(half), gate, chunk(rest), HANG) if "sse" in options else chunked(half, gate, rest)
    )
    cloud.next(answer)
    running = program.start("say", TEXT, *options)
    assert gate.reached.wait(10)
    yield running, gate
    gate.open()


STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("transport", ["bytes", "sse"])
@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_in_mid_stream_leaves_nothing(
    in_cloud: Program, cloud: Cloud, folder: Path, number: signal.Signals, status: int, transport: str
) -> None:
    options = ["-o", "a.wav", "-o", "b.flac", "-o", "c.pcm", "--transport", transport]
    with speaking(in_cloud, cloud, *options) as (running, _):
        wait_until(lambda: len(parts(folder)) >= 3)
        sent = time.monotonic()
        running.send(number)
        result = running.wait()
        took = time.monotonic() - sent

    assert result.status == status
    assert result.stdout == b""
    assert len(result.lines) <= 1
    assert list(folder.iterdir()) == []
    assert took < 2


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_keeps_the_old_file(
    in_cloud: Program, cloud: Cloud, folder: Path, number: signal.Signals, status: int
) -> None:
    (folder / "a.pcm").write_bytes(b"old")
    with speaking(in_cloud, cloud, "-o", "a.pcm", "--timings", "a.srt", "--transport", "sse") as (running, _):
        running.send(number)
        result = running.wait()

    assert result.status == status
    assert [p.name for p in folder.iterdir()] == ["a.pcm"]
    assert (folder / "a.pcm").read_bytes() == b"old"


def test_a_signal_while_nothing_has_come_yet(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    cloud.always([HANG])

    running = in_cloud.start("say", TEXT, "-o", "a.pcm")
    wait_until(lambda: bool(cloud.spoken))
    running.send(signal.SIGINT)
    result = running.wait()

    assert result.status == 130
    assert list(folder.iterdir()) == []


def test_a_second_ctrl_c_is_no_worse_than_the_first(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    with speaking(in_cloud, cloud, "-o", "a.wav") as (running, _):
        wait_until(lambda: bool(parts(folder)))
        running.send(signal.SIGINT)
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status == 130
    assert list(folder.iterdir()) == []


def test_ctrl_c_ends_a_pipe_too(in_cloud: Program, cloud: Cloud) -> None:
    with speaking(in_cloud, cloud, "-o", "-", "--format", "raw") as (running, _):
        assert running.stdout is not None
        running.stdout.wait_for(HALF)
        running.send(signal.SIGINT)
        result = running.wait()

    assert result.status == 130
    assert result.stdout == SOUND[:HALF]


def test_ctrl_c_ends_the_wait_for_text(in_cloud: Program, folder: Path) -> None:
    running = in_cloud.start("say", "-f", "-", "-o", "a.wav", tty=["stdin"])
    wait_until(lambda: "n_tty_read" in waiting_in(running) or "wait_woken" in waiting_in(running))
    running.send(signal.SIGINT)
    result = running.wait()

    assert result.status == 130
    assert list(folder.iterdir()) == []


def waiting_in(running: Running) -> str:
    """Return where in the kernel a run waits."""
    try:
        return Path(f"/proc/{running.pid}/wchan").read_text(encoding="utf-8")
    except OSError:
        return ""


def test_kill_leaves_no_file_under_the_name_and_the_next_run_clears_up(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    with speaking(in_cloud, cloud, "-o", "a.pcm") as (running, _):
        wait_until(lambda: bool(parts(folder)))
        running.send(signal.SIGKILL)
        killed = running.wait()
    left = sorted(p.name for p in folder.iterdir())

    again = in_cloud("say", TEXT, "-o", "a.pcm")

    assert killed.status == 137
    assert len(left) == 1
    assert left[0].startswith(".a.pcm.")
    assert left[0].endswith(".cartesia-part")
    assert again.status == 0
    assert [p.name for p in folder.iterdir()] == ["a.pcm"]
    assert (folder / "a.pcm").read_bytes() == SOUND


def test_what_a_killed_run_left_for_another_file_is_not_touched(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    with speaking(in_cloud, cloud, "-o", "a.pcm") as (running, _):
        wait_until(lambda: bool(parts(folder)))
        running.send(signal.SIGKILL)
        running.wait()

    assert in_cloud("say", TEXT, "-o", "b.pcm").status == 0

    assert len(parts(folder)) == 1


def test_a_run_that_still_lives_is_not_disturbed(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    with speaking(in_cloud, cloud, "-o", "a.pcm") as (running, gate):
        wait_until(lambda: bool(parts(folder)))
        cloud.next(chunked(SOUND[:400]))
        second = in_cloud("say", TEXT, "-o", "a.pcm")
        between = (folder / "a.pcm").read_bytes()
        gate.open()
        first = running.wait()

    assert second.status == 0
    assert between == SOUND[:400]
    assert first.status == 0
    assert [p.name for p in folder.iterdir()] == ["a.pcm"]
    assert (folder / "a.pcm").read_bytes() == SOUND


def test_a_file_is_not_seen_before_it_is_whole(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    with speaking(in_cloud, cloud, "-o", "a.wav") as (running, gate):
        wait_until(lambda: bool(parts(folder)))
        during = sorted(p.name for p in folder.iterdir())
        gate.open()
        result = running.wait()

    assert "a.wav" not in during
    assert result.status == 0
    assert [p.name for p in folder.iterdir()] == ["a.wav"]


# Readers that go away


def read_and_leave(running: Running, descriptor: int, n_bytes: int) -> None:
    """Read so much and close the pipe."""
    got = b""
    while len(got) < n_bytes and (data := os.read(descriptor, n_bytes - len(got))):
        got += data
    os.close(descriptor)
    assert running.pid > 0


@pytest.mark.parametrize("form", ["raw", "wav", "mp3", "flac", "opus"])
def test_a_reader_that_leaves_is_141_and_silence(in_cloud: Program, form: str) -> None:
    reader, writer = os.pipe()
    text = "A rather long sentence, so that the pipe is full before it ends. " * 40

    running = in_cloud.start("say", text, "-o", "-", "--format", form, stdout=writer)
    read_and_leave(running, reader, 1000)
    result = running.wait()

    assert result.status == 141
    assert result.stderr == ""


def test_a_reader_that_leaves_at_once_is_141(in_cloud: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    result = in_cloud.start("say", TEXT, "-o", "-", "--format", "raw", stdout=writer).wait()

    assert result.status == 141
    assert result.stderr == ""


@pytest.mark.parametrize("option", ["--json", "--events", "--dry-run", "--curl"])
def test_a_reader_of_text_that_leaves_is_141(in_cloud: Program, option: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    result = in_cloud.start("say", TEXT, "-o", "a.pcm", option, stdout=writer).wait()

    assert result.status == 141
    assert result.stderr == ""


def test_a_reader_that_leaves_takes_the_other_files_with_it(in_cloud: Program, folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    result = in_cloud.start("say", TEXT, "-o", "-", "-o", "a.wav", "--format", "raw", stdout=writer).wait()

    assert result.status == 141
    assert list(folder.iterdir()) == []


def test_a_reader_of_help_that_leaves_is_silence(run: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    result = run.start("say", "--help", stdout=writer, cold=True).wait()

    assert result.status == 141
    assert result.stderr == ""


def test_the_local_engine_minds_its_reader_and_signals_too(run: Program, folder: Path) -> None:
    reader, writer = os.pipe()
    text = "The local voice says a long text, sentence by sentence. " * 40

    piped = run.start("say", text, "-o", "-", "--format", "raw", "--engine", "local", stdout=writer)
    read_and_leave(piped, reader, 1000)
    left = piped.wait()
    filed = run.start("say", text * 4, "-o", "a.wav", "--engine", "local")
    wait_until(lambda: bool(parts(folder)))
    filed.send(signal.SIGINT)
    interrupted = filed.wait()

    assert (left.status, left.stderr) == (141, "")
    assert interrupted.status == 130
    assert list(folder.iterdir()) == []


def test_a_half_written_answer_is_seen_by_the_reader_at_once(in_cloud: Program, cloud: Cloud) -> None:
    with speaking(in_cloud, cloud, "-o", "-", "--format", "raw") as (running, gate):
        assert running.stdout is not None
        early = running.stdout.wait_for(HALF, timeout=5)
        gate.open()
        result = running.wait()

    assert early == SOUND[:HALF]
    assert result.status == 0
    assert result.stdout == SOUND
