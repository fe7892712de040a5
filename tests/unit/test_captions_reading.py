"""Every format is read as it is found: captions.md, "Formats"."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartesia_cli.captions import (
    FORMATS,
    Cue,
    Subtitles,
    format_captions,
    format_subtitles,
    load_profile,
    read_captions,
    read_subtitles,
)
from cartesia_cli.captions.words import Mark, words_at_marks
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming

ASS_HEAD = "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"


def times_and_lines(cues: list[Cue]) -> list[tuple[int, int, tuple[str, ...]]]:
    return [(cue.start, cue.end, cue.lines) for cue in cues]


def words(cue: Cue) -> list[tuple[str, int, int]]:
    return [(word.word, round(word.start * 1000), round(word.end * 1000)) for word in cue.words]


# --- there and back


TOKENS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="<>[]{}\\&"), min_size=1, max_size=8
)
LINES = st.lists(TOKENS, min_size=1, max_size=5).map(lambda tokens: "x" + " ".join(tokens) + "y")


@st.composite
def cue_lists(draw: st.DrawFn) -> list[Cue]:
    """Cues without overlaps, with times and gaps that every format can tell apart."""
    steps = draw(st.lists(st.integers(20, 9000), min_size=2, max_size=12))
    times = [sum(steps[: index + 1]) for index in range(len(steps))]
    return [
        Cue(start, end, tuple(draw(st.lists(LINES, min_size=1, max_size=3))))
        for start, end in zip(times[::2], times[1::2], strict=False)
    ]


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=30)
@given(cues=cue_lists())
def test_text_and_times_survive_each_format(name: str, cues: list[Cue]) -> None:
    form = FORMATS[name]
    back = read_captions(name, format_subtitles(name, Subtitles.of(cues)))

    half = form.resolution / 2
    assert len(back) == len(cues)
    for old, new in zip(cues, back, strict=True):
        assert abs(old.start - new.start) <= half
        assert abs(old.end - new.end) <= half
        if form.has_lines:
            assert new.lines == old.lines
        else:
            assert "".join(new.text.split()) == "".join(old.text.split())
    assert all(a.end <= b.start for a, b in pairwise(back))


@st.composite
def spoken_cues(draw: st.DrawFn) -> list[Cue]:
    """Cues whose words follow each other without pauses, as formats with marks between words have them."""
    time = draw(st.integers(0, 5_000_000))
    cues = []
    for _ in range(draw(st.integers(1, 3))):
        said = draw(st.lists(TOKENS.map(lambda token: f"x{token}"), min_size=1, max_size=5))
        edges = [time]
        for _ in said:
            edges.append(edges[-1] + draw(st.integers(20, 2000)))
        timings = tuple(
            WordTiming(word, start / 1000, end / 1000)
            for word, (start, end) in zip(said, pairwise(edges), strict=True)
        )
        cues.append(Cue(edges[0], edges[-1], (" ".join(said),), timings))
        time = edges[-1] + draw(st.integers(20, 2000))
    return cues


@pytest.mark.parametrize("name", ["vtt", "ass", "lrc", "json"])
@settings(deadline=None, max_examples=30)
@given(cues=spoken_cues())
def test_word_times_survive_the_formats_that_have_them(name: str, cues: list[Cue]) -> None:
    said = Subtitles.of(cues)

    back = read_subtitles(name, format_subtitles(name, said))

    assert [word.word for word in back.words] == [word.word for word in said.words]
    for old, new in zip(said.words, back.words, strict=True):
        assert abs(old.start - new.start) <= 0.0051
        assert abs(old.end - new.end) <= 0.0051


SCRAPS = [*"[]<>{}\\:.,-\t\n 0189aN今é\x00\u202e", " --> ", "\\k9", "00:01.00", "00:00:01,000", "WEBVTT\n\n"]


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=100)
@given(text=st.lists(st.sampled_from(SCRAPS), max_size=30).map("".join))
def test_no_text_at_all_is_a_bug(name: str, text: str) -> None:
    try:
        cues = read_captions(name, text)
    except UsageError as error:
        outcome = str(error)
    else:
        outcome = format_captions("vtt", cues)

    assert outcome.startswith(("Line ", "WEBVTT\n"))


# --- WebVTT


def test_vtt_words_have_the_times_between_them() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:04.000\nGood <00:02.000><c>day</c>\n<00:03.000>to all\n"

    [cue] = read_captions("vtt", text)

    assert cue.lines == ("Good day", "to all")
    assert words(cue) == [
        ("Good", 1000, 2000),
        ("day", 2000, 3000),
        ("to", 3000, 3400),
        ("all", 3400, 4000),
    ]


def test_vtt_keeps_text_that_only_looks_like_markup() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:04.000\n<i>1 < 2</i> & I <3 you <ruby>漢<rt>kan</rt></ruby> &lt;b&gt;\n"
    )

    assert read_captions("vtt", text)[0].lines == ("1 < 2 & I <3 you 漢kan <b>",)


def test_syllables_are_parts_of_a_word() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:04.000\nun<00:02.000>til <00:03.000>now\n"

    assert words(read_captions("vtt", text)[0]) == [("until", 1000, 3000), ("now", 3000, 4000)]


def test_text_without_spaces_is_divided_where_times_are() -> None:
    lines = ("今日はいい", "天気 です")

    found = words_at_marks(lines, [Mark(3, 1000)], 0, 2000)

    assert [word.word for word in found] == ["今日は", "いい", "天気 です"]
    assert [word.start for word in found] == [0.0, 1.0, 1.333]


def test_marks_that_run_backwards_are_passed_over() -> None:
    found = words_at_marks(("a b c",), [Mark(1, 900), Mark(2, 400)], 0, 1000)

    assert [(word.word, word.start, word.end) for word in found] == [
        ("a", 0.0, 0.9),
        ("b", 0.9, 0.95),
        ("c", 0.95, 1.0),
    ]


# --- ASS


def test_ass_dialogue_without_codes_comments_and_drawings() -> None:
    text = ASS_HEAD.replace("\n", "\r\n") + (
        "Comment: 0,0:00:00.00,0:00:01.00,Default,a note\r\n"
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,{\\an8}{\\i1}Good{\\i0}, day\\Nto\\hyou\r\n"
        "Dialogue: 0,1:00:03.05,1:00:04.00,Default,{\\p1}m 0 0 l 100 0{\\p0}42 \\{braces\\}\r\n"
    )

    cues = read_captions("ass", "\ufeff" + text)

    assert times_and_lines(cues) == [
        (1000, 2500, ("Good, day", "to\xa0you")),
        (3_603_050, 3_604_000, ("42 {braces}",)),
    ]
    assert [cue.line for cue in cues] == [7, 8]


def test_karaoke_becomes_word_times() -> None:
    line = "Dialogue: 0,0:00:01.00,0:00:04.00,Default,{\\k50}{\\k100}Good {\\kf50}d{\\K50}ay\n"

    [cue] = read_captions("ass", ASS_HEAD + line)

    assert words(cue) == [("Good", 1500, 2500), ("day", 2500, 4000)]


def test_ssa_is_read_too() -> None:
    text = (
        "[Script Info]\nScriptType: v4.00\n[Events]\n"
        "Format: Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Good, day\n"
    )

    assert times_and_lines(read_captions("ass", text)) == [(1000, 2000, ("Good, day",))]


def test_ass_is_read_as_pysubs2_reads_it() -> None:
    text = "[Script Info]\n[Events]\n" + "".join(
        f"Dialogue: 0,0:00:{n:02}.{n:02},0:00:{n + 1:02}.00,Default,,0,0,0,,{shown}\n"
        for n, shown in enumerate(
            ["plain", "{\\b1}bold{\\b0} not", "two\\Nlines", "soft\\nbreak", "a, comma", "{\\k20}ka{\\k30}ra"]
        )
    )
    peer = pysubs2.SSAFile.from_string(text, format_="ass")

    assert times_and_lines(read_captions("ass", text)) == [
        (event.start, event.end, tuple(event.plaintext.split("\n"))) for event in peer
    ]


# --- LRC


def test_lrc_lines_end_where_the_next_begins() -> None:
    text = "[ti:A song]\n[00:01.00]Good day\n[00:02.5]\n[00:04:00]to all\n[01:00]of you\n"

    cues = read_captions("lrc", text)

    assert times_and_lines(cues) == [
        (1000, 2500, ("Good day",)),
        (4000, 60_000, ("to all",)),
        (60_000, 61_000, ("of you",)),
    ]
    assert [cue.line for cue in cues] == [2, 4, 5]


def test_lrc_knows_repeated_lines_offsets_lengths_and_translations() -> None:
    text = "[offset:+500]\n[length:00:20]\n[00:09.00][00:01.00]La la\n[00:05.00]Oui\n[00:05.00]Yes\nSí\n"

    assert times_and_lines(read_captions("lrc", text)) == [
        (500, 4500, ("La la",)),
        (4500, 8500, ("Oui", "Yes", "Sí")),
        (8500, 19_500, ("La la",)),
    ]


def test_lrc_words_have_their_times() -> None:
    [cue] = read_captions("lrc", "[00:01.00]<00:01.20>Good <00:01.50>day<00:02.00>\n")

    assert (cue.start, cue.end) == (1000, 2000)
    assert words(cue) == [("Good", 1200, 1500), ("day", 1500, 2000)]


# --- TSV and JSON


def test_tsv_is_read_with_and_without_its_header() -> None:
    rows = "0\t1500\tGood day.\r\n2000\t2500\t\r\n3000\t4000\tto\tall\r\n"
    expected = [(0, 1500, ("Good day.",)), (2000, 2500, ()), (3000, 4000, ("to all",))]

    assert times_and_lines(read_captions("tsv", "start\tend\ttext\r\n" + rows)) == expected
    assert times_and_lines(read_captions("tsv", rows)) == expected


def test_json_of_words_is_cut_by_the_rules() -> None:
    said = [{"word": f"word{n}.", "start": n * 3.0, "end": n * 3.0 + 1} for n in range(3)]

    cues = read_captions("json", json.dumps({"version": 1, "text": "…", "words": said}))

    assert [cue.text for cue in cues] == ["word0.", "word1.", "word2."]
    assert [cue.start for cue in cues] == [0, 3000, 6000]


def test_json_keeps_what_only_json_knows() -> None:
    written = format_captions(
        "json",
        (),
        words=[WordTiming("Hi", 0.1, 0.5, confidence=0.9)],
        text="Hi",
        language="en",
        duration=0.75,
        phonemes=[PhonemeTiming("h", 0.1, 0.2)],
        source="a.wav",
    )

    assert format_subtitles("json", read_subtitles("json", written)) == written


def test_whisper_s_segments_are_cues() -> None:
    whisper = {
        "text": " Good day. To all.",
        "language": "en",
        "segments": [
            {
                "id": 0,
                "start": 0.04,
                "end": 1.5,
                "text": " Good day.",
                "words": [
                    {"word": " Good", "start": 0.04, "end": 0.3, "probability": 0.9},
                    {"word": " day.", "start": 0.4, "end": 1.5, "probability": 0.8},
                ],
            },
            {"id": 1, "start": 2, "end": 3.0, "text": " To all.", "tokens": [1, 2]},
        ],
    }

    subtitles = read_subtitles("json", json.dumps(whisper))

    assert subtitles.language == "en"
    assert times_and_lines(list(subtitles.cues or ())) == [
        (40, 1500, ("Good day.",)),
        (2000, 3000, ("To all.",)),
    ]
    assert [(word.word, word.start, word.end, word.confidence) for word in subtitles.words] == [
        ("Good", 0.04, 0.3, 0.9),
        ("day.", 0.4, 1.5, 0.8),
        ("To", 2.0, 2.333, None),
        ("all.", 2.333, 3.0, None),
    ]


def test_words_without_times_stand_between_their_neighbours() -> None:
    said = [
        {"word": "in", "start": 1.0, "end": 1.2},
        {"word": "2014"},
        {"word": "or", "start": None, "end": None},
        {"word": "so", "start": 2.5, "end": 3.0},
    ]

    found = read_subtitles("json", json.dumps({"words": said})).words

    assert [word.start for word in found] == [1.0, 1.5, 2.0, 2.5]


def test_halves_of_characters_can_be_written() -> None:
    subtitles = read_subtitles("json", '{"words": [{"word": "a\\ud800b", "start": 0, "end": 1}]}')

    assert format_subtitles("srt", subtitles.cut(load_profile("netflix"))).encode()


# --- what is not of its format

NOT = {
    "srt": "Dear Sir\n",
    "vtt": "00:01.000 --> 00:02.000\nGood day\n",
    "ass": "Dear Sir\n",
    "lrc": "Dear Sir\n",
    "tsv": "start\tend\ttext\n",
    "json": '{"text": "Good day."}',
}


@pytest.mark.parametrize("name", [name for name in NOT if name != "tsv"])
def test_what_is_not_of_its_format_is_named_with_a_line(name: str) -> None:
    with pytest.raises(UsageError, match="Line 1: this "):
        read_captions(name, NOT[name])


BROKEN = {
    "srt": ("1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:0x,000 --> 00:00:04,000\nb\n", 6),
    "vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n00:03,000 --> 00:04.000\nb\n", 6),
    "ass": (ASS_HEAD + "Dialogue: 0,0:00:01.00,0:00:02.00,Default,a\nDialogue: 0,soon,later,Default,b\n", 7),
    "tsv": ("start\tend\ttext\n0\t1000\ta\n2000\t2.5\tb\n", 3),
    "json": ('{\n "words": [\n  {"word": "a" "start": 0}\n ]}', 3),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_broken_line_is_named(name: str) -> None:
    text, line = BROKEN[name]

    with pytest.raises(UsageError, match=f"^Line {line}: "):
        read_captions(name, text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[" * 100_000,
        "1" * 5000,
        '{"words": 3}',
        '{"words": [3]}',
        '{"words": [{"start": 0, "end": 1}]}',
        '{"segments": [{"text": "a", "start": 0}]}',
        '{"segments": [{"text": "a", "start": NaN, "end": 1}]}',
        '{"words": [], "duration": "long"}',
    ],
)
def test_json_of_another_shape_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="Line 1: "):
        read_captions("json", text)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("name", ["srt", "vtt", "ass", "lrc"])
def test_ffmpeg_reads_what_a_conversion_writes(name: str, tmp_path: Path) -> None:
    cues = [Cue(1000, 2500, ("Good day,", "all.")), Cue(3000, 4000, ("42",))]
    source = tmp_path / f"a.{name}"
    source.write_text(format_subtitles(name, Subtitles.of(cues)), "utf-8")

    command = ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(source), "-f", "srt", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert [cue.start for cue in read_captions("srt", done.stdout) if cue.lines] == [1000, 3000]
