"""``cartesia stream --play``, turns at the loudspeaker and keys, on a sound server without hardware."""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cartesia_cli.models import AudioFormat, Encoding
from tests.cli.conftest import Begin
from tests.cli.program import KEY, Program, Running, assert_failure, wait_until
from tests.cli.test_stream_prompt import CTRL_C, CTRL_D, IN_A_SESSION
from tests.fakes.known import KnownSamples, known_samples
from tests.fakes.server import running_server
from tests.fakes.soundserver import SoundServer, require_sound, spoken

WORD = 0.3
FORMAT = AudioFormat(Encoding.PCM_F32LE, 44_100)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """A sound server that records what is heard."""
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound")) as server:
        yield server


@pytest.fixture
def engine() -> KnownSamples:
    """What speaks at the server."""
    return KnownSamples()


@pytest.fixture
def program(run: Program, sound: SoundServer, engine: KnownSamples) -> Iterator[Program]:
    """Return the program, which finds our own server and the loudspeaker."""
    sound.forget()
    with running_server(engine) as server:
        run.env.update(sound.environ, CARTESIA_BASE_URL=server.url)
        yield run


def samples(text: str) -> NDArray[np.float32]:
    """Return what the voice speaks, without the silence around it."""
    whole = np.frombuffer(known_samples(text, FORMAT), "<f4")
    (sounding,) = np.nonzero(whole)
    return whole[sounding[0] : sounding[-1] + 1]


def heard(sound: SoundServer) -> NDArray[np.float32]:
    """Return what was heard, one channel without the silence around it, once it is silent."""
    before, recorded = -1, spoken(sound.record())
    while len(recorded) != before:
        before, recorded = len(recorded), spoken(sound.record())
    return recorded


def seconds_of(recorded: NDArray[np.float32]) -> float:
    """Return how long there is a sound, silence not counted; the pauses of the voice are not silent."""
    return int(np.count_nonzero(recorded)) / 44_100


@pytest.mark.usefixtures("program")
def test_what_is_streamed_is_heard_exactly(begin: Begin, sound: SoundServer, folder: Path) -> None:
    text = "Hello to you. And good day."
    running, pipe = begin("stream", "--play", "--tee", "--stats", "--timings", "a.srt")
    pipe.write("Hello to ", "you. And ")
    sound.wait_for_sound()
    pipe.write("good day.")
    pipe.close()
    result = running.wait()

    assert result.status == 0, result.stderr
    assert result.stdout == text.encode()
    stats = dict(line.split(": ") for line in result.lines)
    assert float(stats["first_text"]) <= float(stats["first_byte"]) <= float(stats["first_sound"])
    assert (folder / "a.srt").exists()
    if stats["underruns"] == "0":
        recorded = heard(sound)
        # The sound server may garble what comes in more than 65,360 bytes at once.
        np.testing.assert_array_equal(recorded[:16_000], samples(text)[:16_000])
        assert len(recorded) == pytest.approx(len(samples(text)), abs=20)
    else:
        assert seconds_of(heard(sound)) == pytest.approx(seconds_of(samples(text)), abs=0.1)


@pytest.mark.usefixtures("program")
def test_ctrl_c_is_silent_at_once(begin: Begin, sound: SoundServer) -> None:
    running, pipe = begin("stream", "--play")
    pipe.write("One two three four five six seven eight nine ten. ")
    sound.wait_for_sound()
    running.send(signal.SIGINT)
    sent = time.monotonic()
    result = running.wait(5)

    assert result.status == 130
    (loud,) = np.nonzero(sound.record()[:, 0])
    assert sound.heard_at(int(loud[-1])) - sent < 0.1 + 0.15  # what is on the way in the sound server


@pytest.mark.usefixtures("program", "sound")
def test_the_loudspeaker_holds_the_input_back(begin: Begin) -> None:
    """The text does not run ahead of what is heard without bounds."""
    running, pipe = begin("stream", "--play")
    block = b"All of this text is written at once, and it takes a while to be heard. " * 64
    n_taken = n_still = 0
    while n_still < 100 and n_taken < 5_000_000:
        n_offered = pipe.offer(block)
        n_taken += n_offered
        n_still = 0 if n_offered else n_still + 1
        if not n_offered:
            time.sleep(0.01)
    running.send(signal.SIGINT)
    result = running.wait(5)

    assert result.status == 130
    assert n_taken < 4_000_000


# Turns


def test_utterances_take_turns(program: Program, begin: Begin, sound: SoundServer) -> None:
    first, pipe = begin("stream", "--play")
    pipe.write("One two ")
    sound.wait_for_sound()
    second = program.start("say", "Three four five", "--play")
    pipe.write("three four")
    pipe.close()
    results = [first.wait(), second.wait()]

    assert [r.status for r in results] == [0, 0], [r.stderr for r in results]
    assert results[0].seconds < results[1].seconds + 0.5
    expected = seconds_of(samples("One two three four")) + seconds_of(samples("Three four five"))
    assert seconds_of(heard(sound)) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("command", [["say", "Hello."], ["stream"]], ids=["say", "stream"])
def test_who_waits_too_long_is_told_who_is_heard(
    program: Program, begin: Begin, sound: SoundServer, command: list[str], folder: Path
) -> None:
    holder, pipe = begin("stream", "--play")
    pipe.write("One two three four five six seven eight. ")
    sound.wait_for_sound()
    result = program(*command, "--play", "-o", "a.wav", "--wait", "0.2", stdin=b"Hello. ")
    holder.send(signal.SIGINT)
    held = holder.wait()

    assert_failure(result, 7, "cartesia stream", str(holder.pid))
    assert list(folder.iterdir()) == []
    assert held.status == 130


def test_who_interrupts_is_heard_at_once(program: Program, begin: Begin, sound: SoundServer) -> None:
    holder, pipe = begin("stream", "--play")
    pipe.write("One two three four five six seven eight nine ten. ")
    sound.wait_for_sound()
    second = program("say", "Now", "--play", "--interrupt")
    pipe.close()
    first = holder.wait(5)

    assert (second.status, second.stderr) == (0, "")
    assert first.status == 0
    assert "took over" in first.stderr
    assert second.seconds < 2.5
    assert seconds_of(heard(sound)) < 2.2


def test_a_holder_that_dies_gives_its_turn_back(program: Program, begin: Begin, sound: SoundServer) -> None:
    holder, pipe = begin("stream", "--play")
    pipe.write("One two three four five six seven eight nine ten. ")
    sound.wait_for_sound()
    holder.send(signal.SIGKILL)
    result = program("say", "Now", "--play", "--wait", "1")
    holder.wait()

    assert (result.status, result.stderr) == (0, "")


@pytest.mark.usefixtures("sound")
def test_a_stream_that_waits_for_text_holds_nobody_up(
    program: Program,
    begin: Begin,
) -> None:
    """A turn is an utterance: who has nothing to say lets the others speak."""
    idle, pipe = begin("stream", "--play")
    result = program("say", "Now", "--play", "--wait", "1")
    pipe.write("Hello.")
    pipe.close()

    assert (result.status, result.stderr) == (0, "")
    assert idle.wait().status == 0


# At the prompt


def test_a_new_line_silences_the_old(program: Program, sound: SoundServer, engine: KnownSamples) -> None:
    running = program.start("stream", "--play", tty=["stdin"])
    running.type("One two three four five six seven eight nine ten.\n")
    sound.wait_for_sound()
    running.type("Now.\n")
    wait_until(lambda: len(engine.asked) >= 2)
    running.type(CTRL_D)
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert WORD < len(heard(sound)) / 44_100 < 2.0


def test_ctrl_c_at_the_prompt_is_silent(program: Program, sound: SoundServer) -> None:
    running = program.start("stream", "--play", tty=["stdin"], wrapper=IN_A_SESSION)
    running.type("One two three four five six seven eight nine ten.\n")
    sound.wait_for_sound()
    running.type(CTRL_C)
    sent = time.monotonic()
    result = running.wait(5)

    assert result.status == 130
    (loud,) = np.nonzero(sound.record()[:, 0])
    assert sound.heard_at(int(loud[-1])) - sent < 0.1 + 0.15


# Keys, in `say`


SAID = "One two three. Four five six."


def playing(program: Program, sound: SoundServer, *options: str) -> Running:
    """Start to say something on a terminal, and wait until it is heard."""
    running = program.start("say", SAID, "--play", *options, tty=["stdin"], wrapper=IN_A_SESSION)
    sound.wait_for_sound()
    return running


def test_q_ends_the_sound(program: Program, sound: SoundServer) -> None:
    running = playing(program, sound)
    running.type("q")
    result = running.wait(5)

    assert (result.status, result.stderr) == (0, "")
    assert len(heard(sound)) / 44_100 < 4 * WORD


def test_space_pauses_and_goes_on(program: Program, sound: SoundServer) -> None:
    running = playing(program, sound)
    running.type(" ")
    sound.record()
    time.sleep(0.5)  # a pause that can be heard
    running.type(" ")
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    recorded = heard(sound)
    assert seconds_of(recorded) == pytest.approx(seconds_of(samples(SAID)), abs=0.1)
    assert len(recorded) / 44_100 > 6 * WORD + 0.3


def test_keys_are_not_read_where_nobody_may_be_asked(program: Program, sound: SoundServer) -> None:
    running = playing(program, sound, "--no-input")
    running.type("q")
    result = running.wait()

    assert result.status == 0
    assert seconds_of(heard(sound)) == pytest.approx(seconds_of(samples(SAID)), abs=0.1)


def test_the_tee_goes_on_where_the_sound_was_interrupted(
    program: Program, begin: Begin, sound: SoundServer
) -> None:
    """Whoever reads the text has not asked for silence."""
    running, pipe = begin("stream", "--play", "--tee")
    pipe.write("One two three four five six seven eight. ")
    sound.wait_for_sound()
    assert program("say", "Now", "--play", "--interrupt").status == 0
    for piece in ("Nine ten. ", "Eleven twelve. ", "The end."):
        with contextlib.suppress(BrokenPipeError):
            pipe.write(piece)
    pipe.close()
    result = running.wait(5)

    assert result.status == 0
    assert result.text == "One two three four five six seven eight. Nine ten. Eleven twelve. The end."


@pytest.mark.usefixtures("run")
def test_a_device_that_goes_away_is_an_output_error(begin: Begin, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "sound").mkdir()
    with running_server() as server, SoundServer(tmp_path / "sound") as speaker:
        speaker.forget()
        env = {**speaker.environ, "CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        running, pipe = begin("stream", "--play", "-o", "a.wav", env=env)
        pipe.write("One two three four five six seven eight nine ten. ")
        speaker.wait_for_sound()
        speaker.kill()
        result = running.wait(15)

    assert_failure(result, 7)
    assert list(folder.iterdir()) == []
