"""``cartesia stream`` and ``say --transport websocket`` against this project's own server.

The server speaks with a voice whose every sample and timing is known.
"""

import io
import json
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cartesia_cli.models import AudioFormat, Encoding
from tests.cli.conftest import Begin
from tests.cli.program import KEY, Program, assert_failure, wait_until
from tests.fakes.known import KnownSamples, known_samples, known_words
from tests.fakes.server import RunningServer, running_server
from tests.fakes.sockets import SocketServer

TEXT = "Hello to all of you. It is 3.5 degrees, and so on."
FORMAT = AudioFormat(Encoding.PCM_S16LE, 8000)
SMALL = ["--encoding", "pcm_s16le", "-r", "8000"]
RAW = ["-o", "a.pcm", *SMALL]
SOUND = known_samples(TEXT, FORMAT)


@pytest.fixture
def engine() -> KnownSamples:
    """What speaks at the server."""
    return KnownSamples(chunk_bytes=999)


@pytest.fixture
def api(engine: KnownSamples, run: Program) -> Iterator[RunningServer]:
    """Our own server; its address is in the program's environment."""
    with running_server(engine) as server:
        run.env["CARTESIA_BASE_URL"] = server.url
        yield server


def joined(engine: KnownSamples) -> list[str]:
    """Return the text that came in each context."""
    return ["".join(piece for piece in came if isinstance(piece, str)) for came in engine.pieces]


def frames(data: bytes) -> bytes:
    """Return the samples of a WAV file."""
    with wave.open(io.BytesIO(data)) as file:
        samples: bytes = file.readframes(file.getnframes())
        return samples


def words_of(text: str, start: float = 0) -> list[dict[str, Any]]:
    """Return the words as a timings file has them."""
    return [
        {"word": w.word, "start": round(w.start + start, 3), "end": round(w.end + start, 3)}
        for w in known_words(text)
    ]


@pytest.mark.parametrize("encoding", list(Encoding))
def test_samples_are_exact_in_every_encoding(
    run: Program, api: RunningServer, engine: KnownSamples, folder: Path, encoding: Encoding
) -> None:
    result = run("stream", "-o", "a.pcm", "--encoding", encoding, "-r", 16000, stdin=TEXT.encode())

    assert (result.status, result.stderr, result.stdout) == (0, "", b"")
    assert (folder / "a.pcm").read_bytes() == known_samples(TEXT, AudioFormat(encoding, 16000))
    assert joined(engine) == [TEXT]
    assert [r.path for r in api.requests] == ["/tts/websocket"]


@pytest.mark.usefixtures("api")
def test_every_destination_gets_the_same_speech(run: Program, folder: Path) -> None:
    outputs = ["-o", "a.wav", "-o", "b.mp3", "-o", "c.flac", "-o", "d.pcm", "-o", "-", "--format", "wav"]
    result = run(
        "stream", *outputs, "-r", 44100, "--timings", "e.srt", "--timings", "f.json", stdin=b"One two."
    )

    assert (result.status, result.stderr) == (0, "")
    assert sorted(p.name for p in folder.iterdir()) == [
        "a.wav",
        "b.mp3",
        "c.flac",
        "d.pcm",
        "e.srt",
        "f.json",
    ]
    samples = known_samples("One two.", AudioFormat(Encoding.PCM_S16LE, 44100))
    assert frames((folder / "a.wav").read_bytes()) == samples
    header = result.stdout.removesuffix(samples)
    assert header[-4:] == (0x7FFFF000).to_bytes(4, "little")
    assert int.from_bytes(header[4:8], "little") == 0x7FFFF000 + len(header) - 8
    assert (folder / "b.mp3").read_bytes()[:2] in {b"ID", b"\xff\xfb"}
    assert (folder / "c.flac").read_bytes()[:4] == b"fLaC"
    assert "One two." in (folder / "e.srt").read_text(encoding="utf-8")
    assert json.loads((folder / "f.json").read_text(encoding="utf-8"))["words"] == words_of("One two.")


@pytest.mark.usefixtures("api")
def test_audio_comes_while_the_text_is_being_written(begin: Begin) -> None:
    running, pipe = begin("stream", "-o", "-", "--format", "raw", *SMALL)
    pipe.write("Hello to all ", "of you. ")
    assert running.stdout is not None
    early = running.stdout.wait_for(len(known_samples("Hello to all of you.", FORMAT)) - 999)
    pipe.write("It is 3", ".5 degrees, and so on.")
    pipe.close()
    result = running.wait()

    assert result.status == 0, result.stderr
    assert SOUND.startswith(early)
    assert result.stdout == SOUND


@pytest.mark.usefixtures("api")
def test_a_pause_beyond_the_expiry_goes_on_in_a_new_context_on_one_timeline(
    begin: Begin, engine: KnownSamples, folder: Path
) -> None:
    parts = ["Before the pause. ", "After it, 2.5 times. ", "And again."]
    running, pipe = begin("stream", *RAW, "--timings", "a.json", "--timings", "a.srt", "--phonemes")
    for part in parts[:-1]:
        pipe.write(part[:5], part[5:])
        assert engine.ended.acquire(timeout=10)
    pipe.write(parts[-1])
    pipe.close()
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert "".join(joined(engine)) == "".join(parts)
    assert len(engine.pieces) == len(parts)
    assert (folder / "a.pcm").read_bytes() == b"".join(known_samples(part, FORMAT) for part in parts)
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    starts = [0, 0.9, 2.1]
    expected = [word for part, start in zip(parts, starts, strict=True) for word in words_of(part, start)]
    assert timings["words"] == expected
    assert timings["text"] == "".join(parts)
    assert timings["duration"] == pytest.approx(2.7)
    assert all(a["end"] <= b["start"] + 1e-9 for a, b in pairwise(timings["phonemes"]))
    assert "--> 00:00:02," in (folder / "a.srt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("run")
def test_a_context_that_expires_early_loses_nothing(begin: Begin, engine: KnownSamples, folder: Path) -> None:
    """What was sent to it while its end was on the way is spoken in the next one."""
    parts = ["Before the pause. ", "After it, 2.5 times. ", "And again."]
    with running_server(engine, context_expiry=0.05) as server:
        running, pipe = begin("stream", *RAW, env={"CARTESIA_BASE_URL": server.url})
        for part in parts[:-1]:
            pipe.write(part)
            assert engine.ended.acquire(timeout=10)
        pipe.write(parts[-1])
        pipe.close()
        result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == b"".join(known_samples(part, FORMAT) for part in parts)


def test_one_socket_is_enough_for_all_contexts(
    begin: Begin, api: RunningServer, engine: KnownSamples
) -> None:
    running, pipe = begin("stream", *RAW, "--stats")
    pipe.write("Before. ")
    wait_until(lambda: len(engine.pieces) == 1 and engine.ended.acquire(blocking=False))
    pipe.write("After. ")
    pipe.close()
    result = running.wait()

    assert result.status == 0, result.stderr
    assert [r.path for r in api.requests] == ["/tts/websocket"]
    assert "reconnects: 0" in result.stderr


@pytest.mark.parametrize(("first", "stall"), [(b"", 1.3), (b"Now ", 1.3)], ids=["at the start", "in a word"])
@pytest.mark.usefixtures("run", "api")
def test_a_stall_in_the_input_is_waited_for(begin: Begin, folder: Path, first: bytes, stall: float) -> None:
    """No timeout counts while nobody has written anything."""
    running, pipe = begin("stream", *RAW, "--timeout", "0.4")
    pipe.write(first + b"wait")
    try:
        running._report.settimeout(stall)  # noqa: SLF001  a wait whose end would be the failure
        ended = running._report.recv(32)  # noqa: SLF001
    except TimeoutError:
        ended = b""
    assert ended == b""
    pipe.write("ing.")
    pipe.close()
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == known_samples((first + b"waiting.").decode(), FORMAT)


# What is asked for


def sent_by(run: Program, *options: object, text: str = "Hello. There.") -> list[dict[str, Any]]:
    """Return the messages that a run sends."""
    with SocketServer() as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        result = run("stream", *RAW, *options, stdin=text.encode(), env=env)
        assert result.status == 0, result.stderr
        return [m for peer in server.peers for m in peer.messages]


@pytest.mark.parametrize("delay", [0, 1, 750, 5000])
def test_the_buffer_delay_is_sent(run: Program, delay: int) -> None:
    messages = sent_by(run, "--buffer-delay", delay)

    assert messages[0]["max_buffer_delay_ms"] == delay
    assert {m.get("max_buffer_delay_ms", delay) for m in messages} == {delay}


@pytest.mark.parametrize(("split", "delay"), [("none", None), ("sentence", 0), ("line", 0)])
def test_the_split_decides_the_buffer_delay(run: Program, split: str, delay: int | None) -> None:
    messages = sent_by(run, "--split", split)

    assert messages[0].get("max_buffer_delay_ms") == delay


@pytest.mark.parametrize(
    "options",
    [
        ["--buffer-delay", "-1"],
        ["--buffer-delay", "5001"],
        ["--buffer-delay", "soon"],
        ["--buffer-delay", "1.5"],
        ["--split", "word"],
        ["--wait", "-1"],
        ["--voice", "no such voice"],
        ["--format", "tape"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("api")
def test_what_makes_no_sense_is_refused_before_anything_is_read(
    begin: Begin, engine: KnownSamples, folder: Path, options: list[str]
) -> None:
    running, _ = begin("stream", *RAW, *options)  # whose input never ends
    result = running.wait()

    assert result.status == 2, result.stderr
    assert result.stdout == b""
    assert engine.asked == []
    assert list(folder.iterdir()) == []


def test_the_messages_are_those_of_one_context(run: Program) -> None:
    messages = sent_by(
        run, "--voice", "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4", "--model", "sonic-3", "-l", "de"
    )

    assert len({m["context_id"] for m in messages}) == 1
    assert [m["continue"] for m in messages] == [True] * (len(messages) - 1) + [False]
    assert all(set(m) >= {"model_id", "voice", "output_format", "transcript", "context_id"} for m in messages)
    constant = [
        {k: v for k, v in m.items() if k not in {"transcript", "continue", "flush"}} for m in messages
    ]
    assert all(m == constant[0] for m in constant)
    first = messages[0]
    assert first["output_format"] == {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8000}
    assert (first["model_id"], first["language"]) == ("sonic-3", "de")
    voice = first["voice"]
    assert (voice["id"] if isinstance(voice, dict) else voice) == "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"


def test_timings_are_asked_for_where_they_are_wanted_only(run: Program) -> None:
    assert not sent_by(run)[0].get("add_timestamps")


def test_the_context_is_named_as_asked(run: Program) -> None:
    assert {m["context_id"] for m in sent_by(run, "--context-id", "my-story")} == {"my-story"}


@pytest.mark.usefixtures("begin")
def test_the_key_and_the_base_path_go_along(run: Program, folder: Path) -> None:
    with running_server(keys={KEY}, prefix="/proxy/cartesia") as server:
        env = {"CARTESIA_BASE_URL": server.url}
        right = run("stream", *RAW, stdin=TEXT.encode(), env=env | {"CARTESIA_API_KEY": KEY})
        sound = (folder / "a.pcm").read_bytes()
        (folder / "a.pcm").unlink()
        wrong = run("stream", *RAW, stdin=TEXT.encode(), env=env | {"CARTESIA_API_KEY": "sk_car_wrong"})
        paths = [r.path for r in server.requests]

    assert (right.status, right.stderr) == (0, "")
    assert sound == SOUND
    assert_failure(wrong, 3)
    assert "sk_car_wrong" not in wrong.stderr
    assert set(paths) == {"/proxy/cartesia/tts/websocket"}
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("api")
def test_a_voice_is_found_by_name(run: Program, engine: KnownSamples) -> None:
    result = run("stream", *RAW, "-v", "skylar", stdin=b"Hello.")

    assert result.status == 0, result.stderr
    assert engine.asked[-1].voice_id == "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"


@pytest.mark.usefixtures("api")
def test_an_id_that_nobody_knows_is_rejected(run: Program, folder: Path) -> None:
    result = run("stream", *RAW, "-v", "11111111-2222-4333-8444-555555555555", stdin=b"Hello.")

    assert_failure(result, 5)
    assert list(folder.iterdir()) == []


# --json and --stats


@pytest.mark.usefixtures("api")
def test_events_are_lines_in_order_and_end_with_done(run: Program, folder: Path) -> None:
    result = run("stream", *RAW, "--json", "--stats", stdin=TEXT.encode())

    assert (result.status, result.stderr) == (0, "")
    *events, done = result.events
    chunks = [e for e in events if e["type"] == "chunk"]
    assert sum(c["bytes"] for c in chunks) == len(SOUND) == (folder / "a.pcm").stat().st_size
    assert all(a["end"] == b["start"] for a, b in pairwise(chunks))
    assert chunks[0]["start"] == 0
    assert [w for e in events if e["type"] == "timestamps" for w in e["words"]] == words_of(TEXT)
    assert {e["type"] for e in events} == {"chunk", "timestamps"}
    assert (done["type"], done["duration"]) == ("done", pytest.approx(len(SOUND) / 16000))
    stats = done["stats"]
    assert set(stats) == {
        "first_text", "first_byte", "first_sound", "wall", "requests", "retries", "reconnects", "underruns"
    }  # fmt: skip
    assert 0 <= stats["first_text"] <= stats["first_byte"] <= stats["wall"] < 30
    assert (stats["requests"], stats["retries"], stats["reconnects"]) == (1, 0, 0)
    assert stats["first_sound"] is None


@pytest.mark.usefixtures("api")
def test_stats_without_json_are_on_stderr(run: Program) -> None:
    result = run("stream", *RAW, "--stats", stdin=TEXT.encode())

    assert (result.status, result.stdout) == (0, b"")
    stats = dict(line.split(": ") for line in result.lines)
    assert float(stats["first_text"]) <= float(stats["first_byte"]) <= float(stats["wall"])


@pytest.mark.usefixtures("api")
def test_events_come_while_the_text_is_being_written(begin: Begin) -> None:
    running, pipe = begin("stream", *RAW, "--json")
    pipe.write("Hello to all of you. ")
    assert running.stdout is not None
    wait_until(lambda: b"timestamps" in running.stdout.wait_for(1))  # type: ignore[union-attr]
    pipe.close()

    assert running.wait().events[-1]["type"] == "done"


@pytest.mark.usefixtures("api")
def test_json_makes_an_error_an_object(run: Program) -> None:
    result = run("stream", *RAW, "--json", stdin=b" \n")

    assert (result.status, result.stdout) == (2, b"")
    assert json.loads(result.stderr)["error"]["status"] == 2


# say --transport websocket


@pytest.mark.usefixtures("engine")
def test_say_over_a_socket_is_what_the_voice_speaks(run: Program, api: RunningServer, folder: Path) -> None:
    result = run("say", TEXT, *RAW, "-o", "b.wav", "--transport", "websocket")

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == SOUND
    assert frames((folder / "b.wav").read_bytes()) == SOUND
    assert [r.path for r in api.requests] == ["/tts/websocket"]


@pytest.mark.usefixtures("api")
def test_say_over_a_socket_has_timings(run: Program, folder: Path) -> None:
    result = run("say", TEXT, "--timings", "a.json", "--phonemes", "--transport", "websocket")

    assert (result.status, result.stderr) == (0, "")
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert timings["words"] == words_of(TEXT)
    assert "".join(p["phoneme"] for p in timings["phonemes"]) == TEXT.replace(" ", "")


def test_say_over_a_socket_speaks_long_text_on_one_timeline(
    run: Program, api: RunningServer, folder: Path
) -> None:
    text = "Incomprehensibilities notwithstanding, internationalization. " * 60

    result = run("say", text, *RAW, "--timings", "a.json", "--transport", "websocket", "--json")

    assert (result.status, result.stderr) == (0, "")
    words = json.loads((folder / "a.json").read_text(encoding="utf-8"))["words"]
    assert [w["word"] for w in words] == text.split()
    assert all(a["end"] <= b["start"] for a, b in pairwise(words))
    assert (folder / "a.pcm").stat().st_size == 16000 * 0.3 * len(text.split())
    assert result.json["stats"]["requests"] > 1
    assert [r.path for r in api.requests] == ["/tts/websocket"] * len(api.requests)


@pytest.mark.usefixtures("api")
def test_say_over_a_socket_prints_its_events(run: Program) -> None:
    result = run("say", TEXT, *RAW, "--events", "--transport", "websocket")

    assert result.status == 0
    assert sum(e["bytes"] for e in result.events if e["type"] == "chunk") == len(SOUND)
    assert result.events[-1]["type"] == "done"


def test_a_rehearsal_over_a_socket_sends_nothing(run: Program, folder: Path) -> None:
    env = {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": "http://127.0.0.1:9"}
    rehearsed = run("say", "Hello.", "-o", "a.wav", "--transport", "websocket", "--dry-run", env=env)
    as_json = run("say", "Hello.", "-o", "a.wav", "--transport", "websocket", "--dry-run", "--json", env=env)
    curl = run("say", "Hello.", "-o", "a.wav", "--transport", "websocket", "--curl", env=env)

    assert (rehearsed.status, as_json.status, curl.status) == (0, 0, 0)
    assert "Hello." in rehearsed.text
    assert "websocket" in rehearsed.text
    assert as_json.json
    assert curl.text.startswith("curl ")
    assert "$CARTESIA_API_KEY" in curl.text
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("api")
def test_over_a_socket_timings_need_no_other_transport(run: Program) -> None:
    assert run("say", "Hello.", "--timings", "-", "--timings-format", "srt", "--transport", "websocket").text
