"""How a server begins and ends, and what it tells of its visitors: processes, sockets and signals."""

import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection

from cartesia_cli.models import AudioFormat, Encoding
from cartesia_cli.server.entrance.visitors import Answered, visible
from cartesia_cli.server.hosting.serving import listen_on
from tests.fakes.apps import running_app
from tests.fakes.hosted import Hosted, hosted
from tests.fakes.known import DEFAULT_VOICE, known_samples
from tests.fakes.waiting import eventually

RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
SPEECH = {
    "model_id": "sonic-3",
    "transcript": "one two three four five",
    "voice": {"mode": "id", "id": DEFAULT_VOICE},
    "output_format": RAW,
}
EXPECTED = known_samples("one two three four five", AudioFormat(Encoding.PCM_S16LE, 8_000))
HEARING = "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"


def dial(server: Hosted, path: str = "/tts/websocket") -> ClientConnection:
    return connect(server.url.replace("http", "ws", 1) + path, close_timeout=2)


def say(ours: Connection, text: str, **options: object) -> None:
    message = {**SPEECH, "voice": DEFAULT_VOICE, "transcript": text, "context_id": "ctx", **options}
    ours.send(json.dumps(message))


def close_code(ours: Connection) -> int:
    """Return the code with which the server closes."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            ours.recv(10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


# ---- the beginning


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("localhost", "127.0.0.1")]
)
def test_a_free_port_is_taken_on_any_address_of_this_machine(host: str, url: str) -> None:
    with contextlib.closing(listen_on(host, 0)) as listener:
        address, port = listener.getsockname()[:2]
        socket.create_connection((host, port), timeout=5).close()

    assert (address, port > 0) == (url, True)


def test_every_address_is_one_of_either_kind() -> None:
    with contextlib.closing(listen_on("::", 0)) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5).close()


def test_a_port_that_is_taken_or_a_host_that_is_not_there_is_an_error_at_once() -> None:
    with contextlib.closing(listen_on("127.0.0.1", 0)) as listener, pytest.raises(OSError, match="in use"):
        listen_on("127.0.0.1", listener.getsockname()[1])
    with pytest.raises(OSError, match="assign"):
        listen_on("192.0.2.1", 0)
    for host in ("no such host", "a..b", "x" * 300, "\udcff"):
        with pytest.raises(socket.gaierror):
            listen_on(host, 0)


def test_a_server_answers_as_soon_as_it_says_where_it_is() -> None:
    with hosted() as server:
        assert httpx.get(server.url).json()["ok"]
        assert server.url == f"http://127.0.0.1:{server.address[1]}"


# ---- the end


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_server_that_has_nothing_to_do_at_once(signum: signal.Signals) -> None:
    with (
        hosted() as server,
        httpx.Client() as client,
        dial(server) as speaking,
        dial(server, HEARING) as hearing,
    ):
        client.get(server.url)  # its connection stays
        half = socket.create_connection(server.address)
        half.sendall(b"GET / HT")
        began = time.monotonic()

        status = server.end(signum)

        seconds = time.monotonic() - began
        codes = close_code(speaking), close_code(hearing)
        half.close()
        assert (status, codes) == (-signum, (1012, 1012))
        assert seconds < 2
        assert not server.complaints


def test_answers_that_are_running_come_to_their_end() -> None:
    with hosted("--pace", 1.5) as server:
        received = b""
        with httpx.stream("POST", f"{server.url}/tts/bytes", json=SPEECH) as response:
            pieces = response.iter_raw()
            received = next(pieces)
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(httpx.ConnectError):
                while True:
                    httpx.get(server.url)
                    time.sleep(0.01)
            received += b"".join(pieces)
        status = server.process.wait(10)

        assert received == EXPECTED
        assert status == -signal.SIGTERM
        assert not server.complaints


def test_contexts_that_are_running_come_to_their_end() -> None:
    with hosted("--pace", 1.5) as server, dial(server) as idle, dial(server) as ours:
        say(ours, SPEECH["transcript"])  # type: ignore[arg-type]
        events = [json.loads(ours.recv(5))]
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert close_code(idle) == 1012
        assert time.monotonic() - began < 0.5
        while events[-1]["type"] != "done":
            events.append(json.loads(ours.recv(5)))

        assert close_code(ours) == 1012
        assert server.process.wait(10) == -signal.SIGTERM
        assert not server.complaints


@pytest.mark.parametrize("again", [False, True])
def test_what_takes_too_long_is_broken_off(again: bool) -> None:
    patience = 30 if again else 1
    with hosted("--pace", 0.2, "--patience", patience) as server, dial(server) as ours:
        say(ours, "word " * 100)
        ours.recv(5)
        with httpx.stream("POST", f"{server.url}/tts/bytes", json=SPEECH, timeout=20) as response:
            next(pieces := response.iter_raw())
            server.process.send_signal(signal.SIGINT)
            if again:
                time.sleep(0.3)
                server.process.send_signal(signal.SIGTERM)
            began = time.monotonic()

            status = server.process.wait(20)

            seconds = time.monotonic() - began
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
        assert status == -signal.SIGINT
        assert seconds < (3.5 if again else 4.5)
        assert not server.complaints


def test_the_port_is_free_for_the_next_one() -> None:
    with hosted() as first:
        port = first.address[1]
        httpx.get(first.url)
        first.end()
        with hosted("--port", port) as second:
            assert second.address[1] == port


# ---- who was there


async def answer(request: Request) -> Response:
    await request.body()
    return Response(b"12345", status_code=int(request.query_params.get("status", "200")))


async def fail(_: Request) -> Response:
    raise ValueError("as asked")


async def tarry(_scope: Scope, receive: Receive, send: Send) -> None:
    """Say that this was all when nobody is there any more."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"promised", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    await send({"type": "http.response.body"})


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("grün")
    await websocket.send_bytes(b"123")
    if await websocket.receive_text() == "close":
        await websocket.close(4321)
    else:
        await websocket.receive()


async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


APP = Starlette(
    routes=[
        Mount("/tarry", tarry),
        Route("/{path:path}", answer, methods=["GET", "POST"]),
        WebSocketRoute("/talk", talk),
        WebSocketRoute("/refuse", refuse),
    ]
)


@pytest.fixture
def answered() -> list[Answered]:
    return []


@pytest.fixture
def url(answered: list[Answered]) -> Iterator[str]:
    with running_app(APP, waits=False, on_answer=answered.append) as url:
        yield url


def only(answered: list[Answered]) -> Answered:
    assert eventually(lambda: len(answered) == 1)
    return answered[0]


def test_an_answer_is_told(url: str, answered: list[Answered]) -> None:
    headers = {"x-cartesia-client": "cartesia-python/4.2.0", "authorization": "Bearer sk_car_secret"}

    httpx.post(f"{url}/some/path?status=404&api_key=sk_car_secret", content=b"abc", headers=headers)

    told = only(answered)
    assert (told.method, told.path, told.status, told.n_bytes) == ("POST", "/some/path", 404, 5)
    assert (told.agent, told.is_whole, told.close_code) == ("cartesia-python/4.2.0", True, None)
    assert 0 < told.seconds < 5
    assert "secret" not in repr(told)


def test_a_socket_is_told_when_it_is_over(url: str, answered: list[Answered]) -> None:
    with connect(f"{url.replace('http', 'ws', 1)}/talk?api_key=sk_car_secret") as ours:
        assert (ours.recv(5), ours.recv(5)) == ("grün", b"123")
        time.sleep(0.05)
        assert not answered
        ours.send("close")
        assert close_of(ours) == 4321

    told = only(answered)
    assert (told.method, told.path, told.status, told.n_bytes, told.close_code) == (
        "WS",
        "/talk",
        101,
        8,
        4321,
    )
    assert told.seconds >= 0.05
    assert told.agent
    assert told.agent.startswith("Python/")
    assert "secret" not in repr(told)


def close_of(ours: Connection) -> int:
    with pytest.raises(ConnectionClosed):
        ours.recv(5)
    assert ours.protocol.close_rcvd is not None
    return ours.protocol.close_rcvd.code


def test_the_code_of_a_client_is_told_too(url: str, answered: list[Answered]) -> None:
    ours = connect(f"{url.replace('http', 'ws', 1)}/talk")
    ours.send("go on")
    ours.close(3999)

    assert only(answered).close_code == 3999


def test_a_socket_that_was_refused_is_told(url: str, answered: list[Answered]) -> None:
    with pytest.raises(InvalidStatus):
        connect(f"{url.replace('http', 'ws', 1)}/refuse")

    assert (only(answered).status, answered[0].close_code) == (403, None)


def test_no_path_can_write_into_the_log(url: str, answered: list[Answered]) -> None:
    httpx.get(f"{url}/a%0Ab%1B%5B31m%E2%80%AEgr%C3%BCn%FF/sk_car_abc123/x")

    assert only(answered).path == "/a\\nb\\x1b[31m\\u202egrün\N{REPLACEMENT CHARACTER}/sk_car_…/x"


def test_a_path_is_as_long_as_a_line_may_be(url: str, answered: list[Answered]) -> None:
    httpx.get(f"{url}/{'long' * 10_000}")

    assert len(only(answered).path) == 200


def test_an_agent_is_as_long_as_a_line_may_be(url: str, answered: list[Answered]) -> None:
    httpx.get(url, headers={"user-agent": "a\tb" + "c" * 5_000})

    agent = only(answered).agent
    assert agent is not None
    assert len(agent) <= 60
    assert agent.startswith("a\\tb")


def test_an_agent_that_holds_a_key_does_not_show_it(url: str, answered: list[Answered]) -> None:
    httpx.get(url, headers={"user-agent": "tool sk_car_secret"})

    assert only(answered).agent == "tool sk_car_…"


def test_a_client_that_leaves_before_it_is_answered_got_no_status(url: str, answered: list[Answered]) -> None:
    with socket.create_connection(address_of(url), timeout=5) as ours:
        ours.sendall(b"POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf")

    told = only(answered)
    assert (told.status, told.n_bytes, told.is_whole) == (None, 0, False)


def test_a_client_that_leaves_with_all_that_was_promised_got_it_all(
    url: str, answered: list[Answered]
) -> None:
    with socket.create_connection(address_of(url), timeout=5) as ours:
        ours.sendall(b"GET /tarry/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        while not ours.recv(4096).endswith(b"promised"):
            pass

    assert (only(answered).status, answered[0].is_whole) == (200, True)


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def test_a_bug_is_told_and_its_traceback_is_logged(
    answered: list[Answered], caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette(routes=[Route("/", fail)])
    with running_app(app, waits=False, on_answer=answered.append) as url:
        assert httpx.get(url).status_code == 500

    assert only(answered).status == 500
    assert "ValueError: as asked" in caplog.text


def test_text_without_control_characters_stays_as_it_is() -> None:
    assert visible("grün/日本 x") == "grün/日本 x"


def test_answers_are_told_in_the_order_in_which_they_end() -> None:
    with hosted("--pace", 3) as server:
        slow = threading.Thread(target=httpx.post, args=(f"{server.url}/tts/bytes",), kwargs={"json": SPEECH})
        slow.start()
        assert eventually(lambda: bool(httpx.get(server.url)) and slow.is_alive())
        slow.join()

        assert eventually(lambda: len(server.answered) >= 2)
        paths: list[Any] = [told["path"] for told in server.answered]
        assert paths[-1] == "/tts/bytes"
        assert server.answered[-1]["n_bytes"] == len(EXPECTED)
