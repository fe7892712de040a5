"""What was made of which text: found again where it is the same, and by nobody's haste lost."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.batch.jobs import Job, MadeFile
from cartesia_cli.batch.journal import FILE_NAME, Journal, digest_of
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import Signature
from cartesia_cli.models import AudioFormat, Encoding, SpeechRequest

SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 30
"""Seconds that a process may take to begin and to end, beside many others."""

N_PROCESSES = 4
N_ROUNDS = 20
N_NOTES = 100

OUTPUT = OutputFormat("raw", Encoding.PCM_S16LE, 8_000)
REQUEST = SpeechRequest("Good day.", "v", AudioFormat(Encoding.PCM_S16LE, 8_000))


def job(name: str = "a", *timings: str, fingerprint: str = "of-a", rules: str = "") -> Job:
    named = tuple((f"{name}.{each}", each) for each in timings)
    return Job(1, None, f"{name}.pcm", (REQUEST,), OUTPUT, named, fingerprint, rules)


def make(folder: Path, wanted: Job) -> tuple[MadeFile, ...]:
    """Write the files of a job, each with its own content; return what they are."""
    for name in wanted.names:
        (folder / name).write_bytes(f"content of {name}".encode())
    return tuple(now(folder / name) for name in wanted.names)


def now(path: Path) -> MadeFile:
    facts = path.stat()
    return MadeFile(Signature(facts.st_size, facts.st_mtime_ns), digest_of(path))


def touch(path: Path) -> None:
    """Give a file another time."""
    os.utime(path, ns=(10**18, 10**18))


class Counted(Folder):
    """A folder that knows which of its files were read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read: list[str] = []

    def digest(self, name: str) -> str | None:
        self.read.append(name)
        return super().digest(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    with closing(Journal(folder / FILE_NAME)) as opened:
        yield opened


@pytest.fixture
def place(folder: Path) -> Counted:
    return Counted(folder)


# ---- what is found


def test_what_was_noted_is_found_without_reading_it(journal: Journal, place: Counted) -> None:
    wanted = job("a", "srt")
    files = make(place.root, wanted)

    journal.note(wanted, files, 1.5)
    found = journal.find(wanted, place)

    assert found is not None
    assert (found.status, found.duration, found.files, found.n_credits) == ("skipped", 1.5, files, 0)
    assert place.read == []


def test_nothing_is_found_of_what_was_not_noted(journal: Journal, place: Counted) -> None:
    make(place.root, job())

    assert journal.find(job(), place) is None


def test_other_audio_of_the_same_name_is_not_found(journal: Journal, place: Counted) -> None:
    journal.note(job(), make(place.root, job()), 1.5)

    assert journal.find(job(fingerprint="of-b"), place) is None
    assert journal.find(job(), place) is not None


def test_a_note_replaces_the_one_before(journal: Journal, place: Counted) -> None:
    journal.note(job(), make(place.root, job()), 1.5)
    later = job(fingerprint="of-b")
    journal.note(later, make(place.root, later), 2.5)

    found = journal.find(later, place)

    assert journal.find(job(), place) is None
    assert found is not None
    assert found.duration == 2.5


def test_what_is_forgotten_is_not_found_and_no_other(journal: Journal, place: Counted) -> None:
    for name in "ab":
        journal.note(job(name), make(place.root, job(name)), None)

    journal.forget(job("a"))
    journal.forget(job("never noted"))

    assert journal.find(job("a"), place) is None
    assert journal.find(job("b"), place) is not None


@pytest.mark.parametrize("name", ["a.pcm", "a.srt"])
def test_a_file_that_is_gone_has_to_be_made(journal: Journal, place: Counted, name: str) -> None:
    wanted = job("a", "srt")
    journal.note(wanted, make(place.root, wanted), 1.5)

    (place.root / name).unlink()

    assert journal.find(wanted, place) is None


@pytest.mark.parametrize("name", ["a.pcm", "a.srt"])
def test_other_bytes_of_the_same_size_are_another_file(journal: Journal, place: Counted, name: str) -> None:
    wanted = job("a", "srt")
    journal.note(wanted, make(place.root, wanted), 1.5)

    content = (place.root / name).read_bytes()
    (place.root / name).write_bytes(content[::-1])
    touch(place.root / name)

    assert journal.find(wanted, place) is None
    assert place.read == [name]


def test_a_file_of_another_size_is_not_even_read(journal: Journal, place: Counted) -> None:
    journal.note(job(), make(place.root, job()), 1.5)

    (place.root / "a.pcm").write_bytes(b"short")

    assert journal.find(job(), place) is None
    assert place.read == []


def test_a_folder_in_the_place_of_a_file_is_none(journal: Journal, place: Counted) -> None:
    journal.note(job(), make(place.root, job()), 1.5)
    (place.root / "a.pcm").unlink()

    (place.root / "a.pcm").mkdir()

    assert journal.find(job(), place) is None


def test_a_copied_folder_is_read_once_and_then_known(journal: Journal, folder: Path, tmp_path: Path) -> None:
    wanted = job("a", "srt")
    journal.note(wanted, make(folder, wanted), 1.5)
    journal.close()
    copy = Counted(shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile))
    for name in wanted.names:
        touch(copy.root / name)

    with closing(Journal(copy.root / FILE_NAME)) as copied:
        first, second = copied.find(wanted, copy), copied.find(wanted, copy)

    assert first == second
    assert first is not None
    assert first.files == tuple(now(copy.root / name) for name in wanted.names)
    assert sorted(copy.read) == ["a.pcm", "a.srt"]


# ---- timings


def test_timings_that_were_never_made_are_missing(journal: Journal, place: Counted) -> None:
    (audio, _) = make(place.root, job("a", "srt"))
    journal.note(job(), (audio,), 1.5)

    assert journal.find(job("a", "srt"), place) is None


def test_timings_by_other_rules_are_missing(journal: Journal, place: Counted) -> None:
    wanted = job("a", "srt", rules="one")
    journal.note(wanted, make(place.root, wanted), 1.5)

    assert journal.find(replace(wanted, rules="other"), place) is None
    assert journal.find(wanted, place) is not None


def test_whoever_wants_fewer_files_finds_those(journal: Journal, place: Counted) -> None:
    wanted = job("a", "srt", "vtt", rules="one")
    audio, srt, _ = files = make(place.root, wanted)
    journal.note(wanted, files, 1.5)
    (place.root / "a.vtt").unlink()

    without, with_one = journal.find(job(), place), journal.find(job("a", "srt", rules="one"), place)

    assert without is not None
    assert with_one is not None
    assert (without.files, with_one.files) == ((audio,), (audio, srt))


def test_whoever_finds_a_touched_file_without_its_timings_does_not_lose_them(
    journal: Journal, place: Counted
) -> None:
    wanted = job("a", "srt", rules="one")
    journal.note(wanted, make(place.root, wanted), 1.5)
    touch(place.root / "a.pcm")

    assert journal.find(job(), place) is not None

    assert journal.find(wanted, place) is not None
    assert place.read == ["a.pcm"]


# ---- files that are none of ours


def database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_journal_of_a_newer_version_is_left_alone(folder: Path) -> None:
    path = folder / FILE_NAME
    database(path, "CREATE TABLE notes (x)", "PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="newer version of this program") as caught:
        Journal(path)

    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_left_alone(folder: Path) -> None:
    path = folder / FILE_NAME
    database(path, "CREATE TABLE bookmarks (x)", "INSERT INTO bookmarks VALUES (1)")
    before = path.read_bytes()

    with pytest.raises(UsageError, match="another program"):
        Journal(path)

    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == [FILE_NAME]


def test_a_journal_that_was_cut_off_is_damaged(journal: Journal, place: Counted, folder: Path) -> None:
    journal.note(job(), make(folder, job()), 1.5)
    journal.close()
    path = folder / FILE_NAME
    path.write_bytes(path.read_bytes()[:5_000])

    with pytest.raises(UsageError, match="is damaged") as caught, closing(Journal(path)) as opened:
        opened.find(job(), place)

    assert caught.value.hint is not None
    assert "notes of what was made" in caught.value.hint


def test_an_empty_file_becomes_a_journal(folder: Path, place: Counted) -> None:
    path = folder / FILE_NAME
    path.touch(0o644)

    with closing(Journal(path)) as opened:
        opened.note(job(), make(folder, job()), 1.5)
        assert opened.find(job(), place) is not None

    assert path.stat().st_mode & 0o077 == 0, "what was said is nobody else's business"


@pytest.mark.parametrize("name", ["file/journal", "."])
def test_a_journal_that_cannot_be_there_is_said_at_once(folder: Path, name: str) -> None:
    (folder / "file").touch()

    with pytest.raises(OutputError, match="cannot be written"):
        Journal(folder / name)


def test_a_journal_makes_its_folder_and_leaves_only_itself(folder: Path) -> None:
    path = folder / "a" / "b" / FILE_NAME

    with closing(Journal(path)) as opened:
        opened.note(job(), make(folder, job()), None)

    assert [each.name for each in path.parent.iterdir()] == [FILE_NAME]


# ---- several processes


def run_all(*processes: multiprocessing.process.BaseProcess) -> list[int | None]:
    """Start processes, wait for them, and return how they ended."""
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join(PATIENCE)
        return [process.exitcode for process in processes]
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
                process.join()


def note_many(folder: Path, number: int, start: Barrier) -> None:
    """Note jobs of one's own, and some that everybody notes."""
    with closing(Journal(folder / FILE_NAME)) as opened:
        start.wait(PATIENCE)
        for i in range(N_NOTES):
            opened.note(job(f"{number}-{i}"), (now(folder / "any"),), float(number))
            opened.note(job(f"shared-{i}"), (now(folder / "any"),), float(number))


def test_processes_that_note_at_once_lose_nothing(journal: Journal, folder: Path) -> None:
    (folder / "any").write_bytes(b"content")
    start = SPAWN.Barrier(2)

    ended = run_all(*(SPAWN.Process(target=note_many, args=(folder, i, start)) for i in range(2)))

    class Same(Folder):
        def signature(self, _: str) -> Signature | None:
            return super().signature("any")

    place = Same(folder)
    assert ended == [0, 0]
    for i in range(N_NOTES):
        found = [journal.find(job(f"{name}-{i}"), place) for name in (0, 1, "shared")]
        assert [made and made.duration for made in found[:2]] == [0.0, 1.0]
        assert found[2] is not None
        assert found[2].duration in {0.0, 1.0}


def open_new(folder: Path, number: int, start: Barrier) -> None:
    """Open journals that are not there yet, at the same moment as others, and note something in each."""
    for i in range(N_ROUNDS):
        start.wait(PATIENCE)
        with closing(Journal(folder / f"journal-{i}")) as opened:
            opened.note(job(f"{number}"), (now(folder / "any"),), float(number))


def test_processes_that_open_a_new_journal_at_once_all_get_it(folder: Path) -> None:
    (folder / "any").write_bytes(b"content")
    start = SPAWN.Barrier(N_PROCESSES)

    ended = run_all(*(SPAWN.Process(target=open_new, args=(folder, i, start)) for i in range(N_PROCESSES)))

    assert ended == [0] * N_PROCESSES
    for i in range(N_ROUNDS):
        with closing(sqlite3.connect(folder / f"journal-{i}")) as connection:
            noted = connection.execute("SELECT name FROM notes ORDER BY name").fetchall()
        assert noted == [(f"{number}.pcm",) for number in range(N_PROCESSES)]


def note_and_die(folder: Path) -> None:
    opened = Journal(folder / FILE_NAME)
    opened.note(job(), make(folder, job()), 1.5)
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_noted_survives_whoever_noted_it(folder: Path, place: Counted) -> None:
    ended = run_all(SPAWN.Process(target=note_and_die, args=(folder,)))

    with closing(Journal(folder / FILE_NAME)) as opened:
        found = opened.find(job(), place)

    assert ended == [-signal.SIGKILL]
    assert found is not None
    assert found.duration == 1.5
