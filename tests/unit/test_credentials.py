"""Where a key is found, which one wins, and that no message ever shows one."""

import os
import sys
import threading
from pathlib import Path

import pytest

from cartesia_cli.credentials import Key, find_key
from cartesia_cli.errors import CredentialsError, ExitCode

SECRET = "sk_car_0123456789abcdef"  # noqa: S105  nobody's
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and pipes")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"\n  {SECRET}-file \r\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration folder with a key of its own."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "credentials").write_text(f"{SECRET}-own\n", encoding="utf-8")
    (folder / "credentials").chmod(0o600)
    return folder


def test_no_key_anywhere_is_none(tmp_path: Path) -> None:
    assert find_key({}) is None
    assert find_key({"CARTESIA_API_KEY": "", "CARTESIA_API_KEY_FILE": ""}, folder=tmp_path) is None
    assert find_key({}, folder=tmp_path / "missing") is None


def test_the_variable_wins_over_the_named_file_and_that_over_the_own_file(
    key_file: Path, folder: Path
) -> None:
    named = {"CARTESIA_API_KEY_FILE": str(key_file)}

    assert find_key({**named, "CARTESIA_API_KEY": SECRET}, folder=folder) == Key(
        SECRET, "environment CARTESIA_API_KEY"
    )
    assert find_key({**named, "CARTESIA_API_KEY": ""}, folder=folder) == Key(f"{SECRET}-file", str(key_file))
    assert find_key({}, folder=folder) == Key(f"{SECRET}-own", str(folder / "credentials"))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (" ", "is blank"),
        ("\t \n", "is blank"),
        (f"{SECRET}\n", "holds a line end"),
        (f"{SECRET}\r\nX-Evil: 1", "holds a line end"),
        (f"{SECRET}\x00", "holds a control character"),
        (f"{SECRET}\x7f", "holds a control character"),
        (f"{SECRET}\x85", "holds a control character"),
        (f"{SECRET}…", "holds a character that no key has"),
        (f"{SECRET}é", "holds a character that no key has"),
        (f"{SECRET}\udc80", "holds a character that no key has"),
        (f" {SECRET}", "holds a space"),
    ],
)
def test_a_value_that_is_no_key_is_refused_without_showing_it(value: str, what: str) -> None:
    with pytest.raises(CredentialsError, match=f"CARTESIA_API_KEY {what}") as caught:
        find_key({"CARTESIA_API_KEY": value})

    assert caught.value.exit_code == ExitCode.CREDENTIALS
    assert SECRET not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (f"{SECRET}\nsecond".encode(), "holds a line end"),
        (SECRET.encode("utf-16"), "not UTF-8"),
        (SECRET.encode() * 5000, "too long"),
    ],
)
def test_a_key_file_without_a_key_is_refused_without_showing_it(
    key_file: Path, content: bytes, what: str
) -> None:
    key_file.write_bytes(content)

    with pytest.raises(CredentialsError, match=what) as caught:
        find_key({"CARTESIA_API_KEY_FILE": str(key_file)})

    assert str(key_file) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_byte_order_mark_before_the_key_is_no_part_of_it(key_file: Path) -> None:
    key_file.write_bytes(b"\xef\xbb\xbf" + SECRET.encode())

    assert find_key({"CARTESIA_API_KEY_FILE": str(key_file)}) == Key(SECRET, str(key_file))


@pytest.mark.parametrize("name", ["missing", ".", "missing/key", "a\0b"])
def test_a_named_file_that_cannot_be_read_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(CredentialsError, match="Cannot read the API key"):
        find_key({"CARTESIA_API_KEY_FILE": f"{tmp_path}/{name}"})


@posix
def test_a_key_comes_through_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(f"{SECRET}\n",), daemon=True)
    writer.start()

    key = find_key({"CARTESIA_API_KEY_FILE": str(pipe)})

    writer.join()
    assert key == Key(SECRET, str(pipe))


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_of_ones_own_that_others_can_use_is_refused(folder: Path, mode: int) -> None:
    (folder / "credentials").chmod(mode)

    with pytest.raises(CredentialsError, match="Others can read or change") as caught:
        find_key({}, folder=folder)

    assert caught.value.hint == f"Run: chmod 600 {folder / 'credentials'}"


def test_a_folder_called_credentials_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir(mode=0o700)

    with pytest.raises(CredentialsError, match="Cannot read the API key"):
        find_key({}, folder=tmp_path)


@pytest.mark.parametrize(("value", "shown"), [(SECRET, "cdef"), ("12345678", "78"), ("abc", "")])
def test_a_key_shows_little_of_itself(value: str, shown: str) -> None:
    key = Key(value, "somewhere")

    assert key.last_four == shown
    assert value not in repr(key)
    assert value not in f"{key}"
