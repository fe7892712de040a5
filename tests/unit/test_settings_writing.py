"""What a change leaves as it was: everything else, down to the comments."""

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UsageError
from cartesia_cli.settings import SETTINGS, Settings
from cartesia_cli.settings.writing import join_name, parse_value, remove_setting, split_name, write_setting


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cartesia" / "config.toml"


def change(path: Path, text: str | None, **settings: str | None) -> str:
    """Return what becomes of a file; a dot in a name is written as ``__``, None removes."""
    if text is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    for name, value in settings.items():
        where = split_name(name.replace("__", "."))
        if value is None:
            assert remove_setting(path, where)
        else:
            write_setting(path, where, parse_value(where, value))
    return path.read_bytes().decode()


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("voice", ("voice",)),
        ("headers.X-Team", ("headers", "X-Team")),
        ("aliases.my.own.voice", ("aliases", "my.own.voice")),
        ("profiles.work", ("profiles", "work")),
        ("profiles.work.voice", ("profiles", "work", "voice")),
        ("profiles.a.b.voice", ("profiles", "a.b", "voice")),
        ("profiles.work.aliases.my.voice", ("profiles", "work", "aliases", "my.voice")),
    ],
)
def test_a_name_tells_where_a_setting_stands(name: str, where: tuple[str, ...]) -> None:
    assert split_name(name) == where
    assert join_name(where) == name


BEFORE = """\
# My settings.

voice = "heart"  # the calm one
gain = 3

# For the proxy.
[headers]
X-Team = "speech"  # not secret

# Who is who.
[aliases]
narrator = "deep"

[profiles.work]
model = 'sonic-3'
"""


@pytest.mark.parametrize(
    ("settings", "old", "new"),
    [
        ({"voice": "Skylar"}, '"heart"  # the', '"Skylar"  # the'),
        ({"gain": "-1.5"}, "gain = 3\n", "gain = -1.5\n"),
        ({"model": "m"}, "gain = 3\n", 'gain = 3\nmodel = "m"\n'),
        ({"model": "m", "retries": "5"}, "gain = 3\n", 'gain = 3\nmodel = "m"\nretries = 5\n'),
        ({"headers__x-team": "b"}, '"speech"', '"b"'),
        ({"headers__X-B": "b"}, "not secret\n", 'not secret\nX-B = "b"\n'),
        ({"aliases__b.c": "d"}, '"deep"\n', '"deep"\n"b.c" = "d"\n'),
        ({"profiles__work__voice": "x"}, "'sonic-3'\n", "'sonic-3'\nvoice = \"x\"\n"),
        (
            {"profiles__home__voice": "x"},
            "'sonic-3'\n",
            "'sonic-3'\n\n[profiles.home]\nvoice = \"x\"\n",
        ),
        ({"voice": None}, 'voice = "heart"  # the calm one\n', ""),
        ({"headers__x-TEAM": None}, 'X-Team = "speech"  # not secret\n', ""),
        ({"profiles__work": None}, "[profiles.work]\nmodel = 'sonic-3'\n", ""),
    ],
)
def test_only_the_line_itself_changes(path: Path, settings: dict[str, str], old: str, new: str) -> None:
    assert BEFORE.count(old) == 1

    assert change(path, BEFORE, **settings) == BEFORE.replace(old, new)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "m"\n'),
        ("# mine\n", '# mine\nmodel = "m"\n'),
        ('voice = "x"', 'voice = "x"\nmodel = "m"\n'),
        ("# mine\n\n[aliases]\n", '# mine\nmodel = "m"\n\n[aliases]\n'),
        ("# who is who\n[aliases]\n", 'model = "m"\n\n# who is who\n[aliases]\n'),
        ("[aliases]\n", 'model = "m"\n\n[aliases]\n'),
    ],
)
def test_a_new_line_comes_before_the_tables_and_their_comments(path: Path, before: str, after: str) -> None:
    assert change(path, before, model="m") == after


@pytest.mark.parametrize(
    ("before", "settings", "table"),
    [
        ('aliases = {a = "b"}\n', {"aliases__c": "d"}, {"aliases": {"a": "b", "c": "d"}}),
        ('aliases.a = "b"\n', {"aliases__c": "d"}, {"aliases": {"a": "b", "c": "d"}}),
        (
            '[profiles.a]\nvoice = "x"\n[aliases]\n[profiles.b]\n',
            {"profiles__b__voice": "y", "profiles__c__gain": "0", "profiles__a__voice": None},
            {"profiles": {"a": {}, "b": {"voice": "y"}, "c": {"gain": 0.0}}, "aliases": {}},
        ),
        ('"voice" = """\nx"""\n', {"voice": "y"}, {"voice": "y"}),
        ("vioce = 1\n", {"vioce": None}, {}),
    ],
)
def test_every_way_to_write_a_table_is_understood(
    path: Path, before: str, settings: dict[str, Any], table: dict[str, Any]
) -> None:
    assert tomllib.loads(change(path, before, **settings)) == table


def test_windows_line_ends_and_a_byte_order_mark_stay(path: Path) -> None:
    after = change(path, '\ufeffvoice = "x"\r\n\r\n[aliases]\r\n', model="m")

    assert after == '\ufeffvoice = "x"\r\nmodel = "m"\r\n\r\n[aliases]\r\n'


def test_a_file_and_its_folder_are_made(path: Path) -> None:
    assert change(path, None, voice="heart", aliases__a="b") == 'voice = "heart"\n\n[aliases]\na = "b"\n'
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["headers__X", "profiles__w__headers__X"])
def test_a_file_with_headers_is_its_owner_s_alone(path: Path, name: str) -> None:
    change(path, 'voice = "x"\n')
    path.chmod(0o644)
    change(path, None, model="m")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644

    change(path, None, **{name: "1"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()
    change(path, None, **{name: "1"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_not_there_cannot_be_removed(path: Path) -> None:
    assert not remove_setting(path, ("voice",))
    change(path, BEFORE)

    for where in (("model",), ("profiles", "home", "voice"), ("voice", "x"), ("headers", "Y")):
        assert not remove_setting(path, where)
    assert path.read_text("utf-8") == BEFORE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("voice = ", r"config\.toml:1: "),
        ('aliases = "x"\n', r"aliases must be a table, like \[aliases\], in .*config\.toml"),
    ],
)
def test_a_file_that_is_broken_is_left_alone(path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        change(path, text, aliases__a="b")

    assert path.read_text("utf-8") == text
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gain", "loud", "gain must be a number of decibels from -60 to 60, not 'loud'"),
        ("gain", "nan", "gain must be a number"),
        ("retries", "1.5", "retries must be a whole number"),
        ("voice", " ", "voice must be the name"),
        ("profiles.w.engine", "clowd", "profiles.w.engine must be auto, cloud or local, not 'clowd'"),
        ("base_url", "https://u:secret@h", "base_url must be a URL"),
        ("headers.a b", "x", "headers.a b must have the name of a header"),
        ("headers.X", "secr\x01et", "headers.X must have a value"),
        ("aliases.a", "", "aliases.a must be"),
        ("vioce", "x", "There is no setting 'vioce'"),
        ("profiles.w.vioce", "x", "There is no setting 'vioce'"),
        ("voice.x", "x", "There is no setting 'voice.x'"),
        ("profiles.a.profiles.b", "x", "There is no setting 'b'"),
        ("headers", "x", "headers is a table"),
        ("profiles.w", "x", "profiles.w is a table"),
        ("profiles.w.aliases", "x", "profiles.w.aliases is a table"),
        ("api_key", "secret", "An API key does not belong into this file"),
        ("profiles.w.API-KEY", "secret", "An API key does not belong into this file"),
        ("headers.Authorization", "Bearer sk_car_secret", "holds an API key"),
        ("voice", "sk_car_secret", "holds an API key"),
    ],
)
def test_what_cannot_be_set_is_told_without_showing_a_secret(name: str, value: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_value(split_name(name), value)

    assert message in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert "secr" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("engine", "local"),
        ("sample_rate", "16000"),
        ("encoding", "pcm_mulaw"),
        ("timeout", "3"),
        ("device", "2"),
        ("gain", "-3.5"),
        ("base_url", "http://127.0.0.1:8420/x/"),
    ],
)
def test_what_is_written_is_what_is_read(path: Path, name: str, text: str) -> None:
    change(path, None, **{name: text})

    settings = Settings.load(options={}, environ={}, cwd=path.parent, config_file=path)

    assert getattr(settings, name) == SETTINGS[name].parse_text(text)


NAMES = st.sampled_from(
    [
        "voice",
        "model",
        "captions",
        "headers.X-A",
        "headers.X-B",
        "aliases.a",
        "aliases.b c",
        "profiles.p.voice",
        "profiles.q.model",
        "profiles.p.aliases.z",
        "profiles.q.headers.X",
    ]
)
BLOCKS = st.sampled_from(
    ["", "# a comment", 'voice = "1"', 'model = """\n[x]\n"""', "gain = 1  # c", "aliases.k = '1'"]
)
TABLES = st.sampled_from(
    [
        "[headers]",
        '[headers]\nx-a = "1"',
        "# on p\n[profiles.p]",
        "[profiles.q]\nmodel='1' # q\n# end",
        "[profiles.p.aliases]\nz = '1'",
        "\n\n# loose\n",
    ]
)


@given(
    st.lists(BLOCKS, max_size=4, unique=True),
    st.lists(TABLES, max_size=4, unique_by=lambda table: table.split("]")[0]),
    st.dictionaries(NAMES, st.sampled_from(["v", "w"]), min_size=1, max_size=4),
)
def test_whatever_the_file_looks_like_its_settings_are_those_before_and_the_new_ones(
    tmp_path_factory: pytest.TempPathFactory, top: list[str], tables: list[str], settings: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("written") / "config.toml"
    before = "\n".join([*top, *tables])
    try:
        expected = tomllib.loads(before)
    except tomllib.TOMLDecodeError:
        return
    path.write_text(before, "utf-8")

    for name, value in settings.items():
        where = split_name(name)
        write_setting(path, where, parse_value(where, value))
        table = expected
        for each in where[:-1]:
            table = table.setdefault(each, {})
        same = [each for each in table if each.lower() == where[-1].lower()]
        table[same[0] if same else where[-1]] = value

    after = path.read_text("utf-8")
    assert tomllib.loads(after) == expected
    assert [line for line in before.split("\n") if "#" in line and "=" not in line] == [
        line for line in after.split("\n") if "#" in line and "=" not in line
    ]
