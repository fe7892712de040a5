"""Faults on sockets, as a client of the library under the official one meets them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
from cartesia import Cartesia
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat, Encoding
from cartesia_cli.server.faults import Fault, FaultPlan, parse_fault
from tests.fakes.known import DEFAULT_VOICE, known_samples
from tests.fakes.listening_live import RATE, ReadsSound, spoken
from tests.fakes.server import running_server

TEXT = "Grüße aus Köln"
FORMAT = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
SPEAK = {
    "context_id": "ctx",
    "model_id": "sonic-3",
    "transcript": TEXT,
    "voice": DEFAULT_VOICE,
    "output_format": FORMAT,
    "add_timestamps": True,
}
EXPECTED = known_samples(TEXT, AudioFormat(Encoding.PCM_S16LE, 8_000))
PATHS = [
    "/tts/websocket",
    f"/stt/websocket?model=ink-whisper&encoding=pcm_mulaw&sample_rate={RATE}",
    f"/stt/turns/websocket?model=ink-2&encoding=pcm_mulaw&sample_rate={RATE}",
]


@contextmanager
def faulty(*faults: str, seed: int = 0) -> Iterator[str]:
    with running_server(faults=faults, seed=seed, live_transcriber=ReadsSound()) as server:
        yield f"ws{server.url[4:]}"


def ask(connection: Connection, path: str) -> None:
    """Say what is to be answered, as long as there is somebody to say it to."""
    with suppress(ConnectionClosed):
        if path.startswith("/tts"):
            connection.send(json.dumps(SPEAK))
            return
        connection.send(spoken("Turn left. Then stop"))
        connection.send(json.dumps({"type": "close"}) if "turns" in path else "close")


def talk(url: str, path: str, **options: Any) -> tuple[list[Any], ConnectionClosed]:
    """Return the messages on a socket, and how it was closed."""
    messages: list[Any] = []
    with connect(url + path, **options) as connection:
        ask(connection, path)
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                messages.append(connection.recv(5))
                if path.startswith("/tts") and json.loads(messages[-1]).get("done"):
                    connection.close()
    return messages, caught.value


def untimed(messages: list[Any]) -> list[Any]:
    fields = [json.loads(message) for message in messages]
    return [
        {name: value for name, value in each.items() if name not in {"step_time", "request_id"}}
        for each in fields
    ]


@pytest.mark.parametrize("path", PATHS)
def test_a_status_refuses_the_handshake(path: str) -> None:
    with faulty("429=0.2*1", "503=never*1", "502=html*1") as url:
        refusals = []
        for _ in range(3):
            with pytest.raises(InvalidStatus) as caught:
                connect(url + path)
            refusals.append(caught.value.response)
        messages, _ = talk(url, path)

    assert [refusal.status_code for refusal in refusals] == [429, 503, 502]
    assert json.loads(refusals[0].body or b"")["error_code"] == "concurrency_limited"
    assert refusals[0].headers["retry-after"] == "0.2"
    assert refusals[1].headers["x-should-retry"] == "false"
    assert (refusals[2].body or b"").startswith(b"<html>")
    assert messages


@pytest.mark.parametrize("path", PATHS)
def test_a_dropped_handshake_has_no_answer(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with faulty("drop*1") as url:
        with pytest.raises((EOFError, InvalidMessage, ConnectionError)):
            connect(url + path)
        messages, _ = talk(url, path)

    assert messages
    assert caplog.records == []


@pytest.mark.parametrize("path", PATHS)
def test_a_connection_drops_after_so_many_bytes(path: str) -> None:
    with faulty() as url:
        whole, _ = talk(url, path)
    n_bytes = len(whole[0].encode()) + 1
    with faulty(f"drop={n_bytes}") as url:
        messages, closed = talk(url, path)

    assert untimed(messages) == untimed(whole[:1])
    assert isinstance(closed, ConnectionClosedError)
    assert closed.rcvd is None


@pytest.mark.parametrize("fault", ["drop=0", "cut=0", "close=4000,0"])
def test_a_connection_ends_right_after_the_handshake(fault: str) -> None:
    with (
        faulty(fault) as url,
        connect(url + PATHS[0]) as connection,
        pytest.raises(ConnectionClosed) as caught,
    ):
        connection.recv(5)

    codes = {"drop=0": None, "cut=0": 1000, "close=4000,0": 4000}
    assert (caught.value.rcvd and caught.value.rcvd.code) == codes[fault]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["stall", "stall=0", "stall=130"])
def test_nothing_more_arrives(path: str, fault: str) -> None:
    messages: list[Any] = []
    with faulty(fault) as url, connect(url + path) as connection:
        ask(connection, path)
        with pytest.raises(TimeoutError):
            while True:
                messages.append(connection.recv(0.3))
        connection.ping().wait(5)  # it is there all the same

    assert len("".join(messages).encode()) <= 130
    assert bool(messages) == (fault == "stall=130" and "turns" in path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("fault", "code"), [("cut", 1000), ("close", 1011), ("close=1012", 1012)])
def test_a_socket_is_closed_after_its_first_message(path: str, fault: str, code: int) -> None:
    with faulty() as url:
        whole, _ = talk(url, path)
    with faulty(fault) as url:
        messages, closed = talk(url, path)

    assert untimed(messages) == untimed(whole[:1])
    assert closed.rcvd is not None
    assert closed.rcvd.code == code


def test_a_closing_may_name_no_code() -> None:
    with faulty("close=1005") as url:
        _, closed = talk(url, PATHS[0])

    assert closed.rcvd is not None
    assert closed.rcvd.code == 1005


def test_a_socket_is_cut_after_whole_messages() -> None:
    with faulty() as url:
        whole, _ = talk(url, PATHS[2])
    n_bytes = len("".join(whole[:2]).encode())
    with faulty(f"cut={n_bytes}*1", f"cut={n_bytes - 1}") as url:
        exact, _ = talk(url, PATHS[2])
        less, _ = talk(url, PATHS[2])

    assert untimed(exact) == untimed(whole[:2])
    assert untimed(less) == untimed(whole[:1])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["split=7", "cut-utf8", "slow=1x", "slow=0ms"])
@pytest.mark.parametrize("compression", [None, "deflate"])
def test_harmless_faults_change_no_message(path: str, fault: str, compression: str | None) -> None:
    with faulty() as url:
        whole, _ = talk(url, path)
    with faulty(fault) as url:
        messages, closed = talk(url, path, compression=compression)

    assert untimed(messages) == untimed(whole)
    assert (closed.rcvd or closed.sent) is not None


def test_a_message_comes_in_several_frames_that_end_inside_characters() -> None:
    with faulty("/tts/websocket:cut-utf8") as url, connect(url + PATHS[0], compression=None) as connection:
        ask(connection, PATHS[0])
        frames: list[list[bytes]] = []
        while not frames or b'"done":true' not in b"".join(frames[-1]):
            frames.append(list(connection.recv_streaming(decode=False)))

    lengths = {len(pieces) for pieces in frames}
    assert lengths == {1, 2, 3}  # audio, Köln, Grüße
    assert all(piece[-1] >= 0xC2 for pieces in frames for piece in pieces[:-1])


def test_split_makes_frames_of_so_many_bytes() -> None:
    with faulty("/tts/websocket:split=100") as url, connect(url + PATHS[0], compression=None) as connection:
        ask(connection, PATHS[0])
        pieces = list(connection.recv_streaming(decode=False))

    assert {len(piece) for piece in pieces[:-1]} == {100}
    assert 0 < len(pieces[-1]) <= 100


@pytest.mark.parametrize("path", PATHS)
def test_the_first_message_is_no_json(path: str) -> None:
    with faulty() as url:
        whole, _ = talk(url, path)
    with faulty("garbage") as url, connect(url + path) as connection:
        ask(connection, path)
        garbage, first = connection.recv(5), connection.recv(5)

    with pytest.raises(ValueError, match="Unterminated string"):
        json.loads(garbage)
    assert untimed([first]) == untimed(whole[:1])


def test_a_slow_socket_waits_before_each_message() -> None:
    arrived: list[float] = []
    with faulty("slow=60ms") as url, connect(url + PATHS[2]) as connection:
        ask(connection, PATHS[2])
        for _ in range(4):
            connection.recv(5)
            arrived.append(time.monotonic())

    assert all(later - earlier >= 0.05 for earlier, later in pairwise(arrived))


def test_a_fault_strikes_its_own_path_only() -> None:
    with faulty("/stt/turns:500") as url:
        for path in PATHS[:2]:
            assert talk(url, path)[0]
        with pytest.raises(InvalidStatus, match="500"):
            connect(url + PATHS[2])


def test_closing_strikes_sockets_alone() -> None:
    plan = FaultPlan([Fault("close", "1012", times=1)])

    assert plan.strike("/tts/bytes") is None
    assert plan.strike("/tts/websocket", is_socket=True) == Fault("close", "1012", times=1)
    assert plan.strike("/tts/websocket", is_socket=True) is None


def test_the_same_connections_in_the_same_order_meet_the_same_faults() -> None:
    def strikes(seed: int) -> list[bool]:
        plan = FaultPlan([parse_fault("/tts/websocket:close=1011@40%")], seed)
        return [plan.strike("/tts/websocket", is_socket=True) is not None for _ in range(200)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 50 < sum(strikes(1)) < 110


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("close=1006", "1006"),
        ("close=1004", "1004"),
        ("close=999", "999"),
        ("close=5000", "5000"),
        ("close=abc", "abc"),
        ("garbage=2", "garbage cannot have the value 2"),
        ("/tts/sse:close=1011", "there is none at /tts/sse"),
        ("/voices:close", "there is none at /voices"),
    ],
)
def test_what_cannot_be_on_a_socket_is_refused(spec: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        parse_fault(spec)

    assert "2" in spec or caught.value.hint


def test_the_official_client_comes_back_after_a_restart() -> None:
    with (
        running_server(faults=["/stt/websocket:close=1012*1"], live_transcriber=ReadsSound()) as server,
        Cartesia(api_key="any", base_url=server.url, max_retries=0) as client,
    ):
        reconnected: list[Any] = []

        def again(event: Any) -> None:
            reconnected.append(event)
            connection.send("close")  # waits until the new connection is there

        with client.stt.manual_finalize.websocket(
            model="ink-whisper", encoding="pcm_mulaw", sample_rate=RATE, on_reconnecting=again
        ) as connection:
            connection.send_raw(spoken("Turn left. "))
            events: list[Any] = list(connection)

    assert len(reconnected) == 1
    assert [getattr(event, "text", event.type) for event in events] == ["Turn left.", "done"]


def test_the_official_client_hears_all_of_a_message_in_frames() -> None:
    with (
        running_server(faults=["split=9"]) as server,
        Cartesia(
            api_key="any", base_url=server.url, websocket_base_url=f"ws{server.url[4:]}", max_retries=0
        ) as client,
        client.tts.websocket_connect() as connection,
    ):
        settings: Any = {"model_id": "sonic-3", "voice": DEFAULT_VOICE, "output_format": FORMAT}
        context = connection.context("ctx", **settings)
        context.push(TEXT)
        context.no_more_inputs()
        heard = b"".join(event.audio for event in context.receive() if event.type == "chunk" and event.audio)

    assert heard == EXPECTED
