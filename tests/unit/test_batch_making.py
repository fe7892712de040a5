"""The files of a job: whole and exact, or not there; asked for and paid for no more than need be."""

import io
import multiprocessing
import os
import pickle
import signal
import sqlite3
import threading
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.batch.asking.budget import Bill, Purse
from cartesia_cli.batch.asking.hearing import ThrottledTranscriber
from cartesia_cli.batch.asking.throttle import Throttle
from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.batch.journal import FILE_NAME, Journal, find_made
from cartesia_cli.batch.making.recipe import Recipe, Secrets
from cartesia_cli.batch.making.workshop import Output, Patience, Workshop
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.batch.runner import Outcome, StoppedError
from cartesia_cli.cache.speech import SpeechCache
from cartesia_cli.captions import PROFILES
from cartesia_cli.credentials import Key
from cartesia_cli.errors import (
    CartesiaError,
    LimitError,
    OutputError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.files import Signature
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    Speak,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
    Traffic,
    Transcript,
)
from cartesia_cli.settings import Settings
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples
from tests.fakes.listening import KnownRecordings, heard_in
from tests.fakes.waiting import eventually

AUDIO = AudioFormat(Encoding.PCM_S16LE, 8_000)
WAV = OutputFormat("wav", Encoding.PCM_S16LE, 8_000)
FLAC = OutputFormat("flac", Encoding.PCM_S16LE, 8_000)
TEXTS = ("One two three four. ", "Five six seven. ", "Eight nine.")
BROKEN = UnavailableError("The voice broke.")


def job(
    *texts: str,
    name: str = "a.wav",
    timings: tuple[tuple[str, str], ...] = (),
    output: OutputFormat = WAV,
    line: int = 1,
) -> Job:
    wanted = SpeechRequest("", DEFAULT_VOICE, AUDIO, word_timestamps=bool(timings))
    requests = tuple(replace(wanted, transcript=text) for text in texts or TEXTS[:1])
    return Job(line, None, name, requests, output, timings, fingerprint=repr(texts))


def spoken(*texts: str) -> bytes:
    return b"".join(known_samples(text, AUDIO) for text in texts or TEXTS[:1])


def samples_in(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return bytes(file.readframes(file.getnframes()))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if not path.name.startswith(FILE_NAME))


class Scripted:
    """Known samples; the answers to a text break after so many words, one after the other. None is whole."""

    def __init__(self, **endings: Sequence[int | None]) -> None:
        self._endings = {text: list(each) for text, each in endings.items()}
        self._lock = threading.Lock()
        self.asked: list[str] = []

    def __call__(self, request: SpeechRequest) -> SpeechEvents:
        with self._lock:
            self.asked.append(request.transcript)
            endings = self._endings.get(request.transcript.split()[0], [])
            ending = endings.pop(0) if endings else None
        engine = KnownSamples(fail_after=ending, chunk_bytes=None if ending is None else 1_001)
        return engine.synthesize(request)


class Kept:
    """Speech that was made before, as a workshop wants it."""

    def __init__(self, folder: Path) -> None:
        self._cache = SpeechCache(folder)

    def wrap(self, speak: Speak) -> Speak:
        return self._cache.wrap(speak, "tests")

    def has(self, request: SpeechRequest) -> bool:
        return self._cache.has(request, "tests")

    def forget(self, request: SpeechRequest) -> None:
        self._cache.forget(request, "tests")


@dataclass
class Store:
    """A place elsewhere: what is delivered is taken from here to there."""

    here: Path
    held: dict[str, bytes] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    is_remote: bool = True

    def path(self, name: str, /) -> Path:
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def deliver(self, name: str, /) -> Signature:
        if name in self.failing:
            raise OutputError(f"{name} cannot be written there.")
        self.held[name] = self.path(name).read_bytes()
        self.path(name).unlink()
        return Signature(len(self.held[name]), "tag")

    def signature(self, name: str, /) -> Signature | None:
        return Signature(len(self.held[name]), "tag") if name in self.held else None

    def digest(self, name: str, /) -> str | None:
        return None


Open = Callable[..., Workshop]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    """For whoever looks; each workshop has one of its own."""
    with closing(Journal(folder / FILE_NAME)) as opened:
        yield opened


@pytest.fixture
def pauses() -> list[int]:
    return []


@pytest.fixture
def open_workshop(folder: Path, pauses: list[int]) -> Iterator[Open]:
    """Return what opens workshops in the folder; they are closed in the end."""
    with ExitStack() as stack:

        def open_one(ask: Speak, *, retries: int = 0, output: Output | None = None, **more: Any) -> Workshop:
            workshop = Workshop(
                ask,
                output or Folder(folder),
                Journal(folder / FILE_NAME),
                patience=Patience(retries, pauses.append),
                profile=PROFILES["netflix"],
                **more,
            )
            return stack.enter_context(closing(workshop))

        yield open_one


# ---- files


def test_a_file_has_every_sample_of_every_part(open_workshop: Open, folder: Path) -> None:
    made = open_workshop(Scripted()).make(job(*TEXTS))

    assert samples_in(folder / "a.wav") == spoken(*TEXTS)
    assert (made.status, made.n_credits, made.warnings) == ("done", sum(map(len, TEXTS)), ())
    assert made.duration == pytest.approx(9 * 0.3)
    assert names_in(folder) == ["a.wav"]


def test_what_was_made_is_not_made_again_unless_it_is_forced(open_workshop: Open) -> None:
    engine = Scripted()

    first = open_workshop(engine).make(job())
    second = open_workshop(engine).make(job())
    forced = open_workshop(engine, is_forced=True).make(job())

    assert [made.status for made in (first, second, forced)] == ["done", "skipped", "done"]
    assert second.files == first.files
    assert (second.n_credits, second.duration) == (0, first.duration)
    assert len(engine.asked) == 2


def test_warnings_of_every_part_are_kept(open_workshop: Open) -> None:
    def warning(request: SpeechRequest) -> SpeechEvents:
        yield SpeechWarning(request.transcript.split()[0])
        yield from KnownSamples().synthesize(request)

    assert open_workshop(warning).make(job(*TEXTS)).warnings == ("One", "Five", "Eight")


def test_a_folder_is_made_for_a_name_that_has_one(open_workshop: Open, folder: Path) -> None:
    open_workshop(Scripted()).make(job(name="a/b/c.wav", timings=(("a/b/c.srt", "srt"),)))

    assert names_in(folder) == ["a", "b", "c.srt", "c.wav"]


# ---- what breaks off


@pytest.mark.parametrize("output", [WAV, FLAC], ids=["wav", "flac"])
def test_a_part_that_breaks_off_is_repeated_alone_and_leaves_no_trace(
    open_workshop: Open, folder: Path, pauses: list[int], output: OutputFormat
) -> None:
    engine = Scripted(Five=[2, 1])
    wanted = job(*TEXTS, output=output, name=f"a.{output.name}", timings=(("a.json", "json"),))

    made = open_workshop(engine, retries=2).make(wanted)
    whole = replace(wanted, name=f"b.{output.name}", timings=(("b.json", "json"),))
    open_workshop(Scripted()).make(whole)

    one, five, eight = TEXTS
    assert engine.asked == [one, five, five, five, eight]
    assert pauses == [0, 1]
    assert (folder / wanted.name).read_bytes() == (folder / whole.name).read_bytes()
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()
    assert made.n_credits == len(one) + 3 * len(five) + len(eight), "what broke off was had, and is paid for"


def test_the_second_break_of_another_part_is_its_first(open_workshop: Open, folder: Path) -> None:
    engine = Scripted(One=[1], Five=[1], Eight=[1])

    open_workshop(engine, retries=1).make(job(*TEXTS))

    assert samples_in(folder / "a.wav") == spoken(*TEXTS)


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("is_old", [False, True], ids=["no file before", "a file before"])
def test_after_as_many_breaks_as_are_allowed_it_fails_and_changes_nothing(
    open_workshop: Open, folder: Path, journal: Journal, retries: int, *, is_old: bool
) -> None:
    if is_old:
        (folder / "a.wav").write_bytes(b"older")
    engine = Scripted(Five=[1] * 10)

    with pytest.raises(UnavailableError, match=r"^The voice broke\.$"):
        open_workshop(engine, retries=retries).make(job(*TEXTS, timings=(("a.srt", "srt"),)))

    assert engine.asked == [TEXTS[0], *[TEXTS[1]] * (1 + retries)]
    assert names_in(folder) == (["a.wav"] if is_old else [])
    assert not is_old or (folder / "a.wav").read_bytes() == b"older"
    assert journal.find(job(*TEXTS), Folder(folder)) is None


def test_an_answer_without_a_beginning_is_not_for_the_workshop_to_repeat(
    open_workshop: Open, pauses: list[int]
) -> None:
    engine = Scripted(One=[0])

    with pytest.raises(UnavailableError):
        open_workshop(engine, retries=5).make(job())

    assert (len(engine.asked), pauses) == (1, [])


@pytest.mark.parametrize(
    ("kind", "is_passing", "n_asked"),
    [
        (UnavailableError, None, 3),
        (UnavailableError, True, 3),
        (UnavailableError, False, 1),
        (LimitError, True, 3),
        (LimitError, False, 1),
        (RequestError, None, 1),
        (OutputError, None, 1),
    ],
)
def test_what_may_pass_is_repeated_and_nothing_else(
    open_workshop: Open, folder: Path, kind: type[CartesiaError], n_asked: int, *, is_passing: bool | None
) -> None:
    asked = []

    def failing(request: SpeechRequest) -> SpeechEvents:
        asked.append(request)
        yield AudioChunk(b"ab")
        failure = kind("It broke off.")
        failure.is_passing = is_passing
        raise failure

    with pytest.raises(kind, match="It broke off"):
        open_workshop(failing, retries=2).make(job())

    assert len(asked) == n_asked
    assert names_in(folder) == []


def test_a_run_that_stops_while_a_part_waits_leaves_nothing(folder: Path) -> None:
    def stopped(_: int) -> None:
        raise StoppedError

    workshop = Workshop(Scripted(One=[1]), Folder(folder), None, patience=Patience(5, stopped))

    with closing(workshop), pytest.raises(StoppedError):
        workshop.make(job())

    assert names_in(folder) == []


def test_subtitles_without_words_to_show_fail_the_job(open_workshop: Open, folder: Path) -> None:
    def silent(request: SpeechRequest) -> SpeechEvents:
        yield AudioChunk(known_samples(request.transcript, request.format))

    with pytest.raises(UnavailableError, match="no word timings"):
        open_workshop(silent).make(job(timings=(("a.srt", "srt"),)))

    assert names_in(folder) == []


# ---- the same at once


class Held(Scripted):
    """Answers when it is released; how many have asked is counted before."""

    def __init__(self, **endings: Sequence[int | None]) -> None:
        super().__init__(**endings)
        self.release = threading.Event()

    def __call__(self, request: SpeechRequest) -> SpeechEvents:
        events = super().__call__(request)
        assert self.release.wait(20)
        yield from events


class Entered(Folder):
    """Counts the jobs that were begun."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.n_begun = 0
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        with self._lock:
            self.n_begun += 1
        return super().path(name)


def together(workshop: Workshop, jobs: Sequence[Job], engine: Held, output: Entered) -> list[Future[Made]]:
    """Make jobs that have all begun before the first of them is answered."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(workshop.make, each) for each in jobs]
        try:
            assert eventually(lambda: output.n_begun == len(jobs))
        finally:
            engine.release.set()
        wait(futures)
    return futures


def test_the_same_is_asked_for_once_however_many_want_it_at_once(
    open_workshop: Open, folder: Path, tmp_path: Path
) -> None:
    engine, output = Held(), Entered(folder)
    workshop = open_workshop(engine, output=output, memory=Kept(tmp_path / "cache"))
    jobs = [job(name=f"{i}.wav", line=i) for i in range(8)]

    futures = together(workshop, jobs, engine, output)

    assert len(engine.asked) == 1
    assert sorted(future.result().n_credits for future in futures) == [0] * 7 + [len(TEXTS[0])]
    assert {samples_in(folder / each.name) for each in jobs} == {spoken()}


@pytest.mark.parametrize("n_words", [0, 2], ids=["before its sound", "after some sound"])
def test_if_the_first_of_them_fails_one_other_asks_for_all(
    open_workshop: Open, folder: Path, tmp_path: Path, n_words: int
) -> None:
    engine, output = Held(One=[n_words]), Entered(folder)
    workshop = open_workshop(engine, output=output, memory=Kept(tmp_path / "cache"))
    jobs = [job(name=f"{i}.wav", line=i) for i in range(8)]

    futures = together(workshop, jobs, engine, output)

    failures = [future for future in futures if future.exception() is not None]
    assert [type(future.exception()) for future in failures] == [UnavailableError]
    assert len(engine.asked) == 2
    assert len(names_in(folder)) == 7
    assert {samples_in(path) for path in folder.glob("*.wav")} == {spoken()}


def test_others_do_not_wait_for_each_other(open_workshop: Open, folder: Path, tmp_path: Path) -> None:
    engine, output = Held(), Entered(folder)
    workshop = open_workshop(engine, output=output, memory=Kept(tmp_path / "cache"))
    jobs = [job(text, name=f"{i}.wav") for i, text in enumerate(TEXTS)]

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(workshop.make, each) for each in jobs]
        try:
            assert eventually(lambda: len(engine.asked) == 3), "all are asked before any is answered"
        finally:
            engine.release.set()
        wait(futures)

    assert all(future.result().status == "done" for future in futures)


# ---- checks


def bad(_: Path, __: Job) -> list[str]:
    return ["It hums.", "It is late."]


def good(_: Path, __: Job) -> list[str]:
    return []


def test_a_file_with_flaws_is_there_and_is_made_anew(
    open_workshop: Open, folder: Path, tmp_path: Path, journal: Journal
) -> None:
    engine, memory = Scripted(), Kept(tmp_path / "cache")

    with pytest.raises(UnavailableError, match=r"^It hums\. It is late\.$") as caught:
        open_workshop(engine, memory=memory, checks=[good, bad]).make(job(*TEXTS))
    known = journal.find(job(*TEXTS), Folder(folder))
    there = samples_in(folder / "a.wav")
    again = open_workshop(engine, memory=memory, checks=[good]).make(job(*TEXTS))

    assert caught.value.hint is not None
    assert there == spoken(*TEXTS)
    assert known is None
    assert again.status == "done"
    assert engine.asked == [*TEXTS, *TEXTS], "nothing of it was remembered"


def test_a_file_with_flaws_is_not_noted_for_a_moment_either(folder: Path) -> None:
    """Whatever ends the run just then, the next one must not take the file for a good one."""
    noted = []

    class Watched(Journal):
        def note(self, job: Job, files: tuple[MadeFile, ...], duration: float | None) -> None:
            noted.append(job.name)
            super().note(job, files, duration)

    def late(_: Path, wanted: Job) -> list[str]:
        return ["It is late."] if wanted.name == "b.wav" else []

    watched = Watched(folder / FILE_NAME)
    with closing(
        Workshop(Scripted(), Folder(folder), watched, patience=Patience(0, print), checks=[late])
    ) as workshop:
        workshop.make(job())
        with pytest.raises(UnavailableError):
            workshop.make(job(name="b.wav"))

    assert noted == ["a.wav"]


def test_a_check_sees_the_whole_file_before_it_has_its_name(open_workshop: Open, folder: Path) -> None:
    seen = []

    def look(path: Path, wanted: Job) -> list[str]:
        seen.append((samples_in(path), wanted.name, (folder / "a.wav").exists()))
        return []

    open_workshop(Scripted(), checks=[look]).make(job(*TEXTS))

    assert seen == [(spoken(*TEXTS), "a.wav", False)]


def test_flaws_of_what_was_made_before_have_it_made_anew(
    open_workshop: Open, folder: Path, tmp_path: Path, journal: Journal
) -> None:
    engine, memory = Scripted(), Kept(tmp_path / "cache")
    open_workshop(engine, memory=memory).make(job())

    with pytest.raises(UnavailableError):
        open_workshop(engine, memory=memory, checks=[bad]).make(job())

    assert names_in(folder) == ["a.wav"]
    assert journal.find(job(), Folder(folder)) is None
    assert open_workshop(engine, memory=memory).make(job()).status == "done"
    assert len(engine.asked) == 2


def test_what_was_made_before_and_is_sound_stays(open_workshop: Open) -> None:
    engine = Scripted()
    open_workshop(engine).make(job())

    assert open_workshop(engine, checks=[good]).make(job()).status == "skipped"
    assert len(engine.asked) == 1


class Deaf:
    """A check that cannot be made as often as it is told; then all is well."""

    def __init__(self, error: Exception, n_times: int = 1) -> None:
        self._error = error
        self._n_left = n_times
        self.n_asked = 0

    def __call__(self, _: Path, __: Job) -> list[str]:
        self.n_asked += 1
        if self._n_left:
            self._n_left -= 1
            raise self._error
        return []


NO_ANSWER = [UnavailableError("No answer."), LimitError("The quota is used up."), StoppedError()]


@pytest.mark.parametrize("error", NO_ANSWER, ids=lambda error: type(error).__name__)
def test_what_cannot_be_checked_is_kept_and_the_next_run_only_checks_it(
    open_workshop: Open, folder: Path, error: Exception
) -> None:
    engine, check = Scripted(), Deaf(error, n_times=2)
    wanted = job(*TEXTS, timings=(("a.srt", "srt"),))

    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            open_workshop(engine, checks=[good, check]).make(wanted)
        assert caught.value is error
        assert names_in(folder) == ["a.srt", "a.wav"]
    made = open_workshop(engine, checks=[good, check]).make(wanted)

    assert made.status == "skipped"
    assert check.n_asked == 3
    assert engine.asked == list(TEXTS), "it is paid for once"
    assert samples_in(folder / "a.wav") == spoken(*TEXTS)


def test_what_one_check_found_counts_though_another_cannot_be_made(
    open_workshop: Open, folder: Path, journal: Journal
) -> None:
    with pytest.raises(UnavailableError, match="It hums"):
        open_workshop(Scripted(), checks=[bad, Deaf(NO_ANSWER[0])]).make(job())

    assert names_in(folder) == ["a.wav"]
    assert journal.find(job(), Folder(folder)) is None


def test_what_cannot_be_checked_does_not_count_as_checked_elsewhere(
    open_workshop: Open, tmp_path: Path, journal: Journal
) -> None:
    engine, store, memory = Scripted(), Store(tmp_path / "here"), Kept(tmp_path / "cache")
    check = Deaf(NO_ANSWER[0])

    with pytest.raises(UnavailableError, match="No answer"):
        open_workshop(engine, output=store, memory=memory, checks=[check]).make(job())
    there, known = list(store.held), journal.find(job(), store)
    made = open_workshop(engine, output=store, memory=memory, checks=[check]).make(job())

    assert (there, known) == (["a.wav"], None)
    assert (made.status, check.n_asked) == ("done", 2)
    assert engine.asked == [TEXTS[0]], "its speech is remembered"


# ---- places elsewhere


def test_files_are_noted_as_what_they_are_where_they_were_brought(
    open_workshop: Open, tmp_path: Path, journal: Journal
) -> None:
    store = Store(tmp_path / "here")
    wanted = job(timings=(("a.srt", "srt"),))

    made = open_workshop(Scripted(), output=store).make(wanted)

    assert list(store.held) == ["a.wav", "a.srt"]
    assert [file.signature.mark for file in made.files] == ["tag", "tag"]
    assert names_in(store.here) == []
    found = journal.find(wanted, store)
    assert found is not None
    assert found.files == made.files
    with wave.open(io.BytesIO(store.held["a.wav"])) as file:
        assert file.readframes(file.getnframes()) == spoken()


@pytest.mark.parametrize("failing", ["a.wav", "a.srt"])
def test_what_could_not_be_brought_there_is_not_noted(
    open_workshop: Open, tmp_path: Path, journal: Journal, failing: str
) -> None:
    store = Store(tmp_path / "here", failing={failing})
    wanted = job(timings=(("a.srt", "srt"),))

    with pytest.raises(OutputError):
        open_workshop(Scripted(), output=store).make(wanted)
    found = journal.find(wanted, store)
    store.failing.clear()
    again = open_workshop(Scripted(), output=store).make(wanted)

    assert found is None
    assert again.status == "done"
    assert sorted(store.held) == ["a.srt", "a.wav"]


def test_flaws_are_found_before_a_file_is_brought_away(
    open_workshop: Open, tmp_path: Path, journal: Journal
) -> None:
    store = Store(tmp_path / "here")

    with pytest.raises(UnavailableError, match="It hums"):
        open_workshop(Scripted(), output=store, checks=[bad]).make(job())

    assert list(store.held) == ["a.wav"]
    assert journal.find(job(), store) is None


def test_what_is_elsewhere_is_not_looked_for_here(open_workshop: Open, tmp_path: Path) -> None:
    def exists(path: Path, _: Job) -> list[str]:
        return [] if path.exists() else ["The file does not exist."]

    engine, store = Scripted(), Store(tmp_path / "here")
    open_workshop(engine, output=store, checks=[exists]).make(job())

    assert open_workshop(engine, output=store, checks=[exists]).make(job()).status == "skipped"
    assert len(engine.asked) == 1


# ---- folders


@pytest.mark.parametrize("link", ["a folder", "a file", "nothing yet"])
def test_nobody_is_led_outside_and_nothing_is_asked_for(
    open_workshop: Open, folder: Path, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "out-side"  # begins like the folder
    outside.mkdir()
    (outside / "a.wav").write_bytes(b"precious")
    name = "sub/a.wav" if link == "a folder" else "a.wav"
    (folder / name.partition("/")[0]).symlink_to(
        {"a folder": outside, "a file": outside / "a.wav", "nothing yet": outside / "b.wav"}[link]
    )
    engine = Scripted()

    with pytest.raises(OutputError, match="leads outside"):
        open_workshop(engine).make(job(name=name))

    assert engine.asked == []
    assert [(path.name, path.read_bytes()) for path in outside.iterdir()] == [("a.wav", b"precious")]


def test_timings_are_not_led_outside_either(open_workshop: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "a.srt").symlink_to(tmp_path / "a.srt")
    engine = Scripted()

    with pytest.raises(OutputError, match="leads outside"):
        open_workshop(engine).make(job(timings=(("a.srt", "srt"),)))

    assert engine.asked == []
    assert not (tmp_path / "a.srt").exists()


def test_a_link_that_stays_inside_is_followed(open_workshop: Open, folder: Path, tmp_path: Path) -> None:
    (folder / "b.wav").write_bytes(b"older")
    (folder / "a.wav").symlink_to("b.wav")
    (tmp_path / "alias").symlink_to(folder)

    open_workshop(Scripted(), output=Folder(tmp_path / "alias")).make(job())

    assert (folder / "a.wav").is_symlink()
    assert samples_in(folder / "b.wav") == spoken()


def test_a_pipe_is_refused_and_not_waited_for(open_workshop: Open, folder: Path) -> None:
    os.mkfifo(folder / "a.wav")
    engine = Scripted()

    with pytest.raises(OutputError, match="is a pipe or a device"):
        open_workshop(engine).make(job())

    assert engine.asked == []


@pytest.mark.parametrize(
    ("there", "kind", "message"),
    [("a.wav", UsageError, "is a folder where a file is needed"), ("sub", OutputError, "Cannot write")],
)
def test_what_is_in_the_way_fails_the_job_before_it_is_paid_for(
    open_workshop: Open, folder: Path, there: str, kind: type[CartesiaError], message: str
) -> None:
    engine = Scripted()
    if there == "sub":
        (folder / "sub").touch()
    else:
        (folder / "a.wav").mkdir()

    with pytest.raises(kind, match=message):
        open_workshop(engine).make(job(name="a.wav" if there == "a.wav" else "sub/a.wav"))

    assert engine.asked == []
    assert names_in(folder) == [there]


def test_a_folder_is_prepared_or_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    Folder(tmp_path / "a" / "b").prepare()
    with pytest.raises(UsageError, match="is a file where a folder is needed"):
        Folder(tmp_path / "file").prepare()
    with pytest.raises(OutputError):
        Folder(tmp_path / "file" / "below").prepare()

    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    place = Folder(tmp_path / "nowhere")

    assert (place.signature("a.wav"), place.digest("a.wav")) == (None, None)
    with pytest.raises(OutputError):
        place.deliver("a.wav")


# ---- killed between the note and the name


class Deadly(Journal):
    """Kills its process, before or after it has noted something."""

    def __init__(self, path: Path, *, after: bool) -> None:
        super().__init__(path)
        self._after = after

    def note(self, job: Job, files: tuple[MadeFile, ...], duration: float | None) -> None:
        if self._after:
            super().note(job, files, duration)
        os.kill(os.getpid(), signal.SIGKILL)


def make_and_die(folder: Path, cache: Path, wanted: Job, after: bool) -> None:
    journal = Deadly(folder / FILE_NAME, after=after)
    workshop = Workshop(
        Scripted(),
        Folder(folder),
        journal,
        patience=Patience(0, print),
        memory=Kept(cache),
        profile=PROFILES["netflix"],
    )
    workshop.make(wanted)


@pytest.mark.parametrize("after", [False, True], ids=["before the note", "after the note"])
@pytest.mark.parametrize("is_old", [False, True], ids=["no file before", "a file before"])
def test_a_kill_before_the_names_are_given_leaves_no_half_file(
    open_workshop: Open, folder: Path, tmp_path: Path, *, after: bool, is_old: bool
) -> None:
    if is_old:
        (folder / "a.wav").write_bytes(b"older")
    wanted = job(*TEXTS, timings=(("a.srt", "srt"),))
    child = multiprocessing.get_context("spawn").Process(
        target=make_and_die, args=(folder, tmp_path / "cache", wanted, after)
    )

    child.start()
    child.join(30)
    killed = child.exitcode
    left = sorted(path.name for path in folder.iterdir() if path.suffix in {".wav", ".srt"})
    before = (folder / "a.wav").read_bytes() if is_old else b""
    engine = Scripted()
    made = open_workshop(engine, memory=Kept(tmp_path / "cache")).make(wanted)

    assert killed == -signal.SIGKILL
    assert (left, before) == (["a.wav"] if is_old else [], b"older" if is_old else b"")
    assert (made.status, made.n_credits, engine.asked) == ("done", 0, [])
    assert samples_in(folder / "a.wav") == spoken(*TEXTS)
    assert names_in(folder) == ["a.srt", "a.wav"], "what the killed run left is gone"
    assert open_workshop(engine).make(wanted).status == "skipped"


# ---- the end


def test_closing_waits_for_what_breaks_off_and_leaves_no_part(folder: Path) -> None:
    end = threading.Event()
    speaking = threading.Semaphore(0)

    def endless(_: SpeechRequest) -> SpeechEvents:
        yield AudioChunk(bytes(1_000))
        speaking.release()
        assert end.wait(20)
        time.sleep(0.2)  # what breaks off takes its time
        raise BROKEN

    held = ExitStack()
    held.callback(end.set)
    workshop = Workshop(
        endless, Folder(folder), Journal(folder / FILE_NAME), patience=Patience(0, print), held=held
    )
    jobs = [job(name=f"{i}/a.wav", timings=((f"{i}/a.srt", "srt"),)) for i in range(4)]

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(workshop.make, each) for each in jobs]
        assert all(speaking.acquire(timeout=20) for _ in jobs)
        n_parts = len(list(folder.rglob("*-part")))
        workshop.close()
        n_left = len(list(folder.rglob("*-part")))
        hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]

    assert (n_parts, n_left) == (8, 0)
    assert {type(future.exception()) for future in futures} == {UnavailableError}
    assert hidden == [FILE_NAME], "the journal is closed, once nobody needs it"


def test_only_what_is_missing_is_to_be_done(folder: Path, open_workshop: Open) -> None:
    made = job(name="a.wav")
    missing = job(name="b.wav")
    open_workshop(Scripted()).make(made)

    with closing(Journal(folder / FILE_NAME)) as journal:
        known, left = find_made([made, missing], journal, Folder(folder))

    assert isinstance(known, Outcome)
    assert known.result is not None
    assert (known.job, known.result.status, left) == (made, "skipped", missing)


# ---- budget


def no_more() -> None:
    raise StoppedError


class Slow(int):
    """Lets another thread run in the middle of being added."""

    __slots__ = ()

    def __radd__(self, other: int) -> int:
        time.sleep(0.0001)
        return int(other) + int(self)


def test_a_purse_gives_no_more_than_it_has_whoever_comes_between() -> None:
    purse = Purse(100, no_more)
    start = threading.Barrier(16)

    def spend(_: int) -> int:
        start.wait(20)
        n_taken = 0
        try:
            while True:
                purse.take(Slow(3))
                n_taken += 3
        except StoppedError:
            return n_taken

    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(spend, range(16)))

    assert sum(taken) == purse.spent == 99


def test_a_budget_is_never_exceeded_by_many_at_once() -> None:
    asked: list[int] = []

    def speak(request: SpeechRequest) -> SpeechEvents:
        asked.append(len(request.transcript))
        yield AudioChunk(b"ab")

    purse = Purse(1_000, no_more)
    start = threading.Barrier(16)

    def spend(number: int) -> int:
        start.wait(20)
        bill = Bill(purse)
        request = SpeechRequest("x" * (1 + number), "v", AUDIO)
        try:
            while True:
                list(bill.wrap(speak)(request))
        except StoppedError:
            return bill.n_credits

    with ThreadPoolExecutor(16) as pool:
        bills = list(pool.map(spend, range(16)))

    assert sum(asked) == sum(bills) == purse.spent == 1_000, "one credit is enough for the smallest"


def test_what_fails_before_its_first_sound_is_given_back_and_no_other() -> None:
    request = SpeechRequest("One two three.", DEFAULT_VOICE, AUDIO)
    purse = Purse(len(request.transcript), no_more)
    bill = Bill(purse)

    with pytest.raises(UnavailableError):
        list(bill.wrap(KnownSamples(fail_after=0).synthesize)(request))
    unpaid = purse.spent, bill.n_credits
    with pytest.raises(UnavailableError):
        list(bill.wrap(KnownSamples(fail_after=1).synthesize)(request))
    with pytest.raises(StoppedError):
        list(bill.wrap(KnownSamples().synthesize)(request))

    assert unpaid == (0, 0)
    assert purse.spent == bill.n_credits == len(request.transcript)


def test_what_nobody_takes_is_not_paid_for() -> None:
    purse = Purse(100, no_more)
    events = Bill(purse).wrap(KnownSamples().synthesize)(SpeechRequest("One.", DEFAULT_VOICE, AUDIO))

    events.close()

    assert purse.spent == 0


def test_a_job_beyond_the_budget_leaves_nothing(open_workshop: Open, folder: Path) -> None:
    engine = Scripted()
    purse = Purse(len(TEXTS[0]) + len(TEXTS[1]), no_more)

    with pytest.raises(StoppedError):
        open_workshop(engine, purse=purse).make(job(*TEXTS))

    assert engine.asked == [], "a part of it would be paid for in vain"
    assert purse.spent == 0
    assert names_in(folder) == []


def test_a_job_that_fails_gives_back_what_it_had_reserved(open_workshop: Open) -> None:
    engine = Scripted(Five=[0])
    purse = Purse(len("".join(TEXTS)), no_more)

    with pytest.raises(UnavailableError):
        open_workshop(engine, purse=purse).make(job(*TEXTS))

    assert purse.spent == len(TEXTS[0])


def test_what_is_reserved_is_kept_from_others_and_not_yet_spent(open_workshop: Open) -> None:
    engine = Held()
    whole = len("".join(TEXTS))
    purse = Purse(whole + 1, no_more)
    workshop = open_workshop(engine, purse=purse)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(workshop.make, job(*TEXTS))
        try:
            assert eventually(lambda: engine.asked)
            spent = purse.spent
            with pytest.raises(StoppedError):
                workshop.make(job("Me too.", name="b.wav"))
        finally:
            engine.release.set()

    assert spent == len(TEXTS[0])
    assert future.result().n_credits == purse.spent == whole
    assert workshop.make(job("I", name="c.wav")).n_credits == 1, "nothing is kept for a job that is done"


def test_what_breaks_off_in_the_middle_is_paid_for_again_if_there_is_enough(open_workshop: Open) -> None:
    engine = Scripted(Five=[1])
    whole, again = len("".join(TEXTS)), len(TEXTS[1])
    purse = Purse(whole + again, no_more)

    made = open_workshop(engine, purse=purse, retries=1).make(job(*TEXTS))

    assert made.n_credits == purse.spent == whole + again


def test_a_second_attempt_does_not_take_what_is_for_other_parts(open_workshop: Open) -> None:
    engine = Scripted(Five=[1])
    purse = Purse(len("".join(TEXTS)) + len(TEXTS[1]) - 1, no_more)

    with pytest.raises(StoppedError):
        open_workshop(engine, purse=purse, retries=1).make(job(*TEXTS))

    assert engine.asked == list(TEXTS[:2])
    assert purse.spent == len(TEXTS[0]) + len(TEXTS[1])


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_parts_that_are_kept_need_no_budget(open_workshop: Open, tmp_path: Path, kept: int) -> None:
    engine, memory = Scripted(), Kept(tmp_path / "cache")
    open_workshop(engine, memory=memory).make(job(TEXTS[kept], name="b.wav"))
    missing = [text for text in TEXTS if text != TEXTS[kept]]
    purse = Purse(len("".join(missing)), no_more)

    made = open_workshop(engine, memory=memory, purse=purse).make(job(*TEXTS))

    assert engine.asked == [TEXTS[kept], *missing]
    assert made.n_credits == purse.spent == len("".join(missing))


def test_a_part_that_is_not_kept_whole_is_paid_for(open_workshop: Open, tmp_path: Path) -> None:
    engine, memory = Scripted(), Kept(tmp_path / "cache")
    open_workshop(engine, memory=memory).make(job(TEXTS[1], name="b.wav"))
    [entry] = (tmp_path / "cache").rglob("*.speech")
    entry.write_bytes(entry.read_bytes()[:-1])
    purse = Purse(len(TEXTS[0]) + len(TEXTS[1]), no_more)

    with pytest.raises(StoppedError):
        open_workshop(engine, memory=memory, purse=purse).make(job(*TEXTS))

    assert purse.spent <= len(TEXTS[0]) + len(TEXTS[1])


# ---- recipes


def recipe(folder: Path, journal: str = FILE_NAME, **more: Any) -> Recipe:
    return Recipe("cloud", Settings(), str(folder), folder / journal, "origin", **more)


def test_a_recipe_goes_to_other_processes(folder: Path) -> None:
    written = recipe(folder, profile=PROFILES["netflix"], checks_sound=True)

    assert pickle.loads(pickle.dumps(written)) == written  # noqa: S301  our own


def test_secrets_are_not_shown() -> None:
    secrets = Secrets(Key("sk_car_secret", "the environment"), {"Authorization": "Bearer secret"})

    assert "secret" not in repr(secrets)


def test_a_recipe_whose_journal_is_damaged_opens_nothing(folder: Path) -> None:
    (folder / "notes").write_bytes(b"no journal. " * 100)

    with pytest.raises(UsageError):
        recipe(folder, "notes").open(Secrets(Key("sk_car_test", "a test")))


def test_a_journal_is_open_only_as_long_as_its_workshop(folder: Path) -> None:
    workshop = recipe(folder).open(Secrets(Key("sk_car_test", "a test")))
    workshop.close()

    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


# ---- hearing


@dataclass
class Refusing(KnownRecordings):
    """Refuses as often as it is told."""

    n_refusals: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    is_closed: bool = False

    def transcribe(self, recording: Path, /, **options: Any) -> Transcript:
        self.traffic.requests += 1
        if self.n_refusals:
            self.n_refusals -= 1
            raise LimitError("Too many requests.", retry_after=0.01)
        return super().transcribe(recording, **options)

    def close(self) -> None:
        self.is_closed = True


def test_a_recording_that_was_refused_is_heard_again_as_it_was_asked(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    inner = Refusing(n_refusals=2)
    transcriber = ThrottledTranscriber(inner, Throttle(4, retries=0))

    with closing(transcriber):
        heard = transcriber.transcribe(tmp_path / "a.wav", words=False, language="de", sample_rate=8_000)

    assert heard == heard_in(b"sound", "de")
    assert [(each["words"], each["language"], each["sample_rate"]) for each in inner.asked] == [
        (False, "de", 8_000)
    ]
    assert (transcriber.traffic.requests, transcriber.traffic.retries) == (3, 2)
    assert inner.is_closed
