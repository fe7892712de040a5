"""Several runs take turns at the loudspeaker: cli.md section 4."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cli.cloud import pcm, samples
from tests.cli.program import Program, Running, assert_failure
from tests.fakes.soundserver import SoundServer, require_sound

RATE = 44_100
FIRST, SECOND, THIRD = "The first of the three.", "And a second one!", "Third at last"
LONG = FIRST * 10
"""Text of 11.5 seconds."""


@pytest.fixture(scope="module")
def loudspeaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound"), sample_rate=RATE) as server:
        yield server


@pytest.fixture
def program(in_cloud: Program, loudspeaker: SoundServer) -> Program:
    """The program, with the API and a loudspeaker that is silent so far."""
    in_cloud.env.update(loudspeaker.environ)
    loudspeaker.forget()
    return in_cloud


def start(program: Program, text: str, *options: str) -> Running:
    return program.start("say", text, "--play", *options)


def wait_in_line(program: Program, running: Running) -> None:
    """Wait until a run waits for the others."""
    deadline = time.monotonic() + 10
    while not list((program.home / "cartesia").glob(f"waiting-*-{running.pid}")):
        assert time.monotonic() < deadline, "it does not wait"
        time.sleep(0.005)


def utterances(loudspeaker: SoundServer) -> list[NDArray[np.float32]]:
    """Return what was heard, cut where it was silent for a hundredth of a second."""
    heard = loudspeaker.record()[:, 0]
    (sounding,) = np.nonzero(np.abs(heard) > 0.001)
    cuts = np.flatnonzero(np.diff(sounding) > RATE // 100) + 1
    return [heard[part[0] : part[-1] + 1] for part in np.split(sounding, cuts) if part.size]


def is_all_of(heard: NDArray[np.float32], text: str) -> bool:
    """Return whether exactly a text was heard; where its wave begins with silence, without that."""
    (loud,) = np.nonzero(np.abs(samples(text, RATE)) > 0.001)
    return np.array_equal(heard, samples(text, RATE)[loud[0] : loud[-1] + 1])


def test_one_is_heard_after_the_other(program: Program, loudspeaker: SoundServer) -> None:
    first = start(program, FIRST)
    loudspeaker.wait_for_sound()
    second = start(program, SECOND)
    wait_in_line(program, second)
    third = start(program, THIRD)

    results = [running.wait() for running in (first, second, third)]

    assert [(result.status, result.stderr) for result in results] == [(0, "")] * 3
    heard = utterances(loudspeaker)
    assert [is_all_of(one, text) for one, text in zip(heard, (FIRST, SECOND, THIRD), strict=True)] == [
        True
    ] * 3


def test_cutting_in_silences_the_other_whose_files_are_whole(
    program: Program, loudspeaker: SoundServer, folder: Path
) -> None:
    first = start(program, LONG, "-o", "long.pcm")
    loudspeaker.wait_for_sound()

    second = start(program, SECOND, "--interrupt")
    results = [running.wait() for running in (second, first)]

    assert [result.status for result in results] == [0, 0]
    assert results[0].stderr == ""
    assert results[1].lines == ["cartesia: another cartesia took over the loudspeaker"]
    assert (folder / "long.pcm").read_bytes() == pcm(LONG)
    before, after = utterances(loudspeaker)
    assert len(before) < len(samples(LONG, RATE)) / 2
    assert is_all_of(after, SECOND)
    assert results[1].seconds < 8


def test_one_that_was_cut_off_and_writes_nothing_else_ends_at_once(
    program: Program, loudspeaker: SoundServer
) -> None:
    first = start(program, LONG)
    loudspeaker.wait_for_sound()
    second = start(program, THIRD, "--interrupt")

    ended = first.wait()

    assert ended.status == 0
    assert ended.seconds < 5
    assert second.wait().status == 0


def test_the_wait_is_bounded_and_names_the_holder(program: Program, loudspeaker: SoundServer) -> None:
    first = start(program, LONG)
    loudspeaker.wait_for_sound()

    second = start(program, SECOND, "--wait", "0.2").wait()

    assert_failure(second, 7, "cartesia say", str(first.pid), "--interrupt")
    assert FIRST not in second.stderr
    first.send(signal.SIGINT)
    assert first.wait().status == 130


def test_one_that_is_killed_lets_the_next_one_speak_at_once(
    program: Program, loudspeaker: SoundServer
) -> None:
    first = start(program, LONG)
    loudspeaker.wait_for_sound()
    second = start(program, THIRD)
    wait_in_line(program, second)

    first.send(signal.SIGKILL)
    killed = time.monotonic()
    loudspeaker.wait(lambda: len(utterances(loudspeaker)) > 1, "the second to be heard")
    took = time.monotonic() - killed

    assert second.wait().status == 0
    assert first.wait().status == 137
    assert is_all_of(utterances(loudspeaker)[1], THIRD)
    assert took < 2


def test_ctrl_c_ends_the_wait_for_the_others(program: Program, loudspeaker: SoundServer) -> None:
    first = start(program, LONG)
    loudspeaker.wait_for_sound()
    second = start(program, SECOND)
    wait_in_line(program, second)

    second.send(signal.SIGINT)
    result = second.wait()

    assert (result.status, result.stderr) == (130, "")
    assert not list((program.home / "cartesia").glob("waiting-*"))
    first.send(signal.SIGINT)
    first.wait()


def test_where_no_turns_can_be_taken_it_is_heard_without(program: Program, loudspeaker: SoundServer) -> None:
    (program.home / "cartesia").touch()

    result = start(program, THIRD).wait()

    assert (result.status, result.stderr) == (0, "")
    assert is_all_of(utterances(loudspeaker)[0], THIRD)
