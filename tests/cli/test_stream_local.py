"""``cartesia stream`` on the built-in voice: soon, all of it, and as ``say`` would speak it."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Begin
from tests.cli.program import Program
from tests.cli.test_stream_text import shreds

TEXT = 'Dr. Smith paid 3.14 dollars. "Really?" <break time="300ms"/> Yes, he did!\n\nThe fox ran away.'
LOCAL = ["--engine", "local", "--format", "raw", "--encoding", "pcm_s16le", "-r", "24000"]


def test_the_first_sound_comes_at_most_a_sentence_late(begin: Begin) -> None:
    """A token at a time: while the third sentence is still unfinished, the first is being heard."""
    running, pipe = begin("stream", *LOCAL, "-o", "-", "--stats")
    for token in ["The", "fox", "ran", "away.", "It", "was", "never", "seen", "again.", "Some", "say", ""]:
        pipe.write(token + " ")
    assert running.stdout is not None
    running.stdout.wait_for(24000, timeout=20)  # half a second, and nothing more has been written
    pipe.write("that it lives in the lake.")
    pipe.close()
    result = running.wait()

    assert result.status == 0
    stats = dict(line.split(": ") for line in result.lines)
    assert float(stats["first_text"]) <= float(stats["first_byte"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_tee_that_takes_no_more_is_told_in_one_line(run: Program, folder: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)

    result = run(
        "stream", "--tee", "-o", "a.wav", "--engine", "local", stdin=b"hello\n", stdout=full, cold=True
    )

    assert result.status == 7
    assert result.lines == ["cartesia: Cannot write to standard output: No space left on device."]
    assert list(folder.iterdir()) == []


def test_streamed_text_sounds_as_if_it_were_said_at_once(run: Program, begin: Begin, folder: Path) -> None:
    said = run("say", TEXT, *LOCAL, "-o", "said", "--timings", "said.json")
    running, pipe = begin("stream", *LOCAL, "-o", "streamed", "--timings", "streamed.json")
    pipe.write(*shreds(TEXT, seed=5, longest=9))
    pipe.close()
    streamed = running.wait()

    assert (said.status, said.stderr) == (0, "")
    assert (streamed.status, streamed.stderr) == (0, "")
    expected, timings = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("said", "streamed")
    )
    assert timings == expected
    assert (folder / "streamed").read_bytes() == (folder / "said").read_bytes()


def test_a_pause_loses_nothing(begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", *LOCAL, "-o", "-", "--timings", "a.json", "--buffer-delay", 50)
    assert running.stdout is not None
    for piece in ("The fox ran away. It was ", "never seen again", ". So it goes."):
        size = running.stdout.size
        pipe.write(piece)
        if piece[-1] != ".":
            running.stdout.wait_for(size + 1, timeout=20)
    pipe.close()
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    timings = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    words = "".join(w["word"] for w in timings["words"])
    assert words.replace(".", "") == "Thefoxranaway.Itwasneverseenagain.Soitgoes.".replace(".", "")
    assert timings["duration"] == pytest.approx(len(result.stdout) / 48000, abs=0.001)
    starts = [w["start"] for w in timings["words"]]
    assert starts == sorted(starts)


@pytest.mark.usefixtures("folder")
def test_the_built_in_voice_is_announced(run: Program) -> None:
    result = run("stream", "-o", "a.wav", stdin=b"Hello.")

    assert result.status == 0
    assert result.lines == [
        (
            "cartesia: no API key, using the built-in voice "
            "(CARTESIA_API_KEY or 'cartesia auth login' for Cartesia)"
        )
    ]
