"""What ``transcribe --live`` writes, and where: cli.md section 6, against an API that hears a script."""

import json
import os
import re
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import srt

from tests.cli.conftest import Begin
from tests.cli.live import (
    LEFT,
    ON,
    RATE,
    RAW,
    TALK,
    Ear,
    assert_in_order,
    env,
    final,
    interim,
    message,
    screen,
    sound,
    words_of,
)
from tests.cli.program import WITHOUT_PRIVILEGE, Program, Result, assert_failure, wait_until
from tests.fakes.sockets import SocketServer

SOUND = sound(5)
FORMATS = ("srt", "vtt", "ass", "lrc", "tsv")
EXACT = ["--min-duration", "0.1", "--gap", "0"]


@pytest.fixture(autouse=True)
def api(run: Program) -> Iterator[SocketServer]:
    """A server that hears the talk; its address is in the program's environment."""
    with SocketServer(Ear(*TALK)) as server:
        run.env.update(env(server))
        yield server


def live(run: Program, *options: object, **others: Any) -> Result:
    """Listen to five seconds."""
    return run("transcribe", "--live", "-", *RAW, *options, **({"stdin": SOUND} | others))


def hear(run: Program, ear: Ear, *options: object, **others: Any) -> Result:
    """Listen by way of a server with another script."""
    with SocketServer(ear) as server:
        return live(run, *options, env=env(server), **others)


def subtitles(text: str, format: str) -> list[tuple[int, int, str]]:
    """Return the cues of a file as another program reads them: milliseconds and text."""
    if format == "lrc":
        rows = [line.partition("]") for line in text.splitlines() if line[1:2].isdigit()]
        marks = [(start.strip("[").split(":"), said) for start, _, said in rows]
        return [
            (round(1000 * (60 * float(m) + float(s))), 0, untimed(said)) for (m, s), said in marks if said
        ]
    if format == "tsv":
        head, *lines = [line.split("\t") for line in text.splitlines()]
        assert head[:2] == ["start", "end"]
        return [(int(start), int(end), said) for start, end, said in lines]
    events = pysubs2.SSAFile.from_string(text, format).events
    return [(e.start, e.end, untimed(e.plaintext)) for e in events]


def untimed(text: str) -> str:
    """Return a text without the marks in it that say when each word begins."""
    return " ".join(re.sub(r"<[\d:.]+>", "", text).split())


def assert_well_timed(cues: list[tuple[int, int, str]]) -> None:
    """Check that no cue is empty, and none begins before the last one ends."""
    before = 0
    for start, end, text in cues:
        assert text.strip()
        assert start >= before
        assert end > start or end == 0
        before = max(before, end)


# On standard output


def test_each_final_text_is_a_line(run: Program) -> None:
    result = live(run)

    assert (result.status, result.stderr) == (0, "")
    assert result.text == f"{LEFT}\n{ON}\n"


def test_a_line_is_there_as_soon_as_it_is_final(begin: Begin) -> None:
    running, pipe = begin("transcribe", "--live", "-", *RAW)
    pipe.write(SOUND[: 3 * 2 * RATE])
    assert running.stdout is not None
    early = running.stdout.wait_for(1).decode()
    pipe.write(SOUND[3 * 2 * RATE :])
    pipe.close()
    result = running.wait()

    assert early == f"{LEFT}\n"
    assert (result.status, result.text) == (0, f"{LEFT}\n{ON}\n")


def test_words_are_lines_with_their_times(run: Program) -> None:
    result = live(run, "--words")

    said = [*words_of(LEFT, 0.2, 1.9), *words_of(ON, 2.4, 4.4)]
    assert result.text == "".join(f"{w['start']:.3f}\t{w['end']:.3f}\t{w['word']}\n" for w in said)


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"]], ids=" ".join)
def test_json_is_an_object_a_line(run: Program, options: list[str]) -> None:
    result = live(run, *options)

    assert (result.status, result.stderr) == (0, "")
    assert [(e["type"], e["text"]) for e in result.events] == [("final", LEFT), ("final", ON)]
    for event, (start, end) in zip(result.events, [(0.2, 1.9), (2.4, 4.4)], strict=True):
        assert list(event) == ["type", "text", "start", "end", "words"]
        assert event["start"] == start
        assert start < event["end"] <= end
        assert [w["word"] for w in event["words"]] == event["text"].split()
        assert all(round(w[t], 3) == w[t] for w in event["words"] for t in ("start", "end"))
        assert_in_order(event["words"])


def test_json_with_what_may_still_change(run: Program) -> None:
    result = live(run, "--json", "--interim")

    assert [(e["type"], e["text"]) for e in result.events] == [
        ("interim", "Turn"),
        ("interim", "Turn left add"),
        ("final", LEFT),
        ("interim", "Then go"),
        ("final", ON),
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_subtitles_are_complete_and_without_faults(run: Program, folder: Path, format: str) -> None:
    result = live(run, "--format", format)

    assert (result.status, result.stderr) == (0, "")
    cues = subtitles(result.text, format)
    assert " ".join(" ".join(text.split()) for *_, text in cues) == f"{LEFT} {ON}"
    assert_well_timed(cues)
    (folder / f"a.{format}").write_text(result.text, "utf-8")
    checked = run("captions", "lint", f"a.{format}", "--json")
    assert [e for e in checked.events if e["severity"] == "error"] == []
    assert checked.status == 0


@pytest.mark.parametrize("format", ["srt", "vtt", "lrc"])
def test_what_is_there_early_is_the_beginning_of_the_whole(begin: Begin, format: str) -> None:
    """The first cue can be shown before the second is spoken."""
    running, pipe = begin("transcribe", "--live", "-", *RAW, "--format", format)
    pipe.write(SOUND[: 3 * 2 * RATE])
    assert running.stdout is not None
    out = running.stdout
    wait_until(lambda: LEFT.split()[-1].encode() in out.wait_for(0))
    early = out.wait_for(0).decode()
    pipe.write(SOUND[3 * 2 * RATE :])
    pipe.close()
    result = running.wait()

    assert result.status == 0
    assert result.text.startswith(early)
    assert subtitles(early, format)[0][2] == LEFT
    assert ON in " ".join(text for *_, text in subtitles(result.text, format))


def test_cues_are_numbered_through(run: Program) -> None:
    cues = list(srt.parse(live(run, "--format", "srt").text))

    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))


def test_cues_never_overlap_however_the_words_do(run: Program) -> None:
    """A short cue would stay longer than its words; the next words may be there already, or be earlier."""
    short = [(i / 2, final(f" Word{i}.", i * 0.2, i * 0.2 + 0.15)) for i in range(1, 8)]
    back = final(" Back.", 0.1, 0.3)

    result = hear(run, Ear(*short, (4, back)), "--format", "srt")

    assert result.status == 0, result.stderr
    cues = subtitles(result.text, "srt")
    assert_well_timed(cues)
    assert [text for *_, text in cues] == [*(f"Word{i}." for i in range(1, 8)), "Back."]


EMPTY: dict[str, str] = {"text": "", "json": "", "srt": "", "vtt": "WEBVTT\n", "tsv": "start\tend\ttext\n"}


@pytest.mark.parametrize(("format", "expected"), EMPTY.items(), ids=EMPTY)
def test_silence_is_an_empty_transcript(run: Program, format: str, expected: str) -> None:
    result = hear(run, Ear(interim("Hm"), interim("")), "--format", format)

    assert (result.status, result.stderr) == (0, "")
    assert result.text.rstrip("\n") == expected.rstrip("\n")


def test_a_final_text_that_is_empty_is_no_line(run: Program) -> None:
    nothing = final("", 0, 0)

    assert hear(run, Ear(nothing, final(" One.", 0, 1), nothing)).text == "One.\n"
    assert hear(run, Ear(nothing), "--words").text == ""
    assert hear(run, Ear(nothing), "--format", "srt").text.strip() == ""


def test_a_text_with_odd_white_space_is_one_line(run: Program) -> None:
    odd = final("  Two \n lines,\r\n\tand a tab. ", 0, 1, words=[])

    assert hear(run, Ear(odd)).text == "Two lines, and a tab.\n"


@pytest.mark.parametrize("options", [["--words"], ["--format", "srt"], ["--format", "vtt"]], ids=" ".join)
def test_times_that_are_needed_and_missing_are_an_error(run: Program, options: list[str]) -> None:
    script = [final("One.", 0.1, 0.9), final(" Two.", 0, 0, words=[])]

    result = hear(run, Ear(*script), *options)

    assert result.status == 6
    assert "hint: " in result.stderr
    assert "One." in result.text
    assert "Two." not in result.text


def test_text_needs_no_times(run: Program) -> None:
    untimed = message("transcript", text="Good day.", is_final=True)

    assert hear(run, Ear(untimed)).text == "Good day.\n"
    assert hear(run, Ear(untimed), "--json").events == [{"type": "final", "text": "Good day."}]


def test_other_scripts_and_markup_pass(run: Program) -> None:
    said = "Grüße <b>& 你好 🙂 -->"

    assert hear(run, Ear(final(said, 0, 1))).text == f"{said}\n"
    assert subtitles(hear(run, Ear(final("你好 Grüße", 0, 1)), "--format", "srt").text, "srt")[0][2]


def test_nothing_of_a_server_drives_the_terminal(run: Program) -> None:
    evil = "One\x1b[31m \x07two\x9b3m \u2028three"
    script = [interim(evil), final(evil, 0, 1)]

    result = hear(run, Ear(*script), tty=["stdout", "stderr"])

    assert result.status == 0
    assert not [c for c in result.text if c != "\n" and not c.isprintable()], repr(result.text)
    assert "\x1b" not in result.stderr.replace("\r\x1b[2K", "")


# Interim text


def test_a_pipe_sees_nothing_that_may_still_change(run: Program) -> None:
    result = live(run, tty=["stdout"])

    assert (result.text, result.stderr) == (f"{LEFT}\n{ON}\n", "")


@pytest.mark.parametrize("columns", [20, 80])
def test_interim_text_is_rewritten_in_place(run: Program, columns: int) -> None:
    result = live(run, tty=["stderr"], columns=columns)

    assert result.text == f"{LEFT}\n{ON}\n"
    for words in ("Turn", "Turn left add", "Then go"):
        assert words in result.stderr
    assert screen(result.stderr, columns) == []
    assert "\n" not in result.stderr


def test_a_long_interim_text_keeps_to_its_line(run: Program) -> None:
    steps = [interim(f"{'Turn left at the light, then go ' * n}on") for n in range(5)]
    wide = interim("你好你好你好你好你好你好你好你好")
    ear = Ear(*steps, wide, interim("supercalifragilisticexpialidocious"))

    result = hear(run, ear, tty=["stderr"], columns=20)

    assert screen(result.stderr, 20) == []
    updates = result.stderr.split("\r\x1b[2K")
    assert all(len(screen(update, 20)) <= 1 for update in updates)
    assert any(update.endswith("go on") for update in updates), "the newest words must be seen"


def test_finals_and_interim_text_share_a_terminal(run: Program) -> None:
    joined = ("sh", "-c", 'exec "$@" 2>&1', "sh")

    result = live(run, wrapper=joined, tty=["stdout"], columns=20)

    assert result.status == 0
    # Each text stands for itself; the longer one takes two lines of 20 columns.
    assert "".join(line.ljust(20) for line in screen(result.text, 20)).split() == f"{LEFT} {ON}".split()
    assert "Turn left add" in result.text


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_who_asks_for_quiet_or_json_sees_no_interim_text(run: Program, option: str) -> None:
    assert live(run, option, tty=["stderr"]).stderr == ""


# In a file


@pytest.mark.parametrize("ending", ["txt", "json", "srt", "tsv"])
def test_the_ending_decides_and_the_file_is_as_standard_output(
    run: Program, folder: Path, ending: str
) -> None:
    name = "text" if ending == "txt" else ending
    piped = live(run, "--format", name)

    result = live(run, "-o", f"a.{ending}")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert [p.name for p in folder.iterdir()] == [f"a.{ending}"]
    assert (folder / f"a.{ending}").read_bytes() == piped.stdout


def test_a_name_that_says_nothing_needs_a_format(run: Program, api: SocketServer, folder: Path) -> None:
    assert_failure(live(run, "-o", "notes"), 2, "--format")
    assert_failure(live(run, "-o", "a.srt", "--format", "vtt"), 2, "--format vtt")
    assert list(folder.iterdir()) == []
    assert api.n_handshakes == 0

    assert live(run, "-o", "notes", "--format", "srt").status == 0
    assert (folder / "notes").read_text("utf-8").startswith("1\n")


@pytest.mark.parametrize("format", ["txt", "json", "srt", "vtt", "ass"])
def test_a_file_is_valid_at_every_moment(begin: Begin, folder: Path, format: str) -> None:
    """It is written in place, and whoever looks finds whole cues."""
    path = folder / f"a.{format}"
    path.write_text("~\n" * 500)
    inode = path.stat().st_ino
    seen: list[str] = []

    def look() -> str:
        text = path.read_bytes().decode()
        if not seen or seen[-1] != text:
            seen.append(text)
        return text

    running, pipe = begin("transcribe", "--live", "-", *RAW, "-o", path.name)
    pipe.write(SOUND[:RATE])
    wait_until(lambda: "~" not in path.read_text("utf-8"))  # gone with the first words
    for part in range(1, 10):
        pipe.write(SOUND[part * RATE : (part + 1) * RATE])
        look()
        if part == 6:
            wait_until(lambda: "light" in look())
    pipe.close()
    result = running.wait()
    look()

    assert result.status == 0
    assert path.stat().st_ino == inode
    assert [p.name for p in folder.iterdir()] == [path.name]
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert len(seen) >= 3  # nothing, one text, both
    for text in seen:
        if format == "json":
            assert all(json.loads(line)["type"] == "final" for line in text.splitlines())
        elif format == "txt":
            assert text in {"", f"{LEFT}\n", f"{LEFT}\n{ON}\n"}
        elif text.strip():
            assert " ".join(said for *_, said in subtitles(text, format)) in {"", LEFT, f"{LEFT} {ON}"}


def test_a_person_sees_what_goes_into_a_file(run: Program) -> None:
    result = live(run, "-o", "a.txt", tty=["stderr"])

    shown = "\n".join(screen(result.stderr, 80))
    assert LEFT in shown
    assert ON in shown
    assert "add" not in shown
    assert result.stdout == b""


def test_no_clobber_keeps_what_is_there(run: Program, folder: Path) -> None:
    (folder / "a.txt").write_text("old")

    refused = live(run, "-o", "a.txt", "--no-clobber")
    new = live(run, "-o", "b.txt", "--no-clobber")

    assert_failure(refused, 2, "a.txt", "--no-clobber")
    assert (folder / "a.txt").read_text() == "old"
    assert new.status == 0
    assert (folder / "b.txt").read_text() == f"{LEFT}\n{ON}\n"


def test_no_clobber_minds_a_link_that_leads_nowhere(run: Program, folder: Path) -> None:
    (folder / "a.txt").symlink_to("gone.txt")

    assert live(run, "-o", "a.txt", "--no-clobber").status == 2

    assert not (folder / "gone.txt").exists()


def test_a_folder_is_no_file(run: Program, api: SocketServer, folder: Path) -> None:
    (folder / "subs").mkdir()
    (folder / "subs.srt").mkdir()

    for name in ("subs", "subs/", "subs.srt", "."):
        assert_failure(live(run, "-o", name, "--format", "srt"), 2, "folder")
    assert_failure(live(run, "-o", "new/", "--format", "srt"), 2)
    assert api.n_handshakes == 0


def test_a_file_that_cannot_be_written_is_status_7(run: Program, folder: Path) -> None:
    (folder / "shut").mkdir(mode=0o500)

    assert_failure(live(run, "-o", "missing/a.txt"), 7, "missing")
    assert_failure(live(run, "-o", "shut/a.txt", wrapper=WITHOUT_PRIVILEGE), 7, "shut")
    assert_failure(live(run, "-o", "/dev/full", "--format", "text"), 7, "/dev/full")


def test_a_full_standard_output_is_status_7(run: Program) -> None:
    result = live(run, stdout=os.open("/dev/full", os.O_WRONLY))

    assert result.status == 7
    assert result.lines[0].startswith("cartesia: ")


def test_a_closed_standard_output_is_status_7(run: Program) -> None:
    assert live(run, closed=1).status == 7


def test_a_link_leads_to_the_file(run: Program, folder: Path) -> None:
    (folder / "real.txt").write_text("old")
    (folder / "real.txt").chmod(0o640)
    (folder / "a.txt").symlink_to("real.txt")

    assert live(run, "-o", "a.txt").status == 0

    assert (folder / "a.txt").is_symlink()
    assert (folder / "real.txt").read_text() == f"{LEFT}\n{ON}\n"
    assert stat.S_IMODE((folder / "real.txt").stat().st_mode) == 0o640


def test_a_recording_is_never_its_own_transcript(run: Program, folder: Path) -> None:
    (folder / "a.txt").write_bytes(SOUND)
    (folder / "b.txt").symlink_to("a.txt")

    for name in ("a.txt", "b.txt"):
        result = run("transcribe", "--live", "a.txt", *RAW, "--pace", "max", "-o", name)

        assert_failure(result, 2, "recording")
        assert (folder / "a.txt").read_bytes() == SOUND


def test_dash_is_standard_output(run: Program, folder: Path) -> None:
    assert live(run, "-o", "-").text == f"{LEFT}\n{ON}\n"
    assert list(folder.iterdir()) == []


def test_a_named_pipe_is_written_as_it_comes(run: Program, folder: Path) -> None:
    os.mkfifo(folder / "out.txt")
    running = run.start("transcribe", "--live", "-", *RAW, "-o", "out.txt", stdin=SOUND)
    received = (folder / "out.txt").read_text("utf-8")

    assert running.wait().status == 0
    assert received == f"{LEFT}\n{ON}\n"


# Options that exclude each other


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--format", "text", "--format", "srt"], "format"),
        (["--json", "--format", "srt"], "--json"),
        (["--interim"], "--interim"),
        (["--interim", "--format", "srt"], "--interim"),
        (["--min-volume", "1.5"], "--min-volume"),
        (["--min-volume", "nan"], "--min-volume"),
        (["--max-silence", "-1"], "--max-silence"),
        (["--max-silence", "inf"], "--max-silence"),
        (["--pace", "fast"], "--pace"),
        (["--pace", "0"], "--pace"),
        (["--pace", "nan"], "--pace"),
        (["--pace", "-2"], "--pace"),
        (["--encoding", "pcm_s24le"], "--encoding"),
        (["--sample-rate", "1"], "--sample-rate"),
        (["--captions", "nonsense"], "nonsense"),
        (["--skip-existing"], "--skip-existing"),
        (["--device", "1"], "--device"),
        (["--pace", ""], "--pace"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    run: Program, api: SocketServer, options: list[str], named: str
) -> None:
    result = live(run, *options)

    assert result.status == 2, result.stderr
    assert named in result.stderr
    assert result.stdout == b""
    assert api.n_handshakes == 0


@pytest.mark.parametrize(
    "option",
    [
        ["--turns"],
        ["--interim"],
        ["--min-volume", "0.1"],
        ["--min-volume", "0"],
        ["--max-silence", "1"],
        ["--pace", "4"],
        ["--device", "0"],
    ],
    ids=" ".join,
)
def test_options_for_live_sound_need_it(run: Program, option: list[str]) -> None:
    result = run("transcribe", "-", *RAW, *option, stdin=SOUND)

    assert_failure(result, 2, option[0], "--live")


@pytest.mark.parametrize(
    "sources", [["a.wav", "b.wav"], ["-", "a.wav"], ["--mic", "a.wav"], ["--mic", "-"], []]
)
def test_live_sound_has_one_source(run: Program, api: SocketServer, sources: list[str]) -> None:
    assert_failure(run("transcribe", "--live", *sources), 2)
    assert api.n_handshakes == 0


def test_a_list_of_sources_is_not_live(run: Program, folder: Path) -> None:
    (folder / "list").write_text("a.wav\n")

    assert_failure(run("transcribe", "--live", "--from-file", "list"), 2)
    assert_failure(run("transcribe", "--live", "--mic", "--pace", "2"), 2, "--pace")
    assert_failure(run("transcribe", "--live", "--mic", *RAW), 2, "--encoding")


def test_stats_come_after_the_words(run: Program) -> None:
    result = live(run, "--stats")

    assert result.text == f"{LEFT}\n{ON}\n"
    stats = dict(line.split(": ") for line in result.lines)
    assert float(stats["wall"]) > 0
