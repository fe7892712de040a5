"""The server as a client sees it: real sockets, known samples."""

import io
import json
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import soundfile

from cartesia_cli.errors import LimitError, RequestError, UnavailableError
from cartesia_cli.models import AudioFormat, Encoding
from tests.fakes.known import DEFAULT_VOICE, KnownSamples, known_samples, known_words
from tests.fakes.server import RunningServer, running_server

TEXT = "Good day to you"
KEY = {"X-API-Key": "right"}


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server() as running:
        yield running


def body(**fields: Any) -> dict[str, Any]:
    return {
        "model_id": "sonic-3",
        "transcript": TEXT,
        "voice": {"id": DEFAULT_VOICE},
        "output_format": {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100},
    } | fields


def post(
    server: RunningServer, path: str, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    return httpx.post(server.url + path, json=body(**fields), headers=headers)


def events(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.text.endswith("\n\n")
    found = []
    for frame in response.text.removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        message = json.loads(data.removeprefix("data: "))
        assert name == f"event: {message['type']}"
        found.append(message)
    return found


def audio(messages: list[dict[str, Any]]) -> list[bytes]:
    import base64

    return [base64.b64decode(message["data"]) for message in messages if message["type"] == "chunk"]


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse/"])
def test_every_sample_arrives(server: RunningServer, path: str, encoding: Encoding, sample_rate: int) -> None:
    output_format = {"container": "raw", "encoding": encoding, "sample_rate": sample_rate}

    response = post(server, path, output_format=output_format)

    received = response.content if path == "/tts/bytes" else b"".join(audio(events(response)))
    assert received == known_samples(TEXT, AudioFormat(encoding, sample_rate))


@pytest.mark.parametrize(
    ("encoding", "tag", "width"),
    [("pcm_s16le", 1, 2), ("pcm_f32le", 3, 4), ("pcm_alaw", 6, 1), ("pcm_mulaw", 7, 1)],
)
def test_a_wav_has_a_header_without_a_length(
    server: RunningServer, encoding: str, tag: int, width: int
) -> None:
    output_format = {"container": "wav", "encoding": encoding, "sample_rate": 16_000}

    response = post(server, "/tts/bytes", output_format=output_format)

    payload = known_samples(TEXT, AudioFormat(Encoding(encoding), 16_000))
    header = response.content.removesuffix(payload)
    assert response.headers["content-type"] == "audio/wav"
    assert header[:16] == b"RIFF\xff\xff\xff\xffWAVEfmt "
    assert struct.unpack("<HHIIHH", header[20:36]) == (tag, 1, 16_000, 16_000 * width, width, 8 * width)
    assert header[-8:] == b"data\xff\xff\xff\xff"


@pytest.mark.parametrize(("sample_rate", "bit_rate"), [(44_100, 128_000), (8_000, 192_000), (24_000, 32_000)])
def test_an_mp3_is_as_long_as_its_samples(server: RunningServer, sample_rate: int, bit_rate: int) -> None:
    output_format = {"container": "mp3", "sample_rate": sample_rate, "bit_rate": bit_rate}

    response = post(server, "/tts/bytes", output_format=output_format)

    samples, rate = soundfile.read(io.BytesIO(response.content))
    assert response.headers["content-type"] == "audio/mpeg"
    assert rate == sample_rate
    # Padding of encoder and decoder: less than three of the longest frames.
    assert 1.2 <= len(samples) / rate <= 1.2 + 3 * 1152 / rate
    assert 0.2 < abs(samples).max() < 0.6


def test_a_saved_file_has_an_id_and_others_have_none(server: RunningServer) -> None:
    saved = post(server, "/tts/bytes", save=True)
    other = post(server, "/tts/bytes")

    assert saved.headers["cartesia-file-id"]
    assert "cartesia-file-id" not in other.headers


@pytest.mark.parametrize("chunk_bytes", [None, 1, 333, 100_000])
def test_chunks_are_100_ms_and_whole_samples(chunk_bytes: int | None) -> None:
    fmt = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
    with running_server(KnownSamples(chunk_bytes=chunk_bytes)) as server:
        chunks = audio(events(post(server, "/tts/sse", output_format=fmt)))

    assert [len(chunk) for chunk in chunks] == [1600] * 12
    assert b"".join(chunks) == known_samples(TEXT, AudioFormat(Encoding.PCM_S16LE, 8_000))


def test_chunks_may_be_passed_on_as_the_engine_cut_them() -> None:
    with running_server(KnownSamples(chunk_bytes=33_333), chunk_seconds=None) as server:
        chunks = audio(events(post(server, "/tts/sse")))

    assert {len(chunk) for chunk in chunks[:-1]} == {33_333}
    assert b"".join(chunks) == known_samples(TEXT, AudioFormat())


def test_timestamps_come_as_asked(server: RunningServer) -> None:
    messages = events(
        post(server, "/tts/sse", add_timestamps=True, add_phoneme_timestamps=True, context_id="job-17")
    )

    words = [message["word_timestamps"] for message in messages if message["type"] == "timestamps"]
    phonemes = [m["phoneme_timestamps"] for m in messages if m["type"] == "phoneme_timestamps"]
    columns = zip(*((*w["words"], *w["start"], *w["end"]) for w in words), strict=True)
    expected = [(word.word, word.start, word.end) for word in known_words(TEXT)]
    assert list(columns) == list(zip(*expected, strict=True))
    assert [letter for p in phonemes for letter in p["phonemes"]] == list(TEXT.replace(" ", ""))
    assert {message["context_id"] for message in messages} == {"job-17"}
    assert [message["done"] for message in messages] == [False] * (len(messages) - 1) + [True]


def test_timestamps_that_nobody_asked_for_do_not_come(server: RunningServer) -> None:
    messages = events(post(server, "/tts/sse"))

    assert {message["type"] for message in messages} == {"chunk", "done"}
    assert not any("context_id" in message or "error" in message for message in messages)


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LimitError("Two at a time.", code="concurrency_limited"), 429),
        (LimitError("No credits.", code="quota_exceeded"), 402),
        (RequestError("No such language.", code="language_not_supported"), 400),
        (UnavailableError("The voice broke."), 503),
    ],
)
def test_a_failure_before_any_audio_has_a_status(path: str, error: Any, status: int) -> None:
    with running_server(KnownSamples(fail_after=0, error=error)) as server:
        response = post(server, path)

    assert response.status_code == status
    assert response.json()["message"] == str(error)
    assert response.json()["error_code"] == error.code
    assert ("retry-after" in response.headers) == (status == 429)
    assert response.headers.get("x-should-retry") == ("false" if status == 402 else None)


def test_a_failure_after_the_first_audio_is_an_event_in_both_styles() -> None:
    with running_server(KnownSamples(fail_after=2)) as server:
        response = post(server, "/tts/sse", context_id="job-17")

    *chunks, last = events(response)
    assert response.status_code == 200
    assert known_samples(TEXT, AudioFormat()).startswith(b"".join(audio(chunks)))
    assert chunks
    assert last["type"] == "error"
    assert (last["done"], last["status_code"], last["context_id"]) == (True, 503, "job-17")
    assert (last["title"], last["message"]) == ("Voice failure", "The voice broke.")
    assert last["error"] == "Voice failure: The voice broke."
    assert last["request_id"] == response.headers["x-request-id"]


def test_bytes_that_fail_in_the_middle_never_look_complete() -> None:
    with running_server(KnownSamples(fail_after=2)) as server, pytest.raises(httpx.RemoteProtocolError):
        post(server, "/tts/bytes")


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
def test_a_client_that_leaves_stops_its_synthesis(path: str) -> None:
    engine = KnownSamples(pace=20.0)
    with running_server(engine) as server, httpx.Client() as client:
        with client.stream("POST", server.url + path, json=body(transcript="la " * 10_000)) as response:
            next(response.iter_raw())

        assert engine.ended.acquire(timeout=5)


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        pytest.param({"Authorization": "Bearer right"}, "", 200, id="bearer"),
        pytest.param({"authorization": "bearer right"}, "", 200, id="lower case"),
        pytest.param({"X-API-Key": "right"}, "", 200, id="old header"),
        pytest.param({}, "?api_key=right", 200, id="old query"),
        pytest.param({}, "?access_token=right", 200, id="query"),
        pytest.param({}, "", 401, id="none"),
        pytest.param({"Authorization": "Bearer wrong"}, "", 401, id="wrong"),
        pytest.param({"Authorization": "Basic right"}, "", 401, id="another scheme"),
        pytest.param({"Authorization": "Bearer"}, "", 401, id="blank"),
        pytest.param({"X-API-Key": "rechts\xfc".encode("latin-1")}, "", 401, id="not ASCII"),
    ],
)
def test_a_key_is_asked_for(headers: Any, query: str, status: int) -> None:
    with running_server(keys=["other", "right"]) as server:
        response = httpx.get(f"{server.url}/voices{query}", headers=headers)

    assert response.status_code == status
    assert status == 200 or response.json()["title"] == "Unauthorized"


def test_the_status_needs_no_key() -> None:
    with running_server(keys=["right"]) as server:
        response = httpx.get(server.url, headers={"cartesia-version": "yesterday"})

    assert response.json() == {"ok": True, "version": "2026-08-14"}


@pytest.mark.parametrize(
    ("header", "query", "structured"),
    [
        ("2026-08-14", "", True),
        ("2026-03-01", "", True),
        ("2025-11-04", "", False),
        ("2024-06-10", "?cartesia_version=2026-03-01", True),
        ("2026-08-14", "?cartesia_version=2024-11-13", False),
        (None, "", True),
    ],
)
def test_errors_are_as_the_version_has_them(
    server: RunningServer, header: str | None, query: str, structured: bool
) -> None:
    headers = {} if header is None else {"Cartesia-Version": header}

    response = httpx.get(f"{server.url}/voices/nobody{query}", headers=headers)

    assert response.status_code == 404
    if structured:
        request_id = response.headers["x-request-id"]
        assert str(uuid.UUID(request_id)) == request_id
        assert response.json() == {
            "error_code": "voice_not_found",
            "title": "Voice not found",
            "message": "No voice has the ID you sent.",
            "request_id": request_id,
        }
    else:
        assert response.text == "Voice not found: No voice has the ID you sent."
        assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        pytest.param(b"", 400, None, id="empty"),
        pytest.param(b"{", 400, None, id="not JSON"),
        pytest.param(b"\xff", 400, None, id="not UTF-8"),
        pytest.param(b"[]", 400, None, id="a list"),
        pytest.param(b"[" * 100_000, 400, None, id="deep"),
        pytest.param(b'{"a": ' + b"1" * 5_000 + b"}", 400, None, id="digits"),
        pytest.param(b" " * (32 * 2**20 + 1), 413, "file_too_large", id="large"),
        pytest.param(json.dumps(body(transcript="...")).encode(), 400, None, id="punctuation"),
        pytest.param(json.dumps(body(language="en", locale="en-GB")).encode(), 400, None, id="both"),
        pytest.param(json.dumps(body(voice="nobody")).encode(), 404, "voice_not_found", id="voice"),
    ],
)
@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
def test_a_bad_body_is_refused(
    server: RunningServer, path: str, content: bytes, status: int, code: str | None
) -> None:
    response = httpx.post(server.url + path, content=content)

    assert response.status_code == status
    assert response.json()["error_code"] == code
    assert response.json()["title"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/tts/bytes", 405),
        ("POST", "/voices", 405),
        ("GET", "/voices/a/b", 404),
    ],
)
def test_what_is_not_there_is_refused_as_the_api_does(
    server: RunningServer, method: str, path: str, status: int
) -> None:
    response = httpx.request(method, server.url + path)

    assert response.status_code == status
    assert set(response.json()) == {"error_code", "title", "message", "request_id"}


def test_a_method_that_a_path_has_not_is_refused_with_those_that_it_has(server: RunningServer) -> None:
    refused = httpx.request("PUT", f"{server.url}/tts/bytes")

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_a_refusal_repeats_no_more_than_a_line_of_what_was_asked(server: RunningServer) -> None:
    assert len(httpx.get(f"{server.url}/{'x' * 10_000}").json()["message"]) < 300


def test_a_version_that_is_no_date_is_refused(server: RunningServer) -> None:
    response = httpx.get(server.url + "/voices", headers={"cartesia-version": "yesterday"})

    assert response.status_code == 400
    assert response.json()["title"] == "Invalid version"


@pytest.mark.parametrize("path", ["", "/", "/voices", "/voices/", f"/voices/{DEFAULT_VOICE}/"])
def test_everything_lies_under_the_prefix_with_and_without_a_slash(path: str) -> None:
    with running_server(prefix="/cartesia/v1", keys=["right"]) as server:
        response = httpx.get(server.url + path, headers=KEY)
        outside = httpx.get(server.url.removesuffix("/cartesia/v1") + "/voices", headers=KEY)

    assert server.url.endswith("/cartesia/v1")
    assert response.status_code == 200
    assert outside.status_code == 404
    assert outside.json()["error_code"] == "not_found"


def test_the_fake_tells_what_it_was_asked(server: RunningServer) -> None:
    before = len(server.requests)

    post(server, "/tts/bytes?a=1&a=2", headers={"X-Test": "yes"})

    [request] = server.requests[before:]
    assert (request.method, request.path, request.query) == ("POST", "/tts/bytes", {"a": ["1", "2"]})
    assert request.headers["x-test"] == "yes"
    assert request.json["transcript"] == TEXT


def test_the_server_runs_as_a_process_of_its_own_until_its_input_ends() -> None:
    argv = [
        sys.executable,
        "-m",
        "tests.fakes.server",
        "--prefix",
        "/api",
        "--fault",
        "429*1",
        "--key",
        "right",
    ]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout

    url = process.stdout.readline().strip()
    statuses = [httpx.post(f"{url}/tts/bytes", json=body(), headers=KEY).status_code for _ in range(2)]
    rest, _ = process.communicate(timeout=10)

    assert url.endswith("/api")
    assert statuses == [429, 200]
    assert (process.returncode, rest) == (0, "")
