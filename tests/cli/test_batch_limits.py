"""What ends or slows a run of ``cartesia batch``: limits of the API, of the purse, of patience."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from zlib import crc32

import pytest

from tests.cli.batching import RAW, Crowd, asked, broken, files, holds, parts, sentences, speech, write
from tests.cli.cloud import Cloud, error
from tests.cli.program import Program, Result
from tests.fakes.scripted import CLOSE, Request, Step, response

ROOM = "lines.jsonl"


def api_error(status: int, code: str, **headers: str) -> list[Step]:
    """Return an error with a code, as the newest API sends it."""
    body = {"error_code": code, "title": "Refused", "message": "The service says no.", "request_id": "7d0f"}
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return response(status, json.dumps(body).encode(), headers=named)


def from_request(number: int, answer: Sequence[Step]) -> Callable[[Request], Sequence[Step]]:
    """Return answers that are speech before the request of this number, from 1, and then ``answer``."""
    count = iter(range(1, 10_000))
    return lambda request: speech(request) if next(count) < number else answer


# 429


def test_a_wish_to_be_left_alone_is_granted_by_all(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(30)
    write(folder, *texts)
    refused_at: list[float] = []
    begun_at: list[float] = []
    lock = threading.Lock()

    def refuse_the_tenth(request: Request) -> Sequence[Step]:
        with lock:
            begun_at.append(time.monotonic())
            if len(begun_at) == 10:
                refused_at.append(time.monotonic())
                return api_error(429, "concurrency_limited", retry_after="1.2")
        time.sleep(0.02)
        return speech(request)

    cloud.always(refuse_the_tenth)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "6")

    assert result.status == 0, result.stderr
    [refused] = refused_at
    after = sorted(moment - refused for moment in begun_at if moment > refused)
    assert [moment for moment in after if 0.4 < moment < 1.15] == []  # earlier ones were on their way
    assert len([moment for moment in after if moment >= 1.15]) >= 10
    assert Counter(asked(cloud)).most_common(2)[0][1] == 2
    assert len(asked(cloud)) == 31
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, 31)]


class Limited:
    """An API that has so many requests under way at most, and refuses the others at once."""

    def __init__(self, limit: int) -> None:
        self.n_refused = self.n_accepted = 0
        self._limit = limit
        self._crowd = Crowd()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Sequence[Step]:
        with self._lock:
            if self._crowd.n_present >= self._limit:
                self.n_refused += 1
                return api_error(429, "concurrency_limited", retry_after_ms="10")
            self.n_accepted += 1
            return self._crowd(request)


def test_it_finds_the_number_that_the_service_allows(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(80)
    write(folder, *texts)
    service = Limited(2)
    cloud.always(service)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "8")

    assert result.status == 0, result.stderr
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))
    assert service.n_accepted == 80
    assert 0 < service.n_refused < 80  # eight at a time, again and again, would be hundreds


class Weather:
    """Storms of 429, one 500 in twenty, streams that are cut, connections that end before an answer.

    A storm begins with a certain request and lasts a while. What else befalls a text, the first time that it
    is asked for, is decided by a seed, so that a run does not depend on which request came first.
    """

    def __init__(self, seed: int) -> None:
        self.kinds: Counter[str] = Counter()
        self._seed = seed
        self._tried: set[str] = set()
        self._storms_end = 0.0
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Sequence[Step]:
        with self._lock:
            kind = self._kind(request.json()["transcript"])
            self.kinds[kind] += 1
        match kind:
            case "storm":
                return api_error(429, "concurrency_limited", retry_after_ms="50")
            case "500":
                return api_error(500, "internal", retry_after_ms="20")
            case "cut":
                return broken(request)
            case "gone":
                return [CLOSE]
            case _:
                return speech(request)

    def _kind(self, text: str) -> str:
        now = time.monotonic()
        if self.kinds.total() in {40, 100}:
            self._storms_end = now + 0.3
        if now < self._storms_end:
            return "storm"
        if text in self._tried:  # the weather is bad, not hopeless
            return "fair"
        self._tried.add(text)
        chance = Random(crc32(f"{self._seed} {text}".encode())).random()  # noqa: S311  a die
        limits = {"500": 0.05, "cut": 0.1, "gone": 0.13}
        return next((kind for kind, limit in limits.items() if chance < limit), "fair")


def test_storms_errors_and_cut_streams_are_all_done_in_the_end(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(150)
    write(folder, *texts)
    weather = Weather(seed=7)
    crowd = Crowd(weather, seconds=0.01)
    cloud.always(crowd)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "6", "--no-cache", "--json")

    assert result.status == 0, result.stderr
    assert {event["status"] for event in result.events} == {"done"}
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))
    assert crowd.most <= 6
    assert weather.kinds["storm"] >= 8
    assert min(weather.kinds[kind] for kind in ("500", "cut", "gone")) >= 2
    assert weather.kinds["fair"] == 150  # none was asked for again after it had come
    assert parts(folder) == []


def test_an_item_that_never_comes_fails_alone(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Good day.", "Bad day.", "See you.")
    cloud.always(
        lambda request: (
            api_error(500, "internal", retry_after_ms="10") if b"Bad" in request.body else speech(request)
        )
    )

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--retries", "2", "--json")

    assert result.status == 8
    assert [event["status"] for event in result.events] == ["done", "failed", "done"]
    assert asked(cloud).count("Bad day.") == 3


def test_retries_0_asks_once(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Bad day.")
    cloud.always(api_error(500, "internal", retry_after_ms="10"))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--retries", "0")

    assert result.status == 8
    assert len(asked(cloud)) == 1


def test_a_stream_that_breaks_every_time_fails_its_item(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, "Good day.", "Bad day.", "See you.")
    cloud.always(lambda request: broken(request) if b"Bad" in request.body else speech(request))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--retries", "1", "--json")

    assert result.status == 8
    assert [event["status"] for event in result.events] == ["done", "failed", "done"]
    assert files(folder / "out") == ["000001.raw", "000003.raw"]
    assert asked(cloud).count("Bad day.") == 2
    assert parts(folder) == []


# What ends a run for all


def assert_stopped(result: Result, status: int, *fragments: str) -> None:
    """Check that a run was stopped with a status, and says why in one line."""
    assert result.status == status, result.stderr
    [cause] = [line for line in result.lines if any(fragment in line for fragment in fragments)]
    assert cause.startswith("cartesia: ")


STOPS = {
    "401": (api_error(401, "unauthorized"), 3),
    "403": (api_error(403, "forbidden"), 3),
    "402": (api_error(402, "quota_exceeded"), 4),
    "429 that is a quota": (api_error(429, "quota_exceeded"), 4),
}


@pytest.mark.parametrize(("answer", "status"), STOPS.values(), ids=STOPS)
def test_what_would_fail_every_line_stops_the_run_and_keeps_what_was_done(
    in_cloud: Program, cloud: Cloud, folder: Path, answer: list[Step], status: int
) -> None:
    texts = sentences(40)
    write(folder, *texts)
    cloud.always(from_request(6, answer))

    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "2", "--no-cache")
    n_asked, kept = len(asked(cloud)), files(folder / "out")
    cloud.requests.clear()
    cloud.always(speech)
    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert_stopped(first, status, "The service says no.")
    assert len(kept) == 5
    assert n_asked <= 8
    assert second.status == 0
    assert len(asked(cloud)) == 35
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))


def test_after_a_stop_what_was_not_reached_is_not_failed(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, *sentences(20))
    cloud.always(from_request(4, api_error(402, "quota_exceeded")))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "1", "--json", "--report", "r.json")

    assert result.status == 4
    assert [event["status"] for event in result.events if event["status"] != "failed"] == ["done"] * 3
    assert len(result.events) <= 4
    counts = json.loads((folder / "r.json").read_text())["counts"]
    assert counts["done"] == 3
    assert counts["failed"] <= 1


def test_a_server_that_is_not_there_is_said_soon(run: Program, folder: Path) -> None:
    write(folder, *sentences(200))
    env = {"CARTESIA_BASE_URL": "http://127.0.0.1:9", "CARTESIA_API_KEY": "k"}

    result = run("batch", ROOM, "-o", "out", *RAW, "--retries", "0", "--max-failures", "3", env=env)

    assert result.status == 8
    assert result.seconds < 10
    assert len(result.lines) < 50


# What the system allows

STATED = ("sh", "-c", 'ulimit $0 || exit 99; exec "$@"')
"""A wrapper under which a limit is as the next argument says."""


def test_as_many_files_may_be_open_as_the_system_allows(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(60)
    write(folder, *texts)
    crowd = Crowd(seconds=0.4)
    cloud.always(crowd)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--jobs", "40", wrapper=(*STATED, "-Sn 64"))

    assert result.status == 0, result.stderr
    assert "open" not in result.stderr
    assert crowd.most > 20
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))


def test_more_jobs_than_files_may_be_open_for_are_fewer_and_told_once(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(150)
    write(folder, *texts)
    crowd = Crowd(seconds=0.2)
    cloud.always(crowd)

    result = in_cloud(
        "batch", ROOM, "-o", "out", *RAW, "--timings", "srt", "--jobs", "100", wrapper=(*STATED, "-n 164")
    )

    assert result.status == 0, result.stderr
    warnings = [line for line in result.lines if "164" in line]
    assert warnings == [
        "cartesia: warning: only 20 of 100 jobs at once: no more than 164 files may be open (ulimit -n)"
    ]
    assert 10 < crowd.most <= 20
    assert len(asked(cloud)) == 150
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))


def test_without_room_for_a_thread_it_is_said(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(3))
    tight = ("sh", "-c", 'ulimit -s 8000000 && ulimit -v 4000000 || exit 99; exec "$@"', "sh")

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, wrapper=tight)

    assert result.status == 6, result.stderr
    assert "No thread can be started" in result.stderr
    assert asked(cloud) == []


# --budget


def test_a_budget_is_never_exceeded_and_the_next_run_goes_on(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(20)
    write(folder, *texts)

    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--budget", "315", "--jobs", "4", "--json")
    spent = sum(map(len, asked(cloud)))
    cloud.requests.clear()
    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--budget", "300")

    assert first.status == 8
    assert spent == 300
    assert [event["status"] for event in first.events] == ["done"] * 10
    assert "The budget of 315 credits does not reach further (300 spent): 10 done, 10 left." in first.stderr
    assert second.status == 0
    assert sum(map(len, asked(cloud))) == 300
    assert files(folder / "out") == [f"{i:06}.raw" for i in range(1, 21)]


def test_a_long_line_that_does_not_fit_costs_nothing_however_often(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, " ".join(sentences(200)))
    command = ("batch", ROOM, "-o", "out", *RAW, "--no-cache", "--budget", "5000")

    results = [in_cloud(*command) for _ in range(2)]

    assert [result.status for result in results] == [8, 8]
    assert asked(cloud) == []
    assert "5,000 credits does not reach further (0 spent): 0 done, 1 left." in results[0].stderr


def test_a_budget_that_is_enough_is_no_failure(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(5))

    assert in_cloud("batch", ROOM, "-o", "out", *RAW, "--budget", "150").status == 0

    assert len(asked(cloud)) == 5


def test_what_the_cache_knows_costs_nothing_of_the_budget(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    texts = sentences(6)
    write(folder, *texts[:4])
    in_cloud("batch", ROOM, "-o", "out", *RAW)
    write(folder, *texts)

    result = in_cloud("batch", ROOM, "-o", "other", *RAW, "--budget", "60")

    assert result.status == 0
    assert len(asked(cloud)) == 6


def test_no_budget_at_all_asks_nothing(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(5))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--budget", "0")

    assert result.status == 8
    assert asked(cloud) == []


def test_what_was_refused_is_not_spent(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(4))
    cloud.next(error(400, message="Not this one."))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--budget", "90", "--jobs", "1", "--json")

    assert result.status == 8
    assert [event["status"] for event in result.events] == ["failed", "done", "done", "done"]


# --max-failures


def test_after_so_many_failures_it_ends(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(30))
    cloud.always(from_request(4, error(400, message="Not so.")))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--max-failures", "3", "--jobs", "1", "--json")

    assert result.status == 8
    assert [event["status"] for event in result.events] == ["done"] * 3 + ["failed"] * 3
    assert len(asked(cloud)) == 6
    assert "after 3 failures" in result.stderr
    assert "24 left" in result.stderr


def test_failures_behind_a_slow_line_count_at_once(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(60)
    write(folder, *texts)
    n_bad = threading.Semaphore(0)

    def the_first_is_slow(request: Request) -> Sequence[Step]:
        if request.json()["transcript"] != texts[0]:
            n_bad.release()
            return error(400, message="Not so.")
        for _ in range(20):  # far more than are allowed, or as many as come
            if not n_bad.acquire(timeout=0.5):
                break
        return speech(request)

    cloud.always(the_first_is_slow)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--max-failures", "3", "--jobs", "2", "--json")

    assert result.status == 8
    assert result.events[0]["status"] == "done"
    assert len(asked(cloud)) <= 8


def test_fewer_failures_than_allowed_do_not_end_it(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, *sentences(12))
    cloud.next(*[error(400, message="Not so.")] * 2)

    result = in_cloud("batch", ROOM, "-o", "out", *RAW, "--max-failures", "3")

    assert result.status == 8
    assert len(files(folder / "out")) == 10


def test_the_run_after_too_many_failures_goes_on(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    texts = sentences(12)
    write(folder, *texts)
    cloud.always(from_request(5, error(400, message="Not so.")))
    first = in_cloud("batch", ROOM, "-o", "out", *RAW, "--max-failures", "1", "--jobs", "2", "--no-cache")
    done = len(files(folder / "out"))
    cloud.requests.clear()
    cloud.always(speech)

    second = in_cloud("batch", ROOM, "-o", "out", *RAW, "--no-cache")

    assert (first.status, done, second.status) == (8, 4, 0)
    assert len(asked(cloud)) == 8
    assert all(holds(folder / "out" / f"{i:06}.raw", text) for i, text in enumerate(texts, 1))


def test_speech_that_does_not_end_fails_its_line(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, "Hello.")
    hour = bytes(8000 * 2 * 3600)
    cloud.always(lambda _: response(body=hour, content_type="audio/wav"))

    result = in_cloud("batch", ROOM, "-o", "out", *RAW)

    assert result.status == 8
    assert "does not end" in result.stderr
    assert files(folder / "out") == []
    assert len(cloud.spoken) == 1
