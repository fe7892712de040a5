"""What can go wrong at the other side of ``transcribe --live``: a documented status, one line, no hang."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Begin
from tests.cli.live import LEFT, RATE, RAW, Ear, Timed, env, final, hang, interim, message, sound
from tests.cli.program import KEY, Program, Result, assert_failure, assert_printable, wait_until
from tests.fakes.sockets import Peer, Refusal, SocketServer

SOUND = sound(3)
HALF = final(LEFT, 0.2, 0.9)
PATIENCE = ["--timeout", "0.5", "--retries", "0"]


def live(run: Program, server: SocketServer, *options: object, **others: Any) -> Result:
    """Listen to three seconds, with little patience."""
    given: dict[str, Any] = {"stdin": SOUND, "env": env(server), "timeout": 20} | others
    return run("transcribe", "--live", "-", *RAW, *PATIENCE, *options, **given)


def assert_failed(result: Result, status: int, *fragments: str) -> None:
    """Check an error after which what had been said stays said."""
    assert result.status == status, result.stderr
    cause, hint = result.lines
    assert cause.startswith("cartesia: ")
    assert hint.startswith("hint: ")
    assert_printable(result.stderr)
    assert KEY not in result.stderr
    for fragment in fragments:
        assert fragment in result.stderr


# Refusals

REFUSALS = {401: 3, 402: 4, 403: 3, 404: 5, 429: 4, 500: 6, 502: 6, 503: 6, 301: 6, 200: 6}
BODY = b'{"title": "No", "message": "Not \\u001b[31myou."}'


@pytest.mark.parametrize(
    ("status", "body"), [*((s, b"") for s in REFUSALS), *((s, BODY) for s in REFUSALS if s >= 400)]
)
def test_a_refused_handshake_is_an_error(run: Program, status: int, body: bytes) -> None:
    with SocketServer(Refusal(status, body)) as server:
        result = live(run, server)

    assert_failure(result, REFUSALS[status])
    assert "hint: " in result.stderr
    if body:
        assert "you." in result.stderr


def test_a_refusal_as_json(run: Program) -> None:
    body = (
        b'{"title": "Too many", "message": "Wait.", "error_code": "concurrency_limited", "request_id": "r7"}'
    )
    with SocketServer(Refusal(429, body, (("Content-Type", "application/json"),))) as server:
        result = live(run, server, "--json")

    [line] = result.lines
    error = json.loads(line)["error"]
    assert result.status == error["status"] == 4
    assert (error["code"], error["title"], error["request_id"]) == ("concurrency_limited", "Too many", "r7")
    assert error["hint"]
    assert result.stdout == b""


def test_a_run_that_is_refused_leaves_the_files_as_they_were(run: Program, folder: Path) -> None:
    """A wrong key must not cost the notes of yesterday."""
    (folder / "a.txt").write_text("yesterday")
    with SocketServer(Refusal(401)) as server:
        old = live(run, server, "-o", "a.txt")
        new = live(run, server, "-o", "b.vtt", "--no-clobber")

    assert old.status == new.status == 3
    assert [p.name for p in folder.iterdir()] == ["a.txt"]
    assert (folder / "a.txt").read_text() == "yesterday"


def test_silence_replaces_an_old_file(run: Program, folder: Path) -> None:
    (folder / "a.vtt").write_text("yesterday")
    with SocketServer(Ear()) as server:
        result = live(run, server, "-o", "a.vtt")

    assert result.status == 0
    assert (folder / "a.vtt").read_text().strip() == "WEBVTT"


# The other engine


def test_the_built_in_recogniser_takes_over_where_nothing_was_sent(run: Program) -> None:
    with SocketServer(Refusal(503)) as server:
        result = live(run, server, "--fallback", "local", "--format", "vtt", stdin=bytes(RATE))

    assert (result.status, result.text.strip()) == (0, "WEBVTT")
    [notice] = result.lines
    assert "built-in" in notice


def test_it_does_not_take_over_in_the_middle(run: Program) -> None:
    with SocketServer(Ear((0.9, HALF), (1.0, Peer.drop))) as server:
        result = live(run, server, "--fallback", "local")

    assert_failed(result, 6)
    assert result.text == f"{LEFT}\n"


def test_nobody_there_is_an_error(run: Program) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        result = run("transcribe", "--live", "-", *RAW, *PATIENCE, "--base-url", url, stdin=SOUND)

    assert_failure(result, 6, "hint: ")
    assert result.seconds < 5


def test_a_server_that_does_not_answer_is_an_error(run: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        result = run("transcribe", "--live", "-", *RAW, *PATIENCE, "--base-url", url, stdin=SOUND)

    assert_failure(result, 6, "hint: ")
    assert result.seconds < 5


# Ends


def closing(code: int) -> Callable[[Peer], None]:
    """Return what closes a connection with a code; 1006 is no code, but a connection that is gone."""

    def close(peer: Peer) -> None:
        peer.drop() if code == 1006 else peer.close(code, "for a\x1b[31m reason")
        hang(peer)

    return close


CODES = {1000: 6, 1001: 6, 1005: 6, 1006: 6, 1008: 5, 1011: 6, 1012: 6, 1013: 6}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("script", [(), ((0.9, HALF),)], ids=["before any word", "in the middle"])
def test_a_connection_that_is_closed_is_an_error(
    folder: Path, begin: Begin, code: int, script: tuple[Timed, ...]
) -> None:
    """The sound goes on, as that of a microphone does."""
    with SocketServer(Ear(*script, (1.0, closing(code)))) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, *PATIENCE, "-o", "a.txt", env=env(server))
        pipe.write(SOUND[: 2 * RATE + RATE])
        result = running.wait()

    assert_failed(result, CODES[code])
    assert [p.read_text() for p in folder.iterdir()] == ([f"{LEFT}\n"] if script else [])
    assert result.seconds < 5


@pytest.mark.parametrize("code", [1000, 1006])
def test_a_connection_that_is_closed_while_sound_is_decoded_is_an_error(
    run: Program, folder: Path, code: int
) -> None:
    """The process ends in order although a thread is busy: it says nothing else, and no library of it."""
    samples = np.frombuffer(sound(2, 44_100), np.int16)
    soundfile.write(folder / "a.wav", samples, 44_100, subtype="PCM_16")
    with SocketServer(closing(code)) as server:
        result = run("transcribe", "--live", "a.wav", *PATIENCE, env=env(server), cold=True)

    assert_failed(result, 6)


@pytest.mark.parametrize("code", [1001, 1008, 1011, 1013])
def test_a_connection_that_is_closed_after_the_last_sound_is_an_error(run: Program, code: int) -> None:
    with SocketServer(Ear((9, HALF), (9, closing(code)))) as server:
        result = live(run, server)

    assert_failed(result, CODES[code])
    assert result.text == f"{LEFT}\n"


BREAKS: dict[str, Callable[[Peer], None]] = {
    "in mid-message": Peer.cut,
    "with what is no frame": lambda peer: peer.raw(b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    "with what is no JSON": lambda peer: peer.send("<html>Bad gateway</html>"),
    "with JSON that means nothing": lambda peer: peer.send("[1, 2]"),
    "with bytes": lambda peer: peer.send(b"\x00\x01\xff"),
    "without a text": lambda peer: peer.send(message("transcript", is_final=True)),
    "with a number for a text": lambda peer: peer.send(message("transcript", is_final=True, text=7)),
    "with words that are none": lambda peer: peer.send(final("One.", 0, 1, words=[7])),
    "with a time that is none": lambda peer: peer.send(
        final("One.", 0, 1, words=[{"word": "One.", "start": "soon", "end": None}])
    ),
    "with a time that is no number": lambda peer: peer.send(
        '{"type":"transcript","is_final":true,"text":"a","words":[{"word":"a","start":NaN,"end":1}]}'
    ),
}


@pytest.mark.parametrize("do", BREAKS.values(), ids=BREAKS)
def test_an_answer_that_breaks_is_an_error(run: Program, do: Callable[[Peer], None]) -> None:
    def play(peer: Peer) -> None:
        do(peer)
        hang(peer)

    with SocketServer(Ear((0.9, HALF), (1.0, play))) as server:
        result = live(run, server)

    assert_failed(result, 6)
    assert result.text == f"{LEFT}\n"
    assert result.seconds < 5


ERRORS = {400: 5, 401: 3, 402: 4, 403: 3, 404: 5, 408: 6, 422: 5, 429: 4, 500: 6, 503: 6}


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("turns", [False, True], ids=["manual", "turns"])
def test_an_error_event_has_the_status_of_its_code(
    run: Program, folder: Path, status: int, turns: bool
) -> None:
    said = message("turn.end", transcript=LEFT) if turns else HALF
    told = message("error", status_code=status, title="Sorry", message=f"Not \x1b[31mnow, {KEY}.")

    with SocketServer(Ear((0.9, said), (1.0, told), (1.0, hang))) as server:
        result = live(run, server, "-o", "a.txt", *["--turns"] * turns)

    assert result.status == ERRORS[status], result.stderr
    assert "Sorry" in result.lines[0]
    assert_printable(result.stderr)
    assert (folder / "a.txt").read_text() == f"{LEFT}\n"


def test_an_error_of_the_old_kind_is_told(run: Program) -> None:
    with SocketServer(Ear(message("error", error="Out of credits", status_code=402), hang)) as server:
        assert_failure(live(run, server), 4, "Out of credits")


# Silence


def test_a_server_that_is_silent_after_the_end_is_an_error(run: Program) -> None:
    with SocketServer(Ear((0.9, HALF), (9, hang))) as server:
        result = live(run, server)

    assert_failed(result, 6, "--timeout")
    assert result.text == f"{LEFT}\n"
    assert result.seconds < 5


def test_nobody_is_impatient_while_nobody_speaks(begin: Begin) -> None:
    """What the server says of silence is nothing, for longer than any answer may take."""
    with SocketServer(Ear((0.1, interim("Hm")), (0.2, HALF))) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, *PATIENCE, env=env(server))
        pipe.write(sound(0.1))
        wait_until(lambda: bool(server.peers))
        with pytest.raises(AssertionError):
            wait_until(lambda: running.stderr is not None and running.stderr.size > 0, timeout=1.5)
        pipe.write(sound(0.2))
        pipe.close()
        result = running.wait()

    assert (result.status, result.text) == (0, f"{LEFT}\n")


def test_a_server_that_takes_no_sound_is_an_error(run: Program, folder: Path) -> None:
    def deaf(peer: Peer) -> None:
        peer.send(HALF)
        peer.is_over.wait(8)

    with SocketServer(deaf) as server:
        result = live(run, server, "-o", "a.txt", stdin=bytes(30_000_000))
        for peer in server.peers:
            peer.is_over.set()

    assert_failed(result, 6)
    assert (folder / "a.txt").read_text() == f"{LEFT}\n"
    assert result.seconds < 8


# Readers that go away


def test_a_reader_that_leaves_is_141_and_ends_the_sound(begin: Begin) -> None:
    reader, writer = os.pipe()
    many = [(0.2 * i, final(f" Word {i}.", 0.2 * i, 0.2 * i + 0.1)) for i in range(1, 300)]
    ear = Ear(*many)
    with SocketServer(ear) as server:
        running, pipe = begin("transcribe", "--live", "-", *RAW, env=env(server), stdout=writer)
        pipe.write(sound(0.5))
        assert os.read(reader, 100)
        os.close(reader)
        with contextlib.suppress(BrokenPipeError):
            while ear.seconds < 30:
                pipe.offer(sound(0.1))
                time.sleep(0.005)
        result = running.wait(10)

    assert result.status == 141
    assert result.stderr == ""
    assert ear.seconds < 30
    assert ear.commands == []


def test_a_reader_that_left_before_is_141(run: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with SocketServer(Ear(HALF)) as server:
        result = live(run, server, stdout=writer)

    assert (result.status, result.stderr) == (141, "")
