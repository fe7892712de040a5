"""``cartesia serve`` as its users run it: cli.md section 11."""

import http.client
import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli.program import Program, assert_failure, wait_until, without
from tests.cli.serving import SPEECH, Serving, serving

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}
LONG = {**SPEECH, "transcript": "It goes on, and it does not stop for a long time. " * 400}


def test_prints_its_address_and_nothing_else_on_stdout(run: Program) -> None:
    with serving(run) as server:
        status = server.ask("GET", "/")
        spoken = server.ask("POST", "/tts/bytes", SPEECH)
        server.running.send(signal.SIGTERM)
        result = server.running.wait()

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", result.text)
    assert status.json == {"ok": True, "version": "2026-08-14"}
    assert spoken.status == 200
    assert len(spoken.body) > 8_000


def test_the_first_line_means_that_it_answers(run: Program) -> None:
    with serving(run) as server, socket.create_connection(server.address, timeout=1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")

        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_an_idle_server_at_once(run: Program, number: signal.Signals, status: int) -> None:
    with serving(run) as server:
        connection = server.connect()
        connection.request("GET", "/")
        connection.getresponse().read()
        sent = time.monotonic()
        server.running.send(number)
        result = server.running.wait()
        took = time.monotonic() - sent
        connection.close()

    assert result.status == status
    assert took < 2


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_lets_running_answers_finish(run: Program, number: signal.Signals, status: int) -> None:
    with serving(run, "--fault", "slow=60ms") as server:
        body = {**SPEECH, "transcript": "One sentence that is to be heard whole. Then another one."}
        whole = len(server.ask("POST", "/tts/bytes", body).body)
        connection = server.connect()
        connection.request("POST", "/tts/bytes", json.dumps(body))
        response = connection.getresponse()
        first = response.read(1)
        server.running.send(number)
        rest = response.read()
        result = server.running.wait()
        connection.close()

    assert len(first + rest) == whole
    assert result.status == status


def test_an_answer_that_takes_too_long_is_cut_after_five_seconds(run: Program) -> None:
    with serving(run, "--fault", "slow=3000ms") as server:
        connection = server.connect()
        connection.request("POST", "/tts/sse", json.dumps(LONG))
        response = connection.getresponse()
        response.read(1)
        sent = time.monotonic()
        server.running.send(signal.SIGTERM)
        result = server.running.wait()
        took = time.monotonic() - sent
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
        connection.close()

    assert result.status == 143
    assert 4 < took < 9


def test_a_second_signal_does_not_wait(run: Program) -> None:
    with serving(run, "--fault", "slow=3000ms") as server:
        connection = server.connect()
        connection.request("POST", "/tts/sse", json.dumps(LONG))
        connection.getresponse().read(1)
        server.running.send(signal.SIGINT)
        wait_until(lambda: _refuses(server))
        sent = time.monotonic()
        server.running.send(signal.SIGINT)
        result = server.running.wait()
        took = time.monotonic() - sent
        connection.close()

    assert result.status == 130
    assert took < 2


def _refuses(server: Serving) -> bool:
    try:
        socket.create_connection(server.address, timeout=1).close()
    except OSError:
        return True
    return False


def test_a_port_that_is_taken_is_an_output_error(run: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = run("serve", "--port", port, "--state", ":memory:")

    assert_failure(result, 7, str(port), "--port")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104  that it is refused
def test_others_are_not_served_without_a_key(run: Program, host: str) -> None:
    result = run("serve", "--host", host, "--port", "0")

    assert_failure(result, 2, "--require-key", host)


def test_a_host_that_is_none_of_this_machine(run: Program) -> None:
    env = {"CARTESIA_SERVE_KEYS": "one-key"}

    result = run("serve", "--host", "192.0.2.1", "--port", "0", "--require-key", env=env)

    assert_failure(result, 7, "192.0.2.1")


@pytest.mark.parametrize("host", ["a..b", "x" * 300, b"\xff", "[::1]"])
def test_a_host_that_is_none_at_all(run: Program, host: str | bytes) -> None:
    env = {"CARTESIA_SERVE_KEYS": "one-key"}

    result = run("serve", "--host", host, "--port", "0", "--require-key", env=env)

    assert_failure(result, 7, "--host")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--require-key"], "CARTESIA_SERVE_KEYS"),
        (["--key-file", "keys"], "--require-key"),
        (["--require-key", "--key-file", "missing"], "missing"),
        (["--port", "65536"], "65536"),
        (["--port", "-1"], "-1"),
        (["--concurrency", "0"], "0"),
        (["--max-upload", "0"], "0"),
        (["--fault", "boom"], "boom"),
        (["--fault", "429@200%"], "200%"),
        (["--record", "a", "--replay", "b"], "--replay"),
        (["--replay", "missing"], "missing"),
        (["--state", "/"], "/"),
        (["--state", ""], "--state"),
        (["--host", ""], "--host"),
    ],
)
def test_options_that_cannot_be(run: Program, options: list[str], named: str) -> None:
    assert_failure(run("serve", *options), 2, named)


def test_keys_are_asked_for(run: Program, folder: Path) -> None:
    (folder / "keys").write_text("of-the-file\n\n second-of-the-file \n")
    env = {"CARTESIA_SERVE_KEYS": "of-the-variable, another"}

    with serving(run, "--require-key", "--key-file", "keys", env=env) as server:
        answers = {
            key: server.ask("GET", "/voices", headers={"authorization": f"Bearer {key}"}).status
            for key in ("of-the-file", "second-of-the-file", "of-the-variable", "another", "wrong", "")
        }
        without_key = server.ask("GET", "/voices")
        status = server.ask("GET", "/")

    assert answers == {
        "of-the-file": 200,
        "second-of-the-file": 200,
        "of-the-variable": 200,
        "another": 200,
        "wrong": 401,
        "": 401,
    }
    assert without_key.json["title"] == "Unauthorized"
    assert status.status == 200


def test_the_log_has_a_line_for_each_answer_and_no_key(run: Program) -> None:
    key = "a-key-that-nobody-may-see"
    with serving(run, "--require-key", env={"CARTESIA_SERVE_KEYS": key}) as server:
        server.ask("GET", f"/voices?api_key={key}")
        server.ask("POST", "/tts/bytes", {}, headers={"x-api-key": key})
        server.ask("GET", "/nowhere%1B[31m")
        server.running.send(signal.SIGTERM)
        result = server.running.wait()

    log = [line for line in result.lines if re.search(r"\b(GET|POST)\b", line)]
    assert len(log) == 3
    assert "GET /voices 200" in log[0]
    assert "POST /tts/bytes 400" in log[1]
    assert "401" in log[2]
    assert key not in result.stderr


def test_quiet_means_quiet(run: Program) -> None:
    with serving(run, "--quiet") as server:
        server.ask("GET", "/")
        server.running.send(signal.SIGTERM)
        result = server.running.wait()

    assert result.stderr == ""


def test_in_memory_nothing_is_left(run: Program, folder: Path) -> None:
    with serving(run) as server:
        made = server.ask("POST", "/pronunciation-dicts/", {"name": "mine"})

    assert made.status == 200
    assert [path for path in (*run.home.rglob("*"), *folder.rglob("*")) if path.is_file()] == []


def test_a_state_file_outlives_the_server(run: Program, folder: Path) -> None:
    with serving(run, state="state.db") as server:
        dictionary = server.ask("POST", "/pronunciation-dicts/", {"name": "mine"}).json
        dataset = server.ask("POST", "/datasets/", {"name": "d", "description": "x"}).json
        asked = {"grants": {"tts": True}, "expires_in": 600}
        token = server.ask("POST", "/access-token", asked).json["token"]
        server.ask("POST", "/tts/bytes", SPEECH)
        server.running.send(signal.SIGKILL)
        server.running.wait()

    with serving(run, "--require-key", state="state.db", env={"CARTESIA_SERVE_KEYS": "k"}) as server:
        mine = {"authorization": "Bearer k"}
        dictionaries = server.ask("GET", "/pronunciation-dicts/", headers=mine).json
        datasets = server.ask("GET", "/datasets/", headers=mine).json
        used = server.ask("GET", "/usage/credits", headers=mine).json
        spoken = server.ask("POST", "/tts/bytes", SPEECH, headers={"authorization": f"Bearer {token}"})

    assert [each["id"] for each in dictionaries["data"]] == [dictionary["id"]]
    assert [each["id"] for each in datasets["data"]] == [dataset["id"]]
    assert used["data"][0]["credits"] == len(SPEECH["transcript"])
    assert spoken.status == 200
    assert {path.name for path in folder.iterdir()} <= {"state.db", "state.db-wal", "state.db-shm"}


def test_without_a_state_the_users_own_voices_are_served(run: Program) -> None:
    made = run("dicts", "add", "tales", "Siobhan=shivawn", "--engine", "local").text.strip()

    with serving(run, state=None) as server:
        found = server.ask("GET", "/pronunciation-dicts/").json["data"]

    assert [each["id"] for each in found] == [made]


def test_the_program_speaks_with_its_own_server(run: Program, folder: Path) -> None:
    with serving(run) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        said = run("say", "Good day to you.", "-o", "a.wav", "--timings", "a.srt", env=env)
        heard = run("transcribe", "a.wav", env=env)
        streamed = run("stream", "-o", "b.wav", stdin=b"Good day to you.", env=env)

    assert (said.status, heard.status, streamed.status) == (0, 0, 0)
    assert "good day to you" in heard.text.lower()
    assert "Good day to you." in (folder / "a.srt").read_text()


def test_strict_and_lenient(run: Program) -> None:
    odd = {**SPEECH, "colour": "blue"}
    unknown = {**SPEECH, "voice": "00000000-0000-4000-8000-000000000000"}
    with serving(run) as server:
        strict = server.ask("POST", "/tts/bytes", odd)
        strict_voice = server.ask("POST", "/tts/bytes", unknown)
    with serving(run, "--lenient") as server:
        lenient = server.ask("POST", "/tts/bytes", odd)
        lenient_voice = server.ask("POST", "/tts/bytes", unknown)

    assert strict.status == 400
    assert "colour" in strict.json["message"]
    assert strict_voice.status == 404
    assert (lenient.status, lenient_voice.status) == (200, 200)


def test_more_at_once_than_allowed(run: Program) -> None:
    with serving(run, "--concurrency", "1", "--fault", "/tts/sse:slow=200ms") as server:
        connection = server.connect()
        connection.request("POST", "/tts/sse", json.dumps(LONG))
        connection.getresponse().read(1)
        refused = server.ask("POST", "/tts/bytes", SPEECH)
        connection.close()
        wait_until(lambda: server.ask("POST", "/tts/bytes", SPEECH).status == 200)

    assert refused.status == 429
    assert refused.json["error_code"] == "concurrency_limited"
    assert refused.headers["retry-after"]


def test_an_upload_that_is_too_large(run: Program) -> None:
    form = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n%s\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    with serving(run, "--max-upload", "1") as server:
        refused = server.ask("POST", "/stt", form % bytes(1_100_000), headers)

    assert refused.status == 413
    assert refused.json["error_code"] == "file_too_large"


def test_faults_are_the_same_for_the_same_seed(run: Program) -> None:
    def statuses(seed: int) -> list[int]:
        with serving(run, "--fault", "/voices:500@50%", "--seed", seed) as server:
            return [server.ask("GET", "/voices").status for _ in range(24)]

    first, again, other = statuses(1), statuses(1), statuses(2)

    assert first == again
    assert first != other
    assert set(first) == {200, 500}


def test_without_the_extra(run: Program, tmp_path: Path) -> None:
    env = without(tmp_path, run, "starlette", "uvicorn", "msgspec")

    result = run("serve", env=env)

    assert_failure(result, 2, "pip install", "cartesia-cli[serve]")


def test_without_the_built_in_engine(run: Program, tmp_path: Path) -> None:
    env = without(tmp_path, run, "hibari", "onnxruntime", "moonshine_voice")

    result = run("serve", "--port", "0", env=env)

    assert_failure(result, 2, "pip install", "local")


def test_without_the_recogniser_it_speaks(run: Program, tmp_path: Path) -> None:
    with serving(run, env=without(tmp_path, run, "moonshine_voice")) as server:
        spoken = server.ask("POST", "/tts/bytes", SPEECH)
        heard = server.ask(
            "POST",
            "/stt",
            b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nx\r\n--b--\r\n',
            {"content-type": "multipart/form-data; boundary=b"},
        )

    assert spoken.status == 200
    assert heard.status == 501


def test_open_shows_the_page(run: Program, folder: Path) -> None:
    browser = folder / "browser"
    browser.write_text('#!/bin/sh\nprintf %s "$1" > opened\n')
    browser.chmod(0o755)

    with serving(run, "--open", env={"BROWSER": f"{browser} %s"}) as server:
        opened = folder / "opened"
        wait_until(lambda: opened.exists() and opened.read_text() != "")

    assert opened.read_text().rstrip("/") == server.url


def test_a_log_file_holds_what_stderr_has(run: Program, folder: Path) -> None:
    with serving(run, "--log-file", "log.txt") as server:
        server.ask("GET", "/")

    assert "GET / 200" in (folder / "log.txt").read_text()
