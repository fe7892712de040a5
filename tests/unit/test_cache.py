"""Voice names are remembered for a day, and a cache that fails is only empty."""

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from cartesia_cli.cache import LIST_NAME, VoiceList, VoiceNames
from cartesia_cli.credentials import Key
from cartesia_cli.folders import user_folder

SECRET = "sk_car_0123456789abcdef"  # noqa: S105  nobody's
URL = "https://api.cartesia.ai"
NOON = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def voice_names(
    folder: Path, *, url: str = URL, key: str | None = SECRET, clock: Clock | None = None
) -> VoiceNames:
    return VoiceNames(url, Key(key, "test") if key else None, folder=folder, clock=clock or Clock())


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["Skylar", "", "../../etc/passwd", "a/b\0c", "漢字 \n", "\udc80"])
def test_what_is_remembered_is_found_by_the_next_run(tmp_path: Path, name: str) -> None:
    voice_names(tmp_path).remember(name, "id-1")

    assert voice_names(tmp_path).find(name) == "id-1"
    assert voice_names(tmp_path).find(f"{name}x") is None
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize(("seconds", "found"), [(0, "id-1"), (86_399, "id-1"), (86_400, None), (-1, None)])
def test_a_name_is_remembered_for_a_day(tmp_path: Path, seconds: float, found: str | None) -> None:
    clock = Clock()
    names = voice_names(tmp_path, clock=clock)
    names.remember("Skylar", "id-1")

    clock.now += seconds

    assert names.find("Skylar") == found


def test_another_server_and_another_key_have_other_voices(tmp_path: Path) -> None:
    voice_names(tmp_path).remember("Skylar", "id-1")

    assert voice_names(tmp_path, url="http://127.0.0.1:8420").find("Skylar") is None
    assert voice_names(tmp_path, key="another").find("Skylar") is None
    assert voice_names(tmp_path, key=None).find("Skylar") is None


def test_the_key_is_nowhere_in_the_cache(tmp_path: Path) -> None:
    voice_names(tmp_path).remember("Skylar", "id-1")

    [path] = files(tmp_path)
    assert SECRET not in f"{path} {path.read_text('utf-8')}"


def test_a_name_can_be_forgotten_and_remembered_anew(tmp_path: Path) -> None:
    names = voice_names(tmp_path)
    names.remember("Skylar", "id-1")

    names.forget("Skylar")
    names.forget("nobody")

    assert names.find("Skylar") is None
    names.remember("Skylar", "id-2")
    assert names.find("Skylar") == "id-2"


def test_all_names_of_a_voice_that_was_changed_are_forgotten(tmp_path: Path) -> None:
    names = voice_names(tmp_path)
    for name, voice_id in [("Sky", "id-1"), ("sky", "id-1"), ("COOL", "id-2"), ("Sarah", "id-3")]:
        names.remember(name, voice_id)

    names.forget_voice("ID-1", "Cool")

    assert [names.find(name) for name in ("Sky", "sky", "COOL", "Sarah")] == [None, None, None, "id-3"]
    assert len(files(tmp_path)) == 1


def test_a_spoiled_entry_does_not_keep_a_voice_from_being_forgotten(tmp_path: Path) -> None:
    names = voice_names(tmp_path)
    names.remember("Sky", "id-1")
    [path] = files(tmp_path)
    (path.parent / "other.json").write_text("[", "utf-8")
    (path.parent / "folder.json").mkdir()

    names.forget_voice("id-1")

    assert names.find("Sky") is None


def test_a_list_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "cache" / LIST_NAME
    voices = VoiceList(path.parent)
    with voices.rewriting() as add:
        add("Skylar", "id-1")
        assert not path.exists()

    def break_off() -> None:
        with voices.rewriting() as add:
            add("Other", "id-2")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_text("utf-8") == "Skylar\tid-1\n"
    assert files(tmp_path) == [path]


@pytest.mark.parametrize("name", ["", "a\tb", "a\nb", "a\x1bb", "a\x9bb"])
def test_a_name_that_would_spoil_the_list_is_left_out(tmp_path: Path, name: str) -> None:
    with VoiceList(tmp_path).rewriting() as add:
        add(name, "id-1")
        add("漢字 \udc80", "id-2")

    assert (tmp_path / LIST_NAME).read_bytes() == "漢字 ".encode() + b"\x80\tid-2\n"


def test_the_list_follows_what_becomes_of_a_voice(tmp_path: Path) -> None:
    voices = VoiceList(tmp_path)
    voices.change("id-0", "Nobody's list")
    assert files(tmp_path) == []
    with voices.rewriting() as add:
        for name, voice_id in [("One", "id-1"), ("Two", "id-2"), ("alias", "id-1")]:
            add(name, voice_id)

    voices.change("id-1", "Uno")
    voices.change("id-3", "Three")
    before = (tmp_path / LIST_NAME).read_text("utf-8").splitlines()
    voices.change("id-1", None)

    assert before == ["Uno\tid-1", "Two\tid-2", "alias\tid-1", "Three\tid-3"]
    assert (tmp_path / LIST_NAME).read_text("utf-8").splitlines() == ["Two\tid-2", "Three\tid-3"]


def test_a_list_that_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", "utf-8")
    voices = VoiceList(blocked)

    with voices.rewriting() as add:
        add("Skylar", "id-1")
    voices.change("id-1", None)

    assert blocked.read_text("utf-8") == "not a folder"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"name": "Skylar", "id": 5, "time": 1.8e9}',
        b'{"name": "Other", "id": "x", "time": 1.8e9}',
        b'{"name": "Skylar", "id": "x", "time": NaN}',
    ],
)
def test_a_spoiled_entry_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    names = voice_names(tmp_path)
    names.remember("Skylar", "id-1")
    [path] = files(tmp_path)
    path.write_bytes(content)

    assert names.find("Skylar") is None
    names.remember("Skylar", "id-2")
    assert names.find("Skylar") == "id-2"


def test_a_cache_that_cannot_be_written_is_only_empty(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    names = voice_names(blocked)

    names.remember("Skylar", "id-1")
    names.forget("Skylar")

    assert names.find("Skylar") is None
    assert blocked.read_text("utf-8") == "not a folder"


def test_processes_that_write_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from cartesia_cli.cache import VoiceNames\n"
        "names = VoiceNames(sys.argv[1], None, folder=Path(sys.argv[2]), clock=lambda: 1.8e9)\n"
        "for i in range(40):\n"
        "    names.remember('Skylar', f'id-{i}' * 500)\n"
        "    assert names.find('Skylar') is not None\n"
    )
    command = [sys.executable, "-c", code, URL, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]

    statuses = [process.wait(timeout=60) for process in processes]

    assert statuses == [0, 0]
    assert voice_names(tmp_path, key=None).find("Skylar") == "id-39" * 500
    assert len(files(tmp_path)) == 1


def test_the_cache_folder_is_the_one_of_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/somewhere")

    assert user_folder("cache", {"HOME": "/somewhere"}) == Path(
        platformdirs.user_cache_dir("cartesia", appauthor=False)
    )
    assert user_folder("cache", {"XDG_CACHE_HOME": "/x"}) == Path("/x/cartesia")


def test_without_a_home_nothing_is_remembered_and_nothing_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Homeless:
        """What platformdirs say of an unknown user without HOME."""

        def user_cache_dir(self, name: str, *, appauthor: bool) -> str:
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "platformdirs", Homeless())
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    names = VoiceNames(URL, None)

    names.remember("Skylar", "id-1")

    assert names.find("Skylar") is None
    assert list(tmp_path.iterdir()) == []
