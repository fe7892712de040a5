"""``change-voice`` and ``infill``: cli.md sections 2, 4, 8 and 9, on both engines."""

import json
import os
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.engine import LocalEngine
from tests.cli.cloud import DONE, chunk, error
from tests.cli.program import KEY, Program, assert_failure
from tests.cli.test_startup import HEAVY, loaded
from tests.fakes.forms import form_of
from tests.fakes.scripted import CLOSE, Request, Scripted, Step, chunked, response, sse
from tests.fakes.server import running_server
from tests.unit.test_clips import spoken

ANNA = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
RATE = 24_000
SOUND = np.arange(2_000, dtype="<f4").tobytes()
COMMANDS = {
    "change-voice": ["change-voice", "in.wav"],
    "infill": ["infill", "on Tuesday", "--left", "in.wav"],
}
both = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture(autouse=True)
def recording(folder: Path) -> Path:
    """What is changed, or gone on from."""
    path = folder / "in.wav"
    soundfile.write(path, spoken(4, rate=RATE), RATE)
    return path


class Api:
    """An API that answers every request for sound alike, and knows one voice."""

    def __init__(self) -> None:
        self.steps: Sequence[Step] = response(body=SOUND, content_type="audio/wav")
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Sequence[Step]:
        """Return the answer to a request."""
        if request.target.startswith("/voices"):
            page = {"data": [{"id": ANNA, "name": "Anna"}], "has_more": False}
            return response(body=json.dumps(page).encode())
        self.asked.append(request)
        return self.steps


@pytest.fixture
def api(run: Program) -> Iterator[Api]:
    api = Api()
    with Scripted(api.answer) as server:
        run.env |= {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        yield api


def test_a_recording_is_sent_as_it_is_with_the_voice_and_the_format(
    run: Program, api: Api, folder: Path, recording: Path
) -> None:
    result = run("change-voice", "in.wav", "--voice", "anna", "-o", "out.raw")

    form = form_of(api.asked[0])
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert (folder / "out.raw").read_bytes() == SOUND
    assert api.asked[0].target == "/voice-changer/bytes"
    assert [(part.name, part.content) for part in form] == [
        ("clip", recording.read_bytes()),
        ("output_format[container]", b"raw"),
        ("output_format[encoding]", b"pcm_f32le"),
        ("output_format[sample_rate]", b"44100"),
        ("voice[id]", ANNA.encode()),
    ]
    assert form[0].filename == "in.wav"


def test_events_bring_the_same_sound(run: Program, api: Api, folder: Path) -> None:
    api.steps = sse(chunk(SOUND[:3_001]), chunk(SOUND[3_001:]), DONE)

    result = run("change-voice", "in.wav", "-v", ANNA, "-o", "out.raw", "--transport", "sse")

    assert (result.status, result.stderr) == (0, "")
    assert api.asked[0].target == "/voice-changer/sse"
    assert (folder / "out.raw").read_bytes() == SOUND


def test_mp3_comes_straight_from_the_api(run: Program, api: Api, folder: Path) -> None:
    api.steps = response(body=b"\xff\xfb mp3", content_type="audio/mpeg")

    result = run("change-voice", "in.wav", "-v", ANNA, "-o", "a.mp3", "--bit-rate", 64_000, "-r", 22_050)

    form = {part.name: part.content for part in form_of(api.asked[0])}
    assert (result.status, (folder / "a.mp3").read_bytes()) == (0, b"\xff\xfb mp3")
    assert form["output_format[container]"] == b"mp3"
    assert form["output_format[bit_rate]"] == b"64000"
    assert form["output_format[sample_rate]"] == b"22050"


def test_events_carry_no_mp3_so_it_is_made_here(run: Program, api: Api, folder: Path) -> None:
    sound = np.zeros(44_100, "<f4").tobytes()
    api.steps = sse(chunk(sound), DONE)

    result = run("change-voice", "in.wav", "-v", ANNA, "-o", "a.mp3", "--transport", "sse")

    form = {part.name: part.content for part in form_of(api.asked[0])}
    assert (result.status, result.stderr) == (0, "")
    assert form["output_format[container]"] == b"raw"
    assert soundfile.info(folder / "a.mp3").duration == pytest.approx(1, abs=0.1)


def test_a_recording_comes_from_standard_input(run: Program, api: Api, recording: Path) -> None:
    data = recording.read_bytes()

    result = run("change-voice", "-", "-v", ANNA, "-o", "-", "--format", "raw", stdin=data)

    assert (result.status, result.stdout) == (0, SOUND)
    assert form_of(api.asked[0])[0].content == data


def test_infilling_sends_the_text_and_both_sides(
    run: Program, api: Api, folder: Path, recording: Path
) -> None:
    (folder / "after.wav").write_bytes(b"after")

    result = run(
        *["infill", "on", "Tuesday", "-v", "Anna", "--left", "in.wav", "--right", "after.wav"],
        *["-l", "en", "-o", "out.raw"],
    )

    form = {part.name: part.content for part in form_of(api.asked[0])}
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert (folder / "out.raw").read_bytes() == SOUND
    assert api.asked[0].target == "/infill/bytes"
    assert form == {
        "left_audio": recording.read_bytes(),
        "right_audio": b"after",
        "transcript": b"on Tuesday",
        "voice_id": ANNA.encode(),
        "model_id": b"sonic-3",
        "language": b"en",
        "output_format[container]": b"raw",
        "output_format[encoding]": b"pcm_f32le",
        "output_format[sample_rate]": b"44100",
    }


@pytest.mark.usefixtures("api")
def test_infilling_names_what_it_ignores(run: Program) -> None:
    result = run(*COMMANDS["infill"], "-v", ANNA, "--speed", 1.2, "-o", "out.raw")

    assert result.status == 0
    assert result.lines == ["cartesia: warning: Infilling ignores the speed."]


@both
def test_nothing_is_left_of_what_broke(run: Program, api: Api, folder: Path, command: list[str]) -> None:
    api.steps = [*chunked(SOUND, end=False), CLOSE]

    assert_failure(run(*command, "-v", ANNA, "-o", "out.wav"), 6)
    assert [path.name for path in folder.iterdir()] == ["in.wav"]


@both
def test_a_refusal_has_its_status(run: Program, api: Api, folder: Path, command: list[str]) -> None:
    api.steps = error(402)

    assert_failure(run(*command, "-v", ANNA, "-o", "out.wav"), 4)
    assert not (folder / "out.wav").exists()


@both
def test_the_built_in_engine_takes_over_only_if_it_may(
    run: Program, api: Api, folder: Path, command: list[str]
) -> None:
    api.steps = error(402)

    result = run(*command, "-v", ANNA, "-o", "out.wav", "--fallback", "local")

    assert result.status == 0
    assert "Going on with the built-in voice" in result.stderr
    assert soundfile.info(folder / "out.wav").duration > 0.3


@both
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], ["-o", "--play"]),
        (["-o", "-", "-o", "/dev/stdout"], ["-"]),
        (["-o", "a.xyz"], ["a.xyz"]),
        (["-o", "a.wav", "-o", "./a.wav"], ["twice"]),
        (["-o", "a.flac", "--bit-rate", "64000"], ["--bit-rate"]),
        (["-o", "in.wav", "--no-clobber"], ["in.wav"]),
        (["-o", "a.wav", "--wait", "-1"], ["--wait"]),
    ],
)
def test_outputs_have_the_rules_of_say(
    run: Program, api: Api, folder: Path, command: list[str], options: list[str], named: list[str]
) -> None:
    assert_failure(run(*command, *options), 2, *named)
    assert api.asked == []
    assert [path.name for path in folder.iterdir()] == ["in.wav"]


@both
def test_sound_is_not_poured_into_a_terminal(run: Program, api: Api, command: list[str]) -> None:
    assert_failure(run(*command, "-o", "-", tty=["stdout"]), 2, "--force")
    assert api.asked == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["change-voice"], "recording"),
        (["change-voice", "gone.wav"], "gone.wav"),
        (["change-voice", "."], "folder"),
        (["infill", "on Tuesday"], "--left"),
        (["infill", "--left", "in.wav"], "text"),
        (["infill", "on Tuesday", "--left", "gone.wav"], "gone.wav"),
        (["infill", "...", "--left", "in.wav"], "nothing to say"),
    ],
)
def test_what_is_missing_is_asked_for(run: Program, api: Api, arguments: list[str], named: str) -> None:
    assert_failure(run(*arguments, "-o", "out.wav"), 2, named)
    assert api.asked == []


# On this machine


@pytest.mark.parametrize(
    "options", [[], ["--encoding", "pcm_f32le", "-r", "16000"], ["-o", "b.mp3", "-o", "c.flac"]]
)
def test_a_changed_recording_is_as_long_as_it_was(run: Program, folder: Path, options: list[str]) -> None:
    result = run("change-voice", "in.wav", "--voice", "bright", "--engine", "local", "-o", "a.wav", *options)

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    for name in ("a.wav", *(option for option in options if option.startswith(("b.", "c.")))):
        assert soundfile.info(folder / name).duration == pytest.approx(4, abs=0.1)


def test_a_named_pipe_is_a_recording_too(run: Program, folder: Path, recording: Path) -> None:
    os.mkfifo(folder / "pipe")
    data = recording.read_bytes()

    running = run.start("change-voice", "pipe", "-v", "deep", "--engine", "local", "-o", "a.wav")
    with (folder / "pipe").open("wb") as pipe:
        pipe.write(data)

    assert running.wait().status == 0
    assert soundfile.info(folder / "a.wav").duration == pytest.approx(4, abs=0.1)


def test_the_summary_names_the_engine_the_voice_and_the_outputs(run: Program, folder: Path) -> None:
    result = run("change-voice", "in.wav", "-v", "bright", "--engine", "local", "-o", "a.wav", "--json")

    summary = result.json
    assert (summary["engine"], summary["voice"], summary["duration"]) == ("local", "bright", 4.0)
    assert [output["path"] for output in summary["outputs"]] == ["a.wav"]
    assert summary["outputs"][0]["bytes"] == (folder / "a.wav").stat().st_size
    assert summary["stats"]["requests"] == 1


def test_infilled_speech_is_as_loud_as_its_neighbours(run: Program, folder: Path) -> None:
    soundfile.write(folder / "soft.wav", spoken(4, rate=RATE, level=-40, noise=-90), RATE)
    run.env["CARTESIA_ENGINE"] = "local"

    loud = run("infill", "on Tuesday", "--left", "in.wav", "-o", "loud.wav")
    soft = run("infill", "on Tuesday", "--right", "soft.wav", "-o", "quiet.wav", "--json")

    levels = [
        float(np.sqrt(np.mean(soundfile.read(folder / name)[0] ** 2))) for name in ("loud.wav", "quiet.wav")
    ]
    assert (loud.status, soft.status) == (0, 0)
    assert soft.json["text"] == "on Tuesday"
    assert levels[0] > 4 * levels[1]


@both
def test_without_a_key_the_built_in_engine_says_that_it_is_used(run: Program, command: list[str]) -> None:
    result = run(*command, "-v", "deep", "-o", "a.wav")

    assert result.status == 0
    assert result.lines[0].startswith("cartesia: no API key, using the built-in voice")


def test_the_built_in_engine_has_no_transport_and_says_so(run: Program) -> None:
    result = run("change-voice", "in.wav", "--engine", "local", "-o", "a.wav", "--transport", "sse")

    assert result.status == 0
    assert "--transport; ignored" in result.stderr


@both
def test_an_unknown_voice_is_a_mistake_and_an_unknown_id_a_refusal(
    run: Program, folder: Path, command: list[str]
) -> None:
    run.env["CARTESIA_ENGINE"] = "local"

    assert_failure(run(*command, "-v", "nobody", "-o", "a.wav"), 2, "nobody")
    assert_failure(run(*command, "-v", "11111111-2222-4333-8444-555555555555", "-o", "a.wav"), 5)
    assert not (folder / "a.wav").exists()


def test_a_recording_without_a_voice_is_refused(run: Program, folder: Path) -> None:
    soundfile.write(folder / "in.wav", np.zeros(RATE), RATE)

    result = run("change-voice", "in.wav", "-v", "deep", "--engine", "local", "-o", "a.wav")

    assert_failure(result, 2, "in.wav")
    assert not (folder / "a.wav").exists()


def test_our_own_server_changes_recordings_as_this_machine_does(run: Program, folder: Path) -> None:
    catalogue = LocalCatalogue(":memory:")
    with running_server(changer=LocalEngine(catalogue), library=catalogue) as server:
        env = {"CARTESIA_BASE_URL": server.url}
        voice = "7eef6874-fa50-566f-9102-5b6844916d4f"
        there = run("change-voice", "in.wav", "-v", voice, "-o", "there.wav", env=env)
        events = run("change-voice", "in.wav", "-v", voice, "-o", "events.wav", "--transport", "sse", env=env)
        filled = run("infill", "on Tuesday", "-v", voice, "--left", "in.wav", "-o", "filled.wav", env=env)
    catalogue.close()
    run("change-voice", "in.wav", "-v", voice, "-o", "here.wav", "--engine", "local")

    assert [there.stderr, events.stderr, filled.stderr] == ["", "", ""]
    sounds = []
    for name in ("there.wav", "events.wav", "here.wav"):
        with wave.open(str(folder / name)) as file:
            sounds.append(file.readframes(file.getnframes()))
    assert sounds[0] == sounds[1] == sounds[2]
    assert soundfile.info(folder / "filled.wav").duration > 0.3


@pytest.mark.parametrize("command", ["change-voice", "infill"])
def test_help_loads_nothing_heavy(run: Program, tmp_path: Path, command: str) -> None:
    assert not loaded(run, tmp_path, command, "--help") & (HEAVY | {"httpx"})
