import json
import logging
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.frames import Frames, Message
from cartesia_cli.api.way import Timeouts
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    RequestError,
    UnavailableError,
)
from cartesia_cli.models import Traffic
from tests.fakes.scripted import CLOSE, HANG, Pause, Scripted, chunked, response
from tests.fakes.sockets import Peer, Play, Refusal, SocketServer
from tests.unit.test_api_transport import (
    Tunnel,
    certificate,  # noqa: F401  a fixture
    http_proxy,
    socks_proxy,
)

KEY = "sk_car_0123456789abcdef"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
QUICK = Timeouts(connect=0.3, first_byte=2.0, stall=2.0, ping=0.2)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before == set()


def exchange(base_url: str, **changes: Any) -> Exchange:
    options: dict[str, Any] = {
        "timeouts": Timeouts(),
        "retries": 2,
        "headers": {},
        "traffic": Traffic(),
        "sleep": lambda _: None,
        "jitter": lambda: 0.0,
    }
    return Exchange(KEY, base_url=base_url, **{**options, **changes})


def failure(base_url: str, **changes: Any) -> CartesiaError:
    with pytest.raises(CartesiaError) as caught:
        exchange(base_url, **changes).open_socket("/tts/websocket")
    return caught.value


def parrot(peer: Peer) -> None:
    for message in peer.connection:
        peer.send(message)


# ---- the handshake


def test_a_socket_is_asked_for_below_the_base_path_with_the_key_in_the_headers() -> None:
    with SocketServer(parrot) as server:
        api = exchange(f"{server.url}/base/", headers={"X-Tenant": "7"})

        api.open_socket("/stt/websocket", {"keyterm": ["a b", "c"]}).close()

        peer = server.peer()
        assert peer.path == "/base/stt/websocket?keyterm=a+b&keyterm=c&cartesia_version=2026-08-14"
        assert peer.headers["Authorization"] == f"Bearer {KEY}"
        assert peer.headers["X-Tenant"] == "7"
        assert "Sec-WebSocket-Extensions" not in peer.headers


def test_the_users_version_of_the_api_is_in_the_query_which_wins() -> None:
    with SocketServer(parrot) as server:
        exchange(server.url, headers={"Cartesia-Version": "2025-11-04"}).open_socket("/x").close()

        assert server.peer().path == "/x?cartesia_version=2025-11-04"


def test_texts_and_bytes_go_both_ways_as_they_are() -> None:
    with SocketServer(parrot) as server:
        opened = exchange(server.url).open_socket("/x")
        for message in ("héllo", b"\0\xff", "", "x" * 3_000_000):
            opened.send(message)

            assert opened.receive(10) == message
        opened.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestError),
        (401, CredentialsError),
        (402, LimitError),
        (403, CredentialsError),
        (404, RequestError),
        (429, LimitError),
        (503, UnavailableError),
    ],
)
def test_a_refusal_is_the_error_that_it_is_in_http(status: int, kind: type[CartesiaError]) -> None:
    body = json.dumps({"error_code": "x", "title": "No", "message": "Not now.", "request_id": "r-1"}).encode()
    with SocketServer(Refusal(status, body)) as server:
        error = failure(server.url, retries=0)

    assert type(error) is kind
    assert (str(error), error.code, error.request_id) == ("No: Not now.", "x", "r-1")


def test_a_refusal_that_may_pass_is_asked_about_again_as_the_server_wishes() -> None:
    slept: list[float] = []
    traffic = Traffic()
    refusals = Refusal(429, b"", (("Retry-After", "3"),)), Refusal(503)
    with SocketServer(*refusals, parrot) as server:
        exchange(server.url, sleep=slept.append, traffic=traffic).open_socket("/x").close()

    assert slept == [3.0, 1.0]
    assert traffic == Traffic(requests=0, retries=2)


def test_a_refusal_for_good_is_not_asked_about_again() -> None:
    with SocketServer(Refusal(401)) as server:
        failure(server.url)

        assert server.n_handshakes == 1


def test_a_secret_that_comes_back_is_covered() -> None:
    with SocketServer(Refusal(401, f"Unknown key: {KEY}".encode())) as server:
        assert KEY not in str(failure(server.url))


def test_nothing_of_a_connection_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "cartesia_cli"), SocketServer(parrot) as server:
        opened = exchange(server.url).open_socket("/x")
        opened.send("a private text")
        opened.receive(5)
        opened.close()

    ours = [record for record in caplog.records if record.name.startswith("cartesia_cli")]
    assert not any("private" in record.getMessage() or KEY in record.getMessage() for record in ours)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            response(302, headers=[("Location", "https://else.where/login?x=1")]),
            "moved to https://else.where/login (status 302).",
        ),
        (response(301), "redirect (301) to nowhere."),
        (chunked(b"<html>", content_type="text/html"), "not as a WebSocket (status 200, text/html)."),
        (response(204, content_type=""), "not as a WebSocket (status 204)."),
        (
            [AGREED + b"Sec-WebSocket-Accept: AAAA\r\n\r\n"],
            "not as a WebSocket (status 101).",
        ),
        ([b"SSH-2.0-OpenSSH\r\n", CLOSE], "does not answer in HTTP."),
        ([CLOSE], "closed the connection without an answer."),
    ],
)
def test_an_answer_that_is_no_handshake_is_said_so(answer: Any, text: str) -> None:
    with Scripted(answer) as server:
        error = failure(server.url, retries=0)

    assert isinstance(error, UnavailableError)
    assert text in str(error)


def test_a_server_that_never_shakes_hands_is_left_in_time() -> None:
    with Scripted([HANG]) as server:
        began = time.monotonic()
        error = failure(server.url, retries=0, timeouts=QUICK)

    assert str(error) == "127.0.0.1 did not answer within 0.3 s."
    assert time.monotonic() - began < 2


def test_nobody_there_is_said_so() -> None:
    assert "refuses the connection" in str(failure("http://127.0.0.1:1", retries=0))


# ---- the way


def test_a_plain_socket_takes_a_tunnel_through_an_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(parrot) as server, Tunnel(http_proxy, to=server.port) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        opened = exchange("http://api.test").open_socket("/x")
        opened.send("through")

        assert opened.receive(5) == "through"
        assert proxy.heard[0].startswith(b"CONNECT api.test:80 ")
        assert "Proxy-Authorization" not in server.peer().headers
        opened.close()


def test_an_encrypted_socket_takes_a_socks_proxy(
    certificate: tuple[Path, ssl.SSLContext],  # noqa: F811  the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with SocketServer(parrot, tls=certificate[1]) as server, Tunnel(socks_proxy) as proxy:
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{proxy.port}")
        opened = exchange(server.url).open_socket("/x")
        for size in (10, 100_000):
            opened.send("x" * size)

            assert opened.receive(5) == "x" * size
        opened.close()


def test_an_encrypted_socket_reads_and_writes_at_the_same_time(
    certificate: tuple[Path, ssl.SSLContext],  # noqa: F811  the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    n_messages = 200
    with SocketServer(parrot, tls=certificate[1]) as server:
        opened = exchange(server.url).open_socket("/x")

        def send() -> None:
            for i in range(n_messages):
                opened.send(f"{i} " + "x" * 20_000)

        sender = threading.Thread(target=send)
        sender.start()
        received = [str(opened.receive(10)) for _ in range(n_messages)]
        sender.join()
        opened.close()

    assert [int(message.split()[0]) for message in received] == list(range(n_messages))


# ---- the end


def closing(code: int, reason: str) -> Play:
    return lambda peer: peer.close(code, reason)


@pytest.mark.parametrize(
    ("code", "reason", "kind", "text"),
    [
        (1001, "", UnavailableError, " (code 1001): it is going away."),
        (1005, "", UnavailableError, " (code 1005): it does not say why."),
        (1011, "oops", UnavailableError, " (code 1011): something failed there: oops."),
        (1013, "", UnavailableError, " (code 1013): it is too busy."),
        (4000, "mine\x1b[31m\nown.", UnavailableError, " (code 4000): mine [31m own."),
        (1008, "", RequestError, ": this breaks its rules (code 1008)."),
        (1008, "bad voice", RequestError, ": bad voice."),
        (1008, "Invalid API key", CredentialsError, ": Invalid API key."),
        (1008, "concurrency limit", LimitError, ": concurrency limit."),
    ],
)
def test_a_close_code_is_the_error_that_it_means(
    code: int, reason: str, kind: type[CartesiaError], text: str
) -> None:
    with SocketServer(closing(code, reason)) as server:
        opened = exchange(server.url).open_socket("/x")
        with pytest.raises(CartesiaError) as caught:
            opened.receive(5)

    assert isinstance(caught.value, kind)
    assert str(caught.value) == f"The API closed the connection{text}"
    assert not opened.is_open


def test_a_close_in_order_is_the_end() -> None:
    with SocketServer(closing(1000, "connection idle timeout")) as server:
        assert exchange(server.url).open_socket("/x").receive(5) is None


@pytest.mark.parametrize("end", [Peer.drop, Peer.cut])
def test_a_connection_that_breaks_off_is_said_so(end: Play) -> None:
    with SocketServer(end) as server:
        opened = exchange(server.url).open_socket("/x")
        with pytest.raises(UnavailableError, match=r"The connection to 127\.0\.0\.1 broke off\."):
            opened.receive(5)
        with pytest.raises(UnavailableError, match="broke off"):
            opened.send("anybody?")


def test_what_came_before_the_end_is_received_before_it() -> None:
    def play(peer: Peer) -> None:
        peer.raw(b"\x81\x01a\x82\x01b\x88\x02\x03\xf3")
        peer.hang()

    with SocketServer(play) as server:
        opened = exchange(server.url).open_socket("/x")

        assert [opened.receive(5), opened.receive(5)] == ["a", b"b"]
        with pytest.raises(UnavailableError, match="1011"):
            opened.receive(5)


@pytest.mark.parametrize("frame", [b"\x83\x01a", b"\xc1\x01a", b"\x81\x81aaaaa", b"\x80\x01a"])
def test_what_is_no_frame_is_said_so(frame: bytes) -> None:
    def play(peer: Peer) -> None:
        peer.raw(frame)
        peer.hang()

    with SocketServer(play) as server:
        opened = exchange(server.url).open_socket("/x")
        with pytest.raises(UnavailableError, match="does not speak as a WebSocket"):
            opened.receive(5)


def test_a_silent_server_that_answers_pings_is_waited_for() -> None:
    with SocketServer(Peer.hang) as server:
        opened = exchange(server.url, timeouts=QUICK).open_socket("/x")
        with pytest.raises(TimeoutError):
            opened.receive(1.0)
        assert opened.is_open
        opened.close()


def test_a_server_that_answers_no_pings_is_dead() -> None:
    with Scripted(lambda request: [upgrade(request), HANG]) as server:
        opened = exchange(server.url, timeouts=QUICK).open_socket("/x")
        with pytest.raises(UnavailableError, match=r"has not answered for 0\.2 s"):
            opened.receive()


def test_what_comes_with_the_handshake_is_not_lost() -> None:
    with Scripted(lambda request: [upgrade(request) + b"\x81\x02hi\x81\x05th", b"ere", HANG]) as server:
        opened = exchange(server.url).open_socket("/x")

        assert [opened.receive(5), opened.receive(5)] == ["hi", "there"]
        opened.close()


def test_nothing_is_sent_to_a_server_that_closed_with_the_handshake() -> None:
    with Scripted(lambda request: [upgrade(request) + b"\x88\x02\x03\xe8", HANG]) as server:
        opened = exchange(server.url).open_socket("/x")
        assert opened.receive(5) is None
        sending = threading.Thread(target=opened.drain, args=(5,), daemon=True)
        sending.start()
        sending.join(1)

        assert not sending.is_alive(), "it waits for what nobody takes"


def test_closing_ends_what_others_wait_for() -> None:
    with SocketServer(Peer.hang) as server:
        opened = exchange(server.url).open_socket("/x")
        timer = threading.Timer(0.1, opened.close)
        timer.start()

        assert opened.receive() is None
        with pytest.raises(UnavailableError):
            opened.send("too late")


def test_a_server_that_takes_nothing_is_left_in_time() -> None:
    with Scripted(lambda request: [upgrade(request), Pause(20)]) as server:
        opened = exchange(server.url, timeouts=Timeouts(stall=0.2)).open_socket("/x")
        with pytest.raises(UnavailableError, match="took nothing"):
            for _ in range(100):
                opened.send(b"x" * 1_000_000)
        opened.close()


def upgrade(request: Any) -> bytes:
    from websockets.utils import accept_key

    accept = accept_key(request.header("sec-websocket-key")).encode()
    return AGREED + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"


# ---- frames

texts = st.text(max_size=300).map(str.encode)
pings = st.builds(Frame, st.just(Opcode.PING), st.binary(max_size=10))


def in_frames(message: Message, cuts: list[int]) -> list[Frame]:
    opcode = Opcode.TEXT if message.is_text else Opcode.BINARY
    places = sorted({0, *(cut % (len(message.data) + 1) for cut in cuts)})
    parts = [
        message.data[start:end] for start, end in zip(places, [*places[1:], len(message.data)], strict=True)
    ]
    return [
        Frame(opcode if i == 0 else Opcode.CONT, part, fin=i == len(parts) - 1)
        for i, part in enumerate(parts)
    ]


@given(
    st.lists(st.tuples(st.builds(Message, texts, st.booleans()), st.lists(st.integers(0, 400), max_size=3))),
    st.lists(pings, max_size=3),
    st.lists(st.integers(1, 200), min_size=1),
)
def test_messages_are_read_however_they_are_cut(
    sent: list[tuple[Message, list[int]]], between: list[Frame], sizes: list[int]
) -> None:
    frames = [frame for message, cuts in sent for frame in in_frames(message, cuts)]
    for i, ping in enumerate(between):
        frames.insert(i * 2 % (len(frames) + 1), ping)
    data = b"".join(frame.serialize(mask=False) for frame in frames)
    reader = Frames()

    received: list[Message] = []
    while data:
        size = sizes[len(received) % len(sizes)]
        received += reader.feed(data[:size])
        data = data[size:]

    assert reader.problem is None
    assert received == [message for message, _ in sent]


def test_a_message_without_an_end_is_not_collected() -> None:
    reader = Frames(max_message=1000)

    assert reader.feed(b"\x81\x7f" + (10**15).to_bytes(8, "big") + b"x" * 100) == []
    assert reader.problem == "a message that does not end"


def test_parts_without_an_end_are_not_collected() -> None:
    reader = Frames(max_message=1000)

    for opcode in [Opcode.TEXT] + [Opcode.CONT] * 11:
        reader.feed(Frame(opcode, b"x" * 100, fin=False).serialize(mask=False))

    assert reader.problem == "a message that does not end"
