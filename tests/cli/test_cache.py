"""``say --cache`` and ``cartesia cache``: nothing is asked for twice."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cloud import Cloud, chunk, pcm
from tests.cli.conftest import Say
from tests.cli.program import Program, assert_failure, wait_until
from tests.fakes.scripted import HANG, Gate, chunked, sse

TEXT = "The kettle is on, and the bread is warm."


def store(program: Program) -> list[Path]:
    """Return the entries of the cache."""
    return sorted((program.home / ".cache" / "cartesia" / "speech").rglob("*.speech"))


def speech_requests(cloud: Cloud) -> int:
    """Return how many texts the cloud was asked to speak."""
    return sum("/tts/" in request.target for request in cloud.requests)


def test_the_second_run_asks_for_nothing(say: Say, cloud: Cloud, folder: Path) -> None:
    first = say(TEXT, "-o", "a.wav", "--timings", "a.srt", "--cache", "--json")
    second = say(TEXT, "-o", "b.wav", "--timings", "b.srt", "--cache", "--json")

    assert speech_requests(cloud) == 1
    assert (first.json["stats"]["requests"], second.json["stats"]["requests"]) == (1, 0)
    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()
    assert (folder / "a.srt").read_bytes() == (folder / "b.srt").read_bytes()


def test_without_the_option_nothing_is_kept(say: Say, cloud: Cloud, in_cloud: Program) -> None:
    say(TEXT, "-o", "a.wav")
    say(TEXT, "-o", "a.wav")

    assert speech_requests(cloud) == 2
    assert store(in_cloud) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--voice", "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"],
        ["--model", "sonic-2"],
        ["--speed", "1.2"],
        ["--volume", "0.8"],
        ["--emotion", "angry"],
        ["--language", "de"],
        ["--normalization", "off"],
        ["-r", "16000"],
        ["--encoding", "pcm_f32le"],
        ["--timings", "a.srt"],
        ["--phonemes", "--timings", "a.json"],
    ],
    ids=lambda options: options[0],
)
def test_whatever_shapes_the_speech_is_asked_for_anew(say: Say, cloud: Cloud, options: list[str]) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    changed = say(TEXT, "-o", "b.wav", "--cache", *options)
    again = say(TEXT, "-o", "c.wav", "--cache", *options)

    assert (changed.status, again.status) == (0, 0)
    assert speech_requests(cloud) == 2


def test_another_text_is_asked_for(say: Say, cloud: Cloud) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    say(f"{TEXT} Come in.", "-o", "a.wav", "--cache")

    assert speech_requests(cloud) == 2


def test_another_server_is_asked(say: Say, cloud: Cloud) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    say(TEXT, "-o", "a.wav", "--cache", "--base-url", f"{cloud.url}/elsewhere")

    assert speech_requests(cloud) == 2


def test_the_parts_of_a_long_text_are_kept_one_by_one(say: Say, cloud: Cloud, folder: Path) -> None:
    sentences = [f"This is sentence number {n} of a text that is long." for n in range(120)]
    (folder / "long.txt").write_text(" ".join(sentences))
    say("-f", "long.txt", "-o", "a.wav", "--cache")
    asked = speech_requests(cloud)

    say("-f", "long.txt", "-o", "b.wav", "--cache")

    assert asked > 1
    assert speech_requests(cloud) == asked
    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()


def test_a_broken_stream_is_not_kept(say: Say, cloud: Cloud, in_cloud: Program) -> None:
    cloud.next(sse(chunk(pcm(TEXT)[:4000])))  # and no `done`

    broken = say(TEXT, "-o", "a.wav", "--timings", "a.srt", "--cache")

    assert broken.status == 6
    assert store(in_cloud) == []


def test_an_interrupted_run_keeps_nothing(in_cloud: Program, cloud: Cloud) -> None:
    gate = Gate()
    sound = pcm(TEXT)
    cloud.next(chunked(sound[:4000], gate, sound[4000:], HANG))
    running = in_cloud.start("say", TEXT, "-o", "a.wav", "--cache")
    assert gate.reached.wait(10)
    wait_until(lambda: any(in_cloud.home.rglob("*.cartesia-part")))

    running.send(signal.SIGINT)
    result = running.wait()
    gate.open()

    assert result.status == 130
    assert [path for path in in_cloud.home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "garbage"])
def test_a_damaged_entry_is_asked_for_anew(
    say: Say, cloud: Cloud, in_cloud: Program, folder: Path, damage: str
) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    [entry] = store(in_cloud)
    data = entry.read_bytes()
    flipped = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    entry.write_bytes({"flipped": flipped, "cut": data[:-50], "empty": b"", "garbage": b"x" * 5000}[damage])

    result = say(TEXT, "-o", "b.wav", "--cache")

    assert result.status == 0
    assert speech_requests(cloud) == 2
    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()
    assert entry.read_bytes() == data


def test_a_cache_that_cannot_be_written_costs_nothing(say: Say, in_cloud: Program, folder: Path) -> None:
    (in_cloud.home / ".cache").write_text("in the way")

    result = say(TEXT, "-o", "a.wav", "--cache")

    assert (result.status, result.stderr) == (0, "")
    assert (folder / "a.wav").exists()


def test_several_runs_at_once_do_not_spoil_the_entry(in_cloud: Program, folder: Path) -> None:
    runs = [in_cloud.start("say", TEXT, "-o", f"{n}.wav", "--cache") for n in range(4)]

    assert [run.wait().status for run in runs] == [0, 0, 0, 0]
    assert len({(folder / f"{n}.wav").read_bytes() for n in range(4)}) == 1
    assert len(store(in_cloud)) == 1
    assert in_cloud("say", TEXT, "-o", "last.wav", "--cache", "--json").json["stats"]["requests"] == 0


def test_the_built_in_voice_is_remembered_too(run: Program, folder: Path) -> None:
    options = ("--engine", "local", "--cache", "--json")
    first = run("say", "Warm bread.", "-o", "a.wav", "--timings", "a.json", *options)
    second = run("say", "Warm bread.", "-o", "b.wav", "--timings", "b.json", *options)

    assert (first.json["stats"]["requests"], second.json["stats"]["requests"]) == (1, 0)
    assert (folder / "a.wav").read_bytes() == (folder / "b.wav").read_bytes()
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


def test_a_dictionary_that_changed_is_another_speech(run: Program, folder: Path) -> None:
    dictionary = run("dicts", "add", "tales", "Siobhan=shivawn", "--engine", "local").text.strip()
    options = ("--engine", "local", "--cache", "--dict", dictionary)
    run("say", "Siobhan sings.", "-o", "a.wav", *options)
    run("dicts", "set", dictionary, "Siobhan=tabletop", "--engine", "local")

    run("say", "Siobhan sings.", "-o", "b.wav", *options)

    assert (folder / "a.wav").read_bytes() != (folder / "b.wav").read_bytes()


def test_the_events_of_a_remembered_speech_hold_the_same_words(say: Say) -> None:
    first = say(TEXT, "-o", "a.wav", "--cache", "--events").events
    second = say(TEXT, "-o", "a.wav", "--cache", "--events").events

    def words(events: list[dict[str, Any]]) -> list[Any]:
        return [word for event in events if event["type"] == "timestamps" for word in event["words"]]

    assert words(first) == words(second) != []


def test_stats_tell_how_much_there_is(say: Say, in_cloud: Program) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    [entry] = store(in_cloud)

    facts = in_cloud("cache", "stats", "--json").json
    shown = in_cloud("cache", "stats").text

    assert facts["entries"] == 1
    assert facts["bytes"] == entry.stat().st_size
    assert Path(facts["folder"]) == in_cloud.home / ".cache" / "cartesia"
    assert f"bytes\t{entry.stat().st_size}\n" in shown


def test_an_empty_cache(run: Program) -> None:
    stats, prune, clear = run("cache", "stats"), run("cache", "prune"), run("cache", "clear")

    assert (stats.status, prune.status, clear.status) == (0, 0, 0)
    assert "entries\t0\n" in stats.text
    assert not (run.home / ".cache").exists()


def filled(say: Say, program: Program) -> list[Path]:
    """Keep three texts, used 1, 10 and 100 days ago; return their entries, the latest first."""
    entries: list[Path] = []
    for days in (1, 10, 100):
        say(f"{days} days ago.", "-o", "a.wav", "--cache")
        [new] = set(store(program)) - set(entries)
        then = time.time() - days * 86_400
        os.utime(new, (then, then))
        entries.append(new)
    return entries


@pytest.mark.parametrize(
    ("options", "n_left"),
    [([], 2), (["--older-than", "2d"], 1), (["--older-than", "1h"], 0), (["--older-than", "52w"], 3)],
)
def test_prune_deletes_what_was_not_used_for_long(
    say: Say, in_cloud: Program, options: list[str], n_left: int
) -> None:
    entries = filled(say, in_cloud)

    result = in_cloud("cache", "prune", "--json", *options)

    assert set(store(in_cloud)) == set(entries[:n_left])
    assert result.json["deleted"] == 3 - n_left


def test_prune_keeps_what_was_used_last_within_a_size(say: Say, in_cloud: Program) -> None:
    entries = filled(say, in_cloud)
    size = sum(entry.stat().st_size for entry in entries[:2])

    in_cloud("cache", "prune", "--max-size", str(size))

    assert set(store(in_cloud)) == set(entries[:2])


def test_using_an_entry_keeps_it_young(say: Say, in_cloud: Program) -> None:
    filled(say, in_cloud)

    say("100 days ago.", "-o", "a.wav", "--cache")
    in_cloud("cache", "prune")

    assert len(store(in_cloud)) == 3


def test_clear_forgets_everything(say: Say, in_cloud: Program) -> None:
    filled(say, in_cloud)
    in_cloud("voices", "list")

    result = in_cloud("cache", "clear")

    assert result.status == 0
    assert [path for path in (in_cloud.home / ".cache").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--max-size", "big"], "big"), (["--older-than", "soon"], "soon"), (["--older-than", "3"], "3")],
)
def test_sizes_and_ages_that_are_none(run: Program, options: list[str], named: str) -> None:
    assert_failure(run("cache", "prune", *options), 2, named)


def test_no_key_is_in_the_cache(say: Say, in_cloud: Program) -> None:
    say(TEXT, "-o", "a.wav", "--cache")
    [entry] = store(in_cloud)
    trailer = entry.read_bytes().rpartition(b'{"words"')[2]

    assert in_cloud.env["CARTESIA_API_KEY"].encode() not in entry.read_bytes()
    assert json.loads(b'{"words"' + trailer[:-16])["request"]["transcript"] == TEXT
