import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from cartesia_cli.api.relay import Call, Relay, Relayed, RelayedSocket, has_key
from cartesia_cli.api.way import Timeouts
from cartesia_cli.errors import CredentialsError, RequestError, UnavailableError, UsageError
from tests.fakes.scripted import CLOSE, HANG, Gate, Request, Scripted, chunked, response
from tests.fakes.sockets import Peer, Refusal, SocketServer

KEY = "sk_car_confidential_1234"


@contextmanager
def relayed(
    *answers: Any, key: str | None = KEY, path: str = "", **options: Any
) -> Iterator[tuple[Relay, Scripted]]:
    with Scripted(*answers) as server, closing(Relay(server.url + path, key, **options)) as relay:
        yield relay, server


def ask(relay: Relay, target: str = "/voices", method: str = "GET", **options: Any) -> Relayed:
    return relay.ask(Call(), method, target, options.get("headers", ()), options.get("body", ()))


def headers_of(request: Request, name: str) -> list[str]:
    return [value for each, value in request.headers if each.lower() == name]


def test_a_request_goes_on_as_it_is_below_the_base_url() -> None:
    with relayed(response(201, b"{}", headers=[("X-Request-Id", "7")]), path="/api/") as (relay, server):
        sent = [
            ("content-type", "application/json"),
            ("cartesia-version", "2024-06-10"),
            ("content-length", "4"),
        ]
        answer = ask(relay, "/a%20b/?q=%C3%BC+x&q=", "PATCH", headers=sent, body=[b"{  ", b"}"])
        body = b"".join(answer.pieces)

    (request,) = server.requests
    assert (request.method, request.target) == ("PATCH", "/api/a%20b/?q=%C3%BC+x&q=")
    assert request.body == b"{  }"
    assert headers_of(request, "cartesia-version") == ["2024-06-10"]
    assert headers_of(request, "user-agent") == []
    assert (answer.status, body) == (201, b"{}")
    assert answer.headers == [
        ("content-type", "application/json"),
        ("x-request-id", "7"),
        ("content-length", "2"),
    ]


def test_what_belongs_to_one_connection_stays_behind() -> None:
    steps = response(
        headers=[("Keep-Alive", "timeout=5"), ("Strict-Transport-Security", "x"), ("Alt-Svc", "h3")]
    )
    with relayed(steps) as (relay, server):
        headers = [
            ("host", "127.0.0.1:8420"),
            ("connection", "keep-alive"),
            ("accept-encoding", "gzip, br"),
            ("origin", "http://127.0.0.1:8420"),
            ("expect", "100-continue"),
        ]
        answer = ask(relay, headers=headers)
        assert list(answer.pieces) == []

    (request,) = server.requests
    assert headers_of(request, "host") == [f"127.0.0.1:{server.port}"]
    assert headers_of(request, "accept-encoding") == ["identity"]
    assert not {"connection", "origin", "expect"} & {name.lower() for name, _ in request.headers}
    assert {name for name, _ in answer.headers} == {"content-type", "content-length"}


@pytest.mark.parametrize(
    ("headers", "target", "expected"),
    [
        ([], "/voices", [f"Bearer {KEY}"]),
        ([("authorization", "Bearer other")], "/voices", ["Bearer other"]),
        ([("x-api-key", "other")], "/voices", []),
        ([], "/voices?api_key=other", []),
        ([], "/voices?access_token=other", []),
        ([], "/voices?api_key=", [f"Bearer {KEY}"]),
    ],
)
def test_the_key_is_added_for_who_sends_none(headers: Any, target: str, expected: list[str]) -> None:
    with relayed(response()) as (relay, server):
        list(ask(relay, target, headers=headers).pieces)

    assert headers_of(server.requests[0], "authorization") == expected
    assert has_key(headers, target) == (expected != [f"Bearer {KEY}"])


def test_headers_of_the_user_win() -> None:
    with relayed(response(), headers={"X-Tenant": "ours-and-secret", "User-Agent": "me"}) as (relay, server):
        list(ask(relay, headers=[("user-agent", "client"), ("x-tenant", "theirs")]).pieces)

    assert headers_of(server.requests[0], "x-tenant") == ["ours-and-secret"]
    assert headers_of(server.requests[0], "user-agent") == ["me"]
    assert {KEY, "ours-and-secret"} <= relay.secrets


def test_a_body_without_a_length_goes_on_in_chunks_as_it_comes() -> None:
    gate = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"one "
        assert gate.wait(10)
        yield b"two"

    with relayed(response()) as (relay, server):
        answers: list[Relayed] = []
        call = threading.Thread(
            target=lambda: answers.append(
                ask(relay, "/stt", "POST", headers=[("transfer-encoding", "chunked")], body=pieces())
            )
        )
        call.start()
        gate.set()
        call.join(10)
        list(answers[0].pieces)

    assert server.requests[0].body == b"one two"


def test_every_piece_passes_when_it_is_there() -> None:
    gate = Gate()
    with relayed(chunked(b"first", gate, b"second")) as (relay, _):
        pieces = ask(relay).pieces
        assert next(pieces) == b"first"
        gate.open()
        assert list(pieces) == [b"second"]


def test_a_connection_serves_the_next_request() -> None:
    with relayed(response(body=b"{}")) as (relay, server):
        for _ in range(3):
            assert list(ask(relay).pieces) == [b"{}"]
        assert server.connections == 1


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/api/voices?limit=1", "/voices?limit=1"),
        ("../voices", "/voices"),
        ("/other", "/other"),
        ("https://elsewhere.example/api/voices", "https://elsewhere.example/api/voices"),
    ],
)
def test_a_redirect_leads_through_us_again(location: str, expected: str) -> None:
    with relayed(response(307, headers=[("Location", location)]), path="/api") as (relay, server):
        answer = ask(relay, "/voices/")
        list(answer.pieces)
        assert len(server.requests) == 1

    assert dict(answer.headers)["location"] == expected


def test_an_answer_that_breaks_off_is_an_error_after_its_pieces() -> None:
    with relayed([*chunked(b"first", end=False), CLOSE]) as (relay, _):
        pieces = ask(relay).pieces
        assert next(pieces) == b"first"
        with pytest.raises(UnavailableError, match="broke off"):
            next(pieces)


@pytest.mark.parametrize("begun", [False, True])
def test_another_thread_can_end_the_wait(begun: bool) -> None:
    steps = [*chunked(b"first", end=False), HANG] if begun else [HANG]
    with relayed(steps, timeouts=Timeouts(first_byte=60, stall=60)) as (relay, server):
        call = Call()
        timer = threading.Timer(0.2, call.interrupt)
        timer.start()
        began = time.monotonic()
        with pytest.raises(UnavailableError):
            list(relay.ask(call, "GET", "/voices", (), ()).pieces)
        timer.join()
        server.wait_for_disconnections(1)

    assert time.monotonic() - began < 5


def test_a_call_that_was_ended_does_not_begin_and_one_that_is_over_harms_no_other() -> None:
    with relayed(response(body=b"{}")) as (relay, server):
        ended, over = Call(), Call()
        ended.interrupt()
        with pytest.raises(UnavailableError):
            relay.ask(ended, "GET", "/voices", (), ())
        list(relay.ask(over, "GET", "/voices", (), ()).pieces)
        over.interrupt()
        list(ask(relay).pieces)
        assert len(server.requests) == 2


@pytest.mark.parametrize("target", ["http://elsewhere.example/", "*", ""])
def test_what_is_no_path_goes_nowhere(target: str) -> None:
    with relayed(response()) as (relay, server):
        with pytest.raises(RequestError):
            ask(relay, target)
        assert server.requests == []


def test_no_message_shows_the_key() -> None:
    relay = Relay("http://127.0.0.1:9", KEY)

    with pytest.raises(UnavailableError, match="refuses the connection") as caught:
        ask(relay, f"/voices?api_key={KEY}")

    assert KEY not in str(caught.value)


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(UsageError, match="base URL"):
        Relay("ftp://127.0.0.1", KEY)
    with pytest.raises(CredentialsError):
        Relay("http://127.0.0.1", "two words")
    with pytest.raises(UsageError, match="header"):
        Relay("http://127.0.0.1", KEY, headers={"X Y": "z"})


def test_a_socket_passes_messages_and_knows_how_it_ended() -> None:
    def play(peer: Peer) -> None:
        assert peer.path == "/tts/websocket?cartesia_version=2026-08-14"
        assert peer.headers["authorization"] == f"Bearer {KEY}"
        assert peer.headers["sec-websocket-key"] != "of the client"
        peer.read()
        peer.send(b"\x00\x01")
        peer.close(1012, "restarting")

    headers = [("sec-websocket-key", "of the client"), ("sec-websocket-extensions", "permessage-deflate")]
    with SocketServer(play) as server, closing(Relay(server.url, KEY)) as relay:
        connected = relay.connect("/tts/websocket?cartesia_version=2026-08-14", headers)
        assert isinstance(connected, RelayedSocket)
        with closing(connected):
            connected.send("{}")
            assert connected.receive(10) == b"\x00\x01"
            with pytest.raises(UnavailableError, match="1012"):
                connected.receive(10)
            assert connected.closing == (1012, "restarting")


def test_a_socket_that_is_refused_is_an_answer() -> None:
    refusal = Refusal(429, b'{"error_code":"concurrency_limited"}', (("Retry-After", "3"),))
    with SocketServer(refusal) as server, closing(Relay(server.url, KEY)) as relay:
        answer = relay.connect("/tts/websocket", ())
        assert isinstance(answer, Relayed)
        body = b"".join(answer.pieces)

    assert (answer.status, body) == (429, b'{"error_code":"concurrency_limited"}')
    assert dict(answer.headers)["retry-after"] == "3"


def test_what_says_that_it_is_a_socket_must_show_it() -> None:
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade", b"", b""]
    with (
        relayed([b"\r\n".join(lines), HANG]) as (relay, _),
        pytest.raises(UnavailableError, match="WebSocket"),
    ):
        relay.connect("/tts/websocket", ())
