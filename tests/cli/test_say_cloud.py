"""The program and the API: requests, exact samples, retries, timeouts, broken answers."""

import json
import shutil
import signal
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.cli.cloud import (
    DEFAULT_VOICE,
    DONE,
    Cloud,
    by_part,
    chunk,
    cut,
    error,
    error_event,
    frame,
    frames_for,
    pcm,
    timestamps,
)
from tests.cli.conftest import Say
from tests.cli.program import KEY, Program, assert_failure, wait_until
from tests.fakes.scripted import (
    CLOSE,
    HANG,
    RESET,
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

TEXT = "Hi you."
SOUND = pcm(TEXT)
VOICE = "e07c00bc-4134-4eae-9ea4-1a55fb45746b"


def voice_of(body: dict[str, Any]) -> Any:
    """Return the voice's ID; the API takes it plain or in an object."""
    return body["voice"]["id"] if isinstance(body["voice"], dict) else body["voice"]


# What is asked


def test_the_request_is_as_documented(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    request = cloud.requests[0]
    assert (request.method, request.target) == ("POST", "/tts/bytes")
    assert request.header("authorization") == f"Bearer {KEY}"
    assert request.header("cartesia-version") == "2026-08-14"
    assert request.header("content-type") == "application/json"
    assert "cartesia" in (request.header("user-agent") or "").lower()
    body = request.json()
    assert body["transcript"] == TEXT
    assert body["model_id"] == "sonic-latest"
    assert body["language"] == "en"
    assert voice_of(body) == DEFAULT_VOICE
    assert body["output_format"] == {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44100}


ASKED: dict[str, tuple[list[str], Callable[[dict[str, Any]], object], object]] = {
    "voice": (["-v", VOICE], voice_of, VOICE),
    "model": (["-m", "sonic-3"], lambda b: b["model_id"], "sonic-3"),
    "language": (["-l", "de"], lambda b: b["language"], "de"),
    "locale instead of language": (
        ["--locale", "en-GB"],
        lambda b: (b["locale"], b.get("language")),
        ("en-GB", None),
    ),
    "speed as a number": (["--speed", "1.2"], lambda b: b["generation_config"]["speed"], 1.2),
    "speed as a word": (["--speed", "slow"], lambda b: b["speed"], "slow"),
    "volume": (["--volume", "0.5"], lambda b: b["generation_config"]["volume"], 0.5),
    "emotion": (["--emotion", "happy"], lambda b: b["generation_config"]["emotion"], "happy"),
    "dictionary": (["--dict", "pd_1"], lambda b: b["pronunciation_dict_id"], "pd_1"),
    "normalization": (["--normalization", "off"], lambda b: b["normalization"], "off"),
    "context over SSE": (["--context-id", "job-1", "--transport", "sse"], lambda b: b["context_id"], "job-1"),
    "encoding and rate": (
        ["--encoding", "pcm_s16le", "-r", "16000"],
        lambda b: (b["output_format"]["encoding"], b["output_format"]["sample_rate"]),
        ("pcm_s16le", 16000),
    ),
}


@pytest.mark.parametrize(("options", "read", "expected"), ASKED.values(), ids=ASKED)
def test_an_option_reaches_the_api(
    say: Say, cloud: Cloud, options: list[str], read: Callable[[dict[str, Any]], object], expected: object
) -> None:
    result = say(TEXT, "-o", "a.pcm", *options)

    assert result.status == 0
    assert result.stderr == ""
    assert read(cloud.spoken[0]) == expected


def test_what_was_not_asked_for_is_not_sent(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    assert None not in cloud.spoken[0].values()
    assert cloud.spoken[0].keys() <= {"model_id", "transcript", "voice", "output_format", "language"}


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("CARTESIA_VOICE", VOICE, voice_of),
        ("CARTESIA_MODEL", "sonic-3", lambda b: b["model_id"]),
        ("CARTESIA_LANGUAGE", "fr", lambda b: b["language"]),
    ],
)
def test_a_variable_reaches_the_api_and_an_option_wins(
    say: Say, cloud: Cloud, variable: str, value: str, read: Callable[[dict[str, Any]], object]
) -> None:
    option = {"CARTESIA_VOICE": "-v", "CARTESIA_MODEL": "-m", "CARTESIA_LANGUAGE": "-l"}[variable]
    other = {"-v": DEFAULT_VOICE, "-m": "sonic-2", "-l": "es"}[option]

    assert say(TEXT, "-o", "a.pcm", env={variable: value}).status == 0
    assert say(TEXT, "-o", "a.pcm", option, other, env={variable: value}).status == 0
    assert say(TEXT, "-o", "a.pcm", env={variable: ""}).status == 0

    defaults = {"-v": DEFAULT_VOICE, "-m": "sonic-latest", "-l": "en"}
    assert [read(body) for body in cloud.spoken] == [value, other, defaults[option]]


OUT_OF_RANGE = [
    ["--speed", "0.5"],
    ["--speed", "1.6"],
    ["--speed", "brisk"],
    ["--speed", "nan"],
    ["--volume", "0.4"],
    ["--volume", "2.1"],
    ["--timeout", "0"],
    ["--timeout", "-1"],
    ["--retries", "-1"],
    ["--transport", "carrier-pigeon"],
    ["--engine", "steam"],
    ["--no-such-option"],
    ["--api-key", "k"],
]


@pytest.mark.parametrize("options", OUT_OF_RANGE, ids=" ".join)
def test_a_value_out_of_range_is_refused(say: Say, cloud: Cloud, options: list[str]) -> None:
    result = say(TEXT, "-o", "a.pcm", *options)

    assert_failure(result, 2, options[0])
    assert cloud.requests == []


def test_a_base_url_may_carry_a_path(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm", env={"CARTESIA_BASE_URL": f"{cloud.url}/tts/"})

    assert result.status != 2
    assert cloud.requests[0].target == "/tts/tts/bytes"


def test_the_option_for_the_base_url_wins(run: Program, cloud: Cloud) -> None:
    env = cloud.env | {"CARTESIA_BASE_URL": "http://127.0.0.1:9"}

    result = run("say", TEXT, "-o", "a.pcm", "--base-url", cloud.url, env=env)

    assert result.status == 0


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "nonsense"])
def test_a_base_url_that_is_none_is_refused(run: Program, url: str) -> None:
    result = run("say", TEXT, "-o", "a.pcm", "--base-url", url, env={"CARTESIA_API_KEY": KEY})

    assert_failure(result, 2)


def test_custom_headers_are_sent(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm", env={"CARTESIA_CUSTOM_HEADERS": "X-One: 1\nX-Two: zwei drei"})

    assert result.status == 0
    assert cloud.requests[0].header("x-one") == "1"
    assert cloud.requests[0].header("x-two") == "zwei drei"


def test_a_proxy_is_used_and_no_proxy_goes_around_it(run: Program, cloud: Cloud) -> None:
    with Scripted(error(418)) as proxy:
        env = {"CARTESIA_BASE_URL": "http://api.example", "CARTESIA_API_KEY": KEY, "HTTP_PROXY": proxy.url}

        through = run("say", TEXT, "-o", "a.pcm", env=env)
        around = run(
            "say", TEXT, "-o", "a.pcm", env=cloud.env | {"HTTP_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}
        )

        assert through.status == 5
        assert around.status == 0
        assert [r.target for r in proxy.requests] == ["http://api.example/tts/bytes"]


# Exact samples, however the answer arrives


@pytest.mark.parametrize("transport", ["bytes", "sse"])
def test_samples_are_exact_when_every_byte_arrives_alone(
    say: Say, cloud: Cloud, folder: Path, transport: str
) -> None:
    text = "Hi."
    body = {"transcript": text, "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000}}
    steps = chunked(pcm(text, "pcm_s16le", 8000)) if transport == "bytes" else sse(*frames_for(body))
    cloud.always(bytewise(steps))

    result = say(text, "-o", "a.pcm", "--encoding", "pcm_s16le", "-r", "8000", "--transport", transport)

    assert result.status == 0
    assert (folder / "a.pcm").read_bytes() == pcm(text, "pcm_s16le", 8000)


@pytest.mark.parametrize("transport", ["bytes", "sse"])
def test_samples_are_exact_wherever_the_answer_is_cut(
    say: Say, cloud: Cloud, folder: Path, transport: str
) -> None:
    """Each part of a long text gets the same answer, cut in two one byte later than the last."""
    data = SOUND[400:440]
    whole = chunked(data) if transport == "bytes" else sse(chunk(data[:10]), chunk(data[10:]), DONE)
    n_bytes = sum(len(step) for step in whole if isinstance(step, bytes))
    cloud.next(*[[*cut_with_pause(whole, at)] for at in range(1, n_bytes)])
    sentence = "a" * 2900 + ". "

    result = say(
        "-o", "a.pcm", "--transport", transport, stdin=(sentence * (n_bytes - 1)).encode(), timeout=60
    )

    assert result.status == 0
    assert len(cloud.spoken) == n_bytes - 1
    assert (folder / "a.pcm").read_bytes() == data * (n_bytes - 1)


def cut_with_pause(steps: list[Step], at: int) -> list[Step]:
    """Return the bytes in two pieces that a client reads apart."""
    before, after = cut(steps, at)
    return [before, Pause(0.001), after]


DIALECTS: dict[str, Callable[[bytes], bytes]] = {
    "line feeds": lambda data: chunk(data) + DONE,
    "carriage returns and line feeds": lambda data: (chunk(data) + DONE).replace(b"\n", b"\r\n"),
    "carriage returns": lambda data: (chunk(data) + DONE).replace(b"\n", b"\r"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + chunk(data) + DONE,
    "comments": lambda data: b": hello\n\n" + chunk(data) + b":\n\n: ping\n\n" + DONE,
    "no event lines": lambda data: (
        (chunk(data) + DONE).replace(b"event: chunk\n", b"").replace(b"event: done\n", b"")
    ),
    "no space after the colon": lambda data: (chunk(data) + DONE).replace(b"data: ", b"data:"),
    "an id line": lambda data: b"id: 7\n" + chunk(data) + DONE,
    "an unknown event": lambda data: chunk(data) + frame({"type": "applause", "done": False}) + DONE,
    "an unknown key": lambda data: chunk(data).replace(b'"done"', b'"mood": {"x": [1]}, "done"') + DONE,
    "escaped slashes": lambda data: chunk(data).replace(b"/", b"\\/") + DONE,
    "no last blank line": lambda data: chunk(data) + DONE.rstrip(b"\n"),
    "events that split samples": lambda data: (
        b"".join(chunk(data[i : i + 3]) for i in range(0, len(data), 3)) + DONE
    ),
    "an event without sound": lambda data: chunk(b"") + chunk(data) + DONE,
}


@pytest.mark.parametrize("write", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_of_the_stream_is_read(
    say: Say, cloud: Cloud, folder: Path, write: Callable[[bytes], bytes]
) -> None:
    cloud.always(sse(write(SOUND)))

    result = say(TEXT, "-o", "a.pcm", "--transport", "sse")

    if result.status == 6:  # a last event that no blank line ends was never dispatched: no `done`
        assert write is DIALECTS["no last blank line"]
        return
    assert result.status == 0
    assert result.stderr == ""
    assert (folder / "a.pcm").read_bytes() == SOUND


# Errors, as HTTP answers and as events

STATUSES = {
    400: 5,
    401: 3,
    402: 4,
    403: 3,
    404: 5,
    408: 6,
    409: 5,
    413: 5,
    418: 5,
    422: 5,
    429: 4,
    500: 6,
    502: 6,
    503: 6,
    529: 6,
}


@pytest.mark.parametrize(("http", "status"), STATUSES.items())
def test_an_http_error_has_its_exit_status(
    say: Say, cloud: Cloud, folder: Path, http: int, status: int
) -> None:
    cloud.always(error(http))

    result = say(TEXT, "-o", "a.pcm", "--retries", "0")

    assert_failure(result, status, "The service says no.")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_an_error_event_has_the_exit_status_of_its_status_code(
    say: Say, cloud: Cloud, folder: Path, code: int, status: int
) -> None:
    cloud.always(sse(chunk(SOUND[:400]), error_event(code)))

    result = say(TEXT, "-o", "a.pcm", "--transport", "sse")

    assert_failure(result, status, "The service says no.")
    assert list(folder.iterdir()) == []


def test_an_error_event_of_the_older_style_is_understood(say: Say, cloud: Cloud) -> None:
    event = {"type": "error", "done": True, "status_code": 402, "error": "Payment needed: Add credits."}
    cloud.always(sse(frame(event)))

    result = say(TEXT, "-o", "a.pcm", "--transport", "sse")

    assert_failure(result, 4, "Add credits.")


BODIES = {
    "plain text": (b"Voice not found: No such voice.", "text/plain", ["No such voice."]),
    "nothing": (b"", "", ["404"]),
    "a page": (
        b"<html><head><title>404 Not here</title></head><body><h1>Proxy</h1></body></html>",
        "text/html",
        ["404"],
    ),
    "JSON of another kind": (b'["what"]', "application/json", ["404"]),
    "broken JSON": (b'{"message": "Hal', "application/json", []),
    "no UTF-8": (b"\xff\xfe\xfa", "text/plain", ["404"]),
    "a null code": (
        b'{"error_code": null, "title": "Gone", "message": "No such voice.", "request_id": "r-1"}',
        "application/json",
        ["No such voice."],
    ),
}


@pytest.mark.parametrize(("body", "content_type", "names"), BODIES.values(), ids=BODIES)
def test_every_kind_of_error_body_becomes_one_line(
    say: Say, cloud: Cloud, body: bytes, content_type: str, names: list[str]
) -> None:
    cloud.always(response(404, body, content_type=content_type))

    result = say(TEXT, "-o", "a.pcm")

    assert_failure(result, 5, *names)
    assert "<" not in result.lines[0]


def test_an_error_is_an_object_with_json(say: Say, cloud: Cloud) -> None:
    cloud.always(error(429))

    result = say(TEXT, "-o", "a.pcm", "--json", "--retries", "0")

    assert result.status == 4
    assert result.stdout == b""
    failure = json.loads(result.stderr)
    assert failure.keys() == {"error"}
    assert (
        failure["error"].items()
        >= {
            "status": 4,
            "code": "some_code",
            "title": "Refused",
            "message": "The service says no.",
            "request_id": "7d0f0000-0000-4000-8000-000000000000",
        }.items()
    )
    assert failure["error"].keys() <= {"status", "code", "title", "message", "request_id", "hint"}


@pytest.mark.parametrize(
    "options", [["-o", "a.pcm", "--json", "-r", "7"], ["--json", "-f", "nope"], ["--json"]], ids=" ".join
)
def test_a_usage_error_is_an_object_with_json_too(say: Say, options: list[str]) -> None:
    result = say(*options, *([] if "-f" in options else [TEXT]))

    assert result.status == 2
    assert json.loads(result.stderr)["error"]["status"] == 2


def test_control_characters_of_the_server_are_never_shown(say: Say, cloud: Cloud) -> None:
    evil = "Say \x1b]0;owned\x07 and \x1b[31mred\x1b[0m\r\nsecond\x9b1m\u202e."
    cloud.always(error(400, message=evil))
    plain = say(TEXT, "-o", "a.pcm", tty=["stderr"], env={"NO_COLOR": "1"})
    cloud.always(sse(error_event(400, message=evil)))
    streamed = say(TEXT, "-o", "a.pcm", "--transport", "sse")

    assert_failure(plain, 5, "owned")
    assert_failure(streamed, 5, "owned")


def test_a_key_that_the_server_repeats_is_not_shown(say: Say, cloud: Cloud) -> None:
    cloud.always(error(401, message=f"Bad key: {KEY} (Bearer {KEY})"))
    plain = say(TEXT, "-o", "a.pcm", "--verbose", "--verbose")
    as_json = say(TEXT, "-o", "a.pcm", "--json")
    cloud.always(sse(error_event(401, message=f"Bad key: {KEY}")))
    streamed = say(TEXT, "-o", "a.pcm", "--transport", "sse")

    assert {r.status for r in (plain, as_json, streamed)} == {3}


# Answers that cannot be used

UNUSABLE: dict[str, tuple[str, list[Step]]] = {
    "a body that ends before its length": (
        "bytes",
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + SOUND[:400], CLOSE],
    ),
    "a chunked body without its end": ("bytes", chunked(SOUND[:400], CLOSE, end=False)),
    "a reset in the middle": ("bytes", chunked(SOUND[:400], Pause(0.1), RESET, end=False)),
    "an empty body": ("bytes", response(content_type="audio/wav")),
    "a page where sound should be": (
        "bytes",
        response(body=b"<html>Log in</html>", content_type="text/html"),
    ),
    "JSON where sound should be": ("bytes", response(body=b'{"ok": true}')),
    "no content": ("bytes", response(204)),
    "an answer that is not HTTP": ("bytes", [b"220 mail.example ESMTP\r\n", CLOSE]),
    "a connection closed at once": ("bytes", [CLOSE]),
    "a redirect in a circle": ("bytes", response(307, headers=[("Location", "/tts/bytes")])),
    "a redirect to nowhere": ("bytes", response(307)),
    "a stream without done": ("sse", sse(chunk(SOUND))),
    "a stream cut in an event": ("sse", sse(chunk(SOUND), chunk(SOUND)[:60])),
    "a stream cut in the transfer": ("sse", sse(chunk(SOUND), CLOSE, end=False)),
    "a stream with nothing": ("sse", sse()),
    "a stream with done and no sound": ("sse", sse(DONE)),
    "bad base64": ("sse", sse(chunk(SOUND).replace(b'"data": "', b'"data": "%%%'), DONE)),
    "base64 of a wrong length": (
        "sse",
        sse(b'event: chunk\ndata: {"type": "chunk", "data": "AAAAA", "done": false}\n\n', DONE),
    ),
    "bad JSON": ("sse", sse(chunk(SOUND), b"event: chunk\ndata: {nonsense\n\n", DONE)),
    "JSON that is no object": ("sse", sse(chunk(SOUND), b"data: [1]\n\n", DONE)),
    "the sentinel of another API": ("sse", sse(chunk(SOUND), b"data: [DONE]\n\n")),
    "a chunk without data": ("sse", sse(frame({"type": "chunk", "done": False}), DONE)),
    "a page where events should be": ("sse", response(body=b"<html>Log in</html>", content_type="text/html")),
}


@pytest.mark.parametrize(("transport", "steps"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_answer_that_cannot_be_used_leaves_no_file(
    say: Say, cloud: Cloud, folder: Path, transport: str, steps: list[Step]
) -> None:
    cloud.always(steps)

    result = say(TEXT, "-o", "a.wav", "--transport", transport, "--retries", "0")

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


def test_timings_of_unequal_columns_are_an_unusable_answer(say: Say, cloud: Cloud, folder: Path) -> None:
    bad = {"words": ["Hi", "you."], "start": [0.0], "end": [0.1, 0.2]}
    cloud.always(sse(chunk(SOUND), frame({"type": "timestamps", "word_timestamps": bad}), DONE))

    result = say(TEXT, "-o", "a.wav", "--timings", "a.srt")

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


def test_nobody_listening_is_no_answer(run: Program, folder: Path) -> None:
    with Scripted() as gone:
        url = gone.url

    result = run(
        "say", TEXT, "-o", "a.wav", "--retries", "0", env={"CARTESIA_BASE_URL": url, "CARTESIA_API_KEY": KEY}
    )

    assert_failure(result, 6, "127.0.0.1")
    assert list(folder.iterdir()) == []


def test_a_host_without_an_address_is_no_answer(run: Program) -> None:
    env = {"CARTESIA_BASE_URL": "http://no-such-host.invalid", "CARTESIA_API_KEY": KEY}

    result = run("say", TEXT, "-o", "a.wav", "--retries", "0", env=env)

    assert_failure(result, 6, "no-such-host.invalid")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_is_checked_and_can_be_vouched_for(
    run: Program, cloud: Cloud, folder: Path, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        f" -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -out {certificate} -keyout {key}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with Scripted(cloud.answer, tls=context) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        stranger = run("say", TEXT, "-o", "a.pcm", "--retries", "0", env=env)
        n_requests = len(server.requests)
        vouched = run("say", TEXT, "-o", "b.pcm", env=env | {"SSL_CERT_FILE": str(certificate)})

    assert_failure(stranger, 6, "certificate")
    assert n_requests == 0
    assert vouched.status == 0
    assert (folder / "b.pcm").read_bytes() == SOUND


# Retries

TWICE = ["-o", "a.pcm", "--retries", "2"]
AT_ONCE = [("retry-after-ms", "1")]


@pytest.mark.parametrize("http", [408, 409, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_asked_again(say: Say, cloud: Cloud, folder: Path, http: int) -> None:
    cloud.next(error(http, headers=AT_ONCE), error(http, headers=AT_ONCE))

    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    assert len(cloud.spoken) == 3
    assert (folder / "a.pcm").read_bytes() == SOUND
    assert result.stderr == ""


@pytest.mark.parametrize("http", [400, 401, 402, 403, 404, 413, 422])
def test_a_lasting_failure_is_not_asked_again(say: Say, cloud: Cloud, http: int) -> None:
    cloud.next(error(http, headers=AT_ONCE))

    result = say(TEXT, *TWICE)

    assert result.status == STATUSES[http]
    assert len(cloud.spoken) == 1


@pytest.mark.parametrize(
    ("http", "advice", "n_requests"),
    [(500, "false", 1), (429, "false", 1), (400, "true", 2), (402, "true", 2)],
)
def test_the_servers_advice_on_retrying_wins(
    say: Say, cloud: Cloud, http: int, advice: str, n_requests: int
) -> None:
    cloud.next(error(http, headers=[("x-should-retry", advice), *AT_ONCE]))

    result = say(TEXT, *TWICE)

    assert len(cloud.spoken) == n_requests
    assert result.status == (0 if n_requests == 2 else STATUSES[http])


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_it_gives_up_after_the_retries(say: Say, cloud: Cloud, folder: Path, retries: int) -> None:
    cloud.always(error(503, headers=AT_ONCE))

    result = say(TEXT, "-o", "a.pcm", "--retries", retries)

    assert_failure(result, 6, "The service says no.")
    assert len(cloud.spoken) == retries + 1
    assert list(folder.iterdir()) == []


def test_two_retries_are_the_default(say: Say, cloud: Cloud) -> None:
    cloud.always(error(429, headers=AT_ONCE))

    result = say(TEXT, "-o", "a.pcm")

    assert_failure(result, 4)
    assert len(cloud.spoken) == 3


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ([("retry-after-ms", "700")], 0.7, 3),
        ([("retry-after-ms", "1"), ("retry-after", "30")], 0, 2),
        ([("retry-after", "1")], 1.0, 3),
        ([("retry-after", "0.8")], 0.8, 3),
        ([("retry-after", "61")], 0.375, 3),
        ([("retry-after", "-1")], 0.375, 3),
        ([("retry-after", "soon")], 0.375, 3),
        ([], 0.375, 3),
    ],
    ids=[
        "ms",
        "ms before seconds",
        "seconds",
        "parts of a second",
        "too long",
        "negative",
        "nonsense",
        "nothing",
    ],
)
def test_it_waits_as_long_as_the_server_says(
    say: Say, cloud: Cloud, headers: list[tuple[str, str]], least: float, most: float
) -> None:
    cloud.next(error(503, headers=headers))

    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    waited = cloud.times[1] - cloud.times[0]
    assert least <= waited <= most


@pytest.mark.parametrize(
    "steps",
    [[CLOSE], [RESET], [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE]],
    ids=["closed", "reset", "cut in the headers"],
)
def test_a_connection_lost_before_the_answer_is_asked_again(
    say: Say, cloud: Cloud, folder: Path, steps: list[Step]
) -> None:
    cloud.next(steps)

    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    assert len(cloud.spoken) == 2
    assert (folder / "a.pcm").read_bytes() == SOUND


def test_what_was_piped_already_is_not_asked_for_again(say: Say, cloud: Cloud) -> None:
    cloud.next(chunked(SOUND[:4000], Pause(0.1), CLOSE, end=False))

    result = say(TEXT, "-o", "-", "--format", "raw")

    assert result.status == 6
    assert result.stdout == SOUND[:4000]
    assert len(cloud.spoken) == 1


# Timeouts


def test_a_server_that_says_nothing_runs_into_the_timeout(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always([HANG])

    result = say(TEXT, "-o", "a.pcm", "--timeout", "0.4", "--retries", "0")

    assert_failure(result, 6)
    assert result.seconds >= 0.4
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("transport", ["bytes", "sse"])
def test_a_server_that_stalls_runs_into_the_timeout(
    say: Say, cloud: Cloud, folder: Path, transport: str
) -> None:
    cloud.always(chunked(SOUND[:400], HANG) if transport == "bytes" else sse(chunk(SOUND[:400]), HANG))

    result = say(TEXT, "-o", "a.pcm", "--timeout", "0.4", "--transport", transport)

    assert_failure(result, 6)
    assert result.seconds >= 0.4
    assert list(folder.iterdir()) == []


def test_an_answer_without_its_end_runs_into_the_timeout(say: Say, cloud: Cloud) -> None:
    """All the sound is there, but the event that says so never comes."""
    cloud.always(sse(chunk(SOUND), HANG))

    result = say(TEXT, "-o", "a.pcm", "--timeout", "0.4", "--transport", "sse")

    assert_failure(result, 6)


def test_the_timeout_does_not_bound_the_whole_stream(say: Say, cloud: Cloud, folder: Path) -> None:
    pieces: list[Step] = []
    for i in range(0, len(SOUND), 8000):
        pieces += [SOUND[i : i + 8000], Pause(0.2)]
    cloud.always(chunked(*pieces))

    result = say(TEXT, "-o", "a.pcm", "--timeout", "0.6")

    assert result.status == 0
    assert result.seconds > 1.2
    assert (folder / "a.pcm").read_bytes() == SOUND


def test_the_end_of_the_stream_is_not_waited_for_after_done(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(sse(chunk(SOUND), DONE, HANG))

    result = say(TEXT, "-o", "a.pcm", "--transport", "sse", "--timeout", "5")

    assert result.status == 0
    assert result.seconds < 4
    assert (folder / "a.pcm").read_bytes() == SOUND


# Redirects


def test_a_redirect_within_the_host_is_followed(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.next(response(307, headers=[("Location", "/tts/bytes?again=1")]))

    result = say(TEXT, "-o", "a.pcm")

    assert result.status == 0
    assert [r.method for r in cloud.requests] == ["POST", "POST"]
    assert cloud.requests[1].header("authorization") == f"Bearer {KEY}"
    assert (folder / "a.pcm").read_bytes() == SOUND


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(
    ("http", "status", "n_followed"), [(301, 6, 0), (302, 6, 0), (307, 3, 1), (308, 3, 1)]
)
def test_a_redirect_to_another_host_never_carries_the_key(
    say: Say, cloud: Cloud, host: str, http: int, status: int, n_followed: int
) -> None:
    with Scripted(error(401)) as thief:
        cloud.always(response(http, headers=[("Location", f"http://{host}:{thief.port}/tts/bytes")]))

        result = say(TEXT, "-o", "a.pcm", "--retries", "0")

        assert_failure(result, status)
        assert len(thief.requests) == n_followed
        assert KEY not in repr(thief.requests)


def test_a_redirect_to_another_host_on_the_way_to_a_voice_never_carries_the_key(
    say: Say, cloud: Cloud
) -> None:
    with Scripted(response(body=b'{"data": [], "has_more": false}')) as thief:
        answer = response(302, headers=[("Location", f"http://localhost:{thief.port}/voices")])
        cloud_answer = cloud.answer
        with Scripted(lambda r: answer if r.target.startswith("/voices") else cloud_answer(r)) as api:
            result = say(TEXT, "-o", "a.pcm", "-v", "Skylar", env={"CARTESIA_BASE_URL": api.url})

        assert_failure(result, 2, "Skylar")
        assert len(thief.requests) == 2  # those called so, then all, to name the closest
        assert KEY not in repr(thief.requests)


# Long text in parts

PART = "A sentence that takes a while to say, as sentences do. " * 50


def test_parts_follow_each_other_without_a_gap(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(lambda request: chunked(pcm(request.json()["transcript"].strip()[:12])))
    text = "".join(PART.replace("A sentence", name) for name in ("One phrase", "Two words", "Three lines"))

    result = say("-o", "a.pcm", stdin=text.encode())

    assert result.status == 0
    parts = [body["transcript"].strip() for body in cloud.spoken]
    in_order = sorted(parts, key=text.index)
    assert len(parts) >= 3
    assert (folder / "a.pcm").read_bytes() == b"".join(pcm(part[:12]) for part in in_order)


TWO_PARTS = (PART.replace("A sentence", "First") + PART.replace("A sentence", "Second")).encode()
BROKEN = chunked(SOUND[:4000], Pause(0.1), CLOSE, end=False)


def test_the_next_part_is_under_way_while_one_still_arrives(say: Say, cloud: Cloud, folder: Path) -> None:
    gate = Gate()

    def second(_: Request) -> list[Step]:
        gate.open()
        return chunked(SOUND)

    cloud.always(by_part(first=[chunked(SOUND[:4000], gate, SOUND[4000:])], second=[second]))

    result = say("-o", "a.pcm", stdin=TWO_PARTS, timeout=15)

    assert result.status == 0
    assert (folder / "a.pcm").read_bytes() == SOUND + SOUND


def test_a_later_part_that_breaks_is_asked_for_once_more(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(by_part(first=[chunked(SOUND)], second=[BROKEN, chunked(SOUND)]))

    result = say("-o", "a.wav", "--encoding", "pcm_f32le", stdin=TWO_PARTS)

    assert result.status == 0
    assert len(cloud.spoken) == 3
    assert (folder / "a.wav").read_bytes().endswith(SOUND + SOUND)
    assert (folder / "a.wav").stat().st_size < 2 * len(SOUND) + 200


@pytest.mark.parametrize("ending", ["mp3", "flac", "opus"])
def test_a_part_asked_for_again_is_not_heard_twice(say: Say, cloud: Cloud, folder: Path, ending: str) -> None:
    cloud.always(by_part(first=[chunked(SOUND)], second=[BROKEN, chunked(SOUND)]))

    result = say("-o", f"a.{ending}", "-o", "a.pcm", "-r", "48000", stdin=TWO_PARTS)

    assert result.status == 0
    assert (folder / "a.pcm").read_bytes() == SOUND + SOUND
    info = soundfile.info(str(folder / f"a.{ending}"))
    assert info.frames / info.samplerate == pytest.approx(len(SOUND) / 4 / 48000 * 2, abs=0.06)


def test_a_part_that_breaks_again_is_given_up(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(by_part(first=[chunked(SOUND)], second=[BROKEN]))

    result = say("-o", "a.wav", stdin=TWO_PARTS)

    assert_failure(result, 6)
    assert len(cloud.spoken) == 3
    assert list(folder.iterdir()) == []


def test_a_later_part_that_breaks_in_a_pipe_ends_the_run(say: Say, cloud: Cloud) -> None:
    cloud.always(by_part(first=[chunked(SOUND)], second=[BROKEN, chunked(SOUND)]))

    result = say("-o", "-", "--format", "raw", stdin=TWO_PARTS)

    assert result.stdout[: len(SOUND)] == SOUND
    if result.status == 0:  # it broke before any of it was piped, so that it could be asked for again
        assert result.stdout == SOUND + SOUND
    else:
        assert result.status == 6
        assert result.stdout == SOUND + SOUND[:4000]


def test_a_wait_between_tries_ends_with_ctrl_c(in_cloud: Program, cloud: Cloud) -> None:
    cloud.always(error(503, headers=[("retry-after", "30")]))

    running = in_cloud.start("say", TEXT, "-o", "a.pcm")
    wait_until(lambda: bool(cloud.spoken))
    running.send(signal.SIGINT)
    result = running.wait()

    assert result.status == 130
    assert result.seconds < 5


def test_timings_may_come_before_or_after_their_sound(say: Say, cloud: Cloud, folder: Path) -> None:
    words = [("Hi", 0.0, 0.1), ("you.", 0.15, 0.3)]
    cloud.always(sse(timestamps(words[:1]), chunk(SOUND), timestamps(words[1:]), DONE))

    result = say(TEXT, "--timings", "a.json")

    assert result.status == 0
    read = json.loads((folder / "a.json").read_text(encoding="utf-8"))["words"]
    assert [w["word"] for w in read] == ["Hi", "you."]
