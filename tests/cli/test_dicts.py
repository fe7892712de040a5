"""``dicts``: cli.md sections 7, 8 and 9, on both engines. The cloud is this project's own server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cartesia_cli.local.catalogue import LocalCatalogue
from tests.cli.program import KEY, Program, assert_failure
from tests.cli.test_startup import HEAVY, loaded
from tests.fakes.scripted import Scripted, response
from tests.fakes.server import RunningServer, running_server

UNKNOWN = "pdict_00000000000000000000000000000000"


@pytest.fixture
def kept() -> Iterator[LocalCatalogue]:
    catalogue = LocalCatalogue(":memory:")
    yield catalogue
    catalogue.close()


@pytest.fixture
def api(kept: LocalCatalogue) -> Iterator[RunningServer]:
    with running_server(dictionaries=kept, keys={KEY}) as running:
        yield running


@pytest.fixture(params=["cloud", "local"])
def engine(request: pytest.FixtureRequest, run: Program, api: RunningServer) -> Program:
    """The program, that keeps dictionaries there or here."""
    if request.param == "cloud":
        run.env |= {"CARTESIA_BASE_URL": api.url, "CARTESIA_API_KEY": KEY}
    else:
        run.env["CARTESIA_ENGINE"] = "local"
    return run


def said(run: Program, dictionary: str) -> dict[str, str]:
    """Return what a dictionary says."""
    items = run("dicts", "show", dictionary, "--json").json["items"]
    return {item["text"]: item["alias"] for item in items}


def add(run: Program, name: str, *arguments: object) -> str:
    result = run("dicts", "add", name, *arguments)
    assert (result.status, result.stderr) == (0, "")
    return result.text.strip()


def test_a_new_dictionary_is_known_by_its_id_and_its_name(engine: Program) -> None:
    result = engine("dicts", "add", "names", "Nike=NYE-kee", "Siobhan=shi-VAWN")

    assert (result.status, result.stderr) == (0, "")
    assert result.text.startswith("pdict_")
    assert result.text.endswith("\n")
    assert result.text.count("\n") == 1
    expected = {"Nike": "NYE-kee", "Siobhan": "shi-VAWN"}
    assert said(engine, result.text.strip()) == said(engine, "NAMES") == expected


def test_lists_are_separated_by_tabs_in_a_pipe(engine: Program) -> None:
    first, second = add(engine, "one", "a=b"), add(engine, "two words", "c=d", "e=f")

    result = engine("dicts", "list")
    shown = engine("dicts", "show", "two words")

    assert set(result.text.splitlines()) == {f"{first}\tone\t1", f"{second}\ttwo words\t2"}
    assert shown.text == "c\td\tno\ne\tf\tno\n"
    assert result.stderr == shown.stderr == ""


def test_json_has_the_keys_of_the_api(engine: Program) -> None:
    made = engine("dicts", "add", "one", "a=b", "--case-sensitive", "--json").json
    listed = engine("dicts", "list", "--json").events
    shown = engine("dicts", "show", "one", "--json").json

    assert listed == [shown] == [made]
    assert made["items"] == [{"text": "a", "alias": "b", "case_sensitive": True}]
    assert {"id", "name", "owner_id", "pinned", "created_at", "items"} <= set(made)


def test_a_terminal_shows_columns_and_a_narrow_one_lines(run: Program) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    made = add(run, "names", "Nike=NYE-kee")

    wide = run("dicts", "show", "names", tty=["stdout"], columns=60)
    narrow = run("dicts", "list", tty=["stdout"], columns=20)
    plain = run("dicts", "list", "--color", "never", tty=["stdout"])

    assert wide.text.splitlines()[-1].split() == ["Nike", "NYE-kee", "no"]
    assert all(len(line) < 20 for line in narrow.text.splitlines())
    assert plain.text == f"{made}\tnames\t1\n"


def test_no_dictionaries_are_no_failure(engine: Program) -> None:
    result = engine("dicts", "list")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")


def test_set_changes_adds_and_removes_and_leaves_the_rest_in_its_order(engine: Program) -> None:
    add(engine, "names", "a=1", "b=2", "c=3")

    result = engine("dicts", "set", "names", "b=two", "d=4", "--unset", "a")

    assert (result.status, result.stdout, result.stderr) == (0, b"", "")
    assert list(said(engine, "names").items()) == [("b", "two"), ("c", "3"), ("d", "4")]


def test_what_cannot_be_set_changes_nothing(engine: Program) -> None:
    add(engine, "names", "a=1")

    assert_failure(engine("dicts", "set", "names", "b=2", "--unset", "x"), 2, "'x'")
    assert_failure(engine("dicts", "set", "names", "a=2", "--unset", "a"), 2, "'a'")
    assert_failure(engine("dicts", "set", "names"), 2, "--unset", "--from")
    assert said(engine, "names") == {"a": "1"}


def test_an_equals_sign_and_a_backslash_can_be_said(engine: Program) -> None:
    add(engine, "signs", r"E\=mc2=E equals m c squared", r"C:\\=drive C", "a=b=c", r"d\e=f")

    assert said(engine, "signs") == {
        "E=mc2": "E equals m c squared",
        "C:\\": "drive C",
        "a": "b=c",
        "d\\e": "f",
    }


FILES = {
    "a.csv": 'text,alias\nNike,NYE-kee\n"Smith, John","smith ""J"""\n',
    "b.CSV": 'Nike,NYE-kee\r\n\r\n"Smith, John","smith ""J"""\r\n',
    "c.csv": '\ufeffcase_sensitive,Alias,Text\n,NYE-kee,Nike\nno,"smith ""J""","Smith, John"\n',
    "d.tsv": 'text\talias\nNike\tNYE-kee\nSmith, John\tsmith "J"\n',
    "e.jsonl": '{"text": "Nike", "alias": "NYE-kee"}\n\n'
    '{"text": "Smith, John", "pronunciation": "smith \\"J\\""}\n',
    "f.json": '[{"text": "Nike", "alias": "NYE-kee"},\n {"text": "Smith, John", "alias": "smith \\"J\\""}]',
    "g.json": '{"id": "x", "items": [{"text": "Nike", "alias": "NYE-kee"},'
    ' {"text": "Smith, John", "alias": "smith \\"J\\""}]}\n',
    "h.txt": '# brands\nNike=NYE-kee\n\nSmith, John = smith "J"\n',
}


@pytest.mark.parametrize("name", FILES)
def test_words_are_read_from_every_kind_of_file(run: Program, folder: Path, name: str) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    (folder / name).write_bytes(FILES[name].encode())

    add(run, "names", "a=b", "--from", name)

    assert said(run, "names") == {"a": "b", "Nike": "NYE-kee", "Smith, John": 'smith "J"'}


def test_words_come_from_standard_input_and_from_another_dictionary(run: Program, folder: Path) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    result = run("dicts", "add", "one", "--from", "-", stdin=b"a=b\nc=d\n")
    (folder / "one.json").write_bytes(run("dicts", "show", "one", "--json").stdout)

    add(run, "two", "--from", "one.json")

    assert result.status == 0
    assert said(run, "two") == said(run, "one") == {"a": "b", "c": "d"}


MISTAKES = {
    "a.csv": (
        "text,alias\nNike\n,b\nc,d\ne,f,g\n",
        ["line 2: there is no alias", "line 3: there is no text", "line 5"],
    ),
    "b.csv": ('a,b\n"c\nd",e\nf\n', ["line 4: there is no alias"]),
    "c.csv": ("text,alias,case_sensitive\na,b,perhaps\n", ["line 2", "perhaps"]),
    "d.tsv": ("a\tb\nc\n", ["line 2: there is no alias"]),
    "e.jsonl": (
        '{"text": "a", "alias": "b"}\n{\n[]\n{"text": 1, "alias": "b"}\n',
        ["line 2", "line 3", "line 4"],
    ),
    "f.json": ('[{"text": "a",\n  "alias": "b"},\n {"text": "c"}]', ["line 3: there is no alias"]),
    "g.txt": ("a=b\nc\n", ["line 2: there is no ="]),
    "h.txt": ("a=b\nc=d\na=c\n", ["line 3", "'a'", "line 1"]),
    "i.csv": ("a\n" * 9, ["line 5", "and 4 more"]),
    "j.json": ("3", ["line 1"]),
    "k.txt": ("# nothing\n", ["no words"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named_with_their_lines_and_nothing_is_made(
    run: Program, folder: Path, name: str
) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    text, named = MISTAKES[name]
    (folder / name).write_text(text, encoding="utf-8")

    assert_failure(run("dicts", "add", "names", "--from", name), 2, name, *named)
    assert run("dicts", "list").stdout == b""


def test_a_file_that_cannot_be_read_is_named(run: Program, folder: Path) -> None:
    (folder / "latin.txt").write_bytes(b"a=b\nCaf\xe9=c\n")

    assert_failure(run("dicts", "add", "x", "--from", "latin.txt"), 2, "latin.txt", "line 2")
    assert_failure(run("dicts", "add", "x", "--from", "gone.csv"), 2, "gone.csv")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless device")
def test_a_file_without_end_is_refused(run: Program) -> None:
    assert_failure(run("dicts", "add", "x", "--from", "/dev/zero"), 2, "/dev/zero", "too large")


@pytest.mark.parametrize("pair", ["Nike", "=alias", "text=", r"a\=b", " = "])
def test_what_is_no_pair_is_refused(run: Program, pair: str) -> None:
    assert_failure(run("dicts", "add", "names", "a=b", pair, "--engine", "local"), 2, "TEXT=ALIAS")


def test_a_text_is_given_once(run: Program) -> None:
    assert_failure(run("dicts", "add", "names", "a=b", "a=c", "--engine", "local"), 2, "'a'", "twice")


@pytest.mark.parametrize("command", ["show", "set", "rm", "add"])
def test_what_is_missing_is_asked_for(run: Program, command: str) -> None:
    assert_failure(run("dicts", command, "--engine", "local"), 2)


def test_several_of_one_name_are_told_apart_by_their_ids(engine: Program) -> None:
    ids = [add(engine, "names", "a=b"), add(engine, "Names", "a=c")]

    assert_failure(engine("dicts", "show", "names"), 2, *ids)
    assert said(engine, ids[1]) == {"a": "c"}


def test_an_unknown_name_is_a_mistake_and_an_unknown_id_a_refusal(engine: Program) -> None:
    add(engine, "names", "a=b")

    assert_failure(engine("dicts", "show", "nmaes"), 2, "names")
    assert_failure(engine("dicts", "show", UNKNOWN), 5)


def test_deleting_needs_a_yes_where_nobody_can_be_asked(engine: Program) -> None:
    add(engine, "one", "a=b")
    add(engine, "two", "a=b")

    refused = engine("dicts", "rm", "one")
    unknown = engine("dicts", "rm", "one", "three", "--yes")
    there = engine("dicts", "list").text
    deleted = engine("dicts", "rm", "one", "two", "one", "--yes")

    assert_failure(refused, 2, "--yes")
    assert_failure(unknown, 2, "three")
    assert there.count("\n") == 2
    assert (deleted.status, deleted.stdout, deleted.stderr) == (0, b"", "")
    assert engine("dicts", "list").stdout == b""


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("", 2), ("n", 2), ("what?\nn", 2)])
def test_a_terminal_is_asked(run: Program, answer: str, status: int) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    made = add(run, "names", "a=b")

    running = run.start("dicts", "rm", "names", tty=["stdin", "stderr"])
    running.type(f"{answer}\n")
    result = running.wait()

    assert result.status == status
    assert f"Delete names ({made}) for good? [y/N]" in result.stderr
    assert (run("dicts", "list").stdout == b"") is (status == 0)


def test_nobody_is_asked_with_no_input_or_at_the_end_of_input(run: Program) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    add(run, "names", "a=b")

    silent = run.start("dicts", "rm", "names", "--no-input", tty=["stdin", "stderr"]).wait()
    ended = run.start("dicts", "rm", "names", tty=["stdin", "stderr"])
    ended.type("\x04")

    assert silent.status == 2
    assert "[y/N]" not in silent.stderr
    assert ended.wait().status == 2
    assert run("dicts", "list").text.count("\n") == 1


def test_figures_are_shown_where_they_are_wanted(engine: Program) -> None:
    result = engine("dicts", "list", "--stats")

    assert result.status == 0
    assert [line.split(":")[0] for line in result.lines] == ["wall", "requests", "retries"]


def test_a_dictionary_changes_the_speech_of_this_machine(run: Program, folder: Path) -> None:
    run.env["CARTESIA_ENGINE"] = "local"
    made = add(run, "names", "Nike=an entirely different and much longer word")

    plain = run("say", "Nike.", "-o", "a.wav")
    changed = run("say", "Nike.", "-o", "b.wav", "--dict", made)

    assert plain.status == 0
    assert changed.status == 0
    assert (folder / "b.wav").stat().st_size > 1.5 * (folder / "a.wav").stat().st_size


def test_requests_are_what_the_documentation_says(run: Program) -> None:
    answered = {"id": "pdict_1", "name": "names", "items": [{"text": "a", "alias": "b"}]}

    with Scripted(lambda _: response(body=json.dumps(answered).encode())) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}
        run("dicts", "add", "names", "a=b", "c=d", "--case-sensitive", env=env)
        run("dicts", "set", "pdict_1", "e=f", env=env)
        run("dicts", "rm", "pdict_1", "--yes", env=env)
        asked = [(r.method, r.target, r.json() if r.body else None) for r in server.requests]

    sensitive = [{"text": t, "alias": a, "case_sensitive": True} for t, a in ("ab", "cd")]
    path = "/pronunciation-dicts/pdict_1"
    assert asked == [
        ("POST", "/pronunciation-dicts/", {"name": "names", "items": sensitive}),
        ("GET", path, None),
        ("GET", path, None),
        ("PATCH", path, {"items": [{"text": "a", "alias": "b"}, {"text": "e", "alias": "f"}]}),
        ("GET", path, None),
        ("DELETE", path, None),
    ]


def test_an_api_without_dictionaries_says_so(run: Program) -> None:
    with Scripted(lambda _: response(404)) as server:
        env = {"CARTESIA_BASE_URL": server.url, "CARTESIA_API_KEY": KEY}

        assert_failure(run("dicts", "list", env=env), 5, "no pronunciation dictionaries")


def test_help_loads_nothing_heavy(run: Program, tmp_path: Path) -> None:
    assert not loaded(run, tmp_path, "dicts", "add", "--help") & (HEAVY | {"httpx", "sqlite3"})
