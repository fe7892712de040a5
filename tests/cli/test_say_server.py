"""The program and this project's own server understand each other."""

import json
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from cartesia_cli.errors import CartesiaError, LimitError, RequestError, UnavailableError
from cartesia_cli.models import SAMPLE_RATES, AudioFormat, Encoding
from tests.cli.program import KEY, Program, assert_failure
from tests.fakes.known import KnownSamples, known_samples, known_words
from tests.fakes.server import running_server

TEXT = "Hello to all of you."


@pytest.mark.parametrize("transport", ["bytes", "sse"])
@pytest.mark.parametrize("encoding", list(Encoding))
def test_samples_are_exact_in_every_encoding(
    run: Program, folder: Path, encoding: Encoding, transport: str
) -> None:
    with running_server(KnownSamples(chunk_bytes=333), faults=["/tts:split=7"]) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        result = run(
            "say", TEXT, "-o", "a.pcm", "--encoding", encoding, "--transport", transport, "-r", 8000, env=env
        )

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == known_samples(TEXT, AudioFormat(encoding, 8000))


@pytest.mark.parametrize("rate", SAMPLE_RATES)
def test_samples_are_exact_at_every_rate(run: Program, folder: Path, rate: int) -> None:
    with running_server() as server:
        result = run("say", TEXT, "-o", "a.pcm", "-r", rate, env={"CARTESIA_BASE_URL": server.url})

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == known_samples(TEXT, AudioFormat(Encoding.PCM_F32LE, rate))


@pytest.mark.parametrize("first", [False, True], ids=["timings after sound", "timings before sound"])
def test_timings_are_those_of_the_voice(run: Program, folder: Path, first: bool) -> None:
    with running_server(KnownSamples(timings_first=first)) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        result = run("say", TEXT, "-o", "a.pcm", "--timings", "a.json", "--phonemes", env=env)

    assert (result.status, result.stderr) == (0, "")
    read = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert read["words"] == [{"word": w.word, "start": w.start, "end": w.end} for w in known_words(TEXT)]
    assert "".join(p["phoneme"] for p in read["phonemes"]) == TEXT.replace(" ", "")
    assert read["duration"] == pytest.approx(1.5, abs=0.001)


def test_a_server_that_wants_a_key_gets_it(run: Program) -> None:
    with running_server(keys={KEY}, prefix="/cartesia") as server:
        env = {"CARTESIA_BASE_URL": server.url}
        without = run("say", TEXT, "-o", "a.pcm", env=env)
        wrong = run("say", TEXT, "-o", "a.pcm", env=env | {"CARTESIA_API_KEY": "sk_car_wrong"})
        right = run("say", TEXT, "-o", "a.pcm", env=env | {"CARTESIA_API_KEY": KEY})

    assert_failure(without, 3)
    assert_failure(wrong, 3)
    assert right.status == 0


def test_voices_are_found_by_name(run: Program) -> None:
    with running_server() as server:
        env = {"CARTESIA_BASE_URL": server.url}
        found = run("say", TEXT, "-v", "skylar", "-o", "a.pcm", env=env)
        spoken = server.requests[-1].json["voice"]
        ambiguous = run("say", TEXT, "-v", "Sarah", "-o", "a.pcm", env=env)
        unknown = run("say", TEXT, "-v", "Barbra", "-o", "a.pcm", env=env)
        unknown_id = run("say", TEXT, "-v", "11111111-2222-4333-8444-555555555555", "-o", "a.pcm", env=env)

    assert found.status == 0
    assert (spoken["id"] if isinstance(spoken, dict) else spoken) == "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
    assert_failure(
        ambiguous, 2, "694f9389-aac1-45b6-b726-9d9369183238", "00000000-0000-4000-8000-000000000001"
    )
    assert_failure(unknown, 2, "Barbara")
    assert_failure(unknown_id, 5)


FAULTS: dict[str, tuple[Sequence[str], int]] = {
    "429 twice": (["/tts:429=1ms*2"], 0),
    "a lost connection": (["/tts:drop*1"], 0),
    "a page instead of an error": (["/tts:502=html"], 6),
    "an empty error": (["/tts:500=empty"], 6),
    "an error in text": (["/tts:404=text"], 5),
    "no retry": (["/tts:429=never"], 4),
    "a body that breaks off": (["/tts:drop=2000"], 6),
    "a body that stalls": (["/tts:stall=2000"], 6),
    "a slow body": (["/tts:slow=20ms"], 0),
}


@pytest.mark.parametrize(("faults", "status"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("transport", ["bytes", "sse"])
def test_faults_are_survived_or_named(
    run: Program, folder: Path, faults: Sequence[str], status: int, transport: str
) -> None:
    with running_server(faults=faults) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        options = ["--transport", transport, "--timeout", "0.7", "-r", "8000"]
        result = run(
            "say", TEXT, "-o", "a.pcm", *options, *(["--retries", "0"] if status == 6 else []), env=env
        )

    assert result.status == status, result.stderr
    if status:
        assert_failure(result, status)
        assert list(folder.iterdir()) == []
    else:
        assert (folder / "a.pcm").read_bytes() == known_samples(TEXT, AudioFormat(Encoding.PCM_F32LE, 8000))


def test_a_stream_that_ends_too_early_is_noticed(run: Program, folder: Path) -> None:
    """The body looks complete to HTTP, but ``done`` is missing."""
    with running_server(faults=["/tts/sse:cut=9000"]) as server:
        result = run("say", TEXT, "-o", "a.pcm", "--transport", "sse", env={"CARTESIA_BASE_URL": server.url})

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


BREAKS = {
    "the voice breaks": (UnavailableError("The voice broke."), 6),
    "the quota ends": (LimitError("No credits left."), 4),
    "the request is refused": (RequestError("Not that."), 5),
}


@pytest.mark.parametrize(("failure", "status"), BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("after", [0, 2])
def test_an_engine_that_fails_is_told_apart(
    run: Program, folder: Path, failure: CartesiaError, status: int, after: int
) -> None:
    with running_server(KnownSamples(fail_after=after, error=failure)) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        result = run("say", TEXT, "-o", "a.pcm", "--transport", "sse", "--retries", "0", env=env)

    assert_failure(result, status, str(failure))
    assert list(folder.iterdir()) == []


def test_ctrl_c_frees_the_server(run: Program) -> None:
    engine = KnownSamples(pace=1)
    with running_server(engine) as server:
        running = run.start("say", TEXT, "-o", "-", "--format", "raw", env={"CARTESIA_BASE_URL": server.url})
        assert running.stdout is not None
        running.stdout.wait_for(1000)
        running.send(signal.SIGINT)
        result = running.wait()

        assert result.status == 130
        assert engine.ended.acquire(timeout=5)
