import base64
import json
import re
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from cartesia_cli import __version__
from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    RequestError,
    UnavailableError,
    UsageError,
)
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Container,
    Encoding,
    SpeechEvent,
    SpeechRequest,
    WordTimings,
)
from tests.fakes.scripted import (
    CLOSE,
    HANG,
    RESET,
    Answer,
    Gate,
    Pause,
    Request,
    Scripted,
    Step,
    bytewise,
    chunked,
    response,
    sse,
)

WIRE = Path(__file__).parents[1] / "wire"
KEY = "sk_car_0123456789abcdef"
PCM = AudioFormat(Encoding.PCM_S16LE, 24_000)
REQUEST = SpeechRequest("Good day.", "db6b0ed5", PCM)
TIMED = SpeechRequest("Good day.", "db6b0ed5", PCM, word_timestamps=True)
SPEECH = (WIRE / "speech.sse").read_bytes()
QUICK = Timeouts(connect=2.0, first_byte=0.3, stall=0.15)


def client(server: Scripted, **changes: Any) -> Client:
    options: dict[str, Any] = {"base_url": server.url, "sleep": lambda _: None, "jitter": lambda: 0.0}
    return Client(KEY, **{**options, **changes})


def audio(events: list[SpeechEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, AudioChunk))


def frame(pcm: bytes) -> bytes:
    data = {"type": "chunk", "data": base64.b64encode(pcm).decode(), "done": False, "status_code": 206}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def failure(server: Scripted, request: SpeechRequest = REQUEST, **changes: Any) -> CartesiaError:
    """How the request failed, and that it did."""
    with client(server, **changes) as api, pytest.raises(CartesiaError) as caught:
        list(api.synthesize(request))
    return caught.value


# ---- what is sent


def test_bytes_are_asked_for_as_documented() -> None:
    with Scripted(chunked(b"ab", b"cd")) as server, client(server) as api:
        assert audio(list(api.synthesize(REQUEST))) == b"abcd"

    sent = server.requests[0]
    assert (sent.method, sent.target) == ("POST", "/tts/bytes")
    assert {name.lower(): value for name, value in sent.headers} == {
        "host": f"127.0.0.1:{server.port}",
        "connection": "keep-alive",
        "authorization": f"Bearer {KEY}",
        "cartesia-version": "2026-08-14",
        "user-agent": f"cartesia-cli/{__version__}",
        "accept": "audio/wav",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(sent.body)),
    }
    assert sent.json()["transcript"] == "Good day."


def test_timings_are_asked_for_as_events() -> None:
    with Scripted(sse(SPEECH)) as server, client(server) as api:
        events = list(api.synthesize(TIMED))

    assert server.requests[0].target == "/tts/sse"
    assert server.requests[0].header("accept") == "text/event-stream"
    assert server.requests[0].json()["add_timestamps"] is True
    assert audio(events) == b"\0\0\1\0\xff\xff\1\0\2\0"
    assert [len(event.words) for event in events if isinstance(event, WordTimings)] == [2]


def test_the_caller_may_choose_events_without_timings() -> None:
    with Scripted(sse(SPEECH)) as server, client(server) as api:
        list(api.synthesize(REQUEST, transport="sse"))

    assert server.requests[0].target == "/tts/sse"


def test_a_base_url_keeps_its_path_and_a_missing_key_is_not_sent() -> None:
    with Scripted(chunked(b"ab")) as server, Client(None, base_url=f"{server.url}/cartesia/v9/") as api:
        list(api.synthesize(REQUEST))

    assert server.requests[0].target == "/cartesia/v9/tts/bytes"
    assert server.requests[0].header("authorization") is None


def test_headers_of_the_user_win() -> None:
    headers = {"X-Team": "radio", "cartesia-version": "2025-11-04"}
    with Scripted(chunked(b"ab")) as server, client(server, headers=headers) as api:
        list(api.synthesize(REQUEST))

    assert server.requests[0].header("x-team") == "radio"
    assert [value for name, value in server.requests[0].headers if name.lower() == "cartesia-version"] == [
        "2025-11-04"
    ]


def test_ten_megabytes_of_text_arrive() -> None:
    request = SpeechRequest("ä" * 5_000_000, "v", PCM)
    with Scripted(chunked(b"ab")) as server, client(server) as api:
        list(api.synthesize(request))

    assert server.requests[0].json()["transcript"] == request.transcript


def test_one_connection_serves_one_request_after_the_other() -> None:
    answers: list[Answer] = [
        chunked(b"ab"),
        sse(SPEECH),
        response(429),
        sse(SPEECH),
        response(body=b'{"data":[]}'),
    ]
    with Scripted(*answers) as server, client(server) as api:
        list(api.synthesize(REQUEST))
        list(api.synthesize(TIMED))
        list(api.synthesize(TIMED))
        assert list(api.voices()) == []

    assert len(server.requests) == 5
    assert server.connections == 1


# ---- what arrives, however it is cut

RAW = bytes(range(256)) * 2


@pytest.mark.parametrize(
    "answer",
    [
        bytewise(chunked(RAW, content_type="audio/pcm")),
        bytewise(response(200, RAW, content_type="audio/pcm")),
        bytewise(response(200, RAW, content_type="", length=False)),
        chunked(*(RAW[i : i + 1] for i in range(len(RAW)))),
        [b"HTTP/1.0 200 OK\r\n\r\n" + RAW, CLOSE],
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", *chunked(RAW)],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Odd: \xe4\r\n\r\n200;ext=1\r\n"
            + RAW
            + b"\r\n0\r\nT: x\r\n\r\n"
        ],
    ],
    ids=["chunked", "length", "until-close", "small-chunks", "http-1.0", "informational", "extensions"],
)
def test_audio_is_sample_exact(answer: Answer) -> None:
    with Scripted(answer) as server, client(server) as api:
        assert audio(list(api.synthesize(REQUEST))) == RAW


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_are_the_same_at_every_cut(end: bytes) -> None:
    with Scripted(bytewise(sse(SPEECH.replace(b"\n", end)))) as server, client(server) as api:
        assert audio(list(api.synthesize(TIMED))) == b"\0\0\1\0\xff\xff\1\0\2\0"


def test_a_sample_may_be_split_between_chunks() -> None:
    frames = (
        b"".join(frame(RAW[i : i + 3]) for i in range(0, len(RAW), 3))
        + SPEECH[SPEECH.index(b"event: done") :]
    )
    with Scripted(sse(frames)) as server, client(server) as api:
        assert audio(list(api.synthesize(TIMED))) == RAW


def test_audio_is_handed_on_while_more_is_coming() -> None:
    gate = Gate()
    with Scripted(chunked(b"abcd", gate, b"efgh")) as server, client(server) as api:
        events = api.synthesize(REQUEST)
        assert next(events) == AudioChunk(b"abcd")
        assert gate.reached.wait(5)
        gate.open()
        assert audio(list(events)) == b"efgh"


def test_closing_the_iterator_ends_the_request() -> None:
    with Scripted(chunked(b"abcd", HANG)) as server, client(server) as api:
        events = api.synthesize(REQUEST)
        next(events)
        events.close()  # a generator, as the engines promise
        server.wait_for_disconnections(1)


def test_what_a_server_sends_after_done_does_not_matter() -> None:
    with (
        Scripted([*sse(SPEECH, end=False), b"5\r\n\xff\xff\xff\xff\xff\r\n", HANG]) as server,
        client(server) as api,
    ):
        assert audio(list(api.synthesize(TIMED))) == b"\0\0\1\0\xff\xff\1\0\2\0"


# ---- answers that are no speech


@pytest.mark.parametrize(
    ("answer", "request_", "text"),
    [
        (
            response(200, b"<html>", content_type="text/html"),
            REQUEST,
            "not with audio: its content type is text/html",
        ),
        (response(200, b"{}"), REQUEST, "not with audio: its content type is application/json"),
        (
            response(200, b"{}", content_type="Application/JSON; charset=utf-8"),
            TIMED,
            "not with an event stream",
        ),
        (response(200), TIMED, "not with an event stream"),
        (response(200, content_type="audio/wav"), REQUEST, "without any audio"),
        (chunked(), REQUEST, "without any audio"),
        (response(204, content_type=""), REQUEST, "without any audio"),
        (chunked(b"abc"), REQUEST, "in the middle of a sample"),
        (sse(frame(b"abc"), SPEECH[SPEECH.index(b"event: done") :]), TIMED, "in the middle of a sample"),
        (sse((WIRE / "cut.sse").read_bytes()), TIMED, "before it was done"),
        (sse(), TIMED, "before it was done"),
        (sse(b"data: {oops\n\n"), TIMED, "cannot be read"),
        (chunked(b"x\x9c", headers=[("Content-Encoding", "gzip")]), REQUEST, "compressed as gzip"),
    ],
)
def test_an_answer_that_is_no_speech_is_not_taken_for_it(
    answer: Answer, request_: SpeechRequest, text: str
) -> None:
    with Scripted(answer) as server:
        error = failure(server, request_)

    assert type(error) is UnavailableError
    assert text in str(error)
    assert len(server.requests) == 1


def test_a_container_may_have_any_length() -> None:
    request = SpeechRequest("Hi.", "v", AudioFormat(container=Container.MP3))
    with Scripted(chunked(b"abc")) as server, client(server) as api:
        assert audio(list(api.synthesize(request))) == b"abc"


def test_an_error_event_comes_after_what_was_said_before_it() -> None:
    with Scripted(sse((WIRE / "error.sse").read_bytes())) as server, client(server) as api:
        events = api.synthesize(TIMED)
        assert next(events) == AudioChunk(b"\0\1\2\3")
        with pytest.raises(LimitError, match="Too many requests at once"):
            next(events)
    assert len(server.requests) == 1


# ---- what breaks


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ([CLOSE], "closed the connection without an answer"),
        ([RESET], "closed the connection without an answer"),
        ([b"SSH-2.0-OpenSSH_9.9\r\n", CLOSE], "does not answer in HTTP"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", CLOSE], "does not answer in HTTP"),
        ([HANG], "did not answer within 0.3 s"),
        ([b"HTTP/1.1 200 OK\r\n", HANG], "did not answer within 0.3 s"),
        (chunked(HANG), "did not answer within 0.3 s"),
        ([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", Pause(0.1)] * 9, HANG], "did not answer within 0.3 s"),
        (chunked(CLOSE), "closed the connection without an answer"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CLOSE], "closed the connection without an answer"),
    ],
)
def test_a_breakdown_before_the_first_byte_is_tried_again(answer: Answer, text: str) -> None:
    with Scripted(answer) as server:
        error = failure(server, timeouts=QUICK, retries=1)
        assert text in str(error)
        assert isinstance(error, UnavailableError)
        assert error.hint
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (chunked(b"abcd", CLOSE), "broke off in the middle of the answer"),
        (chunked(b"abcd", Pause(0.05), RESET), "broke off in the middle of the answer"),
        (
            [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd", CLOSE],
            "broke off in the middle of the answer",
        ),
        ([*chunked(b"abcd", end=False), b"zz\r\n"], "broke off in the middle of the answer"),
        (
            [*chunked(b"abcd", end=False), b"-2\r\nab\r\n0\r\n\r\n", CLOSE],
            "broke off in the middle of the answer",
        ),
        (chunked(b"abcd", HANG), "fell silent for 0.15 s in the middle of its answer"),
    ],
)
def test_a_breakdown_in_the_middle_is_an_error_and_not_tried_again(answer: Answer, text: str) -> None:
    with Scripted(answer) as server, client(server, timeouts=QUICK) as api:
        events = api.synthesize(REQUEST)
        assert next(events) == AudioChunk(b"abcd")
        with pytest.raises(UnavailableError, match=text):
            list(events)

    assert len(server.requests) == 1


def test_waiting_for_the_first_byte_is_not_silence_and_a_long_answer_is_not_late() -> None:
    slow = [step for _ in range(8) for step in (b"ab", Pause(0.08))]
    with Scripted(chunked(Pause(0.25), *slow)) as server, client(server, timeouts=QUICK) as api:
        assert audio(list(api.synthesize(REQUEST))) == b"ab" * 8  # 0.9 s in all


def test_patience_comes_back_with_the_next_request_on_a_connection() -> None:
    answers = chunked(b"ab"), [Pause(0.22), *chunked(b"cd")]
    with Scripted(*answers) as server, client(server, timeouts=QUICK) as api:
        list(api.synthesize(REQUEST))
        assert audio(list(api.synthesize(REQUEST))) == b"cd"
        assert server.connections == 1


def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    with Scripted([*chunked(b"ab"), CLOSE], chunked(b"cd")) as server, client(server, retries=0) as api:
        list(api.synthesize(REQUEST))
        server.wait_for_disconnections(1)
        assert audio(list(api.synthesize(REQUEST))) == b"cd"
        assert server.connections == 2


def test_an_answer_given_before_all_was_sent_is_heard() -> None:
    def refuse_early() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo long")
            connection.shutdown(1)
            while connection.recv(2**20):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse_early)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(KEY, base_url=url, retries=0) as api, pytest.raises(RequestError, match="too long"):
            list(api.synthesize(SpeechRequest("x" * 3_000_000, "v", PCM)))
        thread.join()


def test_nobody_at_the_address_is_said_so() -> None:
    with Scripted() as server:
        pass
    waits: list[float] = []

    error = failure(server, sleep=waits.append)

    assert str(error) == f"127.0.0.1:{server.port} refuses the connection."
    assert error.hint is not None
    assert "--base-url" in error.hint
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.invalid"])
def test_a_name_that_nobody_has_is_said_so(host: str) -> None:
    with Client(KEY, base_url=f"http://{host}", retries=0) as api, pytest.raises(UnavailableError) as caught:
        list(api.synthesize(REQUEST))

    assert host in str(caught.value)


# ---- errors and retries


@pytest.mark.parametrize(
    ("status", "kind", "attempts"),
    [
        (400, RequestError, 1),
        (401, CredentialsError, 1),
        (402, LimitError, 1),
        (403, CredentialsError, 1),
        (404, RequestError, 1),
        (408, UnavailableError, 3),
        (409, RequestError, 3),
        (429, LimitError, 3),
        (500, UnavailableError, 3),
        (503, UnavailableError, 3),
    ],
)
def test_statuses_become_errors_and_some_are_tried_again(
    status: int, kind: type[CartesiaError], attempts: int
) -> None:
    body = (WIRE / "error.json").read_bytes()
    with Scripted(response(status, body)) as server:
        error = failure(server)

    assert type(error) is kind
    assert (str(error), error.code) == ("Voice not found: No voice has the ID you sent.", "voice_not_found")
    assert len(server.requests) == attempts


def test_a_retry_succeeds_is_counted_and_waits_as_it_was_told() -> None:
    waits: list[float] = []
    answers: list[Answer] = [
        response(429, headers=[("Retry-After", "7")]),
        response(503, headers=[("retry-after-ms", "250")]),
        [RESET],
        response(500, headers=[("Retry-After", "3600")]),
        chunked(b"ab"),
    ]
    with Scripted(*answers) as server, client(server, retries=4, sleep=waits.append) as api:
        assert audio(list(api.synthesize(REQUEST))) == b"ab"
        assert (api.traffic.requests, api.traffic.retries) == (1, 4)

    assert waits == [7, 0.25, 2.0, 4.0]


def test_the_server_may_forbid_or_ask_for_a_retry() -> None:
    forbidden = response(429, headers=[("X-Should-Retry", "false")])
    asked = response(400, headers=[("X-Should-Retry", "true")])
    with Scripted(forbidden, asked, chunked(b"ab")) as server:
        failure(server)
        assert len(server.requests) == 1
        with client(server) as api:
            assert audio(list(api.synthesize(REQUEST))) == b"ab"
        assert len(server.requests) == 3


def test_no_retries_are_none() -> None:
    with Scripted(response(500)) as server:
        failure(server, retries=0)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 503 Busy\r\nContent-Length: 900\r\nX-Request-ID: r-1\r\n\r\nnot all", CLOSE],
        [
            b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nX-Request-ID: r-1\r\n\r\n",
            *bytewise([b"9\r\nnot"]),
            RESET,
        ],
    ],
)
def test_an_error_that_breaks_off_is_still_that_error(answer: Answer) -> None:
    with Scripted(answer) as server:
        error = failure(server, retries=0, timeouts=QUICK)

    assert str(error).startswith("HTTP 503 Service Unavailable")
    assert error.request_id == "r-1"


def test_an_endless_error_is_read_to_a_limit() -> None:
    flood: list[Step] = [b"HTTP/1.1 500 Oh\r\n\r\n", *([b"x" * 65536] * 100), HANG]
    with Scripted(flood) as server:
        assert len(str(failure(server, retries=0))) < 700


# ---- where redirects lead


def test_a_post_is_sent_again_where_307_leads() -> None:
    moved = response(307, headers=[("Location", "/new/tts/bytes?a=b")])
    with Scripted(moved, chunked(b"ab")) as server, client(server) as api:
        assert audio(list(api.synthesize(REQUEST))) == b"ab"

    first, second = server.requests
    assert (second.method, second.target, second.body) == ("POST", "/new/tts/bytes?a=b", first.body)
    assert second.header("authorization") == f"Bearer {KEY}"
    assert second.header("content-type") == "application/json"


@pytest.mark.parametrize("status", [307, 308])
def test_another_server_sees_neither_key_nor_headers(status: int) -> None:
    with Scripted(chunked(b"ab")) as other:
        moved = response(status, headers=[("Location", f"{other.url}/tts/bytes")])
        with Scripted(moved) as server, client(server, headers={"X-Team": "radio"}) as api:
            assert audio(list(api.synthesize(REQUEST))) == b"ab"

    sent = other.requests[0]
    assert sent.header("authorization") is None
    assert sent.header("x-team") is None
    assert KEY not in str(sent.headers)
    assert sent.header("cartesia-version") == "2026-08-14"


def test_the_key_comes_back_with_the_way_back() -> None:
    away: list[str] = []

    def at_home(request: Request) -> list[Step]:
        return (
            chunked(b"ab") if request.target == "/final" else response(307, headers=[("Location", away[0])])
        )

    with (
        Scripted(at_home) as home,
        Scripted(response(307, headers=[("Location", f"{home.url}/final")])) as other,
    ):
        away.append(f"{other.url}/away")
        with client(home) as api:
            list(api.synthesize(REQUEST))

    assert other.requests[0].header("authorization") is None
    assert home.requests[1].header("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_never_becomes_a_get(status: int) -> None:
    with Scripted(response(status, headers=[("Location", "https://new.example/tts/bytes")])) as server:
        error = failure(server)

    assert isinstance(error, UnavailableError)
    assert "moved to https://new.example/tts/bytes" in str(error)
    assert len(server.requests) == 1


def test_a_get_follows_every_redirect() -> None:
    answers = [response(status, headers=[("Location", f"/{status}")]) for status in (301, 302, 303, 307, 308)]
    with Scripted(*answers, response(body=b"[]")) as server, client(server) as api:
        assert list(api.voices()) == []

    assert [sent.target for sent in server.requests[1:]] == ["/301", "/302", "/303", "/307", "/308"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Location", "/tts/bytes")],
        [("Location", "file:///etc/passwd")],
        [("Location", "http://[bad")],
        [("Location", "http://user:pass@127.0.0.1/x")],
        [("Location", "http://")],
        [("Location", "http://x:99999/")],
    ],
)
def test_a_redirect_to_nowhere_or_in_a_circle_ends(headers: list[tuple[str, str]]) -> None:
    with Scripted(response(307, headers=headers)) as server:
        error = failure(server, retries=0)

    assert isinstance(error, UnavailableError)
    assert len(server.requests) in {1, 11}


# ---- what never leaks


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(
            {"title": f"Bad {KEY}", "message": f"The key {KEY} is bad", "error_code": KEY, "request_id": KEY}
        ),
        f"The key {KEY} is bad",
        "x" * 480 + KEY,
        "The header Bearer " + KEY,
    ],
)
def test_the_key_is_never_shown_even_if_the_server_sends_it_back(body: str) -> None:
    with Scripted(response(401, body.encode())) as server:
        error = failure(server)

    shown = f"{error} {error.hint} {error.title} {error.code} {error.request_id}"
    assert KEY[:8] not in shown
    assert "***" in shown


def test_a_secret_header_is_not_shown_either() -> None:
    with Scripted(response(400, b"bad token hunter2hunter2")) as server:
        error = failure(server, headers={"X-Proxy-Token": "hunter2hunter2"})

    assert str(error) == "HTTP 400 Bad Request: bad token ***"


def test_the_key_is_not_shown_in_an_error_of_a_stream() -> None:
    event = json.dumps({"type": "error", "status_code": 401, "title": "No", "message": f"{KEY} is bad"})
    with Scripted(sse(f"data: {event}\n\n".encode())) as server:
        assert str(failure(server, TIMED)) == "No: *** is bad"


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "a\0b", "schlüssel", "a\r\nX-Evil: 1"])
def test_a_key_that_cannot_be_sent_is_refused_unseen(key: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Client(key, base_url="http://127.0.0.1:1")

    assert key.strip() == "" or key not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"": "x"},
        {"A B": "x"},
        {"X\r\nY": "x"},
        {"X": "a\r\nY: b"},
        {"X": "ä"},
        {"Content-Length": "3"},
        {"Transfer-Encoding": "x"},
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"header"):
        Client(KEY, base_url="http://127.0.0.1:1", headers=headers)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.cartesia.ai",
        "ftp://x",
        "http://",
        "http://[::1",
        "http://x:0",
        "http://x:70000",
        "http://a b",
        "wss://x",
        "http://user:secret@x",
        "http://x/?a=b",
        "http://x/#y",
        "http://x\ny",
    ],
)
def test_a_base_url_that_is_none_is_refused(base_url: str) -> None:
    with pytest.raises(UsageError, match="base URL") as caught:
        Client(KEY, base_url=base_url)

    assert "secret" not in str(caught.value)


def test_a_text_that_is_not_unicode_is_refused_before_anything_is_sent() -> None:
    with Scripted() as server:
        error = failure(server, SpeechRequest("a\udce4", "v", PCM))

    assert isinstance(error, UsageError)
    assert server.requests == []


def test_an_mp3_cannot_come_as_events() -> None:
    with Scripted() as server, client(server) as api, pytest.raises(UsageError):
        list(api.synthesize(SpeechRequest("a", "v", AudioFormat(container=Container.MP3)), transport="sse"))


# ---- what the log says


def test_the_log_tells_each_attempt_and_nothing_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "cartesia_cli")
    refused = response(429, f"too many for {KEY}".encode())
    moved = response(307, headers=[("Location", f"/{KEY}?token={KEY}")])
    with Scripted(refused, [CLOSE], moved, chunked(b"ab")) as server, client(server) as api:
        list(api.synthesize(REQUEST))

    lines = [record.getMessage() for record in caplog.records if record.name == "cartesia_cli"]
    shown = [re.sub(r"\d+\.\d{3} s$", "T s", line.replace(server.url, "URL")) for line in lines]
    assert shown == [
        "POST URL/tts/bytes: 429, T s",
        "again in 0.50 s: HTTP 429 Too Many Requests: too many for ***",
        "POST URL/tts/bytes: no answer, T s",
        f"again in 1.00 s: 127.0.0.1:{server.port} closed the connection without an answer.",
        "POST URL/tts/bytes: 307, T s",
        "POST URL/***: 200, T s",
    ]


# ---- more than one at a time


def test_threads_share_a_client() -> None:
    def answer(request: Request) -> list[Step]:
        return chunked(request.json()["transcript"].encode() * 1000)

    spoken: dict[int, bytes] = {}

    def speak(api: Client, number: int) -> None:
        text = f"{number:04}"
        spoken[number] = audio(list(api.synthesize(SpeechRequest(text, "v", PCM))))

    with Scripted(answer) as server, client(server) as api:
        threads = [threading.Thread(target=speak, args=(api, number)) for number in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert api.traffic.requests == 24

    assert spoken == {number: f"{number:04}".encode() * 1000 for number in range(24)}
