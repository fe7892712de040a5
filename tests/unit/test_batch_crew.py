"""Jobs done in child processes: whatever becomes of a child, the others go on, and none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.making.crew import Crew, _work
from cartesia_cli.batch.making.workshop import Maker
from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from cartesia_cli.models import AudioFormat, Encoding, SpeechRequest
from tests.fakes.waiting import eventually

PATIENCE = 30
"""Seconds that a child may take to begin, beside many others."""

REQUEST = SpeechRequest("", "v", AudioFormat(Encoding.PCM_S16LE, 8_000))
OUTPUT = OutputFormat("wav", Encoding.PCM_S16LE, 8_000)


class StrangeError(Exception):
    """Like some of the libraries': made of two values, it remembers one; it may hold what is no value."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"{number} {what}")
        self.lock: object = None


@dataclass(frozen=True)
class Obedient:
    """Does what the text of a job says, and tells its process in a warning."""

    folder: Path

    def make(self, job: Job, /) -> Made:
        if job.text != "nothing":
            getattr(self, f"_{job.text}")()
        return Made("done", 1.5, warnings=(str(os.getpid()),))

    def close(self) -> None:
        (self.folder / f"closed-{os.getpid()}").touch()

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _fail(self) -> NoReturn:
        raise RequestError("No voice has this ID.", hint="List them.", code="not_found", retry_after=2.5)

    def _blunder(self) -> NoReturn:
        raise ZeroDivisionError("a blunder")

    def _stumble(self) -> NoReturn:
        raise StrangeError(7, "strange")

    def _choke(self) -> NoReturn:
        bug = StrangeError(7, "strange")
        bug.lock = threading.Lock()
        raise bug

    def _wait(self) -> None:
        """Work on a part until a file says that it is enough."""
        part = self.folder / f"part-{os.getpid()}"
        part.touch()
        try:
            assert eventually((self.folder / "enough").exists, PATIENCE)
        finally:
            part.unlink()

    def _hang(self) -> NoReturn:
        """Be deaf to whoever asks to leave."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (self.folder / f"part-{os.getpid()}").touch()
        while True:
            time.sleep(PATIENCE)


def job(text: str = "nothing") -> Job:
    return Job(1, None, "a.wav", (replace(REQUEST, transcript=text),), OUTPUT, (), "of-a")


def process_of(made: Made) -> int:
    return int(made.warnings[0])


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that nobody has buried does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def unable() -> Maker:
    raise UsageError("There is no voice on this machine.", hint="Install one.")


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with closing(Crew(partial(Obedient, tmp_path))) as opened:
        yield opened


@contextmanager
def busy(crew: Crew, folder: Path, *texts: str) -> Iterator[list[Future[Made]]]:
    """Have jobs done that have all begun."""
    with ThreadPoolExecutor(len(texts)) as pool:
        futures = [pool.submit(crew.make, job(text)) for text in texts]
        try:
            assert eventually(lambda: len(parts(folder)) == len(texts), PATIENCE)
            yield futures
        finally:
            (folder / "enough").touch()


def parts(folder: Path) -> list[int]:
    """Return the processes that are at work."""
    return sorted(int(path.name.removeprefix("part-")) for path in folder.glob("part-*"))


# ---- jobs


def test_a_child_does_one_job_after_the_other_and_is_closed_in_the_end(crew: Crew, tmp_path: Path) -> None:
    first, second = crew.make(job()), crew.make(job())
    crew.close()

    assert (first.status, first.duration) == ("done", 1.5)
    assert process_of(first) == process_of(second) != os.getpid()
    assert (tmp_path / f"closed-{process_of(first)}").exists()
    assert not is_alive(process_of(first))


def test_there_is_a_child_for_each_that_asks_at_once(crew: Crew, tmp_path: Path) -> None:
    with busy(crew, tmp_path, "wait", "wait") as futures:
        children = parts(tmp_path)

    assert sorted(process_of(future.result()) for future in futures) == children
    assert process_of(crew.make(job())) in children, "who is free is asked first"


def test_a_failure_reaches_the_parent_as_it_was_and_the_child_goes_on(crew: Crew) -> None:
    before = crew.make(job())

    with pytest.raises(RequestError, match=r"^No voice has this ID\.$") as caught:
        crew.make(job("fail"))

    error = caught.value
    assert (error.hint, error.code, error.retry_after) == ("List them.", "not_found", 2.5)
    assert process_of(crew.make(job())) == process_of(before)


def test_a_bug_reaches_the_parent_with_the_place_where_it_is(crew: Crew) -> None:
    before = crew.make(job())

    with pytest.raises(ZeroDivisionError) as caught:
        crew.make(job("blunder"))

    [note] = caught.value.__notes__
    assert str(caught.value) == "a blunder"
    assert "in _blunder" in note
    assert Path(__file__).name in note
    assert process_of(crew.make(job())) == process_of(before)


@pytest.mark.parametrize("text", ["stumble", "choke"])
def test_a_bug_that_cannot_be_carried_is_told_all_the_same(crew: Crew, text: str) -> None:
    before = crew.make(job())

    with pytest.raises(RuntimeError) as caught:
        crew.make(job(text))

    [note] = caught.value.__notes__
    assert str(caught.value) == "StrangeError: 7 strange"
    assert f"in _{text}" in note
    assert process_of(crew.make(job())) == process_of(before)


def test_a_maker_that_cannot_be_opened_fails_every_job_and_says_why() -> None:
    with closing(Crew(unable)) as crew:
        for _ in range(2):
            with pytest.raises(UsageError, match="no voice on this machine") as caught:
                crew.make(job())

    assert caught.value.hint == "Install one."


def test_a_job_that_kills_its_child_fails_alone(crew: Crew, tmp_path: Path) -> None:
    with busy(crew, tmp_path, "wait") as [other]:
        [steady] = parts(tmp_path)
        with pytest.raises(UnavailableError, match=r"broke down \(SIGKILL\)\.$") as caught:
            crew.make(job("die"))
        after = crew.make(job())

    assert caught.value.hint is not None
    assert process_of(other.result()) == steady
    assert process_of(after) != steady


def test_a_child_that_is_killed_in_the_middle_of_a_job_fails_that_job(crew: Crew, tmp_path: Path) -> None:
    with busy(crew, tmp_path, "wait") as [broken]:
        [child] = parts(tmp_path)
        os.kill(child, signal.SIGKILL)
        failure = broken.exception(PATIENCE)
        after = crew.make(job())

    assert isinstance(failure, UnavailableError)
    assert process_of(after) != child


def test_a_child_that_was_killed_at_rest_fails_one_job_at_most(crew: Crew) -> None:
    child = process_of(crew.make(job()))
    os.kill(child, signal.SIGKILL)
    assert eventually(lambda: not is_alive(child))

    with pytest.raises(UnavailableError):
        crew.make(job())

    assert process_of(crew.make(job())) != child


# ---- signals


def test_a_child_never_sees_what_is_sent_to_all_from_the_keyboard(crew: Crew, tmp_path: Path) -> None:
    with busy(crew, tmp_path, "wait") as [future]:
        [child] = parts(tmp_path)
        for each in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(child, each)
        (tmp_path / "enough").touch()
        done = future.result(PATIENCE)

    assert process_of(done) == child
    assert process_of(crew.make(job())) == child, "it is not the first job alone that is let be"


def test_whoever_starts_a_child_sees_signals_as_before(crew: Crew) -> None:
    crew.make(job())

    assert not signal.pthread_sigmask(signal.SIG_BLOCK, set()) & {
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGQUIT,
    }


# ---- the end


def test_closing_ends_who_is_busy_at_once_and_leaves_nothing(crew: Crew, tmp_path: Path) -> None:
    resting = process_of(crew.make(job()))
    with busy(crew, tmp_path, "wait", "wait") as futures:
        children = parts(tmp_path)
        began = time.monotonic()
        crew.close()
        took = time.monotonic() - began
        failures = [future.exception(PATIENCE) for future in futures]

    assert resting in children, "it was asked first"
    assert [type(failure) for failure in failures] == [UnavailableError] * 2
    assert not any(map(is_alive, children))
    assert parts(tmp_path) == []
    assert all((tmp_path / f"closed-{child}").exists() for child in children)
    assert took < 4, "nobody had to be killed"


def test_who_does_not_leave_is_made_to(crew: Crew, tmp_path: Path) -> None:
    with busy(crew, tmp_path, "hang") as [future]:
        [child] = parts(tmp_path)
        crew.close()

        assert isinstance(future.exception(PATIENCE), UnavailableError)
        assert not is_alive(child)


def test_nobody_is_started_after_the_end(crew: Crew) -> None:
    crew.make(job())
    crew.close()
    crew.close()

    with pytest.raises(UnavailableError, match="The run is over"):
        crew.make(job())

    assert multiprocessing.active_children() == []


def test_a_crew_that_had_nothing_to_do_ends_at_once(tmp_path: Path) -> None:
    Crew(partial(Obedient, tmp_path)).close()

    assert list(tmp_path.iterdir()) == []


def test_a_child_leaves_quietly_if_nobody_takes_its_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=_work, args=(theirs, partial(Obedient, tmp_path)))
    child.start()
    theirs.close()

    ours.send(job())
    answered = ours.poll(PATIENCE)
    ours.close()  # with the answer in it, as when the parent is killed
    child.join(PATIENCE)

    assert answered
    assert child.exitcode == 0
    assert capfd.readouterr().err == ""
    assert (tmp_path / f"closed-{child.pid}").exists()


PARENT = """
import sys, threading
from functools import partial
from pathlib import Path
from cartesia_cli.batch.making.crew import Crew
from tests.unit.test_batch_crew import Obedient, job, process_of

crew = Crew(partial(Obedient, Path(sys.argv[1])))
threads = [threading.Thread(target=crew.make, args=(job("wait"),)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_children_end_after_their_parent_was_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], start_new_session=True, stderr=subprocess.PIPE
    )
    try:
        assert eventually(lambda: len(parts(tmp_path)) == 2, PATIENCE)
        children = parts(tmp_path)
    finally:
        parent.kill()
        parent.wait(PATIENCE)
    were_alive = [is_alive(child) for child in children]

    (tmp_path / "enough").touch()  # they end with the job that they do

    assert were_alive == [True, True]
    assert eventually(lambda: not any(map(is_alive, children)), PATIENCE)
    assert parts(tmp_path) == []
    assert parent.stderr is not None
    with parent.stderr:
        assert parent.stderr.read() == b"", "and say nothing"
