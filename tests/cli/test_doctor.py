"""``doctor``: every finding with its fix, whatever is broken, and never a key."""

import json
import os
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import EXTRA, KEY, Program, Result, without
from tests.fakes.scripted import HANG, Answer, Request, Scripted, Step, response
from tests.fakes.soundserver import SoundServer, require_sound, without_sound

DATE = ("Date", formatdate(usegmt=True))
OK = response(body=b"{}", headers=[DATE])


@pytest.fixture
def quiet(run: Program) -> Program:
    """The program on a machine without sound, where the built-in engine is chosen."""
    run.env.update(without_sound(run.folder.parent))
    run.env["CARTESIA_ENGINE"] = "local"
    return run


@pytest.fixture
def served(run: Program) -> Iterator[Program]:
    """The program with a key and an API that answers everything."""
    run.env.update(without_sound(run.folder.parent))
    with Scripted(OK) as server:
        run.env.update(CARTESIA_BASE_URL=server.url, CARTESIA_API_KEY=KEY)
        yield run


def found(result: Result, name: str) -> list[dict[str, Any]]:
    """Return the findings of a check."""
    return [each for each in result.json["checks"] if each["name"] == name]


def statuses(result: Result) -> dict[str, str]:
    return {each["name"]: each["status"] for each in result.json["checks"]}


def test_a_machine_that_is_set_up_has_no_problem(served: Program) -> None:
    result = served("doctor", "--json")

    assert (result.status, result.stderr) == (0, "")
    assert "problem" not in statuses(result).values()
    assert statuses(result) | {"api": "ok", "clock": "ok", "access": "ok", "key": "ok"} == statuses(result)
    assert found(result, "key")[0]["message"].endswith(f"it ends in {KEY[-4:]}.")


def test_each_finding_has_the_four_keys_and_each_bad_one_a_fix(quiet: Program) -> None:
    result = quiet("doctor", "--json")

    for each in result.json["checks"]:
        assert list(each) == ["name", "status", "message", "fix"]
        assert each["status"] == "ok" or each["fix"], each
        assert each["message"].endswith((".", "'cartesia-cli[serve]'")), each


def test_lines_say_the_same_as_json(quiet: Program) -> None:
    lines = quiet("doctor").text.splitlines()

    told = [(line.split(": ")[1], line.split(": ")[0]) for line in lines if not line.startswith("  fix: ")]
    checks = quiet("doctor", "--json").json["checks"]
    assert told == [(each["name"], each["status"]) for each in checks]


def test_a_terminal_gets_marks_and_colour_unless_it_wants_none(quiet: Program) -> None:
    assert "\x1b[32m✓\x1b[0m program: " in quiet("doctor", tty=["stdout"]).text
    assert "\x1b" not in quiet("doctor", "--color", "never", tty=["stdout"]).text
    assert "\x1b" not in quiet("doctor").text


def test_a_mistake_in_the_configuration_is_told_with_its_line_and_the_rest_goes_on(quiet: Program) -> None:
    path = quiet.home / ".config" / "cartesia" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('engine = "local"\nspede = 3\nretries = "many"\n')

    result = quiet("doctor", "--json")

    assert result.status == 8
    messages = [each["message"] for each in found(result, "settings") if each["status"] == "problem"]
    assert [message.startswith(f"{path}:{line}: ") for message, line in zip(messages, (2, 3), strict=True)]
    assert "disk" in statuses(result)


def test_no_key_is_a_warning_where_the_built_in_voice_speaks(served: Program) -> None:
    result = served("doctor", "--json", env={"CARTESIA_API_KEY": None})

    assert statuses(result)["key"] == "warning"
    assert result.status == 0


def test_no_key_and_no_built_in_voice_is_a_problem(served: Program, tmp_path: Path) -> None:
    machine = without(tmp_path, served, *EXTRA)

    result = served("doctor", "--json", env={"CARTESIA_API_KEY": None} | machine)

    assert (result.status, statuses(result)["key"], statuses(result)["voice"]) == (8, "problem", "warning")
    assert "pip install" in found(result, "voice")[0]["fix"]


def test_a_key_that_is_refused_is_a_problem(served: Program) -> None:
    def refuse(request: Request) -> list[Step]:
        return response(401) if request.header("authorization") else OK

    with Scripted(refuse) as server:
        result = served("doctor", "--json", env={"CARTESIA_BASE_URL": server.url})

    assert (result.status, statuses(result)["api"], statuses(result)["access"]) == (8, "ok", "problem")


def test_reachability_is_asked_without_the_key(served: Program) -> None:
    with Scripted(OK) as server:
        served("doctor", env={"CARTESIA_BASE_URL": server.url})

    assert [request.target for request in server.requests] == ["/", "/voices?limit=1"]
    assert server.requests[0].header("authorization") is None
    assert server.requests[1].header("authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize(("ahead", "status"), [(0, "ok"), (240, "ok"), (-7200, "problem"), (7200, "problem")])
def test_a_clock_that_differs_by_more_than_five_minutes_is_a_problem(
    served: Program, ahead: int, status: str
) -> None:
    import time

    date = formatdate(time.time() + ahead, usegmt=True)
    with Scripted(response(body=b"{}", headers=[("Date", date)])) as server:
        result = served("doctor", "--json", env={"CARTESIA_BASE_URL": server.url})

    assert statuses(result)["clock"] == status


def test_an_api_that_is_not_there_is_a_problem(served: Program) -> None:
    result = served("doctor", "--json", env={"CARTESIA_BASE_URL": "http://127.0.0.1:9"})

    assert (result.status, statuses(result)["api"]) == (8, "problem")
    assert "127.0.0.1:9" in found(result, "api")[0]["message"]


def test_a_proxy_is_named(served: Program) -> None:
    with Scripted(OK) as proxy:
        result = served(
            "doctor",
            "--json",
            env={"CARTESIA_BASE_URL": "http://api.example", "HTTP_PROXY": proxy.url, "NO_PROXY": ""},
        )

    assert f"through the proxy 127.0.0.1:{proxy.port}" in found(result, "api")[0]["message"]


def test_an_api_that_never_answers_is_not_waited_for(served: Program) -> None:
    with Scripted([HANG]) as server:
        result = served("doctor", "--json", env={"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": None})

    assert (result.status, statuses(result)["api"]) == (8, "problem")
    assert result.seconds < 12


def test_another_tool_of_the_same_name_is_told(quiet: Program, tmp_path: Path) -> None:
    other = tmp_path / "other" / "cartesia"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)

    result = quiet("doctor", "--json", env={"PATH": f"{other.parent}:{os.environ['PATH']}"})

    (finding,) = found(result, "path")
    assert finding["status"] == "warning"
    assert str(other) in finding["message"]
    assert "cartesia-speech" in finding["fix"]


def test_files_that_others_can_read_or_change_are_told(quiet: Program) -> None:
    folder = quiet.home / ".config" / "cartesia"
    folder.mkdir(parents=True)
    folder.joinpath("config.toml").touch()
    folder.joinpath("config.toml").chmod(0o666)
    key_file = quiet.home / "key"
    key_file.write_text(KEY)
    key_file.chmod(0o644)

    result = quiet("doctor", "--json", env={"CARTESIA_API_KEY_FILE": str(key_file)})

    fixes = [each["fix"] for each in found(result, "permissions")]
    assert fixes == [f"Run: chmod go-w {folder / 'config.toml'}", f"Run: chmod 600 {key_file}"]


def test_a_key_file_open_to_others_is_a_problem(quiet: Program) -> None:
    path = quiet.home / ".config" / "cartesia" / "credentials"
    path.parent.mkdir(parents=True)
    path.write_text(KEY)
    path.chmod(0o644)

    result = quiet("doctor", "--json")

    assert statuses(result)["key"] == "problem"
    assert found(result, "key")[0]["fix"] == f"Run: chmod 600 {path}"


def test_speaking_without_a_loudspeaker_is_a_problem(quiet: Program) -> None:
    result = quiet("doctor", "--speak", "--json")

    assert (result.status, statuses(result)["sound"], statuses(result)["speak"]) == (8, "problem", "problem")


def test_a_sentence_is_heard(run: Program, tmp_path: Path) -> None:
    require_sound()
    with SoundServer(tmp_path) as server:
        result = run("doctor", "--speak", "--json", env=server.environ | {"CARTESIA_ENGINE": "local"})
        heard = server.record()

    assert (statuses(result)["sound"], statuses(result)["speak"]) == ("ok", "ok")
    assert abs(heard).max() > 0.05


def answer_usage(request: Request) -> list[Step]:
    if request.target.startswith("/usage/credits"):
        body = {"data": [{"start_ts": "", "end_ts": "", "credits": 1200}, {"credits": 34}]}
        return response(body=json.dumps(body).encode())
    return OK


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [(answer_usage, "ok", "1,234 credits"), (response(403, b"{}"), "warning", "")],
    ids=["told", "refused"],
)
def test_credits_are_told_to_an_admin_s_key(served: Program, answer: Answer, status: str, text: str) -> None:
    with Scripted(answer) as server:
        result = served("doctor", "--usage", "--json", env={"CARTESIA_BASE_URL": server.url})

    assert statuses(result)["usage"] == status
    assert text in found(result, "usage")[0]["message"]


def test_the_cloud_of_the_other_tests_has_no_problem_either(in_cloud: Program) -> None:
    result = in_cloud("doctor", "--json", env=without_sound(in_cloud.folder.parent))

    assert (result.status, statuses(result)["access"]) == (0, "ok")
