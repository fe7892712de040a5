"""The sockets of live transcription, over real sockets, to a client that knows nothing but the wire."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from cartesia_cli.errors import RequestError, UnavailableError, UsageError
from cartesia_cli.models import ListenRequest
from cartesia_cli.server.hearing.sound import Sound
from tests.fakes.listening_live import RATE, ReadsSound, live_server, spoken
from tests.fakes.waiting import eventually

MANUAL, TURNS = "/stt/websocket", "/stt/turns/websocket"
QUERY = {"model": "ink-2", "encoding": "pcm_mulaw", "sample_rate": str(RATE)}
CLOSE = json.dumps({"type": "close"})


class Peer:
    """A client of one socket."""

    def __init__(self, url: str, path: str = MANUAL, **query: Any) -> None:
        address = url.replace("http", "ws", 1) + path
        given = {name: value for name, value in {**QUERY, **query}.items() if value}
        self.socket = connect(f"{address}?{urlencode(given, doseq=True)}", close_timeout=2)
        self.request_ids: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *messages: str | bytes) -> Self:
        for message in messages:
            self.socket.send(message)
        return self

    def hear(self) -> dict[str, Any]:
        """Return the next message, without its identifier, which is always the same."""
        message = self.socket.recv(5)
        assert isinstance(message, str)
        fields: dict[str, Any] = json.loads(message)
        self.request_ids.add(fields.pop("request_id"))
        assert len(self.request_ids) == 1
        return fields

    def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages up to the first of a type."""
        messages = [self.hear()]
        while messages[-1]["type"] != kind:
            messages.append(self.hear())
        return messages

    def hear_all(self) -> list[dict[str, Any]]:
        """Return all messages; the server must close the socket in order."""
        messages = []
        try:
            while True:
                messages.append(self.hear())
        except ConnectionClosedOK:
            return messages

    def hear_close(self) -> tuple[int, str]:
        """Return how the server closes the socket; what it says before does not count."""
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                self.hear()
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason

    def abort(self) -> None:
        """Go without a word."""
        self.socket.socket.shutdown(2)
        self.socket.close()


def texts(messages: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    return [(message["text"], message["is_final"]) for message in messages if message["type"] == "transcript"]


def finals(messages: list[dict[str, Any]]) -> str:
    """What a client of the API makes of the messages: it joins the final texts as they are."""
    return "".join(text for text, is_final in texts(messages) if is_final)


def turns(messages: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(message["type"], message.get("transcript")) for message in messages]


def listeners() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("listener")]


@pytest.fixture
def listener() -> ReadsSound:
    return ReadsSound()


@pytest.fixture
def url(listener: ReadsSound) -> Iterator[str]:
    with live_server(listener) as address:
        yield address
    assert listeners() == []


# ---- manual


def test_words_appear_while_they_are_said_and_the_rest_is_final_after_close(url: str) -> None:
    with Peer(url) as peer:
        peer.say(spoken("Turn left "))
        interim = peer.hear()
        peer.say(spoken("at the light"), "close")
        messages = peer.hear_all()

    words = [{"word": "Turn", "start": 0.0, "end": 0.004}, {"word": "left", "start": 0.005, "end": 0.009}]
    assert interim == {
        "type": "transcript",
        "text": "Turn left",
        "is_final": False,
        "language": "en",
        "duration": 0.009,
        "words": words,
    }
    assert texts(messages) == [("Turn left at the", False), ("Turn left at the light", True)]
    assert messages[-1] == {"type": "done"}


def test_final_texts_bring_the_blank_between_them(url: str) -> None:
    with Peer(url) as peer:
        messages = peer.say(spoken("One. Two. Three four. Five"), "close").hear_all()

    assert texts(messages)[:2] == [("One.", True), (" Two.", True)]
    assert finals(messages) == "One. Two. Three four. Five"


def test_an_interim_text_is_what_follows_the_last_final_one(url: str) -> None:
    with Peer(url) as peer:
        messages = peer.say(spoken("One. Two three four"), "close").hear_all()

    assert texts(messages) == [("One.", True), (" Two three", False), (" Two three four", True)]


def test_the_old_name_of_close_still_closes(url: str) -> None:
    with Peer(url) as peer:
        messages = peer.say(spoken("One."), "done").hear_all()

    assert finals(messages) == "One."
    assert messages[-1] == {"type": "done"}


def test_finalize_makes_the_text_final_and_time_goes_on(url: str, listener: ReadsSound) -> None:
    with Peer(url) as peer:
        first = peer.say(spoken("turn left"), "finalize").hear_until("flush_done")
        second = peer.say(spoken(" and stop"), "finalize").hear_until("flush_done")
        last = peer.say("close").hear_all()

    assert finals(first) == "turn left"
    assert finals(second) == " and stop"
    assert second[-2]["words"] == [
        {"word": "and", "start": 0.01, "end": 0.013},
        {"word": "stop", "start": 0.014, "end": 0.018},
    ]
    assert [message["type"] for message in last] == ["done"]
    assert [bytes(sound) for sound in listener.heard] == [b"turn left", b" and stop"]


def test_many_finalizes_at_once_are_answered_in_order(url: str) -> None:
    said = [message for i in range(40) for message in (spoken(f"w{i}"), "finalize")]
    with Peer(url) as peer:
        messages = peer.say(*said, "close").hear_all()

    assert [message["type"] for message in messages] == ["transcript", "flush_done"] * 40 + ["done"]
    assert finals(messages) == " ".join(f"w{i}" for i in range(40))


def test_without_sound_there_is_nothing_to_hear_and_nobody_listens(url: str, listener: ReadsSound) -> None:
    with Peer(url) as peer:
        messages = peer.say("finalize", b"", "finalize", "close").hear_all()

    assert [message["type"] for message in messages] == ["flush_done", "flush_done", "done"]
    assert listener.asked == []


@pytest.mark.parametrize("width_and_encoding", [(2, "pcm_s16le"), (4, "pcm_f32le")])
def test_a_sample_that_is_cut_by_finalize_belongs_to_what_follows(
    url: str, listener: ReadsSound, width_and_encoding: tuple[int, str]
) -> None:
    width, encoding = width_and_encoding
    sound = spoken("turn left", width)
    with Peer(url, encoding=encoding) as peer:
        peer.say(*(sound[i : i + 3] for i in range(0, 15, 3)), "finalize", sound[15:], "close").hear_all()

    assert b"".join(listener.heard) == sound
    assert all(len(part) % width == 0 for part in listener.heard)


def test_what_was_asked_for_reaches_the_engine(url: str, listener: ReadsSound) -> None:
    query: dict[str, Any] = {
        "language": "de",
        "keyterm": ["Ada Lovelace", "Babbage"],
        "min_volume": "0.25",
        "max_silence_duration_secs": "1.5",
    }
    with Peer(url, **query) as peer:
        peer.say(spoken("One."), "close")
        messages = peer.hear_all()

    assert listener.asked == [
        ListenRequest("pcm_mulaw", RATE, "ink-2", "de", ("Ada Lovelace", "Babbage"), 0.25, 1.5)
    ]
    assert messages[0]["language"] == "de"


def test_an_unknown_message_is_an_error_and_the_conversation_goes_on(url: str) -> None:
    with Peer(url) as peer:
        error = peer.say("flush").hear()
        messages = peer.say(spoken("One."), "close").hear_all()

    assert (error["type"], error["status_code"], error["title"]) == ("error", 400, "Unrecognized message")
    assert "done" not in error
    assert finals(messages) == "One."


def test_what_is_said_after_close_does_not_count(url: str, listener: ReadsSound) -> None:
    with Peer(url) as peer:
        messages = peer.say(spoken("One."), "close", spoken("Two."), "finalize").hear_all()

    assert finals(messages) == "One."
    assert listener.heard == [b"One."]


def test_nothing_is_lost_while_an_engine_is_slow() -> None:
    gate = threading.Event()
    listener = ReadsSound(gate=gate)
    sound = spoken(" " * 2_000_000 + "end.")
    with live_server(listener) as url, Peer(url) as peer:
        peer.say(*(sound[i : i + 32_000] for i in range(0, len(sound), 32_000)), "close")
        gate.set()
        messages = peer.hear_all()

    assert texts(messages) == [("end.", True)]
    assert listener.heard == [sound]


def test_who_puts_in_more_sound_than_an_engine_takes_has_to_wait() -> None:
    async def put_and_take() -> int:
        sound = Sound()
        piece = bytes(2**18)
        n_bytes = 0
        with suppress(TimeoutError):
            while n_bytes < 2**24:
                await asyncio.wait_for(sound.put(piece), 0.1)
                n_bytes += len(piece)
        taken = asyncio.get_running_loop().run_in_executor(None, lambda: len(next(iter(sound))))
        await asyncio.wait_for(sound.put(piece), 5)
        assert await taken == len(piece)
        return n_bytes

    assert asyncio.run(put_and_take()) == 2**20


# ---- turns


def test_the_turns_of_a_conversation(url: str, listener: ReadsSound) -> None:
    with Peer(url, TURNS) as peer:
        connected = peer.hear()
        peer.say(spoken("Could you "), spoken("move it "), spoken("to Friday. Yes"), CLOSE)
        messages = peer.hear_all()

    assert connected == {"type": "connected"}
    assert turns(messages) == [
        ("turn.start", None),
        ("turn.update", "Could you"),
        ("turn.update", "Could you move it"),
        ("turn.end", "Could you move it to Friday."),
        ("turn.start", None),
        ("turn.end", "Yes"),
    ]
    assert listener.asked == [ListenRequest("pcm_mulaw", RATE, "ink-2", turns=True)]


def test_turns_without_a_word_are_a_connection_and_its_end(url: str) -> None:
    with Peer(url, TURNS) as peer:
        messages = peer.say(spoken("   "), CLOSE).hear_all()

    assert turns(messages) == [("connected", None)]


def test_rules_may_change_in_the_middle_and_wrong_ones_are_refused(url: str) -> None:
    with Peer(url, TURNS) as peer:
        peer.hear()
        peer.say(json.dumps({"type": "config", "turn": {"start_threshold": 0.55}}))
        peer.say(json.dumps({"type": "config", "turn": {"eager_end_threshold": 0.58}}))
        error = peer.hear()
        messages = peer.say(spoken("Yes."), CLOSE).hear_all()

    assert (error["type"], error["status_code"]) == ("error", 400)
    assert "above eager_end_threshold" in error["message"]
    assert turns(messages)[-1] == ("turn.end", "Yes.")


@pytest.mark.parametrize("message", ["finalize", "close", '"close"', "{}", "[]", '{"type": "finalize"}', "{"])
def test_turns_know_no_other_message(url: str, message: str) -> None:
    with Peer(url, TURNS) as peer:
        peer.hear()
        error = peer.say(message).hear()

    assert (error["status_code"], error["title"]) == (400, "Unrecognized message type")


# ---- what goes wrong


@pytest.mark.parametrize("path", [MANUAL, TURNS])
@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"model": ""}, "Invalid model"),
        ({"encoding": "pcm_s24le"}, "Invalid encoding"),
        ({"encoding": ""}, "Invalid encoding"),
        ({"sample_rate": "16k"}, "Invalid sample rate"),
        ({"sample_rate": "0"}, "Invalid sample rate"),
        ({"sample_rate": ""}, "Invalid sample rate"),
        ({"keyterm": ["a"] * 101}, "Invalid keyterms"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_at_the_handshake(
    url: str, path: str, changes: dict[str, Any], title: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        Peer(url, path, **changes)

    response = caught.value.response
    assert response.status_code == 400
    body = json.loads(response.body or b"")
    assert body["title"] == title
    assert body["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("path", [MANUAL, TURNS])
def test_a_server_that_cannot_listen_says_so_at_the_handshake(path: str) -> None:
    with live_server(None) as url, pytest.raises(InvalidStatus) as caught:
        Peer(url, path)

    assert caught.value.response.status_code == 501
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert json.loads(caught.value.response.body or b"")["title"] == "Not implemented"


@pytest.mark.parametrize("path", [MANUAL, TURNS])
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (UnavailableError("It is too much."), 503, 1011),
        (UsageError("English only."), 400, 1008),
        (RequestError("No such model.", title="Invalid model", code="model_not_found"), 400, 1008),
    ],
)
def test_an_engine_that_fails_is_an_error_and_the_end(
    path: str, failure: Exception, status: int, code: int
) -> None:
    assert isinstance(failure, UnavailableError | UsageError | RequestError)
    with live_server(ReadsSound(failure)) as url, Peer(url, path) as peer:
        error = peer.say(spoken("One. Two!")).hear_until("error")[-1]
        closed, _ = peer.hear_close()

    assert (error["message"], error["status_code"], error["error_code"]) == (
        str(failure),
        status,
        failure.code,
    )
    assert closed == code


@pytest.mark.parametrize("path", [MANUAL, TURNS])
def test_a_silent_client_is_sent_away(path: str) -> None:
    listener = ReadsSound()
    with live_server(listener, idle=0.2) as url, Peer(url, path) as peer:
        peer.say(spoken("One. two"))
        closed = peer.hear_close()

        assert closed == (1000, "connection idle timeout")
        assert eventually(lambda: listener.n_closed == 1)


@pytest.mark.parametrize("path", [MANUAL, TURNS])
@pytest.mark.parametrize("gone", [Peer.abort, lambda peer: peer.socket.close()])
def test_work_stops_when_the_client_leaves(
    url: str, listener: ReadsSound, path: str, gone: Callable[[Peer], None]
) -> None:
    peer = Peer(url, path).say(spoken("One. Two and "))
    assert eventually(lambda: len(listener.heard) == 1)

    gone(peer)

    assert eventually(lambda: listener.n_closed == 1)
    assert eventually(lambda: listeners() == [])


def test_a_client_may_leave_while_the_engine_works_and_sound_waits() -> None:
    gate = threading.Event()
    listener = ReadsSound(gate=gate)
    with live_server(listener) as url:
        peer = Peer(url).say(*[spoken("word ") * 10_000] * 10)
        assert eventually(lambda: len(listener.heard) == 1)
        peer.abort()
        gate.set()

        assert eventually(lambda: listener.n_closed == 1)
        assert eventually(lambda: listeners() == [])


def test_a_server_that_stops_leaves_nothing_behind(listener: ReadsSound) -> None:
    with live_server(listener) as url:
        peer = Peer(url).say(spoken("One. Two and "))
        peer.hear()

    assert listener.n_closed == 1
    assert listeners() == []
    peer.socket.close()


def test_a_hundred_clients_come_and_go_in_every_way_and_nothing_is_left(
    url: str, listener: ReadsSound
) -> None:
    def visit(number: int) -> None:
        path = TURNS if number % 2 else MANUAL
        close = CLOSE if number % 2 else "close"
        peer = Peer(url, path)
        match number % 10 // 2:
            case 0:
                peer.abort()
            case 1:
                peer.say(spoken("One. Two ")).abort()
            case 2:
                peer.say(spoken("One. Two "), close).abort()
            case 3:
                peer.say(spoken("One. Two "), close).socket.close()
            case _:
                assert peer.say(spoken("One. Two "), close).hear_all()

    visit(8)
    assert eventually(lambda: listeners() == [])
    threads, files = threading.active_count(), n_files()
    for number in range(100):
        visit(number)

    assert eventually(lambda: listener.n_closed == len(listener.asked))
    assert eventually(lambda: threading.active_count() <= threads)
    assert eventually(lambda: n_files() <= files)


def n_files() -> int:
    """How many files this process has open, where the system says; the listing itself is one."""
    files = Path("/proc/self/fd")
    return len(list(files.iterdir())) if files.exists() else 0
