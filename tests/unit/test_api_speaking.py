import gc
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import (
    CartesiaError,
    LimitError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    Flush,
    Flushed,
    PhonemeTiming,
    PhonemeTimings,
    SpeechEvent,
    SpeechRequest,
    TextPiece,
    Traffic,
    WordTiming,
    WordTimings,
)
from tests.fakes.sockets import Peer, Play, SocketServer, answer, echo, spoken, voiced

PCM = AudioFormat(Encoding.PCM_S16LE, 8_000)
REQUEST = SpeechRequest("Good day.", "db6b0ed5", PCM)
QUICK = Timeouts(connect=2.0, first_byte=0.4, stall=0.3)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    wait_until(lambda: not set(threading.enumerate()) - before, "threads are left")


def wait_until(condition: Any, text: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, text
        time.sleep(0.005)


def client(server: SocketServer, **changes: Any) -> Client:
    options: dict[str, Any] = {"base_url": server.url, "sleep": lambda _: None, "jitter": lambda: 0.0}
    return Client("sk_car_0123456789abcdef", **{**options, **changes})


def say(api: Client, text: str = "Good day.", **changes: Any) -> list[SpeechEvent]:
    return list(api.synthesize(replace(REQUEST, transcript=text, **changes), transport="websocket"))


class Typing:
    """A text that a test writes while it is spoken."""

    def __init__(self, *pieces: TextPiece) -> None:
        self._pieces: queue.Queue[TextPiece | BaseException | None] = queue.Queue()
        self.write(*pieces)

    def write(self, *pieces: TextPiece) -> None:
        for piece in pieces:
            self._pieces.put(piece)

    def end(self, error: BaseException | None = None) -> None:
        self._pieces.put(error)

    def __iter__(self) -> Iterator[TextPiece]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece


# ---- a whole text


def test_a_text_is_one_message_that_ends_its_context() -> None:
    with SocketServer() as server, client(server) as api:
        events = say(api, context_id="mine")

        assert spoken(events) == "Good day."
        [sent] = server.peers[0].messages
        assert (sent["context_id"], sent["transcript"], sent["continue"]) == ("mine", "Good day.", False)
        assert api.traffic == Traffic(requests=1)


def test_texts_one_after_the_other_share_a_connection() -> None:
    with SocketServer() as server, client(server) as api:
        for i in range(5):
            assert spoken(say(api, f"Text {i}.")) == f"Text {i}."

        assert len(server.peers) == 1
        assert len(server.texts) == 5


def test_64_threads_share_a_connection_and_get_each_its_own() -> None:
    def play(peer: Peer) -> None:
        messages = [peer.read() for _ in range(64)]
        for i in range(20):
            for message in messages:
                peer.chunk(message["context_id"], voiced(f"{message['transcript']}{i} "))
        for message in messages:
            peer.done(message["context_id"])
        peer.hang()

    heard: dict[str, str] = {}
    with SocketServer(play) as server, client(server) as api:
        threads = [
            threading.Thread(target=lambda text=f"t{k}-": heard.update({text: spoken(say(api, text))}))
            for k in range(64)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(server.peers) == 1
        assert api.traffic.requests == 64
    assert heard == {f"t{k}-": "".join(f"t{k}-{i} " for i in range(20)) for k in range(64)}


def test_an_error_ends_its_context_alone() -> None:
    def play(peer: Peer) -> None:
        first, second = sorted((peer.read(), peer.read()), key=lambda message: str(message["transcript"]))
        peer.chunk(second["context_id"], voiced("b"))
        peer.tell("error", first["context_id"], status_code=400, title="Invalid model", message="None.")
        peer.chunk(second["context_id"], voiced("c"))
        peer.done(second["context_id"])
        peer.hang()

    failures: list[CartesiaError] = []
    with SocketServer(play) as server, client(server) as api:

        def fail() -> None:
            with pytest.raises(RequestError, match=r"Invalid model: None\.") as caught:
                say(api, "1")
            failures.append(caught.value)

        thread = threading.Thread(target=fail)
        thread.start()
        assert spoken(say(api, "2")) == "bc"
        thread.join()
    assert len(failures) == 1


def test_an_idle_connection_that_the_server_closed_is_opened_again() -> None:
    def once(peer: Peer) -> None:
        answer(peer, peer.read())
        peer.close(1000, "connection idle timeout")

    with SocketServer(once) as server, client(server, retries=0) as api:
        for _ in range(3):
            assert spoken(say(api)) == "Good day."
            wait_until(server.peers[-1].is_over.is_set, "it was not closed")

        assert api.traffic == Traffic(requests=api.traffic.requests, retries=0, reconnects=2)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1013])
def test_a_text_of_which_nothing_was_heard_is_sent_again(code: int) -> None:
    def lose(peer: Peer) -> None:
        peer.read()
        peer.drop() if code == 1006 else peer.close(code)

    with SocketServer(lose, lose, echo) as server, client(server) as api:
        assert spoken(say(api)) == "Good day."
        assert (api.traffic.retries, api.traffic.reconnects) == (2, 2)

    with SocketServer(lose) as server, client(server) as api:
        with pytest.raises(UnavailableError):
            say(api)
        assert len(server.peers) == 3


def test_a_limit_is_asked_about_again() -> None:
    def refuse_once(peer: Peer) -> None:
        peer.tell("error", peer.read()["context_id"], status_code=429, title="Too many", message="Wait.")
        echo(peer)

    with SocketServer(refuse_once) as server, client(server) as api:
        assert spoken(say(api)) == "Good day."
        assert api.traffic == Traffic(requests=2, retries=1)
    with SocketServer(refuse_once) as server, client(server, retries=0) as api, pytest.raises(LimitError):
        say(api)


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (lambda peer: peer.close(1000), "closed the connection before it was done"),
        (lambda peer: peer.close(1011), "code 1011"),
        (Peer.drop, "broke off"),
        (Peer.cut, "broke off"),
        (Peer.hang, "fell silent for 0.3 s"),
        (lambda peer: peer.send(b"{"), "cannot be read"),
    ],
)
def test_an_end_after_some_audio_is_an_error_and_what_came_stays(end: Play, text: str) -> None:
    def play(peer: Peer) -> None:
        peer.chunk(peer.read()["context_id"], voiced("Good"))
        end(peer)
        peer.hang()

    events: list[SpeechEvent] = []
    with SocketServer(play) as server, client(server, timeouts=QUICK) as api:
        with pytest.raises(UnavailableError, match=text):
            events.extend(api.synthesize(REQUEST, transport="websocket"))

        assert len(server.peers) == 1


def test_a_server_that_says_nothing_is_asked_again_on_another_connection() -> None:
    with SocketServer(Peer.hang, echo) as server, client(server, timeouts=QUICK) as api:
        assert spoken(say(api)) == "Good day."
        assert server.peers[0].messages[1:] == [
            {"context_id": server.peers[0].messages[0]["context_id"], "cancel": True}
        ]


@pytest.mark.parametrize(("audio", "text"), [(b"", "without any audio"), (b"abc", "middle of a sample")])
def test_an_answer_that_is_not_all_is_an_error(audio: bytes, text: str) -> None:
    def play(peer: Peer) -> None:
        context_id = peer.read()["context_id"]
        if audio:
            peer.chunk(context_id, audio)
        peer.done(context_id)
        peer.hang()

    with SocketServer(play) as server, client(server) as api, pytest.raises(UnavailableError, match=text):
        say(api)


def test_leaving_early_cancels_the_context_and_late_messages_are_ignored() -> None:
    def play(peer: Peer) -> None:
        first = peer.read()["context_id"]
        peer.chunk(first, voiced("a"))
        assert peer.read() == {"context_id": first, "cancel": True}
        peer.chunk(first, voiced("late"))
        peer.done(first)
        echo(peer)

    with SocketServer(play) as server, client(server) as api:
        with closing(api.synthesize(REQUEST, transport="websocket")) as events:
            assert next(events) == AudioChunk(voiced("a"))

        assert spoken(say(api, "Next.")) == "Next."


def flood(peer: Peer, n_bytes: int, sent: list[int], *, then: Callable[[], object] = lambda: None) -> None:
    context_id = peer.read()["context_id"]
    while sent[0] < n_bytes:
        peer.chunk(context_id, bytes(100_000))
        sent[0] += 100_000
    for _ in range(4):  # with pings between
        time.sleep(0.4)
        peer.tell("timestamps", context_id)
    then()
    peer.done(context_id)
    peer.hang()


def test_audio_that_is_not_taken_for_long_is_not_lost_and_the_server_gets_its_answers() -> None:
    sent = [0]
    answered = threading.Event()

    def play(peer: Peer) -> None:
        flood(peer, 40_000_000, sent, then=answered.set)

    with SocketServer(play, ping=0.5) as server, client(server) as api:
        with closing(api.synthesize(REQUEST, transport="websocket")) as events:
            n_bytes = len(next(events).data)  # type: ignore[union-attr]  # it is audio
            assert answered.wait(10)
            n_bytes += sum(len(event.data) for event in events if isinstance(event, AudioChunk))

        assert n_bytes == 40_000_000


def test_who_does_not_take_his_audio_does_not_hold_up_others() -> None:
    def play(peer: Peer) -> None:
        slow = peer.read()
        peer.chunk(slow["context_id"], bytes(100_000))
        quick = peer.read()
        for _ in range(200):
            peer.chunk(slow["context_id"], bytes(100_000))
        peer.done(slow["context_id"])
        answer(peer, quick)
        peer.hang()

    with SocketServer(play) as server, client(server, timeouts=QUICK) as api:
        slow = api.synthesize(replace(REQUEST, transcript="slow"), transport="websocket")
        next(slow)

        assert spoken(say(api, "quick")) == "quick"
        assert sum(len(event.data) for event in slow if isinstance(event, AudioChunk)) == 20_000_000


# ---- a text that is still being written


def test_pieces_are_sent_as_they_are_in_one_context() -> None:
    pieces: list[TextPiece] = ["The road ", "goes ", Flush(), "ever on", ".", "\n"]
    with SocketServer() as server, client(server) as api:
        events = list(api.stream(replace(REQUEST, max_buffer_delay_ms=200), pieces))

        sent = server.peers[0].messages
        assert [(m["transcript"], m["continue"], m.get("flush", False)) for m in sent] == [
            ("The road ", True, False),
            ("goes ", True, False),
            ("", True, True),
            ("ever on", True, False),
            (".", True, False),
            ("\n", True, False),
            ("", False, False),
        ]
        assert {m["context_id"] for m in sent} == set(server.texts)
        assert {m["max_buffer_delay_ms"] for m in sent} == {200}
        assert api.traffic == Traffic(requests=1)
    assert spoken(events) == "The road goes ever on.\n"
    assert events.index(Flushed()) == 2


def test_speech_begins_while_the_text_is_still_being_written() -> None:
    text = Typing("First. ")
    with SocketServer() as server, client(server) as api:
        events = api.stream(REQUEST, text)

        assert next(events) == AudioChunk(voiced("First. "))
        text.write("Second.")
        assert next(events) == AudioChunk(voiced("Second."))
        text.end()
        assert list(events) == []


@pytest.mark.parametrize("pieces", [[], [""], [" ", "\n"], ["…", Flush(), "!"], ['<break time="1s"/>']])
def test_a_text_without_anything_to_say_is_a_mistake_and_is_not_sent(pieces: list[TextPiece]) -> None:
    with SocketServer() as server, client(server) as api:
        events = api.stream(REQUEST, pieces)
        with pytest.raises(UsageError, match=r"There is nothing to say: the text is empty\."):
            while True:
                assert next(events) == Flushed()

        assert server.texts == {}


def test_there_is_nothing_to_say_even_if_nobody_is_there() -> None:
    with Client(None, base_url="http://127.0.0.1:1", retries=0) as api:
        with pytest.raises(UsageError):
            list(api.stream(REQUEST, [" "]))
        with pytest.raises(UnavailableError, match="refuses the connection"):
            list(api.stream(REQUEST, ["Hello."]))


def test_what_cannot_be_spoken_waits_for_what_can() -> None:
    pieces: list[TextPiece] = ["- ", "(", Flush(), "One", ") ", "\n"]
    with SocketServer() as server, client(server) as api:
        events = list(api.stream(REQUEST, pieces))

        assert [m["transcript"] for m in server.peers[0].messages] == ["- (One", ") ", "\n", ""]
    assert events[0] == Flushed()
    assert spoken(events) == "- (One) \n"


def test_white_space_at_the_end_opens_no_context() -> None:
    text = Typing("One.", Flush())
    with SocketServer() as server, client(server) as api:
        events = api.stream(REQUEST, text)
        assert [next(events), next(events)] == [AudioChunk(voiced("One.")), Flushed()]
        waiter = threading.Timer(1.3, lambda: (text.write("\n"), text.end()))  # type: ignore[func-returns-value]
        waiter.start()

        assert list(events) == []
        assert list(server.texts.values()) == ["One."]


def test_a_pause_is_followed_by_a_new_context_on_the_same_timeline() -> None:
    def play(peer: Peer) -> None:
        while True:
            message = peer.read()
            context_id = message["context_id"]
            if message["transcript"]:
                columns = {"words": [message["transcript"]], "start": [0.5], "end": [0.75]}
                peer.tell("timestamps", context_id, word_timestamps=columns)
                phonemes = {"phonemes": ["a"], "start": [0.5], "end": [0.75]}
                peer.tell("phoneme_timestamps", context_id, phoneme_timestamps=phonemes)
                peer.chunk(context_id, bytes(16_000))
            if message.get("flush"):
                peer.tell("flush_done", context_id, flush_done=True, flush_id=1)
            if not message["continue"]:
                peer.done(context_id)

    text = Typing("One.", Flush())
    with SocketServer(play) as server, client(server) as api:
        events = api.stream(replace(REQUEST, context_id="mine", word_timestamps=True), text)
        heard = [next(events) for _ in range(4)]
        began = time.monotonic()
        threading.Timer(1.1, lambda: (text.write("Two."), text.end())).start()  # type: ignore[func-returns-value]
        heard += events

        first, second = server.texts
        assert time.monotonic() - began > 1
        assert first == "mine"
        assert second != "mine"
        assert [m["continue"] for m in server.peers[0].messages] == [True, True, False, True, False]
        assert list(server.texts.values()) == ["One.", "Two."]
        assert api.traffic == Traffic(requests=2)
    assert [event for event in heard if isinstance(event, WordTimings)] == [
        WordTimings((WordTiming("One.", 0.5, 0.75),)),
        WordTimings((WordTiming("Two.", 1.5, 1.75),)),
    ]
    assert [event for event in heard if isinstance(event, PhonemeTimings)] == [
        PhonemeTimings((PhonemeTiming("a", 0.5, 0.75),)),
        PhonemeTimings((PhonemeTiming("a", 1.5, 1.75),)),
    ]


def test_text_that_the_server_still_holds_is_not_finished_in_a_pause() -> None:
    text = Typing("One. Tw")
    with SocketServer() as server, client(server) as api:
        events = api.stream(REQUEST, text)
        next(events)
        threading.Timer(1.2, lambda: (text.write("o."), text.end())).start()  # type: ignore[func-returns-value]

        assert spoken(events) == "o."
        assert list(server.texts.values()) == ["One. Two."]


def test_what_an_expired_context_did_not_speak_is_spoken_by_the_next() -> None:
    def expire(peer: Peer) -> None:
        first = peer.read()["context_id"]
        peer.chunk(first, voiced("One. "))
        while peer.read()["transcript"] != "Three. ":
            pass
        assert peer.read()["flush"]
        peer.done(first)  # nobody asked for it
        peer.chunk(first, voiced("late"))
        echo(peer)

    text = Typing("One. ")
    with SocketServer(expire) as server, client(server) as api:
        events = api.stream(REQUEST, text)
        heard = [next(events)]
        text.write("Two. ", "Three. ", Flush(), "Four.")
        text.end()
        heard += events

        assert list(server.texts.values())[1] == "Two. Three. Four."
    assert spoken(heard) == "One. Two. Three. Four."
    assert heard.count(Flushed()) == 1
    assert heard.index(Flushed()) == 3


def test_a_flush_that_an_expired_context_had_spoken_is_answered_by_its_end() -> None:
    def expire(peer: Peer) -> None:
        first = peer.read()["context_id"]
        assert peer.read()["flush"]
        peer.chunk(first, voiced("One. "))
        peer.done(first)
        echo(peer)

    text = Typing("One. ", Flush())
    with SocketServer(expire) as server, client(server) as api:
        events = api.stream(REQUEST, text)
        assert [next(events), next(events)] == [AudioChunk(voiced("One. ")), Flushed()]
        text.write("Two.")
        text.end()

        assert spoken(events) == "Two."
        assert list(server.texts.values()) == ["One. ", "Two."]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011])
def test_a_connection_lost_in_a_pause_is_opened_again_for_the_next_text(code: int) -> None:
    def lose(peer: Peer) -> None:
        answer(peer, peer.read())
        answer(peer, peer.read())
        peer.drop() if code == 1006 else peer.close(code)

    text = Typing("One.", Flush())
    with SocketServer(lose, echo) as server, client(server, retries=0) as api:
        events = api.stream(REQUEST, text)
        heard = [next(events), next(events)]
        assert server.peers[0].is_over.wait(5)
        text.write(" Two.")
        text.end()
        heard += events

        assert spoken(heard) == "One. Two."
        assert api.traffic == Traffic(requests=2, retries=0, reconnects=1)


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1013])
def test_text_of_which_nothing_was_heard_goes_to_another_connection(code: int) -> None:
    def lose(peer: Peer) -> None:
        peer.read()
        peer.read()
        peer.drop() if code == 1006 else peer.close(code)

    with SocketServer(lose, lose, echo) as server, client(server) as api:
        assert spoken(api.stream(REQUEST, ["One. ", "Two. ", "Three."])) == "One. Two. Three."
        assert list(server.texts.values())[-1] == "One. Two. Three."
        assert api.traffic == Traffic(requests=3, retries=2, reconnects=2)
    with SocketServer(lose) as server, client(server, retries=1) as api:
        with pytest.raises(UnavailableError):
            list(api.stream(REQUEST, ["One. ", "Two."]))
        assert len(server.peers) == 2


@pytest.mark.parametrize("end", [Peer.drop, Peer.cut, lambda peer: peer.close(1000), Peer.hang])
def test_a_connection_lost_after_audio_is_an_error_and_what_came_stays(end: Play) -> None:
    def lose(peer: Peer) -> None:
        answer(peer, peer.read())
        end(peer)

    text = Typing("One. ")
    with SocketServer(lose, echo) as server, client(server, timeouts=QUICK) as api:
        events = api.stream(REQUEST, text)
        assert next(events) == AudioChunk(voiced("One. "))
        text.write("Two. ", Flush())
        with pytest.raises(UnavailableError):
            list(events)
        text.end()
        assert len(server.peers) == 1


def test_the_word_that_this_was_all_is_required() -> None:
    def lose(peer: Peer) -> None:
        answer(peer, peer.read())
        answer(peer, peer.read())
        peer.read()
        peer.close(1000)

    text = Typing("One.", Flush())
    text.end()
    with SocketServer(lose) as server, client(server) as api:
        events = api.stream(REQUEST, text)
        assert [next(events), next(events)] == [AudioChunk(voiced("One.")), Flushed()]
        with pytest.raises(UnavailableError, match="before it was done"):
            list(events)


def test_an_error_of_the_server_is_raised() -> None:
    def refuse(peer: Peer) -> None:
        peer.tell("error", peer.read()["context_id"], status_code=404, title="Voice", message="Not found.")
        peer.hang()

    text = Typing("One.")
    with SocketServer(refuse) as server, client(server) as api:
        with pytest.raises(RequestError, match=r"Voice: Not found\."):
            list(api.stream(REQUEST, text))
        text.end()


def test_what_the_text_raises_is_raised_and_the_context_cancelled() -> None:
    text = Typing("One. ")
    with SocketServer() as server, client(server) as api:
        events = api.stream(REQUEST, text)
        next(events)
        text.end(ZeroDivisionError("of the text"))
        with pytest.raises(ZeroDivisionError, match="of the text"):
            list(events)

        wait_until(lambda: server.peers[0].messages[-1].get("cancel"), "not cancelled")


def test_a_text_that_cannot_be_sent_is_a_mistake() -> None:
    with SocketServer() as server, client(server) as api, pytest.raises(UsageError, match="cannot be sent"):
        list(api.stream(REQUEST, ["One \ud800"]))


def test_leaving_waits_for_nothing_and_the_connection_serves_the_next() -> None:
    def play(peer: Peer) -> None:
        answer(peer, peer.read())
        while not peer.read().get("cancel"):
            pass
        echo(peer)

    text = Typing("One. ", "Two")
    with SocketServer(play) as server, client(server) as api:
        events = api.stream(REQUEST, text)
        next(events)
        began = time.monotonic()
        events.close()
        took = time.monotonic() - began
        text.end()

        assert took < 0.1
        assert spoken(api.stream(REQUEST, ["Next."])) == "Next."
        assert len(server.peers) == 1


def test_streams_at_the_same_time_have_connections_of_their_own() -> None:
    one, two = Typing("One."), Typing("Two.")
    with SocketServer() as server, client(server) as api:
        first, second = api.stream(REQUEST, one), api.stream(REQUEST, two)

        assert [next(first), next(second)] == [AudioChunk(voiced("One.")), AudioChunk(voiced("Two."))]
        one.end()
        two.end()
        assert [*first, *second] == []
        assert len(server.peers) == 2


def test_text_is_not_pulled_while_too_much_audio_waits() -> None:
    pulled = [0]

    def text() -> Iterator[str]:
        for _ in range(100):
            pulled[0] += 1
            time.sleep(0.01)
            yield "More. "

    def play(peer: Peer) -> None:
        while True:
            message = peer.read()
            if message["transcript"]:
                peer.chunk(message["context_id"], bytes(400_000))
            if not message["continue"]:
                peer.done(message["context_id"])

    with SocketServer(play) as server, client(server) as api:
        events = api.stream(REQUEST, text())
        n_bytes = len(next(events).data)  # type: ignore[union-attr]  # it is audio
        before = -1
        while before != pulled[0]:
            before = pulled[0]
            time.sleep(0.2)

        assert before < 60
        n_bytes += sum(len(event.data) for event in events if isinstance(event, AudioChunk))
        assert n_bytes == 100 * 400_000


def test_silence_is_no_failure_while_nothing_is_owed() -> None:
    text = Typing()
    with SocketServer() as server, client(server, timeouts=QUICK) as api:
        events = api.stream(REQUEST, text)
        threading.Timer(1.0, lambda: (text.write("One."), text.end())).start()  # type: ignore[func-returns-value]

        assert spoken(events) == "One."


def test_a_flush_that_is_not_answered_is_a_failure_in_time() -> None:
    with SocketServer(Peer.hang) as server, client(server, timeouts=QUICK, retries=0) as api:
        began = time.monotonic()
        text = Typing("One.", Flush())
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.4 s"):
            list(api.stream(REQUEST, text))
        text.end()

        assert time.monotonic() - began < 2


# ---- nothing is left behind


def stop_later(peer: Peer) -> None:
    peer.read()  # more text, or that there is none
    peer.close(1000)


FAULTS: list[Play] = [
    *(lambda peer, code=code: peer.close(code) for code in (1000, 1001, 1008, 1011, 1013)),
    Peer.drop,
    Peer.cut,
    Peer.hang,
    stop_later,  # the client leaves first
]


def after_a_word(fault: Play) -> Play:
    def play(peer: Peer) -> None:
        peer.chunk(peer.read()["context_id"], voiced("One"))
        fault(peer)

    return play


def test_after_a_hundred_failures_everything_is_as_before() -> None:
    def fail(api: Client, round_: int) -> None:
        text = Typing("One.", Flush())
        events = api.stream(REQUEST, text) if round_ % 2 else api.synthesize(REQUEST, transport="websocket")
        next(events)
        if FAULTS[round_ % len(FAULTS)] is stop_later:
            events.close()
        else:
            with pytest.raises(CartesiaError):
                list(events)
        text.end()

    patience = Timeouts(first_byte=5.0, stall=0.05)
    plays = [after_a_word(fault) for fault in FAULTS * 13]
    with SocketServer(*plays) as server, client(server, timeouts=patience, retries=0) as api:
        for i in range(9):
            fail(api, i)
        threads, files, size = len(threading.enumerate()), open_files(), resident()
        for i in range(100):
            fail(api, i)

        wait_until(lambda: len(threading.enumerate()) <= threads, "threads are left")
        wait_until(lambda: open_files() <= files, "files are left")
        gc.collect()
        assert resident() - size < 8 * 2**20


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
