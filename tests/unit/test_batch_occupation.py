"""One run at a time in a folder, or shards of one beside each other; whoever is killed holds nothing."""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cartesia_cli.batch.places.occupation import Shard, occupied
from cartesia_cli.errors import OutputError

WHOLE = Shard(1, 1)
FIRST, SECOND = Shard(1, 2), Shard(2, 2)
SPAWN = multiprocessing.get_context("spawn")
PATIENCE = 30
N_ROUNDS = 400


def is_free(folder: Path, shard: Shard) -> bool:
    try:
        with occupied(folder, shard):
            return True
    except OutputError:
        return False


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hold(folder: Path, shard: Shard, told: Connection) -> None:
    """Hold a folder until the process is killed."""
    with occupied(folder, shard):
        told.send("held")
        told.poll(PATIENCE)


def test_a_second_run_is_kept_out_and_told_what_to_do(tmp_path: Path) -> None:
    with occupied(tmp_path, WHOLE), pytest.raises(OutputError) as caught, occupied(tmp_path, WHOLE):
        pass

    assert str(caught.value) == f"Another batch is at work in {tmp_path}."
    assert caught.value.hint is not None
    assert "--shard" in caught.value.hint


@pytest.mark.parametrize("shard", [WHOLE, FIRST])
def test_a_folder_is_free_again_however_a_run_ends(tmp_path: Path, shard: Shard) -> None:
    with pytest.raises(ZeroDivisionError), occupied(tmp_path, shard):
        raise ZeroDivisionError

    assert is_free(tmp_path, shard)
    assert is_free(tmp_path, WHOLE)
    assert names_in(tmp_path) == []


def test_one_who_was_kept_out_does_not_free_the_folder_for_others(tmp_path: Path) -> None:
    for shard in (WHOLE, FIRST):
        with occupied(tmp_path, shard):
            assert [is_free(tmp_path, shard) for _ in range(3)] == [False] * 3


def test_shards_may_be_beside_each_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for i in range(1, 9):
            stack.enter_context(occupied(tmp_path, Shard(i, 8)))

        assert len(names_in(tmp_path)) == 8
        assert not any(is_free(tmp_path, Shard(i, 8)) for i in range(1, 9))

    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("there", "here"), [(WHOLE, FIRST), (FIRST, WHOLE), (FIRST, FIRST)])
def test_who_would_do_the_same_is_kept_out(tmp_path: Path, there: Shard, here: Shard) -> None:
    with occupied(tmp_path, there):
        assert not is_free(tmp_path, here)

    assert is_free(tmp_path, here)


@pytest.mark.parametrize(("there", "here"), [(FIRST, Shard(1, 3)), (Shard(3, 3), FIRST)])
def test_shards_of_another_count_are_kept_out(tmp_path: Path, there: Shard, here: Shard) -> None:
    with occupied(tmp_path, there):
        with (
            pytest.raises(OutputError, match=f"on one of {there.n} shards") as caught,
            occupied(tmp_path, here),
        ):
            pass

        assert caught.value.hint is not None
        assert f"--shard I/{there.n}" in caught.value.hint
        assert len(names_in(tmp_path)) == 1
        assert not is_free(tmp_path, there)

    assert is_free(tmp_path, here)


def test_shards_of_another_count_that_begin_at_once_are_never_both_there(tmp_path: Path) -> None:
    n_inside, n_times = Counter[int](), 0
    counting = threading.Lock()
    both: list[int] = []

    def come_and_go(n: int) -> None:
        nonlocal n_times
        for _ in range(N_ROUNDS):
            with suppress(OutputError), occupied(tmp_path, Shard(1, n)):
                with counting:
                    n_inside[n] += 1
                    n_times += 1
                    both.extend([n] if all(n_inside[each] for each in (2, 3)) else [])
                time.sleep(0)  # lets others run
                with counting:
                    n_inside[n] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, (2, 3, 2, 3)))

    assert n_times
    assert both == []


def test_what_a_killed_shard_of_another_count_left_keeps_nobody_out(tmp_path: Path) -> None:
    (tmp_path / ".cartesia-shard-1-of-2").touch()
    (tmp_path / ".cartesia-shard-of-our-garden.txt").touch()

    assert is_free(tmp_path, Shard(1, 3))


def test_a_shard_stays_when_another_one_ends(tmp_path: Path) -> None:
    with occupied(tmp_path, SECOND):
        with occupied(tmp_path, FIRST):
            pass

        assert not is_free(tmp_path, SECOND)
        assert not is_free(tmp_path, WHOLE)
        assert is_free(tmp_path, FIRST)


def test_other_folders_are_free(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    with occupied(tmp_path / "a", WHOLE):
        assert is_free(tmp_path / "b", WHOLE)


def test_a_folder_is_the_same_by_another_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")

    with occupied(tmp_path / "a", WHOLE):
        assert not is_free(tmp_path / "b", WHOLE)


@pytest.mark.parametrize("shard", [WHOLE, FIRST])
@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_folder_cannot_be_held(tmp_path: Path, name: str, shard: Shard) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="Cannot write"), occupied(tmp_path / name, shard):
        pass


@pytest.mark.parametrize("shard", [WHOLE, FIRST], ids=["whole", "shard"])
def test_who_was_killed_holds_nothing(tmp_path: Path, shard: Shard) -> None:
    told, teller = SPAWN.Pipe()
    process = SPAWN.Process(target=hold, args=(tmp_path, shard, teller))
    process.start()
    try:
        assert told.poll(PATIENCE)
        was_free = is_free(tmp_path, shard)
    finally:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(PATIENCE)
        told.close()
        teller.close()
    left = names_in(tmp_path)

    assert not was_free
    assert len(left) == shard.n - 1, "a shard that was killed leaves its file"
    with occupied(tmp_path, shard):
        assert not is_free(tmp_path, shard)
    assert names_in(tmp_path) == []


def test_a_file_that_was_removed_while_it_was_waited_for_keeps_nobody_out(tmp_path: Path) -> None:
    """Whoever opened the file of a shard just before it was removed must not take that for the shard."""
    greatest = n_inside = n_times = 0
    counting = threading.Lock()

    def come_and_go(_: int) -> None:
        nonlocal greatest, n_inside, n_times
        for _ in range(N_ROUNDS):
            try:
                with occupied(tmp_path, FIRST):
                    with counting:
                        n_inside += 1
                        n_times += 1
                        greatest = max(greatest, n_inside)
                    time.sleep(0)  # lets others run
                    with counting:
                        n_inside -= 1
            except OutputError:
                pass

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(come_and_go, range(6)))

    assert n_times
    assert greatest == 1


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_every_line_is_in_one_shard_and_they_are_of_one_size(n: int) -> None:
    shards = [Shard(i, n) for i in range(1, n + 1)]

    owners = [[shard.i for shard in shards if shard.has(position)] for position in range(70)]

    assert owners == [[position % n + 1] for position in range(70)]
