"""Files go to a folder or to a URL, whole or not at all; what fails is said without any credentials."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cartesia_cli.batch.places import is_url, open_place
from cartesia_cli.batch.places.bucket import Bucket
from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.errors import OutputError, UsageError
from tests.fakes.s3 import S3Server, s3_server

SHOWN = "s3://speech/course"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.create_bucket("speech")
        yield server


@pytest.fixture
def s3(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """A server that this process finds by its environment."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return server


def bucket(url: str = SHOWN, *, is_listed: bool = False) -> Bucket:
    place = open_place(url, is_listed=is_listed)
    assert isinstance(place, Bucket)
    return place


@pytest.mark.parametrize("target", ["out", "/out", "out/s3:/x", "C:\\out", "C:/out", "", "://x"])
def test_a_path_is_no_url(target: str) -> None:
    assert not is_url(target)
    assert isinstance(open_place(target), Folder)


@pytest.mark.parametrize("target", ["s3://bucket/x", "S3://bucket", "memory://x", "file:///tmp"])
def test_a_url_is_one(target: str) -> None:
    assert is_url(target)


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    place = open_place((tmp_path / "a folder").as_uri())

    assert isinstance(place, Folder)
    assert place.path("x.wav") == tmp_path / "a folder" / "x.wav"


def test_a_finished_file_is_brought_to_its_place(s3: S3Server) -> None:
    with closing(bucket()) as place:
        source = place.path("one/x.wav")
        source.write_bytes(b"sound")

        signature = place.deliver("one/x.wav")

        assert s3.get("speech/course/one/x.wav") == b"sound"
        assert place.signature("one/x.wav") == signature
        assert signature.n_bytes == 5
        assert not source.exists()


def test_other_bytes_have_another_signature_and_no_file_has_none(s3: S3Server) -> None:
    with closing(bucket()) as place:
        s3.put("speech/course/y.wav", b"one")
        one = place.signature("y.wav")
        s3.put("speech/course/y.wav", b"two")

        assert place.signature("y.wav") != one != None  # noqa: E711  all three
        assert place.signature("z.wav") is None
        assert place.signature("y.wav/x") is None


@pytest.mark.usefixtures("s3")
def test_nothing_is_left_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(bucket()) as place:
        place.path("left.wav").write_bytes(b"left")
        assert [path for path in tmp_path.rglob("*") if path.is_file()]

    assert list(tmp_path.iterdir()) == []


def test_many_files_are_asked_for_with_few_requests(s3: S3Server) -> None:
    s3.fill("speech", "many", 1500)
    s3.put("speech/many/deeper/x.wav", b"x")
    before = sum(s3.counts.values())

    with closing(bucket("s3://speech/many", is_listed=True)) as place:
        found = [place.signature(f"{i:06}.wav") for i in range(3000)]
        n_requests = sum(s3.counts.values()) - before
        source = place.path("002000.wav")
        source.write_bytes(b"new")
        delivered = place.deliver("002000.wav")

        assert [signature is not None for signature in found] == [True] * 1500 + [False] * 1500
        assert n_requests <= 40
        assert place.signature("002000.wav") == delivered
        assert place.signature("deeper/x.wav") is not None
        assert found[20] == bucket("s3://speech/many").signature("000020.wav")


@pytest.mark.usefixtures("s3")
def test_it_is_found_out_beforehand_whether_files_can_be_written() -> None:
    with closing(bucket()) as place:
        place.prepare()

        assert place.signature(".cartesia-check") is None


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_named() -> None:
    with closing(bucket("s3://nobody/x")) as place, pytest.raises(OutputError) as caught:
        place.prepare()

    assert str(caught.value) == "s3://nobody/x cannot be written: there is no such bucket or folder."
    assert caught.value.hint == "Create it first, or check its name."


@pytest.mark.usefixtures("s3")
def test_missing_credentials_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with closing(bucket()) as place, pytest.raises(OutputError, match="no credentials for it") as caught:
        place.prepare()

    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)


def test_a_store_that_cannot_be_reached_is_an_error_of_ours(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with closing(bucket()) as place, pytest.raises(OutputError, match="cannot be written") as caught:
        place.prepare()

    assert caught.value.hint is not None
    assert s3.environ["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)


def test_a_password_in_a_url_is_never_shown() -> None:
    with pytest.raises(OutputError) as caught:
        open_place("ftp://ada:hush%21@127.0.0.1:9/x?token=secret")

    assert str(caught.value).startswith("ftp://127.0.0.1:9/x cannot be reached: ")
    for secret in ("hush", "ada", "secret"):
        assert secret not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gopher://x/y", "Nothing can be written to gopher://x/y: Protocol not known: gopher."),
        ("https://x/y", "Files cannot be written to https://."),
        ("s3://", "s3:// names no bucket."),
        ("file://other/x", "file://other/x is on another machine."),
    ],
)
def test_a_url_that_cannot_be_is_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_place(url)

    assert str(caught.value) == message
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("module", "url", "install"),
    [
        ("fsspec", "s3://speech/x", "pip install 'cartesia-cli[cluster]'"),
        ("gcsfs", "gs://speech/x", "pip install gcsfs"),
    ],
)
def test_a_missing_package_is_named(
    module: str, url: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(UsageError) as caught:
        open_place(url)

    assert caught.value.hint == f"Install it with: {install}"


def test_fsspec_is_imported_only_for_urls() -> None:
    import subprocess

    program = (
        "import sys; from cartesia_cli.batch.places import open_place; open_place('out');"
        "print([name for name in ('asyncio', 'fsspec', 'distributed') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
