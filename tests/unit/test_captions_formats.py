import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pysubs2
import pytest
import srt
from hypothesis import given, settings
from hypothesis import strategies as st

from cartesia_cli.captions import (
    FORMATS,
    Cue,
    cues_from_words,
    format_captions,
    format_timings,
    load_profile,
    read_captions,
)
from cartesia_cli.errors import UsageError
from cartesia_cli.models import PhonemeTiming, WordTiming

GOOD_DAY = (WordTiming("Good", 0.04, 0.29), WordTiming("day.", 0.31, 0.66))
CUE = Cue(40, 874, ("Good day.",), GOOD_DAY)
TWO_LINES = Cue(
    3_661_001,
    3_664_000,
    ("Tom & <Jerry>", "--> {run}"),
    (
        WordTiming("Tom", 3661.001, 3661.4),
        WordTiming("&", 3661.5, 3661.6),
        WordTiming("<Jerry>", 3661.7, 3662.2),
        WordTiming("-->", 3662.3, 3662.5),
        WordTiming("{run}", 3662.6, 3663.9),
    ),
)


def test_srt_looks_like_this() -> None:
    assert format_captions("srt", [CUE, TWO_LINES]) == (
        "1\n00:00:00,040 --> 00:00:00,874\nGood day.\n\n"
        "2\n01:01:01,001 --> 01:01:04,000\nTom & <Jerry>\n--> {run}\n\n"
    )


def test_vtt_escapes_and_times_each_word() -> None:
    assert format_captions("vtt", [CUE, TWO_LINES]) == (
        "WEBVTT\n\n00:00:00.040 --> 00:00:00.874\nGood <00:00:00.310>day.\n\n"
        "01:01:01.001 --> 01:01:04.000\nTom <01:01:01.500>&amp; <01:01:01.700>&lt;Jerry&gt;\n"
        "<01:01:02.300>--&gt; <01:01:02.600>{run}\n\n"
    )


def test_ass_lights_up_each_word_and_its_centiseconds_add_up() -> None:
    events = [
        line for line in format_captions("ass", [CUE, TWO_LINES]).splitlines() if line.startswith("Dialogue")
    ]

    sung = r"{\k50}Tom {\k20}& {\k60}<Jerry>\N{\k30}--> {\k140}\{run\}"
    assert events == [
        r"Dialogue: 0,0:00:00.04,0:00:00.87,Default,,0,0,0,,{\k27}Good {\k56}day.",
        f"Dialogue: 0,1:01:01.00,1:01:04.00,Default,,0,0,0,,{sung}",
    ]


def test_ass_waits_for_a_word_that_begins_after_its_cue() -> None:
    late = Cue(0, 900, ("Hi",), (WordTiming("Hi", 0.5, 0.9),))
    later = Cue(0, 900, ("Oh Hi",), (WordTiming("Oh", 0.1, 0.4), WordTiming("Hi", 0.5, 0.9)))

    shown = format_captions("ass", [late, later])

    assert r"{\k90}Hi" in shown
    assert r"{\k50}Oh {\k40}Hi" in shown


def test_lrc_has_a_line_a_cue() -> None:
    assert format_captions("lrc", [CUE]) == "[00:00.04]<00:00.04>Good <00:00.31>day.<00:00.87>\n"


def test_tsv_is_in_milliseconds() -> None:
    assert format_captions("tsv", [CUE]) == "start\tend\ttext\n40\t874\tGood day.\n"


def test_json_is_that_of_the_interface() -> None:
    written = format_captions(
        "json",
        [CUE],
        text="Good day.",
        language="en",
        duration=0.66,
        phonemes=[PhonemeTiming("ɡ", 0.04, 0.0900001)],
    )

    assert json.loads(written) == {
        "version": 1,
        "text": "Good day.",
        "language": "en",
        "duration": 0.66,
        "words": [{"word": "Good", "start": 0.04, "end": 0.29}, {"word": "day.", "start": 0.31, "end": 0.66}],
        "phonemes": [{"phoneme": "ɡ", "start": 0.04, "end": 0.09}],
    }
    assert written.endswith("}\n")
    assert written.count("\n") == 1


def test_json_leaves_out_what_has_no_value() -> None:
    timings = json.loads(format_timings([WordTiming("Hi", -0.0001, 0.5, confidence=0.98765)]))

    assert timings == {
        "version": 1,
        "text": "Hi",
        "duration": 0.5,
        "words": [{"word": "Hi", "start": 0.0, "end": 0.5, "confidence": 0.988}],
    }


def test_cues_without_words_are_written_in_every_format() -> None:
    for name in FORMATS:
        assert "Good day." in format_captions(name, [Cue(0, 1000, ("Good day.",))], text="Good day.")


def test_an_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'sub'") as caught:
        format_captions("sub", [])

    assert caught.value.hint == "It is one of srt, vtt, ass, lrc, tsv, json."


LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12).map(
    lambda text: f"x{text}y"
)


@st.composite
def cue_lists(draw: st.DrawFn) -> list[Cue]:
    times = sorted(draw(st.sets(st.integers(0, 400_000_000), min_size=2, max_size=12)))
    return [
        Cue(start, end, tuple(draw(st.lists(LINES, min_size=1, max_size=3))))
        for start, end in zip(times[::2], times[1::2], strict=False)
    ]


@settings(deadline=None)
@given(cue_lists())
def test_vtt_reads_back_equal(cues: list[Cue]) -> None:
    assert read_captions("vtt", format_captions("vtt", cues)) == cues


@settings(deadline=None)
@given(cue_lists())
def test_srt_reads_back_equal_here_and_in_the_srt_library(cues: list[Cue]) -> None:
    written = format_captions("srt", cues)

    peer = [
        Cue(
            s.start // timedelta(milliseconds=1),
            s.end // timedelta(milliseconds=1),
            tuple(s.content.split("\n")),
        )
        for s in srt.parse(written)
    ]
    assert read_captions("srt", written) == cues
    assert peer == cues


TEXT = """
    It was the best of times, it was the worst of times & so on; we had everything before us, we had nothing
    before us, 3 > 2 --> true, and "that" is all. Bonjour à tous, les élèves! Fin.
"""


@pytest.fixture
def cues() -> list[Cue]:
    words = [
        WordTiming(word, 0.123 + 0.381 * i, 0.123 + 0.381 * i + 0.35) for i, word in enumerate(TEXT.split())
    ]
    return cues_from_words(words, load_profile("netflix"))


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_pysubs2_reads_times_and_words_back(name: str, cues: list[Cue]) -> None:
    events = pysubs2.SSAFile.from_string(
        format_captions(name, cues), format_=name, keep_unknown_html_tags=True
    ).events

    assert [(event.start, event.end) for event in events] == [(cue.start, cue.end) for cue in cues]
    if name == "srt":
        assert [event.plaintext.split("\n") for event in events] == [list(cue.lines) for cue in cues]


def test_pysubs2_reads_ass_with_all_its_words(cues: list[Cue]) -> None:
    events = pysubs2.SSAFile.from_string(format_captions("ass", cues), format_="ass").events

    assert [event.plaintext.split("\n") for event in events] == [list(cue.lines) for cue in cues]
    for event, cue in zip(events, cues, strict=True):
        assert abs(event.start - cue.start) <= 5
        assert abs(event.end - cue.end) <= 5
        centiseconds = sum(map(int, re.findall(r"\\k(\d+)", event.text)))
        assert centiseconds * 10 == event.end - event.start


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("name", ["srt", "vtt", "ass"])
def test_ffmpeg_converts_without_a_warning(name: str, cues: list[Cue], tmp_path: Path) -> None:
    source = tmp_path / f"a.{name}"
    source.write_text(format_captions(name, cues), "utf-8")

    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "warning", "-i", source, tmp_path / "b.srt"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    converted = read_captions("srt", (tmp_path / "b.srt").read_text("utf-8"))
    assert len(converted) == len(cues)
    assert all(
        abs(a.start - b.start) <= 5 and abs(a.end - b.end) <= 5 for a, b in zip(converted, cues, strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff1\n00:00:01,000 --> 00:00:02,500\nGood\nday.\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n",
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nGood\r\nday.\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n42",
        "1\n00:00:01.000 --> 00:00:02.500\nGood\nday.\n\n2\n00:00:03.000 --> 00:00:04.000\n42\n",
        "00:00:01,000 --> 00:00:02,500\nGood\nday.\n\n00:00:03,000 --> 00:00:04,000\n42",
        "1\n0:00:01,0 --> 0:00:02,5\nGood\nday.\n\n\n\n7\n00:03,000 --> 00:04 X1:0 Y1:2\n42\n\n\n",
        "1\n00:00:01,000-->00:00:02,500\n<i>Good</i>\n\n{\\an8}day.\n\n2\n00:00:03,000 --> 00:00:04,000\n42",
    ],
    ids=["byte order mark", "CRLF", "dots", "no index", "sloppy times", "markup and a blank line"],
)
def test_srt_is_read_as_it_is_found(text: str) -> None:
    cues = read_captions("srt", text)

    assert cues == [Cue(1000, 2500, ("Good", "day.")), Cue(3000, 4000, ("42",))]


def test_a_cue_knows_its_line_in_the_file() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:03,000 --> 00:00:04,000\nb\n"

    assert [cue.line for cue in read_captions("srt", text)] == [2, 6]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_a_broken_time_is_named_with_its_line(name: str) -> None:
    with pytest.raises(UsageError, match="Line 3: these are not two times"):
        read_captions(name, "WEBVTT\n\n00:00:01,000 --> 0x\na\n")


def test_text_that_is_no_srt_is_refused() -> None:
    with pytest.raises(UsageError, match="not SRT"):
        read_captions("srt", "Dear Sir or Madam\n")


def test_an_empty_file_has_no_cues() -> None:
    assert read_captions("srt", "\ufeff\n") == []
    assert read_captions("vtt", "WEBVTT") == []
    assert format_captions("srt", []) == ""
    assert format_captions("vtt", []) == "WEBVTT\n\n"


def test_vtt_passes_over_notes_styles_regions_and_settings() -> None:
    text = (
        "\ufeffWEBVTT - a title\r\nKind: captions\r\n\r\nNOTE\r\na comment\r\n\r\n"
        "STYLE\r\n::cue { color: red }\r\n\r\n"
        "REGION\r\nid:fred\r\n\r\nintro\r\n00:01.000 --> 00:02.500 align:start line:0\r\n"
        "<v Fred>Good <00:00:01.500><c.big>day</c> &amp; night&nbsp;&lt;3\r\n"
    )

    [cue] = read_captions("vtt", text)
    assert (cue.start, cue.end, cue.lines) == (1000, 2500, ("Good day & night\xa0<3",))


def test_a_file_without_its_first_line_is_no_vtt() -> None:
    with pytest.raises(UsageError, match="not WebVTT"):
        read_captions("vtt", "00:01.000 --> 00:02.500\nGood day\n")


def test_importing_captions_loads_nothing_heavy() -> None:
    script = "import sys, cartesia_cli.captions; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"numpy", "regex", "tomllib", "json", "asyncio"}.isdisjoint(done.stdout.split())
