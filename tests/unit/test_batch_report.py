"""A report appears whole or not at all, and other programs can read it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.batch.report import Item, Report, Totals, item_fields, report_format
from cartesia_cli.errors import CartesiaError, LimitError, OutputError, UnavailableError, UsageError

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices and limits")

REFUSED = LimitError(
    "Too many: Wait a little.",
    title="Too many",
    code="concurrency_limited",
    request_id="req-1",
    hint="Use fewer jobs.",
)
DONE = Item(1, "intro", "intro.wav", "done", 1.23456, None, 0.25)
SKIPPED = Item(2, None, "kapitel/über.wav", "skipped", 2.0, None, 0.0)
FAILED = Item(4, "end", "end.wav", "failed", None, REFUSED, 1.0004)
ITEMS = (DONE, SKIPPED, FAILED)
TOTALS = Totals(done=1, skipped=1, failed=1, left=7, credits=120, wall=12.34567)

TEXTS = st.text(st.characters(exclude_categories=()), max_size=30)
"""Every character that Python has, halves of characters as well."""

ERRORS = st.builds(
    UnavailableError, TEXTS, hint=st.none() | TEXTS, title=st.none() | TEXTS, code=st.none() | TEXTS,
    request_id=st.none() | TEXTS,
)  # fmt: skip
FAILURES = st.builds(
    Item, st.integers(1, 10**6), st.none() | TEXTS, TEXTS, st.just("failed"), st.none(), ERRORS,
    st.floats(0, 1e6),
)  # fmt: skip

# What Jenkins' schema of JUnit files knows: each element's needed and further attributes, and its children.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
            "version",
        },
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name", "classname"},  # Jenkins itself needs the class, though its schema does not
        {"time", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "skipped": (set(), {"type", "message"}, set()),
    "failure": (set(), {"type", "message"}, set()),
}
WITH_TEXT = {"failure"}
SECONDS = re.compile(r"\d+\.\d{3}")


def check_junit(root: ET.Element) -> None:
    """Check that a file holds nothing that its readers do not know, and that its sums are right."""
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, further, children = SCHEMA[element.tag]
        assert needed <= set(element.attrib) <= needed | further
        assert {child.tag for child in element} <= children
        assert element.tag in WITH_TEXT or not (element.text or "").strip()
        assert not (element.tail or "").strip()
        assert SECONDS.fullmatch(element.get("time", "0.000"))
    for suite in (root, *root.iter("testsuite")):
        counts = {"tests": len(list(suite.iter("testcase"))), "failures": len(list(suite.iter("failure")))}
        assert {name: int(suite.attrib[name]) for name in counts} == counts
        assert suite.get("errors") == "0"
    for suite in root.iter("testsuite"):
        assert int(suite.attrib["skipped"]) == len(list(suite.iter("skipped")))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])


def write(path: Path, items: Sequence[Item], totals: Totals = TOTALS, manifest: str = "lines.csv") -> None:
    with Report(path, manifest) as report:
        for item in items:
            report.add(item)
        report.finish(totals)


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def read_junit(path: Path) -> ET.Element:
    root = ET.fromstring(path.read_bytes())  # noqa: S314  it is ours
    check_junit(root)
    return root


def written(
    ending: str, items: Sequence[Item], totals: Totals = TOTALS, manifest: str = "lines.csv"
) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"report{ending}")
        write(path, items, totals, manifest)
        return path.read_bytes()


def numbered(n_items: int) -> Iterator[Item]:
    return (Item(i, f"line-{i}", f"line-{i}.wav", "done", i / 7, None, 0.1) for i in range(1, n_items + 1))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


# Its kind


@pytest.mark.parametrize(
    ("name", "kind"), [("r.json", "json"), ("r.xml", "xml"), ("R.JSON", "json"), ("a.json.XML", "xml")]
)
def test_the_ending_says_how_it_is_written(name: str, kind: str) -> None:
    assert report_format(Path(name)) == kind


@pytest.mark.parametrize("name", ["report", "r.txt", "r.json.gz", ".json", "-"])
def test_any_other_ending_is_a_usage_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(name))) as caught:
        Report(tmp_path / name, "lines.csv")

    assert caught.value.hint == "Choose a name that ends in .json or .xml."
    assert names(tmp_path) == []


@posix
def test_a_device_without_an_ending_gets_json() -> None:
    assert report_format(Path("/dev/stdout")) == report_format(Path(os.devnull)) == "json"


# An item


def test_an_item_has_every_key_and_what_is_absent_is_null() -> None:
    assert item_fields(SKIPPED._replace(duration=None)) == {
        "line": 2,
        "id": None,
        "output": "kapitel/über.wav",
        "status": "skipped",
        "duration": None,
        "error": None,
    }
    assert list(item_fields(DONE)) == ["line", "id", "output", "status", "duration", "error"]
    assert item_fields(DONE)["duration"] == 1.235


def test_an_error_has_what_is_known_of_it() -> None:
    assert item_fields(FAILED)["error"] == {
        "status": 4,
        "code": "concurrency_limited",
        "title": "Too many",
        "message": "Wait a little.",
        "request_id": "req-1",
        "hint": "Use fewer jobs.",
    }
    assert item_fields(FAILED._replace(error=OutputError("The disk is\x1b full.\n")))["error"] == {
        "status": 7,
        "message": "The disk is  full. ",
    }


# JSON


def test_json_holds_the_totals_and_the_items_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    write(path, ITEMS)

    assert read_json(path) == {
        "version": 1,
        "manifest": "lines.csv",
        "counts": {"done": 1, "skipped": 1, "failed": 1, "left": 7},
        "credits": 120,
        "wall": 12.346,
        "items": [item_fields(item) for item in ITEMS],
    }
    assert "über" in path.read_text("utf-8")
    assert names(tmp_path) == ["r.json"]


def test_every_item_is_a_line_of_json() -> None:
    _, *lines, _ = written(".json", ITEMS).splitlines()

    assert [json.loads(line.removesuffix(b",")) for line in lines] == [item_fields(item) for item in ITEMS]


@given(st.lists(FAILURES, max_size=4), TEXTS)
def test_json_keeps_every_text_and_drives_no_terminal(items: list[Item], manifest: str) -> None:
    data = written(".json", items, manifest=manifest)

    report = json.loads(data)
    # Python's own JSON makes one character of two halves that happen to fit.
    expected = json.loads(json.dumps([manifest, *(item_fields(item) for item in items)]))
    assert [report["manifest"], *report["items"]] == expected
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", data.decode())


# JUnit


def test_junit_has_a_case_for_each_item(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"

    write(path, ITEMS, manifest="part 1/lines.v2.csv")

    root = read_junit(path)
    [suite] = root
    assert (suite.get("name"), suite.get("time")) == ("part 1/lines.v2.csv", "12.346")
    assert [(case.get("name"), case.get("time")) for case in suite.iter("testcase")] == [
        ("intro.wav", "0.250"),
        ("kapitel/über.wav", "0.000"),
        ("end.wav", "1.000"),
    ]
    assert {case.get("classname") for case in suite.iter("testcase")} == {"cartesia.lines_v2"}
    assert [[child.tag for child in case] for case in suite.iter("testcase")] == [
        [],
        ["skipped"],
        ["failure"],
    ]
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties == {"left": "7", "credits": "120"}


def test_a_failure_says_where_it_was_and_what_to_do() -> None:
    failure = ET.fromstring(written(".xml", [FAILED], Totals(0, 0, 1, 0, 0, 1))).find(".//failure")  # noqa: S314

    assert failure is not None
    assert failure.attrib == {"message": "Wait a little.", "type": "concurrency_limited"}
    assert (failure.text or "").splitlines() == [
        "lines.csv, line 4: Too many: Wait a little.",
        "id: end",
        "request: req-1",
        "hint: Use fewer jobs.",
    ]


def test_a_failure_without_a_code_is_of_the_kind_of_its_exit_status() -> None:
    data = written(".xml", [FAILED._replace(error=UnavailableError("No answer."))])

    assert b'type="unavailable"' in data


def test_a_suite_began_when_the_report_was_opened() -> None:
    before = datetime.now(UTC).replace(microsecond=0)

    suite = ET.fromstring(written(".xml", ITEMS)).find("testsuite")  # noqa: S314

    assert suite is not None
    began = datetime.fromisoformat(suite.attrib["timestamp"]).replace(tzinfo=UTC)
    assert before <= began <= datetime.now(UTC) + timedelta(seconds=1)


@given(st.lists(FAILURES, max_size=4), TEXTS)
def test_junit_replaces_only_what_xml_cannot_have(items: list[Item], manifest: str) -> None:
    totals = Totals(0, 0, len(items), 0, 0, 0.0)

    data = written(".xml", items, totals, manifest)

    root = ET.fromstring(data)  # noqa: S314
    check_junit(root)
    assert [case.get("name") for case in root.iter("testcase")] == [
        in_xml(item.output or f"line {item.line}") for item in items
    ]
    assert root[0].get("name") == in_xml(manifest)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", data.decode())
    for item, failure in zip(items, root.iter("failure"), strict=True):
        assert isinstance(item.error, CartesiaError)
        message = item_fields(item)["error"]["message"]
        assert failure.get("message") == in_xml(message)
        assert in_xml(message) in (failure.text or "")


def in_xml(text: str) -> str:
    """Return what is left of a text, by the definition of a character in XML 1.0."""
    return "".join(
        c
        if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
        else "\ufffd"
        for c in text
    )


# The file


@pytest.mark.parametrize("ending", [".json", ".xml"])
def test_a_run_without_items_has_a_report_as_well(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r{ending}"

    write(path, [], Totals(0, 0, 0, 5, 0, 0.0))

    if ending == ".json":
        assert read_json(path)["items"] == []
    else:
        assert list(read_junit(path).iter("testcase")) == []


@pytest.mark.parametrize("n_items", [1, 511, 512, 513, 2000])
def test_no_item_is_lost_between_memory_and_disk(tmp_path: Path, n_items: int) -> None:
    totals = Totals(n_items, 0, 0, 0, 0, 0.0)

    write(tmp_path / "r.json", list(numbered(n_items)), totals)
    write(tmp_path / "r.xml", list(numbered(n_items)), totals)

    lines = list(range(1, n_items + 1))
    assert [item["line"] for item in read_json(tmp_path / "r.json")["items"]] == lines
    cases = read_junit(tmp_path / "r.xml").iter("testcase")
    assert [case.get("name") for case in cases] == [f"line-{i}.wav" for i in lines]


def peak_memory(path: Path, n_items: int) -> int:
    tracemalloc.start()
    with Report(path, "lines.csv") as report:
        for item in numbered(n_items):
            report.add(item)
        report.finish(TOTALS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_items(tmp_path: Path) -> None:
    peak_memory(tmp_path / "r.json", 600)

    few, many = (peak_memory(tmp_path / "r.json", n_items) for n_items in (3_000, 30_000))

    assert (tmp_path / "r.json").stat().st_size > 3_000_000
    assert many < few + 500_000


def test_a_report_that_is_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("before")

    with Report(path, "lines.csv") as report:
        for item in numbered(600):
            report.add(item)
        during = names(tmp_path)

    assert len(during) == 2  # the one without a name is not among them
    assert names(tmp_path) == ["r.json"]
    assert path.read_text() == "before"


def test_a_place_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()

    with pytest.raises(OutputError, match="there is no folder"):
        Report(tmp_path / "none" / "r.json", "lines.csv")
    with pytest.raises(UsageError, match="is a folder"):
        Report(tmp_path / "folder.json", "lines.csv")

    assert names(tmp_path) == ["folder.json"]


@posix
@pytest.mark.parametrize("ending", [".json", ".xml"])
def test_a_disk_that_fills_is_an_output_error_and_leaves_nothing(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"r{ending}"

    with (
        Report(path, "lines.csv") as report,
        largest_file(50_000),
        pytest.raises(OutputError, match=re.escape(f"Cannot write {path}: ")),
    ):
        for item in numbered(10_000):
            report.add(item)

    assert names(tmp_path) == []


@posix
def test_what_a_full_disk_did_not_take_is_written_once_there_is_space(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    with Report(path, "lines.csv") as report:
        n_taken = 0
        with largest_file(50_000), pytest.raises(OutputError):
            for n_taken, item in enumerate(numbered(10_000), start=1):  # noqa: B007  counts what was taken
                report.add(item)
        report.finish(TOTALS)

    assert [item["line"] for item in read_json(path)["items"]] == list(range(1, n_taken + 1))


@posix
def test_a_disk_that_is_full_at_the_end_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / "r.json"

    with Report(path, "lines.csv") as report:
        for item in numbered(100):
            report.add(item)
        with largest_file(1_000), pytest.raises(OutputError, match="Cannot write"):
            report.finish(TOTALS)

    assert names(tmp_path) == []


# Devices and pipes

TO_STDOUT = """
import sys
from pathlib import Path
from cartesia_cli.batch.report import Item, Report, Totals
with Report(Path(sys.argv[1]), "lines.csv") as report:
    report.add(Item(1, None, "a.wav", "done", 1.0, None, 0.5))
    report.finish(Totals(1, 0, 0, 0, 9, 0.5))
"""


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_stdout_is_written_where_it_is(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TO_STDOUT, name], capture_output=True, timeout=30, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert [item["output"] for item in json.loads(done.stdout)["items"]] == ["a.wav"]


@posix
def test_the_null_device_stays_a_device() -> None:
    write(Path(os.devnull), ITEMS)

    assert not Path(os.devnull).is_file()


@posix
def test_a_full_device_is_an_output_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    with pytest.raises(OutputError, match="Cannot write /dev/full: No space left on device"):
        write(Path("/dev/full"), ITEMS)


@posix
def test_a_named_pipe_gets_the_report(tmp_path: Path) -> None:
    path = tmp_path / "pipe.xml"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()), daemon=True)
    reader.start()

    write(path, ITEMS)

    reader.join(10)
    check_junit(ET.fromstring(received[0]))  # noqa: S314


@posix
def test_a_reader_that_goes_away_is_a_broken_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe.json"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    with Report(path, "lines.csv") as report:
        os.close(reader)
        report.add(DONE)
        with pytest.raises(BrokenPipeError):
            report.finish(TOTALS)
