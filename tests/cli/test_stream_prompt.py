"""``cartesia stream`` at a terminal: each line is spoken, a new one interrupts the old."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import KEY, Program, Result, Running, assert_failure, wait_until
from tests.fakes.sockets import Peer, Refusal, SocketServer, echo, voiced

RAW = ["-o", "-", "-o", "a.pcm", "--format", "raw", "--encoding", "pcm_s16le", "-r", "8000"]
CTRL_C, CTRL_D = "\x03", "\x04"

IN_A_SESSION = (
    sys.executable,
    "-c",
    "import fcntl, os, sys, termios as t; fcntl.ioctl(0, t.TIOCSCTTY); os.execvp(sys.argv[1], sys.argv[1:])",
)
"""A wrapper under which the terminal is the program's own, so that Ctrl-C is a signal."""


@pytest.fixture
def api(run: Program) -> Iterator[SocketServer]:
    """A server that speaks each text as it comes; its address is in the program's environment."""
    with SocketServer() as server:
        run.env.update(CARTESIA_BASE_URL=server.url, CARTESIA_API_KEY=KEY)
        yield server


def wait_for_speech(running: Running, text: str) -> None:
    """Wait until so much of what is spoken has come."""
    assert running.stdout is not None
    running.stdout.wait_for(len(voiced(text)))


def spoken(result: Result, folder: Path) -> str:
    """Return what was spoken."""
    assert (folder / "a.pcm").read_bytes() == result.stdout
    return result.stdout.decode("utf-16-le")


def prompt(run: Program, *options: object, env: dict[str, str] | None = None) -> Running:
    """Start a run with a terminal to type on."""
    return run.start("stream", *RAW, *options, tty=["stdin"], env=env)


def texts(server: SocketServer) -> list[str]:
    """Return the text of each context."""
    return [text.strip() for text in server.texts.values()]


def finished(server: SocketServer, n_lines: int) -> bool:
    """Return whether so many contexts were told that there is no more text."""
    sent = [m for peer in server.peers for m in peer.messages]
    return sum(m.get("continue") is False for m in sent) >= n_lines


def test_each_line_is_spoken_in_a_context_of_its_own(run: Program, api: SocketServer, folder: Path) -> None:
    running = prompt(run)
    lines = ["Hello there.", "It is 3.5 km", "Grüße 🙂!"]
    for i, line in enumerate(lines):
        running.type(line + "\n")
        wait_for_speech(running, "".join(lines[: i + 1]))
    running.type(CTRL_D)
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert texts(api) == lines
    assert spoken(result, folder).replace("\n", "") == "".join(lines)


def test_a_new_line_interrupts_the_old(run: Program, folder: Path) -> None:
    def slow(peer: Peer) -> None:
        first = peer.read()
        peer.chunk(first["context_id"], voiced("The long"))
        while not (message := peer.read()).get("cancel"):
            pass
        assert message["context_id"] == first["context_id"]
        peer.chunk(first["context_id"], voiced(" story"))
        peer.done(first["context_id"])
        echo(peer)

    with SocketServer(slow, echo) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        running = prompt(run, env=env)
        running.type("The long story.\n")
        wait_for_speech(running, "The long")
        running.type("Stop.\n")
        wait_for_speech(running, "The longStop.")
        running.type(CTRL_D)
        result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert spoken(result, folder).replace("\n", "") == "The longStop."


@pytest.mark.usefixtures("api")
def test_the_last_line_is_spoken_to_its_end(run: Program, folder: Path) -> None:
    """The end of the input interrupts nothing."""
    running = prompt(run, "--timings", "a.json", "--engine", "local")
    running.type("Hello to all of you.\n" + CTRL_D)
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert [w["word"] for w in timings["words"]] == ["Hello", "to", "all", "of", "you."]


@pytest.mark.parametrize("typed", ["", "\n\n", "...\n \n"], ids=["nothing", "empty lines", "dots"])
@pytest.mark.usefixtures("api")
def test_nothing_to_say_to_the_end_is_an_error(run: Program, folder: Path, typed: str) -> None:
    running = prompt(run)
    running.type(typed + CTRL_D)
    result = running.wait()

    assert_failure(result, 2, "nothing to say")
    assert list(folder.iterdir()) == []


def test_an_empty_line_between_is_no_error(run: Program, api: SocketServer, folder: Path) -> None:
    running = prompt(run)
    running.type("\n...\nHello.\n")
    wait_until(lambda: finished(api, 1))
    running.type(CTRL_D)
    result = running.wait()

    assert result.status == 0, result.stderr
    assert spoken(result, folder).strip() == "Hello."


@pytest.mark.parametrize(
    "typed", ["", "Hello there.\n", "half a li"], ids=["at once", "a line", "half a line"]
)
def test_ctrl_c_ends_it_and_leaves_nothing(run: Program, api: SocketServer, folder: Path, typed: str) -> None:
    running = run.start("stream", *RAW, tty=["stdin"], wrapper=IN_A_SESSION)
    wait_until(lambda: bool(list(folder.glob(".*.cartesia-part"))))
    running.type(typed)
    if typed.endswith("\n"):
        wait_until(lambda: finished(api, 1))
    running.type(CTRL_C)
    result = running.wait(5)

    assert result.status == 130
    assert len(result.lines) <= 1
    assert list(folder.iterdir()) == []


def test_sigterm_ends_it_in_the_middle_of_a_line(run: Program, folder: Path) -> None:
    def slow(peer: Peer) -> None:
        peer.chunk(peer.read()["context_id"], voiced("The long"))
        peer.hang()

    with SocketServer(slow) as server:
        running = prompt(run, env={"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY})
        running.type("The long story.\n")
        wait_for_speech(running, "The long")
        running.send(signal.SIGTERM)
        result = running.wait(5)

    assert result.status == 143
    assert list(folder.iterdir()) == []
    assert server.peers[0].messages[-1].get("cancel") is True


def test_a_refusal_ends_it_while_the_terminal_is_open(run: Program, folder: Path) -> None:
    with SocketServer(Refusal(401)) as server:
        running = prompt(run, env={"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY})
        running.type("Hello.\n")
        result = running.wait(10)

    assert_failure(result, 3)
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("folder")
def test_a_terminal_that_goes_away_ends_it(run: Program, api: SocketServer) -> None:
    running = prompt(run)
    running.type("Hello.\n")
    wait_until(lambda: finished(api, 1))
    assert running.stdin is not None
    os.close(running.stdin)
    running.stdin = None
    result = running.wait(5)

    assert result.status in {0, 2, 129}


def test_a_person_is_told_how_it_works(run: Program, api: SocketServer) -> None:
    running = run.start("stream", *RAW, tty=["stdin", "stderr"])
    assert running.stderr is not None
    hint = running.stderr.wait_for(20).decode()
    running.type("Hello.\n")
    wait_until(lambda: finished(api, 1))
    running.type(CTRL_D)
    result = running.wait()

    assert result.status == 0
    assert "line" in hint


def test_fallback_local_speaks_the_line_that_failed(run: Program, folder: Path) -> None:
    with SocketServer(Refusal(500)) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        running = prompt(run, "--fallback", "local", "--retries", 0, "--timings", "a.json", env=env)
        running.type("Hello to all of you.\n" + CTRL_D)
        result = running.wait()

    assert result.status == 0, result.stderr
    assert "built-in voice" in result.stderr
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert [w["word"] for w in timings["words"]] == ["Hello", "to", "all", "of", "you."]


@pytest.mark.usefixtures("api")
def test_events_go_on_over_all_lines(run: Program) -> None:
    running = run.start("stream", "-o", "a.pcm", *RAW[6:], "--json", tty=["stdin"])
    assert running.stdout is not None
    running.type("Hello.\n")
    wait_until(lambda: b"chunk" in running.stdout.wait_for(1))  # type: ignore[union-attr]
    running.type("There.\n")
    wait_until(lambda: running.stdout.wait_for(1).count(b"chunk") >= 2)  # type: ignore[union-attr]
    running.type(CTRL_D)
    result = running.wait()

    chunks = [e for e in result.events if e["type"] == "chunk"]
    assert result.status == 0
    assert chunks[0]["start"] == 0
    assert chunks[-1]["start"] >= chunks[0]["end"]
    assert result.events[-1]["type"] == "done"
    assert result.events[-1]["duration"] == chunks[-1]["end"]
