"""The player against a real sound server: what is recorded is what was sent."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cartesia_cli
from cartesia_cli.audio import pcm
from cartesia_cli.audio.conversion import amplify
from cartesia_cli.audio.playback import Player
from cartesia_cli.audio.turns import take_turn
from cartesia_cli.audio.waitingline import runtime_folder
from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat, Container, Encoding
from tests.fakes.soundserver import SoundServer, require_sound, spoken, without_sound

RATE = 44_100
ROOT = Path(cartesia_cli.__file__).parents[1]


@pytest.fixture(scope="module")
def loudspeaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    """A sound server that lives as long as the module."""
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound"), sample_rate=RATE) as server:
        server.environ["PYTHONPATH"] = str(ROOT)
        yield server


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[SoundServer]:
    """A sound server of the test's own, to be killed."""
    require_sound()
    with SoundServer(tmp_path) as server:
        server.environ["PYTHONPATH"] = str(ROOT)
        yield server


def noise(seconds: float, *, rate: int = RATE, peak: float = 0.5) -> NDArray[np.float32]:
    """Return samples of which none is silent, and none like its neighbours."""
    random = np.random.default_rng(round(seconds * rate))
    n = round(seconds * rate)
    wave: NDArray[np.float64] = random.uniform(0.05, peak, n) * random.choice([-1.0, 1.0], n)
    return wave.astype(np.float32)


def tone(seconds: float, *, rate: int, hertz: float = 440.0) -> NDArray[np.float32]:
    wave: NDArray[np.float64] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return wave.astype(np.float32)


def start(
    server: SoundServer, plays: list[dict[str, Any]], audio: bytes, **env: str
) -> subprocess.Popen[bytes]:
    """Start the player as a program of its own, and give it the sound."""
    server.forget()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.playing", json.dumps(plays)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | server.environ | env,
    )
    assert process.stdin
    process.stdin.write(audio)
    process.stdin.flush()
    return process


def finish(process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """Wait for it and return the lines it printed; anything on stderr fails the test."""
    stdout, stderr = process.communicate(timeout=30)
    assert stderr == b""
    return [json.loads(line) for line in stdout.splitlines()]


def play(server: SoundServer, audio: NDArray[np.float32], **options: Any) -> dict[str, Any]:
    """Play float samples to the end and return what the player says of it."""
    data = audio.tobytes()
    (report,) = finish(start(server, [{"n_bytes": len(data), **options}], data))
    return report


def test_what_is_heard_is_what_was_sent_however_it_was_cut(loudspeaker: SoundServer) -> None:
    sent = noise(1.0)

    report = play(loudspeaker, sent, sizes=[1, 3, 4093, 10_007])

    heard = loudspeaker.record()
    assert np.array_equal(spoken(heard), sent)
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert (report["written"], report["underruns"], report["position"]) == (sent.nbytes, 0, 1.0)


def test_every_encoding_and_a_text_shorter_than_the_cushion(loudspeaker: SoundServer) -> None:
    sent = noise(0.2)
    payloads = {encoding: pcm.encode(sent, encoding) for encoding in Encoding}
    plays = [{"encoding": name, "n_bytes": len(data), "sizes": [997]} for name, data in payloads.items()]

    reports = finish(start(loudspeaker, plays, b"".join(payloads.values())))

    expected = np.concatenate([pcm.decode(data, encoding) for encoding, data in payloads.items()])
    heard = loudspeaker.record()[:, 0]
    assert np.array_equal(heard[heard != 0], expected)
    assert [report["position"] for report in reports] == [0.2] * 4
    assert [report["underruns"] for report in reports] == [0] * 4


@pytest.mark.parametrize("rate", [8_000, 400_000], ids=["the device takes", "the device refuses"])
def test_another_rate_sounds_the_same(loudspeaker: SoundServer, rate: int) -> None:
    sent = tone(0.5, rate=rate)

    report = play(loudspeaker, sent, sample_rate=rate)

    heard = spoken(loudspeaker.record())
    seconds = np.arange(len(heard)) / RATE
    reference = np.exp(-2j * np.pi * 440 * seconds)
    level = 2 * abs(np.mean(heard * reference))
    assert len(heard) / RATE == pytest.approx(0.5, abs=0.01)
    assert level == pytest.approx(0.5, rel=0.02)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert report["position"] == pytest.approx(0.5, abs=0.001)


def test_a_device_without_mono_gets_it_on_both_sides(loudspeaker: SoundServer) -> None:
    sent = noise(0.3)

    play(loudspeaker, sent, refuses_mono=True)

    heard = loudspeaker.record()
    assert np.array_equal(spoken(heard), sent)
    assert np.array_equal(heard[:, 0], heard[:, 1])


def test_a_late_producer_is_one_underrun_and_nothing_is_lost(loudspeaker: SoundServer) -> None:
    sent = noise(1.5)
    half_second = RATE // 2 * 4

    # The second pause is shorter than the cushion has become; the third is after the speech.
    pauses = [[half_second, 0.8], [2 * half_second, 0.3], [3 * half_second, 0.7]]
    report = play(loudspeaker, sent, sizes=[half_second], pauses=pauses)

    heard = spoken(loudspeaker.record())
    (gaps,) = np.nonzero(heard == 0)
    assert np.array_equal(heard[heard != 0], sent)
    assert np.all(np.diff(gaps) == 1)
    assert gaps[0] == RATE // 2
    assert report["underruns"] == 1


def test_the_position_is_what_the_listener_has_heard(loudspeaker: SoundServer) -> None:
    sent = noise(0.6)

    report = play(loudspeaker, sent, sizes=[sent.nbytes], pauses=[[sent.nbytes, 0.9]])

    heard = loudspeaker.record()
    (sounding,) = np.nonzero(heard[:, 0])
    began = loudspeaker.heard_at(int(sounding[0]))
    positions = [position for _, position in report["positions"]]
    errors = [position - (at - began) for at, position in report["positions"] if 0.1 < position < 0.5]
    assert positions == sorted(positions)
    assert len(errors) > 10
    assert max(map(abs, errors)) < 0.08
    assert positions[-1] == 0.6
    assert 0 < began - report["first_sound"] < 0.2
    assert report["left"] >= loudspeaker.heard_at(int(sounding[-1])) - 0.03


def test_gain_makes_it_softer(loudspeaker: SoundServer) -> None:
    sent = noise(0.3)

    play(loudspeaker, sent, gain_db=-20.0)

    assert np.array_equal(spoken(loudspeaker.record()), sent * np.float32(0.1))


def test_ctrl_c_is_silent_within_a_tenth_of_a_second(loudspeaker: SoundServer) -> None:
    sent = noise(30.0)
    process = start(loudspeaker, [{"n_bytes": sent.nbytes}], sent.tobytes())
    loudspeaker.wait_for_sound()

    pressed = time.monotonic()
    process.send_signal(signal.SIGINT)
    finish(process)

    (sounding,) = np.nonzero(loudspeaker.record()[:, 0])
    assert process.returncode == 130
    assert loudspeaker.heard_at(int(sounding[-1])) - pressed < 0.1


@pytest.mark.parametrize("seconds", [3.0, 30.0], ids=["while waiting for the end", "while writing"])
def test_a_sound_server_that_is_killed_ends_it(doomed: SoundServer, seconds: float) -> None:
    sent = noise(seconds)
    process = start(doomed, [{"n_bytes": sent.nbytes}], sent.tobytes())
    doomed.wait_for_sound()

    killed = time.monotonic()
    doomed.kill()
    (report,) = finish(process)

    assert (process.returncode, report["error"]) == (7, "OutputError")
    assert "--device" in report["hint"]
    assert report["at"] - killed < 2.0


def test_a_sound_server_that_hangs_ends_it(doomed: SoundServer) -> None:
    sent = noise(30.0)
    process = start(doomed, [{"n_bytes": sent.nbytes}], sent.tobytes())
    doomed.wait_for_sound()

    frozen = time.monotonic()
    doomed.freeze()
    (report,) = finish(process)

    assert (process.returncode, report["error"]) == (7, "OutputError")
    assert time.monotonic() - frozen < 7.0


def distinct(seconds: float) -> NDArray[np.float32]:
    """Return samples that all differ, so that what is heard tells which they are."""
    n = round(seconds * RATE)
    order = np.random.default_rng(n).permutation(n)
    wave: NDArray[np.float64] = (0.1 + 0.8 * order / n) * np.where(order % 2, 1.0, -1.0)
    return wave.astype(np.float32)


def stretches(heard: NDArray[np.float32], sent: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return which stretches of ``sent``, as (start, end), are heard one after the other."""
    sounding = heard[:, 0][heard[:, 0] != 0]
    order = np.argsort(sent)
    places = order[np.minimum(np.searchsorted(sent, sounding, sorter=order), sent.size - 1)]
    assert np.array_equal(sent[places], sounding)
    edges = [0, *(np.flatnonzero(np.diff(places) != 1) + 1), sounding.size]
    return [(int(places[a]), int(places[b - 1]) + 1) for a, b in itertools.pairwise(edges)]


def silent_after(server: SoundServer, moment: float, n: int) -> float:
    """Return how long after a moment the last of the first ``n`` samples of sound was heard."""
    (sounding,) = np.nonzero(server.record()[:, 0])
    return server.heard_at(int(sounding[n - 1])) - moment


def test_what_is_discarded_is_silent_at_once_and_the_next_utterance_is_whole(
    loudspeaker: SoundServer,
) -> None:
    sent = distinct(20.4)
    old, new = sent[: 20 * RATE], sent[20 * RATE :]
    sizes = {"sizes": [old.nbytes], "n_bytes": old.nbytes, "then": new.nbytes}
    play = {**sizes, "script": [[0.6, "discard"]]}

    (report,) = finish(start(loudspeaker, [play], sent.tobytes()))

    (action,) = report["actions"]
    first, second = stretches(loudspeaker.record(), sent)
    assert silent_after(loudspeaker, action["at"], first[1]) < 0.1
    assert first[0] == 0
    assert first[1] / RATE == pytest.approx(action["before"], abs=0.05)
    assert second == (old.size, old.size + new.size)
    assert report["writing_ended"] - action["done"] < 0.1
    assert action["after"] == 20.0
    assert report["position"] == pytest.approx(20.4)
    assert (report["heard"], report["underruns"]) == (True, 0)


@pytest.mark.parametrize("steerable", [False, True])
def test_a_pause_is_silent_at_once_and_loses_nothing(loudspeaker: SoundServer, steerable: bool) -> None:
    sent = distinct(1.2)

    report = play(loudspeaker, sent, script=[[0.5, "pause"], [1.0, "resume"]], steerable=steerable)

    pause, resume = report["actions"]
    before, after = stretches(loudspeaker.record(), sent)
    assert silent_after(loudspeaker, pause["at"], before[1]) < 0.1
    assert before[0] == 0
    assert after[1] == sent.size
    assert abs(before[1] - after[0]) / RATE < 0.05
    assert pause["after"] == pytest.approx(pause["before"], abs=0.01)
    assert resume["before"] == pause["after"]
    assert (report["position"], report["underruns"]) == (1.2, 0)


SENTENCES = [["One.", 0.0, 0.9], ["Two,", 1.0, 1.5], ["too?", 1.5, 1.9], ["Three", 2.0, 2.3]]


def test_jumps_lead_from_sentence_to_sentence(loudspeaker: SoundServer) -> None:
    sent = distinct(2.3)
    script = [[0.4, "forward"], [0.8, "back"], [1.2, "forward"], [1.6, "forward"], [1.8, "back"]]

    report = play(loudspeaker, sent, script=script, steerable=True, words=SENTENCES)

    heard = stretches(loudspeaker.record(), sent)
    starts = [action["after"] for action in report["actions"]]
    assert starts == pytest.approx([1.0, 0.0, 1.0, 2.0, 1.0], abs=0.02)  # the clock goes on
    assert [start / RATE for start, _ in heard] == pytest.approx([0.0, 1.0, 0.0, 1.0, 2.0, 1.0], abs=0.001)
    ends = [action["before"] for action in report["actions"]]
    assert [end / RATE for _, end in heard[:-1]] == pytest.approx(ends, abs=0.05)
    assert heard[-1][1] == sent.size
    assert (report["heard"], report["underruns"], report["position"]) == (True, 0, 2.3)


def test_a_jump_while_paused_is_heard_when_it_goes_on(loudspeaker: SoundServer) -> None:
    sent = distinct(2.3)
    script = [[0.3, "pause"], [0.5, "forward"], [0.7, "resume"], [1.1, "stop"]]

    report = play(loudspeaker, sent, script=script, steerable=True, words=SENTENCES)

    first, second = stretches(loudspeaker.record(), sent)
    assert [action["after"] for action in report["actions"][1:3]] == pytest.approx([1.0, 1.0], abs=0.02)
    assert first[0] == 0
    assert second[0] == RATE
    assert report["heard"] is False


@pytest.mark.parametrize("seconds", [3.0, 20.0], ids=["while waiting for the end", "while writing"])
def test_what_is_stopped_is_silent_at_once_and_swallows_the_rest(
    loudspeaker: SoundServer, seconds: float
) -> None:
    sent = distinct(seconds)
    more = noise(0.5)
    play = {"n_bytes": sent.nbytes, "script": [[0.5, "stop"]], "then": more.nbytes}

    (report,) = finish(start(loudspeaker, [play], sent.tobytes() + more.tobytes()))

    (action,) = report["actions"]
    (heard,) = stretches(loudspeaker.record(), sent)
    assert silent_after(loudspeaker, action["at"], heard[1]) < 0.1
    assert heard[1] / RATE == pytest.approx(action["before"], abs=0.05)
    assert report["written"] == sent.nbytes + more.nbytes
    assert report["position"] == pytest.approx(action["before"], abs=0.01)
    assert report["heard"] is False
    assert report["left"] - action["at"] < 1.0


def waiting() -> set[str]:
    """Return the names of those who wait for their turn."""
    return {path.name for path in runtime_folder().glob("waiting-*")}


@pytest.mark.parametrize("name", ["discard", "stop"])
def test_what_waits_for_its_turn_can_be_given_up(loudspeaker: SoundServer, name: str) -> None:
    old, new = noise(0.5), noise(0.3)
    play = {"n_bytes": old.nbytes, "sizes": [old.nbytes], "then": new.nbytes, "turn": {"command": "test"}}
    with take_turn() as other:
        audio = old.tobytes() + new.tobytes()
        playing = start(loudspeaker, [{**play, "impatient": True, "script": [[0.3, name]]}], audio)
        loudspeaker.wait(lambda: bool(waiting()), "it to wait")
        if name == "discard":
            first = waiting()
            loudspeaker.wait(lambda: bool(waiting() - first), "the next utterance to wait")
            other.release()
        (report,) = finish(playing)

    heard = spoken(loudspeaker.record())
    if name == "discard":
        assert np.array_equal(heard, new)
        assert report["position"] == pytest.approx(0.8)
    else:
        assert heard.size == 0
        assert report["first_sound"] is None


def test_with_the_keys_on_what_is_heard_is_what_was_sent(loudspeaker: SoundServer) -> None:
    sent = distinct(1.0)

    report = play(loudspeaker, sent, sizes=[1, 3, 4093, 10_007], steerable=True)

    assert np.array_equal(spoken(loudspeaker.record()), sent)
    assert (report["underruns"], report["position"]) == (0, 1.0)


def test_a_device_is_found_by_index_and_by_part_of_its_name(loudspeaker: SoundServer) -> None:
    sent = noise(0.1)
    devices = ["LAMP", "default", "0", 1]
    plays = [{"n_bytes": sent.nbytes, "device": device} for device in devices]

    finish(start(loudspeaker, plays, sent.tobytes() * 4))

    heard = loudspeaker.record()[:, 0]
    assert np.array_equal(heard[heard != 0], np.tile(sent, 4))


@pytest.mark.parametrize(
    ("device", "message", "candidates"),
    [
        ("kitchen", "'kitchen' is not a sound device.", ["desk_lamp", "desk_radio", "default"]),
        ("Desk", "'Desk' fits several sound devices.", ["desk_lamp", "desk_radio"]),
        (99, "99 is not a sound device.", ["desk_lamp", "desk_radio", "default"]),
    ],
)
def test_a_device_that_is_not_one_lists_those_that_are(
    loudspeaker: SoundServer, device: str | int, message: str, candidates: list[str]
) -> None:
    process = start(loudspeaker, [{"n_bytes": 0, "device": device}], b"")

    (report,) = finish(process)

    assert (process.returncode, report["error"], report["message"]) == (2, "UsageError", message)
    assert [name for name in ("desk_lamp", "desk_radio", "default") if name in report["hint"]] == candidates


def test_no_sound_device_is_an_output_error(loudspeaker: SoundServer, tmp_path: Path) -> None:
    process = start(loudspeaker, [{"n_bytes": 0}], b"", **without_sound(tmp_path))

    (report,) = finish(process)

    assert (process.returncode, report["message"]) == (7, "There is no sound device.")
    assert "-o" in report["hint"]


def test_no_portaudio_is_an_output_error(loudspeaker: SoundServer, tmp_path: Path) -> None:
    (tmp_path / "libportaudio.so.2").write_bytes(b"")  # the loader meets it before the system's
    process = start(loudspeaker, [{"n_bytes": 0}], b"", LD_LIBRARY_PATH=str(tmp_path))

    (report,) = finish(process)

    assert (process.returncode, report["error"]) == (7, "OutputError")
    assert report["message"].startswith("Cannot play: ")
    assert "libportaudio2" in report["hint"]


def test_amplified_sound_stays_within_full_scale_and_in_order() -> None:
    ramp = np.linspace(-1, 1, 2001, dtype=np.float32)

    louder = amplify(ramp, 12.0)

    assert np.abs(louder).max() <= 1.0
    assert np.all(np.diff(louder) >= 0)
    assert louder[1100] == pytest.approx(ramp[1100] * 10 ** (12 / 20))


def test_sound_outside_full_scale_is_cut_off_and_nan_is_silence() -> None:
    broken = np.array([2.0, -2.0, np.nan, np.inf, 0.25], np.float32)

    assert amplify(broken, 0.0).tolist() == [1.0, -1.0, 0.0, 1.0, 0.25]


@pytest.mark.parametrize("gain_db", [float("nan"), float("inf"), -101.0, 61.0])
def test_a_gain_that_cannot_be_is_refused(gain_db: float) -> None:
    with pytest.raises(UsageError, match="out of range"):
        Player(AudioFormat(), gain_db=gain_db)


def test_only_raw_samples_are_played() -> None:
    with pytest.raises(ValueError, match="raw"):
        Player(AudioFormat(container=Container.MP3))


def test_it_can_be_taken_back_only_until_something_was_written() -> None:
    player = Player(AudioFormat())

    player.mark()
    assert player.rewind()
    player.written += 1
    assert not player.rewind()
    player.mark()
    assert player.rewind()
