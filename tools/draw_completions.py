"""Draws the completion scripts that ship with the program: ``python -m tools.draw_completions [--check]``.

What a shell needs besides the commands is in ``tools/shells/``, with ``@MARKS@`` where they go.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from cartesia_cli.local.voices import list_voices
from tools.command_tree import Argument, Command, Option, Value, read_tree, walk
from tools.drawn import ROOT, update

TEMPLATES = Path(__file__).with_name("shells")
FOLDER = ROOT / "completions"
LOCAL = [voice.name for voice in list_voices()]
"""The built-in voices, which need no list."""


def scripts(tree: Command) -> dict[str, str]:
    """Return every script by its file's name."""
    local = " ".join(LOCAL)
    quoted = ", ".join(f"'{name}'" for name in LOCAL)
    return {
        "cartesia.bash": _fill("cartesia.bash", {"LOCAL": local, **_bash(tree)}),
        "cartesia-speech.bash": _fill("cartesia-speech.bash", {}),
        "_cartesia": _fill("_cartesia", {"LOCAL": local, "FUNCTIONS": _zsh(tree)}),
        "cartesia.fish": _fill("cartesia.fish", {"LOCAL": local, "LINES": _fish(tree)}),
        "cartesia-speech.fish": _fill("cartesia-speech.fish", {}),
        "cartesia.ps1": _fill("cartesia.ps1", {"LOCAL": quoted, **_powershell(tree)}),
    }


def _fill(name: str, parts: dict[str, str]) -> str:
    text = TEMPLATES.joinpath(name).read_text("utf-8")
    return re.sub(r"@([A-Z]+)@", lambda mark: parts[mark[1]], text)


def _places(tree: Command) -> dict[str, dict[Value, list[str]]]:
    """Return, for each name of an option that takes a value, where it takes which: commands by value."""
    found: dict[str, dict[Value, list[str]]] = defaultdict(lambda: defaultdict(list))
    for command in walk(tree):
        for option in command.options:
            if option.value is not None:
                for name in option.names:
                    found[name][option.value].append(command.name)
    return found


# bash


def _bash(tree: Command) -> dict[str, str]:
    descriptions, arguments = [], []
    for command in walk(tree):
        name = f" {command.name}" if command.path else ""
        flags = " ".join(each.names[0] for each in command.options if each.value is None)
        valued = " ".join(name for each in command.options if each.value is not None for name in each.names)
        below = " ".join(each.path[-1] for each in command.commands)
        spaced = f" {valued} " if valued else " "
        descriptions.append(f"    '{name}') commands='{below}' flags='{flags}' valued='{spaced}' ;;")
        for position, argument in enumerate(command.arguments):
            pattern = f"'{name}:'*" if argument.many else f"'{name}:{position}'"
            arguments += _bash_arm(pattern, argument.value)
    arms: dict[Value, list[str]] = defaultdict(list)
    for option_name, values in _places(tree).items():
        for value, names in values.items():
            single = len(values) == 1
            arms[value] += (
                [f"*' {option_name}'"] if single else [f"' {name} {option_name}'" for name in names]
            )
    lines = [line for value, patterns in arms.items() for line in _bash_arm(" | ".join(patterns), value)]
    return {
        "DESCRIPTIONS": "\n".join(descriptions),
        "VALUES": "\n".join(lines),
        "ARGUMENTS": "\n".join(arguments),
    }


def _bash_arm(pattern: str, value: Value) -> list[str]:
    steps = []
    if value.words:
        steps.append(f"_cartesia_words '{' '.join(value.words)}'")
    if value.voices:
        steps.append("_cartesia_lines _cartesia_voices")
    if value.files:
        steps.append(f"_cartesia_files '{' '.join(value.endings)}'")
    if value.folders:
        steps.append('compopt -o filenames 2>/dev/null; _cartesia_lines compgen -d -- "$cur"')
    return [f"    {pattern}) {'; '.join(steps)} ;;"] if steps else []


# zsh


def _zsh(tree: Command) -> str:
    return "\n\n".join(_zsh_function(command) for command in walk(tree))


def _zsh_function(command: Command) -> str:
    name = "_".join(["_cartesia_at", *command.path])
    specs = [_zsh_option(each) for each in command.options]
    if command.commands:
        listed = " ".join(
            _zsh_quoted(f"{_zsh_escaped(each.path[-1], ':')}:{_zsh_plain(each.summary)}")
            for each in command.commands
        )
        cases = "\n".join(
            f"        {each.path[-1]}) {'_'.join(['_cartesia_at', *each.path])} ;;"
            for each in command.commands
        )
        body = [*specs, "'1: :->command'", "'*:: :->rest'"]
        return (
            f"{name}() {{\n"
            f"    _arguments -C -s -S \\\n        {_joined(body)} && return\n"
            "    case $state in\n"
            f"    command)\n        local -a commands=({listed})\n"
            "        _describe -t commands command commands\n        ;;\n"
            "    rest)\n        case $words[1] in\n"
            f"{cases}\n        esac\n        ;;\n    esac\n}}"
        )
    specs += [_zsh_argument(number, each) for number, each in enumerate(command.arguments, start=1)]
    return f"{name}() {{\n    _arguments -s -S \\\n        {_joined(specs)}\n}}"


def _joined(specs: list[str]) -> str:
    return " \\\n        ".join(specs)


def _zsh_option(option: Option) -> str:
    told = f"[{_zsh_escaped(option.help, '[]')}]"
    action = ""
    if option.value is not None:
        action = f":{_zsh_escaped(option.metavar, ':')}:{_zsh_action(option.value)}"
    names = [
        name if option.value is None else f"{name}=" if name.startswith("--") else f"{name}+"
        for name in option.names
    ]
    before = "*" if option.repeatable else f"({' '.join(option.names)})" if len(option.names) > 1 else ""
    if len(names) == 1:
        return _zsh_quoted(f"{before}{names[0]}{told}{action}")
    return f"'{before}'{{{','.join(names)}}}{_zsh_quoted(told + action)}"


def _zsh_argument(number: int, argument: Argument) -> str:
    place = "*" if argument.many else str(number)
    optional = ":" if argument.many else "::"
    return _zsh_quoted(
        f"{place}{optional}{_zsh_escaped(argument.metavar, ':')}:{_zsh_action(argument.value)}"
    )


def _zsh_action(value: Value) -> str:
    words = " ".join(value.words)
    files = f'_files -g "*.({"|".join(value.endings)})(-.)"' if value.endings else "_files"
    if value.words and value.files:
        return f' _alternative "words\\:word\\:({words})" "files\\:file\\:{files.replace(chr(34), chr(39))}"'
    if value.words:
        return f"({words})"
    if value.voices:
        return "_cartesia_voices"
    if value.folders:
        return "_files -/"
    return files if value.files else "()"  # a blank would show a message, and take the options' place


def _zsh_escaped(text: str, signs: str) -> str:
    return "".join(f"\\{sign}" if sign in signs + "\\" else sign for sign in text)


def _zsh_plain(text: str) -> str:
    return text.replace("\\", "\\\\")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# fish


def _fish(tree: Command) -> str:
    lines = []
    for command in walk(tree):
        for each in command.commands:
            condition = f"__cartesia_after {command.name}".rstrip()
            lines.append(
                f"complete -c cartesia -n '{condition}' -a {each.path[-1]} -d {_fish_quoted(each.summary)}"
            )
    shared: dict[Option, list[str]] = defaultdict(list)
    arguments: dict[Value, list[str]] = defaultdict(list)
    for command in walk(tree):
        for option in command.options:
            if "--help" not in option.names:
                shared[option].append(command.name)
        for argument in command.arguments:
            if command.name not in arguments[argument.value]:
                arguments[argument.value].append(command.name)
    lines += [_fish_option(option, names) for option, names in shared.items()]
    for value, names in arguments.items():
        lines += _fish_arguments(value, _fish_condition(names))
    return "\n".join(lines)


def _fish_condition(names: list[str]) -> str:
    if names == [""]:
        return "-n __cartesia_after"
    words = " ".join(f'"{name}"' if " " in name else name for name in names)
    return f"-n '__cartesia_in {words}'"


def _fish_option(option: Option, names: list[str]) -> str:
    spelled = " ".join(
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
    )
    offered = "".join(f" {part}" for part in _fish_value(option.value)) if option.value is not None else ""
    return f"complete -c cartesia {_fish_condition(names)} {spelled}{offered} -d {_fish_quoted(option.help)}"


def _fish_value(value: Value) -> list[str]:
    """Return how an option tells fish what it takes."""
    offered = list(value.words)
    if value.voices:
        offered.append("(__cartesia_voices)")
    if value.endings:
        offered.append(f"(__cartesia_files {' '.join(value.endings)})")
    if value.folders:
        offered.append("(__fish_complete_directories)")
    any_file = value.files and not value.endings
    return ["-r", "-F" if any_file else "-f", *([f"-a '{' '.join(offered)}'"] if offered else [])]


def _fish_arguments(value: Value, condition: str) -> list[str]:
    _, files, *offered = _fish_value(value)
    if files == "-F":
        return [f"complete -c cartesia {condition} -F"]
    return [f"complete -c cartesia {condition} {each}" for each in offered]


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# PowerShell


def _powershell(tree: Command) -> dict[str, str]:
    table = []
    for command in walk(tree):
        below = ", ".join(_powershell_quoted(each.path[-1]) for each in command.commands)
        options = ",\n".join(
            f"                @(@({', '.join(map(_powershell_quoted, each.names))}),"
            f" ${str(each.value is not None).lower()}, {_powershell_quoted(each.help)})"
            for each in command.options
        )
        argument = next((_powershell_value(each.value) for each in command.arguments), "@()")
        table.append(
            f"        '{command.name}' = @{{\n            Commands = @({below})\n"
            f"            Options = @(\n{options}\n            )\n"
            f"            Argument = {argument}\n        }}"
        )
    values = []
    for name, places in _places(tree).items():
        for value, commands in places.items():
            keys = [name] if len(places) == 1 else [f"{command} {name}" for command in commands]
            values += [
                f"        '{key}' = {_powershell_value(value)}" for key in keys if name.startswith("--")
            ]
    return {"TABLE": "\n".join(table), "VALUES": "\n".join(v for v in values if not v.endswith("@()"))}


def _powershell_value(value: Value) -> str:
    if value.voices:
        return "'voices'"
    return f"@({', '.join(map(_powershell_quoted, value.words))})"


def _powershell_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


if __name__ == "__main__":
    sys.exit(update(FOLDER, scripts(read_tree()), check="--check" in sys.argv[1:]))
