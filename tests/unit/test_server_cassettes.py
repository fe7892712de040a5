"""Recorded with the official client 4.2.0 through the recorder, and replayed to it without the API."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cartesia import Cartesia, NotFoundError
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from cartesia_cli.api.relay import Relay
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import AudioFormat, Encoding, SpeechEvents, SpeechRequest
from cartesia_cli.server.cassettes import create_player, create_recorder
from cartesia_cli.server.cassettes.covers import Cover
from cartesia_cli.server.cassettes.naming import RenamedStream
from cartesia_cli.server.cassettes.texts import describe_bytes, described_bytes
from cartesia_cli.server.faults import FaultMiddleware, FaultPlan, parse_fault
from cartesia_cli.server.hosting.patience import Patience
from tests.fakes.apps import running_app
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples
from tests.fakes.listening import KnownRecordings
from tests.fakes.listening_live import RATE, ReadsSound, spoken
from tests.fakes.server import running_server
from tests.fakes.sockets import Peer, SocketServer
from tests.fakes.waiting import eventually

KEY = "sk_car_confidential_1234"
TEXT = "Grüße aus Köln"
RAW: Any = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000}
EXPECTED = known_samples(TEXT, AudioFormat(Encoding.PCM_S16LE, 16_000))
BODY = {"model_id": "sonic-3", "transcript": TEXT, "voice": DEFAULT_VOICE, "output_format": RAW}
SPEECH: Any = {"model_id": "sonic-3", "voice": DEFAULT_VOICE, "output_format": RAW}
LIVE: Any = {"encoding": "pcm_mulaw", "sample_rate": RATE}


@contextmanager
def upstream(**options: Any) -> Iterator[str]:
    """The API: it accepts one key."""
    engine = options.pop("engine", None) or KnownSamples(chunk_bytes=3_333)
    with running_server(
        engine,
        keys=[KEY],
        prefix="/api",
        transcriber=KnownRecordings(),
        live_transcriber=ReadsSound(),
        **options,
    ) as server:
        yield server.url


@contextmanager
def recording(folder: Path, *, key: str | None = KEY, **options: Any) -> Iterator[str]:
    with upstream(**options) as url, passing_on(url, folder, key) as address:
        yield address


@contextmanager
def passing_on(url: str, folder: Path, key: str | None = KEY, prefix: str = "") -> Iterator[str]:
    with (
        closing(Relay(url, key)) as relay,
        running_app(create_recorder(relay, folder, prefix=prefix)) as address,
    ):
        yield address


@contextmanager
def replaying(folder: Path) -> Iterator[str]:
    with running_app(create_player(folder)) as address:
        yield address


def client_of(url: str, key: str = "anything") -> Cartesia:
    return Cartesia(api_key=key, base_url=url, websocket_base_url=f"ws{url[4:]}", max_retries=0)


def wait_for_cassettes(folder: Path, number: int) -> list[Path]:
    assert eventually(lambda: len(list(folder.glob("*.json"))) >= number)
    return sorted(folder.glob("*.json"))


def speak(client: Cartesia) -> bytes:
    return b"".join(client.tts.generate(transcript=TEXT, **SPEECH).iter_bytes())


def stream(client: Cartesia) -> list[Any]:
    return [
        event.to_dict(warnings=False)
        for event in client.tts.generate_sse(transcript=TEXT, add_timestamps=True, **SPEECH)
    ]


def converse(client: Cartesia) -> list[Any]:
    """Speak in two contexts with names of their own, and return their events without these."""
    heard: list[Any] = []
    with client.tts.websocket_connect() as connection:
        for text in ("Hello there ", "Grüße "):
            name = str(uuid4())
            context = connection.context(name, add_timestamps=True, **SPEECH)
            context.push(text)
            context.push("you")
            context.no_more_inputs()
            events = [event.to_dict(warnings=False) for event in context.receive()]
            assert {event["context_id"] for event in events} == {name}
            heard += [
                {name: value for name, value in event.items() if name != "context_id"} for event in events
            ]
    return heard


def dictate(client: Cartesia) -> list[Any]:
    with client.stt.manual_finalize.websocket(model="ink-whisper", **LIVE) as connection:
        connection.send_raw(spoken("Turn left. "))
        connection.send("finalize")
        heard = []
        for event in connection:
            heard.append(event.to_dict(warnings=False))
            if event.type == "flush_done":
                connection.send_raw(spoken("Then stop"))
                connection.send("close")
    return heard


def take_turns(client: Cartesia) -> list[Any]:
    with client.stt.auto_finalize.websocket(model="ink-2", **LIVE) as connection:
        connection.send_raw(spoken("Turn left. Then stop"))
        connection.send({"type": "close"})
        return [event.to_dict(warnings=False) for event in connection]


def upload(client: Cartesia) -> Any:
    return client.stt.transcribe(
        file=("talk.wav", b"RIFF" + bytes(200_000)), model="ink-whisper", timestamp_granularities=["word"]
    ).to_dict()


def list_voices(client: Cartesia) -> Any:
    return [voice.to_dict() for voice in client.voices.list(limit=3)]


JOBS: list[Callable[[Cartesia], Any]] = [
    speak, stream, converse, dictate, take_turns, upload, list_voices
]  # fmt: skip


@pytest.mark.parametrize("job", JOBS, ids=lambda job: str(job.__name__))
def test_the_official_client_gets_the_same_without_the_api(
    job: Callable[[Cartesia], Any], tmp_path: Path
) -> None:
    with recording(tmp_path) as url, client_of(url, KEY) as client:
        recorded = job(client)
        wait_for_cassettes(tmp_path, 1)
    with replaying(tmp_path) as url, client_of(url, "another key") as client:
        replayed = [job(client), job(client)]

    assert replayed == [recorded, recorded]
    assert len(recorded) > 0


def pieces_of(url: str, path: str, body: Any, **options: Any) -> tuple[list[bytes], httpx.Response]:
    with httpx.stream("POST", url + path, json=body, **options) as response:
        return list(response.iter_raw()), response


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
def test_every_byte_comes_again_in_the_same_pieces(path: str, tmp_path: Path) -> None:
    with recording(tmp_path, engine=KnownSamples(chunk_bytes=3_000, pace=8)) as url:
        recorded, first = pieces_of(url, path, BODY)
    with replaying(tmp_path) as url:
        replayed, again = pieces_of(url, path, BODY)

    assert replayed == recorded
    assert len(recorded) > 4
    assert (again.status_code, again.headers["content-type"]) == (200, first.headers["content-type"])


def test_sound_passes_as_soon_as_it_is_there(tmp_path: Path) -> None:
    heard = threading.Event()

    class WaitsToBeHeard(KnownSamples):
        def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
            events = super().synthesize(request)
            yield next(events)
            assert heard.wait(10), "The first sound was held back."
            yield from events

    sound = b""
    with (
        recording(tmp_path, engine=WaitsToBeHeard(chunk_bytes=3_000)) as url,
        httpx.stream("POST", f"{url}/tts/bytes", json=BODY) as response,
    ):
        for piece in response.iter_raw():
            heard.set()
            sound += piece

    assert sound == EXPECTED


def test_a_cassette_can_be_read_by_people(tmp_path: Path) -> None:
    with recording(tmp_path) as url:
        pieces_of(url, "/tts/sse?cartesia_version=2025-11-04", BODY)
        pieces_of(url, "/tts/bytes", BODY, headers={"cartesia-version": "2026-03-01"})
        httpx.get(f"{url}/voices", params={"limit": 1})

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0001-post-tts-sse.json",
        "0002-post-tts-bytes.json",
        "0002-post-tts-bytes.pcm",
        "0003-get-voices.json",
    ]
    events = json.loads((tmp_path / "0001-post-tts-sse.json").read_text("utf-8"))
    assert events["cassette"] == 1
    assert events["request"] == {
        "method": "POST",
        "path": "/tts/sse",
        "query": "",
        "version": "2025-11-04",
        "body": {"json": BODY},
    }
    assert events["response"]["body"]["text"][0] == "event: chunk\n"
    speech = json.loads((tmp_path / "0002-post-tts-bytes.json").read_text("utf-8"))
    assert speech["request"]["version"] == "2026-03-01"
    assert speech["response"]["body"] == {"file": "0002-post-tts-bytes.pcm"}
    assert (tmp_path / "0002-post-tts-bytes.pcm").read_bytes() == EXPECTED
    voices = json.loads((tmp_path / "0003-get-voices.json").read_text("utf-8"))
    assert voices["request"]["query"] == "limit=1"
    assert len(voices["response"]["body"]["json"]["data"]) == 1
    assert {name for name, _ in voices["response"]["headers"]} <= {"content-type", "x-request-id"}


def everything_in(folder: Path) -> bytes:
    files = [path for path in folder.iterdir() if path.is_file()]
    assert files
    return b"".join(path.name.encode() + path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"headers": {"X-API-Key": KEY, "Cookie": f"session={KEY}; other=confidential-too"}},
        {"params": {"api_key": KEY}},
        {"params": {"access_token": KEY}},
    ],
)
def test_the_key_is_nowhere(options: dict[str, Any], tmp_path: Path) -> None:
    with recording(tmp_path, key=None if options else KEY) as url:
        token = httpx.post(f"{url}/access-token", json={"expires_in": 60, "grants": {"tts": True}}, **options)
        told = httpx.post(f"{url}/tts/sse", json=BODY | {"transcript": f"My key is {KEY}"}, **options)
        httpx.get(f"{url}/voices/{KEY}", **options)
        httpx.get(f"{url}/voices", headers={"Authorization": f"Bearer {token.json()['token']}"})

    written = everything_in(tmp_path)
    assert (token.status_code, told.status_code) == (200, 200)
    assert len(list(tmp_path.glob("*.json"))) == 4
    for secret in (KEY, token.json()["token"], "confidential"):
        assert secret.encode() not in written
    with replaying(tmp_path) as url:
        placeholder = httpx.post(
            f"{url}/access-token", json={"expires_in": 60, "grants": {"tts": True}}
        ).json()
    assert set(placeholder["token"]) == {"*"}


def test_the_key_is_nowhere_in_what_was_said_on_a_socket(tmp_path: Path) -> None:
    def tell(peer: Peer) -> None:
        message = peer.read()
        peer.tell("error", message["context_id"], error=f"Not with {KEY}")

    with (
        SocketServer(tell) as server,
        passing_on(server.url, tmp_path) as url,
        client_of(url, KEY) as client,
        client.tts.websocket_connect() as connection,
    ):
        context = connection.context("ctx", **SPEECH)
        context.push(KEY)
        assert KEY in str([event.to_dict() for event in context.receive()])
    wait_for_cassettes(tmp_path, 1)

    assert KEY.encode() not in everything_in(tmp_path)
    assert b"Not with *****" in everything_in(tmp_path)


@settings(max_examples=60)
@given(st.text(alphabet="abx", min_size=8, max_size=12), st.lists(st.text(alphabet="abx")), st.data())
def test_a_secret_is_covered_wherever_the_pieces_end(
    secret: str, texts: list[str], data: st.DataObject
) -> None:
    body = secret.join(texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    stream = Cover([secret]).stream()
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    written = b"".join(map(stream.feed, pieces)) + stream.flush()

    assert len(written) == len(body)
    assert secret.encode() not in written


@settings(max_examples=60)
@given(st.lists(st.sampled_from(['"context_id":"old"', '"context_id": "old"', "old", '"context'])), st.data())
def test_a_context_is_renamed_wherever_the_pieces_end(texts: list[str], data: st.DataObject) -> None:
    body = ",".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    stream = RenamedStream("old", "new one")
    pieces = [body[start:end].encode() for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    assert (b"".join(map(stream.feed, pieces)) + stream.flush()).decode() == body.replace(
        '"old"', '"new one"'
    )


@settings(max_examples=40)
@given(st.one_of(st.binary(), st.text().map(str.encode), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_every_body_is_described_to_the_byte(body: bytes) -> None:
    assert described_bytes(json.loads(json.dumps(describe_bytes(body)))) == body


def test_an_event_stream_names_the_context_of_today(tmp_path: Path) -> None:
    with recording(tmp_path) as url:
        recorded, _ = pieces_of(url, "/tts/sse", BODY | {"context_id": "that of the recording"})
    with replaying(tmp_path) as url:
        replayed, _ = pieces_of(url, "/tts/sse", BODY | {"context_id": "today's"})

    assert b"".join(replayed) == b"".join(recorded).replace(b'"that of the recording"', b'"today\'s"')


def test_what_was_asked_twice_is_answered_in_order_and_then_as_the_last_time(tmp_path: Path) -> None:
    with recording(tmp_path, faults=["429*1", "/tts/bytes:cut=100*1"]) as url:
        recorded = [httpx.post(f"{url}/tts/bytes", json=BODY) for _ in range(3)]
    with replaying(tmp_path) as url:
        replayed = [httpx.post(f"{url}/tts/bytes", json=BODY) for _ in range(5)]

    assert [len(answer.content) for answer in recorded[1:]] == [100, len(EXPECTED)]
    assert [(each.status_code, each.content) for each in replayed[:3]] == [
        (each.status_code, each.content) for each in recorded
    ]
    assert replayed[4].content == replayed[3].content == EXPECTED
    assert replayed[0].status_code == 429


def test_two_recordings_go_on_with_the_numbers(tmp_path: Path) -> None:
    for transcript in ("One", "Two"):
        with recording(tmp_path) as url:
            pieces_of(url, "/tts/bytes", BODY | {"transcript": transcript})

    names = sorted(path.name for path in tmp_path.glob("*.json"))
    assert names == ["0001-post-tts-bytes.json", "0002-post-tts-bytes.json"]


def test_what_was_not_recorded_is_refused_with_what_is_different(tmp_path: Path) -> None:
    with recording(tmp_path) as url:
        pieces_of(url, "/tts/bytes", BODY)
    with replaying(tmp_path) as url, client_of(url) as client:
        answer = httpx.post(f"{url}/tts/bytes", json=BODY | {"transcript": "Hello"})
        other = httpx.get(f"{url}/voices")
        with pytest.raises(NotFoundError, match="not_recorded"):
            list_voices(client)

    assert answer.status_code == other.status_code == 404
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json()["error_code"] == "not_recorded"
    assert 'in 0001-post-tts-bytes.json body.transcript is "Hello" and was "Gr' in answer.json()["message"]
    assert "cartesia serve --record DIR" in answer.json()["message"]
    assert other.json()["message"] == (
        "GET /voices was not recorded. Record it with cartesia serve --record DIR."
    )


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"files": {"file": ("other name.wav", b"RIFF same")}}, 200),
        ({"data": {"language": "en", "model": "ink-whisper"}}, 200),
        ({"files": {"file": ("a.wav", b"RIFF other")}}, 404),
        ({"data": {"model": "ink-whisper", "language": "de"}}, 404),
        ({"params": {"sample_rate": "8000"}}, 404),
        ({"headers": {"cartesia-version": "2025-11-04"}}, 404),
    ],
)
def test_a_form_is_known_by_its_parts(change: dict[str, Any], status: int, tmp_path: Path) -> None:
    form: dict[str, Any] = {
        "files": {"file": ("a.wav", b"RIFF same")},
        "data": {"model": "ink-whisper", "language": "en"},
    }
    with recording(tmp_path) as url:
        httpx.post(f"{url}/stt", **form)
    with replaying(tmp_path) as url:
        answer = httpx.post(f"{url}/stt", **form | change)

    assert answer.status_code == status
    assert b"RIFF" not in everything_in(tmp_path)


def test_text_that_is_not_the_recorded_one_is_an_error_on_the_socket(tmp_path: Path) -> None:
    with recording(tmp_path) as url, client_of(url, KEY) as client:
        converse(client)
        wait_for_cassettes(tmp_path, 1)
    with (
        replaying(tmp_path) as url,
        client_of(url) as client,
        client.tts.websocket_connect() as connection,
    ):
        strange = connection.context("strange", add_timestamps=True, **SPEECH)
        strange.push("Good night ")
        events: list[Any] = [event.to_dict() for event in strange.receive()]
        late = connection.context("late", add_timestamps=True, **SPEECH)
        late.push("Hello there ")
        late.push("all")
        late_events: list[Any] = [event.to_dict() for event in late.receive()]

    (error,) = events
    assert (error["error_code"], error["status_code"], error["context_id"]) == (
        "not_recorded",
        404,
        "strange",
    )
    assert 'the message.transcript is "Good night " and was "Hello there "' in error["message"]
    assert late_events[-1]["error_code"] == "not_recorded"
    assert '"all" and was "you"' in late_events[-1]["message"]


def test_a_command_that_is_not_the_recorded_one_is_an_error(tmp_path: Path) -> None:
    with recording(tmp_path) as url, client_of(url, KEY) as client:
        dictate(client)
        wait_for_cassettes(tmp_path, 1)
    with (
        replaying(tmp_path) as url,
        client_of(url) as client,
        client.stt.manual_finalize.websocket(model="ink-whisper", **LIVE) as connection,
    ):
        connection.send_raw(bytes(4))
        connection.send("close")
        error: Any = connection.recv()

    assert (error.type, error.error_code) == ("error", "not_recorded")
    assert 'is "close" and was "finalize"' in error.message


def test_a_refusal_and_a_closing_come_again(tmp_path: Path) -> None:
    def leave(peer: Peer) -> None:
        peer.read()
        peer.close(1012, "restarting")

    with SocketServer(leave) as server, passing_on(server.url, tmp_path) as url:
        recorded = closing_of(url)
        wait_for_cassettes(tmp_path, 1)
    with recording(tmp_path, faults=["/stt:429=7"]) as url:
        refused = refusal_of(url)
    with replaying(tmp_path) as url:
        assert closing_of(url) == recorded == (1012, "restarting")
        assert refusal_of(url) == refused

    assert (refused[0], refused[1]) == (429, "7")


def closing_of(url: str) -> tuple[int, str]:
    with connect(f"ws{url[4:]}/tts/websocket") as connection:
        connection.send(json.dumps({"context_id": "a", "transcript": "Hello"}))
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv(10)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def refusal_of(url: str) -> tuple[int, str, str]:
    with pytest.raises(InvalidStatus) as caught:
        connect(f"ws{url[4:]}/stt/websocket?model=ink-2")
    response = caught.value.response
    return (
        response.status_code,
        response.headers["retry-after"],
        json.loads(response.body or b"")["error_code"],
    )


def test_where_the_api_is_not_there_nothing_is_recorded(tmp_path: Path) -> None:
    with passing_on("http://127.0.0.1:9", tmp_path) as url:
        answer = httpx.post(f"{url}/tts/bytes", json=BODY)
        with client_of(url) as client, pytest.raises(Exception, match="502"):
            client.tts.websocket_connect().enter()

    assert answer.status_code == 502
    assert "127.0.0.1:9 refuses the connection" in answer.json()["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["drop=20000", "drop"])
def test_an_answer_that_breaks_off_breaks_off_and_is_not_recorded(fault: str, tmp_path: Path) -> None:
    with recording(tmp_path, faults=[fault]) as url:
        if fault == "drop":
            assert httpx.post(f"{url}/tts/bytes", json=BODY).status_code == 502
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.post(f"{url}/tts/bytes", json=BODY)

    assert list(tmp_path.iterdir()) == []


def test_who_leaves_before_the_end_ends_the_answer_and_nothing_is_recorded(tmp_path: Path) -> None:
    engine = KnownSamples(pace=1)
    with recording(tmp_path, engine=engine) as url:
        with httpx.stream("POST", f"{url}/tts/bytes", json=BODY | {"transcript": "word " * 200}) as response:
            next(response.iter_raw())
        assert engine.ended.acquire(timeout=10)

    assert list(tmp_path.iterdir()) == []


def test_who_leaves_when_all_is_said_leaves_a_cassette(tmp_path: Path) -> None:
    with recording(tmp_path, engine=KnownSamples(pace=4)) as url:
        with httpx.stream("POST", f"{url}/tts/bytes", json=BODY) as response:
            next(response.iter_raw())
        wait_for_cassettes(tmp_path, 1)

    assert (tmp_path / "0001-post-tts-bytes.pcm").read_bytes() == EXPECTED


SCRIPT = """
import sys
from pathlib import Path
from cartesia_cli.api.relay import Relay
from cartesia_cli.server.cassettes import create_recorder
from tests.fakes.apps import running_app
with running_app(create_recorder(Relay(sys.argv[1], "key-of-a-test"), Path(sys.argv[2]))) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def test_kill_leaves_whole_cassettes_only(tmp_path: Path) -> None:
    with running_server(KnownSamples(pace=2)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, server.url, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            pieces_of(url, "/tts/bytes", BODY | {"transcript": "Hello"})
            with httpx.stream(
                "POST", f"{url}/tts/bytes", json=BODY | {"transcript": "word " * 50}
            ) as response:
                next(response.iter_raw())
                process.send_signal(signal.SIGKILL)
                process.wait(10)
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    with replaying(tmp_path) as url:
        answer = httpx.post(f"{url}/tts/bytes", json=BODY | {"transcript": "Hello"})

    assert names == {"0001-post-tts-bytes.json", "0001-post-tts-bytes.pcm"}
    assert answer.content == known_samples("Hello", AudioFormat(Encoding.PCM_S16LE, 16_000))


def test_a_long_answer_goes_to_the_disk_as_it_comes(tmp_path: Path) -> None:
    with (
        recording(tmp_path, engine=KnownSamples(pace=20)) as url,
        httpx.stream("POST", f"{url}/tts/bytes", json=BODY | {"transcript": "word " * 60}) as response,
    ):
        for _ in response.iter_bytes(200_000):
            (part,) = tmp_path.iterdir()
            assert part.stat().st_size >= 100_000
            break


def test_long_conversations_have_a_file_of_their_own(tmp_path: Path) -> None:
    with recording(tmp_path) as url, client_of(url, KEY) as client:
        recorded = chatter(client)
        wait_for_cassettes(tmp_path, 1)
    with replaying(tmp_path) as url, client_of(url) as client:
        assert chatter(client) == recorded

    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".jsonl"}
    assert (tmp_path / "0001-get-tts-websocket.json").stat().st_size < 2_000


def chatter(client: Cartesia) -> list[Any]:
    with client.tts.websocket_connect() as connection:
        context = connection.context("ctx", **SPEECH)
        context.push("word " * 120)
        context.no_more_inputs()
        return [event.to_dict() for event in context.receive()]


def test_a_prefix_is_no_part_of_a_cassette(tmp_path: Path) -> None:
    with upstream() as server, passing_on(server, tmp_path, prefix="/cartesia") as url:
        recorded = httpx.get(f"{url}/cartesia/voices/?limit=2").json()
    with running_app(create_player(tmp_path, prefix="other")) as url:
        assert httpx.get(f"{url}/other/voices?limit=2").json() == recorded


def test_faults_strike_what_is_replayed(tmp_path: Path) -> None:
    with recording(tmp_path) as url, client_of(url, KEY) as client:
        pieces_of(url, "/tts/bytes", BODY)
        dictate(client)
        wait_for_cassettes(tmp_path, 2)
    player = create_player(tmp_path)
    faults = [parse_fault(spec) for spec in ("/tts:cut=100*1", "/tts:429", "/stt:close=1012")]
    player.add_middleware(FaultMiddleware, plan=FaultPlan(faults))
    with running_app(player) as url, client_of(url) as client:
        answers = [httpx.post(f"{url}/tts/bytes", json=BODY) for _ in range(2)]
        with pytest.raises(ConnectionClosed, match="1012"):
            dictate(client)

    assert answers[0].content == EXPECTED[:100]
    assert answers[1].status_code == 429


def test_what_a_client_does_not_send_to_its_end_is_refused_and_not_recorded(tmp_path: Path) -> None:
    with (
        upstream() as server,
        closing(Relay(server, KEY)) as relay,
        running_app(create_recorder(relay, tmp_path), patience=Patience(body=0.2)) as url,
        socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection,
    ):
        connection.sendall(b"POST /stt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf")
        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_good_is_refused(tmp_path: Path) -> None:
    relay = Relay("http://127.0.0.1:9", None)
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(UsageError, match="no folder that can be read"):
        create_player(tmp_path / "missing")
    with pytest.raises(UsageError, match="There are no cassettes in"):
        create_player(tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        create_recorder(relay, file)
    with pytest.raises(OutputError, match="Cannot write"):
        create_recorder(relay, Path("/proc/cassettes"))


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("cassette", "2", "its format is 2"),
        ("request", "null", "damaged"),
        ("request", '{"method": "GET"}', "it has no 'path'"),
        ("response", '{"status": 99, "headers": [], "body": null}', "99 is no status"),
        (
            "response",
            '{"status": 200, "headers": [], "body": {"file": "gone.pcm"}}',
            r"gone\.pcm beside it is missing",
        ),
        (
            "response",
            '{"status": 200, "headers": [], "body": {"file": "../gone.pcm"}}',
            "is no name of a file",
        ),
        ("response", '{"status": 200, "headers": [], "body": {"json": 1, "style": "x"}}', "damaged"),
        (
            "socket",
            '{"messages": [{"from": "nobody"}], "close": {"from": "client"}}',
            "neither from the client",
        ),
    ],
)
def test_a_damaged_cassette_is_named(name: str, text: str, problem: str, tmp_path: Path) -> None:
    with recording(tmp_path) as url:
        httpx.get(f"{url}/voices")
    path = tmp_path / "0001-get-voices.json"
    document = json.loads(path.read_text("utf-8")) | {name: json.loads(text)}
    path.write_text(json.dumps(document), "utf-8")

    with pytest.raises(UsageError, match=problem) as caught:
        create_player(tmp_path)

    assert "0001-get-voices.json" in str(caught.value)


def test_a_cassette_that_was_cut_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001-get-voices.json").write_text('{"cassette": 1, "requ', "utf-8")

    with pytest.raises(UsageError, match=r"0001-get-voices\.json is damaged"):
        create_player(tmp_path)


def test_a_cassette_may_be_changed_by_hand(tmp_path: Path) -> None:
    with recording(tmp_path) as url:
        pieces_of(url, "/tts/sse", BODY)
    path = tmp_path / "0001-post-tts-sse.json"
    document = json.loads(path.read_text("utf-8"))
    document["response"]["body"] = {"text": ["event: done\n", 'data: {"type":"done"}\n', "\n"]}
    path.write_text(json.dumps(document, indent=4), "utf-8")

    with replaying(tmp_path) as url:
        assert httpx.post(f"{url}/tts/sse", json=BODY).text == 'event: done\ndata: {"type":"done"}\n\n'
