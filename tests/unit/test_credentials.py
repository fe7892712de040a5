"""Where a key is found, which one wins, and that no message ever shows one."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as NoKeyring

from cartesia_cli.credentials import Key, find_all, find_key
from cartesia_cli.credentials.keeping import forget_file, forget_keyring, keep_in_file, keep_in_keyring
from cartesia_cli.errors import CredentialsError, ExitCode, OutputError
from tests.fakes import keyrings

SECRET = "sk_car_0123456789abcdef"  # noqa: S105  nobody's
NO_KEYRING = NoKeyring()  # type: ignore[no-untyped-call]
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


# The keyring


@contextmanager
def system_keyring(backend: keyring.backend.KeyringBackend) -> Iterator[None]:
    """Let the system have a keyring of ours."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield
    finally:
        keyring.set_keyring(before)


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[keyrings.Working]:
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "passwords.json"))
    backend = keyrings.Working()
    with system_keyring(backend):
        yield backend


@pytest.mark.usefixtures("working")
def test_a_key_in_the_keyring_wins_over_the_own_file_and_not_over_the_environment(folder: Path) -> None:
    keep_in_keyring(SECRET, folder)
    (folder / "credentials").write_text(f"{SECRET}-own", "utf-8")
    (folder / "credentials").chmod(0o600)

    assert find_key({}, folder=folder) == Key(SECRET, "system keyring")
    assert find_key({"CARTESIA_API_KEY": "other-key"}, folder=folder) == Key(
        "other-key", "environment CARTESIA_API_KEY"
    )
    assert [each.origin for each in find_all({}, folder=folder) if isinstance(each, Key)] == [
        "system keyring",
        str(folder / "credentials"),
    ]


def test_without_the_mark_the_keyring_is_left_alone(working: keyrings.Working, folder: Path) -> None:
    keep_in_keyring(SECRET, folder)
    (folder / "keyring").unlink()
    before = working.passwords()

    assert find_key({}, folder=folder) is None
    assert forget_keyring(folder) is None
    assert working.passwords() == before


@pytest.mark.usefixtures("working")
def test_every_place_is_looked_at_even_after_one_that_is_broken(folder: Path) -> None:
    found = list(find_all({"CARTESIA_API_KEY": " ", "CARTESIA_API_KEY_FILE": "/nowhere"}, folder=folder))

    assert [type(each) for each in found] == [CredentialsError, CredentialsError, Key]


@pytest.mark.usefixtures("working")
def test_a_value_of_the_keyring_that_is_no_key_is_refused_without_showing_it(folder: Path) -> None:
    keep_in_keyring(f"{SECRET}\n", folder)

    with pytest.raises(CredentialsError, match="the system's keyring holds a line end") as caught:
        find_key({}, folder=folder)

    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_of_a_chain_the_first_keyring_that_keeps_something_is_taken(
    working: keyrings.Working, folder: Path
) -> None:
    class Chain(ChainerBackend):
        backends = [NO_KEYRING, working]  # noqa: RUF012  as the real one has it

    with system_keyring(Chain()):  # type: ignore[no-untyped-call]
        keep_in_keyring(SECRET, folder)

    assert list(working.passwords().values()) == [SECRET]


@pytest.mark.usefixtures("working")
def test_a_key_that_cannot_be_replaced_stays(folder: Path) -> None:
    keep_in_keyring(SECRET, folder)

    with system_keyring(keyrings.Locked()), pytest.raises(OutputError, match="Cannot keep"):
        keep_in_keyring("another", folder)

    assert find_key({}, folder=folder) == Key(SECRET, "system keyring")


@pytest.mark.usefixtures("working")
def test_the_own_file_stays_where_the_keyring_takes_no_key(folder: Path) -> None:
    with system_keyring(NO_KEYRING), pytest.raises(OutputError, match="none is set up here"):
        keep_in_keyring("another", folder)

    assert find_key({}, folder=folder) == Key(f"{SECRET}-own", str(folder / "credentials"))
    assert not (folder / "keyring").exists()


@pytest.mark.usefixtures("working")
def test_a_key_kept_in_a_file_counts_even_if_the_keyring_does_not_let_go_of_the_one_before(
    folder: Path,
) -> None:
    keep_in_keyring(SECRET, folder)

    with system_keyring(keyrings.Locked()):
        path, failure = keep_in_file("another-key-wxyz", folder)

    assert "Cannot remove the API key from the system's keyring" in str(failure)
    assert find_key({}, folder=folder) == Key("another-key-wxyz", str(path))


def test_forgetting_twice_is_no_mistake(working: keyrings.Working, folder: Path) -> None:
    keep_in_keyring(SECRET, folder)

    assert forget_keyring(folder) == "system keyring"
    assert (forget_keyring(folder), forget_file(folder)) == (None, None)
    assert working.passwords() == {}


def test_a_key_that_the_keyring_has_lost_can_be_forgotten(working: keyrings.Working, folder: Path) -> None:
    keep_in_keyring(SECRET, folder)
    working.path.unlink()

    assert forget_keyring(folder) == "system keyring"
    assert not (folder / "keyring").exists()


@posix
def test_the_mask_of_the_process_is_as_it_was(folder: Path) -> None:
    before = os.umask(0o022)
    try:
        keep_in_file(SECRET, folder / "new")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert (folder / "new" / "credentials").stat().st_mode & 0o777 == 0o600
