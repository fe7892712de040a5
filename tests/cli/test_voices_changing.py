"""Voices chosen, made, changed and deleted, against our own server and on this machine: cli.md section 9."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.models import Voice
from tests.cli.program import Program, assert_failure
from tests.fakes.server import RunningServer, running_server

OLD = {"CARTESIA_CUSTOM_HEADERS": "Cartesia-Version: 2024-11-13"}
LOCAL = {"CARTESIA_ENGINE": "local", "CARTESIA_BASE_URL": None}
UNKNOWN = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture
def library() -> Iterator[LocalCatalogue]:
    kept = LocalCatalogue(":memory:")
    yield kept
    kept.close()


@pytest.fixture
def served(run: Program, api: RunningServer) -> Program:
    run.env["CARTESIA_BASE_URL"] = api.url
    return run


@pytest.fixture
def api(library: LocalCatalogue) -> Iterator[RunningServer]:
    with running_server(library=library) as running:
        yield running


@pytest.fixture
def warm(library: LocalCatalogue) -> Voice:
    return made(library, "Warm")


def made(library: LocalCatalogue, name: str) -> Voice:
    embedding = library.mix_voices([("heart", 0.5), ("deep", 0.5)])
    return library.create_voice(name, embedding, description="Low.", language=None)


def config(run: Program) -> str:
    path = run.home / ".config" / "cartesia" / "config.toml"
    return path.read_text("utf-8") if path.exists() else ""


def listed(run: Program) -> list[str]:
    return (run.home / ".cache" / "cartesia" / "voices.txt").read_text("utf-8").splitlines()


def test_a_voice_is_changed(
    served: Program, api: RunningServer, library: LocalCatalogue, warm: Voice
) -> None:
    args = ["--name", "Warmer", "--description", "", "--gender", "none", "--accent", "british"]

    result = served("voices", "update", "Warm", *args)

    assert (result.status, result.text, result.stderr) == (0, "", "")
    sent = next(request for request in api.requests if request.method == "PATCH")
    assert sent.json == {"name": "Warmer", "description": "", "gender": None, "accent": "british"}
    changed = library.get_voice(warm.id)
    assert (changed.name, changed.description, changed.gender) == ("Warmer", "", None)


def test_a_changed_voice_is_printed_as_json(served: Program, warm: Voice) -> None:
    result = served("voices", "update", warm.id, "--gender", "feminine", "--json")

    assert (result.json["id"], result.json["gender"]) == (warm.id, "feminine")


@pytest.mark.parametrize(
    "args",
    [
        ["update", "Warm"],
        ["update", "--name", "x"],
        ["update", "Warm", "--gender", "alto"],
        ["delete"],
        ["delete", "Warm"],
        ["delete", "Warm", "--no-input"],
        ["localize", "Warm", "--name", "x"],
        ["localize", "Warm", "--accent", "british"],
        ["localize", "Warm", "--accent", "british", "--name", " "],
        ["accents", "--add", "british"],
        ["accents", "Warm", "--add", "british", "--remove", "british"],
        ["mix", "-o", "x.json"],
        ["mix", "Warm:1"],
        ["mix", "Warm", "-o", "x.json"],
        ["mix", "Warm:much", "-o", "x.json"],
        ["mix", ":1", "-o", "x.json"],
        ["import", "--name", "x"],
        ["import", "nowhere.json", "--name", "x"],
        ["import", "nowhere.json"],
        ["default", "Warm", "--unset"],
        ["alias", "x", "Warm", "--unset"],
        ["alias", "--unset"],
        ["alias", "nobody"],
        ["alias", "nobody", "--unset"],
    ],
)
def test_what_cannot_be_is_a_usage_error_before_anything_is_asked(
    served: Program, api: RunningServer, args: list[str]
) -> None:
    assert_failure(served("voices", *args), 2)
    assert api.requests == []
    assert list(served.folder.iterdir()) == []


def test_the_names_of_a_changed_voice_are_not_taken_for_it_any_more(
    served: Program, library: LocalCatalogue, warm: Voice
) -> None:
    served("voices", "list")
    assert served("voices", "show", "wARM", "--json").json["id"] == warm.id

    served("voices", "update", "Warm", "--name", "Cool")
    other = made(library, "Warm")

    assert served("voices", "show", "wARM", "--json").json["id"] == other.id
    assert f"Cool\t{warm.id}" in listed(served)
    assert not [line for line in listed(served) if line.startswith("Warm\t")]


def test_a_name_that_a_new_voice_has_as_well_is_ambiguous_at_once(served: Program, warm: Voice) -> None:
    assert served("voices", "show", "warm").status == 0

    new = served("voices", "localize", "Warm", "--name", "WARM", "--accent", "general-american")

    assert_failure(served("voices", "show", "warm"), 2, warm.id, new.text.strip())


def test_a_voice_is_deleted(served: Program, library: LocalCatalogue, warm: Voice) -> None:
    served("voices", "list")

    result = served("voices", "delete", "Warm", "--yes")

    assert (result.status, result.text, result.stderr) == (0, "", "")
    assert warm.id not in {voice.id for voice in library.voices()}
    assert not [line for line in listed(served) if warm.id in line]
    assert_failure(served("voices", "delete", "Warm", "--yes"), 2, "no voice is called")
    assert_failure(served("voices", "delete", UNKNOWN, "--yes"), 5)


def test_several_are_deleted_whatever_becomes_of_one(served: Program, library: LocalCatalogue) -> None:
    kept, one, two = made(library, "Kept"), made(library, "One"), made(library, "Two")

    result = served("voices", "delete", "One", UNKNOWN, "Nobody", "heart", two.id, one.id, "--yes", "--json")

    assert result.status == 8
    assert {event["id"] for event in result.events} == {one.id, two.id}
    failures = [json.loads(line)["error"] for line in result.lines]
    assert [failure.get("source") for failure in failures] == ["Nobody", UNKNOWN, "heart", None]
    assert [failure["status"] for failure in failures] == [2, 5, 5, 8]
    assert "3 of 6" in failures[-1]["message"]
    assert [voice.id for voice in library.voices(owned=True)] == [kept.id]


@pytest.mark.parametrize(
    ("answer", "is_deleted"),
    [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("what?\n", False), ("\x04", False)],
)
def test_on_a_terminal_it_asks(
    served: Program, library: LocalCatalogue, warm: Voice, answer: str, is_deleted: bool
) -> None:
    running = served.start("voices", "delete", warm.id, tty=["stdin", "stderr"], columns=80)
    assert running.stderr is not None
    question = b"Warm? [y/N] "
    while not (seen := running.stderr.wait_for(1)).endswith(question):
        running.stderr.wait_for(len(seen) + 1)
    running.type(answer)
    result = running.wait()

    assert result.status == (0 if is_deleted else 2)
    assert ("Nothing was deleted." in result.stderr) is not is_deleted
    assert ([*library.voices(owned=True)] == []) is is_deleted


@pytest.mark.usefixtures("warm")
def test_without_input_it_never_asks(served: Program, library: LocalCatalogue) -> None:
    result = served("voices", "delete", "Warm", "--no-input", tty=True)

    assert result.status == 2
    assert "--yes" in result.stderr
    assert [*library.voices(owned=True)]


def test_a_voice_in_another_accent_is_a_new_one(
    served: Program, library: LocalCatalogue, warm: Voice
) -> None:
    args = ["--name", "US", "--accent", "general-american", "--description", "d", "--tagline", "t"]

    result = served("voices", "localize", "Warm", *args)

    new = library.get_voice(result.text.strip())
    assert (new.name, new.description, new.fields["tagline"]) == ("US", "d", "t")
    assert served("voices", "localize", warm.id, *args, "--json").json["name"] == "US"
    assert_failure(served("voices", "localize", "Warm", "--name", "UK", "--accent", "british"), 5, "british")


@pytest.mark.usefixtures("warm")
def test_accents_are_listed_learnt_and_lost(served: Program) -> None:
    catalogue = [line.split("\t") for line in served("voices", "accents").text.splitlines()]
    assert len(catalogue) == 79
    assert ["british", "British English", "en", "en-GB"] in [
        [row[0], "British English", *row[2:]] for row in catalogue
    ]
    assert {"id", "name", "language", "locale"} <= served("voices", "accents", "--json").events[0].keys()

    learnt = served("voices", "accents", "Warm", "--add", "british", "--add", "italian")
    lost = served("voices", "accents", "Warm", "--remove", "british", "--json")

    assert [line.split("\t")[0] for line in learnt.text.splitlines()] == [
        "general-american",
        "british",
        "italian",
    ]
    assert lost.json["accents"] == ["general-american", "italian"]
    assert served("voices", "accents", "Warm").text.splitlines() == [
        "general-american\ten-US\tnative",
        "italian\t\tlearnt",
    ]


def test_the_accents_fit_a_narrow_terminal(served: Program) -> None:
    result = served("voices", "accents", tty=["stdout"], columns=20, env={"NO_COLOR": "1"})

    assert all(len(line) < 20 for line in result.text.splitlines())


def test_a_mixture_becomes_a_voice_where_the_api_is_old(
    served: Program, api: RunningServer, library: LocalCatalogue, folder: Path
) -> None:
    mixed = served("voices", "mix", "heart:0.7", "deep:0.3", "-o", "warm.json", "--json", env=OLD)
    new = served("voices", "import", "warm.json", "--name", "Warm", "--description", "Low.", env=OLD)

    assert mixed.json == {"path": "warm.json", "size": 192}
    embedding = json.loads((folder / "warm.json").read_bytes())["embedding"]
    assert embedding == [*library.mix_voices([("heart", 0.7), ("deep", 0.3)])]
    assert api.requests[-1].json == {"name": "Warm", "description": "Low.", "embedding": embedding}
    assert library.get_voice(new.text.strip()).name == "Warm"
    shown = served("voices", "show", "Warm", "--embedding", "--json", env=OLD)
    assert len(shown.json["embedding"]) == 192


def test_where_embeddings_are_gone_it_says_so(served: Program, folder: Path) -> None:
    (folder / "warm.json").write_text("[0.1, 0.2]", "utf-8")

    assert_failure(served("voices", "mix", "heart:1", "deep:1", "-o", "new.json"), 5, "no embeddings", "hint")
    assert_failure(served("voices", "import", "warm.json", "--name", "x"), 5, "no embeddings", "hint")
    assert not (folder / "new.json").exists()


def test_voices_of_this_machine_are_found_by_name(run: Program, folder: Path) -> None:
    mixed = run("voices", "mix", "heart:1", "child:0.2", "-o", "-", env=LOCAL)
    (folder / "x.json").write_bytes(mixed.stdout)
    new = run("voices", "import", "x.json", "--name", "My own", env=LOCAL).text.strip()

    assert run("voices", "show", "my own", "--json", env=LOCAL).json["id"] == new
    assert [e["id"] for e in run("voices", "list", "--mine", "--json", env=LOCAL).events] == [new]
    assert run("voices", "alias", "mine", "My own", env=LOCAL).status == 0
    assert (
        run("voices", "preview", "mine", "Hello.", "-o", "x.wav", "--json", env=LOCAL).json["engine"]
        == "local"
    )
    assert run("voices", "update", "mine", "--name", "Ours", env=LOCAL).status == 0
    assert run("voices", "delete", new, "--yes", env=LOCAL).status == 0
    assert_failure(run("voices", "show", "Ours", env=LOCAL), 2, "Ours")
    assert_failure(run("voices", "delete", "heart", "--yes", env=LOCAL), 5, "built in")


@pytest.mark.usefixtures("warm")
def test_the_default_voice_is_kept_in_the_configuration(served: Program) -> None:
    assert served("voices", "default", "--json").json["origin"] == "default"

    result = served("voices", "default", "Warm")

    assert (result.status, result.text, result.stderr) == (0, "", "")
    assert config(served) == 'voice = "Warm"\n'
    assert served("voices", "default").text == "Warm\n"
    assert_failure(served("voices", "default", "Nobody"), 2, "Nobody")
    assert served("voices", "default").text == "Warm\n"
    assert served("voices", "default", "--unset").status == 0
    assert "voice" not in config(served)
    assert "no default voice" in served("voices", "default", "--unset").stderr


@pytest.mark.usefixtures("warm")
def test_a_default_that_something_wins_over_is_told(served: Program) -> None:
    result = served("voices", "default", "Warm", env={"CARTESIA_VOICE": "heart"})

    assert "environment CARTESIA_VOICE wins" in result.stderr
    assert served("voices", "default", env={"CARTESIA_VOICE": "heart"}).text == "heart\n"


@pytest.mark.usefixtures("warm")
def test_a_profile_has_a_default_of_its_own(served: Program) -> None:
    path = served.home / ".config" / "cartesia" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('[profiles.work]\nlanguage = "en"\n', "utf-8")

    served("voices", "default", "Warm", "--profile", "work")

    assert served("voices", "default", "--profile", "work").text == "Warm\n"
    assert served("voices", "default").text != "Warm\n"


def test_aliases_are_made_listed_used_and_removed(served: Program, warm: Voice) -> None:
    assert served("voices", "alias", "the narrator", warm.id).status == 0
    assert served("voices", "alias", "nar.rator", "Warm").status == 0

    assert served("voices", "alias").text == f"the narrator\t{warm.id}\nnar.rator\tWarm\n"
    assert served("voices", "alias", "--json").events[0] == {"name": "the narrator", "voice": warm.id}
    assert served("voices", "alias", "nar.rator").text == "Warm\n"
    assert served("voices", "show", "the narrator", "--json").json["id"] == warm.id
    assert_failure(served("voices", "alias", "x", "the narrator"), 2, "alias itself")
    assert_failure(served("voices", "alias", "x", "Nobody"), 2, "Nobody")
    assert served("voices", "alias", "the narrator", "--unset").status == 0
    assert served("voices", "alias").text == "nar.rator\tWarm\n"


def test_the_default_and_an_alias_can_be_shown_without_a_key(run: Program) -> None:
    assert run("voices", "default", env={"CARTESIA_ENGINE": "cloud"}).status == 0
    assert run("voices", "alias", env={"CARTESIA_ENGINE": "cloud"}).status == 0
    assert_failure(run("voices", "list", env={"CARTESIA_ENGINE": "cloud"}), 3)


def test_a_mixture_speaks_on_this_machine(run: Program, folder: Path) -> None:
    run("voices", "mix", "heart:0.5", "deep:0.5", "-o", "mixed.json", env=LOCAL)

    for name, source in [("mixed", "--voice-embedding=mixed.json"), ("heart", "--voice=heart")]:
        done = run("say", "Good day.", source, "-o", f"{name}.wav", env=LOCAL)
        assert done.status == 0, done.stderr

    assert (folder / "mixed.wav").read_bytes() != (folder / "heart.wav").read_bytes()


def test_an_embedding_of_another_engine_is_refused_on_this_machine(run: Program, folder: Path) -> None:
    folder.joinpath("other.json").write_text("[0.1, 0.2]", "utf-8")

    done = run("say", "Good day.", "--voice-embedding", "other.json", "-o", "a.wav", env=LOCAL)

    assert_failure(done, 5, "embedding")
    assert not folder.joinpath("a.wav").exists()
