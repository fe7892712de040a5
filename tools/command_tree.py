"""The program's commands as plain values, for what is generated from them: completions and man pages."""

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, NamedTuple

from typer.main import get_command

from cartesia_cli.cli import app

PROFILES = ("netflix", "bbc", "shorts")
"""The built-in rules of captions; a test compares them with the program's."""

_WORDS = {"--captions": PROFILES, "--speed": ("slow", "normal", "fast")}
"""Words that options take besides something else."""

_FILES = {"FILE", "IN", "OUT", "LIST", "SCRIPT", "AUDIO", "CLIP", "MANIFEST", "SOURCE", "PATH"}
_FOLDERS = {"DIR", "FOLDER"}
_NUMBERS = {"HZ", "BPS"}
_ENDING = re.compile(r"\.([a-z][a-z0-9]+)\b")
_TOKEN = re.compile(r"[A-Za-z_]+")


class Value(NamedTuple):
    """What an option or an argument takes."""

    words: tuple[str, ...] = ()
    """Words that it may be."""

    files: bool = False
    endings: tuple[str, ...] = ()
    """Of its files, without the dot; none means every file."""

    folders: bool = False
    voices: bool = False


class Option(NamedTuple):
    """An option of a command."""

    names: tuple[str, ...]
    """Long ones first."""

    metavar: str
    """What stands for its value; "" of a flag."""

    help: str
    value: Value | None
    """None of a flag."""

    repeatable: bool


class Argument(NamedTuple):
    """An argument of a command."""

    metavar: str
    help: str
    value: Value
    many: bool


class Command(NamedTuple):
    """A command, or a group of commands."""

    path: tuple[str, ...]
    """Without the program's name: () is the program, ("captions", "lint") a command of a group."""

    summary: str
    """The first line of its help."""

    paragraphs: tuple[str, ...]
    """The rest of its help, without examples."""

    examples: tuple[str, ...]
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple["Command", ...]
    """Of a group."""

    @property
    def name(self) -> str:
        """As it is typed: ``captions lint``."""
        return " ".join(self.path)


def read_tree() -> Command:
    """Return the program with all its commands."""
    return _read(get_command(app), ())


def walk(command: Command) -> Iterator[Command]:
    """Yield a command and everything below it."""
    yield command
    for each in command.commands:
        yield from walk(each)


def _read(command: Any, path: tuple[str, ...]) -> Command:
    summary, *paragraphs = cleandoc(command.help or "").split("\n\n")
    examples = [each for part in paragraphs for each in _examples(part)]
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    options = [_option(each) for each in command.params if each.param_type_name == "option"]
    asking = Option(("--help", "-h"), "", "Show this message and exit.", None, repeatable=False)
    commands = tuple(_read(command.get_command(None, name), (*path, name)) for name in names)
    return Command(
        path=path,
        summary=" ".join(summary.split()),
        paragraphs=tuple(" ".join(part.split()) for part in paragraphs if not _examples(part)),
        examples=tuple(examples),
        options=(*options, asking),
        arguments=tuple(_argument(each) for each in command.params if each.param_type_name == "argument"),
        commands=commands,
    )


def _examples(paragraph: str) -> list[str]:
    """Return the command lines of a paragraph of examples; [] of any other."""
    marked = re.match(r"Examples?:\s+", paragraph)
    if not marked:
        return []
    return [line.strip() for line in paragraph[marked.end() :].splitlines()]


def _option(option: Any) -> Option:
    names = tuple(sorted(option.opts, key=lambda name: not name.startswith("--")))
    help_text = " ".join((option.help or "").split())
    if option.is_flag or option.count:
        return Option(names, "", help_text, None, repeatable=bool(option.count))
    metavar = option.metavar or "|".join(getattr(option.type, "choices", ())) or str(option.type.name).upper()
    return Option(
        names,
        metavar,
        help_text,
        _value(option, metavar, help_text),
        repeatable=bool(option.multiple) or help_text.endswith("Repeatable."),
    )


def _argument(argument: Any) -> Argument:
    metavar = (argument.metavar or argument.name.upper()).strip("[]").removesuffix("...").strip("[]")
    help_text = " ".join((argument.help or "").split())
    return Argument(metavar, help_text, _value(argument, metavar, help_text), many=argument.nargs != 1)


def _value(parameter: Any, metavar: str, help_text: str) -> Value:
    """Return what a parameter takes, as its choices, its metavar and its help tell."""
    choices = tuple(map(str, getattr(parameter.type, "choices", ())))
    tokens = set(_TOKEN.findall(metavar))
    if "VOICE" in tokens:
        return Value(voices=True)
    words = (
        choices
        or _WORDS.get(parameter.opts[0] if parameter.opts else "", ())
        or tuple(token for token in metavar.split("|") if token.isalpha() and token.islower())
    )
    if tokens & _NUMBERS:
        words = tuple(re.findall(r"\b\d{4,6}\b", help_text))
    if "COMMAND" in tokens:
        words = tuple(get_command(app).list_commands(None))  # type: ignore[attr-defined]  # a group
    endings = tuple(dict.fromkeys(_ENDING.findall(metavar) or _ENDING.findall(help_text)))
    named = bool(tokens & _FILES or _ENDING.search(metavar)) or parameter.type.name in {"path", "file"}
    files = not choices and (named or (bool(words) and "FILE." in help_text))
    folders = not files and bool(tokens & _FOLDERS)
    return Value(words, files=files, endings=endings if files else (), folders=folders)
