"""``config``: cli.md sections 3, 8 and 12, on real files."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from cartesia_cli.settings import SETTINGS
from tests.cli.program import KEY, WITHOUT_PRIVILEGE, Program, assert_failure, assert_printable
from tests.cli.test_startup import loaded

SECRET = "of-the-proxy-4711"  # noqa: S105  nobody's


@pytest.fixture
def path(run: Program) -> Path:
    """The user's file, which does not exist yet, in a folder that does not either."""
    return Path(run.env["XDG_CONFIG_HOME"]) / "cartesia" / "config.toml"


@pytest.fixture
def written(path: Path) -> Path:
    """The user's file, with something of every kind in it."""
    path.parent.mkdir(parents=True)
    path.write_text(
        'voice = "heart"  # mine\n\n'
        f'[headers]\nX-Proxy = "{SECRET}"\n\n[aliases]\n"the narrator" = "deep"\n\n'
        '[profiles.work]\nvoice = "tenor"\naliases.boss = "male"\n',
        "utf-8",
    )
    path.chmod(0o600)
    return path


def get(run: Program, *args: str, **env: str) -> str:
    result = run("config", "get", *args, env=env)
    assert (result.status, result.stderr) == (0, "")
    return result.text


# set, unset


def test_what_is_set_is_got_and_what_is_unset_is_the_default_again(run: Program, path: Path) -> None:
    assert run("config", "set", "voice", "Skylar").status == 0
    assert get(run, "voice") == "Skylar\n"
    assert path.read_text("utf-8") == 'voice = "Skylar"\n'

    result = run("config", "unset", "voice")
    assert (result.status, result.text, result.stderr) == (0, "", "")
    assert get(run, "voice") == "6ccbfb76-1fc6-48f7-b71d-91ac6298247b\n"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("gain", "--gain=-3", None),
        ("timeout", "3", "timeout = 3.0"),
        ("sample_rate", "16000", "sample_rate = 16000"),
        ("encoding", "pcm_alaw", 'encoding = "pcm_alaw"'),
        ("aliases.the boss", "deep", '"the boss" = "deep"'),
        ("headers.X-Team", "speech", 'X-Team = "speech"'),
        ("profiles.work.retries", "5", "retries = 5"),
        ("base_url", "http://127.0.0.1:8420/", 'base_url = "http://127.0.0.1:8420"'),
    ],
)
def test_a_value_is_written_as_what_it_is(
    run: Program, path: Path, name: str, value: str, line: str | None
) -> None:
    result = run("config", "set", name, value)

    if line is None:
        assert_failure(result, 2)
        assert not path.exists()
    else:
        assert (result.status, result.stdout, result.stderr) == (0, b"", "")
        assert line in path.read_text("utf-8").splitlines()


@pytest.mark.usefixtures("path")
def test_a_value_may_begin_with_a_minus(run: Program) -> None:
    assert run("config", "set", "gain", "--", "-3").status == 0

    assert get(run, "gain") == "-3.0\n"


def test_everything_else_in_the_file_stays_as_it_is(run: Program, written: Path) -> None:
    before = written.read_text("utf-8")

    assert run("config", "set", "model", "sonic-3").status == 0
    assert run("config", "set", "voice", "bright", "--profile", "work").status == 0

    expected = before.replace("# mine\n", '# mine\nmodel = "sonic-3"\n').replace("tenor", "bright")
    assert written.read_text("utf-8") == expected
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_value_can_come_from_standard_input_and_the_file_becomes_the_owner_s_alone(
    run: Program, path: Path
) -> None:
    result = run("config", "set", "headers.X-Proxy", "-", stdin=f"{SECRET}\n".encode())

    assert (result.status, result.stderr) == (0, "")
    assert path.read_text("utf-8") == f'[headers]\nX-Proxy = "{SECRET}"\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        (["voice"], ["voice is given no value"]),
        ([], ["No setting is named"]),
        (["gain", "loud"], ["gain must be a number of decibels from -60 to 60, not 'loud'"]),
        (["vioce", "x"], ["no setting 'vioce'", "Did you mean voice?"]),
        (["headers", "x"], ["headers is a table", "headers.NAME"]),
        (["profiles.work.voice", "x", "--profile", "home"], ["two profiles"]),
        (["api_key", KEY], ["An API key does not belong", "auth login"]),
        (["token", KEY], ["An API key does not belong", "auth login"]),
        (["headers.Authorization", f"Bearer {KEY}"], ["holds an API key", "auth login"]),
        (["voice", KEY], ["holds an API key", "auth login"]),
    ],
)
def test_what_cannot_be_set_is_told_and_nothing_is_written(
    run: Program, path: Path, args: list[str], fragments: list[str]
) -> None:
    assert_failure(run("config", "set", *args), 2, *fragments)
    assert not path.exists()


def test_a_file_that_is_not_toml_is_named_with_its_line_and_left_alone(run: Program, written: Path) -> None:
    written.write_text("voice = 'x'\nmodel =\n", "utf-8")

    assert_failure(run("config", "set", "voice", "y"), 2, f"{written}:2:")
    assert_failure(run("config", "unset", "voice"), 2, f"{written}:2:")
    assert written.read_text("utf-8") == "voice = 'x'\nmodel =\n"


def test_a_mistake_in_the_file_can_be_removed_or_set_right(run: Program, written: Path) -> None:
    written.write_text('vioce = "x"\ngain = "loud"\n', "utf-8")

    assert run("config", "unset", "vioce").status == 0
    assert run("config", "set", "gain", "1").status == 0

    assert written.read_text("utf-8") == "gain = 1.0\n"


def test_what_is_not_set_cannot_be_unset_and_that_is_no_failure(run: Program, written: Path) -> None:
    result = run("config", "unset", "gain")

    assert (result.status, result.lines) == (0, [f"cartesia: gain is not set in {written}"])
    assert_failure(run("config", "unset", "gian"), 2, "no setting 'gian'", "Did you mean gain?")


def test_a_whole_profile_can_be_unset(run: Program, written: Path) -> None:
    assert run("config", "unset", "profiles.work").status == 0

    assert "profiles" not in written.read_text("utf-8")


@pytest.mark.usefixtures("path")
def test_what_wins_over_a_new_value_is_told(run: Program, folder: Path) -> None:
    (folder / ".cartesia.toml").write_text('model = "theirs"', "utf-8")

    by_environment = run("config", "set", "voice", "x", env={"CARTESIA_VOICE": "y"})
    by_project = run("config", "set", "model", "mine")

    assert by_environment.lines == ["cartesia: voice from environment CARTESIA_VOICE wins over it here"]
    assert by_project.lines == [f"cartesia: model from {folder / '.cartesia.toml'} wins over it here"]


@pytest.mark.skipif(sys.platform != "linux", reason="permissions of root")
def test_none_of_what_many_set_at_once_is_lost(run: Program, path: Path) -> None:
    running = [run.start("config", "set", f"aliases.n{number}", "heart") for number in range(8)]
    assert [each.wait().status for each in running] == [0] * 8
    written = path.read_text("utf-8").splitlines()
    assert sorted(written[1:]) == [f'n{number} = "heart"' for number in range(8)]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
def test_a_change_does_not_wait_for_ever_for_another(run: Program, written: Path) -> None:
    import fcntl

    before = written.read_bytes()
    descriptor = os.open(written.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        result = run("config", "set", "voice", "deep")
    finally:
        os.close(descriptor)
    assert_failure(result, 7, "Another program is changing the settings")
    assert written.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_an_error_that_nobody_can_read_keeps_its_status(run: Program) -> None:
    result = run("config", "get", "nope", wrapper=("sh", "-c", 'exec "$@" 2>/dev/full', "sh"))
    assert (result.status, result.text) == (2, "")


def test_a_file_that_cannot_be_written_is_status_7(run: Program, written: Path) -> None:
    written.chmod(0o400)

    result = run("config", "set", "voice", "x", wrapper=WITHOUT_PRIVILEGE or ("env",))

    assert_failure(result, 7, f"Cannot write {written}")
    assert [each.name for each in written.parent.iterdir()] == ["config.toml"]


# get, list


@pytest.mark.usefixtures("written")
def test_get_prints_what_a_run_would_have(run: Program, folder: Path) -> None:
    assert get(run, "voice") == "heart\n"
    assert get(run, "voice", "--profile", "work") == "tenor\n"
    assert get(run, "voice", CARTESIA_PROFILE="work") == "tenor\n"
    assert get(run, "voice", "--profile", "work", CARTESIA_VOICE="v") == "v\n"
    assert get(run, "aliases.the narrator") == "deep\n"
    assert get(run, "profiles.work.voice", CARTESIA_VOICE="v") == "tenor\n"
    assert get(run, "profiles.work.aliases.boss") == "male\n"
    assert get(run, "timeout") == "\n"
    (folder / ".cartesia.toml").write_text('voice = "theirs"', "utf-8")
    assert get(run, "voice") == "theirs\n"


def test_get_as_json_tells_the_origin_and_keeps_the_type(run: Program, written: Path) -> None:
    assert [run("config", "get", name, "--json").json for name in ("retries", "voice", "timeout")] == [
        {"name": "retries", "value": 2, "origin": "default"},
        {"name": "voice", "value": "heart", "origin": str(written)},
        {"name": "timeout", "value": None, "origin": "default"},
    ]


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("vioce", "no setting 'vioce'"),
        ("headers", "headers is a table"),
        ("profiles", "profiles is a table"),
        ("profiles.work", "profiles.work is a table"),
        ("profiles.work.gain", "profiles.work.gain is not set"),
        ("profiles.home.voice", "profiles.home.voice is not set"),
        ("profiles.work.headers.X", "profiles.work.headers.X is not set"),
        ("headers.X-Other", "headers.X-Other is not set"),
        ("aliases.nobody", "aliases.nobody is not set"),
        ("api_key", "An API key does not belong"),
    ],
)
@pytest.mark.usefixtures("written")
def test_what_cannot_be_got_is_told(run: Program, name: str, fragment: str) -> None:
    assert_failure(run("config", "get", name), 2, fragment)


@pytest.mark.usefixtures("written")
def test_the_value_of_a_header_is_never_shown(run: Program) -> None:
    run.env["CARTESIA_CUSTOM_HEADERS"] = f"X-More: {SECRET}"
    shown = [
        run("config", "get", "headers.x-proxy"),
        run("config", "get", "headers.X-Proxy", "--json"),
        run("config", "list"),
        run("config", "list", "--show-origin", "--json"),
        run("config", "set", "headers.X-Proxy", f"{SECRET}é"),
    ]

    assert shown[0].text == "[hidden]\n"
    assert "headers.x-more\t[hidden]" in shown[2].text.splitlines()
    assert all(SECRET not in result.text + result.stderr for result in shown)


def test_the_list_holds_every_setting_separated_by_tabs(run: Program, written: Path) -> None:
    result = run("config", "list", "--show-origin", env={"CARTESIA_LANGUAGE": "de"})

    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in result.text.splitlines()}
    assert list(rows) == [*SETTINGS, "headers.x-proxy", "aliases.the narrator"]
    assert rows["voice"] == ["heart", str(written)]
    assert rows["language"] == ["de", "environment CARTESIA_LANGUAGE"]
    assert rows["timeout"] == ["", "default"]
    assert rows["aliases.the narrator"] == ["deep", str(written)]
    bare = run("config", "list", env={"CARTESIA_LANGUAGE": "de"}).text.splitlines()
    assert bare == ["\t".join(line.split("\t")[:2]) for line in result.text.splitlines()]


def test_the_list_is_aligned_on_a_terminal(run: Program, written: Path) -> None:
    written.write_text('[aliases]\n"語り手" = "deep"\n', "utf-8")

    lines = run("config", "list", "--show-origin", tty=["stdout"], columns=200).text.splitlines()

    assert "\t" not in "".join(lines)
    assert lines[0] == f"engine{' ' * 10}auto{' ' * 34}default"
    assert lines[-1] == f"aliases.語り手  deep{' ' * 34}{written}"


def test_the_list_as_json_is_a_line_a_setting(run: Program, written: Path) -> None:
    events = run("config", "list", "--json", "--profile", "work").events

    found = {event["name"]: event for event in events}
    assert found["voice"]["origin"] == f"{written} [profiles.work]"
    assert found["aliases.boss"]["value"] == "male"
    assert found["headers.x-proxy"]["value"] == "[hidden]"


@pytest.mark.parametrize("args", [["list"], ["get", "voice"]])
def test_mistakes_are_reported_and_do_not_end_it(
    run: Program, written: Path, folder: Path, args: list[str]
) -> None:
    written.write_text('voice = "heart"\nvioce = 1\n', "utf-8")
    (folder / ".cartesia.toml").write_text('base_url = "https://evil.example"\n', "utf-8")

    result = run("config", *args, env={"CARTESIA_PROFILE": "none", "CARTESIA_ENGINE": "x"})

    assert result.status == 0
    assert "heart" in result.text
    assert "evil" not in result.text
    assert [line.split(" ")[1] for line in result.lines] == ["warning:"] * 4
    assert f"{written}:2: " in result.stderr
    assert f"{folder / '.cartesia.toml'}:1: " in result.stderr


def test_a_name_in_the_file_does_not_drive_the_terminal(run: Program, written: Path) -> None:
    written.write_text('[aliases]\n"a\\u001b[31m\\tb\\nc" = "x"\n', "utf-8")

    result = run("config", "list")

    assert_printable(result.text.replace("\t", ""))
    assert len(result.text.splitlines()) == len(SETTINGS) + 1


def test_a_name_in_a_mistake_does_not_drive_the_terminal(run: Program, folder: Path) -> None:
    (folder / ".cartesia.toml").write_text('[aliases]\n"a\\u001b[31m" = "x\\ny"\n', "utf-8")

    result = run("config", "get", "voice")

    assert result.status == 0
    assert_printable(result.stderr)
    assert ".cartesia.toml:2: " in result.stderr


# path, edit


def test_the_path_is_told_whether_or_not_there_is_a_file(run: Program, path: Path) -> None:
    assert run("config", "path").text == f"{path}\n"


def editor(tmp_path: Path, script: str) -> str:
    """Return the command line of an editor that does this to the file ``$1``."""
    (tmp_path / "an editor").write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (tmp_path / "an editor").chmod(0o755)
    return f"'{tmp_path / 'an editor'}' --wait"


def test_edit_opens_the_file_in_the_editor_without_the_key(
    run: Program, written: Path, tmp_path: Path
) -> None:
    run.env |= {"CARTESIA_API_KEY": KEY, "CARTESIA_CUSTOM_HEADERS": f"X: {SECRET}"}
    log = tmp_path / "log"
    visual = editor(tmp_path, f'echo "$@" >"{log}"; env >>"{log}"; echo "gain = 1.0" >"$2"')

    result = run("config", "edit", env={"VISUAL": visual, "EDITOR": "false"})

    assert (result.status, result.stderr) == (0, "")
    seen = log.read_text("utf-8")
    assert seen.startswith(f"--wait {written}\n")
    assert "XDG_CONFIG_HOME=" in seen
    assert KEY not in seen
    assert SECRET not in seen
    assert written.read_text("utf-8") == "gain = 1.0\n"


def test_mistakes_made_in_the_editor_are_named_with_their_lines(
    run: Program, path: Path, tmp_path: Path
) -> None:
    made = editor(tmp_path, r"""printf 'voice = "x"\nvioce = 1\ngain = "loud"\n' >"$2" """)

    result = run("config", "edit", env={"EDITOR": made})

    assert result.status == 2
    assert [line.split(": ")[1:3] for line in result.lines[:2]] == [
        ["warning", f"{path}:2"],
        ["warning", f"{path}:3"],
    ]
    assert result.lines[2:] == [
        f"cartesia: There are 2 mistakes in {path}.",
        "hint: Correct it: cartesia config edit",
    ]


@pytest.mark.parametrize(
    ("environ", "fragments"),
    [
        ({}, ["No editor is set", "VISUAL", "config.toml"]),
        ({"EDITOR": "no-such-editor-here -x"}, ["Cannot start the editor 'no-such-editor-here'"]),
        ({"EDITOR": "false"}, ["ended with status 1"]),
        ({"EDITOR": "'vi"}, ["a quote that does not end"]),
    ],
)
def test_without_an_editor_that_works_the_status_is_2(
    run: Program, path: Path, environ: dict[str, str], fragments: list[str]
) -> None:
    assert_failure(run("config", "edit", env=environ), 2, *fragments)
    assert not path.exists()


@pytest.mark.parametrize("args", [["get", "voice"], ["list"], ["path"]])
def test_reading_loads_neither_what_connects_nor_what_writes(
    run: Program, tmp_path: Path, args: list[str]
) -> None:
    modules = loaded(run, tmp_path, "config", *args)

    assert not modules & {"httpx", "tomlkit", "keyring", "rich", "numpy", "asyncio"}


def test_errors_are_json_where_json_is_asked_for(run: Program) -> None:
    result = run("config", "get", "vioce", "--json")

    assert json.loads(result.stderr)["error"]["status"] == 2
