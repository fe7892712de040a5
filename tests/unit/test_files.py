"""Files appear whole or not at all, whatever happens; devices and pipes are written in place."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import TargetFile, is_written_in_place, replace_file

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and devices")
not_root = pytest.mark.skipif(
    sys.platform != "win32" and os.geteuid() == 0, reason="root may write everywhere"
)

HOLD = """
import sys
from pathlib import Path
from cartesia_cli.files import replace_file
with replace_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("open", flush=True)
    sys.stdin.read()
"""


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def write(path: Path, data: bytes, *, clobber: bool = True) -> None:
    with replace_file(path, clobber=clobber) as file:
        file.write(data)


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def test_the_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"

    with replace_file(path) as file:
        file.write(b"sound")
        file.flush()
        [part] = names(tmp_path)

    assert part.startswith(".a.wav.")
    assert part.endswith(".cartesia-part")
    assert names(tmp_path) == ["a.wav"]
    assert path.read_bytes() == b"sound"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_nothing_remains_when_the_block_raises(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"before")

    with pytest.raises(error), replace_file(path) as file:
        file.write(b"half")
        raise error

    assert names(tmp_path) == ["a.wav"]
    assert path.read_bytes() == b"before"


def test_a_target_that_is_forgotten_leaves_nothing(tmp_path: Path) -> None:
    target = TargetFile(tmp_path / "a.wav")
    target.file.write(b"half")

    del target

    assert names(tmp_path) == []


def test_several_files_appear_only_after_all_are_finished(tmp_path: Path) -> None:
    with TargetFile(tmp_path / "a") as first, TargetFile(tmp_path / "b") as second:
        first.finish()
        second.finish()
        assert all(name.endswith(".cartesia-part") for name in names(tmp_path))

    assert names(tmp_path) == ["a", "b"]


def test_the_file_can_be_corrected_and_shortened_while_it_is_written(tmp_path: Path) -> None:
    with replace_file(tmp_path / "a") as file:
        file.write(b"????sound and more")
        file.seek(0)
        file.write(b"size")
        file.seek(9)
        file.truncate()

    assert (tmp_path / "a").read_bytes() == b"sizesound"


@posix
def test_a_new_file_has_the_permissions_that_umask_leaves(tmp_path: Path, umask: int) -> None:
    write(tmp_path / "a", b"")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


@posix
@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_an_existing_file_keeps_its_permissions_and_its_parts_have_no_more(
    tmp_path: Path, mode: int, umask: int
) -> None:
    path = tmp_path / f"a{umask}"
    path.write_bytes(b"before")
    path.chmod(mode)

    with replace_file(path):
        [part] = [tmp_path / name for name in names(tmp_path) if name != path.name]
        assert stat.S_IMODE(part.stat().st_mode) & ~mode == 0

    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b""


@posix
def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "real"
    target.write_bytes(b"before")
    link = tmp_path / "link"
    link.symlink_to(target)

    with replace_file(link) as file:
        file.write(b"after")
        assert len(names(tmp_path / "there")) == 2, "the part belongs beside the real file"

    assert link.readlink() == target
    assert target.read_bytes() == b"after"


@posix
def test_a_link_to_nothing_creates_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new")

    write(tmp_path / "link", b"after")

    assert names(tmp_path) == ["link", "new"]
    assert (tmp_path / "link").is_symlink()


@posix
@pytest.mark.parametrize("name", ["link", "other"])
def test_links_in_a_circle_are_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("other")
    (tmp_path / "other").symlink_to("link")

    with pytest.raises(OutputError, match="symbolic links"):
        write(tmp_path / name, b"")

    assert names(tmp_path) == ["link", "other"]


def test_a_missing_folder_is_an_output_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"there is no folder .*missing") as caught:
        write(tmp_path / "missing" / "a.wav", b"")

    assert caught.value.hint == "Create the folder first."


def test_a_file_where_a_folder_is_needed_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="file"):
        write(tmp_path / "file" / "a.wav", b"")


@pytest.mark.parametrize("clobber", [True, False])
def test_a_folder_where_a_file_is_needed_is_a_usage_error(tmp_path: Path, clobber: bool) -> None:
    with pytest.raises(UsageError, match="is a folder where a file is needed"):
        write(tmp_path, b"", clobber=clobber)


@posix
@not_root
def test_a_folder_that_is_not_writable_is_an_output_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            write(tmp_path / "a.wav", b"")
    finally:
        tmp_path.chmod(0o700)


@posix
@not_root
def test_a_file_that_is_not_writable_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"before")
    path.chmod(0o400)

    with pytest.raises(OutputError, match="Permission denied"):
        write(path, b"after")

    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_name_that_no_file_can_have_is_an_error_without_remains(tmp_path: Path, name: str) -> None:
    with pytest.raises((UsageError, OutputError), match="Cannot write"):
        write(tmp_path / name, b"")

    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["x" * 255, "語" * 85, "a" + "語" * 84 + "é", "x" * 230, "-rf", "a b\nc*[?]"]
)
def test_every_name_that_a_file_can_have_can_be_written(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, b"1")

    write(tmp_path / name, b"2")

    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"2"


@posix
def test_a_name_that_is_not_utf8_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff" * 250 + b".wav")

    write(path, b"1")

    assert path.read_bytes() == b"1"


def test_no_clobber_leaves_an_existing_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"before")

    with pytest.raises(UsageError, match="exists already") as caught:
        write(path, b"after", clobber=False)

    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a"]
    assert "--no-clobber" in (caught.value.hint or "")


def test_no_clobber_leaves_a_file_alone_that_came_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a"

    with pytest.raises(UsageError, match="exists already"), replace_file(path, clobber=False) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")

    assert path.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a"]


def test_no_clobber_writes_a_new_file(tmp_path: Path) -> None:
    write(tmp_path / "a", b"new", clobber=False)

    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"new"


@posix
def test_no_clobber_means_files_not_devices() -> None:
    write(Path(os.devnull), b"gone", clobber=False)

    assert not Path(os.devnull).is_file()


@posix
def test_a_full_device_is_an_output_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    with pytest.raises(OutputError, match="No space left on device") as caught:
        write(Path("/dev/full"), b"sound")

    assert caught.value.hint == "Free some space, or write to another disk."
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


LIMITED = """
import resource, sys
from pathlib import Path
from cartesia_cli.errors import OutputError
from cartesia_cli.files import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with replace_file(Path(sys.argv[1])) as file:
        for _ in range(int(sys.argv[2])):
            file.write(bytes(1_000))
except OutputError as error:
    print(error)
"""


@posix
@pytest.mark.parametrize("n_blocks", [1_000, 101])
def test_a_write_that_fails_early_or_at_the_very_end_leaves_nothing(tmp_path: Path, n_blocks: int) -> None:
    done = run(LIMITED, tmp_path / "a", n_blocks)

    assert done.stdout == f"Cannot write {tmp_path / 'a'}: File too large.\n"
    assert done.stderr == ""
    assert names(tmp_path) == []


@posix
def test_a_named_pipe_is_written_in_place(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()

    assert is_written_in_place(path)
    write(path, b"sound")

    reader.join(10)
    assert received == [b"sound"]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@posix
def test_a_pipe_whose_reader_went_away_is_a_broken_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: path.open("rb").close())
    reader.start()

    with pytest.raises(BrokenPipeError), replace_file(path) as file:
        reader.join(10)
        file.write(bytes(1_000_000))


TWICE = """
import sys
from pathlib import Path
from cartesia_cli.files import replace_file
sys.stdout.write("before ")
sys.stdout.flush()
with replace_file(Path(sys.argv[1])) as file:
    file.write(b"sound")
sys.stdout.write(" after")
"""


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_stdout_by_name_goes_on_where_it_was_even_into_a_file(tmp_path: Path, name: str) -> None:
    if not Path(name).exists():
        pytest.skip(f"this system has no {name}")
    path = tmp_path / "a"

    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", TWICE, name], stdout=file, check=True, timeout=30)

    assert path.read_bytes() == b"before sound after"
    assert names(tmp_path) == ["a"]


@posix
def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    [left] = names(tmp_path)
    assert left.startswith(".a.wav.")
    (tmp_path / ".a.wav.older.cartesia-part").touch()
    (tmp_path / ".a.wav.b.cartesia-part.cartesia-part").touch()
    (tmp_path / ".b.wav.0.cartesia-part").touch()
    (tmp_path / ".a.wav.notes").touch()

    done = run(HOLD, path)

    assert done.returncode == 0
    assert names(tmp_path) == [
        ".a.wav.b.cartesia-part.cartesia-part",
        ".a.wav.notes",
        ".b.wav.0.cartesia-part",
        "a.wav",
    ]


@posix
def test_a_run_leaves_the_part_of_another_live_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        [held] = names(tmp_path)

        write(path, b"faster")

        assert names(tmp_path) == [held, "a.wav"]
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert path.read_bytes() == b"half"
    assert names(tmp_path) == ["a.wav"]


@posix
def test_a_link_in_the_place_of_a_stale_part_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"before")
    (tmp_path / ".a.1.cartesia-part").symlink_to(precious)

    write(tmp_path / "a", b"")

    assert precious.read_bytes() == b"before"


def test_many_runs_to_one_target_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write, args=(path, content)) for content in contents]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert path.read_bytes() in contents
    assert names(tmp_path) == ["a"]


def test_only_the_standard_library_is_imported() -> None:
    unwanted = {"numpy", "tempfile", "asyncio", "subprocess"}

    done = run(f"import sys, cartesia_cli.files; print({unwanted} & set(sys.modules))")

    assert done.stdout == "set()\n"
