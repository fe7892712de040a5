"""Every line of a manifest is read as it was meant, or all that is wrong with it is told with its number."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.batch.manifest import (
    COLUMNS,
    Line,
    ManifestFormat,
    Mistake,
    manifest_format,
    read_manifest,
)
from cartesia_cli.errors import UsageError

MIB = 2**20

PACES = "a number from 0.6 to 1.5, or slow, normal or fast"
FORMATS = "wav, pcm, raw, mp3, flac, ogg, opus, ulaw, alaw"
PUNCTUATION = "There is nothing to say: the text is empty or only punctuation."
CLOSED = "After a closing quote there must be a comma: write a quote inside of a field twice."


def read(data: str | bytes, format: ManifestFormat) -> list[Line | Mistake]:
    return list(read_manifest(io.BytesIO(data.encode() if isinstance(data, str) else data), format))


def lines(data: str | bytes, format: ManifestFormat) -> list[Line]:
    """Return the lines; nothing may be wrong with any."""
    found = read(data, format)
    assert [each for each in found if isinstance(each, Mistake)] == []
    return [each for each in found if isinstance(each, Line)]


def said(data: str | bytes, format: ManifestFormat) -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in lines(data, format)]


def mistakes(data: str | bytes, format: ManifestFormat) -> list[tuple[int, str]]:
    """Return the mistakes; each of them must be one sentence on one line."""
    found = [each for each in read(data, format) if isinstance(each, Mistake)]
    for each in found:
        assert each.message[0].isupper() or each.message[0] == '"'
        assert each.message[-1] in ".?"
        assert each.message.isprintable()
        assert len(each.message) < 250
    return [(each.number, each.message) for each in found]


class Stream(io.RawIOBase):
    """A file of any size that is never in memory."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._rest or next(self._pieces, b"")
        given, self._rest = piece[: len(buffer)], piece[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def stream(*pieces: Iterator[bytes]) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(Stream(chain(*pieces)), 2**16))


def peak_while_reading(file: BinaryIO, format: ManifestFormat) -> tuple[int, int, list[Mistake]]:
    """Return the most bytes in use, the number of lines, and the mistakes."""
    n_lines = 0
    wrong = []
    tracemalloc.start()
    try:
        for each in read_manifest(file, format):
            if isinstance(each, Line):
                n_lines += 1
            else:
                wrong.append(each)
        return tracemalloc.get_traced_memory()[1], n_lines, wrong
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("lines.jsonl", "jsonl"),
        ("lines.NDJSON", "jsonl"),
        ("a.b/lines.Csv", "csv"),
        ("/x/lines.tsv", "tsv"),
        ("lines.en.TXT", "txt"),
    ],
)
def test_the_ending_says_how_a_manifest_is_written(name: str, format: str) -> None:
    assert manifest_format(name) == format


@pytest.mark.parametrize("name", ["lines", "lines.xlsx", "lines.json", ".csv", "-", "csv", "lines.csv.gz"])
def test_another_ending_is_refused_with_a_hint(name: str) -> None:
    with pytest.raises(UsageError, match="does not say how the manifest is written") as caught:
        manifest_format(name)

    assert "--manifest-format" in (caught.value.hint or "")


def test_each_line_of_a_text_is_a_line() -> None:
    text = 'Hello, "you".\n\n  \t\nDrei {"text"}: äöü.  \n\u3000\n漢字'

    assert said(text, "txt") == [(1, 'Hello, "you".'), (4, 'Drei {"text"}: äöü.  '), (6, "漢字")]


def test_the_columns_of_a_table_may_come_in_any_order() -> None:
    table = (
        "format, emotion ,speed,volume,text,id,output,voice,model,language\n"
        "mp3,calm,1.25, 2 ,Hello.,a1,x/y.mp3,Skylar,sonic-3,en\n"
        ',"sad, slow;angry  curious",slow,,"One, ""two"".",,,,,\n'
    )

    assert read(table, "csv") == [
        Line(2, "Hello.", "a1", "x/y.mp3", "Skylar", "sonic-3", "en", 1.25, 2.0, ("calm",), "mp3"),
        Line(3, 'One, "two".', speed="slow", emotion=("sad", "slow;angry", "curious")),
    ]
    assert set(table.partition("\n")[0].replace(" ", "").split(",")) == set(COLUMNS)


def test_tabs_part_the_fields_of_a_tsv() -> None:
    assert read('id\ttext\n1\tHello, you.\n2\t"A\tb"\n3\tHe said "no".\n', "tsv") == [
        Line(2, "Hello, you.", "1"),
        Line(3, "A\tb", "2"),
        Line(4, 'He said "no".', "3"),
    ]


def test_an_object_on_a_line_is_a_line() -> None:
    objects = [
        {"text": "Hello.", "speed": 1, "emotion": "calm", "volume": 0.5, "format": "opus"},
        {"text": "Two\nlines.", "emotion": ["sad", "calm"], "speed": "fast", "id": "é", "output": "a/b"},
        {"text": "No more.", **dict.fromkeys(COLUMNS[1:])},
    ]

    assert read("\n \n".join(map(json.dumps, objects)), "jsonl") == [
        Line(1, "Hello.", speed=1.0, volume=0.5, emotion=("calm",), format="opus"),
        Line(3, "Two\nlines.", "é", "a/b", speed="fast", emotion=("sad", "calm")),
        Line(5, "No more."),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_every_line_end_counts_as_one_and_a_byte_order_mark_as_none(end: str, bom: str) -> None:
    table = bom + end.join(["text,id", "a,1", "", '"b', "", 'c",2', "d,3"])
    objects = bom + end.join(['{"text": "a"}', "", '{"text": "b"}', ""])

    assert said(table, "csv") == [(2, "a"), (4, f"b{end}{end}c"), (7, "d")]
    assert said(objects, "jsonl") == [(1, "a"), (3, "b")]
    assert said(f"{bom}a{end}{end}b", "txt") == [(1, "a"), (3, "b")]


@given(
    st.lists(st.tuples(st.text("ab ,\"'\n\r\t;é"), st.sampled_from(["", "x", 'y"z', "1,2"])), max_size=20),
    st.sampled_from([("csv", ","), ("tsv", "\t")]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(
    rows: list[tuple[str, str]], kind: tuple[ManifestFormat, str], end: str
) -> None:
    ending, delimiter = kind
    rows = [(f"a{text}", identifier) for text, identifier in rows]
    file = io.StringIO(newline="")
    # Before Python 3.13 the writer does not see that a carriage return needs quotes.
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "id"), *rows])

    found = lines(file.getvalue(), ending)

    assert [(line.text, line.id or "") for line in found] == rows


@given(st.text("ab\r\n"), st.integers(0, 3))
def test_lines_are_counted_as_python_counts_them_wherever_a_block_ends(text: str, shift: int) -> None:
    # The boundary of the blocks that are read falls into each place of the text.
    filling = "x" * (2**16 - 3 + shift) + "\n"
    expected = [
        (number, line) for number, line in enumerate((filling + text).splitlines(), 1) if line.strip()
    ]

    assert said(filling + text, "txt") == expected


def test_control_characters_are_dropped_from_a_text_and_counted() -> None:
    assert read('{"text": "a\\u0007b\\u0000\\tc"}', "jsonl") == [Line(1, "ab\tc", n_dropped=2)]
    assert read("a\x1bb\n", "txt") == [Line(1, "ab", n_dropped=1)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", 'There is no "text".'),
        ('{"text": null}', 'There is no "text".'),
        ('{"text": ""}', "There is nothing to say: the text is empty."),
        ('{"text": " \\n"}', "There is nothing to say: the text is empty."),
        ('{"text": "…!"}', PUNCTUATION),
        ('{"text": "<break time=\\"1s\\"/>"}', PUNCTUATION),
        ('{"text": 5}', '"text" must be a string, not 5.'),
        ('{"text": ["a"]}', '"text" must be a string, not a list.'),
        ('{"text": "a\\ud800"}', "The text is not UTF-8: character 2 cannot be read."),
        ('{"text": "a", "speed": 1.51}', f'"speed" must be {PACES}, not 1.51.'),
        ('{"text": "a", "speed": "1"}', f'"speed" must be {PACES}, not 1.'),
        ('{"text": "a", "speed": true}', f'"speed" must be {PACES}, not True.'),
        ('{"text": "a", "volume": NaN}', '"volume" must be a number from 0.5 to 2.0, not nan.'),
        ('{"text": "a", "volume": 1e999}', '"volume" must be a number from 0.5 to 2.0, not inf.'),
        ('{"text": "a", "volume": "slow"}', '"volume" must be a number from 0.5 to 2.0, not slow.'),
        ('{"text": "a", "volume": %s}' % ("9" * 5000), "A number has too many digits."),
        ('{"text": "a", "volume": %s}' % ("9" * 400), None),
        ('{"text": "a", "id": 7.5}', '"id" must be a string, not 7.5.'),
        ('{"text": "a", "id": true}', '"id" must be a string, not True.'),
        ('{"text": "a", "id": ""}', '"id" is empty: leave it out.'),
        ('{"text": "a", "voice": "a\\nb"}', '"voice" holds a control character.'),
        ('{"text": "a", "id": "\\udc00"}', '"id" holds a control character.'),
        ('{"text": "a", "emotion": ["b", 1]}', '"emotion" must be a string, not 1.'),
        ('{"text": "a", "emotion": {}}', '"emotion" must be a string, not an object.'),
        ('{"text": "a", "format": "WAV"}', f'"format" must be one of {FORMATS}, not WAV.'),
        ('{"text": "a", "txet": 1}', "There is no key txet: did you mean text?"),
        ('{"text": "a", "Voice": 1}', "There is no key Voice: did you mean voice?"),
        ('{"text": "a", "qqq": 1}', f"There is no key qqq: there are {', '.join(COLUMNS)}."),
        ('{"text": "a", "text": "b"}', "A key is given twice."),
        ('["text"]', 'A line must be a JSON object, such as {"text": "Hello"}.'),
        ("Hello.", "This is not JSON: Expecting value, at character 1."),
        ('{"text": "a"} x', "This is not JSON: Extra data, at character 15."),
        ('{"text": "a\tb"}', "This is not JSON: Invalid control character at, at character 12."),
        ("[" * 100_000, "This JSON is nested too deeply."),
        ('{"text":' * 100_000, "This JSON is nested too deeply."),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_mistake_in_an_object_is_told_and_the_next_line_read(line: str, message: str | None) -> None:
    found = mistakes(f'{line}\n{{"text": "b"}}\n', "jsonl")

    assert [number for number, _ in found] == [1]
    assert message in {None, found[0][1]}
    assert read(f'{line}\n{{"text": "b"}}\n', "jsonl")[-1] == Line(2, "b")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",a", "There is nothing to say: the text is empty."),
        ("a", "This line has 1 field, and the header has 2."),
        ("a,b,c", "This line has 3 fields, and the header has 2."),
        ('"a"b,c', CLOSED),
        ("a,b\x07", '"id" holds a control character.'),
    ],
)
def test_a_mistake_in_a_row_is_told_and_the_next_one_read(row: str, message: str) -> None:
    assert mistakes(f"text,id\n{row}\nb,2\n", "csv") == [(2, message)]
    assert read(f"text,id\n{row}\nb,2\n", "csv")[-1] == Line(3, "b", "2")


@pytest.mark.parametrize("value", ["0.59", "nan", "inf", "-1", "1,2", "schnell", "NORMAL", "x" * 10_000])
def test_what_is_no_pace_is_told_in_a_table(value: str) -> None:
    ((number, message),) = mistakes(f'text,speed\na,"{value}"\n', "csv")

    assert number == 2
    assert message.startswith(f'"speed" must be {PACES}, not ')


def test_an_id_may_be_a_whole_number() -> None:
    (line,) = read('{"text": "Hello.", "id": 7}\n', "jsonl")

    assert isinstance(line, Line)
    assert line.id == "7"


def test_all_that_is_wrong_with_a_line_is_told() -> None:
    row = mistakes("text,speed,volume,format,id\n!,9,9,doc,x\n", "csv")
    line = mistakes('{"voise": 1, "speed": 9, "speed": 8, "id": []}', "jsonl")

    assert [number for number, _ in row] == [2] * 4
    assert [message.split()[0] for _, message in row] == ["There", '"speed"', '"volume"', '"format"']
    assert [message for _, message in line] == [
        "A key is given twice.",
        "There is no key voise: did you mean voice?",
        f'"speed" must be {PACES}, not 8.',
        '"id" must be a string, not a list.',
        'There is no "text".',
    ]


def test_of_a_line_with_countless_mistakes_a_few_are_told() -> None:
    assert len(mistakes(json.dumps({f"key{n}": n for n in range(100_000)}), "jsonl")) == 20


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", [(1, "There is no header: name the columns in the first line, such as text.")]),
        ("id,voice", [(1, 'The header has no column "text".')]),
        ("\n\ntext,id,text", [(3, 'The column "text" is there twice.')]),
        (
            "Text,nmae",
            [
                (1, "There is no column Text: did you mean text?"),
                (1, f"There is no column nmae: there are {', '.join(COLUMNS)}."),
                (1, 'The header has no column "text".'),
            ],
        ),
        ("text,", [(1, f"There is no column an empty string: there are {', '.join(COLUMNS)}.")]),
        (
            "text;id",
            [
                (1, "There is no column text;id: write a comma between the columns of a .csv file."),
                (1, 'The header has no column "text".'),
            ],
        ),
        ('"text', [(1, "A quote is opened here and never closed.")]),
        ('"text"x', [(1, CLOSED)]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_header_ends_the_reading(header: str, found: list[tuple[int, str]]) -> None:
    rest = "\nhello,you\n" if header and header != '"text' else "\n"

    assert mistakes(f"{header}{rest}", "csv") == found
    assert len(read(f"{header}{rest}", "csv")) == len(found)


def test_a_row_with_nothing_in_it_is_a_blank_line() -> None:
    assert said('text,id\n,\n  \n ,\t\n"",""\na,1\n,,,\n', "csv") == [(6, "a")]


@pytest.mark.parametrize("format", ["txt", "csv", "jsonl"])
def test_bytes_that_are_not_utf8_are_told_with_their_own_line(format: ManifestFormat) -> None:
    data = {
        "txt": b"a\n\nb\xe9c\nd\n",
        "csv": b'text,id\n"x\ny\xe9z",1\nd,2\n',
        "jsonl": b'\n{"text": "a"}\n{"text": "\xe9"}\n{"text": "d"}\n',
    }[format]

    ((number, message),) = mistakes(data, format)

    assert number == 3
    assert message.startswith("This is not UTF-8: byte 0xe9, ")
    last = read(data, format)[-1]
    assert isinstance(last, Line)
    assert last.text == "d"


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("format", ["txt", "csv", "jsonl"])
def test_utf16_is_called_by_its_name(encoding: str, format: ManifestFormat) -> None:
    data = "\ufefftext,id\nhello,1\n".encode(encoding)

    assert mistakes(data, format)[0] == (
        1,
        "The file is UTF-16, not UTF-8: convert it first, for example with iconv.",
    )


def test_an_open_quote_is_told_where_it_opens() -> None:
    assert mistakes('text,id\na,1\n"b,2\nc,3\nd,4\n', "csv") == [
        (3, "A quote is opened here and never closed.")
    ]
    after = read('text,id\n"b,2\nc,"3"\nd,4\n', "csv")
    assert [each.number for each in after] == [2, 4]
    assert isinstance(after[0], Mistake)
    assert after[1] == Line(4, "d", "4")


@pytest.mark.parametrize(
    ("format", "head", "tail"),
    [("txt", b"", b"b"), ("jsonl", b"", b'{"text": "b"}'), ("csv", b"text\n", b"b")],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_line_without_end_is_skipped_and_never_held(
    format: ManifestFormat, head: bytes, tail: bytes, end: bytes
) -> None:
    endless = repeat(b"x" * 2**16, 20 * MIB // 2**16)

    peak, n_lines, wrong = peak_while_reading(
        stream(iter([head]), endless, iter([end, tail, end]), repeat(b"y" * 2**16, 5 * MIB // 2**16)), format
    )

    first = 1 + head.count(b"\n")
    assert n_lines == 1
    assert [each.number for each in wrong] == [first, first + 2]
    assert all("longer than 4 MiB" in each.message for each in wrong)
    assert peak < 16 * MIB


def test_a_quote_without_end_does_not_swallow_the_file() -> None:
    row = b"hello " * 50 + b",1\n"
    rows = repeat(row, 12 * MIB // len(row))

    peak, n_lines, wrong = peak_while_reading(stream(iter([b'text,id\n"a,0\n']), rows), "csv")

    assert [each.number for each in wrong] == [2]
    assert "is a quote not closed?" in wrong[0].message
    assert n_lines == pytest.approx(8 * MIB // len(row), abs=2)
    assert peak < 40 * MIB  # four bytes a character, in a buffer that doubles


def test_a_text_of_three_megabytes_is_a_text() -> None:
    text = "word " * (3 * MIB // 5)

    assert [each for _, each in said(f'text\n"{text}\n{text[:99]}"\n', "csv")] == [f"{text}\n{text[:99]}"]
    assert said(text, "txt") == [(1, text)]
    assert said(json.dumps({"text": text}), "jsonl") == [(1, text)]


@pytest.mark.parametrize("format", ["txt", "csv", "jsonl"])
def test_memory_does_not_grow_with_the_number_of_lines(format: ManifestFormat) -> None:
    text = b"hello " * 15
    piece = (b'{"text": "%s"}\n' % text if format == "jsonl" else text + b"\n") * 1000
    head = b"text\n" if format == "csv" else b""

    few, n_few, _ = peak_while_reading(stream(iter([head]), repeat(piece, 5)), format)
    many, n_many, _ = peak_while_reading(stream(iter([head]), repeat(piece, 15)), format)

    assert (n_few, n_many) == (5000, 15_000)
    assert many < few + MIB // 16


@given(st.binary(max_size=200), st.sampled_from(["txt", "csv", "tsv", "jsonl"]))
def test_whatever_a_file_holds_each_line_is_a_line_or_a_mistake(data: bytes, format: ManifestFormat) -> None:
    n_lines = len(data.splitlines())

    for each in read(b"text,id\n" * (format == "csv") + data, format):
        assert 1 <= each.number <= n_lines + 1
        assert isinstance(each, Line) or each.message.endswith((".", "?"))
