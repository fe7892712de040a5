import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import CartesiaError, RequestError, UnavailableError, UsageError
from cartesia_cli.models import Transcript, WordTiming
from tests.fakes.listening import KnownRecordings, heard_in
from tests.fakes.scripted import CLOSE, HANG, RESET, Answer, Pause, Request, Scripted, Step, response
from tests.fakes.server import RunningServer, running_server

WIRE = Path(__file__).parents[1] / "wire"
KEY = "sk_car_0123456789abcdef"
RECORDING = bytes(range(256)) * 4_001  # no multiple of any block
DONE = response(body=(WIRE / "transcript.json").read_bytes())
HEARD = Transcript(
    "Good morning.", (WordTiming("Good", 0.08, 0.31), WordTiming("morning.", 0.33, 0.9)), "en", 1.42
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "talk.flac"
    path.write_bytes(RECORDING)
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(transcriber=KnownRecordings(), keys=[KEY]) as running:
        yield running


def client(url: str, **changes: Any) -> Client:
    return Client(KEY, base_url=url, sleep=lambda _: None, **changes)


def parts(request: Request) -> dict[str, bytes]:
    """The parts of a form by the header that names them: RFC 7578, read without any library."""
    boundary = re.fullmatch("multipart/form-data; boundary=([0-9a-f]+)", request.header("content-type") or "")
    assert boundary is not None
    start, *found, end = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    assert (start, end) == (b"", b"--\r\n")
    return {
        head.decode().removeprefix("\r\n"): content
        for head, _, content in (part.partition(b"\r\n\r\n") for part in found)
    }


def field(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"'


def piped(data: bytes) -> BinaryIO:
    """A stream that cannot go back, with these bytes."""
    reading, writing = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), open(writing, "wb") as pipe:  # noqa: PTH123  a descriptor
            pipe.write(data)

    threading.Thread(target=write, daemon=True).start()
    return open(reading, "rb")  # noqa: PTH123  a descriptor; the test closes it


# ---- what is sent


def test_the_form_is_the_documented_one(path: Path) -> None:
    with Scripted(DONE) as server, client(server.url) as api:
        transcript = api.transcribe(path, words=True, language="en", model_id="ink-x")

    [sent] = server.requests
    assert transcript == HEARD
    assert (sent.method, sent.target) == ("POST", "/stt")
    assert sent.header("content-length") == str(len(sent.body))
    assert sent.header("transfer-encoding") is None
    assert sent.header("accept") == "application/json"
    assert sent.header("authorization") == f"Bearer {KEY}"
    assert parts(sent) == {
        field("model"): b"ink-x",
        field("language"): b"en",
        field("timestamp_granularities[]"): b"word",
        f'{field("file")}; filename="talk.flac"\r\nContent-Type: audio/flac': RECORDING,
    }


def test_what_is_not_asked_for_is_not_sent(path: Path) -> None:
    with Scripted(DONE) as server, client(f"{server.url}/cartesia/") as api:
        api.transcribe(path, words=False)

    [sent] = server.requests
    assert sent.target == "/cartesia/stt"
    assert [name.partition(";")[0] for name in parts(sent)] == ["Content-Disposition: form-data"] * 2
    assert parts(sent)[field("model")] == b"ink-whisper"


def test_what_samples_mean_stands_in_the_query(path: Path) -> None:
    with Scripted(DONE) as server, client(server.url) as api:
        api.transcribe(path, words=False, encoding="pcm_s16le", sample_rate=16_000)

    assert server.requests[0].target == "/stt?encoding=pcm_s16le&sample_rate=16000"


def test_a_pipe_is_sent_in_chunks() -> None:
    with Scripted(DONE) as server, client(server.url) as api, piped(RECORDING) as pipe:
        api.transcribe(pipe, words=False)

    [sent] = server.requests
    assert sent.header("transfer-encoding") == "chunked"
    assert sent.header("content-length") is None
    assert RECORDING in parts(sent).values()


def test_a_stream_is_sent_from_where_it_stands(path: Path) -> None:
    with Scripted(DONE) as server, client(server.url) as api, path.open("rb") as file:
        file.seek(1_000)
        api.transcribe(file, words=False)
        api.transcribe(io.BytesIO(b"sound"), words=False)

    assert RECORDING[1_000:] in parts(server.requests[0]).values()
    assert (
        parts(server.requests[1])[
            f'{field("file")}; filename="recording"\r\nContent-Type: application/octet-stream'
        ]
        == b"sound"
    )


@pytest.mark.parametrize("name", ['a"b\\c.wav', "ä 中👋.wav", "a\nb.wav", "a\udce4b.wav", "%0d%0a.wav"])
def test_any_file_name_can_be_sent(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"sound")
    with Scripted(DONE) as server, client(server.url) as api:
        api.transcribe(path, words=False)

    assert b"sound" in parts(server.requests[0]).values()
    assert len(parts(server.requests[0])) == 2


def test_progress_grows_to_the_whole(path: Path) -> None:
    shares: list[float] = []
    with Scripted(DONE) as server, client(server.url) as api:
        api.transcribe(path, words=False, progress=shares.append)

    assert shares == sorted(set(shares))
    assert shares[-1] == 1
    assert len(shares) <= 201


def test_our_own_server_hears_what_was_sent(server: RunningServer, path: Path) -> None:
    with client(server.url) as api:
        assert api.transcribe(path, words=True) == heard_in(RECORDING)
        assert api.transcribe(path, words=False).words == ()
        with piped(RECORDING) as pipe:
            assert api.transcribe(pipe, words=True, language="de") == heard_in(RECORDING, "de")


# ---- what cannot be sent


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda _: None, "does not exist"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: (path.write_bytes(b"x"), path.chmod(0)), "cannot be read"),
    ],
    ids=["folder", "missing", "empty", "circle", "forbidden"],
)
def test_a_file_that_cannot_be_read_is_the_users_mistake(
    make: Callable[[Path], object], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "talk.wav"
    make(path)
    if text == "cannot be read" and path.is_file() and os.access(path, os.R_OK):
        pytest.skip("nothing is forbidden to this user")
    with Scripted(DONE) as server, client(server.url) as api, pytest.raises(UsageError, match=text) as caught:
        api.transcribe(path, words=False)

    assert "talk.wav" in str(caught.value)
    assert server.connections == 0


def test_an_empty_stream_is_not_sent() -> None:
    with Scripted(DONE) as server, client(server.url) as api:
        for stream in (io.BytesIO(), piped(b"")):
            with stream, pytest.raises(UsageError, match="is empty"):
                api.transcribe(stream, words=False)
    assert server.connections == 0


class Shrinking(io.BytesIO):
    """Seems to hold more than it gives."""

    def read(self, n_bytes: int | None = -1, /) -> bytes:
        return super().read(n_bytes) if self.tell() < 100_000 else b""


class Failing(io.BytesIO):
    def read(self, n_bytes: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError(5, "Input/output error")
        return super().read(n_bytes)


@pytest.mark.parametrize(
    ("stream", "text"),
    [(Shrinking(RECORDING), "became shorter"), (Failing(RECORDING), "cannot be read: Input/output error")],
)
def test_a_file_that_fails_while_it_is_sent_is_no_failure_of_the_network(stream: BinaryIO, text: str) -> None:
    with Scripted(DONE) as server, client(server.url) as api, pytest.raises(UsageError, match=text):
        api.transcribe(stream, words=False)


# ---- what comes back


@pytest.mark.parametrize("words", [{"words": None}, {"words": []}, {}])
def test_a_text_without_the_words_that_were_asked_for_is_said_so(path: Path, words: dict[str, Any]) -> None:
    body = json.dumps({"text": "Good morning."} | words).encode()
    with Scripted(response(body=body)) as server, client(server.url) as api:
        with pytest.raises(UnavailableError, match="without the times of its words"):
            api.transcribe(path, words=True)
        assert api.transcribe(path, words=False) == Transcript("Good morning.")


def test_silence_has_no_words(path: Path) -> None:
    with Scripted(response(body=b'{"text":"","words":null}')) as server, client(server.url) as api:
        assert api.transcribe(path, words=True) == Transcript("")


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"text":"a","words":[{"word":"a","start":NaN}]}'])
def test_what_is_no_transcript_is_not_taken_for_one(path: Path, body: bytes) -> None:
    with Scripted(response(body=body)) as server, client(server.url) as api, pytest.raises(UnavailableError):
        api.transcribe(path, words=False)


# ---- attempts


def test_a_recording_is_sent_again_from_its_start(path: Path) -> None:
    def cut(_: Request) -> list[Step]:
        return [RESET]

    answers: list[Answer] = [response(503), cut, response(429), DONE]
    with Scripted(*answers) as server, client(server.url, retries=3) as api:
        assert api.transcribe(path, words=True) == HEARD
        assert (api.traffic.requests, api.traffic.retries) == (1, 3)

    assert [RECORDING in parts(sent).values() for sent in server.requests] == [True] * 4


def test_a_stream_is_sent_again_from_where_it_stood() -> None:
    stream = io.BytesIO(RECORDING)
    stream.seek(99)
    with Scripted(response(503), DONE) as server, client(server.url) as api:
        api.transcribe(stream, words=False)

    assert [RECORDING[99:] in parts(sent).values() for sent in server.requests] == [True] * 2


def test_a_pipe_is_sent_once() -> None:
    with Scripted(response(503)) as server, client(server.url) as api, piped(RECORDING) as pipe:
        with pytest.raises(UnavailableError, match="503"):
            api.transcribe(pipe, words=False)
        assert len(server.requests) == 1


def test_a_pipe_that_nothing_was_read_of_may_wait_for_a_connection() -> None:
    with Scripted() as gone:
        pass
    waits: list[float] = []
    with (
        Client(KEY, base_url=gone.url, sleep=waits.append) as api,
        piped(RECORDING) as pipe,
        pytest.raises(UnavailableError, match="refuses"),
    ):
        api.transcribe(pipe, words=False)

    assert len(waits) == 2


def test_a_recording_follows_a_redirect_and_the_key_does_not_leave(path: Path) -> None:
    with Scripted(DONE) as other:
        moved = response(307, headers=[("Location", f"{other.url}/new")])
        with Scripted(moved) as server, client(server.url) as api:
            assert api.transcribe(path, words=True) == HEARD

    [sent] = other.requests
    assert (sent.method, sent.target) == ("POST", "/new")
    assert RECORDING in parts(sent).values()
    assert sent.header("authorization") is None


def test_a_pipe_cannot_follow_a_redirect() -> None:
    moved = response(307, headers=[("Location", "/new")])
    with (
        Scripted(moved, DONE) as server,
        client(server.url) as api,
        piped(RECORDING) as pipe,
        pytest.raises(UnavailableError, match="moved"),
    ):
        api.transcribe(pipe, words=False)

    assert len(server.requests) == 1


def test_listening_may_take_ten_times_as_long_as_speaking(path: Path) -> None:
    quick = Timeouts(connect=2, first_byte=0.1, stall=2)
    with Scripted([Pause(0.4), *DONE]) as server, client(server.url, timeouts=quick, retries=0) as api:
        assert api.transcribe(path, words=True) == HEARD
    with (
        Scripted([HANG]) as server,
        client(server.url, timeouts=quick, retries=0) as api,
        pytest.raises(UnavailableError, match="did not answer within 1 s"),
    ):
        api.transcribe(path, words=True)


def test_a_refusal_before_all_was_sent_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(30_000_000)

    def refuse_early() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 8\r\n\r\ntoo long")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**20):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse_early)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with client(url, retries=0) as api, pytest.raises(RequestError, match="too long"):
            api.transcribe(path, words=False)
        thread.join()


@pytest.mark.parametrize("answer", [[CLOSE], [b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE]])
def test_a_lost_connection_is_said_so(path: Path, answer: Answer) -> None:
    with Scripted(answer) as server, client(server.url, retries=0) as api, pytest.raises(CartesiaError) as e:
        api.transcribe(path, words=False)

    assert "closed the connection without an answer" in str(e.value)


PEAK = """
import resource, sys
from pathlib import Path
from cartesia_cli.api import Client
with Client(None, base_url=sys.argv[1]) as api:
    api.transcribe(Path(sys.argv[2]), words=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_size_of_a_recording_does_not_matter_to_memory(tmp_path: Path) -> None:
    def sink(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            head = b"".join(iter(reader.readline, b"\r\n"))
            [length] = re.findall(rb"Content-Length: (\d+)", head)
            left = int(length)
            while left:
                left -= len(reader.read(min(left, 2**20)))
            connection.sendall(DONE[0] if isinstance(DONE[0], bytes) else b"")

    def peak(size: int) -> int:
        path = tmp_path / f"{size}.wav"
        with path.open("wb") as file:
            file.truncate(size)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=lambda: sink(listener.accept()[0]))
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            command = [sys.executable, "-c", PEAK, url, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            thread.join()
        return int(done.stdout)

    assert peak(200 * 2**20) - peak(2**20) < 2 * 2**10  # kilobytes
