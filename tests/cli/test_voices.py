"""Voices found, shown and heard: cli.md sections 7 and 9."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cartesia_cli.commands._columns import columns_of
from cartesia_cli.commands._voices_samples import greeting
from tests.cli.cloud import DEFAULT_VOICE, Cloud, voice
from tests.cli.program import Program, assert_failure
from tests.fakes.scripted import Request, Scripted, Step, response
from tests.fakes.soundserver import SoundServer, require_sound

IDS = [f"0000abcd-0000-4000-8000-{number:012}" for number in range(250)]
LOCAL = {"CARTESIA_ENGINE": "local"}


def listed(run: Program) -> list[str]:
    path = run.home / ".cache" / "cartesia" / "voices.txt"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def fill(cloud: Cloud, n_voices: int = 250) -> None:
    cloud.voices = [voice(IDS[i], f"Voice {i}", f"Number {i}.") for i in range(n_voices)]


def test_the_list_goes_through_all_pages(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud)

    result = in_cloud("voices", "list")

    rows = [line.split("\t") for line in result.text.splitlines()]
    assert rows == [[IDS[i], f"Voice {i}", "en", "feminine", f"Number {i}."] for i in range(250)]
    assert (result.status, result.stderr) == (0, "")
    assert len(cloud.lookups) == 4  # the last one is empty


def test_json_is_an_object_a_line_with_the_apis_own_keys(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 3)

    assert in_cloud("voices", "list", "--json").events == cloud.voices
    assert in_cloud("voices", "list", "--json", tty=["stdout"]).events == cloud.voices
    assert in_cloud("voices", "search", "Number", "1.", "--json").events == cloud.voices[1:2]


def test_a_choice_is_left_to_the_api(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 3)

    in_cloud(
        "voices", "search", "voice", "--language", "en", "--gender", "feminine", "--mine", "--limit", "2"
    )

    [target] = cloud.lookups[:1]
    assert parse_qs(urlsplit(target).query) == {
        "q": ["voice"],
        "language": ["en"],
        "gender": ["feminine"],
        "is_owner": ["true"],
        "limit": ["2"],
    }


@pytest.mark.parametrize(("limit", "n_requests"), [(1, 1), (7, 1), (100, 1), (101, 2)])
def test_no_more_is_asked_for_than_the_limit(
    in_cloud: Program, cloud: Cloud, limit: int, n_requests: int
) -> None:
    fill(cloud)

    result = in_cloud("voices", "list", "--limit", limit)

    assert len(result.text.splitlines()) == limit
    assert len(cloud.lookups) == n_requests


def test_what_cannot_be_listed_is_a_usage_error(in_cloud: Program, cloud: Cloud) -> None:
    assert_failure(in_cloud("voices", "list", "--limit", "0"), 2, "--limit")
    assert_failure(in_cloud("voices", "list", "--gender", "alto"), 2, "--gender")
    assert_failure(in_cloud("voices", "search"), 2, "search for")
    assert_failure(in_cloud("voices", "show"), 2, "no voice is named")
    assert cloud.requests == []


def test_nothing_found_is_told_to_a_person(in_cloud: Program) -> None:
    result = in_cloud("voices", "search", "nobody", tty=["stderr"])

    assert (result.status, result.text, result.stderr) == (0, "", "cartesia: there is no such voice\n")
    assert in_cloud("voices", "search", "nobody").stderr == ""


@pytest.mark.parametrize("columns", [20, 40, 80, 120])
def test_the_columns_fit_every_terminal(in_cloud: Program, cloud: Cloud, columns: int) -> None:
    cloud.voices = [
        voice(IDS[0], "Skylar", "A friendly guide who has very much to say about nearly everything."),
        voice(IDS[1], "語り手の長い名前", "話"),
    ]

    result = in_cloud("voices", "list", tty=["stdout"], columns=columns, env={"NO_COLOR": "1"})

    lines = result.text.splitlines()
    assert all(columns_of(line) < columns for line in lines)
    if columns >= 80:
        title, first, second = lines
        assert title.split() == ["ID", "NAME", "LANG", "GENDER", "DESCRIPTION"]
        assert first.split()[:4] == [IDS[0], "Skylar", "en", "feminine"]
        assert columns_of(first[: first.index("feminine")]) == columns_of(second[: second.index("feminine")])
    else:  # nothing is lost
        together = "".join(result.text.split())
        assert IDS[0] in together
        assert "語り手の長い名前" in together
        assert "nearlyeverything." in together


def test_a_screen_reader_gets_plain_lines(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 2)

    piped = in_cloud("voices", "list")
    result = in_cloud("voices", "list", "--color", "never", tty=["stdout"])

    assert result.stdout == piped.stdout
    assert result.text.count("\t") == 8


def test_names_cannot_drive_the_terminal(in_cloud: Program, cloud: Cloud) -> None:
    cloud.voices = [voice(IDS[0], "Sky\x1b[2Jlar", "a\tb\nc\x9b\x07")]

    piped, seen = (
        in_cloud("voices", "list"),
        in_cloud("voices", "list", tty=["stdout"], env={"NO_COLOR": "1"}),
    )

    assert len(piped.text.rstrip("\n").split("\t")) == 5
    for text in (piped.text.replace("\t", ""), seen.text):
        assert not [char for char in text.replace("\n", "") if ord(char) < 32 or 127 <= ord(char) < 160]


def test_a_reader_that_goes_away_ends_it_at_once(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud)
    reading, writing = os.pipe()

    running = in_cloud.start("voices", "list", "--json", stdout=writing)
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(reading, 1)
    os.close(reading)
    result = running.wait()

    assert json.loads(line)["id"] == IDS[0]
    assert (result.status, result.stderr) == (141, "")
    assert len(cloud.lookups) <= 3


def test_ten_thousand_voices_take_no_more_room_than_a_thousand(tmp_path: Path, in_cloud: Program) -> None:
    code = (
        "import sys; from cartesia_cli.cli import run; sys.argv[1:] = ['voices', 'list', *sys.argv[1:]]\n"
        "status = run()\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "sys.stderr.write(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )

    def peak(n_voices: int, *args: str) -> int:
        def answer(request: Request) -> Sequence[Step]:
            after = parse_qs(urlsplit(request.target).query).get("starting_after", ["-1"])[0]
            first = int(after[-12:]) + 1
            page = [
                voice(f"00000000-0000-4000-8000-{number:012}", f"Voice {number}", "Calm. " * 50)
                for number in range(first, min(first + 100, n_voices))
            ]
            return response(body=json.dumps({"data": page, "has_more": True}).encode())

        with Scripted(answer) as served, (tmp_path / "out").open("wb") as out:
            done = subprocess.run(
                [sys.executable, "-c", code, *args],
                stdout=out,
                stderr=subprocess.PIPE,
                env=in_cloud.env | {"CARTESIA_BASE_URL": served.url},
                timeout=60,
                check=True,
            )
        assert (tmp_path / "out").read_bytes().count(b"\n") == n_voices
        return int(done.stderr)

    for args in ((), ("--json",)):
        assert peak(10_000, *args) - peak(1_000, *args) < 5_000  # kB
    assert len(listed(in_cloud)) == 1_000


def test_voices_load_nothing_heavy(in_cloud: Program) -> None:
    code = (
        "import sys; from cartesia_cli.cli import run; sys.argv[1:] = ['voices', 'list']\n"
        "assert run() == 0\n"
        "heavy = {'numpy', 'soundfile', 'sounddevice', 'pydantic', 'asyncio', 'onnxruntime'}\n"
        "sys.stderr.write(' '.join(heavy & sys.modules.keys()))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=in_cloud.env, capture_output=True, timeout=30, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_whole_list_is_kept_for_completion(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 3)
    config = in_cloud.home / ".config" / "cartesia"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(f'[aliases]\nnarrator = "{IDS[2]}"\n', "utf-8")

    for part in (["--limit", "2"], ["--mine"], ["--language", "en"]):
        in_cloud("voices", "list", *part)
    in_cloud("voices", "search", "voice")
    before = listed(in_cloud)
    in_cloud("voices", "list", "--json")

    assert before == []
    assert listed(in_cloud) == [*(f"Voice {i}\t{IDS[i]}" for i in range(3)), f"narrator\t{IDS[2]}"]


def test_a_list_that_broke_off_leaves_the_old_one(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 3)
    in_cloud("voices", "list")
    before = listed(in_cloud)
    broken = [voice(IDS[7], "Other"), {"name": "no ID"}]

    with Scripted(lambda _: response(body=json.dumps({"data": broken}).encode())) as served:
        result = in_cloud("voices", "list", env={"CARTESIA_BASE_URL": served.url})

    assert result.status == 6
    assert listed(in_cloud) == before
    assert sorted(path.name for path in (in_cloud.home / ".cache" / "cartesia").iterdir()) == ["voices.txt"]


def test_a_cache_that_cannot_be_written_does_not_matter(in_cloud: Program, cloud: Cloud) -> None:
    (in_cloud.home / ".cache").write_text("not a folder", "utf-8")

    result = in_cloud("voices", "list")

    assert (result.status, result.stderr) == (0, "")
    assert len(result.text.splitlines()) == len(cloud.voices)


@pytest.mark.parametrize("wanted", [IDS[1], IDS[1].upper(), "Voice 1", "voice 1", "narrator"])
def test_a_voice_is_an_id_a_name_or_an_alias(in_cloud: Program, cloud: Cloud, wanted: str) -> None:
    fill(cloud, 3)
    (in_cloud.folder / ".cartesia.toml").write_text('[aliases]\nnarrator = "Voice 1"\n', "utf-8")

    assert in_cloud("voices", "show", wanted, "--json").json == cloud.voices[1]


def test_a_voice_is_shown_fact_by_fact(in_cloud: Program, cloud: Cloud) -> None:
    fill(cloud, 1)

    result = in_cloud("voices", "show", IDS[0])
    seen = in_cloud("voices", "show", IDS[0], tty=["stdout"], columns=30)

    facts = dict(line.split("\t") for line in result.text.splitlines())
    assert list(facts)[:5] == ["id", "name", "language", "gender", "description"]
    assert facts["locales"] == "en-US"
    assert facts["is_owner"] == "no"
    assert all(len(line) < 30 for line in seen.text.splitlines())


def test_a_name_of_nobody_or_of_several_is_a_usage_error(in_cloud: Program, cloud: Cloud) -> None:
    cloud.voices = [voice(IDS[0], "Sarah", "Soft."), voice(IDS[1], "Sarah", "Loud."), voice(IDS[2], "Skylar")]

    assert_failure(in_cloud("voices", "show", "Sarah"), 2, IDS[0], IDS[1], "Soft.", "Use an ID")
    assert_failure(in_cloud("voices", "show", "Skyler"), 2, "Did you mean Skylar?")
    assert_failure(in_cloud("voices", "show", IDS[7]), 5)


def test_an_embedding_that_is_gone_is_said_so(in_cloud: Program) -> None:
    result = in_cloud("voices", "show", DEFAULT_VOICE, "--embedding")

    assert_failure(result, 5, "no embeddings")


def test_stats_are_told_beside_a_list_and_inside_an_object(in_cloud: Program) -> None:
    assert "requests: " in in_cloud("voices", "list", "--json", "--stats").stderr
    shown = in_cloud("voices", "show", DEFAULT_VOICE, "--json", "--stats")
    assert shown.stderr == ""
    assert shown.json["stats"].keys() == {"wall", "requests", "retries"}


def test_the_built_in_voices_are_listed_too(run: Program) -> None:
    result = run("voices", "list", env=LOCAL)

    names = [line.split("\t")[1] for line in result.text.splitlines()]
    assert names == ["heart", "deep", "male", "tenor", "bright", "child"]
    assert result.stderr == ""
    assert "built-in voice" in run("voices", "list").stderr
    assert len(run("voices", "show", "heart", "--embedding", "--json", env=LOCAL).json["embedding"]) == 192


def test_a_preview_greets_in_the_voices_own_language(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    cloud.voices = [voice(IDS[0], "Jürgen") | {"language": "de"}, voice(IDS[1], "Nemo") | {"language": "xx"}]

    result = in_cloud("voices", "preview", "Jürgen", "-o", "a.wav", "--json")

    [body] = cloud.spoken
    assert body["transcript"].startswith("Guten Tag")
    assert (body["language"], body["voice"]["id"]) == ("de", IDS[0])
    assert result.json["outputs"][0]["path"] == "a.wav"
    assert (folder / "a.wav").read_bytes()[:4] == b"RIFF"
    assert_failure(in_cloud("voices", "preview", "Nemo", "-o", "b.wav"), 2, "'xx'", "Give a text")


def test_a_preview_says_the_text_that_is_given(in_cloud: Program, cloud: Cloud) -> None:
    result = in_cloud(
        "voices",
        "preview",
        DEFAULT_VOICE,
        "Hi",
        "there.",
        "-l",
        "fr",
        "-m",
        "sonic-3",
        "-o",
        "-",
        "--format",
        "raw",
    )

    [body] = cloud.spoken
    assert (body["transcript"], body["language"], body["model_id"]) == ("Hi there.", "fr", "sonic-3")
    assert len(result.stdout) == round(9 * 0.05 * 44_100) * 4


def test_a_preview_needs_somewhere_to_go(in_cloud: Program, cloud: Cloud) -> None:
    assert_failure(in_cloud("voices", "preview", DEFAULT_VOICE), 2, "nowhere")
    assert_failure(in_cloud("voices", "preview", DEFAULT_VOICE, "--play", "--wait", "-1"), 2, "--wait")
    assert in_cloud("voices", "preview", DEFAULT_VOICE, "-o", "-", "--json").status == 2
    assert cloud.requests == []


def test_a_preview_is_heard_on_a_terminal(in_cloud: Program, tmp_path: Path) -> None:
    require_sound()
    with SoundServer(tmp_path) as server:
        result = in_cloud(
            "voices", "preview", DEFAULT_VOICE, "--wait", "5", env=server.environ, tty=["stdout", "stdin"]
        )
        heard = server.record()

    assert (result.status, result.text) == (0, "")
    assert abs(heard).max() > 0.1


def test_every_language_of_the_api_has_a_greeting() -> None:
    languages = "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi"
    more = "bn th he ka id te gu kn ml mr pa or ur"
    greetings = [greeting(language) for language in f"{languages} {more}".split()]
    assert all(greetings)
    assert len(set(greetings)) == 44
