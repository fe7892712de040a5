"""What ``transcribe`` listens to, and what the results are called: cli.md section 6."""

import os
import unicodedata
from pathlib import Path

import pytest

from tests.cli.cloud import Cloud
from tests.cli.conftest import Transcribe
from tests.cli.program import WITHOUT_PRIVILEGE, Program, assert_failure
from tests.cli.uploads import recording

TEXT = "Good day."


def put(folder: Path, *names: str) -> None:
    """Make recordings that say their own names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording(f"I am {name}"))


def heard(result_text: str) -> dict[str, str]:
    """Return the text of each source."""
    return dict(line.split("\t") for line in result_text.splitlines())


# Folders and lists


def test_a_folder_is_its_recordings_in_order(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "talks/b.mp3", "talks/a.WAV", "talks/c.m4a", "talks/deeper/d.wav", "talks/.e.wav.part")
    (folder / "talks" / "notes.txt").write_text("not a recording")

    result = transcribe("talks", "-q")

    assert (result.status, result.stderr) == (0, "")
    assert result.text == (
        "talks/a.WAV\tI am talks/a.WAV\ntalks/b.mp3\tI am talks/b.mp3\ntalks/c.m4a\tI am talks/c.m4a\n"
    )


def test_recursive_looks_into_folders_within_folders(transcribe: Transcribe, folder: Path) -> None:
    names = ["talks/a.wav", "talks/x/b.flac", "talks/x/y/c.webm", "talks/z/d.ogg"]
    put(folder, *names)

    result = transcribe("talks", "--recursive", "-q")

    assert result.status == 0
    assert heard(result.text) == {name: f"I am {name}" for name in names}


def test_a_loop_of_links_does_not_hang(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "talks/a.wav")
    (folder / "talks" / "again").symlink_to("..", target_is_directory=True)

    result = transcribe("talks", "--recursive", "-q", timeout=10)

    assert result.status == 0
    assert result.text.count("I am talks/a.wav") == 1


@pytest.mark.parametrize("options", [[], ["--recursive"]])
def test_a_folder_without_recordings_is_named(
    transcribe: Transcribe, cloud: Cloud, folder: Path, options: list[str]
) -> None:
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("nothing")

    assert_failure(transcribe("empty", *options), 2, "empty")
    assert cloud.requests == []


def test_a_folder_that_cannot_be_read_is_named(in_cloud: Program, folder: Path) -> None:
    put(folder, "closed/a.wav")
    (folder / "closed").chmod(0)

    result = in_cloud("transcribe", "closed", wrapper=WITHOUT_PRIVILEGE)
    (folder / "closed").chmod(0o755)

    assert_failure(result, 2, "closed")


def test_a_list_names_sources_one_a_line(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav", "with space.wav", "x/c.wav", "größe.wav")
    (folder / "list.txt").write_bytes(b"\xef\xbb\xbfwith space.wav\r\n\r\nx\n" + "größe.wav\na.wav".encode())

    result = transcribe("--from-file", "list.txt", "-q")

    assert result.status == 0
    assert list(heard(result.text)) == ["with space.wav", "x/c.wav", "größe.wav", "a.wav"]


def test_a_list_can_come_from_stdin_and_stand_beside_arguments(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav", "b.wav", "c.wav")

    result = transcribe("c.wav", "--from-file", "-", "-q", stdin=b"a.wav\nb.wav\n")

    assert result.status == 0
    assert set(heard(result.text)) == {"a.wav", "b.wav", "c.wav"}


def test_a_list_is_read_to_the_end_of_each_line(transcribe: Transcribe, folder: Path) -> None:
    names = ["odd\u2028name.wav", "next\x85line.wav", " leading.wav"]
    put(folder, *names)
    (folder / "list.txt").write_text("\n".join(names) + "\n", encoding="utf-8")

    result = transcribe("--from-file", "list.txt", "-o", "subs/")

    assert result.status == 0, result.stderr
    assert len(list((folder / "subs").iterdir())) == 3


LISTS = {
    "missing": None,
    "empty": b"",
    "blank": b"\n \n",
    "not text": b"\xff\xfe\x00a",
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS)
def test_a_list_that_names_nothing_is_refused(
    transcribe: Transcribe, cloud: Cloud, folder: Path, content: bytes | None
) -> None:
    if content is not None:
        (folder / "list.txt").write_bytes(content)

    assert_failure(transcribe("--from-file", "list.txt"), 2)
    assert cloud.requests == []


# Standard input


def test_stdin_is_a_recording(transcribe: Transcribe, cloud: Cloud) -> None:
    named = transcribe("-", stdin=recording(TEXT))
    piped = transcribe(stdin=recording(TEXT))

    for result in (named, piped):
        assert (result.status, result.text, result.stderr) == (0, "Good day.\n", "")
    assert cloud.uploads[0].data == recording(TEXT)
    assert cloud.uploads[0].query == {}


def test_stdin_among_files(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "a.wav")

    result = transcribe("a.wav", "-", "-q", stdin=recording(TEXT))

    assert heard(result.text) == {"a.wav": "I am a.wav", "-": TEXT}


def test_stdin_has_a_file_in_a_folder_too(transcribe: Transcribe, folder: Path) -> None:
    assert transcribe("-", "-o", "subs/", stdin=recording(TEXT)).status == 0

    [only] = (folder / "subs").iterdir()
    assert only.suffix == ".txt"
    assert not only.name.startswith((".", "-"))
    assert only.read_text("utf-8") == "Good day.\n"


def test_nothing_of_stdin_is_left_in_the_temporary_folder(in_cloud: Program, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    good = in_cloud("transcribe", "-", stdin=recording(TEXT), env={"TMPDIR": str(temporary)})
    bad = in_cloud("transcribe", "-", stdin=b"not audio at all", env={"TMPDIR": str(temporary)})

    assert (good.status, bad.status) == (0, 5)
    assert list(temporary.iterdir()) == []


def test_empty_stdin_is_refused(transcribe: Transcribe) -> None:
    assert_failure(transcribe("-", stdin=b""), 2)


def test_a_terminal_is_no_recording(transcribe: Transcribe, cloud: Cloud) -> None:
    assert_failure(transcribe(tty=["stdin"]), 2, "hint: ")
    assert cloud.requests == []


def test_closed_stdin_is_no_recording(transcribe: Transcribe, cloud: Cloud) -> None:
    assert transcribe("-", closed=0).status == 2
    assert cloud.requests == []


ENCODINGS = ["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_samples_without_a_header_travel_as_they_are(
    transcribe: Transcribe, cloud: Cloud, encoding: str
) -> None:
    data = b"It said:" * 100

    result = transcribe("-", "--encoding", encoding, "--sample-rate", "16000", stdin=data)

    assert (result.status, result.stderr) == (0, "")
    [upload] = cloud.uploads
    assert upload.query == {"encoding": [encoding], "sample_rate": ["16000"]}
    assert upload.data == data


def test_a_file_without_a_header_too(transcribe: Transcribe, cloud: Cloud, folder: Path) -> None:
    (folder / "a.pcm").write_bytes(b"raw sound!")

    assert transcribe("a.pcm", "--encoding", "pcm_s16le", "-r", "44100").text == "raw sound!\n"
    assert cloud.uploads[0].query == {"encoding": ["pcm_s16le"], "sample_rate": ["44100"]}


RAW_MISTAKES = [
    ["--encoding", "pcm_s16le"],
    ["--sample-rate", "16000"],
    ["--encoding", "pcm_s24le", "--sample-rate", "16000"],
    ["--encoding", "pcm_s16le", "--sample-rate", "0"],
    ["--encoding", "pcm_s16le", "--sample-rate", "-8000"],
    ["--encoding", "pcm_s16le", "--sample-rate", "fast"],
]


@pytest.mark.parametrize("options", RAW_MISTAKES, ids=" ".join)
@pytest.mark.parametrize("engine", ["cloud", "local"])
def test_an_encoding_and_a_rate_belong_together(
    transcribe: Transcribe, cloud: Cloud, options: list[str], engine: str
) -> None:
    assert_failure(transcribe("-", *options, "--engine", engine, stdin=b"1234"), 2)
    assert cloud.requests == []


# Names


NAMES = {
    "the same name in two folders": ["a/x.wav", "b/x.wav"],
    "the same name with two endings": ["x.wav", "x.mp3"],
    "names that differ in capitals": ["X.wav", "x.wav"],
    "capitals and endings": ["X.wav", "x.WAV", "x.mp3", "a/X.mp3"],
    "a name that the way out would take": ["x.wav", "x.mp3", "x.wav.ogg"],
    "a folder in the name": ["a/x.wav", "b/x.wav", "a_x.wav", "b_x.wav.wav"],
    "folders of the same name": ["a/t/x.wav", "b/t/x.wav", "t/x.wav", "x.wav"],
    "underscores and folders": ["a_b/x.wav", "a/b_x.wav", "a/b/x.wav", "b/x.wav"],
    "numbers": ["x.wav", "x.mp3", "x-1.wav", "x-2.wav"],
    "one letter in two forms": [
        unicodedata.normalize("NFC", "é.wav"),
        unicodedata.normalize("NFD", "é.wav"),
    ],
    "dots": ["a.b.wav", "a.c.wav", ".hidden.wav", "...wav"],
    "sharp s": ["straße.wav", "strasse.wav", "STRASSE.mp3"],
}


def folded(name: str) -> str:
    """Return what a file system takes a name for that knows neither capitals nor forms."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_two_sources_never_share_a_name(transcribe: Transcribe, folder: Path, names: list[str]) -> None:
    put(folder, *names)

    first = transcribe(*names, "--format", "text", "--format", "json", "-o", "subs/")
    again = transcribe(*names, "--format", "text", "--format", "json", "-o", "subs/", "--json", "-q")

    assert first.status == 0, first.stderr
    assert again.status != 0 or again.stdout == b""
    texts = sorted((folder / "subs").glob("*.txt")) + sorted((folder / "subs").glob(".*.txt"))
    assert sorted({p.read_text("utf-8") for p in texts}) == sorted(f"I am {name}\n" for name in names)
    everything = [folded(p.name) for p in (folder / "subs").iterdir()]
    assert len(set(everything)) == len(everything) == 2 * len(names)


def test_results_are_called_after_their_sources(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "talks/one.wav", "talks/two.part.mp3")

    assert transcribe("talks", "--format", "srt", "-o", "subs/").status == 0

    assert sorted(p.name for p in (folder / "subs").iterdir()) == ["one.srt", "two.part.srt"]


def test_results_may_lie_beside_their_sources(transcribe: Transcribe, folder: Path) -> None:
    put(folder, "talks/one.wav", "talks/two.wav")

    assert transcribe("talks", "--format", "srt", "-o", "talks").status == 0
    assert transcribe("talks", "--format", "srt", "-o", "talks").status == 0

    assert sorted(p.name for p in (folder / "talks").iterdir()) == [
        "one.srt",
        "one.wav",
        "two.srt",
        "two.wav",
    ]


@pytest.mark.parametrize(
    "name", ["we\"ird\\na'me;.wav", "line\nfeed.wav", "Grüße 👋.wav", "%22.wav", "-x.wav"]
)
def test_any_name_travels_without_harm(transcribe: Transcribe, cloud: Cloud, folder: Path, name: str) -> None:
    (folder / name).write_bytes(recording(TEXT))

    result = transcribe("--words", "--", name)

    assert result.status == 0, result.stderr
    [upload] = cloud.uploads
    assert upload.data == recording(TEXT)
    assert upload.filename


def test_a_name_that_is_not_text_works_and_is_printed_as_it_is(transcribe: Transcribe, folder: Path) -> None:
    name = os.fsencode(folder) + b"/caf\xe9.wav"
    Path(os.fsdecode(name)).write_bytes(recording(TEXT))
    put(folder, "b.wav")

    alone = transcribe(b"caf\xe9.wav")
    among = transcribe(b"caf\xe9.wav", "b.wav", "-q")
    written = transcribe(b"caf\xe9.wav", "-o", "subs/")

    assert (alone.status, alone.stdout) == (0, b"Good day.\n")
    assert among.status == 0, among.stderr
    assert b"\tGood day.\n" in among.stdout
    assert written.status == 0, written.stderr
    assert len(list((folder / "subs").iterdir())) == 1


def test_a_name_with_a_line_feed_is_still_one_line(transcribe: Transcribe, folder: Path) -> None:
    for name in ("line\nfeed.wav", "b.wav"):
        (folder / name).write_bytes(recording(TEXT))

    result = transcribe("line\nfeed.wav", "b.wav", "-q")

    assert result.status == 0
    assert [line.split("\t")[1] for line in result.text.splitlines()] == [TEXT, TEXT]


def test_a_file_that_does_not_exist_is_named_and_costs_nothing(
    transcribe: Transcribe, cloud: Cloud, folder: Path
) -> None:
    assert_failure(transcribe("nowhere.wav"), 2, "nowhere.wav")
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


def test_a_named_pipe_is_read_once(in_cloud: Program, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    running = in_cloud.start("transcribe", "pipe")
    with (folder / "pipe").open("wb") as pipe:
        pipe.write(recording(TEXT))

    result = running.wait()

    assert (result.status, result.text) == (0, "Good day.\n"), result.stderr
