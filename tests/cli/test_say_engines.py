"""Which engine speaks, with which key and which voice: cli.md sections 2, 3 and 9."""

import io
import wave
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud, error, pcm, voice
from tests.cli.conftest import Say
from tests.cli.program import EXTRA, KEY, Program, assert_failure, without
from tests.cli.test_say_cloud import voice_of
from tests.fakes.scripted import Scripted, response

NOTICE = (
    "cartesia: no API key, using the built-in voice (CARTESIA_API_KEY or 'cartesia auth login' for Cartesia)"
)
TEXT = "Good morning."
SKYLAR = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
KATIE = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
OTHER_KATIE = "a0e99841-438c-4a64-b679-ae501e7d6091"
UNKNOWN = "11111111-2222-4333-8444-555555555555"


# Cloud or local


def test_without_a_key_the_built_in_voice_speaks_and_says_so(run: Program, folder: Path) -> None:
    result = run("say", TEXT, "-o", "a.wav", cold=True)

    assert result.status == 0
    assert result.lines == [NOTICE]
    with wave.open(str(folder / "a.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 44100)
        assert 0.5 < sound.getnframes() / 44100 < 4
        assert len(set(sound.readframes(44100))) > 100


def test_quiet_drops_the_notice(run: Program) -> None:
    result = run("say", TEXT, "-o", "a.wav", "-q")

    assert result.status == 0
    assert result.stderr == ""


def test_the_local_engine_needs_no_notice_when_it_was_asked_for(run: Program) -> None:
    by_option = run("say", TEXT, "-o", "a.wav", "--engine", "local")
    by_variable = run("say", TEXT, "-o", "a.wav", env={"CARTESIA_ENGINE": "local", "CARTESIA_API_KEY": KEY})

    assert (by_option.status, by_option.stderr) == (0, "")
    assert (by_variable.status, by_variable.stderr) == (0, "")


def test_a_key_leads_to_the_cloud(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm")

    assert (result.status, result.stderr) == (0, "")
    assert len(cloud.spoken) == 1


def test_a_base_url_on_loopback_leads_to_the_cloud_without_a_key(run: Program, cloud: Cloud) -> None:
    result = run("say", TEXT, "-o", "a.pcm", env={"CARTESIA_BASE_URL": cloud.url})

    assert (result.status, result.stderr) == (0, "")
    assert cloud.requests[0].header("authorization") is None


@pytest.mark.parametrize(
    "env",
    [{}, {"CARTESIA_API_KEY": ""}, {"CARTESIA_BASE_URL": "http://192.0.2.1"}],
    ids=["no key", "empty", "far away"],
)
def test_the_cloud_without_a_key_is_refused(run: Program, folder: Path, env: dict[str, str]) -> None:
    result = run("say", TEXT, "-o", "a.pcm", "--engine", "cloud", env=env)

    assert_failure(result, 3, "CARTESIA_API_KEY")
    assert result.seconds < 5
    assert list(folder.iterdir()) == []


def test_a_base_url_far_away_without_a_key_is_refused(run: Program) -> None:
    result = run("say", TEXT, "-o", "a.pcm", env={"CARTESIA_BASE_URL": "http://192.0.2.1"})

    assert_failure(result, 3, "CARTESIA_API_KEY")


BAD_KEYS = {
    "a blank": " ",
    "blanks": " \t ",
    "a line break": "sk_car\nX-Evil: 1",
    "an escape": "sk_\x1b[31mcar",
    "an umlaut": "schlüssel",
}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
@pytest.mark.parametrize("engine", ["auto", "cloud"])
def test_a_key_that_cannot_be_one_is_refused(
    run: Program, cloud: Cloud, folder: Path, engine: str, key: str
) -> None:
    env = cloud.env | {"CARTESIA_API_KEY": key}

    result = run("say", TEXT, "-o", "a.pcm", "--engine", engine, env=env)

    assert_failure(result, 3)
    assert "X-Evil" not in result.stderr
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


def test_a_blank_key_is_refused_without_a_base_url_too(run: Program) -> None:
    result = run("say", TEXT, "-o", "a.pcm", env={"CARTESIA_API_KEY": "  "})

    assert_failure(result, 3)


def test_the_local_engine_does_not_mind_the_key(run: Program) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--engine", "local", env={"CARTESIA_API_KEY": " "})

    assert result.status == 0


def test_a_key_can_stand_in_a_file(run: Program, cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    env = {"CARTESIA_BASE_URL": cloud.url, "CARTESIA_API_KEY_FILE": str(tmp_path / "key")}

    result = run("say", TEXT, "-o", "a.pcm", env=env)

    assert result.status == 0
    assert cloud.requests[0].header("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "content",
    [None, b"", b"  \n", b"one\ntwo\n", b"\xff\xfe"],
    ids=["missing", "empty", "blank", "two lines", "not text"],
)
def test_a_key_file_without_a_key_is_refused(
    run: Program, cloud: Cloud, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    env = {"CARTESIA_BASE_URL": "http://192.0.2.1", "CARTESIA_API_KEY_FILE": str(tmp_path / "key")}

    result = run("say", TEXT, "-o", "a.pcm", env=env)

    assert result.status in ({2, 3} if content is None else {3})
    assert str(tmp_path / "key") in result.stderr
    assert result.stdout == b""
    assert cloud.requests == []


def test_a_failing_cloud_never_turns_local_by_itself(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(error(500))

    result = say(TEXT, "-o", "a.wav", "--retries", "0")

    assert_failure(result, 6)
    assert list(folder.iterdir()) == []


def test_fallback_turns_local_and_says_so(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(error(500))

    result = say(TEXT, "-o", "a.wav", "--retries", "0", "--fallback", "local", cold=True)

    assert result.status == 0
    assert "built-in voice" in result.stderr or "local" in result.stderr
    with wave.open(str(folder / "a.wav")) as sound:
        assert sound.getnframes() > 20_000


def test_without_the_extra_and_without_a_key_both_ways_out_are_named(run: Program, tmp_path: Path) -> None:
    result = run("say", TEXT, "-o", "a.wav", env=without(tmp_path, run, *EXTRA))

    assert_failure(result, 3, "cartesia-cli[local]", "CARTESIA_API_KEY")


def test_the_local_engine_without_the_extra_shows_the_install_line(run: Program, tmp_path: Path) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--engine", "local", env=without(tmp_path, run, *EXTRA))

    assert_failure(result, 2, "pip install", "cartesia-cli[local]")


def test_the_cloud_needs_no_extra(run: Program, cloud: Cloud, folder: Path, tmp_path: Path) -> None:
    env = cloud.env | without(tmp_path, run, *EXTRA, "starlette", "uvicorn", "msgspec", "click")

    result = run("say", TEXT, "-o", "a.pcm", "--timings", "a.srt", env=env)

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.pcm").read_bytes() == pcm(TEXT)


def test_speech_alone_needs_no_recogniser(run: Program, tmp_path: Path) -> None:
    result = run("say", TEXT, "-o", "a.wav", "-q", env=without(tmp_path, run, "moonshine_voice"))

    assert (result.status, result.stderr) == (0, "")


# What the engine cannot honour


def test_manner_that_the_local_engine_cannot_honour_is_one_warning_each(run: Program) -> None:
    options = {"model": "sonic-3", "emotion": "happy", "transport": "sse"}

    result = run(
        "say",
        TEXT,
        "-o",
        "a.wav",
        "--engine",
        "local",
        *[x for k, v in options.items() for x in (f"--{k}", v)],
    )

    assert result.status == 0
    assert [sum(name in line for line in result.lines) for name in options] == [1, 1, 1]


def test_a_seed_in_the_cloud_is_one_warning(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-o", "a.pcm", "--seed", "7")

    assert result.status == 0
    assert len(result.lines) == 1
    assert "seed" in result.stderr
    assert "seed" not in cloud.spoken[0]


@pytest.mark.parametrize("options", [["--language", "de"], ["--locale", "fr-FR"], ["-l", "xx"]], ids=" ".join)
def test_a_language_that_the_local_engine_does_not_speak_is_refused(
    run: Program, folder: Path, options: list[str]
) -> None:
    result = run("say", TEXT, "-o", "a.wav", "--engine", "local", *options)

    assert_failure(result, 2, options[1])
    assert list(folder.iterdir()) == []


def test_the_same_seed_gives_the_same_bytes_in_another_process(run: Program, folder: Path) -> None:
    for name in ("a.wav", "b.wav"):
        assert run("say", TEXT, "-o", name, "--engine", "local", "--seed", 7, cold=True).status == 0

    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()


def test_local_speech_can_be_piped(run: Program) -> None:
    result = run("say", TEXT, "-o", "-", "--engine", "local", "-r", "16000")

    assert result.status == 0
    with wave.open(io.BytesIO(result.stdout)) as sound:
        n_samples = len(sound.readframes(sound.getnframes())) // 2
    assert 0.5 < n_samples / 16000 < 4


def test_text_of_which_only_a_part_can_be_spoken_is_warned_of(run: Program) -> None:
    result = run("say", "Hello 🎉 and 世界, my friend.", "-o", "a.wav", "--engine", "local")

    assert result.status == 0
    assert len(result.lines) == 1
    assert "世界" in result.stderr


@pytest.mark.parametrize("text", ["🎉🎉", "世界"])
def test_text_of_which_nothing_can_be_spoken_is_refused(run: Program, folder: Path, text: str) -> None:
    result = run("say", text, "-o", "a.wav", "--engine", "local")

    assert result.status == 2
    assert list(folder.iterdir()) == []


# Voices


@pytest.fixture
def voices(cloud: Cloud) -> Cloud:
    """An API with more voices than a page holds, two of which share a name."""
    cloud.voices += [voice(f"00000000-0000-4000-8000-{i:012}", f"Extra {i}") for i in range(150)]
    cloud.voices += [
        voice(SKYLAR, "Skylar", "Friendly guide."),
        voice(KATIE, "Katie", "Energetic host. Not Skylar."),
        voice(OTHER_KATIE, "Katie", "Another one."),
        voice(UNKNOWN.replace("1", "2"), "Skylar Calm"),
    ]
    return cloud


def test_an_id_is_not_looked_up(say: Say, voices: Cloud) -> None:
    result = say(TEXT, "-v", SKYLAR, "-o", "a.pcm")

    assert result.status == 0
    assert voice_of(voices.spoken[0]) == SKYLAR
    assert voices.lookups == []


@pytest.mark.parametrize("name", ["Skylar", "skylar", "SKYLAR"])
def test_a_name_is_looked_up(say: Say, voices: Cloud, name: str) -> None:
    result = say(TEXT, "-v", name, "-o", "a.pcm")

    assert result.status == 0
    assert voice_of(voices.spoken[0]) == SKYLAR
    lookup = next(r for r in voices.requests if r.target.startswith("/voices"))
    assert lookup.header("authorization") == f"Bearer {KEY}"
    assert lookup.header("cartesia-version") == "2026-08-14"


def test_a_name_is_looked_up_once_a_day(say: Say, voices: Cloud) -> None:
    first = say(TEXT, "-v", "Skylar", "-o", "a.pcm")
    n_lookups = len(voices.lookups)
    second = say(TEXT, "-v", "Skylar", "-o", "a.pcm")

    assert first.status == second.status == 0
    assert n_lookups >= 1
    assert len(voices.lookups) == n_lookups
    assert voice_of(voices.spoken[1]) == SKYLAR


def test_another_server_has_voices_of_its_own(run: Program, voices: Cloud) -> None:
    other = Cloud()
    other.voices.append(voice(KATIE, "Skylar"))
    with Scripted(other.answer) as served:
        other.url = served.url
        run("say", TEXT, "-v", "Skylar", "-o", "a.pcm", env=voices.env)
        run("say", TEXT, "-v", "Skylar", "-o", "a.pcm", env=other.env)

    assert voice_of(voices.spoken[0]) == SKYLAR
    assert voice_of(other.spoken[0]) == KATIE


def test_a_name_on_a_later_page_is_found(say: Say, voices: Cloud) -> None:
    result = say(TEXT, "-v", "Extra 149", "-o", "a.pcm")

    assert result.status == 0
    assert voice_of(voices.spoken[0]).endswith("149")


def test_an_ambiguous_name_is_refused_with_the_candidates(say: Say, voices: Cloud, folder: Path) -> None:
    result = say(TEXT, "-v", "Katie", "-o", "a.pcm")

    assert_failure(result, 2, "Katie", KATIE, OTHER_KATIE)
    assert voices.spoken == []
    assert list(folder.iterdir()) == []


def test_an_unknown_name_is_refused_with_the_closest(say: Say, voices: Cloud) -> None:
    result = say(TEXT, "-v", "Skyler", "-o", "a.pcm")

    assert_failure(result, 2, "Skyler", "Skylar")
    assert voices.spoken == []


def test_a_voice_of_blanks_is_refused(say: Say, cloud: Cloud) -> None:
    result = say(TEXT, "-v", " ", "-o", "a.pcm")

    assert_failure(result, 2)
    assert cloud.spoken == []


def test_a_server_may_page_for_ever_but_the_program_does_not(say: Say, cloud: Cloud) -> None:
    page = b'{"data": [{"id": "%s", "name": "Loop"}], "has_more": true}' % KATIE.encode()
    with Scripted(
        lambda r: response(body=page) if r.target.startswith("/voices") else cloud.answer(r)
    ) as api:
        result = say(TEXT, "-v", "Skylar", "-o", "a.pcm", env={"CARTESIA_BASE_URL": api.url})
        n_requests = len(api.requests)

    assert result.status in {2, 6}
    assert n_requests < 20


def test_an_id_that_the_api_does_not_know_is_rejected(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(error(404, message="No voice has this ID."))

    result = say(TEXT, "-v", UNKNOWN, "-o", "a.pcm")

    assert_failure(result, 5, "No voice has this ID.")
    assert list(folder.iterdir()) == []


def test_an_id_that_the_local_engine_does_not_know_is_rejected(run: Program, folder: Path) -> None:
    result = run("say", TEXT, "-v", UNKNOWN, "-o", "a.wav", "--engine", "local")

    assert_failure(result, 5, UNKNOWN)
    assert list(folder.iterdir()) == []


def test_a_name_that_the_local_engine_does_not_know_is_refused(run: Program, folder: Path) -> None:
    result = run("say", TEXT, "-v", "hart", "-o", "a.wav", "--engine", "local")

    assert_failure(result, 2, "hart", "heart")
    assert list(folder.iterdir()) == []


def test_local_voices_are_different_and_answer_to_documented_ids(run: Program, folder: Path) -> None:
    for name in ("heart", "deep", "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"):
        assert run("say", "Hi.", "-v", name, "-o", f"{name}.wav", "--engine", "local").status == 0

    sounds = {path.read_bytes() for path in folder.iterdir()}
    assert len(sounds) >= 2


# The project's file


def test_a_project_file_chooses_the_voice(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / ".cartesia.toml").write_text(f'voice = "{SKYLAR}"\n', encoding="utf-8")
    (folder / "deeper").mkdir()

    here = say(TEXT, "-o", "a.pcm")
    deeper = say(TEXT, "-o", "a.pcm", cwd=folder / "deeper")
    variable = say(TEXT, "-o", "a.pcm", env={"CARTESIA_VOICE": KATIE})

    assert here.status == deeper.status == variable.status == 0
    assert [voice_of(body) for body in cloud.spoken] == [SKYLAR, SKYLAR, KATIE]


LINES = {
    "a base URL": 'base_url = "http://127.0.0.1:9"',
    "a key": 'api_key = "sk_car_x"',
    "headers": '[headers]\nX-Evil = "1"',
    "an unknown key": 'volcie = "heart"',
    "a mistyped value": 'sample_rate = "often"',
    "no TOML": "voice = = 1",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_project_file_with_a_bad_line_is_refused(say: Say, cloud: Cloud, folder: Path, line: str) -> None:
    (folder / ".cartesia.toml").write_text(f'# mine\nlanguage = "en"\n{line}\n', encoding="utf-8")

    result = say(TEXT, "-o", "a.pcm")

    assert_failure(result, 2, ".cartesia.toml", "3" if "[" not in line else ".cartesia.toml")
    assert cloud.requests == []


def test_an_unknown_engine_in_the_environment_is_refused(run: Program) -> None:
    result = run("say", TEXT, "-o", "a.wav", env={"CARTESIA_ENGINE": "steam"})

    assert_failure(result, 2, "CARTESIA_ENGINE", "steam")
