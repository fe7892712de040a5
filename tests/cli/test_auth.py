"""``auth``: cli.md sections 2, 3, 8 and 12. The keyring is one of ours, loaded as any other is."""

import json
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud
from tests.cli.program import KEY, WITHOUT_PRIVILEGE, Program, Result, assert_failure
from tests.cli.test_startup import loaded
from tests.fakes.scripted import Scripted, response

LAST = KEY[-4:]
OTHER = "sk_car_another-key-of-0000-wxyz"


@pytest.fixture
def config(run: Program) -> Path:
    """The user's configuration folder, which does not exist yet."""
    return Path(run.env["XDG_CONFIG_HOME"]) / "cartesia"


def use_keyring(run: Program, tmp_path: Path, name: str) -> None:
    """Let a run find a keyring of ``tests.fakes.keyrings``."""
    run.env["PYTHON_KEYRING_BACKEND"] = f"tests.fakes.keyrings.{name}"
    run.env["KEYRING_FILE"] = str(tmp_path / "passwords.json")


@pytest.fixture
def keyring(run: Program, tmp_path: Path) -> Callable[[], list[str]]:
    """A keyring that works; called, it returns what it keeps."""
    use_keyring(run, tmp_path, "Working")
    path = tmp_path / "passwords.json"
    return lambda: list(json.loads(path.read_text("utf-8")).values()) if path.exists() else []


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def login(run: Program, *options: str, key: str = KEY) -> Result:
    return run("auth", "login", *options, stdin=f"{key}\n".encode())


def status(run: Program, **env: str) -> str:
    return run("auth", "status", env=env).text


# login


def test_a_piped_key_goes_into_the_keyring_and_nowhere_else(
    run: Program, keyring: Callable[[], list[str]], config: Path
) -> None:
    result = login(run)

    assert (result.status, result.stdout) == (0, b"")
    assert result.lines == [f"cartesia: kept the key ending in {LAST} in the system's keyring"]
    assert keyring() == [KEY]
    assert files(config) == ["keyring"]
    assert KEY not in (config / "keyring").read_text("utf-8")
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert status(run) == f"key ending in {LAST}, from system keyring\n"


def test_a_key_is_typed_without_being_shown(run: Program, keyring: Callable[[], list[str]]) -> None:
    running = run.start("auth", "login", tty=True)
    assert running.stderr is not None
    while b"API key" not in running.stderr.wait_for(1):
        running.stderr.wait_for(running.stderr.size + 1)
    running.type(f" {KEY}\n")
    result = running.wait()

    assert (result.status, keyring()) == (0, [KEY])
    assert KEY not in result.stderr + result.text  # the terminal echoes nothing either


def test_the_terminal_is_told_not_to_echo_while_the_key_is_typed_and_to_echo_afterwards(
    run: Program, keyring: Callable[[], list[str]]
) -> None:
    import termios

    running = run.start("auth", "login", tty=True)
    assert running.stdin is not None
    assert running.stderr is not None
    running.stderr.wait_for(5)
    terminal = os.dup(running.stdin)
    attributes = termios.tcgetattr(terminal)
    running.send(signal.SIGINT)
    result = running.wait()
    os.close(terminal)

    assert not attributes[3] & termios.ECHO
    assert result.status == 130
    assert keyring() == []


def test_a_file_is_only_written_when_asked_for_and_is_never_open_to_others(
    run: Program, config: Path
) -> None:
    result = login(run, "--insecure-storage")

    path = config / "credentials"
    assert (result.status, files(config)) == (0, ["credentials"])
    assert result.lines == [f"cartesia: kept the key ending in {LAST} in {path}, readable by you alone"]
    assert path.read_text("utf-8") == f"{KEY}\n"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, config)] == [0o600, 0o700]
    assert status(run) == f"key ending in {LAST}, from {path}\n"


def test_a_file_that_was_open_to_others_is_closed_and_a_link_stays_a_link(
    run: Program, config: Path, tmp_path: Path
) -> None:
    target = tmp_path / "dotfile"
    target.write_text(f"{OTHER}\n", "utf-8")
    target.chmod(0o644)
    config.mkdir(parents=True)
    (config / "credentials").symlink_to(target)

    assert login(run, "--insecure-storage").status == 0

    assert (config / "credentials").is_symlink()
    assert (target.read_text("utf-8"), stat.S_IMODE(target.stat().st_mode)) == (f"{KEY}\n", 0o600)


def test_there_is_one_key_at_a_time_wherever_it_is_kept(
    run: Program, keyring: Callable[[], list[str]], config: Path
) -> None:
    login(run, "--insecure-storage", key=OTHER)
    login(run)
    assert (files(config), keyring()) == (["keyring"], [KEY])

    login(run, "--insecure-storage", key=OTHER)
    assert (files(config), keyring()) == (["credentials"], [])
    assert status(run) == f"key ending in {OTHER[-4:]}, from {config / 'credentials'}\n"


@pytest.mark.parametrize(
    "backend",
    ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring", "nobody.has.This", ""],
)
def test_where_no_keyring_can_keep_it_nothing_is_asked_and_the_ways_out_are_named(
    run: Program, config: Path, backend: str
) -> None:
    run.env |= {"PYTHON_KEYRING_BACKEND": backend, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}

    result = run("auth", "login", tty=["stdin"])

    assert_failure(result, 7, "keyring", "--insecure-storage", "CARTESIA_API_KEY")
    assert "API key (" not in result.stderr
    assert files(config) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Locked", "it refuses: Cannot keep [key]"),
        ("Broken", "it refuses: ZeroDivisionError"),
        ("Forgetful", "it does not give back what is put into it"),
        ("Hanging", "it does not answer within 3 seconds"),
    ],
)
def test_a_keyring_that_fails_or_hangs_is_told_in_time_and_leaves_nothing(
    run: Program, tmp_path: Path, config: Path, name: str, reason: str
) -> None:
    use_keyring(run, tmp_path, name)

    result = login(run)

    assert_failure(result, 7, reason, "--insecure-storage")
    assert files(config) == []
    assert result.seconds < 8


def test_what_wins_over_the_key_is_told(run: Program) -> None:
    run.env["CARTESIA_API_KEY"] = OTHER

    assert login(run, "--insecure-storage").lines[1:] == [
        "cartesia: CARTESIA_API_KEY is set, and wins over it"
    ]
    assert login(run, "--insecure-storage", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (b"", "no API key on standard input"),
        (b" \n", "no API key on standard input"),
        (f"{KEY}\n{KEY}".encode(), "holds a line end"),
        (f"{KEY} x".encode(), "holds a space"),
        (f"{KEY}\x07".encode(), "holds a control character"),
        (KEY.encode() + b"\xff", "not UTF-8"),
        (KEY.encode() * 10_000, "too long"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown_or_kept(
    run: Program, config: Path, typed: bytes, reason: str
) -> None:
    result = run("auth", "login", "--insecure-storage", stdin=typed)

    assert_failure(result, 3, reason)
    assert files(config) == []


@pytest.mark.skipif(sys.platform != "linux", reason="permissions of root")
def test_a_folder_that_cannot_be_written_is_status_7(run: Program, config: Path) -> None:
    config.parent.mkdir(parents=True, mode=0o500)

    result = run(
        "auth", "login", "--insecure-storage", stdin=KEY.encode(), wrapper=WITHOUT_PRIVILEGE or ("env",)
    )

    assert_failure(result, 7, "Cannot write")


# status


def test_without_a_key_the_status_is_3_and_the_ways_to_one_are_named(run: Program) -> None:
    assert_failure(run("auth", "status"), 3, "No API key", "auth login", "CARTESIA_API_KEY")

    result = run("auth", "status", "--json")
    assert (result.status, result.stdout, json.loads(result.stderr)["error"]["status"]) == (3, b"", 3)


@pytest.mark.usefixtures("keyring")
def test_every_key_that_is_hidden_is_shown_in_the_order_in_which_they_win(
    run: Program, config: Path, tmp_path: Path
) -> None:
    named = tmp_path / "named"
    named.write_text("sk_car_named-key-0000-nnnn", "utf-8")
    assert login(run).status == 0
    (config / "credentials").write_text("sk_car_own-key-0000-oooo", "utf-8")
    (config / "credentials").chmod(0o600)
    env = {"CARTESIA_API_KEY": OTHER, "CARTESIA_API_KEY_FILE": str(named)}

    assert status(run, **env).splitlines() == [
        "key ending in wxyz, from environment CARTESIA_API_KEY",
        f"hidden by it: key ending in nnnn, from {named}",
        f"hidden by it: key ending in {LAST}, from system keyring",
        f"hidden by it: key ending in oooo, from {config / 'credentials'}",
    ]
    told = run("auth", "status", "--json", env=env).json
    assert {**told, "hides": len(told["hides"])} == {
        "usable": True,
        "origin": "environment CARTESIA_API_KEY",
        "last_four": "wxyz",
        "hides": 3,
    }
    assert told["hides"][1] == {"usable": True, "origin": "system keyring", "last_four": LAST}


def test_a_key_that_cannot_be_used_hides_the_others_and_is_status_3(run: Program) -> None:
    login(run, "--insecure-storage")

    result = run("auth", "status", "--json", env={"CARTESIA_API_KEY": " "})

    assert result.status == 3
    assert (result.json["usable"], result.json["hides"][0]["last_four"]) == (False, LAST)
    assert "CARTESIA_API_KEY is blank" in result.json["message"]
    assert "is blank" in json.loads(result.stderr)["error"]["message"]


def test_a_configuration_that_is_broken_does_not_keep_anyone_from_logging_in_and_out(
    run: Program, config: Path
) -> None:
    config.mkdir(parents=True)
    (config / "config.toml").write_text("vioce = 1", "utf-8")

    statuses = [
        login(run, "--insecure-storage").status,
        run("auth", "status").status,
        run("auth", "logout").status,
    ]

    assert statuses == [0, 0, 0]


# logout


def test_logout_removes_the_key_from_the_keyring(
    run: Program, keyring: Callable[[], list[str]], config: Path
) -> None:
    login(run)

    result = run("auth", "logout")

    assert (result.status, result.lines) == (0, ["cartesia: removed the key from: system keyring"])
    assert (keyring(), files(config)) == ([], [])
    assert run("auth", "status").status == 3


def test_logout_removes_the_file_and_tells_of_a_variable_that_still_gives_a_key(
    run: Program, config: Path
) -> None:
    login(run, "--insecure-storage")

    result = run("auth", "logout", env={"CARTESIA_API_KEY": OTHER})

    assert result.status == 0
    assert result.lines == [
        f"cartesia: removed the key from: {config / 'credentials'}",
        "cartesia: CARTESIA_API_KEY is still set, and gives a key",
    ]
    assert files(config) == []


def test_logout_without_a_key_is_no_failure(run: Program) -> None:
    result = run("auth", "logout")

    assert (result.status, result.lines) == (0, ["cartesia: there was no key to remove"])


def test_logout_does_not_claim_what_a_locked_keyring_refuses(
    run: Program, keyring: Callable[[], list[str]], tmp_path: Path, config: Path
) -> None:
    login(run)
    use_keyring(run, tmp_path, "Locked")

    assert_failure(run("auth", "logout"), 7, "Cannot remove", "unlock the keyring", "Unlock the keyring and")
    assert files(config) == ["keyring"]

    use_keyring(run, tmp_path, "Working")
    assert run("auth", "logout").status == 0
    assert keyring() == []


# What the key is used for


@pytest.mark.usefixtures("keyring")
def test_the_key_of_the_keyring_is_sent(run: Program, cloud: Cloud) -> None:
    login(run)

    result = run("say", "Hello.", "-o", "a.wav", env={"CARTESIA_BASE_URL": cloud.url})

    assert (result.status, result.stderr) == (0, "")
    assert cloud.requests[0].header("authorization") == f"Bearer {KEY}"


@pytest.mark.usefixtures("keyring")
def test_a_keyring_that_hangs_ends_the_run_and_no_other_engine_is_taken(
    run: Program, cloud: Cloud, tmp_path: Path
) -> None:
    login(run)
    use_keyring(run, tmp_path, "Hanging")

    result = run("say", "Hello.", "-o", "a.wav", env={"CARTESIA_BASE_URL": cloud.url})

    assert_failure(result, 3, "does not answer within 3 seconds", "Unlock the keyring")
    assert result.seconds < 8
    assert cloud.requests == []


@pytest.mark.usefixtures("keyring")
def test_a_key_that_another_program_took_out_of_the_keyring_is_none(run: Program, tmp_path: Path) -> None:
    login(run)
    (tmp_path / "passwords.json").unlink()

    assert run("auth", "status").status == 3


@pytest.mark.parametrize("in_environment", [False, True])
def test_the_keyring_is_not_even_imported_unless_the_key_is_there_and_wins(
    run: Program, cloud: Cloud, tmp_path: Path, config: Path, in_environment: bool
) -> None:
    env = dict(cloud.env)
    if in_environment:
        config.mkdir(parents=True)
        (config / "keyring").write_text("", "utf-8")
    else:
        login(run, "--insecure-storage")
        del env["CARTESIA_API_KEY"]

    modules = loaded(run, tmp_path, "say", "Hello.", "-o", "a.wav", env=env)

    assert cloud.requests[0].header("authorization") == f"Bearer {KEY}"
    assert not modules & {"keyring", "jeepney", "secretstorage", "tomlkit"}


# token


TOKEN = response(body=json.dumps({"token": "eyJ.a.b"}).encode())


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ([], {"expires_in": 600, "grants": {"tts": True, "stt": True}}),
        (["--expires", "90"], {"expires_in": 90, "grants": {"tts": True, "stt": True}}),
        (["--expires", "90s", "--grant", "tts"], {"expires_in": 90, "grants": {"tts": True}}),
        (
            ["--expires", "1h", "--grant", "stt", "--grant", "agent", "--grant", "stt"],
            {"expires_in": 3600, "grants": {"stt": True, "agent": True}},
        ),
    ],
)
def test_a_token_stands_alone_on_stdout(run: Program, options: list[str], body: object) -> None:
    with Scripted(TOKEN) as server:
        env = {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": server.url}
        result = run("auth", "token", *options, env=env)

    (request,) = server.requests
    assert (result.status, result.text, result.stderr) == (0, "eyJ.a.b\n", "")
    assert (request.method, request.target, request.json()) == ("POST", "/access-token", body)
    assert request.header("authorization") == f"Bearer {KEY}"
    assert request.header("content-type") == "application/json"


def test_a_token_as_json_tells_what_it_may_do(run: Program) -> None:
    with Scripted(TOKEN) as server:
        env = {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": server.url, "CARTESIA_ENGINE": "local"}
        result = run("auth", "token", "--json", "--grant", "tts", env=env)

    assert result.json == {"token": "eyJ.a.b", "expires_in": 600, "grants": ["tts"]}


@pytest.mark.parametrize("time", ["0", "61m", "2h", "3601", "1d", "-5", "1.5m", "", "٣m", "9" * 30])
def test_a_time_that_no_token_has_is_refused_before_anything_is_sent(run: Program, time: str) -> None:
    result = run("auth", "token", f"--expires={time}", env={"CARTESIA_API_KEY": KEY})

    assert_failure(result, 2, "--expires must be a time like 90s, 10m or 1h")


def test_a_grant_that_the_api_does_not_know_is_refused(run: Program) -> None:
    result = run("auth", "token", "--grant", "voices", env={"CARTESIA_API_KEY": KEY})

    assert_failure(result, 2, "--grant must be tts, stt or agent, not 'voices'")


def test_a_token_needs_a_key(run: Program) -> None:
    assert_failure(run("auth", "token"), 3, "No API key")


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"token": 5}', b'{"token": ""}', b'{"token": "a\\nb"}', b"x"]
)
def test_an_answer_without_a_token_is_status_6(run: Program, body: bytes) -> None:
    with Scripted(response(body=body)) as server:
        env = {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": server.url}
        assert_failure(run("auth", "token", env=env), 6)


def test_a_refused_key_is_status_3(run: Program) -> None:
    with Scripted(response(401, b'{"title": "Unauthorized", "message": "No."}')) as server:
        env = {"CARTESIA_API_KEY": KEY, "CARTESIA_BASE_URL": server.url}
        assert_failure(run("auth", "token", env=env), 3, "Unauthorized")
