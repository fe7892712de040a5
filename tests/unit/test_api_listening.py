"""Live transcription by the client: against our own server, and against servers that break in every way."""

import itertools
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.api.listening import MOST_BYTES, cut_frames
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    OutputError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.models import ListenRequest, Traffic, TranscriptUpdate, TranscriptUpdates, WordTiming
from cartesia_cli.wire.listening import SAMPLE_WIDTHS
from tests.fakes.listening_live import RATE, ReadsSound, spoken
from tests.fakes.server import running_server
from tests.fakes.waiting import eventually

KEY = "sk_car_0123456789abcdef"
REQUEST = ListenRequest("pcm_mulaw", RATE)
TURNS = replace(REQUEST, turns=True)
QUICK = Timeouts(connect=2, first_byte=0.6, stall=0.6)

Script = Callable[[ServerConnection], None]


@contextmanager
def scripted(script: Script) -> Iterator[str]:
    """Run a server that does with each socket what the script says; yield its address."""

    def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed, OSError):
            script(connection)

    with serve(handle, "127.0.0.1", 0, compression=None, close_timeout=0.2) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def listening(
    url: str, sound: Iterable[bytes], request: ListenRequest = REQUEST, timeouts: Timeouts = QUICK
) -> TranscriptUpdates:
    with Client(KEY, base_url=url, timeouts=timeouts, retries=0) as client:
        yield from client.listen(request, sound)


def said(updates: Iterable[TranscriptUpdate]) -> list[tuple[str, str]]:
    return [(update.kind, update.text) for update in updates]


def microphone(stop: threading.Event) -> Iterator[bytes]:
    """Sound that does not end by itself."""
    while not stop.wait(0.01):
        yield spoken("word " * (RATE // 50))


def read_until(connection: ServerConnection, farewell: str = "close") -> list[bytes]:
    """Return the frames before the farewell."""
    frames = []
    while (message := connection.recv()) != farewell:
        assert isinstance(message, bytes)
        frames.append(message)
    return frames


def transcript(text: str, *, is_final: bool = True, **fields: Any) -> str:
    return json.dumps({"type": "transcript", "request_id": "r", "text": text, "is_final": is_final} | fields)


DONE = json.dumps({"type": "done", "request_id": "r"})


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sender"]


@pytest.fixture
def server() -> Iterator[str]:
    with running_server(live_transcriber=ReadsSound(), keys=[KEY], prefix="/base") as running:
        yield running.url


# ---- what is understood


def test_what_is_said_to_our_server_comes_back_with_its_times(server: str) -> None:
    updates = list(listening(server, [spoken("Turn left. And"), spoken(" then stop")]))

    assert said(updates)[0] == ("final", "Turn left.")
    assert said(updates)[-1] == ("final", "And then stop")
    assert updates[0] == TranscriptUpdate(
        "final", "Turn left.", 0.0, 0.01, (WordTiming("Turn", 0.0, 0.004), WordTiming("left.", 0.005, 0.01))
    )


def test_interim_texts_come_while_the_sound_still_arrives(server: str) -> None:
    pieces: queue.Queue[bytes] = queue.Queue()
    updates = listening(server, iter(pieces.get, b""))
    frame = spoken("Good day ".ljust(RATE // 10))
    pieces.put(frame)

    first = next(updates)
    pieces.put(spoken("to you."))
    pieces.put(b"")

    assert said([first]) == [("interim", "Good day")]
    assert said(updates) == [("final", "Good day to you.")]


def test_the_turns_of_a_conversation(server: str) -> None:
    updates = list(listening(server, [spoken("Could you move it. Yes ".ljust(150)), spoken("please")], TURNS))

    assert said(updates) == [
        ("turn", "Could you move it."),
        ("interim", "Yes"),
        ("turn", "Yes please"),
    ]


def test_silence_is_nothing_to_write_down(server: str) -> None:
    assert list(listening(server, [])) == []
    assert list(listening(server, [spoken("    ")])) == []
    assert list(listening(server, [], TURNS)) == []


@pytest.mark.parametrize(
    ("request_", "farewell", "query"),
    [
        (REQUEST, "close", {"model": ["ink-whisper"]}),
        (
            ListenRequest(
                "pcm_mulaw", RATE, "ink-2", "de", ("Ada Lovelace", "C&A"), min_volume=0.1, max_silence=2.5
            ),
            "close",
            {
                "model": ["ink-2"],
                "language": ["de"],
                "keyterm": ["Ada Lovelace", "C&A"],
                "min_volume": ["0.1"],
                "max_silence_duration_secs": ["2.5"],
            },
        ),
        (
            replace(TURNS, language="en", max_silence=2.0),
            '{"type": "close"}',
            {"model": ["ink-2"], "turn_end_timeout_ms": ["2000"]},
        ),
    ],
)
def test_the_query_and_the_farewell_are_those_of_the_api(
    request_: ListenRequest, farewell: str, query: dict[str, list[str]]
) -> None:
    seen: list[Any] = []

    def script(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)
        seen.append(b"".join(read_until(connection, farewell)))

    with scripted(script) as url:
        assert list(listening(f"{url}/base", [b"a", b"bcd"], request_)) == []

    target = urlsplit(seen[0].path)
    assert target.path == f"/base/stt/{'turns/' if request_.turns else ''}websocket"
    found = parse_qs(target.query)
    assert found.pop("cartesia_version") == ["2026-08-14"]
    assert found == {"encoding": ["pcm_mulaw"], "sample_rate": [str(RATE)]} | query
    assert seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert seen[1] == b"abcd"


def test_what_the_api_may_say_beside_words_is_nothing() -> None:
    def script(connection: ServerConnection) -> None:
        read_until(connection)
        for message in (
            {"type": "flush_done", "request_id": "r"},
            {"type": "connected", "request_id": "r"},
            {"type": "a newer one", "request_id": "r"},
        ):
            connection.send(json.dumps(message))
        connection.send(transcript(" One. "))
        connection.send(transcript(" Two", is_final=False))
        connection.send(DONE)
        connection.send(transcript("after the end"))

    with scripted(script) as url:
        assert said(listening(url, [b"x"])) == [("final", "One."), ("interim", "Two")]


# ---- what is sent


@given(
    pieces=st.lists(st.binary(max_size=40)),
    encoding=st.sampled_from(sorted(SAMPLE_WIDTHS)),
    rate=st.integers(1, 100),
)
def test_frames_are_whole_samples_and_together_all_of_the_sound(
    pieces: list[bytes], encoding: str, rate: int
) -> None:
    width = SAMPLE_WIDTHS[encoding]
    frames = list(cut_frames(pieces, ListenRequest(encoding, rate)))
    sound = b"".join(pieces)

    assert b"".join(frames) == sound[: len(sound) - len(sound) % width]
    assert {len(frame) for frame in frames[:-1]} <= {max(1, rate // 10) * width}
    assert all(frame and len(frame) % width == 0 for frame in frames)


def test_frames_last_a_tenth_of_a_second_and_have_32_kb_at_most() -> None:
    sound = [bytes(1_000_001)]

    assert len(next(cut_frames(sound, ListenRequest("pcm_s16le", 16_000)))) == 3_200
    assert len(next(cut_frames(sound, ListenRequest("pcm_f32le", 768_000)))) == MOST_BYTES


def test_an_encoding_that_the_api_does_not_know_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="does not know the encoding 'mp3'") as caught:
        next(listening("http://127.0.0.1:9", [], ListenRequest("mp3", 16_000)))

    assert "pcm_s16le" in (caught.value.hint or "")


# ---- what goes wrong


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RequestError), (401, CredentialsError), (429, LimitError), (500, UnavailableError)],
)
def test_an_error_message_becomes_our_error_and_what_came_before_stays(
    status: int, kind: type[CartesiaError]
) -> None:
    def script(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(transcript("One."))
        fields = {"type": "error", "title": "No", "message": f"Not with {KEY}.", "status_code": status}
        connection.send(json.dumps(fields))
        connection.recv()

    stop = threading.Event()
    with scripted(script) as url:
        updates = listening(url, microphone(stop))
        assert said([next(updates)]) == [("final", "One.")]
        with pytest.raises(kind, match=r"No: Not with \*\*\*\.") as caught:
            next(updates)
    stop.set()

    assert caught.value.title == "No"
    assert eventually(lambda: threads() == [])


def test_a_refusal_at_the_handshake_says_why() -> None:
    with running_server() as deaf, pytest.raises(UnavailableError, match="This server does not transcribe"):
        next(listening(deaf.url, [b"x"]))


def test_a_key_that_is_not_known_is_refused_at_the_handshake() -> None:
    with (
        running_server(live_transcriber=ReadsSound(), keys=["another"]) as server,
        pytest.raises(CredentialsError, match="The API key is not valid"),
    ):
        next(listening(server.url, [b"x"]))


def test_a_request_is_counted(server: str) -> None:
    with Client(KEY, base_url=server) as client:
        list(client.listen(REQUEST, [spoken("One.")]))

        assert client.traffic == Traffic(requests=1)


@pytest.mark.parametrize(
    "message", ["{", "[]", transcript("a", words=[{"word": "a", "start": "x"}]), b"\xff"]
)
def test_a_message_that_cannot_be_read_is_an_error(message: str | bytes) -> None:
    def script(connection: ServerConnection) -> None:
        connection.send(message)
        read_until(connection)

    with scripted(script) as url, pytest.raises(UnavailableError, match="cannot be read"):
        list(listening(url, [b"x"]))


def close_with(code: int) -> Script:
    def script(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(transcript("One."))
        connection.close(code)

    return script


def drop(connection: ServerConnection) -> None:
    connection.recv()
    connection.send(transcript("One."))
    connection.socket.shutdown(2)


def drop_within_a_message(connection: ServerConnection) -> None:
    connection.recv()
    connection.send(transcript("One."))
    connection.socket.sendall(b"\x81\x7e\x01\x00" + b'{"type": "transcript"')
    connection.socket.shutdown(2)


WAYS: dict[str, Script] = {
    **{f"{code}": close_with(code) for code in (1000, 1001, 1008, 1011, 1013)},
    "1006": drop,
    "within a message": drop_within_a_message,
}


@pytest.mark.parametrize("request_", [REQUEST, TURNS], ids=["manual", "turns"])
@pytest.mark.parametrize("way", [way for way in WAYS if way != "1008"])
def test_a_server_that_leaves_while_sound_arrives_is_no_answer(way: str, request_: ListenRequest) -> None:
    stop = threading.Event()
    with scripted(WAYS[way]) as url:
        updates = listening(url, microphone(stop), request_)
        assert said([next(updates)]) == [("final", "One.")]
        with pytest.raises(UnavailableError) as caught:
            list(updates)
    stop.set()

    assert caught.value.exit_code == 6
    assert eventually(lambda: threads() == [])


def test_a_server_that_leaves_by_its_rules_is_a_rejection() -> None:
    stop = threading.Event()
    with scripted(WAYS["1008"]) as url, pytest.raises(RequestError):
        list(listening(url, microphone(stop)))
    stop.set()
    assert eventually(lambda: threads() == [])


@pytest.mark.parametrize("code", [1001, 1006, 1011])
def test_a_server_that_leaves_before_the_last_words_is_no_answer(code: int) -> None:
    def script(connection: ServerConnection) -> None:
        read_until(connection)
        if code == 1006:
            connection.socket.shutdown(2)
        else:
            connection.close(code)

    with scripted(script) as url, pytest.raises(UnavailableError):
        list(listening(url, [b"x"]))


@pytest.mark.parametrize("request_", [REQUEST, TURNS], ids=["manual", "turns"])
def test_a_normal_close_after_ours_is_the_end(request_: ListenRequest) -> None:
    def script(connection: ServerConnection) -> None:
        read_until(connection, '{"type": "close"}' if request_.turns else "close")
        connection.send(transcript("One."))

    with scripted(script) as url:
        assert said(listening(url, [b"x"], request_)) == [("final", "One.")]


@pytest.mark.parametrize("farewell", [[DONE], []], ids=["said", "closed"])
def test_an_end_while_sound_is_still_being_sent_is_no_end(farewell: list[str]) -> None:
    stop = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.recv()
        for message in [transcript("One."), *farewell]:
            connection.send(message)

    with scripted(script) as url:
        updates = listening(url, microphone(stop))
        assert said([next(updates)]) == [("final", "One.")]
        with pytest.raises(UnavailableError, match="while sound was still being sent"):
            next(updates)
    stop.set()


def test_silence_is_waited_for_as_long_as_sound_may_come_and_not_after_its_end() -> None:
    speak = threading.Event()

    def sound() -> Iterator[bytes]:
        yield b"x"
        speak.wait(10)

    def script(connection: ServerConnection) -> None:
        read_until(connection)
        connection.recv()

    with scripted(script) as url:
        threading.Timer(2 * QUICK.first_byte, speak.set).start()
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"no end of the transcript for 0\.6 s"):
            list(listening(url, sound()))
    assert 3 * QUICK.first_byte <= time.monotonic() - began < 10


def test_a_server_that_takes_no_sound_is_no_answer() -> None:
    release = threading.Event()

    def script(_connection: ServerConnection) -> None:
        release.wait(20)  # its buffers fill up, then the network's

    sound = (bytes(1_000_000) for _ in range(1_000))
    with scripted(script) as url:
        with pytest.raises(UnavailableError, match="took nothing for"):
            list(listening(url, sound, replace(REQUEST, sample_rate=320_000)))
        release.set()

    assert eventually(lambda: threads() == [])


@pytest.mark.parametrize("failure", [OutputError("The microphone is gone."), ValueError("a bug"), OSError(5)])
def test_what_the_sound_raises_is_raised(server: str, failure: Exception) -> None:
    def sound() -> Iterator[bytes]:
        yield spoken("One. ".ljust(RATE // 10))
        raise failure

    with pytest.raises(type(failure)) as caught:
        list(listening(server, sound()))

    assert caught.value is failure
    assert eventually(lambda: threads() == [])


def test_closing_early_frees_everything_at_once_but_a_thread_that_waits_for_sound(server: str) -> None:
    pieces: queue.Queue[bytes] = queue.Queue()
    updates = listening(server, iter(pieces.get, b""))
    pieces.put(spoken("One. ".ljust(RATE // 10)))
    assert said([next(updates)]) == [("final", "One.")]

    began = time.monotonic()
    updates.close()

    assert time.monotonic() - began < 1
    assert len(threads()) == 1
    pieces.put(spoken("nobody hears this".ljust(RATE)))
    assert eventually(lambda: threads() == [])
    assert pieces.empty()


def test_closing_does_not_wait_for_a_server_that_takes_no_sound() -> None:
    release = threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.send(transcript("One."))
        release.wait(20)

    given: list[int] = []

    def sound() -> Iterator[bytes]:
        for number in range(1_000):
            given.append(number)
            yield bytes(1_000_000)

    with scripted(script) as url:
        updates = listening(url, sound(), replace(REQUEST, sample_rate=320_000), Timeouts(stall=60))
        next(updates)
        n_given = 0
        while n_given != len(given):  # until the buffers on the way are full
            n_given = len(given)
            time.sleep(0.2)
        closer = threading.Thread(target=updates.close, daemon=True)
        closer.start()
        closer.join(5)
        release.set()

        assert not closer.is_alive()
        assert threads() == []


def n_files() -> int:
    files = Path("/proc/self/fd")
    return len(list(files.iterdir())) if files.exists() else 0


def test_after_a_hundred_breakdowns_nothing_is_left() -> None:
    def stay(connection: ServerConnection) -> None:
        connection.send(transcript("One."))
        read_until(connection)

    def fall_silent(connection: ServerConnection) -> None:
        connection.send(transcript("One."))
        read_until(connection)
        connection.recv()

    ways = [*WAYS.values(), stay, fall_silent]
    numbers = itertools.count()

    def script(connection: ServerConnection) -> None:
        ways[next(numbers) % len(ways)](connection)

    def visit(number: int) -> None:
        stop = threading.Event()
        way = ways[number % len(ways)]
        sound = [b"x"] if way is fall_silent else microphone(stop)
        updates = listening(url, sound, timeouts=Timeouts(first_byte=0.05))
        next(updates)
        if way is stay:
            updates.close()
        else:
            with pytest.raises(CartesiaError):
                list(updates)
        stop.set()

    with scripted(script) as url:
        for number in range(len(ways)):
            visit(number)
        assert eventually(lambda: threads() == [])
        n_threads, n_open = threading.active_count(), n_files()
        for number in range(12 * len(ways)):
            visit(number)

        assert eventually(lambda: threading.active_count() <= n_threads)
        assert eventually(lambda: n_files() <= n_open)
