"""Where the text comes from, and which text can be spoken: cli.md section 4, "Text"."""

from pathlib import Path

import pytest

from tests.cli.cloud import Cloud, error, pcm
from tests.cli.conftest import Say
from tests.cli.program import WITHOUT_PRIVILEGE, assert_failure

PARAGRAPH = "The quick brown fox jumps over the lazy dog, and nobody minds it at all. "


def said(cloud: Cloud) -> list[str]:
    return [body["transcript"] for body in cloud.spoken]


def test_arguments_are_joined_by_a_space(say: Say, cloud: Cloud) -> None:
    result = say("Hello", "wide", "world.", "-o", "a.pcm")

    assert result.status == 0
    assert said(cloud) == ["Hello wide world."]


def test_a_file_is_read(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / "text.txt").write_text("Aus einer Datei: Grüße.\n", encoding="utf-8")

    result = say("-f", "text.txt", "-o", "a.pcm")

    assert result.status == 0
    assert [text.strip() for text in said(cloud)] == ["Aus einer Datei: Grüße."]


@pytest.mark.parametrize("source", [(), ("-f", "-"), ("--file", "-")], ids=["piped", "-f -", "--file -"])
def test_standard_input_is_read(say: Say, cloud: Cloud, source: tuple[str, ...]) -> None:
    result = say(*source, "-o", "a.pcm", stdin=b"From a pipe.\n")

    assert result.status == 0
    assert [text.strip() for text in said(cloud)] == ["From a pipe."]


def test_standard_input_is_left_alone_where_there_are_arguments(say: Say, cloud: Cloud) -> None:
    result = say("Hello.", "-o", "a.pcm", stdin=b"Not this.")

    assert result.status == 0
    assert said(cloud) == ["Hello."]


def test_arguments_and_a_file_at_once_are_one_too_many(say: Say, cloud: Cloud, folder: Path) -> None:
    (folder / "text.txt").write_text("One.", encoding="utf-8")

    result = say("Two.", "-f", "text.txt", "-o", "a.pcm")

    assert_failure(result, 2, "--file")
    assert cloud.requests == []


def test_a_text_that_looks_like_an_option_follows_two_dashes(say: Say, cloud: Cloud) -> None:
    result = say("-o", "a.pcm", "--", "-5 degrees")

    assert result.status == 0
    assert said(cloud) == ["-5 degrees"]


@pytest.mark.parametrize("source", ["stdin", "file"])
def test_a_byte_order_mark_is_dropped(say: Say, cloud: Cloud, folder: Path, source: str) -> None:
    (folder / "text.txt").write_bytes(b"\xef\xbb\xbfMarked.")

    result = (
        say("-f", "text.txt", "-o", "a.pcm")
        if source == "file"
        else say("-o", "a.pcm", stdin=(folder / "text.txt").read_bytes())
    )

    assert result.status == 0
    assert said(cloud) == ["Marked."]
    assert result.stderr == ""


def test_control_characters_are_dropped_with_one_warning(say: Say, cloud: Cloud) -> None:
    result = say("-o", "a.pcm", stdin=b"A bell\x07 rang,\x00 in \x1bred\x7f.")

    assert result.status == 0
    assert said(cloud) == ["A bell rang, in red."]
    assert len(result.lines) == 1
    assert "control character" in result.stderr.lower()


def test_control_characters_in_an_argument_are_dropped_too(say: Say, cloud: Cloud) -> None:
    result = say("A bell\x07 rang.", "-o", "a.pcm")

    assert result.status == 0
    assert said(cloud) == ["A bell rang."]
    assert "control character" in result.stderr.lower()


def test_line_breaks_and_tabs_are_text(say: Say, cloud: Cloud) -> None:
    result = say("-o", "a.pcm", stdin=b"First line,\n\tsecond line.\r\n\r\nNew paragraph.")

    assert result.status == 0
    assert result.stderr == ""
    assert said(cloud)[0].split() == ["First", "line,", "second", "line.", "New", "paragraph."]


@pytest.mark.parametrize("source", ["stdin", "file", "argument"])
def test_text_that_is_not_utf_8_is_refused(say: Say, cloud: Cloud, folder: Path, source: str) -> None:
    latin_1 = "Grüße".encode("latin-1")
    (folder / "text.txt").write_bytes(latin_1)

    match source:
        case "stdin":
            result = say("-o", "a.pcm", stdin=latin_1)
        case "file":
            result = say("-f", "text.txt", "-o", "a.pcm")
        case _:
            result = say(latin_1, "-o", "a.pcm")

    assert_failure(result, 2, "UTF-8", *(["text.txt"] if source == "file" else []))
    assert cloud.requests == []
    assert not (folder / "a.pcm").exists()


NOTHING_TO_SAY = {
    "nothing": "",
    "a space": " ",
    "line breaks": "\n\t\r\n",
    "an ellipsis": "...",
    "punctuation": "?! — “”",
    "control characters": "\x01\x02",
    "a byte order mark": "\ufeff",
}


@pytest.mark.parametrize("text", NOTHING_TO_SAY.values(), ids=NOTHING_TO_SAY)
@pytest.mark.parametrize("engine", ["cloud", "local"])
def test_text_with_nothing_to_say_is_refused(
    say: Say, cloud: Cloud, folder: Path, engine: str, text: str
) -> None:
    result = say("--engine", engine, "-o", "a.wav", stdin=text.encode())

    assert result.status == 2
    assert result.stdout == b""
    assert result.lines[-1].startswith(("cartesia: ", "hint: "))
    assert cloud.requests == []
    assert list(folder.iterdir()) == []


def test_an_empty_argument_is_a_source_with_nothing_to_say(say: Say, cloud: Cloud) -> None:
    result = say("", "-o", "a.wav", stdin=b"Not this.")

    assert_failure(result, 2)
    assert cloud.requests == []


@pytest.mark.parametrize(
    ("path", "names"), [("nope.txt", ["nope.txt"]), ("folder", ["folder"])], ids=["missing", "a folder"]
)
def test_a_source_that_cannot_be_read_is_named(
    say: Say, cloud: Cloud, folder: Path, path: str, names: list[str]
) -> None:
    (folder / "folder").mkdir()

    result = say("-f", path, "-o", "a.wav")

    assert_failure(result, 2, *names)
    assert cloud.requests == []
    assert not (folder / "a.wav").exists()


def test_a_source_without_permission_is_refused(say: Say, folder: Path) -> None:
    (folder / "secret.txt").write_text("Secret.", encoding="utf-8")
    (folder / "secret.txt").chmod(0)

    result = say("-f", "secret.txt", "-o", "a.wav", wrapper=WITHOUT_PRIVILEGE)

    assert_failure(result, 2, "secret.txt")


def test_text_of_3000_characters_is_one_request(say: Say, cloud: Cloud) -> None:
    cloud.always(lambda request: two_samples(request.json()["transcript"]))
    text = (PARAGRAPH * 50)[:2999] + "."

    result = say("-o", "a.pcm", stdin=text.encode())

    assert result.status == 0
    assert said(cloud) == [text]


def test_longer_text_is_cut_at_sentence_ends_and_nothing_is_lost(
    say: Say, cloud: Cloud, folder: Path
) -> None:
    cloud.always(lambda request: two_samples(request.json()["transcript"]))
    text = PARAGRAPH * 200

    result = say("-o", "a.pcm", stdin=text.encode())

    assert result.status == 0
    parts = said(cloud)
    assert len(parts) >= 5
    assert all(len(part) <= 3000 for part in parts)
    assert all(part.strip().endswith(".") for part in parts)
    assert sorted(" ".join(parts).split()) == sorted(text.split())
    assert (folder / "a.pcm").stat().st_size == 8 * len(parts)


def test_a_long_text_without_a_sentence_end_is_cut_at_words(say: Say, cloud: Cloud) -> None:
    cloud.always(lambda request: two_samples(request.json()["transcript"]))
    text = "word " * 1500

    result = say("-o", "a.pcm", stdin=text.encode())

    assert result.status == 0
    assert all(len(part) <= 3000 for part in said(cloud))
    assert " ".join(said(cloud)).split() == text.split()


def test_ten_megabytes_of_text_are_asked_for_part_by_part(say: Say, cloud: Cloud, folder: Path) -> None:
    cloud.always(error(401))
    text = (PARAGRAPH * (10_000_000 // len(PARAGRAPH))).encode()

    result = say("-o", "a.pcm", stdin=text)

    assert_failure(result, 3)
    assert result.seconds < 15
    assert len(cloud.requests) <= 2
    assert list(folder.iterdir()) == []


def test_ten_megabytes_without_a_space_are_cut_as_well(say: Say, cloud: Cloud) -> None:
    cloud.always(error(401))

    result = say("-o", "a.pcm", stdin=b"a" * 10_000_000)

    assert_failure(result, 3)
    assert result.seconds < 15
    assert all(len(part) <= 3000 for part in said(cloud))


def two_samples(transcript: str) -> list[bytes]:
    """Return an answer of two samples; how long the text is does not matter."""
    return [b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: 8\r\n\r\n" + pcm(transcript)[:8]]


@pytest.mark.parametrize(
    "locale",
    [{"LANG": "C", "LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
    ids=["LANG=C", "ASCII"],
)
def test_text_is_utf_8_whatever_the_locale(say: Say, cloud: Cloud, locale: dict[str, str]) -> None:
    result = say("Grüße, 世界.", "-o", "a.pcm", "--json", env=locale)

    assert result.status == 0
    assert said(cloud) == ["Grüße, 世界."]
    assert result.json["text"] == "Grüße, 世界."


def test_an_error_can_be_shown_in_any_locale(say: Say) -> None:
    result = say(
        "-f", "Grüße.txt", "-o", "a.pcm", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    )

    assert_failure(result, 2, ".txt")
