"""``devices``: on a sound server without hardware, and where there is none."""

from collections.abc import Iterator

import pytest

from tests.cli.program import Program, assert_failure
from tests.fakes.soundserver import SoundServer, require_sound, without_sound


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundServer]:
    require_sound()
    with SoundServer(tmp_path_factory.mktemp("sound")) as server:
        yield server


def test_a_pipe_gets_a_device_a_line_with_tabs(run: Program, sound: SoundServer) -> None:
    result = run("devices", env=sound.environ)

    assert (result.status, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.text.splitlines()]
    assert {len(row) for row in rows} == {6}
    assert [row[5] for row in rows if row[4] == "default"] == ["default"]
    assert "desk_lamp" in {row[5] for row in rows}


def test_a_terminal_gets_columns_under_titles(run: Program, sound: SoundServer) -> None:
    result = run("devices", env=sound.environ | {"NO_COLOR": "1"}, tty=["stdout"])

    title, *rows = result.text.splitlines()
    assert title.split() == ["INDEX", "KIND", "CHANNELS", "RATE", "DEFAULT", "NAME"]
    names = {row[title.index("NAME") :] for row in rows}
    assert {"default", "desk_lamp", "desk_radio"} <= names


def test_json_is_an_object_a_line(run: Program, sound: SoundServer) -> None:
    result = run("devices", "--json", env=sound.environ)

    assert [device["index"] for device in result.events] == list(range(len(result.events)))
    for device in result.events:
        assert {"index", "name", "kind", "channels", "sample_rate", "default"} <= device.keys()
        assert device["kind"] in {"input", "output", "both"}
        assert device["sample_rate"] > 0
    assert [device["name"] for device in result.events if device["default"]] == ["default"]


def test_without_a_device_it_is_an_output_error(run: Program) -> None:
    assert_failure(run("devices", env=without_sound(run.folder)), 7, "no sound device", "hint")


def test_a_sound_server_that_hangs_is_not_waited_for(run: Program) -> None:
    require_sound()
    with SoundServer(run.home) as server:
        server.freeze()
        result = run("devices", env=server.environ, timeout=25)

    assert_failure(result, 7, "does not answer")
