"""``batch --cluster``: a real scheduler and real workers, one of them killed; S3 as where the files go."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cartesia_cli.models import AudioFormat, Encoding, SpeechEvents, SpeechRequest
from tests.cli.batching import RAW, sentences
from tests.cli.program import Program, assert_failure, wait_until
from tests.fakes.cluster import Cluster, cluster
from tests.fakes.known import KnownSamples, known_samples
from tests.fakes.s3 import S3Server, s3_server
from tests.fakes.server import RunningServer, running_server

KEY = "sk_car_for_the_whole_cluster"
TEXTS = sentences(40)
FORMAT = AudioFormat(Encoding.PCM_S16LE, 8000)


class Counting(KnownSamples):
    """A voice that counts how often it says each text."""

    def __init__(self) -> None:
        super().__init__(pace=12)
        self.said: Counter[str] = Counter()

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        self.said[request.transcript] += 1
        yield from super().synthesize(request)


@pytest.fixture
def voice() -> Counting:
    return Counting()


@pytest.fixture
def api(voice: Counting) -> Iterator[RunningServer]:
    with running_server(voice, keys=[KEY]) as server:
        yield server


@pytest.fixture
def store() -> Iterator[S3Server]:
    with s3_server() as server:
        server.create_bucket("speech")
        yield server


@pytest.fixture
def dask(tmp_path: Path, store: S3Server) -> Iterator[Cluster]:
    place = tmp_path / "cluster"
    place.mkdir()
    with cluster(place, {**store.environ, "HOME": str(place)}) as running:
        yield running


@pytest.fixture
def batch(run: Program, folder: Path, api: RunningServer, store: S3Server) -> Program:
    """Return the program with a manifest in its folder, a key, and what it needs to find the store."""
    (folder / "lines.txt").write_text("\n".join(TEXTS))
    run.env.update({"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": api.url, **store.environ})
    return run


def test_a_cluster_that_loses_a_worker_makes_everything_once(
    batch: Program, voice: Counting, store: S3Server, dask: Cluster, folder: Path
) -> None:
    command = ("batch", "lines.txt", "-o", "s3://speech/out", *RAW, "--cluster", dask.address, "--jobs", "4")
    lost, _ = dask.add_worker(), dask.add_worker()
    running = batch.start(*command, "--report", "report.json", "--json")
    wait_until(lambda: voice.said.total() >= 12, 60)
    lost.kill()

    first = running.wait(90)
    said = voice.said.copy()
    second = batch(*command, timeout=60)

    assert first.status == 0, first.stderr
    assert [item["status"] for item in first.events] == ["done"] * 40
    assert [item["line"] for item in first.events] == list(range(1, 41))
    assert {item["output"] for item in first.events} == {f"s3://speech/out/{i:06}.raw" for i in range(1, 41)}
    assert set(said) == set(TEXTS)
    assert said.total() <= 40 + 2  # the lost worker had two threads, and nobody heard what they made
    for i, text in enumerate(TEXTS, 1):
        assert store.get(f"speech/out/{i:06}.raw") == known_samples(text, FORMAT)
    assert json.loads((folder / "report.json").read_text())["counts"] == {
        "done": 40,
        "skipped": 0,
        "failed": 0,
        "left": 0,
    }
    assert (second.status, voice.said) == (0, said), second.stderr
    assert "40 skipped" in second.stderr
    assert KEY not in dask.everything_written


def test_without_a_cluster_files_go_to_the_store_from_here(
    batch: Program, voice: Counting, store: S3Server
) -> None:
    command = ("batch", "lines.txt", "-o", "s3://speech/deep/er", *RAW, "--timings", "srt", "--no-cache")

    first = batch(*command, timeout=60)
    second = batch(*command, timeout=60)

    assert (first.status, second.status) == (0, 0), first.stderr + second.stderr
    assert voice.said == dict.fromkeys(TEXTS, 1)
    assert store.get("speech/deep/er/000001.srt").startswith(b"1\n")
    assert store.get("speech/deep/er/000040.raw") == known_samples(TEXTS[39], FORMAT)


def test_a_store_that_does_not_exist_is_told_before_anything_is_asked_for(
    batch: Program, voice: Counting
) -> None:
    assert_failure(batch("batch", "lines.txt", "-o", "s3://nowhere/out", *RAW), 7, "s3://nowhere")

    assert voice.said == {}
