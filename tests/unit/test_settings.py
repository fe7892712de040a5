"""Where a value comes from, which one wins, and what is said of one that cannot be used."""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.models import Encoding
from cartesia_cli.settings import SETTINGS, Settings, config_path
from cartesia_cli.settings.files import _key_lines

LEAST_TO_MOST = ["default", "user", "profile", "project", "environment", "option"]


class Machine:
    """A user's file, a project with a folder to work in, and an environment."""

    def __init__(self, root: Path) -> None:
        self.user_file = root / "config.toml"
        self.project_file = root / "project" / ".cartesia.toml"
        self.cwd = root / "project" / "deep" / "deeper"
        self.cwd.mkdir(parents=True)

    def load(
        self,
        *,
        user: str | bytes | None = None,
        project: str | None = None,
        environ: Mapping[str, str] | None = None,
        problems: list[UsageError] | None = None,
        **options: object,
    ) -> Settings:
        if user is not None:
            self.user_file.write_bytes(user if isinstance(user, bytes) else user.encode())
        if project is not None:
            self.project_file.write_text(project, encoding="utf-8")
        return Settings.load(
            options=options,
            environ=environ or {},
            cwd=self.cwd,
            config_file=self.user_file,
            problems=problems,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("winner", LEAST_TO_MOST)
def test_the_nearest_source_wins_and_is_named(machine: Machine, winner: str) -> None:
    given = LEAST_TO_MOST[1 : LEAST_TO_MOST.index(winner) + 1]
    user = 'voice = "user"\n' if "user" in given else ""
    user += '[profiles.work]\nvoice = "profile"\n' if "profile" in given else "[profiles.work]\n"

    settings = machine.load(
        user=user,
        project='voice = "project"' if "project" in given else None,
        environ={"CARTESIA_VOICE": "environment"} if "environment" in given else {},
        voice="option" if "option" in given else None,
        profile="work",
    )

    assert settings.voice == (winner if given else Settings().voice)
    assert (
        settings.origin("voice")
        == {
            "default": "default",
            "user": str(machine.user_file),
            "profile": f"{machine.user_file} [profiles.work]",
            "project": str(machine.project_file),
            "environment": "environment CARTESIA_VOICE",
            "option": "option",
        }[winner]
    )


def test_without_any_source_everything_is_a_default(machine: Machine) -> None:
    settings = machine.load(voice=None, timeout=None)

    assert settings == Settings()
    assert {settings.origin(name) for name in SETTINGS} == {"default"}


def test_every_key_can_stand_in_the_users_file(machine: Machine) -> None:
    settings = machine.load(
        user="""
            engine = "local"
            voice = "heart"
            model = "sonic-3"
            stt_model = "ink-2"
            language = "pt-BR"
            format = "mp3"
            sample_rate = 16000
            encoding = "pcm_mulaw"
            captions = "bbc"
            timeout = 3
            retries = 0
            device = 2
            gain = -3.5
            color = "never"
            base_url = "http://127.0.0.1:8420/cartesia/"
            [headers]
            X-Team = "speech"
            [aliases]
            narrator = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
        """
    )

    assert settings.encoding is Encoding.PCM_MULAW
    assert settings.sample_rate == 16_000
    assert settings.timeout == 3.0
    assert settings.retries == 0
    assert settings.device == "2"
    assert settings.gain == -3.5
    assert settings.base_url == "http://127.0.0.1:8420/cartesia"
    assert settings.headers == {"x-team": "speech"}
    assert settings.aliases == {"narrator": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"}
    assert {settings.origin(name) for name in SETTINGS} == {str(machine.user_file)}


@pytest.mark.parametrize(
    ("variable", "name", "value"),
    [
        ("CARTESIA_ENGINE", "engine", "cloud"),
        ("CARTESIA_VOICE", "voice", "Skylar"),
        ("CARTESIA_MODEL", "model", "sonic-3"),
        ("CARTESIA_STT_MODEL", "stt_model", "ink-2"),
        ("CARTESIA_LANGUAGE", "language", "de"),
        ("CARTESIA_BASE_URL", "base_url", "https://eu.example"),
    ],
)
def test_a_variable_sets_its_key_and_an_empty_one_nothing(
    machine: Machine, variable: str, name: str, value: str
) -> None:
    full = machine.load(environ={variable: value})
    empty = machine.load(environ={variable: ""})

    assert getattr(full, name) == value
    assert full.origin(name) == f"environment {variable}"
    assert empty == Settings()


def test_no_color_wins_over_force_color(machine: Machine) -> None:
    assert machine.load(environ={"FORCE_COLOR": "1"}).color == "always"
    assert machine.load(environ={"FORCE_COLOR": "1", "NO_COLOR": "1"}).color == "never"
    assert machine.load(environ={"NO_COLOR": "1"}, color="auto").color == "auto"


def test_tables_are_merged_entry_by_entry(machine: Machine) -> None:
    user = '[headers]\nX-One = "1"\nX-Two = "2"\n[aliases]\na = "user"\nb = "user"\n'

    settings = machine.load(
        user=user,
        project='aliases.b = "project"',
        environ={"CARTESIA_CUSTOM_HEADERS": "x-two: zwei\r\n\nX-Three:  drei \n"},
    )

    assert settings.headers == {"x-one": "1", "x-two": "zwei", "x-three": "drei"}
    assert settings.aliases == {"a": "user", "b": "project"}
    assert settings.origin("headers.x-two") == "environment CARTESIA_CUSTOM_HEADERS"
    assert settings.origin("aliases.b") == str(machine.project_file)


def test_a_profile_of_the_environment_gives_way_to_the_option(machine: Machine) -> None:
    user = '[profiles.one]\nvoice = "first"\n[profiles.two]\nvoice = "second"\n'

    by_variable = machine.load(user=user, environ={"CARTESIA_PROFILE": "one"})
    by_option = machine.load(user=user, environ={"CARTESIA_PROFILE": "one"}, profile="two")

    assert (by_variable.voice, by_variable.origin("profile")) == ("first", "environment CARTESIA_PROFILE")
    assert (by_option.voice, by_option.profile, by_option.origin("profile")) == ("second", "two", "option")


def test_an_unknown_profile_names_those_that_exist(machine: Machine) -> None:
    with pytest.raises(UsageError, match="no profile 'wrok'") as caught:
        machine.load(user="[profiles.work]\n[profiles.home]\n", profile="wrok")

    assert caught.value.hint == f"{machine.user_file} has home, work."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('base_url = "https://thief.example"', "cannot set base_url"),
        ('[headers]\nAuthorization = "x"', "cannot set headers"),
        ('headers.X-Proxy = "x"', "cannot set headers"),
        ('[profiles.work]\nbase_url = "https://thief.example"', "cannot set profiles"),
        ('api_key = "sk_car_secret"', "an API key does not belong"),
        ('"api-key" = "sk_car_secret"', "an API key does not belong"),
    ],
)
def test_a_project_file_cannot_send_a_key_elsewhere(machine: Machine, line: str, message: str) -> None:
    project = f'# ours\nvoice = "heart"\n\n{line}\n'

    with pytest.raises(UsageError, match=message) as caught:
        machine.load(project=project)

    assert str(caught.value).startswith(f"{machine.project_file}:4: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('vioce = "heart"', 1, "no setting 'vioce'"),
        ("\n\nvoice = 5", 3, "voice must be the name or the ID of a voice, not 5"),
        ('voice = " "', 1, "voice must"),
        ('voice = "a\\nb"', 1, "voice must"),
        ('engine = "clowd"', 1, "engine must be auto, cloud or local, not 'clowd'"),
        ("sample_rate = 12345", 1, "sample_rate must be one of 8000"),
        ("sample_rate = 8000.0", 1, "sample_rate must"),
        ("timeout = 0", 1, "timeout must be a number of seconds above 0, at most a day, not 0"),
        ("timeout = nan", 1, "timeout must"),
        ("timeout = inf", 1, "timeout must"),
        ("timeout = true", 1, "timeout must"),
        ('timeout = "5"', 1, "timeout must"),
        ("retries = -1", 1, "retries must"),
        ("retries = 0x" + "f" * 5000, 1, "retries must"),
        ("gain = 1979-05-27", 1, "gain must"),
        ('language = "english please"', 1, "language must"),
        ('color = "blue"', 1, "color must"),
        ('encoding = "pcm"', 1, "encoding must be one of pcm_f32le"),
        ('base_url = "ftp://x"', 1, "base_url must be a URL"),
        ('base_url = "https://"', 1, "base_url must be a URL"),
        ('base_url = "https://h:99999"', 1, "base_url must be a URL"),
        ('base_url = "https://u:secret@h"', 1, "base_url must be a URL"),
        ('base_url = "https://h/?key=secret"', 1, "base_url must be a URL"),
        ('base_url = "https://h\\r\\nX: y"', 1, "base_url must be a URL"),
        ('headers = "X: y"', 1, "headers must be a table, like [headers]"),
        ('[headers]\n\n"X Y" = "z"', 3, "name of a header"),
        ('[headers]\nX = "a\\r\\nsecret: b"', 2, "printable ASCII"),
        ('[headers]\nX = "\\u00e9"', 2, "printable ASCII"),
        ("[headers]\nX = 5", 2, "text in quotes"),
        ('[headers]\nContent-Length = "5"', 2, "must not set Content-Length"),
        ("[aliases]\na = []", 2, "aliases.a must"),
        ("profiles = 1", 1, "profiles must be tables"),
        ("[profiles]\nwork = 1", 2, "profiles.work must be a table"),
        ('[profiles.a]\nvoice = "x"\n[profiles.b]\nvoice = 1', 4, "voice must"),
        ("[profiles.a.profiles.b]", 1, "no setting 'profiles'"),
        ('notes = """\nvoice = "x"\n"""\nvioce = 1', 1, "no setting 'notes'"),
        ("voice = ", 1, "not valid TOML"),
        ('voice = "x"\nvoice = "y"\n', 2, "Cannot overwrite"),
        ('a = "', 1, "not valid TOML"),
        ("a = [\n[\n", 2, "not valid TOML"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(machine: Machine, text: str, line: int, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        machine.load(user=text)

    assert str(caught.value).startswith(f"{machine.user_file}:{line}: ")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_utf_8_is_named_with_its_line(machine: Machine) -> None:
    with pytest.raises(UsageError, match=r"config\.toml:2: not UTF-8"):
        machine.load(user=b'voice = "heart"\n# caf\xe9\n')


def test_a_file_nested_without_end_is_a_mistake_and_not_a_crash(machine: Machine) -> None:
    with pytest.raises(UsageError, match=r"config\.toml:1: "):
        machine.load(user="a = " + "[" * 50_000)


def test_a_byte_order_mark_and_windows_line_ends_are_read(machine: Machine) -> None:
    assert machine.load(user=b'\xef\xbb\xbfvoice = "heart"\r\nmodel = "m"\r\n').model == "m"


def test_a_folder_in_place_of_the_users_file_is_a_mistake(machine: Machine) -> None:
    machine.user_file.mkdir()

    with pytest.raises(UsageError, match="Cannot read"):
        machine.load()


def test_a_folder_called_like_a_project_file_is_none(machine: Machine) -> None:
    machine.project_file.mkdir()

    assert machine.load() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sample_rate", 11_025, "--sample-rate must be one of 8000"),
        ("base_url", "example.org", "--base-url must be a URL"),
        ("timeout", 0.0, "--timeout must"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(
    machine: Machine, name: str, value: object, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Settings.load(options={name: value}, environ={}, cwd=machine.cwd, config_file=machine.user_file)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CARTESIA_ENGINE": "clowd"}, "CARTESIA_ENGINE must be auto, cloud or local"),
        ({"CARTESIA_VOICE": " "}, "CARTESIA_VOICE must"),
        ({"CARTESIA_BASE_URL": "https://u:secret@h"}, "CARTESIA_BASE_URL must be a URL"),
        ({"CARTESIA_CUSTOM_HEADERS": "X-Ok: 1\nsecret"}, "CARTESIA_CUSTOM_HEADERS, line 2 must"),
        ({"CARTESIA_CUSTOM_HEADERS": "X-Ok: se\x01cret"}, "CARTESIA_CUSTOM_HEADERS, line 1 must"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    machine: Machine, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        machine.load(environ=environ)

    assert "secret" not in str(caught.value)


def test_a_lenient_reader_gets_every_mistake_and_what_is_left(machine: Machine) -> None:
    problems: list[UsageError] = []

    settings = machine.load(
        user='voice = 5\nmodel = "m"\n',
        project='base_url = "https://h"\nlanguage = "de"\n',
        environ={"CARTESIA_ENGINE": "x", "CARTESIA_PROFILE": "none"},
        problems=problems,
    )

    assert (settings.voice, settings.model, settings.language) == (Settings().voice, "m", "de")
    assert len(problems) == 4


def test_headers_are_not_shown_by_repr(machine: Machine) -> None:
    settings = machine.load(environ={"CARTESIA_CUSTOM_HEADERS": "X-Token: secret"})

    assert "secret" not in repr(settings)


def test_the_configuration_folder_is_the_one_of_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "/somewhere")

    folder = user_folder("config", {"HOME": "/somewhere"})

    assert folder == Path(platformdirs.user_config_dir("cartesia", appauthor=False))


def test_xdg_decides_where_the_users_file_is_unless_it_is_relative() -> None:
    assert config_path({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}) == Path("/x/cartesia/config.toml")
    if sys.platform == "linux":
        assert config_path({"XDG_CONFIG_HOME": "x", "HOME": "/h"}) == Path("/h/.config/cartesia/config.toml")


def test_no_home_at_all_is_no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Homeless:
        """What older platformdirs say of an unknown user without HOME."""

        def user_config_dir(self, name: str, *, appauthor: bool) -> str:
            return f"~/.config/{name}"

    monkeypatch.setitem(sys.modules, "platformdirs", Homeless())

    assert user_folder("config", {}) is None
    assert Settings.load(options={}, environ={}, cwd=tmp_path) == Settings()


def test_without_files_nothing_is_imported_to_read_them() -> None:
    code = (
        "import sys; from pathlib import Path; from cartesia_cli.settings import Settings; "
        "Settings.load(options={}, environ={'HOME': '/nowhere'}, cwd=Path('/')); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"tomllib", "platformdirs", "difflib", "typer", "httpx"}.isdisjoint(done.stdout.split())


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text("ab #=[]'.\\\"é", min_size=1, max_size=4).map(
        lambda key: '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
)
VALUES = st.sampled_from(
    [
        "1",
        "1979-05-27T07:32:00Z",
        '"a # b = c"',
        r'"\\"',
        "'[x]'",
        '"""\nk = 1\n[t]\n\\""" x """',
        "'''\n# '' \n'''",
        "[1, [2,\n 3], # ] comment\n]",
        '{ a = "}", b = [1] }',
        '"it\'s" # [comment]',
    ]
)


@given(st.lists(st.one_of(st.tuples(KEYS, VALUES), KEYS, st.sampled_from(["", "# [c] = 'x"])), max_size=8))
def test_keys_are_found_on_the_line_where_the_parser_first_knows_them(
    statements: list[tuple[str, str] | str],
) -> None:
    lines, text = [], ""
    for statement in statements:
        if isinstance(statement, tuple):
            added = f"{statement[0]} = {statement[1]}\n"
        elif statement == "" or statement.startswith("# "):
            added = f"{statement}\n"
        else:
            added = f"[ {statement} ]\n"
        try:
            tomllib.loads(text + added)
        except tomllib.TOMLDecodeError:  # a key twice
            continue
        if added.strip() and not added.startswith("#"):
            lines.append(text.count("\n") + 1)
        text += added

    found = list(_key_lines(text))

    assert [line for _, line in found] == lines
    table: dict[str, Any] = tomllib.loads(text)
    for path, _ in found:
        inner: Any = table
        for name in path:
            inner = inner[name]
