"""The text of ``cartesia stream``: what is sent is what came, byte for byte, and cut only where it may be."""

import random
import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import Begin
from tests.cli.program import KEY, Program, assert_failure, wait_until
from tests.fakes.sockets import SocketServer

RAW = ["-o", "a.pcm", "--encoding", "pcm_s16le", "-r", "8000"]
"""With them the file holds what was spoken, a character a sample: see ``tests.fakes.sockets``."""

TEXTS = {
    "a story": "Once upon a time, there was a fox. It lived there!\nWas it happy? Nobody knows… The end.\n",
    "numbers": "It costs 3.14 euros, or 1,234,567.89 dollars. Call 555-0199 at 10:30. It is -5 %.\n",
    "tags": 'Wait <break time="1.5s"/> a bit. <emotion value="sad"/>Oh [laughter] <spell>A. B.</spell> x < y',
    "sounds": "Say <<h|ə|l|oʊ>> to the <<w. ɜ r. l d>>. Then 2 << 3 is it.",
    "abbreviations": "Dr. Smith met Mr. J. R. Jones, e.g. at 5 p.m. in the U.S. Army. He left.",
    "lines": "One\nTwo\r\nThree\n\n\nFour: five\n- six\tseven\n   \neight",
    "no spaces at all": "这是一个故事。从前有一只狐狸。它住在湖边！" * 3,
    "characters of every size": "Grüße an Zoë — ça va? ¡Olé! 日本語。🙂👩\u200d👩\u200d👧 e\u0301te\u0301.",
    "white space": "   Well,  then.\n\n  Good   bye  .  \n",
    "only one word": "Hello",
}
PROTECTED = (
    "3.14", "1,234,567.89", "555-0199", "10:30", '<break time="1.5s"/>', '<emotion value="sad"/>',
    "<<h|ə|l|oʊ>>", "<<w. ɜ r. l d>>", "🙂", "👩\u200d👩\u200d👧", "e\u0301", "Grüße", "happy", "Nobody",
)  # fmt: skip


@pytest.fixture(scope="module")
def api() -> Iterator[SocketServer]:
    """A server that speaks each text as it comes."""
    with SocketServer() as server:
        yield server


@pytest.fixture
def program(run: Program, api: SocketServer) -> Program:
    """Return the program with a key and the address of the server."""
    run.env.update(CARTESIA_BASE_URL=api.url, CARTESIA_API_KEY=KEY)
    api.peers.clear()
    return run


def messages(api: SocketServer) -> list[str]:
    """Return the texts that were sent, of all contexts, without those that are empty."""
    sent = [m for peer in api.peers for m in peer.messages if not m.get("cancel")]
    return [m["transcript"] for m in sent if m["transcript"]]


def heard(folder: Path) -> str:
    """Return what was spoken."""
    return (folder / "a.pcm").read_bytes().decode("utf-16-le")


def shreds(text: str, seed: int, longest: int) -> list[bytes]:
    """Cut the bytes of a text at random, also inside characters."""
    data, rng = text.encode(), random.Random(seed)  # noqa: S311  no secret
    cuts = [0]
    while cuts[-1] < len(data):
        cuts.append(cuts[-1] + rng.randint(1, longest))
    return [data[start:end] for start, end in pairwise(cuts)]


def assert_cut_well(pieces: list[str]) -> None:
    """Check that no piece ends inside what belongs together."""
    text = "".join(pieces)
    cuts = set(accumulate(map(len, pieces)))
    for protected in PROTECTED:
        for found in re.finditer(re.escape(protected), text):
            assert cuts.isdisjoint(range(found.start() + 1, found.end())), (protected, pieces)


ALL = "all of it"
CASES = [(name, "none") for name in TEXTS] + [(ALL, "sentence"), (ALL, "line")]


@pytest.mark.parametrize(("name", "split"), CASES, ids=map(" by ".join, CASES))
@pytest.mark.usefixtures("program")
def test_everything_is_sent_as_it_came_and_spoken_once(
    begin: Begin, api: SocketServer, folder: Path, name: str, split: str
) -> None:
    text = TEXTS.get(name) or "".join(TEXTS.values())
    running, pipe = begin("stream", *RAW, "--split", split)
    pipe.write(*shreds(text, seed=len(text), longest=7))
    pipe.close()
    result = running.wait()

    assert (result.status, result.stderr, result.stdout) == (0, "", b"")
    assert "".join(messages(api)) == text
    assert heard(folder) == text
    assert_cut_well(messages(api))


def test_a_text_at_once_is_sent_as_it_came_too(program: Program, api: SocketServer, folder: Path) -> None:
    text = "".join(TEXTS.values()) * 40

    result = program("stream", *RAW, stdin=text.encode())

    assert (result.status, result.stderr) == (0, "")
    assert heard(folder) == "".join(messages(api)) == text
    assert_cut_well(messages(api))


@pytest.mark.parametrize(
    ("split", "text", "expected"),
    [
        (
            "sentence",
            'Dr. Smith came at 5 p.m. yesterday. "Really?" she asked. It was 3.5 km.\nYes! No. ',
            ["Dr. Smith came at 5 p.m. yesterday.", '"Really?" she asked.', "It was 3.5 km.", "Yes!", "No."],
        ),
        ("line", "One. Two.\nThree\n\nFour. <break time='1s'/> five\n", None),
    ],
    ids=["sentence", "line"],
)
@pytest.mark.usefixtures("program")
def test_a_message_is_a_sentence_or_a_line(
    begin: Begin, api: SocketServer, split: str, text: str, expected: list[str] | None
) -> None:
    running, pipe = begin("stream", *RAW, "--split", split)
    pipe.write(*shreds(text, seed=3, longest=4))
    pipe.close()
    result = running.wait()

    assert result.status == 0, result.stderr
    wanted = expected or ["One. Two.", "Three", "Four. <break time='1s'/> five"]
    assert [m.strip() for m in messages(api) if m.strip()] == wanted
    sent = [m for peer in api.peers for m in peer.messages]
    assert {m["max_buffer_delay_ms"] for m in sent if "max_buffer_delay_ms" in m} == {0}


@pytest.mark.usefixtures("program")
def test_words_go_out_before_their_sentence_ends(begin: Begin, api: SocketServer) -> None:
    """With ``--split none`` the API gathers sentences, not this program."""
    running, pipe = begin("stream", *RAW)
    pipe.write("Once upon ", "a time there ")
    wait_until(lambda: "".join(messages(api)).startswith("Once upon a time"))
    pipe.close()

    assert running.wait().status == 0


@pytest.mark.parametrize(
    ("before", "held", "after"),
    [
        ("It costs ", "3.", "14 euros."),
        ("It costs ", "1,", "000 euros."),
        ("Wait ", '<break time="1', '.5s"/> here.'),
        ("Say ", "<<h|ə", "|l|oʊ>> now."),
        ("I like straw", "", "berries a lot."),
    ],
)
@pytest.mark.usefixtures("program")
def test_a_pause_cuts_nothing_that_belongs_together(
    begin: Begin, api: SocketServer, folder: Path, before: str, held: str, after: str
) -> None:
    """The input pauses longer than any text may wait."""
    running, pipe = begin("stream", *RAW, "--buffer-delay", 50)
    pipe.write(before + held)
    begun = before.split(maxsplit=1)[0]
    wait_until(lambda: begun in "".join(messages(api)))
    flushed = lambda: any(m.get("flush") for peer in api.peers for m in peer.messages)  # noqa: E731
    wait_until(flushed)
    pipe.write(after)
    pipe.close()
    result = running.wait()

    assert (result.status, result.stderr) == (0, "")
    assert heard(folder) == "".join(messages(api)) == before + held + after
    text = before + held + after
    cuts = set(accumulate(map(len, messages(api))))
    start = len(before) if held else text.index("straw")
    end = len(before + held + after.split(maxsplit=1)[0])
    assert cuts.isdisjoint(range(start + 1, end)), messages(api)


@pytest.mark.usefixtures("program")
def test_a_character_may_come_in_parts_with_a_pause_between(begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", *RAW, "--buffer-delay", 0)
    for byte in "Zoë sagt 🙂 so.".encode():
        pipe.write(bytes([byte]))
    pipe.close()

    assert running.wait().status == 0
    assert heard(folder) == "Zoë sagt 🙂 so."


@pytest.mark.usefixtures("program")
def test_a_sentence_that_is_over_is_spoken_in_a_pause(begin: Begin, api: SocketServer, folder: Path) -> None:
    """Nobody at the other end waits three seconds for a sentence that has been written."""
    running, pipe = begin("stream", *RAW)
    pipe.write("That was it.")
    wait_until(lambda: any(m.get("flush") for p in api.peers for m in p.messages), timeout=2.5)
    assert "".join(messages(api)) == "That was it."
    pipe.write(" And more.")
    pipe.close()

    assert running.wait().status == 0
    assert heard(folder) == "That was it. And more."


@pytest.mark.usefixtures("program")
def test_a_byte_order_mark_is_no_text(begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", *RAW)
    pipe.write(b"\xef", b"\xbb", b"\xbfHello", b" there\n")
    pipe.close()

    assert running.wait().status == 0
    assert heard(folder) == "Hello there\n"


def test_control_characters_are_dropped_with_one_warning(program: Program, folder: Path) -> None:
    result = program("stream", *RAW, stdin=b"He\x00llo\x1b there\x7f.\n\tYes.")

    assert result.status == 0
    assert heard(folder) == "Hello there.\n\tYes."
    assert len(result.lines) == 1
    assert "control character" in result.stderr


# Nothing to say

EMPTY = {
    "nothing": b"",
    "a line feed": b"\n",
    "blanks": b" \t \r\n   \n",
    "a mark": "\ufeff".encode(),
    "punctuation": b"... !? -- ,\n",
    "a tag": b'<break time="1s"/>',
    "control characters": b"\x00\x01\x02",
}


@pytest.mark.parametrize("text", EMPTY.values(), ids=EMPTY)
def test_text_that_is_empty_to_the_end_is_an_error(program: Program, folder: Path, text: bytes) -> None:
    result = program("stream", *RAW, "--timings", "a.srt", stdin=text)

    assert result.status == 2, result.stderr
    if not text.startswith(b"\x00"):  # of which there is a warning, too
        assert_failure(result, 2, "nothing to say")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("split", ["sentence", "line"])
def test_text_without_words_is_an_error_however_it_is_split(
    program: Program, folder: Path, split: str
) -> None:
    result = program("stream", *RAW, "--split", split, stdin=b"... \n\n !?\n")

    assert_failure(result, 2, "nothing to say")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", [b"", b" ...\n"], ids=["nothing", "punctuation"])
def test_empty_text_is_an_error_of_the_built_in_voice_too(run: Program, folder: Path, text: bytes) -> None:
    result = run("stream", "-o", "a.wav", "--engine", "local", stdin=text)

    assert result.status == 2, result.stderr
    assert "nothing to say" in result.stderr
    assert list(folder.iterdir()) == []


NOT_UTF_8 = {
    "Latin 1": b"Gr\xfc\xdfe an alle.",
    "UTF-16": "Hello there".encode("utf-16"),
    "a character that is cut off": "Good day, Zoë"[:12].encode() + b"\xc3",
    "far behind": b"A sentence is here. " * 1000 + b"\xff",
}


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, []) for name in NOT_UTF_8]
    + [("Latin 1", ["--markdown"]), ("a character that is cut off", ["--engine", "local"])],
)
def test_text_that_is_not_utf_8_is_an_error(
    program: Program, folder: Path, name: str, options: list[str]
) -> None:
    text = NOT_UTF_8[name]
    result = program("stream", *RAW, *options, stdin=text)

    assert_failure(result, 2, "UTF-8")
    assert list(folder.iterdir()) == []


# Markdown

MARKDOWN = """# The *big* picture

Read [the **manual**](https://example.com/a/b?c=d) first, then `run it`:

```python
print("never spoken")
```

- one
- two _three_

| a | b |
|---|---|
| c | d |

That was **all**.
"""


@pytest.mark.usefixtures("api")
def test_markdown_is_spoken_without_its_marks(program: Program, begin: Begin, folder: Path) -> None:
    running, pipe = begin("stream", *RAW, "--markdown")
    pipe.write(*shreds(MARKDOWN, seed=9, longest=5))
    pipe.close()
    result = running.wait()
    shredded = heard(folder)

    whole = program("stream", *RAW, "--markdown", stdin=MARKDOWN.encode())

    assert (result.status, whole.status) == (0, 0)
    assert shredded == heard(folder)
    for word in ("The big picture", "the manual", "one", "two three", "That was all."):
        assert word in shredded
    for gone in ("never spoken", "print", "```", "**", "# ", "https", "](", "|", "---", "_"):
        assert gone not in shredded


def test_markdown_that_is_all_code_is_nothing_to_say(program: Program, folder: Path) -> None:
    result = program("stream", *RAW, "--markdown", stdin=b"```\nprint(1)\n```\n")

    assert_failure(result, 2, "nothing to say")
    assert list(folder.iterdir()) == []


def test_marks_are_text_where_nobody_said_markdown(program: Program, folder: Path) -> None:
    assert program("stream", *RAW, stdin=MARKDOWN.encode()).status == 0

    assert heard(folder) == MARKDOWN
