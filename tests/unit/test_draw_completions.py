"""What the completion scripts are made of, and that texts of any kind cannot break out of them."""

import subprocess

import pytest

from cartesia_cli.captions import profiles
from tests.cli.shells import require_shell
from tools.command_tree import PROFILES, Argument, Command, Option, Value, read_tree, walk
from tools.draw_completions import LOCAL, scripts

NASTY = """It's "quoted" [so: $(false) `false` \\ 100 % {a,b} *?"""


def odd_tree() -> Command:
    """Return commands whose texts hold every sign that a shell knows."""
    option = Option(("--odd", "-o"), "A:B", NASTY, Value(words=("one", "two"), files=True), repeatable=True)
    argument = Argument("IN:OUT", NASTY, Value(voices=True), many=True)
    leaf = Command(("do",), NASTY, (), (), (option,), (argument,), ())
    return Command((), "A program.", (), (), (), (), (leaf,))


def test_the_tree_is_the_program_s() -> None:
    tree = {command.name: command for command in walk(read_tree())}

    assert {"", "say", "captions", "captions lint"} <= tree.keys()
    say = {name: option for option in tree["say"].options for name in option.names}
    assert say["-v"].value == Value(voices=True)
    assert say["--timings"].value == Value(files=True, endings=("srt", "vtt", "ass", "lrc", "json", "tsv"))
    assert say["--timings"].repeatable
    assert say["--play"].value is None
    assert "44100" in (say["-r"].value or Value()).words
    assert tree["captions lint"].arguments[0].many


def test_names_that_are_written_out_are_those_of_the_program() -> None:
    assert LOCAL == ["heart", "deep", "male", "tenor", "bright", "child"]
    assert {"netflix", "bbc", "shorts"} == set(PROFILES)
    for name in PROFILES:
        assert profiles.load_profile(name).name == name


def test_no_mark_is_left() -> None:
    assert not [name for name, text in scripts(read_tree()).items() if "@DESC" in text or "@LOCAL" in text]


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", "cartesia.bash"), ("zsh", "_cartesia"), ("fish", "cartesia.fish")]
)
def test_texts_with_signs_of_the_shell_stay_texts(shell: str, name: str) -> None:
    script = scripts(odd_tree())[name]

    checked = subprocess.run(
        [require_shell(shell), "-n"], input=script, text=True, capture_output=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, "")
