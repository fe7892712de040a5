"""What can go wrong at the other side of ``cartesia stream``: a documented status, one line, no hang."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Begin
from tests.cli.program import KEY, Program, Result, assert_failure, wait_until
from tests.fakes.sockets import Peer, Play, Refusal, SocketServer, answer, echo, voiced

TEXT = "Once upon a time. There was a fox."
RAW = ["-o", "a.pcm", "--encoding", "pcm_s16le", "-r", "8000"]


def env(server: SocketServer) -> dict[str, str]:
    """Return the variables that lead a run to a server."""
    return {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}


def stream(run: Program, server: SocketServer, *options: object, text: str = TEXT) -> Result:
    """Speak a text that comes at once."""
    patience = ["--timeout", "0.5", "--retries", "0"]
    return run("stream", *RAW, *patience, *options, stdin=text.encode(), env=env(server), timeout=20)


def after(n_messages: int, do: Callable[[Peer], None], *, speaks: bool = True) -> Play:
    """Return a play that answers so many messages with text and then does something."""

    def play(peer: Peer) -> None:
        for _ in range(n_messages):
            message = peer.read()
            if speaks:
                answer(peer, message | {"continue": True})
        do(peer)
        peer.hang()

    return play


CODES = [1000, 1001, 1005, 1006, 1008, 1011, 1013]


def closing(code: int) -> Callable[[Peer], None]:
    """Return what closes a connection with a code; 1006 is no code, but a connection that is gone."""
    return Peer.drop if code == 1006 else lambda peer: peer.close(code, "for a\x1b[31m reason")


@pytest.mark.parametrize("n_before", [0, 1], ids=["before any sound", "in the middle"])
@pytest.mark.parametrize("code", CODES)
def test_a_connection_that_is_closed_is_an_error(
    run: Program, folder: Path, code: int, n_before: int
) -> None:
    with SocketServer(after(n_before, closing(code))) as server:
        result = stream(run, server)

    assert_failure(result, result.status)
    assert result.status == (5 if code == 1008 else 6)  # 1008: this breaks the rules of the API
    assert "hint: " in result.stderr
    assert list(folder.iterdir()) == []
    assert result.seconds < 6


BREAKS = {
    "in silence": lambda _: None,
    "in mid-message": Peer.cut,
    "with what is no frame": lambda peer: peer.raw(b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    "with what is no JSON": lambda peer: peer.send("<html>Bad gateway</html>"),
    "with JSON that means nothing": lambda peer: peer.send("[1, 2]"),
    "with bytes": lambda peer: peer.send(b"\x00\x01\x02"),
    "with audio that is no base64": lambda peer: peer.tell(
        "chunk", peer.messages[0]["context_id"], data="***"
    ),
    "with an odd byte": lambda peer: (
        peer.chunk(peer.messages[0]["context_id"], b"\x01"),
        peer.done(peer.messages[0]["context_id"]),
    ),
}


@pytest.mark.parametrize("do", BREAKS.values(), ids=BREAKS)
def test_an_answer_that_breaks_is_an_error(run: Program, folder: Path, do: Callable[[Peer], None]) -> None:
    with SocketServer(after(1, do)) as server:
        result = stream(run, server)

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []
    assert result.seconds < 6


def test_a_server_that_never_answers_is_an_error(run: Program, folder: Path) -> None:
    with SocketServer(after(0, lambda _: None)) as server:
        result = stream(run, server)

    assert_failure(result, 6, "--timeout")
    assert list(folder.iterdir()) == []


def test_done_without_any_audio_is_an_error(run: Program, folder: Path) -> None:
    with SocketServer(
        after(1, lambda peer: peer.done(peer.messages[0]["context_id"]), speaks=False)
    ) as server:
        result = stream(run, server)

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("run")
def test_a_server_that_finishes_too_early_loses_no_words(begin: Begin, folder: Path) -> None:
    """The words that it had not been sent go to a new context, and those that crossed its end."""
    is_heard = threading.Event()

    def early(peer: Peer) -> None:
        first = peer.read()
        answer(peer, first | {"continue": True})
        assert is_heard.wait(20)
        peer.done(first["context_id"])
        echo(peer)

    with SocketServer(early) as server:
        running, pipe = begin("stream", *RAW, "--json", env=env(server))
        pipe.write("Once upon a time. ")
        assert running.stdout is not None
        running.stdout.wait_for(1)  # the event of its audio
        is_heard.set()
        pipe.write("There was a fox.")
        pipe.close()
        result = running.wait()

    assert result.status == 0, result.stderr
    assert (folder / "a.pcm").read_bytes().decode("utf-16-le").endswith("There was a fox.")


# Refusals

REFUSALS = {
    401: 3,
    402: 4,
    403: 3,
    404: 5,
    429: 4,
    500: 6,
    503: 6,
    301: 6,
    200: 6,
}


BODY = b'{"title": "No", "message": "Not \\u001b[31myou."}'


@pytest.mark.parametrize(
    ("status", "body"), [(s, b"") for s in REFUSALS] + [(s, BODY) for s in REFUSALS if s >= 400]
)
def test_a_refusal_at_the_handshake_has_its_status(
    run: Program, folder: Path, status: int, body: bytes
) -> None:
    with SocketServer(Refusal(status, body)) as server:
        result = stream(run, server)

    assert_failure(result, REFUSALS[status])
    assert ("hint: " in result.stderr) or body
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_that_passes_is_tried_again(run: Program, folder: Path, status: int) -> None:
    with SocketServer(Refusal(status, headers=(("Retry-After", "0"),)), echo) as server:
        result = stream(run, server, "--retries", "2", "--stats")

    assert result.status == 0, result.stderr
    assert (folder / "a.pcm").read_bytes() == voiced(TEXT)
    assert "retries: 1" in result.stderr


def test_a_port_where_nobody_listens_is_an_error(run: Program, folder: Path) -> None:
    result = run(
        "stream", *RAW, "--retries", 0, stdin=b"Hello.",
        env={"CARTESIA_BASE_URL": "http://127.0.0.1:9", "CARTESIA_API_KEY": KEY},
    )  # fmt: skip

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


def test_a_failure_does_not_wait_for_the_input_to_end(begin: Begin, folder: Path) -> None:
    with SocketServer(after(1, closing(1011))) as server:
        running, pipe = begin("stream", *RAW, "--retries", 0, env=env(server))
        pipe.write("Once upon a time. There ")
        result = running.wait(10)

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


def test_a_refusal_does_not_wait_for_the_input_to_end(begin: Begin, folder: Path) -> None:
    with SocketServer(Refusal(401)) as server:
        running, pipe = begin("stream", *RAW, env=env(server))
        pipe.write("Once upon a time. There ")
        result = running.wait(10)

    assert_failure(result, 3)
    assert list(folder.iterdir()) == []


# Errors of a context

ERRORS = {400: 5, 401: 3, 402: 4, 403: 3, 404: 5, 408: 6, 422: 5, 429: 4, 500: 6, 503: 6}


@pytest.mark.parametrize("n_before", [0, 1], ids=["at first", "in the middle"])
@pytest.mark.parametrize(("status", "expected"), ERRORS.items())
def test_an_error_event_has_the_status_of_its_status_code(
    run: Program, folder: Path, status: int, expected: int, n_before: int
) -> None:
    def fail(peer: Peer) -> None:
        message = peer.messages[0] if peer.messages else peer.read()
        peer.tell(
            "error", message["context_id"], status_code=status, error_code="it_broke", title="It broke",
            message="So it \x1b[31mwent.", request_id="req-17", error="It broke: So it went.",
        )  # fmt: skip

    with SocketServer(after(n_before, fail)) as server:
        result = stream(run, server)

    assert_failure(result, expected, "went.")
    assert list(folder.iterdir()) == []


def test_an_error_as_json_has_the_code_and_the_request(run: Program) -> None:
    def fail(peer: Peer) -> None:
        fields: dict[str, Any] = {
            "status_code": 429,
            "error_code": "concurrency_limited",
            "request_id": "r-1",
        }
        peer.tell("error", peer.read()["context_id"], title="Too many", message="Wait a bit.", **fields)

    with SocketServer(after(0, fail)) as server:
        result = stream(run, server, "--json")

    error = json.loads(result.stderr)["error"]
    assert result.status == error["status"] == 4
    assert (error["code"], error["request_id"]) == ("concurrency_limited", "r-1")


def test_an_error_that_passes_is_tried_again(run: Program, folder: Path) -> None:
    """As long as nothing has been spoken."""

    def fail_once(peer: Peer) -> None:
        peer.tell("error", peer.read()["context_id"], status_code=503, title="Busy", message="Try again.")
        echo(peer)

    with SocketServer(fail_once) as server:
        result = stream(run, server, "--retries", "2")

    assert result.status == 0, result.stderr
    assert (folder / "a.pcm").read_bytes() == voiced(TEXT)


def test_a_late_error_of_a_context_that_is_gone_hurts_nobody(run: Program, folder: Path) -> None:
    def play(peer: Peer) -> None:
        peer.tell("error", "another-context", status_code=500, title="Not yours", message="Really.")
        echo(peer)

    with SocketServer(play) as server:
        result = stream(run, server)

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == voiced(TEXT)


# --fallback local


@pytest.mark.parametrize(
    "play",
    [Refusal(500), after(0, closing(1011)), after(1, closing(1013), speaks=False), Refusal(401)],
    ids=["refused", "closed", "closed after some text", "a wrong key"],
)
@pytest.mark.usefixtures("run")
def test_the_built_in_voice_speaks_all_of_the_text_instead(
    begin: Begin, folder: Path, play: Play | Refusal
) -> None:
    with SocketServer(play) as server:
        running, pipe = begin(
            "stream", "-o", "a.wav", "--timings", "a.json", "--retries", 0, "--fallback", "local",
            env=env(server),
        )  # fmt: skip
        pipe.write("Once upon ", "a time. ")
        wait_until(lambda: server.n_handshakes > 0)
        pipe.write("There was ", "a fox.")
        pipe.close()
        result = running.wait()

    assert result.status == 0, result.stderr
    assert len(result.lines) == 1
    assert "built-in voice" in result.stderr
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert [w["word"] for w in timings["words"]] == TEXT.split()
    assert timings["text"] == TEXT


def test_after_the_first_sound_nobody_takes_over(run: Program, folder: Path) -> None:
    with SocketServer(after(1, closing(1011))) as server:
        result = stream(run, server, "--fallback", "local")

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


# say --transport websocket


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_say_over_a_socket_that_is_closed_is_an_error(run: Program, folder: Path, code: int) -> None:
    with SocketServer(after(1, closing(code))) as server:
        result = run("say", TEXT, *RAW, "--transport", "websocket", "--retries", 0, env=env(server))

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("status", "expected"), [(401, 3), (429, 4), (500, 6)])
def test_say_over_a_socket_that_is_refused_has_its_status(
    run: Program, folder: Path, status: int, expected: int
) -> None:
    with SocketServer(Refusal(status)) as server:
        result = run("say", TEXT, *RAW, "--transport", "websocket", "--retries", 0, env=env(server))

    assert_failure(result, expected)
    assert list(folder.iterdir()) == []


def test_say_over_a_silent_socket_is_an_error(run: Program, folder: Path) -> None:
    with SocketServer(after(1, lambda _: None)) as server:
        result = run(
            "say", TEXT, *RAW, "--transport", "websocket", "--timeout", "0.4", "--retries", 0, env=env(server)
        )

    assert_failure(result, 6, "--timeout")
    assert list(folder.iterdir()) == []
