"""``clone``: cli.md sections 7, 8 and 9, on both engines."""

import io
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from cartesia_cli.local.catalogue import LocalCatalogue
from tests.cli.cloud import error, pcm
from tests.cli.program import KEY, Program, Result, Running, assert_failure, assert_printable, wait_until
from tests.cli.test_startup import HEAVY, loaded
from tests.fakes.forms import form_of
from tests.fakes.scripted import Request, Scripted, Step, response
from tests.fakes.server import running_server
from tests.unit.test_clips import RATE, Sound, spoken

NEW = "9c0d3f3e-0f0e-4f6e-8a3e-2b8f5f0f7f11"
VOICE = {"id": NEW, "user_id": "u", "name": "Anna", "language": "en", "description": "", "created_at": "2026"}
CONSENT = "speaker's consent"


class Api:
    """An API that clones and speaks, and keeps what it was asked."""

    def __init__(self) -> None:
        self.steps: list[Step] = response(body=json.dumps(VOICE).encode())
        self.clones: list[Request] = []
        self.spoken: list[dict[str, object]] = []

    def answer(self, request: Request) -> list[Step]:
        """Return the answer to a request."""
        if request.target == "/voices/clone":
            self.clones.append(request)
            return self.steps
        if request.target == "/tts/bytes":
            self.spoken.append(request.json())
            return response(body=pcm("Hello."), content_type="audio/wav")
        return error(404)

    @property
    def form(self) -> dict[str, bytes]:
        """The fields of the only request for a clone."""
        [request] = self.clones
        return {part.name: part.content for part in form_of(request)}


@pytest.fixture
def api(run: Program) -> Iterator[Api]:
    api = Api()
    with Scripted(api.answer) as server:
        run.env |= {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        yield api


Write = Callable[..., Path]


@pytest.fixture
def write(folder: Path) -> Write:
    """Return ``write(sound)``, which makes a recording called a.wav."""

    def write(sound: Sound, name: str = "a.wav", rate: int = RATE) -> Path:
        soundfile.write(folder / name, sound, rate)
        return folder / name

    return write


def clone(run: Program, *arguments: object, **options: Any) -> Result:
    return run("clone", "a.wav", "--name", "Anna", *arguments, **options)


def at_terminal(run: Program, *arguments: object, columns: int = 80) -> Running:
    return run.start("clone", "a.wav", "--name", "Anna", *arguments, tty=["stdin", "stderr"], columns=columns)


def shown(running: Running, text: str) -> None:
    """Wait until a terminal shows a text."""
    assert running.stderr is not None
    reader = running.stderr
    wait_until(lambda: text.encode() in reader.wait_for(0))


def told(result: Result) -> dict[str, str]:
    """Return what was found, by name."""
    return dict(line.split(": ", 1) for line in result.lines if not line.startswith(("cartesia:", "hint:")))


# What is sent


def test_a_good_clip_is_sent_as_it_is_and_the_id_stands_alone(run: Program, api: Api, write: Write) -> None:
    path = write(spoken(6))

    result = clone(run, "--yes")

    [request] = api.clones
    clip = form_of(request)[0]
    assert (result.status, result.text) == (0, f"{NEW}\n")
    assert api.form == {"clip": path.read_bytes(), "name": b"Anna", "language": b"en"}
    assert clip.filename == "a.wav"


def test_every_option_is_a_field(run: Program, api: Api, write: Write) -> None:
    write(spoken(6))

    result = clone(
        run,
        *["-y", "-l", "de", "--description", "Calm.", "--accent", "british", "--base-voice", NEW.upper()],
        *["--mode", "stability", "--enhance"],
    )

    fields = {name: value.decode() for name, value in api.form.items() if name != "clip"}
    assert result.status == 0
    assert fields == {
        "name": "Anna",
        "language": "de",
        "description": "Calm.",
        "accent": "british",
        "base_voice_id": NEW,
        "mode": "stability",
        "enhance": "true",
    }


@pytest.mark.usefixtures("api")
def test_json_is_the_object_of_the_api(run: Program, write: Write) -> None:
    write(spoken(6))

    result = clone(run, "--yes", "--json", "-q")

    assert (result.status, result.json, result.stderr) == (0, VOICE, "")


def sent(api: Api) -> tuple[Sound, int]:
    sound, rate = soundfile.read(io.BytesIO(api.form["clip"]), dtype="float32", always_2d=True)
    return sound, rate


def test_several_channels_are_mixed_into_one_and_that_is_said(run: Program, api: Api, write: Write) -> None:
    sound = spoken(6)
    write(np.stack([sound, sound], axis=1))

    result = clone(run, "--yes")

    mixed, rate = sent(api)
    assert told(result)["channels"] == "2. They are mixed into one."
    assert (mixed.shape, rate) == ((len(sound), 1), RATE)
    np.testing.assert_allclose(mixed[:, 0], sound, atol=1e-4)


def test_what_the_api_does_not_list_is_sent_as_a_wav(run: Program, api: Api, write: Write) -> None:
    write(spoken(6), "a.aiff")

    result = run("clone", "a.aiff", "--name", "Anna", "--yes")

    assert result.status == 0
    assert form_of(api.clones[0])[0].filename == "a.wav"
    assert sent(api)[0].shape == (6 * RATE, 1)


def test_a_clip_comes_from_standard_input(run: Program, api: Api, write: Write) -> None:
    data = write(spoken(6)).read_bytes()

    result = run("clone", "-", "--name", "Anna", "--yes", stdin=data)

    assert result.status == 0
    assert sent(api)[0].shape == (6 * RATE, 1)


def test_a_refusal_has_its_status_and_nothing_is_printed(run: Program, api: Api, write: Write) -> None:
    write(spoken(6))
    api.steps = error(402)

    result = clone(run, "--yes", "-q")

    assert_failure(result, 4)
    assert len(api.clones) == 1


# What is found


@pytest.mark.usefixtures("api")
def test_a_good_clip_has_nothing_wrong_with_it(run: Program, write: Write) -> None:
    write(spoken(6))

    result = clone(run, "--yes")

    found = told(result)
    assert list(found) == ["length", "channels", "sample rate", "level", "clipping", "silence", "noise"]
    assert found["length"].startswith("6.0 s, of which 4.")
    assert found["sample rate"] == f"{RATE} Hz"
    assert found["clipping"] == "none"
    assert "." not in found["noise"]
    assert_printable(result.stderr)


BAD: dict[str, Callable[[], Sound]] = {
    "clipping": lambda: np.clip(spoken(6, level=-6) * np.float32(20), -1, 1),
    "level": lambda: spoken(6, level=-55, noise=-95),
    "noise": lambda: spoken(6, noise=-27),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_clip_needs_a_yes_and_is_told_its_remedy(
    run: Program, api: Api, write: Write, name: str
) -> None:
    write(BAD[name]())

    refused = clone(run)
    accepted = clone(run, "--yes")

    assert refused.status == 2
    assert f"makes no good voice: {name}" in refused.lines[-2]
    assert "--yes" in refused.lines[-1]
    assert ". " in told(accepted)[name]
    assert (accepted.status, len(api.clones)) == (0, 1)


def test_a_telephone_call_is_known_by_its_rate_and_by_its_band(run: Program, api: Api, write: Write) -> None:
    from cartesia_cli.audio.resample import StreamResampler

    low = StreamResampler(RATE, 8_000).process(spoken(6), last=True)
    write(low, rate=8_000)
    as_it_is = clone(run)
    write(StreamResampler(8_000, 48_000).process(low, last=True), rate=48_000)
    raised = clone(run)

    assert (as_it_is.status, raised.status) == (2, 2)
    assert told(as_it_is)["sample rate"].startswith("8000 Hz. The voice will sound dull.")
    assert "as on a telephone" in told(raised)["sample rate"]
    assert api.clones == []


@pytest.mark.usefixtures("api")
def test_much_silence_is_told_but_no_obstacle(run: Program, write: Write) -> None:
    write(np.concatenate([spoken(4), np.zeros(8 * RATE, np.float32)]))

    result = clone(run, "--yes")

    assert result.status == 0
    assert "--trim" in told(result)["silence"]


@pytest.mark.parametrize(
    ("sound", "named"),
    [
        (spoken(2.9), "2.9 s"),
        (np.zeros(RATE * 5, np.float32), "no speech"),
    ],
)
def test_too_little_is_refused_even_with_a_yes(
    run: Program, api: Api, write: Write, sound: Sound, named: str
) -> None:
    write(sound)

    assert_failure(clone(run, "--yes"), 2, "a.wav", named)
    assert api.clones == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["clone", "--name", "Anna"], "clip"),
        (["clone", "a.wav"], "--name"),
        (["clone", "a.wav", "--name", " "], "--name"),
        (["clone", "gone.wav", "--name", "Anna"], "gone.wav"),
        (["clone", ".", "--name", "Anna"], "folder"),
        (["clone", "text.wav", "--name", "Anna"], "text.wav"),
        (["clone", "a.wav", "--name", "Anna", "-o", "b.wav"], "--preview"),
        (["clone", "a.wav", "--name", "Anna", "--preview", "..."], "nothing to say"),
        (["clone", "a.wav", "--name", "Anna", "--preview", "Hi", "-o", "-"], "standard output"),
        (["clone", "a.wav", "--name", "Anna", "--preview", "Hi", "-o", "b.xyz"], "b.xyz"),
    ],
)
def test_mistakes_are_found_before_anything_is_sent(
    run: Program, api: Api, write: Write, folder: Path, arguments: list[str], named: str
) -> None:
    write(spoken(6))
    (folder / "text.wav").write_text("Hello.", encoding="utf-8")

    assert_failure(run(*arguments, "--yes"), 2, named)
    assert api.clones == []


# Too long


def test_a_long_clip_is_refused_and_a_trimmed_one_offered(run: Program, api: Api, write: Write) -> None:
    write(np.concatenate([np.zeros(5 * RATE, np.float32), spoken(21)]))

    refused = clone(run, "--yes")
    trimmed = clone(run, "--yes", "--trim")

    sound, rate = sent(api)
    assert refused.status == 2
    assert "--trim" in refused.lines[-1]
    assert trimmed.status == 0
    assert 5 <= len(sound) / rate <= 10.1
    assert np.sqrt(np.mean(sound**2)) > 0.05


@pytest.mark.parametrize(("answer", "status"), [("", 0), ("y", 0), ("n", 2)])
def test_a_person_is_asked_whether_to_trim(
    run: Program, api: Api, write: Write, answer: str, status: int
) -> None:
    write(spoken(24))

    running = at_terminal(run)
    shown(running, "Use its best")
    running.type(f"{answer}\n")
    if not status:
        shown(running, CONSENT)
        running.type("y\n")
    result = running.wait()

    assert (result.status, len(api.clones)) == (status, 0 if status else 1)


# Consent


def test_without_a_person_consent_is_an_option(run: Program, api: Api, write: Write) -> None:
    write(spoken(6))

    result = clone(run, "-q")

    assert_failure(result, 2, "consent", "--yes")
    assert api.clones == []


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("Yes", 0), ("", 2), ("n", 2), ("\x04", 2)])
def test_a_person_is_asked_for_consent(
    run: Program, api: Api, write: Write, answer: str, status: int
) -> None:
    write(spoken(6))

    running = at_terminal(run)
    shown(running, CONSENT)
    running.type(answer if answer == "\x04" else f"{answer}\n")
    result = running.wait()

    assert (result.status, len(api.clones)) == (status, 0 if status else 1)
    assert result.text == ("" if status else f"{NEW}\n")


def test_ctrl_c_at_a_question_ends_it(run: Program, api: Api, write: Write) -> None:
    write(spoken(6))

    running = at_terminal(run)
    shown(running, CONSENT)
    running.send(signal.SIGINT)

    assert (running.wait().status, api.clones) == (130, [])


@pytest.mark.usefixtures("api")
def test_a_program_gets_the_refusal_alone(run: Program, api: Api, write: Write) -> None:
    write(spoken(6))

    refused = clone(run, "--json")

    assert (refused.status, refused.stdout, api.clones) == (2, b"", [])
    assert "--yes" in json.loads(refused.stderr)["error"]["hint"]


def test_no_input_asks_nobody(run: Program, write: Write) -> None:
    write(spoken(6))

    result = at_terminal(run, "--no-input").wait()

    assert result.status == 2
    assert "--yes" in result.stderr
    assert "[y/N]" not in result.stderr


def test_a_bad_clip_is_accepted_by_a_person_too(run: Program, api: Api, write: Write) -> None:
    write(spoken(6, noise=-27))

    running = at_terminal(run)
    shown(running, "(noise). Go on all the same?")
    running.type("y\n")
    shown(running, CONSENT)
    running.type("y\n")

    assert (running.wait().status, len(api.clones)) == (0, 1)


# The picture


def lines_of(result: Result) -> list[str]:
    """Return what a terminal shows in the end, without its colours."""
    lines = re.sub(r"\x1b\[3[13]m|\x1b\[0m|\r", "", result.stderr).split("\n")
    return [line.rpartition("\x1b[2K")[2].rstrip() for line in lines]


@pytest.mark.parametrize("columns", [20, 80, 300])
@pytest.mark.usefixtures("api")
def test_the_level_is_drawn_within_the_terminal_with_marks_where_it_clips(
    run: Program, write: Write, columns: int
) -> None:
    sound = np.concatenate([spoken(4), np.zeros(2 * RATE, np.float32), spoken(4)])
    sound[8 * RATE : 8 * RATE + 50] = 1
    write(sound)

    result = at_terminal(run, "--yes", columns=columns).wait()

    lines = lines_of(result)
    level, marks, axis = lines[:3]
    width = min(columns - 1, 72)
    assert max(map(len, lines)) < columns
    assert set(level) <= set(" ▁▂▃▄▅▆▇█")
    assert width * 0.94 <= len(level) <= width  # it ends with a pause
    assert level[width * 5 // 10] == " "
    assert level[0] != " "
    assert marks.index("!") == pytest.approx(0.8 * width, abs=1)
    assert axis.startswith("0")
    assert axis.endswith("10.0 s")
    assert any(line.startswith("clipping: ") for line in lines)


@pytest.mark.usefixtures("api")
def test_the_stretch_that_would_be_used_is_marked(run: Program, write: Write) -> None:
    write(np.concatenate([np.zeros(12 * RATE, np.float32), spoken(8), np.zeros(4 * RATE, np.float32)]))

    result = at_terminal(run, "--yes", "--trim", columns=49).wait()

    [stretch] = [line for line in lines_of(result) if line.lstrip().startswith("[-")]
    assert stretch.index("[") == pytest.approx(24, abs=1)
    assert stretch.index("]") == pytest.approx(39, abs=1.5)


@pytest.mark.parametrize("options", [["--color", "never"], ["--color", "never", "--trim"]])
@pytest.mark.usefixtures("api")
def test_without_colour_there_are_plain_lines_alone(run: Program, write: Write, options: list[str]) -> None:
    write(spoken(6))

    result = at_terminal(run, "--yes", *options).wait()

    assert_printable(result.stderr)
    assert set("▁▂▃▄▅▆▇█") & set(result.stderr) == set()
    assert "length: 6.0 s" in result.stderr


@pytest.mark.usefixtures("api")
def test_a_terminal_without_block_characters_gets_others(run: Program, write: Write) -> None:
    write(spoken(6))

    running = run.start(
        *["clone", "a.wav", "--name", "Anna", "--yes"],
        tty=["stdin", "stderr"],
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )

    assert set(lines_of(running.wait())[0]) <= set(" .:-=+*#@")


@pytest.mark.usefixtures("api")
def test_quiet_shows_nothing(run: Program, write: Write) -> None:
    write(spoken(6))

    assert at_terminal(run, "--yes", "--quiet").wait().stderr == ""


# The preview


def test_the_new_voice_says_something(run: Program, api: Api, write: Write, folder: Path) -> None:
    write(spoken(6))

    result = clone(run, "--yes", "-q", "--preview", "Hello.", "-o", "hello.pcm")

    [request] = api.spoken
    assert (result.status, result.text, result.stderr) == (0, f"{NEW}\n", "")
    assert (folder / "hello.pcm").read_bytes() == pcm("Hello.")
    assert request["transcript"] == "Hello."
    assert NEW in json.dumps(request["voice"])


@pytest.mark.usefixtures("api")
def test_the_id_is_there_although_the_preview_fails(run: Program, write: Write) -> None:
    write(spoken(6))

    result = clone(run, "--yes", "-q", "--preview", "Hello.", "-o", "gone/hello.pcm")

    assert (result.status, result.text) == (7, f"{NEW}\n")


# On this machine, and with our own server


def test_a_voice_made_here_speaks_here(run: Program, write: Write, folder: Path) -> None:
    write(spoken(8))
    run.env["CARTESIA_ENGINE"] = "local"

    result = clone(run, "--yes", "--preview", "Hello.", "-o", "a.preview.wav", "--mode", "stability")
    said = run("say", "Hello.", "-v", "Anna", "-o", "again.wav")

    assert (result.status, said.status) == (0, 0)
    assert any(line.endswith("that is all") for line in result.lines)
    assert "cartesia: warning: the built-in engine has no --mode; ignored" in result.lines
    assert len(result.text.strip()) == 36
    sounds = [soundfile.read(folder / name)[0] for name in ("a.preview.wav", "again.wav")]
    np.testing.assert_array_equal(*sounds)


def test_json_of_a_voice_made_here_says_what_it_is(run: Program, write: Write) -> None:
    write(spoken(8))

    voice = clone(run, "--yes", "--engine", "local", "--json", "--description", "Mine").json

    assert (voice["name"], voice["is_owner"]) == ("Anna", True)
    assert voice["description"].startswith("Mine (The built-in voice")


def test_our_own_server_clones(run: Program, write: Write) -> None:
    write(spoken(8))
    catalogue = LocalCatalogue(":memory:")
    with running_server(library=catalogue) as server:
        result = clone(run, "--yes", "-q", env={"CARTESIA_BASE_URL": server.url})
    name = catalogue.get_voice(result.text.strip()).name
    catalogue.close()

    assert (result.status, result.stderr, name) == (0, "", "Anna")


def test_the_built_in_engine_speaks_english_alone(run: Program, write: Write) -> None:
    write(spoken(8))

    assert_failure(clone(run, "--yes", "-q", "--engine", "local", "-l", "de"), 2, "English")


def test_help_loads_nothing_heavy(run: Program, tmp_path: Path) -> None:
    assert not loaded(run, tmp_path, "clone", "--help") & (HEAVY | {"httpx", "sqlite3"})
