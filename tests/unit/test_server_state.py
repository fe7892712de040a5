import os
import signal
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import httpx
import pytest

from cartesia_cli.database import Database, Shelf, Tally
from cartesia_cli.errors import CartesiaError, OutputError, UsageError
from cartesia_cli.local.catalogue import FILE_NAME, LocalCatalogue
from cartesia_cli.server.storage.state import State, stored
from cartesia_cli.server.storage.usage import Ledger
from tests.fakes.keeping import KEY, serving
from tests.fakes.known import DEFAULT_VOICE

ROOT = Path(__file__).parents[2]
ALWAYS = date(1970, 1, 1), date(9000, 1, 1)
SPEECH = {
    "model_id": "sonic-3",
    "transcript": "Good day",
    "voice": DEFAULT_VOICE,
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16_000},
}
WRITER = """
import sys
from pathlib import Path
from cartesia_cli.server.storage.state import State

state = State(Path(sys.argv[1]))
number = 0
while True:
    state.datasets.add({"id": f"{sys.argv[2]}-{number}"})
    state.ledger.add(1)
    print(number, flush=True)
    number += 1
"""
OPENER = """
import sys
from pathlib import Path
from cartesia_cli.server.storage.state import State

sys.stdin.readline()
state = State(Path(sys.argv[1]))
state.ledger.add(1)
print(state.secret.hex())
state.close()
"""


def _used(state: State) -> float:
    return sum(state.ledger.days(*ALWAYS).values())


def run(program: str, *args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *args],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_what_was_kept_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.sqlite3"
    first = State(path)
    first.datasets.add({"id": "a", "name": "Ann"})
    first.files_of("a").add({"id": "f"})
    first.ledger.add(1.5)
    first.ledger.add(2)
    first.close()

    second = State(path)

    assert second.secret == first.secret
    assert len(second.secret) == 32
    assert [each.fields for each in stored(second.datasets)] == [{"id": "a", "name": "Ann"}]
    assert [each.id for each in stored(second.files_of("a"))] == ["f"]
    assert _used(second) == 3.5
    second.close()
    assert names_in(path.parent) == ["state.sqlite3"]


def test_what_is_kept_in_memory_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = State(":memory:"), State(":memory:")
    one.datasets.add({"id": "a"})
    one.ledger.add(1)

    assert one.secret != other.secret
    assert (stored(other.datasets), _used(other)) == ([], 0)

    one.close()
    other.close()
    assert names_in(tmp_path) == []


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite3")
    state.ledger.add(1)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    state.close()

    assert modes == dict.fromkeys(["state.sqlite3", "state.sqlite3-wal", "state.sqlite3-shm"], 0o600)


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    State(path).close()
    path.chmod(0o644)

    State(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_servers_on_one_file_see_the_same(tmp_path: Path) -> None:
    one, other = State(tmp_path / "state.sqlite3"), State(tmp_path / "state.sqlite3")

    def use(state: State) -> None:
        for _ in range(50):
            state.ledger.add(1)
            state.datasets.add({"id": os.urandom(8).hex()})

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(use, state) for state in (one, other) * 3]:
            done.result()

    for state in (one, other):
        assert _used(state) == 300
        assert len(stored(state.datasets)) == 300
        state.close()


def test_servers_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    started = [run(OPENER, str(path)) for _ in range(4)]

    answers = [process.communicate("go\n", timeout=60)[0] for process in started]

    assert [process.returncode for process in started] == [0] * 4
    assert len(set(answers)) == 1
    state = State(path)
    assert _used(state) == 4
    state.close()


def test_nothing_is_lost_when_a_server_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    writers = [run(WRITER, str(path), name) for name in ("a", "b")]
    for writer in writers:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 60:
            pass

    told = {}
    for name, writer in zip("ab", writers, strict=True):
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=20)
        told[name] = int([*map(str, range(61)), *rest.split()][-1]) + 1

    state = State(path)
    kept = {each.id for each in stored(state.datasets)}
    assert {f"{name}-{number}" for name, count in told.items() for number in range(count)} <= kept
    assert sum(told.values()) <= _used(state) <= len(kept)
    state.close()
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def damage_header(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(data)


def age(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def replace_by_another(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (damage_header, "damaged"),
        (damage_pages, "damaged"),
        (age, "newer version"),
        (replace_by_another, "another program"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_and_left_alone(
    tmp_path: Path, spoil: "object", told: str
) -> None:
    path = tmp_path / "state.sqlite3"
    State(path).close()
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(UsageError, match=told) as refused:
        State(path)

    assert refused.value.hint is not None
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["state.sqlite3"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory"):
        State(tmp_path)


def test_voices_and_the_state_may_share_a_file(tmp_path: Path) -> None:
    catalogue = LocalCatalogue(tmp_path)
    catalogue.create_dictionary("Names", [])
    state = State(tmp_path / FILE_NAME)
    state.datasets.add({"id": "a"})
    catalogue.create_dictionary("Others", [])

    assert [each.name for each in catalogue.dictionaries()] == ["Names", "Others"]
    assert [each.id for each in stored(state.datasets)] == ["a"]

    state.close()
    assert len(list(catalogue.dictionaries())) == 2


@pytest.mark.parametrize("stays_open", [False, True])
def test_a_transaction_inside_of_another_is_a_part_of_it(tmp_path: Path, stays_open: bool) -> None:
    database = Database(tmp_path / "file", "things", stays_open=stays_open)
    shelf, tally = Shelf(database, "thing"), Tally(database, "sum")
    shelf.add({"id": "before"})

    with pytest.raises(ZeroDivisionError), database.writing():
        shelf.add({"id": "inside"})
        tally.add("a", 1)
        assert shelf.get("inside") is not None
        raise ZeroDivisionError

    shelf.add({"id": "after"})
    assert ([each["id"] for each in shelf], tally.between("", "b")) == (["before", "after"], {})
    database.close()


def test_a_cleared_shelf_is_empty_and_the_others_are_not(tmp_path: Path) -> None:
    database = Database(tmp_path / "file", "things")
    one, other = Shelf(database, "one"), Shelf(database, "other")
    for shelf in (one, other):
        shelf.add({"id": "a"})

    one.clear()

    assert (list(one), list(other)) == ([], [{"id": "a"}])


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class FullDisk(Tally):
    """A tally that cannot be written while ``is_full``."""

    is_full = True

    def add(self, name: str, amount: float) -> None:
        if self.is_full:
            raise OutputError("The disk is full.")
        super().add(name, amount)


def test_what_cannot_be_noted_is_noted_later() -> None:
    clock, tally = Clock(), FullDisk(Database(":memory:", "usage"), "credits")
    ledger = Ledger(clock, tally)
    yesterday = ledger.today()

    ledger.add(2)
    clock.now += 86_400
    ledger.add(3)
    while_full = ledger.days(*ALWAYS)
    tally.is_full = False
    ledger.add(4)

    assert while_full == {yesterday: 2, ledger.today(): 3}
    assert ledger.days(*ALWAYS) == {yesterday: 2, ledger.today(): 7}
    assert tally.between("1970-01-01", "9000-01-01") == {
        yesterday.isoformat(): 2,
        ledger.today().isoformat(): 7,
    }


def test_a_ledger_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(CartesiaError, match="damaged"):
        Ledger(kept=Tally(Database(path, "usage"), "credits")).days(*ALWAYS)


def test_tokens_and_usage_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    auth = {"authorization": f"Bearer {KEY}"}
    first = State(path)
    with serving(first, keys=[KEY]) as url:
        asked = {"grants": {"tts": True}}
        token = httpx.post(f"{url}/access-token", json=asked, headers=auth).json()["token"]
        spoken = httpx.post(f"{url}/tts/bytes", json=SPEECH, headers={"authorization": f"Bearer {token}"})
    first.close()

    second = State(path)
    with serving(second, keys=[KEY]) as url:
        again = httpx.post(f"{url}/tts/bytes", json=SPEECH, headers={"authorization": f"Bearer {token}"})
        used = httpx.get(f"{url}/usage/credits", headers=auth).json()
    second.close()

    assert (spoken.status_code, again.status_code) == (200, 200)
    assert [bucket["credits"] for bucket in used["data"]] == [2 * len("Good day")]


def test_a_key_that_nobody_knows_has_used_nothing() -> None:
    state = State(":memory:")
    state.ledger.add(8)
    with serving(state) as url:
        one = httpx.get(f"{url}/usage/credits?api_key_id=key_1").json()
        agents = httpx.get(f"{url}/usage/agents/").json()
        listed = httpx.get(f"{url}/api-keys?limit=500").json()
        single = httpx.get(f"{url}/api-keys/key_1").status_code
        everyone = httpx.get(f"{url}/usage/credits").json()
    state.close()

    assert [[bucket["credits"] for bucket in each["data"]] for each in (one, agents, everyone)] == [
        [0],
        [0],
        [8],
    ]
    assert (listed, single) == ({"data": [], "has_more": False}, 404)
