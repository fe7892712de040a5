"""``transcribe --live`` with the built-in recogniser: its own words against those of the whole recording."""

import json
import re
import signal
import socket
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.conftest import Begin
from tests.cli.live import RATE, assert_in_order, screen, word_errors
from tests.cli.program import EXTRA, Program, assert_failure, wait_until, without

FIRST = "The train to Boston leaves at nine in the morning."
SECOND = "Please close the window before the rain comes in."
LETTERS = r"[a-z0-9']+"


class Spoken(NamedTuple):
    """Recordings by the built-in voice; nobody changes them."""

    first: bytes
    """A sentence and a second and a half of silence, ``pcm_s16le`` at ``RATE``."""

    second: bytes
    """Another one."""

    batch: str
    """What is heard in them when they are heard at once."""


RAW = ["--encoding", "pcm_s16le", "--sample-rate", str(RATE)]


@pytest.fixture(scope="module")
def spoken(server: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    folder = tmp_path_factory.mktemp("spoken")
    program = Program(server, folder, tmp_path_factory.mktemp("home"))
    form = ["-o", "-", "--format", "raw", "--encoding", "pcm_s16le", "-r", RATE, "--engine", "local"]
    parts = [program("say", text, *form).stdout for text in (FIRST, SECOND)]
    first, second = (part + bytes(3 * RATE) for part in parts)
    batch = program("transcribe", "-", *RAW, "--engine", "local", stdin=first + second)
    assert batch.status == 0, batch.stderr
    return Spoken(first, second, batch.text)


@pytest.fixture
def local(run: Program, folder: Path, spoken: Spoken) -> Program:
    """The program on its own, with a recording in the folder."""
    run.env["CARTESIA_ENGINE"] = "local"
    (folder / "a.raw").write_bytes(spoken.first + spoken.second)
    return run


def letters(text: str) -> list[str]:
    """Return the words of a text as a judge of recognition compares them."""
    return re.findall(LETTERS, text.lower())


def assert_same_words(text: str, spoken: Spoken) -> None:
    """Check that two points of word error are all that lies between this and the whole recording's text."""
    assert word_errors(letters(text), letters(spoken.batch)) <= 0.02, (text, spoken.batch)


@pytest.mark.parametrize("pace", ["4", "max"])
def test_final_texts_are_those_of_the_whole_recording(local: Program, spoken: Spoken, pace: str) -> None:
    result = local("transcribe", "--live", "a.raw", *RAW, "--pace", pace, "--json", "--interim")

    assert (result.status, result.stderr) == (0, "")
    finals = [e for e in result.events if e["type"] == "final"]
    assert_same_words(" ".join(e["text"] for e in finals), spoken)
    assert len(finals) == 2, "a pause ends an utterance"
    words = [word for e in finals for word in e["words"]]
    assert_in_order(words)
    assert [w["word"] for e in finals for w in e["words"]] == [w for e in finals for w in e["text"].split()]
    assert words[-1]["end"] <= len(spoken.first + spoken.second) / 2 / RATE
    kinds = [e["type"] for e in result.events]
    assert "interim" in kinds[: kinds.index("final")], "words appear before their sentence is over"


def test_words_appear_on_a_terminal_while_they_are_spoken(local: Program, spoken: Spoken) -> None:
    result = local("transcribe", "--live", "a.raw", *RAW, "--pace", "4", tty=["stderr"], columns=20)

    assert result.status == 0
    assert_same_words(result.text, spoken)
    updates = [text for text in result.stderr.split("\r\x1b[2K") if text]
    assert len(updates) >= 2
    assert all(len(screen(update, 20)) == 1 for update in updates)
    assert screen(result.stderr, 20) == []


def test_subtitles_of_a_file_are_without_faults(local: Program, folder: Path, spoken: Spoken) -> None:
    captions = local("transcribe", "--live", "a.raw", *RAW, "--pace", "max", "-o", "a.vtt")
    checked = local("captions", "lint", "a.vtt", "--json")

    assert captions.status == checked.status == 0
    assert [e for e in checked.events if e["severity"] == "error"] == []
    said = re.sub(
        r"<[^>]*>|^WEBVTT.*$|^.*-->.*$", "", (folder / "a.vtt").read_text("utf-8"), flags=re.MULTILINE
    )
    assert_same_words(said, spoken)


def test_the_first_sentence_is_final_before_the_second_is_spoken(
    begin: Begin, folder: Path, spoken: Spoken
) -> None:
    running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", "--engine", "local")
    pipe.write(spoken.first)
    wait_until(lambda: (folder / "a.txt").exists() and "morning" in (folder / "a.txt").read_text(), 20)
    early = (folder / "a.txt").read_text()
    pipe.write(spoken.second)
    pipe.close()
    result = running.wait()

    assert result.status == 0
    assert "window" not in early
    assert early.endswith("\n")
    assert_same_words((folder / "a.txt").read_text(), spoken)


def test_ctrl_c_keeps_the_last_words(begin: Begin, folder: Path, spoken: Spoken) -> None:
    running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", "a.txt", "--engine", "local")
    pipe.write(spoken.first[: -3 * RATE])
    running.send(signal.SIGINT)
    result = running.wait()

    assert (result.status, result.stderr) == (130, "")
    assert word_errors(letters((folder / "a.txt").read_text()), letters(FIRST)) < 0.2
    assert [p.name for p in folder.iterdir()] == ["a.txt"]
    assert result.seconds < 8


def test_turns_are_told_apart(local: Program, spoken: Spoken) -> None:
    options = ["--turns", "--json", "--pace", "max", "--max-silence", "0.4"]

    result = local("transcribe", "--live", "a.raw", *RAW, *options)

    assert result.status == 0, result.stderr
    assert {e["type"] for e in result.events} == {"turn"}
    assert_same_words(" ".join(e["text"] for e in result.events), spoken)


def test_the_pause_that_ends_an_utterance_can_be_chosen(local: Program, spoken: Spoken) -> None:
    result = local("transcribe", "--live", "a.raw", *RAW, "--pace", "max", "--max-silence", "3")

    assert result.status == 0
    assert len(result.text.splitlines()) == 1
    assert_same_words(result.text, spoken)


def test_what_is_fainter_than_the_least_volume_is_silence(local: Program) -> None:
    loud = local("transcribe", "--live", "a.raw", *RAW, "--pace", "max", "--min-volume", "1")

    assert (loud.status, loud.stdout, loud.stderr) == (0, b"", "")


def test_silence_is_an_empty_transcript(local: Program) -> None:
    result = local("transcribe", "--live", "-", *RAW, "--format", "vtt", stdin=bytes(6 * RATE))

    assert (result.status, result.text.strip(), result.stderr) == (0, "WEBVTT", "")


def test_what_only_the_cloud_knows_is_warned_of(local: Program) -> None:
    options = ["--keyterm", "Boston", "--keyterm", "Bo", "--model", "ink-whisper", "-l", "en-GB"]

    result = local("transcribe", "--live", "-", *RAW, *options, stdin=bytes(RATE))

    assert result.status == 0
    [warning] = result.lines
    assert warning.startswith("cartesia: warning: ")
    assert "--keyterm" in warning
    assert "--model" in warning


@pytest.mark.parametrize("language", ["de", "xx"])
def test_a_language_that_it_does_not_speak_is_refused(local: Program, folder: Path, language: str) -> None:
    result = local(
        "transcribe", "--live", "-", *RAW, "--language", language, "-o", "a.txt", stdin=bytes(RATE)
    )

    assert_failure(result, 2, language)
    assert [p.name for p in folder.iterdir()] == ["a.raw"]


def test_without_a_key_it_says_which_engine_it_took(run: Program) -> None:
    told = run("transcribe", "--live", "-", *RAW, stdin=bytes(RATE))

    assert (told.status, told.stdout) == (0, b"")
    [notice] = told.lines
    assert "CARTESIA_API_KEY" in notice


def test_without_the_extra_it_says_how_to_get_it(run: Program, tmp_path: Path) -> None:
    bare = without(tmp_path, run, *EXTRA)

    chosen = run("transcribe", "--live", "-", *RAW, "--engine", "local", stdin=bytes(RATE), env=bare)
    left_open = run("transcribe", "--live", "-", *RAW, stdin=bytes(RATE), env=bare)

    assert_failure(chosen, 2, "hint: ", "local")
    assert_failure(left_open, 3, "hint: ", "CARTESIA_API_KEY")


def test_odd_sound_is_heard_without_a_fuss(local: Program) -> None:
    """Noise at full scale, a constant, half a sample."""
    odd = (
        b"".join(i.to_bytes(4, "little") for i in range(0, 1 << 32, 1 << 19 | 12345))
        + b"\xff\x7f" * RATE
        + b"\x01"
    )

    result = local("transcribe", "--live", "-", *RAW, "--json", stdin=odd)

    assert (result.status, result.stderr) == (0, "")
    assert all(json.loads(line) for line in result.text.splitlines())
