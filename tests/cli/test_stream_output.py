"""Where ``cartesia stream`` puts what: stdout, the tee, files, and what is left after a signal."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.cli.conftest import Begin
from tests.cli.program import KEY, Program, Running, assert_failure, wait_until
from tests.fakes.sockets import Peer, SocketServer

RAW = ["--encoding", "pcm_s16le", "-r", "8000"]
TEXT = b"Once upon a time. There was a fox.\n"
LOCAL = ["--engine", "local"]


@pytest.fixture
def api(run: Program) -> Iterator[SocketServer]:
    """A server that speaks each text as it comes; its address is in the program's environment."""
    with SocketServer() as server:
        run.env.update(CARTESIA_BASE_URL=server.url, CARTESIA_API_KEY=KEY)
        yield server


def parts(folder: Path) -> list[Path]:
    """Return the unfinished files."""
    return sorted(folder.glob(".*.cartesia-part"))


# Claims


@pytest.mark.parametrize(
    "options",
    [
        ["--tee", "-o", "-", "--format", "raw"],
        ["--tee", "--json", "-o", "a.wav"],
        ["--tee", "--timings", "-", "--timings-format", "srt"],
        ["-o", "-", "--timings", "-", "--timings-format", "srt"],
        ["--json", "-o", "-"],
        ["--json", "--timings", "-", "--timings-format", "json"],
        ["--tee", "-o", "/dev/stdout", "--format", "raw"],
    ],
    ids=" ".join,
)
def test_two_claims_on_stdout_are_an_error(
    begin: Begin, api: SocketServer, folder: Path, options: list[str]
) -> None:
    running, _ = begin("stream", *options)  # whose input never ends
    result = running.wait()

    assert (result.status, result.stdout) == (2, b"")
    assert "standard output" in result.stderr
    assert len(result.lines) == (1 if "--json" in options else 2)
    assert api.n_handshakes == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("options", [[], ["--tee"], ["--json"]], ids=["none", "--tee", "--json"])
@pytest.mark.usefixtures("api")
def test_no_destination_is_an_error(begin: Begin, options: list[str]) -> None:
    running, _ = begin("stream", *options)
    result = running.wait()

    assert (result.status, result.stdout) == (2, b"")
    assert "--play" in result.stderr


@pytest.mark.usefixtures("api")
def test_an_existing_file_is_kept_if_asked(begin: Begin, folder: Path) -> None:
    (folder / "a.pcm").write_bytes(b"old")
    running, _ = begin("stream", "-o", "a.pcm", "--no-clobber")
    result = running.wait()

    assert_failure(result, 2, "a.pcm")
    assert (folder / "a.pcm").read_bytes() == b"old"


@pytest.mark.usefixtures("api")
def test_a_folder_that_is_not_there_is_an_error_before_anything_is_read(
    begin: Begin,
) -> None:
    running, _ = begin("stream", "-o", "nowhere/a.pcm")
    result = running.wait()

    assert result.status in {2, 7}
    assert "nowhere" in result.stderr


@pytest.mark.usefixtures("folder")
def test_timings_alone_are_a_destination(run: Program) -> None:
    result = run("stream", *LOCAL, "--timings", "-", "--timings-format", "tsv", stdin=b"Hello to all of you.")

    assert (result.status, result.stderr) == (0, "")
    assert " ".join(line.split("\t")[-1] for line in result.text.splitlines()[1:]) == "Hello to all of you."


@pytest.mark.parametrize("options", [["-o", "a.pcm", *RAW], LOCAL], ids=["cloud", "local"])
@pytest.mark.usefixtures("api")
def test_stdin_that_is_closed_is_an_error(run: Program, folder: Path, options: list[str]) -> None:
    result = run("stream", "-o", "b.pcm", *options, closed=0)

    assert_failure(result, 2)
    assert list(folder.iterdir()) == []


# --tee


@pytest.mark.usefixtures("api")
def test_the_tee_passes_bytes_through_at_once(begin: Begin, folder: Path) -> None:
    """Also half a character, a mark, control characters, and Markdown."""
    running, pipe = begin("stream", "-o", "a.pcm", *RAW, "--tee", "--markdown", "--split", "line")
    assert running.stdout is not None
    whole = b""
    for piece in [b"\xef\xbb\xbf# Gr", b"\xc3", b"\xbc\xc3\x9fe**\r\n", b"\x1b[1m", b" \n\n", b"no end"]:
        pipe.write(piece)
        whole += piece
        assert running.stdout.wait_for(len(whole)) == whole
    pipe.close()
    result = running.wait()

    assert result.status == 0
    assert result.stdout == whole
    assert (folder / "a.pcm").stat().st_size > 0


def test_the_tee_gives_what_came_even_where_the_text_cannot_be_used(run: Program, folder: Path) -> None:
    result = run("stream", *LOCAL, "-o", "a.wav", "--tee", stdin=b"Gr\xfc\xdfe\n")

    assert result.status == 2
    assert result.stdout == b"Gr\xfc\xdfe\n"
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("api")
def test_a_reader_of_the_tee_that_leaves_is_141_and_no_file(begin: Begin, folder: Path) -> None:
    reader, writer = os.pipe()
    running, pipe = begin("stream", "-o", "a.wav", "--timings", "a.srt", "--tee", stdout=writer)
    pipe.write(b"Once upon a time. ")
    assert os.read(reader, 100) == b"Once upon a time. "
    os.close(reader)
    pipe.write(b"There was a fox. ")
    result = running.wait()

    assert (result.status, result.stderr) == (141, "")
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("api")
def test_a_reader_of_the_speech_that_leaves_is_141(begin: Begin, folder: Path) -> None:
    reader, writer = os.pipe()
    running, pipe = begin("stream", "-o", "-", "-o", "a.wav", "--format", "raw", *RAW, stdout=writer)
    pipe.write(b"Once upon a time. ")
    assert os.read(reader, 10)
    os.close(reader)
    pipe.write(b"There was a fox. ")
    result = running.wait()

    assert (result.status, result.stderr) == (141, "")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.usefixtures("api")
def test_a_tee_that_takes_no_more_is_an_output_error(begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", "-o", "a.wav", "--tee", stdout=os.open("/dev/full", os.O_WRONLY))
    with contextlib.suppress(BrokenPipeError):
        pipe.write(b"Once upon a time. ")
    result = running.wait()

    assert result.status == 7
    assert "No space" in result.stderr
    assert list(folder.iterdir()) == []


# Signals

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_in_the_middle_leaves_nothing_and_cancels(
    begin: Begin, api: SocketServer, folder: Path, number: signal.Signals, status: int
) -> None:
    options = ["-o", "a.wav", "-o", "b.flac", "--timings", "a.srt", "--buffer-delay", "5000"]
    running, pipe = begin("stream", *options)
    pipe.write(b"Once upon a time there was a fo")
    wait_until(lambda: bool(api.peers and api.peers[0].messages) and len(parts(folder)) == 3)
    running.send(number)
    result = running.wait(5)

    assert result.status == status
    assert result.stdout == b""
    assert len(result.lines) <= 1
    assert list(folder.iterdir()) == []
    (peer,) = api.peers
    assert peer.is_over.wait(5)
    assert peer.messages[-1].get("cancel") is True
    assert peer.messages[-1]["context_id"] == peer.messages[0]["context_id"]


@pytest.mark.parametrize(("number", "status"), STATUSES.items(), ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.usefixtures("api")
def test_a_signal_while_nothing_has_been_written_yet(
    begin: Begin, folder: Path, number: signal.Signals, status: int
) -> None:
    (folder / "a.wav").write_bytes(b"old")
    running, _ = begin("stream", "-o", "a.wav")
    wait_until(lambda: bool(parts(folder)))
    running.send(number)
    result = running.wait(5)

    assert result.status == status
    assert [p.name for p in folder.iterdir()] == ["a.wav"]
    assert (folder / "a.wav").read_bytes() == b"old"


@pytest.mark.usefixtures("run")
def test_a_signal_while_the_server_is_silent(begin: Begin, folder: Path) -> None:
    with SocketServer(Peer.hang) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        running, pipe = begin("stream", "-o", "a.wav", env=env)
        pipe.write(TEXT)
        pipe.close()
        wait_until(lambda: bool(server.peers and server.peers[0].messages))
        sent = time.monotonic()
        running.send(signal.SIGINT)
        result = running.wait(5)

    assert result.status == 130
    assert time.monotonic() - sent < 3
    assert list(folder.iterdir()) == []


def test_ctrl_c_ends_the_built_in_voice_too(begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", *LOCAL, "-o", "a.wav", "-o", "-", "--format", "raw")
    pipe.write(TEXT * 3)
    assert running.stdout is not None
    running.stdout.wait_for(1000, timeout=20)
    running.send(signal.SIGINT)
    result = running.wait(5)

    assert result.status == 130
    assert list(folder.iterdir()) == []


# Memory


def peak(running: Running) -> int:
    """Return the most memory that a run has had, in bytes."""
    status = Path(f"/proc/{running.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.usefixtures("api")
def test_a_reader_that_is_slow_holds_the_input_back(begin: Begin) -> None:
    """Nobody reads the speech: after a while no more text is taken, and memory stays as it is."""
    reader, writer = os.pipe()
    running, pipe = begin("stream", "-o", "-", "--format", "raw", *RAW, stdout=writer)
    sentence = b"All of this text is written at once, and nobody listens. " * 64
    n_taken, n_still = 0, 0
    for _ in count():
        n_offered = pipe.offer(sentence)
        n_taken += n_offered
        n_still = 0 if n_offered else n_still + 1
        if n_still > 100 or n_taken > 40_000_000:
            break
        if not n_offered:
            time.sleep(0.005)
    memory = peak(running)
    os.close(reader)
    running.wait(5)

    assert n_taken < 4_000_000
    assert memory < 110 * 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_does_not_grow_with_the_text(begin: Begin, api: SocketServer) -> None:
    peaks = []
    for n_sentences in (400, 8_000):
        reader, writer = os.pipe()
        running, pipe = begin("stream", "-o", "-", "--format", "raw", *RAW, stdout=writer)
        sentence = b"All of this text is spoken, and somebody takes it. "
        block, n_left = sentence * 40, n_sentences // 40
        n_bytes, high, rest = 0, 0, b""
        os.set_blocking(reader, False)
        while True:
            if not rest and n_left:
                rest, n_left = block, n_left - 1
            if rest:
                rest = rest[pipe.offer(rest) :]
            elif not n_left and not high:
                high = peak(running)  # as long as it is there
                pipe.close()
            try:
                data = os.read(reader, 1 << 16)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            n_bytes += len(data)
            if n_bytes == 2 * len(sentence) * n_sentences:
                break
        peaks.append(high)
        running.wait()
        os.close(reader)
        for peer in api.peers:
            peer.messages.clear()

    assert peaks[1] - peaks[0] < 5 * 2**20
