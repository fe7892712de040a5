"""Every message and hint has the same form, and names only what exists.

Looked for is whatever stands in the source as a literal: the first argument and the ``hint`` of an error,
and what is assigned to a name that has "hint" in it. An f-string counts with ``{}`` for its values.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import cartesia_cli
from cartesia_cli.cli import COMMANDS
from cartesia_cli.engines import BUILT_IN_NOTICE

PACKAGE = Path(cartesia_cli.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))

# Not our words: an error of the API as a whole, and one that another error's message is put into.
NOT_OURS = re.compile(r"\{\}: \{\}|(?:\{\})+")

START = r"""[A-Z0-9{'"‘“-]"""
PASTED = r"(?:cartesia|chmod|dask|iconv|pip|rm|unset) [^:]+|[a-z]+ = \S.*|\{.*\}"
# A value after the full stop is a sentence of its own, or nothing.
SENTENCE = re.compile(rf"{START}.*[.?](?: ?\{{\}})?", re.DOTALL)
HINT_WITH_COMMAND = re.compile(rf"{START}.*: (?:{PASTED})", re.DOTALL)
NAMED_COMMAND = re.compile(r"\bcartesia ([a-z][a-z-]*)")


class Text(NamedTuple):
    """A literal, and where it stands."""

    place: str
    text: str


class Room(NamedTuple):
    """What one source file says."""

    messages: list[Text]
    hints: list[Text]


def error_classes() -> frozenset[str]:
    """Return the names of CartesiaError and of everything in the package that derives from it."""
    classes = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef)
    }
    found = {"CartesiaError"}
    while more := {name for name, bases in classes.items() if bases & found} - found:
        found |= more
    return frozenset(found)


ERRORS = error_classes()
MAKERS = {"_broken"}
"""Functions that make an error of a message and a hint."""


def texts(expression: ast.expr) -> Iterator[str]:
    """Yield each literal that an expression may be."""
    match expression:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            yield from texts(one)
            yield from texts(other)
        case ast.BoolOp(values=alternatives) | ast.Dict(values=alternatives):
            for alternative in alternatives:
                yield from texts(alternative)
        case _:
            pass


def read_room(path: Path) -> Room:
    """Return the messages and hints in a file."""
    messages: list[Text] = []
    hints: list[Text] = []

    def note(found: list[Text], expression: ast.expr) -> None:
        place = f"{path.relative_to(PACKAGE.parent)}:{expression.lineno}"
        found += [Text(place, text) for text in texts(expression)]

    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[message, *others]) if name in ERRORS | MAKERS:
                note(messages, message)
                for hint in others:
                    note(hints, hint)
            case ast.Assign(targets=[ast.Name(id=name)], value=hint) if "hint" in name.lower():
                note(hints, hint)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as hint) if "hint" in name.lower():
                note(hints, hint)
            case ast.keyword(arg="hint", value=hint):
                note(hints, hint)
            case _:
                pass
    return Room(messages, hints)


ROOMS = {str(path.relative_to(PACKAGE)): read_room(path) for path in SOURCES}


def test_messages_and_hints_are_found_in_the_source() -> None:
    n_messages = sum(len(room.messages) for room in ROOMS.values())
    n_hints = sum(len(room.hints) for room in ROOMS.values())

    assert n_messages > 100
    assert n_hints > 100
    assert {"CartesiaError", "UsageError", "BrokenConnectionError", "UntrustedServerError"} <= ERRORS


@pytest.mark.parametrize("name", [name for name, room in ROOMS.items() if room.messages])
def test_a_message_is_a_sentence_with_a_full_stop(name: str) -> None:
    others = [each for each in ROOMS[name].messages if not SENTENCE.fullmatch(each.text)]

    assert [each for each in others if not NOT_OURS.fullmatch(each.text)] == []


@pytest.mark.parametrize("name", [name for name, room in ROOMS.items() if room.hints])
def test_a_hint_is_a_sentence_with_a_full_stop_or_ends_in_what_is_to_be_pasted(name: str) -> None:
    others = [
        each
        for each in ROOMS[name].hints
        if not SENTENCE.fullmatch(each.text) and not HINT_WITH_COMMAND.fullmatch(each.text)
    ]

    assert others == []


@pytest.mark.parametrize("name", [name for name, room in ROOMS.items() if room.messages or room.hints])
def test_what_is_said_names_only_commands_that_exist(name: str) -> None:
    said = [*ROOMS[name].messages, *ROOMS[name].hints]
    missing = [
        each for each in said for command in NAMED_COMMAND.findall(each.text) if command not in COMMANDS
    ]

    assert missing == []


def test_the_notice_of_the_built_in_voice_is_the_one_that_names_a_command_to_come() -> None:
    assert NAMED_COMMAND.findall(BUILT_IN_NOTICE) == ["auth"]
