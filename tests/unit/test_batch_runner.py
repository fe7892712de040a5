"""Many jobs on a few threads: order, failures, stopping, and how far ahead of its consumer a run is."""

import gc
import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest

from cartesia_cli.batch.runner import Outcome, StoppedError, run_jobs
from cartesia_cli.errors import CredentialsError, LimitError, RequestError, UnavailableError, UsageError

PATIENCE = 10.0


def refusal(*, is_passing: bool | None) -> LimitError:
    error = LimitError("No more.")
    error.is_passing = is_passing
    return error


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, which has to come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "job"}


@pytest.fixture(autouse=True)
def no_worker_stays() -> Iterator[None]:
    before = workers()
    yield
    until(lambda: not workers() - before)


@pytest.mark.parametrize("n_workers", [1, 2, 7, 50])
def test_outcomes_have_the_order_of_the_jobs(n_workers: int) -> None:
    dice = random.Random(n_workers)  # noqa: S311  to vary the order in which they end

    def work(job: int) -> int:
        time.sleep(dice.random() / 500)
        return -job

    outcomes = list(run_jobs(range(300), work, n_workers=n_workers))

    assert outcomes == [Outcome(job, -job) for job in range(300)]


def test_no_jobs_have_no_outcomes_and_need_no_thread() -> None:
    before = workers()

    assert list(run_jobs([], str, n_workers=4)) == []
    assert workers() <= before


def test_there_are_no_more_threads_than_jobs_and_no_more_than_workers() -> None:
    for n_jobs, n_workers, most in [(2, 50, 2), (50, 3, 3)]:
        run = run_jobs(range(n_jobs), lambda _: threading.get_ident(), n_workers=n_workers)
        names = {outcome.result for outcome in run}
        assert 1 <= len(names) <= most


def test_as_many_jobs_are_under_way_as_there_are_workers() -> None:
    all_there = threading.Barrier(5, timeout=PATIENCE)

    outcomes = list(run_jobs(range(20), lambda _: all_there.wait() >= 0, n_workers=5))

    assert all(outcome.result for outcome in outcomes)


def test_a_failure_is_an_outcome_and_the_others_go_on() -> None:
    def work(job: int) -> int:
        if job == 3:
            raise RequestError("No such voice.")
        if job == 5:
            raise refusal(is_passing=True)
        return job

    outcomes = list(run_jobs(range(8), work, n_workers=3))

    assert [outcome.job for outcome in outcomes if outcome.error] == [3, 5]
    assert [outcome.result for outcome in outcomes if not outcome.error] == [0, 1, 2, 4, 6, 7]


def collect(run: Iterable[Outcome[Any, Any]]) -> tuple[list[Outcome[Any, Any]], BaseException | None]:
    """Return what a run yields, and what it raises after that."""
    outcomes: list[Outcome[Any, Any]] = []
    try:
        for outcome in run:
            outcomes.append(outcome)  # noqa: PERF402  what came before the exception is wanted
    except BaseException as error:  # noqa: BLE001  it is looked at
        return outcomes, error
    return outcomes, None


@pytest.mark.parametrize(
    "failure", [CredentialsError("No key."), refusal(is_passing=False), ZeroDivisionError("a bug")], ids=str
)
def test_what_would_fail_every_job_is_raised_after_all_that_was_begun_is_told(failure: Exception) -> None:
    stop = threading.Event()
    both_began = threading.Barrier(2, timeout=PATIENCE)

    def work(job: int) -> int:
        if job == 2:
            both_began.wait()
            raise failure
        if job == 3:  # under way as it happens, and paid for
            both_began.wait()
            assert stop.wait(PATIENCE)
        return job

    outcomes, error = collect(run_jobs(itertools.count(), work, n_workers=2, ahead=9, stop=stop))

    assert error is failure
    assert outcomes[:4] == [Outcome(0, 0), Outcome(1, 1), Outcome(2, is_left=True), Outcome(3, 3)]
    assert outcomes[4:] == [Outcome(job, is_left=True) for job in range(4, len(outcomes))]
    assert len(outcomes) >= 10
    assert stop.is_set()


def unanswered() -> UnavailableError:
    error = UnavailableError("Nobody answers.")
    error.is_passing = True
    return error


def test_a_run_ends_where_nobody_answers_any_job() -> None:
    def work(_job: int) -> int:
        raise unanswered()

    outcomes, error = collect(run_jobs(itertools.count(), work, n_workers=4, ahead=100))

    assert isinstance(error, UnavailableError)
    assert 11 <= sum(outcome.error is not None for outcome in outcomes) <= 15
    assert all(outcome.error is not None or outcome.is_left for outcome in outcomes)


def test_answers_in_between_keep_a_run_going() -> None:
    def work(job: int) -> int:
        if job % 10:
            raise unanswered()
        return job

    outcomes = list(run_jobs(range(300), work, n_workers=2))

    assert sum(outcome.error is not None for outcome in outcomes) == 270


def test_what_is_wrong_with_files_ends_no_run() -> None:
    def work(_job: int) -> int:
        raise UnavailableError("It is silent.")

    outcomes = list(run_jobs(range(100), work, n_workers=2))

    assert sum(outcome.error is not None for outcome in outcomes) == 100


def test_what_has_an_outcome_keeps_its_place() -> None:
    items: list[int | Outcome[int, int]] = [0, Outcome(1, 100), 2, Outcome(3, 300), Outcome(4, 400)]

    outcomes = list(run_jobs(items, lambda job: -job, n_workers=2))

    assert outcomes == [Outcome(0, 0), Outcome(1, 100), Outcome(2, -2), Outcome(3, 300), Outcome(4, 400)]


def test_a_mistake_in_the_jobs_is_raised_after_those_before_it() -> None:
    mistake = UsageError("Line 3 cannot be read.")

    def jobs() -> Iterator[int]:
        yield from (1, 2)
        raise mistake

    outcomes, error = collect(run_jobs(jobs(), str, n_workers=1))

    assert error is mistake
    assert [outcome.job for outcome in outcomes] == [1, 2]


def test_a_run_that_is_stopped_waits_for_what_runs_and_leaves_the_rest() -> None:
    stop = threading.Event()
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for job in itertools.count():
            taken.append(job)
            yield job

    def work(job: int) -> int:
        if job == 5:
            stop.set()
        return job

    outcomes = list(run_jobs(jobs(), work, n_workers=1, ahead=3, stop=stop))

    assert outcomes[:6] == [Outcome(job, job) for job in range(6)]
    assert outcomes[6:]
    assert all(outcome.is_left and outcome.result is None for outcome in outcomes[6:])
    assert [outcome.job for outcome in outcomes] == taken


def test_nothing_is_read_once_the_run_was_stopped() -> None:
    stop = threading.Event()
    stop.set()

    assert list(run_jobs(itertools.count(), str, n_workers=2, stop=stop)) == []


def test_work_that_gave_up_because_of_the_stop_is_left() -> None:
    def work(_: int) -> int:
        raise StoppedError

    assert list(run_jobs([1, 2], work, n_workers=2)) == [Outcome(1, is_left=True), Outcome(2, is_left=True)]


def test_a_run_that_ends_in_order_does_not_stop_others() -> None:
    stop = threading.Event()

    list(run_jobs(range(9), str, n_workers=2, stop=stop))

    assert not stop.is_set()


@pytest.mark.parametrize("ahead", [0, 1, 5, None])
def test_no_more_jobs_are_held_than_allowed(ahead: int | None) -> None:
    n_read = 0

    def jobs() -> Iterator[int]:
        nonlocal n_read
        for job in range(3_000):
            n_read += 1
            yield job

    allowed = 4 + 512 if ahead is None else ahead
    for n_told, _ in enumerate(run_jobs(jobs(), str, n_workers=4, ahead=ahead), start=1):
        assert n_read <= n_told + allowed


def test_a_slow_job_at_the_head_does_not_keep_the_others_waiting() -> None:
    n_ended = 0
    others_ended = threading.Event()

    def work(job: int) -> bool:
        nonlocal n_ended
        if job == 0:
            return others_ended.wait(PATIENCE)
        n_ended += 1  # one other worker alone
        if n_ended == 500:
            others_ended.set()
        return True

    assert sum(bool(outcome.result) for outcome in run_jobs(range(1_000), work, n_workers=2)) == 1_000


@pytest.mark.parametrize("end", ["close", "exception", "collected"])
def test_a_run_that_is_left_early_stops_without_waiting(end: str) -> None:
    stop = threading.Event()
    release = threading.Event()
    began: list[int] = []

    def work(job: int) -> int:
        began.append(job)
        if job:
            release.wait(PATIENCE)
        return job

    run = run_jobs(itertools.count(), work, n_workers=3, stop=stop)
    next(run)
    until(lambda: len(began) == 4)
    match end:
        case "close":
            run.close()
        case "exception":
            with pytest.raises(KeyboardInterrupt):
                run.throw(KeyboardInterrupt)
        case _:
            del run
            gc.collect()

    assert stop.is_set()
    assert not release.is_set()
    release.set()
    until(lambda: not any(thread.is_alive() for thread in workers()))
    assert began == sorted(began)
    assert len(began) == 4


def test_a_program_ends_after_ctrl_c_with_the_job_that_runs() -> None:
    program = """if True:
        import itertools, os, signal, sys, threading, time
        from cartesia_cli.batch.runner import run_jobs

        def work(job):
            if job == 5:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)
                print("finished", flush=True)
            time.sleep(0.01)

        for outcome in run_jobs(itertools.count(), work, n_workers=1):
            pass
    """

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert ended.stdout == "finished\n"
    assert "KeyboardInterrupt" in ended.stderr


def run_where_threads_are_few(megabytes: int) -> list[str]:
    """Return what a program says of 100 jobs, which has so much room left for threads of 512 MB each."""
    program = f"""if True:
        import re, resource, threading, time
        from pathlib import Path
        from cartesia_cli.batch.runner import run_jobs
        from cartesia_cli.errors import UnavailableError

        seen = set()

        def work(job):
            seen.add(threading.get_ident())
            time.sleep(0.001)
            return -job

        used = int(re.search(r"VmSize:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
        threading.stack_size(512 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (used + ({megabytes} << 20), resource.RLIM_INFINITY))
        try:
            results = [outcome.result for outcome in run_jobs(range(100), work, n_workers=50)]
            print(results == [-job for job in range(100)])
            print(len(seen))
        except UnavailableError as error:
            print(error)
            print(error.hint)
    """
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no such limit")
def test_fewer_threads_than_workers_do_all_the_jobs() -> None:
    are_right, n_threads = run_where_threads_are_few(megabytes=2_000)

    assert are_right == "True"
    assert 0 < int(n_threads) < 10


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory has no such limit")
def test_without_any_thread_it_is_said_what_is_missing() -> None:
    message, hint = run_where_threads_are_few(megabytes=200)

    assert message == "No thread can be started: can't start new thread."
    assert "memory" in hint
    assert "limit" in hint


def test_a_job_costs_little_and_is_forgotten() -> None:
    n_jobs = 20_000
    began = time.process_time()
    gc.collect()
    n_before = len(gc.get_objects())
    with closing(run_jobs(map(Job, range(n_jobs)), Job.double, n_workers=4)) as run:
        for number, outcome in enumerate(run):
            assert outcome.result == 2 * number
            if number % 5_000 == 4_999:
                assert len(gc.get_objects()) - n_before < 20_000
    assert (time.process_time() - began) / n_jobs < 200e-6


class Job:
    """One that the garbage collector can count."""

    def __init__(self, number: int) -> None:
        self.number = number

    def double(self) -> int:
        return 2 * self.number
