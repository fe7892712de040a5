"""Recordings as the server gets them: real sockets, a transcriber that says which bytes it was given."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cartesia_cli.errors import UnavailableError, UsageError
from tests.fakes.listening import KnownRecordings, heard_in
from tests.fakes.server import RunningServer, running_server

RECORDING = bytes(range(256)) * 9_000  # more than is kept in memory
FORM = {"model": "ink-whisper"}
PATHS = ["/stt", "/stt/", "/audio/transcriptions", "/audio/transcriptions/"]
OLD = {"Cartesia-Version": "2025-04-16"}

transcriber = KnownRecordings()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(transcriber=transcriber) as running:
        yield running


def post(
    server: RunningServer,
    path: str = "/stt",
    *,
    data: Any = None,
    files: Any = None,
    **options: Any,
) -> httpx.Response:
    sent = {"file": ("talk.flac", RECORDING)} if files is None else files
    return httpx.post(server.url + path, data=FORM if data is None else data, files=sent, **options)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, OLD])
def test_the_recording_arrives_byte_for_byte(
    server: RunningServer, path: str, headers: dict[str, str]
) -> None:
    answer = post(server, path, headers=headers)

    expected = heard_in(RECORDING)
    assert answer.status_code == 200
    assert answer.json() == {
        "type": "transcript",
        "request_id": answer.headers["x-request-id"],
        "text": expected.text,
        "language": "en",
        "duration": expected.duration,
    }


@pytest.mark.parametrize("field", ["timestamp_granularities[]", "timestamp_granularities"])
def test_words_come_if_they_are_asked_for(server: RunningServer, field: str) -> None:
    answer = post(server, data=FORM | {field: "word", "language": "de"}).json()

    assert answer["language"] == "de"
    assert answer["words"] == [
        {"word": word.word, "start": word.start, "end": word.end} for word in heard_in(RECORDING).words
    ]


def test_the_engine_is_told_everything(server: RunningServer) -> None:
    query = {"encoding": "pcm_mulaw", "sample_rate": "8000"}
    form = FORM | {"language": "fr", "timestamp_granularities[]": "word"}

    post(server, data=form, params=query, files={"file": ("a.tar.RAW", b"x")})

    assert transcriber.asked[-1] == {
        "suffix": ".RAW",
        "words": True,
        "language": "fr",
        "model_id": "ink-whisper",
        "encoding": "pcm_mulaw",
        "sample_rate": 8000,
    }


@pytest.mark.parametrize("name", ["talk", "../../etc/passwd", "a.b/c", "a." + "x" * 300, "a.\0b", "ä.ö"])
def test_a_file_name_decides_nothing(server: RunningServer, name: str) -> None:
    assert post(server, files={"file": (name, b"x")}).json()["text"] == heard_in(b"x").text
    assert transcriber.asked[-1]["suffix"] == ""


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"files": {"other": ("a.wav", b"x")}}, "no file called 'file'"),
        ({"files": {"file": (None, b"x")}}, "no file called 'file'"),
        ({"files": {"file": ("a.wav", b"")}}, "empty"),
        ({"data": {}}, "no model"),
        ({"data": {"model": " "}}, "no model"),
        ({"data": FORM | {"timestamp_granularities[]": "segment"}}, "only be 'word'"),
        ({"data": FORM | {"timestamp_granularities[]": ["word", "x"]}}, "only be 'word'"),
        ({"params": {"encoding": "mp3"}}, "encoding is none of pcm_alaw"),
        ({"params": {"encoding": "pcm_s16le", "sample_rate": "fast"}}, "not a number of hertz"),
        ({"params": {"sample_rate": "0"}}, "not a number of hertz"),
        ({"params": {"sample_rate": "-8000"}}, "not a number of hertz"),
        ({"params": {"encoding": "pcm_s16le", "sample_rate": "1"}}, "from 1000 to 768000"),
    ],
)
def test_what_cannot_be_is_refused(server: RunningServer, change: dict[str, Any], text: str) -> None:
    answer = post(server, **change)

    assert answer.status_code == 400
    assert text in answer.json()["message"]


BODIES = {
    "nothing": (b"", "multipart/form-data; boundary=x"),
    "no boundary in the body": (b"nonsense", "multipart/form-data; boundary=x"),
    "no boundary in the header": (b"x", "multipart/form-data"),
    "JSON": (b"{}", "application/json"),
    "a form without files": (b"model=ink-whisper&file=x", "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("content", "kind"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_form_is_refused(server: RunningServer, content: bytes, kind: str) -> None:
    answer = httpx.post(f"{server.url}/stt", content=content, headers={"Content-Type": kind})

    assert answer.status_code == 400
    assert answer.json()["title"]


def test_a_form_that_cannot_be_read_is_said_in_one_sentence(server: RunningServer) -> None:
    refused = httpx.post(f"{server.url}/stt", headers={"Content-Type": "multipart/form-data"}).json()

    assert (refused["title"], refused["message"]) == (
        "Missing boundary in multipart",
        "POST /stt: Missing boundary in multipart.",
    )


def test_old_versions_get_their_errors_as_text(server: RunningServer) -> None:
    answer = post(server, files={"file": ("a.wav", b"")}, headers=OLD)

    assert (answer.status_code, answer.text) == (400, "Invalid audio: The file is empty.")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", PATHS)
def test_a_server_that_cannot_listen_says_so(path: str) -> None:
    with running_server() as deaf:
        answer = post(deaf, path)

    assert answer.status_code == 501
    assert answer.json()["title"] == "Not implemented"
    assert answer.headers["x-should-retry"] == "false"


def test_a_recording_that_is_too_large_is_refused() -> None:
    with running_server(transcriber=KnownRecordings(), max_recording=100_000) as small:
        answer = post(small)
        assert answer.status_code == 413
        assert answer.json()["error_code"] == "file_too_large"
        assert post(small, files={"file": ("a.wav", b"x" * 99_000)}).status_code == 200


@pytest.mark.parametrize(
    ("failure", "status"), [(UsageError("No sound in it."), 400), (UnavailableError("Busy."), 503)]
)
def test_an_engine_that_fails_becomes_an_answer(failure: Exception, status: int) -> None:
    assert isinstance(failure, UsageError | UnavailableError)
    with running_server(transcriber=KnownRecordings(failure)) as failing:
        answer = post(failing)

    assert (answer.status_code, answer.json()["message"]) == (status, str(failure))


def test_recordings_are_heard_side_by_side(server: RunningServer) -> None:
    heard: dict[int, str] = {}

    def send(number: int) -> None:
        heard[number] = post(server, files={"file": ("a.wav", bytes([number]) * 70_000)}).json()["text"]

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert heard == {number: heard_in(bytes([number]) * 70_000).text for number in range(8)}
