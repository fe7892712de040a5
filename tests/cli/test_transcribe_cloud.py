"""``transcribe`` and the API: what is sent, what comes back, what breaks: api.md B.6, cli.md section 8."""

import json
import os
import re
import signal
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import srt

from tests.cli.cloud import Cloud, cut, error
from tests.cli.conftest import Transcribe
from tests.cli.program import KEY, Program, assert_failure, assert_printable, wait_until
from tests.cli.uploads import Plan, Receiver, Taken, recording, transcript
from tests.fakes.scripted import CLOSE, HANG, RESET, Answer, Gate, Pause, bytewise, chunked, response

TEXT = "Good day."
SOON = [("retry-after-ms", "1")]
DONE = response(body=transcript(TEXT))
CUT_SHORT: list[Answer] = [[CLOSE], [RESET]]


@pytest.fixture(autouse=True)
def sound(folder: Path) -> None:
    (folder / "a.wav").write_bytes(recording(TEXT))


# What is sent


def test_the_form_has_the_documented_parts(transcribe: Transcribe, cloud: Cloud) -> None:
    assert transcribe("a.wav", "--words").status == 0

    [request], [upload] = cloud.requests, cloud.uploads
    assert (request.method, request.target) == ("POST", "/stt")
    assert upload.fields == {
        "model": ["ink-whisper"],
        "language": ["en"],
        "timestamp_granularities[]": ["word"],
    }
    assert upload.filename == "a.wav"
    assert request.header("authorization") == f"Bearer {KEY}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", request.header("cartesia-version") or "")
    assert int(request.header("content-length") or 0) == len(request.body)


@pytest.mark.parametrize("options", [[], ["--format", "text"], ["--json"]], ids=" ".join)
def test_words_are_not_asked_for_without_need(
    transcribe: Transcribe, cloud: Cloud, options: list[str]
) -> None:
    assert transcribe("a.wav", *options).status == 0

    assert "timestamp_granularities[]" not in cloud.uploads[0].fields


@pytest.mark.parametrize("format", ["srt", "vtt", "ass", "lrc", "tsv"])
def test_subtitles_ask_for_words(transcribe: Transcribe, cloud: Cloud, format: str) -> None:
    assert transcribe("a.wav", "--format", format).status == 0

    assert cloud.uploads[0].fields["timestamp_granularities[]"] == ["word"]


def test_model_and_language_come_from_the_nearest_place(in_cloud: Program, cloud: Cloud) -> None:
    env = {"CARTESIA_STT_MODEL": "ink-env", "CARTESIA_LANGUAGE": "fr"}

    assert in_cloud("transcribe", "a.wav", env=env).status == 0
    assert in_cloud("transcribe", "a.wav", "--model", "ink-x", "--language", "de", env=env).status == 0

    sent = [(u.fields["model"], u.fields["language"]) for u in cloud.uploads]
    assert sent == [(["ink-env"], ["fr"]), (["ink-x"], ["de"])]


def test_the_model_of_speech_is_not_that_of_recognition(in_cloud: Program, cloud: Cloud) -> None:
    assert in_cloud("transcribe", "a.wav", env={"CARTESIA_MODEL": "sonic-3"}).status == 0

    assert cloud.uploads[0].fields["model"] == ["ink-whisper"]


def test_a_file_travels_byte_for_byte(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    noise = os.urandom(3_000_001)
    (folder / "noise.webm").write_bytes(noise)
    cloud.always(DONE)

    assert transcribe("noise.webm").text == "Good day.\n"

    [upload] = cloud.uploads
    assert upload.data == noise
    assert upload.filename == "noise.webm"
    assert upload.query == {}


AWKWARD = {
    "a form within": b"\r\n--boundary\r\nContent-Disposition: form-data; name=model\r\n\r\nx\r\n--boundary--",
    "line feeds": b"\r\n\r\n\n\r--\r\n",
    "one byte": b"\0",
}


@pytest.mark.parametrize("data", AWKWARD.values(), ids=AWKWARD)
def test_awkward_bytes_travel_as_they_are(
    transcribe: Transcribe, cloud: Cloud, folder: Path, data: bytes
) -> None:
    (folder / "x.mp3").write_bytes(data)
    cloud.always(DONE)

    assert transcribe("x.mp3").status == 0
    assert cloud.uploads[0].data == data


HEADERS = {
    "size 0": (0, 0),
    "size of a pipe": (0x7FFFF000 + 36, 0x7FFFF000),
    "endless": (0xFFFFFFFF, 0xFFFFFFFF),
    "cut": (1 << 20, 1 << 20),
}


@pytest.mark.parametrize("sizes", HEADERS.values(), ids=HEADERS)
def test_odd_headers_are_left_to_the_api(
    transcribe: Transcribe, cloud: Cloud, folder: Path, sizes: tuple[int, int]
) -> None:
    whole = recording(TEXT)
    riff, data = (size.to_bytes(4, "little") for size in sizes)
    odd = whole[:4] + riff + whole[8:40] + data + whole[44:]
    (folder / "odd.wav").write_bytes(odd)
    cloud.always(DONE)

    assert transcribe("odd.wav").text == "Good day.\n"
    assert cloud.uploads[0].data == odd


def test_an_empty_file_is_refused_here(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    (folder / "empty.wav").write_bytes(b"")

    assert_failure(transcribe("empty.wav"), 2, "empty.wav")
    assert cloud.requests == []


def test_a_text_called_a_recording_is_refused_by_the_api(transcribe: Transcribe, folder: Path) -> None:
    (folder / "text.wav").write_text("I am a text.")

    assert_failure(transcribe("text.wav"), 5, "This is not audio.")


def test_a_keyterm_is_not_for_recordings_and_says_so(transcribe: Transcribe, cloud: Cloud) -> None:
    result = transcribe("a.wav", "--keyterm", "Cartesia", "--keyterm", "Sonic")

    assert (result.status, result.text) == (0, "Good day.\n")
    assert len(result.lines) == 1
    assert "--keyterm" in result.stderr
    assert b"Sonic" not in cloud.requests[0].body


def test_no_key_is_needed_on_this_machine(in_cloud: Program, cloud: Cloud) -> None:
    env = {"CARTESIA_API_KEY": None}

    result = in_cloud("transcribe", "a.wav", "--engine", "cloud", env=env)

    assert (result.status, result.text) == (0, "Good day.\n")
    assert cloud.requests[0].header("authorization") is None


def test_a_key_is_needed_elsewhere(run: Program) -> None:
    assert_failure(run("transcribe", "a.wav", "--engine", "cloud"), 3, "CARTESIA_API_KEY")


def test_a_base_url_may_carry_a_path(in_cloud: Program, cloud: Cloud) -> None:
    in_cloud("transcribe", "a.wav", "--base-url", f"{cloud.url}/speech/")

    assert cloud.requests[0].target == "/speech/stt"


# What may come back

ODD_WORDS: dict[str, list[tuple[str, float, float]]] = {
    "unsorted": [("three", 1.0, 1.4), ("one", 0.0, 0.4), ("two", 0.5, 0.9)],
    "overlapping": [("one", 0.0, 0.9), ("two", 0.5, 1.9), ("three", 0.6, 1.2)],
    "of no length": [("one", 0.5, 0.5), ("two", 0.5, 0.5), ("three", 3.0, 3.0)],
    "all at the start": [("one", 0.0, 0.0), ("two", 0.0, 0.0), ("three", 0.0, 0.0)],
    "ending before they begin": [("one", 0.5, 0.2), ("two", 0.9, 0.8), ("three", 2.0, 2.5)],
    "before the start": [("one", -0.4, -0.1), ("two", -0.05, 0.4), ("three", 0.5, 0.9)],
    "right to left": [("مرحبا", 0.1, 0.5), ("יום", 0.6, 1.0), ("טוב", 1.1, 1.5)],
    "emoji": [("👋🏽", 0.1, 0.5), ("👩‍👩‍👧‍👦", 0.6, 1.0), ("🇩🇪!", 1.1, 1.5)],
    "markup": [("<b>&amp;", 0.1, 0.5), ("-->", 0.6, 1.0), (r"{\k50}", 1.1, 1.5)],
    "with spaces around": [(" one", 0.1, 0.5), ("two ", 0.6, 1.0), (" three ", 1.1, 1.5)],
    "days later": [("one", 0.1, 0.5), ("two", 100_000.0, 100_000.5), ("three", 359_999.0, 359_999.5)],
    "as whole numbers": [("one", 0, 1), ("two", 1, 2), ("three", 2, 3)],
    "endless": [("one" * 60, 0.1, 0.5), ("two", 0.6, 90.0), ("three", 90.0, 90.4)],
}
FORMATS = ["text", "json", "srt", "vtt", "ass", "lrc", "tsv"]
ALL_FORMATS = [x for f in FORMATS for x in ("--format", f)]


@pytest.mark.parametrize("words", ODD_WORDS.values(), ids=ODD_WORDS)
def test_nothing_is_lost_of_odd_words(
    transcribe: Transcribe, cloud: Cloud, folder: Path, words: list[tuple[str, float, float]]
) -> None:
    as_sent = [{"word": word, "start": start, "end": end} for word, start, end in words]
    spoken = [word.strip() for word, _, _ in words]
    cloud.always(response(body=transcript(" ".join(spoken), as_sent)))

    result = transcribe("a.wav", "--words", *ALL_FORMATS, "-o", "out/")

    assert result.status == 0, result.stderr
    files = {p.suffix[1:]: p.read_text("utf-8") for p in (folder / "out").iterdir()}
    as_json = json.loads(files["json"])
    assert sorted(w["word"].strip() for w in as_json["words"]) == sorted(spoken)
    assert all(w["start"] <= w["end"] for w in as_json["words"])
    assert all(w["start"] >= 0 for w in as_json["words"])
    rows = [line.split("\t") for line in files["txt"].splitlines()]
    assert sorted(row[2].strip() for row in rows) == sorted(spoken)
    cues = list(srt.parse(files["srt"], ignore_errors=False))
    letters = sorted("".join(spoken))
    assert sorted("".join("".join(cue.content.split()) for cue in cues)) == letters
    assert all(cue.start < cue.end for cue in cues)
    assert all(a.end <= b.start for a, b in pairwise(cues))
    assert len(pysubs2.SSAFile.from_string(files["ass"], format_="ass")) == len(cues)
    assert len(re.findall("^[0-9:.]+ --> [0-9:.]+$", files["vtt"], re.MULTILINE)) == len(cues)
    assert len(files["tsv"].splitlines()) == len(cues) + 1
    plain = re.sub(r"[\[<]\d+:\d\d\.\d\d[\]>]", "", files["lrc"])
    assert all(word[:3] in plain for word in spoken)


def test_words_that_are_null_leave_the_text(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(response(body=transcript(TEXT, None)))

    plain = transcribe("a.wav")
    as_json = transcribe("a.wav", "--json")

    assert (plain.status, plain.text) == (0, "Good day.\n")
    assert (as_json.status, as_json.json["text"]) == (0, TEXT)


@pytest.mark.parametrize("body", [transcript(TEXT, None), transcript(TEXT, []), b'{"text": "Good day."}'])
@pytest.mark.parametrize("options", [["--words"], ["--words", "--json"], ["--format", "srt"]], ids=" ".join)
def test_a_text_whose_words_are_missing_is_not_lost_silently(
    transcribe: Transcribe, cloud: Cloud, options: list[str], body: bytes
) -> None:
    cloud.always(response(body=body))

    result = transcribe("a.wav", *options, "--retries", "0")

    if result.status == 0:
        assert "Good" in result.text
        assert "day." in result.text
    else:
        assert (result.status, result.stdout) == (6, b"")
        assert "words" in result.stderr


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("words", [None, []], ids=["null", "empty"])
def test_no_speech_is_success_in_every_format(
    transcribe: Transcribe, cloud: Cloud, format: str, words: list[Any] | None
) -> None:
    cloud.always(response(body=transcript("", words)))

    result = transcribe("a.wav", "--words", "--format", format)

    assert result.status == 0, result.stderr
    if format == "json":
        assert (result.json["text"], result.json["words"]) == ("", [])
    elif format in {"text", "srt"}:
        assert result.text.strip() == ""


def test_an_answer_of_the_older_api_is_understood(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(response(body=b'{"text": "Good day.", "is_final": true, "new_key": [1]}'))

    result = transcribe("a.wav", "--json")

    assert result.status == 0
    assert result.json["text"] == TEXT
    assert "null" not in result.text


def test_an_answer_may_come_in_any_pieces(transcribe: Transcribe, cloud: Cloud) -> None:
    body = transcript("Größe 👋.", [{"word": "Größe", "start": 0, "end": 1}])
    ways = [
        bytewise(response(body=body)),
        cut(response(body=body), 40),
        chunked(body[:30], body[30:], content_type="application/json"),
        response(body=body, length=False),
    ]
    cloud.next(*ways)

    assert [transcribe("a.wav").text for _ in ways] == ["Größe 👋.\n"] * len(ways)


MALFORMED = {
    "not JSON": b"I heard nothing.",
    "nothing": b"",
    "a list": b"[]",
    "no text": b'{"type": "transcript", "words": []}',
    "text of another type": b'{"text": 5}',
    "null text": b'{"text": null}',
    "half": transcript(TEXT)[:-9],
    "words of another type": transcript(TEXT, "Good day."),
    "a word of another type": transcript(TEXT, ["Good"]),
    "a word without times": transcript(TEXT, [{"word": "Good"}]),
    "times of another type": transcript(TEXT, [{"word": "Good", "start": "soon", "end": None}]),
    "times that are no numbers": transcript(TEXT, [{"word": "Good", "start": float("nan"), "end": 1}]),
    "times without end": transcript(TEXT, [{"word": "Good", "start": 0, "end": float("inf")}]),
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "HTML": b"<html><body>Welcome to the hotel!</body></html>",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_an_answer_that_cannot_be_read_is_no_answer(
    transcribe: Transcribe, cloud: Cloud, folder: Path, body: bytes
) -> None:
    cloud.always(response(body=body))

    result = transcribe("a.wav", "--words", "-o", "x.json", "--retries", "0")

    assert_failure(result, 6)
    assert [p.name for p in folder.iterdir()] == ["a.wav"]


def test_an_answer_without_end_is_given_up(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(chunked(*[b" " * (1 << 20)] * 80, content_type="application/json"))

    assert_failure(transcribe("a.wav", "--retries", "0"), 6)


# What breaks

STATUSES = {
    400: 5,
    401: 3,
    402: 4,
    403: 3,
    404: 5,
    408: 6,
    413: 5,
    415: 5,
    422: 5,
    429: 4,
    500: 6,
    503: 6,
}


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_an_error_has_its_status_and_the_words_of_the_api(
    transcribe: Transcribe, cloud: Cloud, folder: Path, status: int, expected: int
) -> None:
    cloud.always(error(status, message="The service says no.", headers=SOON))

    assert_failure(transcribe("a.wav", "-o", "x.txt"), expected, "The service says no.")
    assert [p.name for p in folder.iterdir()] == ["a.wav"]


def test_errors_of_the_older_api_and_of_proxies(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.next(
        response(400, b"Bad file: This is \x1b[31mnot audio.", content_type="text/plain"),
        response(413, b"<html><h1>413 Too Large</h1></html>", content_type="text/html"),
        response(415, b"", content_type=""),
    )

    plain, proxy, empty = (transcribe("a.wav", "--retries", "0") for _ in range(3))

    assert_failure(plain, 5, "not audio.")
    assert_failure(proxy, 5, "413")
    assert_failure(empty, 5, "415")


def test_an_error_is_one_object_with_json(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(error(400))

    result = transcribe("a.wav", "--json")

    told = json.loads(result.stderr)["error"]
    assert (result.status, result.stdout) == (5, b"")
    assert told["status"] == 5
    assert told["code"] == "some_code"
    assert told["request_id"]


def test_a_key_that_comes_back_is_not_shown(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    cloud.next(error(400, message=f"No such key: {KEY}"), error(500, message=KEY))

    for options in ([], ["--json"], ["--verbose", "--verbose", "--log-file", "log"]):
        cloud.next(error(400, message=f"No such key: {KEY}"))
        result = transcribe("a.wav", "--retries", "0", *options)
        assert KEY not in result.stderr
        assert result.status in {5, 6}
    assert KEY not in (folder / "log").read_text("utf-8")


@pytest.mark.parametrize("status", [409, 429, 503])
def test_an_upload_is_repeated_from_the_start(transcribe: Transcribe, cloud: Cloud, status: int) -> None:
    cloud.next(error(status, headers=SOON), error(status, headers=SOON))

    result = transcribe("a.wav", "--json", "--stats")

    assert (result.status, result.json["text"]) == (0, TEXT)
    assert [u.data for u in cloud.uploads] == [recording(TEXT)] * 3
    assert (result.json["stats"]["requests"], result.json["stats"]["retries"]) == (1, 2)


def test_a_raw_upload_is_repeated_with_its_query(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.next(error(503, headers=SOON))

    result = transcribe("-", "--encoding", "pcm_s16le", "--sample-rate", "8000", stdin=b"raw sound!")

    assert (result.status, result.text) == (0, "raw sound!\n")
    assert [u.data for u in cloud.uploads] == [b"raw sound!"] * 2
    assert all(u.query == {"encoding": ["pcm_s16le"], "sample_rate": ["8000"]} for u in cloud.uploads)


@pytest.mark.parametrize("broken", CUT_SHORT, ids=["closed", "reset"])
def test_a_connection_that_breaks_is_tried_again(
    transcribe: Transcribe, cloud: Cloud, broken: Answer
) -> None:
    cloud.next(broken)

    assert transcribe("a.wav", "--retries", "1").text == "Good day.\n"
    assert [u.data for u in cloud.uploads] == [recording(TEXT)] * 2


def test_retries_come_to_an_end(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(error(503, headers=SOON))

    assert_failure(transcribe("a.wav", "--retries", "3"), 6)
    assert len(cloud.requests) == 4

    assert_failure(transcribe("a.wav", "--retries", "0"), 6)
    assert len(cloud.requests) == 5


def test_what_cannot_help_is_not_tried_again(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always(error(400))

    assert transcribe("a.wav").status == 5
    assert len(cloud.requests) == 1


def test_an_api_that_never_answers_is_given_up(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always([HANG])

    result = transcribe("a.wav", "--timeout", "0.2", "--retries", "0")

    assert_failure(result, 6)
    assert result.seconds < 5


# Large files


def sparse(folder: Path, size: int) -> Path:
    """Make a recording of any size that takes no space."""
    path = folder / f"{size}.wav"
    with path.open("wb") as file:
        file.write(recording("x"))
        file.truncate(size)
    return path


def peak_memory(program: Program, path: Path | str, stdin: bytes | None = None) -> tuple[int, Taken]:
    """Return the most memory in bytes that an upload took, and what arrived."""
    gate = Gate()
    with Receiver(Plan([gate, *DONE])) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        running = program.start("transcribe", path, env=env, stdin=stdin, cold=True)
        assert gate.reached.wait(30)
        status = Path(f"/proc/{running.pid}/status").read_text("utf-8")
        gate.open()
        assert running.wait().text == "Good day.\n"
        [taken] = receiver.uploads
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024, taken


def test_a_large_recording_takes_no_more_memory_than_a_small_one(run: Program, folder: Path) -> None:
    small, _ = peak_memory(run, sparse(folder, 1 << 20))
    large, taken = peak_memory(run, sparse(folder, 300 << 20))
    piped, _ = peak_memory(run, "-", stdin=bytes(32 << 20))

    assert 300 << 20 < taken.n_bytes < (300 << 20) + 4096
    assert large - small < 8 << 20
    assert piped - small < 8 << 20


def test_an_upload_that_breaks_half_way_is_repeated_from_the_start(run: Program, folder: Path) -> None:
    data = os.urandom(4 << 20)
    (folder / "long.wav").write_bytes(data)
    with Receiver(Plan([RESET], read=1 << 20), Plan(DONE)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        result = run("transcribe", "long.wav", "--retries", "1", env=env)
        first, second = receiver.uploads

    assert (result.status, result.text) == (0, "Good day.\n"), result.stderr
    assert first.n_bytes < len(data) < second.n_bytes


def test_an_answer_that_comes_before_the_end_of_the_upload_counts(run: Program, folder: Path) -> None:
    with Receiver(Plan([*error(413, message="At most 2 GB."), CLOSE], read=1 << 16)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        result = run("transcribe", sparse(folder, 20 << 20), env=env)

    assert_failure(result, 5, "At most 2 GB.")


def test_a_server_that_stops_reading_is_given_up(run: Program, folder: Path) -> None:
    with Receiver(Plan([HANG], read=1 << 16)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        result = run("transcribe", sparse(folder, 40 << 20), "--timeout", "0.5", "--retries", "0", env=env)

    assert_failure(result, 6)
    assert result.seconds < 10


def test_a_slow_upload_may_take_longer_than_the_time_limit_and_shows_how_far_it_is(
    run: Program, folder: Path
) -> None:
    path = sparse(folder, 8 << 20)
    with Receiver(Plan(DONE, every=0.03)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        result = run("transcribe", path.name, "--timeout", "1.2", "--retries", "0", env=env, tty=["stderr"])
        [taken] = receiver.uploads

    assert (result.status, result.text) == (0, "Good day.\n"), result.stderr
    assert result.seconds > 1.5
    assert taken.n_bytes > 8 << 20
    assert re.search(r"8388608\.wav [1-9]\d%", result.stderr)


def test_the_whole_of_a_large_upload_arrives(run: Program, folder: Path) -> None:
    data = os.urandom(5_000_003)
    (folder / "long.mp3").write_bytes(data)
    with Receiver(Plan(DONE)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        assert run("transcribe", "long.mp3", env=env).status == 0
        [taken] = receiver.uploads

    assert len(data) < taken.n_bytes < len(data) + 4096
    assert taken.crc != zlib.crc32(data)


@pytest.mark.parametrize(("change", "statuses"), [(-1000, {2, 6}), (1000, {0})], ids=["shorter", "longer"])
def test_a_file_that_changes_during_the_upload(
    run: Program, folder: Path, change: int, statuses: set[int]
) -> None:
    gate = Gate()
    path = sparse(folder, 30 << 20)
    with Receiver(Plan([gate], read=1 << 16, then=DONE)) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY}
        running = run.start("transcribe", path, "--retries", "0", "--timeout", "2", env=env)
        assert gate.reached.wait(10)
        os.truncate(path, (30 << 20) + change)
        gate.open()
        result = running.wait()

    assert result.status in statuses
    assert_printable(result.stderr)


# Signals


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
@pytest.mark.parametrize("stage", ["uploading", "waiting"])
def test_a_signal_leaves_nothing(
    run: Program, folder: Path, tmp_path: Path, number: signal.Signals, status: int, stage: str
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    gate = Gate()
    plan = Plan([gate], read=1 << 16 if stage == "uploading" else None)
    with Receiver(plan) as receiver:
        env = {"CARTESIA_BASE_URL": receiver.url, "CARTESIA_API_KEY": KEY, "TMPDIR": str(temporary)}
        running = run.start("transcribe", "-", "-o", "x.srt", stdin=bytes(20 << 20), env=env)
        assert gate.reached.wait(20)
        sent = time.monotonic()
        running.send(number)
        result = running.wait()
        took = time.monotonic() - sent

    assert result.status == status
    assert result.stdout == b""
    assert len(result.lines) <= 1
    assert [p.name for p in folder.iterdir()] == ["a.wav"]
    assert list(temporary.iterdir()) == []
    assert took < 2


def test_ctrl_c_among_many_keeps_what_is_done(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    for i in range(20):
        (folder / f"{i:02}.wav").write_bytes(recording(f"number {i}"))
    gate = Gate()
    cloud.next(response(body=transcript("first")), response(body=transcript("second")))
    cloud.always([gate, *DONE])

    running = in_cloud.start("transcribe", *[f"{i:02}.wav" for i in range(20)], "-o", "out/", "--jobs", "2")
    wait_until(lambda: len(list((folder / "out").glob("[!.]*"))) == 2)
    assert gate.reached.wait(10)
    running.send(signal.SIGINT)
    result = running.wait()
    gate.open()

    assert result.status == 130
    assert result.seconds < 10
    assert len(result.lines) <= 1
    assert len(list((folder / "out").iterdir())) == 2
    assert len(cloud.requests) <= 6


def test_a_slow_api_is_waited_for(transcribe: Transcribe, cloud: Cloud) -> None:
    cloud.always([Pause(0.5), *DONE])

    assert transcribe("a.wav").text == "Good day.\n"
