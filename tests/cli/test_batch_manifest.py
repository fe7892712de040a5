"""What ``cartesia batch`` reads, how it names files, what it refuses before it starts: cli.md section 10."""

import json
import os
import threading
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.cli.batching import RAW, asked, files, holds, names_line, write
from tests.cli.cloud import DEFAULT_VOICE, Cloud, pcm, voice
from tests.cli.program import Program, Result, assert_failure, assert_printable

SKYLAR = "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4"
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def assert_mistakes(result: Result, *numbers: int) -> None:
    """Check that a manifest was refused, and that exactly these of its lines were named."""
    assert result.status == 2, result.stderr
    assert result.stdout == b""
    assert_printable(result.stderr)
    named = {n for n in range(1, 100) if any(names_line(line, n) for line in result.lines)}
    assert named == set(numbers), result.stderr


# Four formats


MANIFESTS: dict[str, tuple[str, list[str]]] = {
    "lines.txt": ("Good day.\n\nSee you soon.\n", ["000001.raw", "000003.raw"]),
    "lines.jsonl": ('{"text": "Good day."}\n{"text": "See you soon."}\n', ["000001.raw", "000002.raw"]),
    "lines.csv": ("id,text\na,Good day.\nb,See you soon.\n", ["a.raw", "b.raw"]),
    "lines.tsv": ("text\tid\nGood day.\ta\nSee you soon.\tb\n", ["a.raw", "b.raw"]),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_of_each_format_is_spoken(in_cloud: Program, folder: Path, name: str) -> None:
    text, names = MANIFESTS[name]
    (folder / name).write_text(text)

    result = in_cloud("batch", name, "-o", "out", *RAW)

    assert (result.status, result.stdout) == (0, b"")
    assert files(folder / "out") == names
    assert holds(folder / "out" / names[0], "Good day.")
    assert holds(folder / "out" / names[1], "See you soon.")


def test_csv_as_spreadsheets_write_it(in_cloud: Program, folder: Path) -> None:
    rows = '\ufeffid,text\r\na,"He said ""yes"", and left."\r\nb,"Two\r\nlines."\r\nc,"Straße, Ω, 日本."\r\n'
    (folder / "lines.csv").write_bytes(rows.encode())

    result = in_cloud("batch", "lines.csv", "-o", "out", *RAW, "--jobs", "1")

    assert result.status == 0
    assert holds(folder / "out" / "a.raw", 'He said "yes", and left.')
    assert holds(folder / "out" / "c.raw", "Straße, Ω, 日本.")


def test_standard_input_is_a_manifest(in_cloud: Program, folder: Path) -> None:
    manifest = b'{"text": "Good day.", "id": "a"}\n{"text": "See you soon.", "id": "b"}\n'

    result = in_cloud("batch", "-", "--manifest-format", "jsonl", "-o", "out", *RAW, stdin=manifest)

    assert result.status == 0
    assert files(folder / "out") == ["a.raw", "b.raw"]
    assert holds(folder / "out" / "b.raw", "See you soon.")


def test_a_manifest_whose_name_does_not_tell_its_format(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    (folder / "lines").write_text("Good day.\n")

    unsaid = in_cloud("batch", "lines", "-o", "out", *RAW)
    said = in_cloud("batch", "lines", "--manifest-format", "txt", "-o", "out", *RAW)

    assert_failure(unsaid, 2, "--manifest-format")
    assert said.status == 0
    assert asked(cloud) == ["Good day."]


def test_an_empty_manifest_is_nothing_to_do(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    for name, text in {"a.txt": "\n\n", "a.jsonl": "", "a.csv": "id,text\n"}.items():
        (folder / name).write_text(text)

        assert in_cloud("batch", name, "-o", "out", "--json").stdout == b""

    assert cloud.requests == []
    assert files(folder) == ["a.csv", "a.jsonl", "a.txt"]


# What a line may say


def test_what_a_line_says_goes_before_the_options(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    line = {
        "voice": SKYLAR,
        "model": "sonic-2",
        "language": "de",
        "speed": 1.2,
        "volume": 0.8,
        "emotion": "angry",
    }
    write(folder, {"text": "Guten Tag.", **line}, "Good day.")

    result = in_cloud(
        "batch", "lines.jsonl", "-o", "out", *RAW, "--jobs", "1",
        "--model", "sonic-latest", "--language", "en", "--speed", "0.9",
    )  # fmt: skip

    assert result.status == 0
    [said, by_option] = cloud.spoken
    assert {k: said[k] for k in ("model_id", "language")} == {"model_id": "sonic-2", "language": "de"}
    assert SKYLAR in str(said["voice"])
    assert said["generation_config"] == {"speed": 1.2, "volume": 0.8, "emotion": "angry"}
    assert (by_option["model_id"], by_option["language"]) == ("sonic-latest", "en")
    assert DEFAULT_VOICE in str(by_option["voice"])
    assert by_option["generation_config"] == {"speed": 0.9}


def test_csv_has_the_same_columns(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    rows = f"text,voice,speed,emotion,language\nGood day.,{SKYLAR},1.2,happy,fr\nSee you soon.,,,,\n"
    (folder / "lines.csv").write_text(rows)

    result = in_cloud("batch", "lines.csv", "-o", "out", *RAW, "--jobs", "1")

    assert result.status == 0
    [said, plain] = cloud.spoken
    assert SKYLAR in str(said["voice"])
    assert said["language"] == "fr"
    assert said["generation_config"] == {"speed": 1.2, "emotion": "happy"}
    assert DEFAULT_VOICE in str(plain["voice"])
    assert "generation_config" not in plain


def test_a_voice_by_name_is_looked_up_once(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    cloud.voices.append(voice(SKYLAR, "Skylar"))
    write(folder, *({"text": f"Sentence {i}.", "voice": "Skylar"} for i in range(5)))

    assert in_cloud("batch", "lines.jsonl", "-o", "out", *RAW).status == 0

    assert len([target for target in cloud.lookups if "starting_after" not in target]) == 1
    assert all(SKYLAR in str(body["voice"]) for body in cloud.spoken)


def test_each_line_may_have_its_own_format(in_cloud: Program, folder: Path) -> None:
    formats = ("wav", "mp3", "flac", "ogg", "pcm", "ulaw")
    write(
        folder,
        *({"text": "Good day.", "id": f, "format": f} for f in formats),
        {"text": "So.", "output": "x.opus"},
    )

    result = in_cloud("batch", "lines.jsonl", "-o", "out")

    assert result.status == 0
    assert files(folder / "out") == sorted([*(f"{f}.{f}" for f in formats), "x.opus"])
    kinds = {
        name: soundfile.info(folder / "out" / name).format for name in ("wav.wav", "mp3.mp3", "flac.flac")
    }
    assert kinds == {"wav.wav": "WAV", "mp3.mp3": "MP3", "flac.flac": "FLAC"}
    assert {soundfile.info(folder / "out" / name).format for name in ("ogg.ogg", "x.opus")} == {"OGG"}
    assert (folder / "out" / "pcm.pcm").read_bytes() == pcm("Good day.")
    assert len((folder / "out" / "ulaw.ulaw").read_bytes()) == round(0.05 * 9 * 8000)


def test_a_format_that_cannot_have_what_the_options_ask_for_is_a_mistake(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, "Good day.", {"text": "See you.", "format": "flac"}, {"text": "Bye.", "output": "a.opus"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", "-r", "44100")

    assert_mistakes(result, 3)
    assert cloud.requests == []


def test_a_language_that_the_built_in_engine_does_not_speak_is_a_mistake(run: Program, folder: Path) -> None:
    write(folder, "Good day.", {"text": "Guten Tag.", "language": "xx"}, {"text": "So.", "voice": "nobody"})

    result = run("batch", "lines.jsonl", "-o", "out", "--engine", "local")

    assert_mistakes(result, 2, 3)
    assert files(folder) == ["lines.jsonl"]


def test_without_a_format_it_is_wav(in_cloud: Program, folder: Path) -> None:
    write(folder, "Good day.")

    assert in_cloud("batch", "lines.jsonl", "-o", "out").status == 0

    assert files(folder / "out") == ["000001.wav"]
    assert holds(folder / "out" / "000001.wav", "Good day.")
    assert soundfile.info(folder / "out" / "000001.wav").samplerate == 44_100


# Names


def test_names_come_from_output_or_the_template_or_the_id_or_the_line(
    in_cloud: Program, folder: Path
) -> None:
    lines = [{"text": "One.", "id": "first"}, {"text": "Two.", "output": "b/second"}, {"text": "Three."}]
    write(folder, *lines)

    plain = in_cloud("batch", "lines.jsonl", "-o", "plain", *RAW)
    named = in_cloud("batch", "lines.jsonl", "-o", "named", *RAW, "--name", "n-{line}")

    assert (plain.status, named.status) == (0, 0)
    assert files(folder / "plain") == ["000003.raw", "b/second.raw", "first.raw"]
    assert files(folder / "named") == ["b/second.raw", "n-000001.raw", "n-000003.raw"]
    assert holds(folder / "named" / "b" / "second.raw", "Two.")


def test_the_template_knows_id_line_voice_and_slug(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    cloud.voices.append(voice(SKYLAR, "Skylar"))
    write(folder, {"text": "Good Day, dear Ümit!", "id": "x7", "voice": "Skylar"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW, "--name", "{voice}/{id}_{line}_{slug}")

    assert result.status == 0
    [name] = files(folder / "out")
    head, _, tail = name.partition("/")
    assert head.lower() == "skylar"
    assert tail.startswith("x7_000001_good-day")
    assert tail.endswith(".raw")


@pytest.mark.parametrize(
    "template", ["{nope}", "{", "{id!r}", "{line:99999}", "{id.x}", "", "../{id}", "/srv/{id}"]
)
def test_a_template_that_is_none_is_refused(
    in_cloud: Program, cloud: Cloud, folder: Path, template: str
) -> None:
    write(folder, {"text": "Good day.", "id": "a"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW, "--name", template)

    assert result.status == 2, result.stderr
    assert cloud.requests == []
    assert files(folder) == ["lines.jsonl"]


def test_ids_of_any_kind_become_names_that_every_file_system_takes(in_cloud: Program, folder: Path) -> None:
    ids = [
        "a:b?*",
        'q"<>|',
        "CON",
        "nul.txt",
        "dots...",
        "space ",
        "x" * 400,
        "日本語",
        "-rf",
        ".hidden",
    ]
    write(folder, *({"text": f"This is sentence {i}.", "id": name} for i, name in enumerate(ids)))

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert result.status == 0, result.stderr
    made = [path.name for path in (folder / "out").iterdir() if path.suffix == ".raw"]
    assert len(made) == len(ids)
    for name in made:
        assert not set('<>:"/\\|?*') & set(name), name
        assert not [c for c in name if unicodedata.category(c) == "Cc"], name
        assert len(name.encode()) <= 255, name
        assert name.partition(".")[0].rstrip().lower() not in RESERVED, name
        assert not name.removesuffix(".raw").endswith((".", " ")), name
    assert "日本語.raw" in made


@pytest.mark.parametrize("evil", ["../../evil", "/etc/evil", "..\\evil", "..", "a/../../evil"])
def test_an_id_never_leads_out_of_the_folder(in_cloud: Program, folder: Path, evil: str) -> None:
    write(folder, {"text": "Good day.", "id": evil})

    result = in_cloud("batch", "lines.jsonl", "-o", "deep/out", *RAW)

    assert result.status == 0
    written = [path.relative_to(folder).as_posix() for path in folder.rglob("*.raw")]
    assert all(name.startswith("deep/out/") for name in written)
    assert len(written) == 1


@pytest.mark.parametrize(
    "output",
    [
        "../a.raw",
        "/abs/a.raw",
        "a/../../b.raw",
        "..\\a.raw",
        "C:\\a.raw",
        "C:a.raw",
        "..",
        ".",
        "a\x00b",
        "a/",
        "b//./a",
    ],
)
def test_a_path_outside_the_folder_is_a_mistake(
    in_cloud: Program, cloud: Cloud, folder: Path, output: str
) -> None:
    write(folder, "Good day.", {"text": "See you.", "output": output})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert_mistakes(result, 2)
    assert cloud.requests == []
    assert files(folder) == ["lines.jsonl"]


@pytest.mark.parametrize("output", [".cartesia-journal", ".CARTESIA-journal", "b/.cartesia-x.raw"])
def test_the_names_of_our_own_files_are_not_for_speech(
    in_cloud: Program, cloud: Cloud, folder: Path, output: str
) -> None:
    write(folder, {"text": "Good day.", "output": output})

    assert_mistakes(in_cloud("batch", "lines.jsonl", "-o", "out", *RAW), 1)
    assert cloud.requests == []


def test_a_symbolic_link_leads_nobody_out_of_the_folder(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "out").mkdir()
    (folder / "out" / "link").symlink_to(folder / "elsewhere")
    write(folder, {"text": "Good day.", "output": "link/a.raw"}, {"text": "See you.", "output": "b.raw"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert result.status == 8
    assert "Good day." not in asked(cloud)
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_pipe_is_a_manifest(in_cloud: Program, folder: Path) -> None:
    os.mkfifo(folder / "lines.txt")
    text = "Good day.\nSee you.\n"
    writer = threading.Thread(target=(folder / "lines.txt").write_text, args=[text], daemon=True)
    writer.start()

    result = in_cloud("batch", "lines.txt", "-o", "out", *RAW)
    writer.join(10)

    assert result.status == 0
    assert files(folder / "out") == ["000001.raw", "000002.raw"]


SAME = {
    "the same": ("a.raw", "a.raw"),
    "by case": ("Intro.raw", "intro.raw"),
    "by case of the ending": ("a.raw", "a.RAW"),
    "by Unicode form": (unicodedata.normalize("NFC", "é.raw"), unicodedata.normalize("NFD", "é.raw")),
    "by case folding": ("straße.raw", "STRASSE.raw"),
    "a folder by case": ("B/a.raw", "b/a.raw"),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_two_lines_on_one_file_are_a_mistake_of_both(
    in_cloud: Program, cloud: Cloud, folder: Path, pair: tuple[str, str]
) -> None:
    first, second = pair
    write(
        folder,
        "Nothing wrong.",
        {"text": "One.", "output": first},
        "Fine.",
        {"text": "Two.", "output": second},
    )

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert_mistakes(result, 2, 4)
    assert cloud.requests == []
    assert files(folder) == ["lines.jsonl"]


def test_two_lines_with_one_id_are_a_mistake_of_both(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    (folder / "lines.csv").write_text("id,text\na,One.\nb,Two.\nA,Three.\n")

    assert_mistakes(in_cloud("batch", "lines.csv", "-o", "out", *RAW), 2, 4)
    assert cloud.requests == []


def test_an_id_may_not_take_the_place_of_a_line_without_one(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, "One.", {"text": "Two.", "id": "000001"})

    assert_mistakes(in_cloud("batch", "lines.jsonl", "-o", "out", *RAW), 1, 2)
    assert cloud.requests == []


def test_a_file_may_not_be_a_folder_of_another(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    write(folder, {"text": "One.", "output": "a.raw"}, {"text": "Two.", "output": "a.raw/b.raw"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert_mistakes(result, 1, 2)
    assert cloud.requests == []


def test_subtitles_may_not_fall_on_speech_or_on_each_other(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, {"text": "One.", "output": "a.raw"}, {"text": "Two.", "output": "a.wav", "format": "wav"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", "--timings", "srt")

    assert_mistakes(result, 1, 2)
    assert cloud.requests == []


# Mistakes


def test_every_mistake_is_named_with_its_line_and_nothing_is_done(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    good = '{"text": "Good day."}'
    wrong: list[Any] = [
        {"text": ""},
        {"text": "..."},
        {"id": "no-text"},
        {"text": 7},
        {"text": "So.", "speed": "quick"},
        {"text": "So.", "speed": 9},
        {"text": "So.", "volume": 0},
        {"text": "So.", "format": "docx"},
        {"text": "So.", "output": "a.mp3", "format": "wav"},
        {"text": "So.", "nonsense": 1},
        ["not an object"],
    ]
    lines = [good, "{no JSON", *(json.dumps(line) for line in wrong), good]
    (folder / "lines.jsonl").write_text("\n".join(lines) + "\n")

    result = in_cloud("batch", "lines.jsonl", "-o", "out")

    assert_mistakes(result, *range(2, 3 + len(wrong)))
    assert "lines.jsonl" in result.stderr
    assert cloud.requests == []
    assert files(folder) == ["lines.jsonl"]


def test_mistakes_of_a_table_are_named_with_their_lines(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    rows = (
        'id,text,speed\na,Good day.,1.0\nb,,1.0\nc,"Two\nlines.",1.0\nd,So.,fast\ne,So.,99\nf,So.,1.0,more\n'
    )
    (folder / "lines.csv").write_text(rows)

    result = in_cloud("batch", "lines.csv", "-o", "out", *RAW)

    assert_mistakes(result, 3, 7, 8)
    assert cloud.requests == []
    assert files(folder) == ["lines.csv"]


@pytest.mark.parametrize("header", ["id,words", "text,text", "id,text,colour", ""])
def test_a_table_whose_header_is_wrong(in_cloud: Program, cloud: Cloud, folder: Path, header: str) -> None:
    (folder / "lines.csv").write_text(f"{header}\na,Good day.\n")

    assert in_cloud("batch", "lines.csv", "-o", "out", *RAW).status == 2
    assert cloud.requests == []


def test_a_line_that_is_not_utf8_is_a_mistake(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    (folder / "lines.txt").write_bytes(b"Good day.\nGr\xfc\xdf Gott.\nSo.\n")

    assert_mistakes(in_cloud("batch", "lines.txt", "-o", "out", *RAW), 2)
    assert cloud.requests == []


def test_a_voice_that_nobody_knows_is_a_mistake_of_its_line(
    in_cloud: Program, cloud: Cloud, folder: Path
) -> None:
    write(folder, "Good day.", {"text": "See you.", "voice": "Nobody"}, {"text": "Bye.", "voice": "Nobody"})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert result.status == 2
    assert names_line(result.stderr, 2)
    assert not names_line(result.stderr, 1)
    assert "Nobody" in result.stderr
    assert cloud.spoken == []
    assert files(folder) == ["lines.jsonl"]


def test_a_thousand_mistakes_are_counted(in_cloud: Program, cloud: Cloud, folder: Path) -> None:
    (folder / "lines.jsonl").write_text('{"text": ""}\n' * 1000)

    result = in_cloud("batch", "lines.jsonl", "-o", "out", *RAW)

    assert result.status == 2
    assert names_line(result.stderr, 1)
    assert "1,000" in result.stderr or "1000" in result.stderr
    assert cloud.requests == []


def test_mistakes_are_an_object_with_json(in_cloud: Program, folder: Path) -> None:
    write(folder, {"text": ""}, "So.", {"text": "..."})

    result = in_cloud("batch", "lines.jsonl", "-o", "out", "--json")

    assert (result.status, result.stdout) == (2, b"")
    errors = [json.loads(line)["error"] for line in result.lines]
    assert errors[-1]["status"] == 2
    assert names_line(result.stderr, 1)
    assert names_line(result.stderr, 3)


WRONG = {
    "no folder": ["lines.jsonl"],
    "a manifest that is not there": ["nowhere.jsonl", "-o", "out"],
    "a folder as manifest": ["there", "-o", "out"],
    "a file as folder": ["lines.jsonl", "-o", "lines.jsonl"],
    "no jobs": ["lines.jsonl", "-o", "out", "--jobs", "0"],
    "jobs that are no number": ["lines.jsonl", "-o", "out", "--jobs", "many"],
    "a budget below nothing": ["lines.jsonl", "-o", "out", "--budget", "-1"],
    "failures below nothing": ["lines.jsonl", "-o", "out", "--max-failures", "-1"],
    "a report of no known format": ["lines.jsonl", "-o", "out", "--report", "r.docx"],
    "timings of no known format": ["lines.jsonl", "-o", "out", "--timings", "docx"],
    "a format that speech cannot have": ["lines.jsonl", "-o", "out", "--format", "opus", "-r", "44100"],
    "bytes with timings": ["lines.jsonl", "-o", "out", "--timings", "srt", "--transport", "bytes"],
    "a manifest format that is none": ["lines.jsonl", "-o", "out", "--manifest-format", "docx"],
}


@pytest.mark.parametrize("args", WRONG.values(), ids=WRONG)
def test_options_that_are_wrong_are_refused_before_anything_is_sent(
    in_cloud: Program, cloud: Cloud, folder: Path, args: list[str]
) -> None:
    write(folder, "Good day.")
    (folder / "there").mkdir()

    result = in_cloud("batch", *args)

    assert (result.status, result.stdout) == (2, b""), result.stderr
    assert_printable(result.stderr)
    assert cloud.requests == []
    assert files(folder) == ["lines.jsonl"]


def test_standard_input_without_a_format_is_refused(in_cloud: Program, cloud: Cloud) -> None:
    result = in_cloud("batch", "-", "-o", "out", stdin=b"Good day.\n")

    assert_failure(result, 2, "--manifest-format")
    assert cloud.requests == []


OWN = {
    "the manifest": (
        ["lines.wav", "--manifest-format", "jsonl", "-o", "."],
        {"text": "Hi.", "id": "lines"},
    ),
    "the report": (
        ["lines.jsonl", "-o", "out", "--timings", "json", "--report", "out/r.json"],
        {"text": "Hi.", "id": "r"},
    ),
    "the journal": (["lines.jsonl", "-o", "out", "--journal", "out/R.wav"], {"text": "Hi.", "id": "r"}),
}


@pytest.mark.parametrize(("args", "line"), OWN.values(), ids=OWN)
def test_no_line_takes_a_file_of_the_run_itself(
    in_cloud: Program, cloud: Cloud, folder: Path, args: list[str], line: dict[str, str]
) -> None:
    manifest = write(folder, line, name=args[0])
    before = manifest.read_bytes()

    result = in_cloud("batch", *args)

    assert result.status == 2, result.stderr
    assert "of this run" in result.stderr
    assert manifest.read_bytes() == before
    assert cloud.spoken == []


@pytest.mark.parametrize(
    "args",
    [
        ["m.json", "--manifest-format", "jsonl", "--report", "m.json"],
        ["m.json", "--manifest-format", "jsonl", "--journal", "./m.json"],
        ["lines.jsonl", "--report", "x.json", "--journal", "x.json"],
    ],
)
def test_manifest_report_and_journal_are_three_files(
    in_cloud: Program, cloud: Cloud, folder: Path, args: list[str]
) -> None:
    write(folder, "Hello.")
    write(folder, "Hello.", name="m.json")

    assert_failure(in_cloud("batch", *args, "-o", "out"), 2, "same file")
    assert cloud.spoken == []
