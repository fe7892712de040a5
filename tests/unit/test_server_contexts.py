"""``/tts/websocket`` over real sockets, in the words of a client that only knows the wire."""

import base64
import itertools
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from cartesia_cli.errors import LimitError
from cartesia_cli.models import AudioFormat, Encoding, SpeechEvents, SpeechRequest, TextPiece
from cartesia_cli.server.speech.arrival import ArrivingText
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples, known_words
from tests.fakes.server import RunningServer, running_server
from tests.fakes.waiting import eventually

FORMAT = AudioFormat(Encoding.PCM_S16LE, 8_000)
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}

Event = dict[str, Any]


@dataclass
class Peer:
    """A client of one socket."""

    socket: ClientConnection

    def say(
        self, transcript: str, context_id: str | None = "ctx", *, more: bool | None = None, **options: object
    ) -> None:
        message = {
            "context_id": context_id,
            "model_id": "sonic-3",
            "transcript": transcript,
            "voice": DEFAULT_VOICE,
            "output_format": RAW,
            **({} if more is None else {"continue": more}),
        }
        self.send({**message, **options})

    def send(self, message: object) -> None:
        self.socket.send(json.dumps(message))

    def next(self, timeout: float = 5) -> Event:
        message = self.socket.recv(timeout)
        assert isinstance(message, str)
        event: Event = json.loads(message)
        return event

    def until(self, *kinds: str, timeout: float = 5) -> list[Event]:
        """Return the events up to the first of one of these types."""
        events = [self.next(timeout)]
        while events[-1]["type"] not in kinds:
            events.append(self.next(timeout))
        return events

    def all_of(self, n_contexts: int) -> list[Event]:
        """Return the events until so many contexts have ended."""
        events: list[Event] = []
        while n_contexts:
            events += self.until("done", "error")
            n_contexts -= 1
        return events

    def is_silent(self, seconds: float) -> bool:
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False


def dial(server: RunningServer, path: str = "/tts/websocket", **options: Any) -> ClientConnection:
    return connect(server.url.replace("http", "ws", 1) + path, close_timeout=2, **options)


@contextmanager
def dialled(server: RunningServer, path: str = "/tts/websocket", **options: Any) -> Iterator[Peer]:
    socket = dial(server, path, **options)
    with closing(socket):
        yield Peer(socket)


def audio(events: Iterable[Event], context_id: str = "ctx") -> bytes:
    mine = [event for event in events if event["type"] == "chunk" and event["context_id"] == context_id]
    return b"".join(base64.b64decode(event["data"], validate=True) for event in mine)


def kinds(events: Iterable[Event]) -> list[str]:
    """Return the types in order, without repetitions of ``chunk``."""
    names = [event["type"] for event in events]
    return [name for i, name in enumerate(names) if name != "chunk" or i == 0 or names[i - 1] != "chunk"]


def expected(text: str) -> bytes:
    return known_samples(text, FORMAT)


def contexts_alive() -> int:
    return sum(thread.name.startswith("context-") for thread in threading.enumerate())


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(KnownSamples(), context_expiry=0.3) as running:
        yield running


@pytest.fixture
def peer(server: RunningServer) -> Iterator[Peer]:
    with dialled(server) as client:
        yield client


# ---- a text and its end


def test_the_messages_of_a_context_are_one_text(peer: Peer) -> None:
    for piece in ["Good d", "ay ", "", "to you", ", Köln"]:
        peer.say(piece, add_timestamps=True, more=True)
    peer.say("", add_timestamps=True)

    events = peer.until("done", "error")

    words = [event["word_timestamps"] for event in events if event["type"] == "timestamps"]
    rows = [row for w in words for row in zip(w["words"], w["start"], w["end"], strict=True)]
    assert audio(events) == expected("Good day to you, Köln")
    assert rows == [(word.word, word.start, word.end) for word in known_words("Good day to you, Köln")]
    assert [event["done"] for event in events] == [*[False] * (len(events) - 1), True]
    assert {(event["context_id"], event["status_code"]) for event in events} == {("ctx", 206)}
    assert {event["flush_id"] for event in events[:-1]} == {1}
    assert events[-1] == {"type": "done", "done": True, "status_code": 206, "context_id": "ctx"}


def test_done_comes_once(peer: Peer) -> None:
    peer.say("Once")

    assert kinds(peer.until("done")) == ["chunk", "done"]
    assert peer.is_silent(0.5)


def test_timings_come_if_asked_for(peer: Peer) -> None:
    peer.say("Hello", add_phoneme_timestamps=True)

    events = peer.until("done")

    assert kinds(events) == ["chunk", "phoneme_timestamps", "done"]
    assert "".join(events[-2]["phoneme_timestamps"]["phonemes"]) == "Hello"


def test_an_old_message_without_continue_is_a_whole_text(peer: Peer) -> None:
    unused = dict.fromkeys(("language", "continue", "flush", "add_timestamps", "max_buffer_delay_ms"))
    voice = {"mode": "id", "id": DEFAULT_VOICE}
    peer.say("An old one", voice=voice, stream=True, use_original_timestamps=False, duration=9, **unused)

    assert audio(peer.until("done", "error")) == expected("An old one")


def test_a_text_without_a_context_gets_one(peer: Peer) -> None:
    peer.say("Old indeed", None)

    events = peer.until("done", "error")

    context_id = events[0]["context_id"]
    assert len(context_id) == 36
    assert audio(events, context_id) == expected("Old indeed")


@pytest.mark.parametrize("last", ["", " ", "\n"])
def test_the_last_message_may_be_blank(peer: Peer, last: str) -> None:
    peer.say("Hello", more=True)
    peer.say(last)

    events = peer.until("done", "error")

    assert kinds(events) == ["chunk", "done"]
    assert audio(events) == expected("Hello")


def test_later_messages_need_only_the_context_and_the_text(peer: Peer) -> None:
    peer.say("Hello ", more=True)
    peer.send({"context_id": "ctx", "transcript": "you"})

    assert audio(peer.until("done", "error")) == expected("Hello you")


def test_text_after_the_end_is_a_new_context_that_waits_for_the_old_one(peer: Peer) -> None:
    peer.say("One two three")
    peer.say("Four")

    first, second = peer.until("done", "error"), peer.until("done", "error")

    assert audio(first) == expected("One two three")
    assert audio(second) == expected("Four")


def test_what_comes_after_the_end_of_a_context_and_is_blank_is_passed_over(peer: Peer) -> None:
    peer.say("Hello")
    peer.say("")
    peer.until("done")
    peer.say("")
    peer.say("", flush=True, more=True)
    peer.send({"context_id": "ctx", "cancel": True})
    peer.say("Bye", "other")

    events = peer.until("done", "error")

    assert {event["context_id"] for event in events} == {"other"}


def test_contexts_interleave_and_each_keeps_its_order() -> None:
    with running_server(KnownSamples(pace=30)) as server, dialled(server) as peer:
        for name in "abc":
            peer.say(f"This is the text of {name}", name)
        events = peer.all_of(3)

    order = [event["context_id"] for event in events]
    changes = sum(before != after for before, after in itertools.pairwise(order))
    assert changes > 5
    for name in "abc":
        assert audio(events, name) == expected(f"This is the text of {name}")


# ---- flushes and delays


def test_flushes_are_counted(peer: Peer) -> None:
    peer.say("Good day", more=True)
    peer.say("", flush=True, more=True)
    peer.say("to you", flush=True, more=True)
    peer.say("", flush=True, more=True)
    peer.say("Bye", flush=True)

    events = peer.until("done", "error")

    steps = [(kind["type"], kind.get("flush_id")) for kind in events if kind["type"] != "done"]
    assert list(dict.fromkeys(steps)) == [
        ("chunk", 1),
        ("flush_done", 1),
        ("chunk", 2),
        ("flush_done", 2),
        ("flush_done", 3),
        ("chunk", 4),
        ("flush_done", 4),
    ]
    assert next(event for event in events if event["type"] == "flush_done") == {
        "type": "flush_done",
        "context_id": "ctx",
        "done": False,
        "flush_done": True,
        "flush_id": 1,
        "status_code": 206,
    }
    assert audio(events) == expected("Good day to you Bye")


def test_text_waits_for_more_of_it_but_no_longer_than_asked(peer: Peer) -> None:
    begin = time.monotonic()
    peer.say("Hel", max_buffer_delay_ms=400, more=True)
    time.sleep(0.1)
    peer.say("lo", more=True)

    events = peer.until("done", "error")

    assert time.monotonic() - begin > 0.4 + 0.3  # the delay, then the expiry
    assert kinds(events) == ["chunk", "done"]
    assert {event["flush_id"] for event in events[:-1]} == {1}
    assert audio(events) == expected("Hello")


def test_the_delay_begins_anew_when_something_has_been_spoken(peer: Peer) -> None:
    begin = time.monotonic()
    peer.say("One two", max_buffer_delay_ms=600, more=True)
    time.sleep(0.3)
    peer.say(" three", more=True)

    events, sounded = [peer.next()], begin
    while not events[-1]["done"]:
        sounded = time.monotonic() if events[-1]["type"] == "chunk" else sounded
        events.append(peer.next())

    assert audio(events) == expected("One two three")
    assert sounded - begin > 0.85


def test_without_a_delay_every_message_is_spoken_at_once(peer: Peer) -> None:
    peer.say("Hel", max_buffer_delay_ms=0, more=True)
    first = peer.until("chunk", timeout=1)
    peer.say("lo", more=True)
    rest = peer.until("done", "error")

    assert audio([*first, *rest]) == expected("Hel lo")
    assert kinds([*first, *rest]) == ["chunk", "done"]


def test_text_is_kept_if_nothing_is_said_of_a_delay(peer: Peer) -> None:
    peer.say("Hello", more=True)

    assert peer.is_silent(1)
    peer.say("", flush=True, more=True)
    assert kinds(peer.until("flush_done")) == ["chunk", "flush_done"]


# ---- expiry, idleness, cancelling


def test_a_context_that_nobody_continues_expires_after_its_last_sound(peer: Peer) -> None:
    peer.say("Hello ", max_buffer_delay_ms=100, more=True)
    first = peer.until("chunk")
    begin = time.monotonic()
    peer.say("you", more=True)
    rest = peer.until("done", "error", timeout=10)

    assert audio([*first, *rest]) == expected("Hello you")
    assert time.monotonic() - begin > 0.3
    peer.say("A new one")
    assert audio(peer.until("done", "error")) == expected("A new one")


def test_a_context_in_use_does_not_expire(peer: Peer) -> None:
    for _ in range(5):
        peer.say("word ", more=True)
        time.sleep(0.15)
    peer.say("")

    events = peer.until("done", "error")

    assert audio(events) == expected("word " * 5)
    assert peer.is_silent(0.2)


def test_an_idle_socket_is_closed() -> None:
    with running_server(idle=0.4) as server, dialled(server) as peer:
        begin = time.monotonic()
        peer.say("Hello", more=True)
        with pytest.raises(ConnectionClosed) as caught:
            peer.until("never")

    assert time.monotonic() - begin > 0.4
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "connection idle timeout")


def test_a_cancelled_context_stops_soon_and_is_done() -> None:
    engine = KnownSamples(pace=1)
    with running_server(engine) as server, dialled(server) as peer:
        peer.say("word " * 100, "long")
        peer.say("waiting", "open", more=True)
        peer.until("chunk")
        begin = time.monotonic()
        peer.send({"context_id": "long", "cancel": True})
        peer.send({"context_id": "open", "cancel": True})
        peer.send({"context_id": "unknown", "cancel": True})
        ends = [event["context_id"] for event in peer.all_of(2) if event["type"] == "done"]

        assert time.monotonic() - begin < 2
        assert set(ends) == {"long", "open"}
        assert engine.ended.acquire(timeout=1)
        assert engine.ended.acquire(timeout=1)
        peer.say("next", "long")
        assert audio(peer.until("done", "error"), "long") == expected("next")


def test_a_cancel_also_reaches_a_context_that_waits_for_another() -> None:
    with running_server(KnownSamples(pace=1)) as server, dialled(server) as peer:
        peer.say("word " * 100)
        peer.say("word " * 100)
        peer.until("chunk")
        peer.send({"context_id": "ctx", "cancel": True})

        assert [event["type"] for event in peer.all_of(2) if event["done"]] == ["done", "done"]


# ---- errors


@pytest.mark.parametrize(
    ("message", "title", "context_id"),
    [
        ("{", "Invalid request", None),
        ("[1]", "Invalid request", None),
        ("\x00", "Invalid request", None),
        ("[" * 100_000, "Invalid request", None),
        ({"context_id": 7, "transcript": "x"}, "Invalid context", None),
        ({"cancel": True}, "Invalid context", None),
        ({"context_id": "z"}, "Invalid transcript", "z"),
        ({"context_id": "z", "transcript": None}, "Invalid transcript", "z"),
        ({"context_id": "z", "transcript": "x"}, "Invalid voice", "z"),
        ({"context_id": "z", "transcript": "x", "continue": "yes"}, "Invalid request", "z"),
        ({"context_id": "z", "transcript": "x", "flush": 1}, "Invalid request", "z"),
    ],
)
def test_a_message_that_cannot_be_read_is_an_error_and_the_socket_goes_on(
    peer: Peer, message: object, title: str, context_id: str | None
) -> None:
    peer.say("Hello ", "other", more=True)
    peer.until("chunk")
    if isinstance(message, str):
        peer.socket.send(message)
    else:
        peer.send(message)
    error = peer.until("error")[-1]
    peer.say("you", "other")
    rest = peer.until("done", "error")

    assert (error["status_code"], error["title"], error.get("context_id")) == (400, title, context_id)
    assert error["done"] is True
    assert error["error"] == f"{title}: {error['message']}"
    assert len(error["request_id"]) == 36
    assert rest[-1]["type"] == "done"


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ({"model_id": None}, "Invalid model"),
        ({"voice": {}}, "Invalid voice"),
        ({"output_format": {"container": "wav"}}, "Invalid output format"),
        ({"output_format": {"container": "mp3", "bit_rate": 128_000}}, "Invalid output format"),
        ({"output_format": {**RAW, "sample_rate": 1}}, "Invalid output format"),
        ({"max_buffer_delay_ms": -1}, "Invalid buffer delay"),
        ({"max_buffer_delay_ms": 5001}, "Invalid buffer delay"),
        ({"max_buffer_delay_ms": 1.5}, "Invalid buffer delay"),
        ({"language": "en", "locale": "en-GB"}, "Invalid language"),
    ],
)
def test_a_context_that_cannot_begin_is_an_error(peer: Peer, options: Event, title: str) -> None:
    peer.say("Hello", **options)

    error = peer.next()

    assert (error["type"], error["status_code"], error["title"]) == ("error", 400, title)
    assert error["context_id"] == "ctx"


@pytest.mark.parametrize("transcript", ["", " ", "…?!"])
def test_a_whole_text_without_words_is_an_error(peer: Peer, transcript: str) -> None:
    peer.say(transcript)

    error = peer.next()

    assert (error["status_code"], error["title"]) == (400, "Invalid transcript")
    assert error["context_id"] == "ctx"


def test_punctuation_alone_is_an_error_also_in_parts(peer: Peer) -> None:
    peer.say("...", more=True)
    peer.say("")

    error = peer.next()

    assert (error["type"], error["status_code"], error["context_id"]) == ("error", 400, "ctx")


def test_a_wrong_message_ends_its_context_with_one_error(peer: Peer) -> None:
    peer.say("Hello ", more=True)
    peer.until("chunk")
    peer.send({"context_id": "ctx", "transcript": 7})

    assert peer.until("error", "done")[-1]["title"] == "Invalid transcript"
    assert peer.is_silent(0.5)


def test_an_unknown_voice_is_an_error_of_its_context(peer: Peer) -> None:
    peer.say("Hello", voice="nobody")

    error = peer.next()

    assert (error["status_code"], error["error_code"]) == (404, "voice_not_found")
    assert error["context_id"] == "ctx"


def test_an_engine_that_fails_is_an_error_after_the_sound_before_it() -> None:
    engine = KnownSamples(fail_after=2, error=LimitError("Two.", code="concurrency_limited"))
    with running_server(engine) as server, dialled(server) as peer:
        peer.say("One two three")
        events = peer.until("error", "done")

        assert audio(events) == expected("One two")
        assert (events[-1]["status_code"], events[-1]["error_code"]) == (429, "concurrency_limited")
        peer.say("One", "other")
        assert kinds(peer.until("error", "done")) == ["chunk", "error"]


class BrokenEngine(KnownSamples):
    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        yield from super().stream(request, pieces)
        raise ZeroDivisionError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_foresaw_is_an_error_too() -> None:
    with running_server(BrokenEngine()) as server, dialled(server) as peer:
        peer.say("Hello")

        error = peer.until("error", "done")[-1]

    assert (error["type"], error["status_code"], error["context_id"]) == ("error", 500, "ctx")


def test_a_socket_has_many_contexts_but_not_without_end() -> None:
    with running_server() as server:
        before = contexts_alive()
        with dialled(server) as peer:
            for i in range(257):
                peer.say(" ", f"ctx-{i}", more=True)
            error = peer.next()

        assert (error["context_id"], error["status_code"]) == ("ctx-256", 429)
        assert error["error_code"] == "concurrency_limited"
        assert eventually(lambda: contexts_alive() == before)


def test_contexts_of_one_name_that_wait_for_each_other_count_too() -> None:
    with running_server(KnownSamples(pace=1)) as server:
        before = contexts_alive()
        with dialled(server) as peer:
            for _ in range(257):
                peer.say("word " * 100)
            peer.until("chunk")
            assert eventually(lambda: contexts_alive() == before + 256)
            peer.send({"context_id": "ctx", "cancel": True})
            ends = [event for event in peer.all_of(256) if event["done"]]
            peer.say("One two")
            again = peer.until("done", "error")

        assert [event["error_code"] for event in ends if event["type"] == "error"] == ["concurrency_limited"]
        assert audio(again) == expected("One two")
        assert eventually(lambda: contexts_alive() == before)


# ---- size, speed, people who leave


@pytest.mark.parametrize("chunk_seconds", [0.1, 60, None])
def test_messages_stay_below_what_clients_accept(chunk_seconds: float | None) -> None:
    engine = KnownSamples(word_seconds=6)
    sound = AudioFormat(Encoding.PCM_F32LE, 44_100)
    with running_server(engine, chunk_seconds=chunk_seconds) as server, dialled(server) as peer:
        peer.say("Hi", output_format={**RAW, "encoding": "pcm_f32le", "sample_rate": 44_100})
        events = peer.until("done", "error")

    assert max(len(event.get("data", "")) for event in events) < 400_000
    assert audio(events) == known_samples("Hi", sound, word_seconds=6)


def test_chunks_end_between_samples_whatever_the_engine_does() -> None:
    with running_server(KnownSamples(chunk_bytes=333)) as server, dialled(server) as peer:
        peer.say("Hello", flush=True, more=True)
        events = peer.until("flush_done")

    sizes = {len(base64.b64decode(event["data"])) for event in events if event["type"] == "chunk"}
    assert all(size % 2 == 0 for size in sizes)
    assert audio(events) == expected("Hello")


@dataclass
class CountingEngine(KnownSamples):
    made: int = 0

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        for event in super().stream(request, pieces):
            self.made += 1
            yield event


def test_a_client_that_does_not_read_is_waited_for() -> None:
    engine = CountingEngine()
    n_words = 4000
    with running_server(engine) as server, dialled(server, max_queue=1) as peer:
        peer.say("word " * n_words, output_format={**RAW, "encoding": "pcm_f32le"})
        assert eventually(lambda: engine.made > 0)
        made = -1
        while made != engine.made:  # until it stands still
            made = engine.made
            time.sleep(0.5)

        assert made < n_words / 2
        assert peer.until("chunk")
        peer.socket.socket.shutdown(2)
    assert engine.ended.acquire(timeout=10)


@pytest.mark.parametrize("is_polite", [True, False])
def test_a_client_that_leaves_stops_its_speech_and_leaves_no_threads(is_polite: bool) -> None:
    engine = KnownSamples(pace=1)
    with running_server(engine) as server:
        n_before = threading.active_count()
        sockets = [dial(server) for _ in range(50)]
        for socket in sockets:
            Peer(socket).say("word " * 1000, "speaking")
            Peer(socket).say("wait", "waiting", more=True)
        assert eventually(lambda: contexts_alive() == 100)
        for socket in sockets:
            if is_polite:
                socket.close()
            else:
                socket.socket.shutdown(2)
        for _ in range(100):
            assert engine.ended.acquire(timeout=10)
        for socket in sockets:
            socket.close()

        assert eventually(lambda: threading.active_count() == n_before)


def test_sixty_four_contexts_on_one_socket_are_all_exact() -> None:
    with running_server() as server:
        n_before = contexts_alive()
        with dialled(server) as peer:
            for i in range(64):
                peer.say(f"This is number {i} ", f"ctx-{i}", more=True)
            for i in range(64):
                peer.say("of many", f"ctx-{i}")
            events = peer.all_of(64)
        for i in range(64):
            assert audio(events, f"ctx-{i}") == expected(f"This is number {i} of many")
        assert eventually(lambda: contexts_alive() == n_before)


def test_a_server_that_stops_leaves_no_threads() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running_server(KnownSamples(pace=1)))
        peer = stack.enter_context(dialled(server))
        peer.say("word " * 100)
        peer.until("chunk")

    assert eventually(lambda: contexts_alive() == 0)


def test_pings_are_answered(peer: Peer) -> None:
    assert peer.socket.ping().wait(5)


def test_a_message_may_be_large_but_not_without_end(server: RunningServer) -> None:
    with dialled(server) as peer:
        peer.say("", "x" * 2**20, more=True)
        peer.say("Hello", "small")
        assert audio(peer.until("done"), "small") == expected("Hello")
        with pytest.raises(ConnectionClosed) as caught:
            peer.say("word " * 2**22)
            peer.until("done")

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


def test_text_that_waits_has_a_limit() -> None:
    text = ArrivingText(delay=1, expiry=1)

    assert text.add("x" * 2**24, flush=False, more=True)
    with pytest.raises(LimitError):
        text.add("x", flush=False, more=True)


# ---- who may come in


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"Authorization": "Bearer sk_1"}),
        ("", {"X-API-Key": "sk_1"}),
        ("?api_key=sk_1", {}),
        ("?access_token=sk_1&cartesia_version=2026-08-14", {"Cartesia-Version": "junk"}),
    ],
)
@pytest.mark.parametrize("path", ["/tts/websocket", "/tts/websocket/"])
def test_a_key_may_come_in_every_way_and_is_not_logged(
    path: str, query: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with (
        running_server(keys=["sk_1"], prefix="/cartesia") as server,
        dialled(server, path + query, additional_headers=headers) as peer,
    ):
        peer.say("Hello")
        assert audio(peer.until("done")) == expected("Hello")
    assert "sk_1" not in caplog.text


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/tts/websocket", 401, "Unauthorized"),
        ("/tts/websocket?api_key=sk_2", 401, "Unauthorized"),
        ("/tts/websocket?api_key=sk_1&cartesia_version=yesterday", 400, "Invalid version"),
        ("/tts/socket?api_key=sk_1", 404, "Not Found"),
        ("/stt/websocket?api_key=sk_1", 501, "Not implemented"),
    ],
)
def test_refusals_come_at_the_handshake(
    path: str, status: int, title: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_server(keys=["sk_1"]) as server, pytest.raises(InvalidStatus) as caught:
        dial(server, path)

    response = caught.value.response
    body = json.loads(response.body or b"")
    assert response.status_code == status
    assert (body["title"], body["request_id"]) == (title, response.headers["x-request-id"])
    assert caplog.messages == []


def test_older_versions_get_their_refusals_as_text() -> None:
    with running_server(keys=["sk_1"]) as server, pytest.raises(InvalidStatus) as caught:
        dial(server, "/tts/websocket?cartesia_version=2025-11-04")

    assert caught.value.response.body == b"Unauthorized: The request carries no API key."
