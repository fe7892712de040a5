"""Where the speech goes: cli.md section 4, "Where", and section 8, "Files appear whole or not at all"."""

import io
import os
import resource
import stat
import threading
import wave
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud, pcm
from tests.cli.conftest import Say
from tests.cli.program import WITHOUT_PRIVILEGE, Program, assert_failure
from tests.fakes.scripted import CLOSE, chunked

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can arrange this")
NO_HOME = dict.fromkeys(
    ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"]
)
LONG = "A sentence of some length, to be heard for a while. " * 20


def unreplaced(folder: Path) -> list[str]:
    """Return what is in the folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_alone(say: Say, folder: Path) -> None:
    result = say("Hello.", "-o", "a.pcm")

    assert result.status == 0
    assert result.stdout == b""
    assert result.stderr == ""
    assert unreplaced(folder) == ["a.pcm"]
    assert (folder / "a.pcm").read_bytes() == pcm("Hello.")


def test_several_outputs_cost_one_request(say: Say, cloud: Cloud, folder: Path) -> None:
    result = say("Hello.", "-o", "a.pcm", "-o", "b.raw", "-o", "-", "--format", "raw")

    assert result.status == 0
    assert len(cloud.spoken) == 1
    assert (folder / "a.pcm").read_bytes() == pcm("Hello.")
    assert (folder / "b.raw").read_bytes() == pcm("Hello.")
    assert result.stdout == pcm("Hello.")


def test_without_a_destination_it_says_how(say: Say, cloud: Cloud) -> None:
    result = say("Hello.")

    assert_failure(result, 2, "-o", "--play")
    assert cloud.requests == []


TWICE_STDOUT = {
    "sound twice": ["-o", "-", "-o", "-"],
    "sound and --json": ["-o", "-", "--json"],
    "sound and --events": ["-o", "-", "--events"],
    "sound and timings": ["-o", "-", "--timings", "-", "--timings-format", "srt"],
    "--json and --events": ["-o", "a.wav", "--json", "--events"],
    "--json and timings": ["--json", "--timings", "-", "--timings-format", "json"],
    "--events and timings": ["--events", "--timings", "-", "--timings-format", "json"],
    "timings twice": ["--timings", "-", "--timings", "-", "--timings-format", "json"],
}


@pytest.mark.parametrize("options", TWICE_STDOUT.values(), ids=TWICE_STDOUT)
def test_two_claims_on_stdout_are_refused(say: Say, cloud: Cloud, folder: Path, options: list[str]) -> None:
    result = say("Hello.", *options)

    assert result.status == 2
    assert result.stdout == b""
    assert any(word in result.stderr.lower() for word in ("stdout", "standard output", "twice"))
    assert cloud.requests == []
    assert unreplaced(folder) == []


def test_one_file_cannot_be_written_twice(say: Say, cloud: Cloud, folder: Path) -> None:
    result = say("Hello.", "-o", "a.wav", "-o", "./a.wav")

    assert_failure(result, 2, "a.wav")
    assert cloud.requests == []
    assert unreplaced(folder) == []


def test_sound_is_not_poured_into_a_terminal(say: Say, cloud: Cloud) -> None:
    result = say("Hello.", "-o", "-", tty=["stdout"])

    assert_failure(result, 2, "--force")
    assert cloud.requests == []


def test_force_pours_it_all_the_same(say: Say) -> None:
    result = say("Hello.", "-o", "-", "--format", "raw", "--force", tty=["stdout"])

    assert result.status == 0
    assert result.stdout == pcm("Hello.")


def test_an_existing_file_is_replaced_and_keeps_its_permissions(say: Say, folder: Path) -> None:
    (folder / "a.pcm").write_bytes(b"old")
    (folder / "a.pcm").chmod(0o640)

    result = say("Hello.", "-o", "a.pcm")

    assert result.status == 0
    assert (folder / "a.pcm").read_bytes() == pcm("Hello.")
    assert stat.S_IMODE((folder / "a.pcm").stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(say: Say, folder: Path) -> None:
    (folder / "other").touch()

    result = say("Hello.", "-o", "a.pcm", "--timings", "a.srt")

    assert result.status == 0
    usual = (folder / "other").stat().st_mode
    assert {(folder / name).stat().st_mode for name in ("a.pcm", "a.srt")} == {usual}


@pytest.mark.parametrize("option", ["-o", "--timings"])
def test_no_clobber_leaves_an_existing_file_alone(say: Say, cloud: Cloud, folder: Path, option: str) -> None:
    name = "a.pcm" if option == "-o" else "a.srt"
    (folder / name).write_bytes(b"old")

    result = say("Hello.", option, name, "--no-clobber")

    assert_failure(result, 2, name)
    assert cloud.requests == []
    assert (folder / name).read_bytes() == b"old"


def test_no_clobber_writes_a_new_file(say: Say, folder: Path) -> None:
    result = say("Hello.", "-o", "a.pcm", "--no-clobber")

    assert result.status == 0
    assert unreplaced(folder) == ["a.pcm"]


def test_a_failure_leaves_the_old_file_as_it_was(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / "a.pcm").write_bytes(b"old")
    cloud.always(chunked(pcm("Hello."), CLOSE, end=False))

    result = say("Hello.", "-o", "a.pcm")

    assert_failure(result, 6)
    assert unreplaced(folder) == ["a.pcm"]
    assert (folder / "a.pcm").read_bytes() == b"old"


def test_a_symbolic_link_stays_and_its_target_is_replaced(say: Say, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.pcm"
    target.write_bytes(b"old")
    (folder / "a.pcm").symlink_to(target)

    result = say("Hello.", "-o", "a.pcm")

    assert result.status == 0
    assert (folder / "a.pcm").is_symlink()
    assert target.read_bytes() == pcm("Hello.")
    assert unreplaced(folder) == ["a.pcm"]
    assert not list(tmp_path.glob(".*"))


def test_a_symbolic_link_to_nothing_gets_its_target(say: Say, folder: Path, tmp_path: Path) -> None:
    (folder / "a.pcm").symlink_to(tmp_path / "target.pcm")

    result = say("Hello.", "-o", "a.pcm")

    assert result.status == 0
    assert (folder / "a.pcm").is_symlink()
    assert (tmp_path / "target.pcm").read_bytes() == pcm("Hello.")


def test_a_named_pipe_is_written_in_place(say: Say, folder: Path) -> None:
    os.mkfifo(folder / "pipe.wav")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((folder / "pipe.wav").read_bytes()), daemon=True)
    reader.start()

    result = say("Hello.", "-o", "pipe.wav")
    reader.join(10)

    assert result.status == 0
    assert stat.S_ISFIFO((folder / "pipe.wav").stat().st_mode)
    assert unreplaced(folder) == ["pipe.wav"]
    with wave.open(io.BytesIO(received[0])) as sound:
        assert sound.readframes(sound.getnframes()) == pcm("Hello.", "pcm_s16le")


def test_a_link_to_a_named_pipe_is_written_in_place_too(say: Say, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "a.pcm").symlink_to("pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((folder / "pipe").read_bytes()), daemon=True)
    reader.start()

    result = say("Hello.", "-o", "a.pcm")
    reader.join(10)

    assert result.status == 0
    assert received == [pcm("Hello.")]
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_device_is_written_in_place(say: Say, name: str) -> None:
    result = say("Hello.", "-o", name, "--format", "raw")

    assert result.status == 0
    assert result.stdout == pcm("Hello.")


def test_the_null_device_swallows_sound(say: Say) -> None:
    result = say("Hello.", "-o", "/dev/null", "--format", "wav")

    assert result.status == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "/dev/full", "--format", "raw"],
        ["-o", "a.pcm", "--timings", "/dev/full", "--timings-format", "srt"],
    ],
    ids=["sound", "timings"],
)
def test_a_full_device_is_an_output_error(say: Say, folder: Path, options: list[str]) -> None:
    result = say(LONG, *options)

    assert_failure(result, 7, "/dev/full")
    assert unreplaced(folder) == []


@pytest.mark.parametrize("form", ["raw", "wav", "mp3", "flac"])
def test_a_full_device_on_stdout_is_an_output_error(say: Say, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        result = say(LONG, "-o", "-", "--format", form, stdout=os.dup(full.fileno()))

    assert_failure(result, 7)


def test_json_to_a_full_device_is_an_output_error(say: Say) -> None:
    with Path("/dev/full").open("wb") as full:
        result = say("Hello.", "-o", "a.pcm", "--json", stdout=os.dup(full.fileno()))

    assert result.status == 7


SPACE = {
    "pcm": ["-o", "full/a.pcm"],
    "wav": ["-o", "full/a.wav"],
    "mp3 from the cloud": ["-o", "full/a.mp3"],
    "flac": ["-o", "full/a.flac", "--encoding", "pcm_f32le"],
    "a good file beside it": ["-o", "good.pcm", "-o", "full/a.pcm"],
}


@ROOT_ONLY
@pytest.mark.parametrize("options", SPACE.values(), ids=SPACE)
def test_a_full_file_system_leaves_nothing(say: Say, folder: Path, options: list[str]) -> None:
    (folder / "full").mkdir()
    script = 'mount -t tmpfs -o size=8k none full && "$@"; status=$?; ls -A full >left; exit $status'

    result = say(LONG, *options, wrapper=["unshare", "-m", "sh", "-c", script, "sh"])

    assert_failure(result, 7, "full/a.")
    assert (folder / "left").read_text(encoding="utf-8") == ""
    assert unreplaced(folder) == ["full", "left"]


def test_a_limit_on_file_size_leaves_nothing(say: Say, folder: Path) -> None:
    result = say(LONG, "-o", "a.pcm", limits={resource.RLIMIT_FSIZE: 10_000})

    assert_failure(result, 7, "a.pcm")
    assert unreplaced(folder) == []


@pytest.mark.parametrize("option", ["-o", "--timings"])
def test_a_missing_folder_is_an_output_error(say: Say, cloud: Cloud, folder: Path, option: str) -> None:
    name = "missing/a.wav" if option == "-o" else "missing/a.srt"

    result = say("Hello.", option, name)

    assert_failure(result, 7, name)
    assert cloud.requests == []
    assert unreplaced(folder) == []


@ROOT_ONLY
def test_a_read_only_folder_is_an_output_error(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / "locked").mkdir()
    script = 'mount --bind locked locked && mount -o remount,ro,bind locked && exec "$@"'

    result = say("Hello.", "-o", "locked/a.wav", wrapper=["unshare", "-m", "sh", "-c", script, "sh"])

    assert_failure(result, 7, "locked/a.wav")
    assert cloud.requests == []


def test_a_folder_without_permission_is_an_output_error(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o500)

    result = say("Hello.", "-o", "locked/a.wav", wrapper=WITHOUT_PRIVILEGE)

    assert_failure(result, 7, "locked/a.wav")
    assert cloud.requests == []


@pytest.mark.parametrize("option", ["-o", "--timings"])
@pytest.mark.parametrize("name", ["taken", "taken.wav", "taken.srt", "taken.wav/"])
def test_a_folder_where_a_file_is_needed_is_refused(
    say: Say, cloud: Cloud, folder: Path, option: str, name: str
) -> None:
    (folder / name).mkdir()

    result = say("Hello.", option, name)

    assert_failure(result, 2, "taken")
    assert cloud.requests == []
    assert not list((folder / name).iterdir())


def test_an_empty_name_is_refused(say: Say, cloud: Cloud) -> None:
    result = say("Hello.", "-o", "", "--format", "wav")

    assert_failure(result, 2)
    assert cloud.requests == []


def test_a_name_that_is_too_long_is_an_output_error(say: Say, folder: Path) -> None:
    result = say("Hello.", "-o", "a" * 300 + ".wav")

    assert result.status in {2, 7}
    assert result.stdout == b""
    assert unreplaced(folder) == []


def test_the_longest_name_that_the_file_system_takes_can_be_written(say: Say, folder: Path) -> None:
    name = "a" * 251 + ".wav"

    result = say("Hello.", "-o", name)

    assert result.status == 0
    assert unreplaced(folder) == [name]


def test_a_closed_stdout_is_an_output_error(say: Say) -> None:
    result = say("Hello.", "-o", "-", "--format", "raw", closed=1, cold=True)

    assert result.status == 7


@pytest.mark.parametrize("closed", [0, 1, 2], ids=["stdin", "stdout", "stderr"])
def test_a_file_needs_no_standard_streams(say: Say, folder: Path, closed: int) -> None:
    result = say("Hello.", "-o", "a.pcm", closed=closed, cold=True)

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert (folder / "a.pcm").read_bytes() == pcm("Hello.")


def test_an_error_without_a_stderr_is_still_a_status(say: Say) -> None:
    result = say("Hello.", "-o", "a.opus", "-r", "44100", closed=2, cold=True)

    assert (result.status, result.stdout, result.stderr) == (2, b"", "")


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_no_home_is_no_obstacle(say: Say, folder: Path, cold: bool) -> None:
    result = say("Hello.", "-o", "a.pcm", env=NO_HOME, cold=cold)

    assert result.status == 0
    assert result.stderr == ""
    assert (folder / "a.pcm").read_bytes() == pcm("Hello.")


def test_a_home_that_cannot_be_written_is_no_obstacle(run: Program, cloud: Cloud, tmp_path: Path) -> None:
    nowhere = {name: "/proc/nowhere" for name in run.env if name.startswith("XDG_")} | {
        "HOME": "/proc/nowhere"
    }

    result = run("say", "Hello.", "-v", "Default", "-o", "a.pcm", env=cloud.env | nowhere)

    assert result.status == 0
    assert len(cloud.spoken) == 1
    assert tmp_path.exists()


@ROOT_ONLY
def test_a_user_without_a_name_is_no_obstacle(run: Program, cloud: Cloud) -> None:
    if not all(place.stat().st_mode & 0o001 for place in Path(os.__file__).parents):
        pytest.skip("other users cannot read this interpreter")
    env = cloud.env | NO_HOME

    result = run(
        "say", "Hello.", "-o", "-", "--format", "raw", env=env, user=54_321, cwd=Path("/"), cold=True
    )

    assert result.status == 0
    assert result.stdout == pcm("Hello.")


def test_the_shell_sees_141_and_silence_when_the_reader_goes_away(run: Program, cloud: Cloud) -> None:
    script = 'set -o pipefail; "$@" | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}" >status'
    wrapper = ["bash", "-c", script, "bash"]

    result = run("say", LONG, "-o", "-", "--format", "raw", env=cloud.env, wrapper=wrapper)

    assert (run.folder / "status").read_text(encoding="utf-8") == "141\n"
    assert result.stderr == ""
