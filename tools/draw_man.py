"""Draws the man pages that ship with the program: ``python -m tools.draw_man [--check]``.

They have no date, so that the same program gives the same pages.
"""

import re
import sys
from collections.abc import Iterator

from cartesia_cli import __version__
from tools.command_tree import Argument, Command, Option, read_tree, walk
from tools.drawn import ROOT, update

FOLDER = ROOT / "man"

STATUSES = {
    "0": "Done.",
    "1": "A bug in this program; the message names the log file.",
    "2": "Usage, or input that cannot be used.",
    "3": "No API key, or it was refused.",
    "4": "Quota, payment, rate or concurrency limit, after the retries.",
    "5": "The API rejected this request.",
    "6": "No answer that can be used: network, proxy, TLS, timeout, a broken stream.",
    "7": "Output: no space, not writable, no sound device, port taken.",
    "8": "Finished, but some items failed, or problems were found.",
    "130, 141, 143": "Ended by Ctrl-C, by the reader of stdout that went away, by SIGTERM.",
}

VARIABLES = {
    "CARTESIA_API_KEY": "The API key.",
    "CARTESIA_API_KEY_FILE": "A file that holds the API key.",
    "CARTESIA_BASE_URL": "Where the API is.",
    "CARTESIA_ENGINE": "auto, cloud or local.",
    "CARTESIA_VOICE": "Name, ID or alias of the voice.",
    "CARTESIA_MODEL": "The model that speaks.",
    "CARTESIA_STT_MODEL": "The model that listens.",
    "CARTESIA_LANGUAGE": "The language, like en.",
    "CARTESIA_PROFILE": "The profile of the configuration.",
    "CARTESIA_CUSTOM_HEADERS": "Headers for every request, a line each: 'Name: value'.",
    "CARTESIA_SERVE_KEYS": "The keys that a local server accepts, separated by commas.",
    "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY": "Proxies, and the hosts that need none.",
    "SSL_CERT_FILE": "Certificates of the authorities to trust.",
    "NO_COLOR, FORCE_COLOR": "Never, or always, use colour.",
    "COLUMNS": "The width of the terminal.",
    "XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME": "Where configuration, caches and data are.",
}
_OF_ENGINES = (
    "CARTESIA_API_KEY",
    "CARTESIA_API_KEY_FILE",
    "CARTESIA_CUSTOM_HEADERS",
    "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
    "SSL_CERT_FILE",
)

FILES = {
    "~/.config/cartesia/config.toml": "The user's configuration.",
    "~/.config/cartesia/credentials": "The API key, if it is kept in a file; readable by its owner alone.",
    ".cartesia.toml": "The configuration of a project, looked for in this folder and those above it.",
    "~/.cache/cartesia/voices.txt": "Names of voices for completion, a NAME, a tab and an ID a line.",
}


def pages(tree: Command) -> dict[str, str]:
    """Return every page by its file's name."""
    listed = list(walk(tree))
    return {f"{page_name(each)}.1": "\n".join([*_page(each, tree), ""]) for each in listed}


def page_name(command: Command) -> str:
    """Return the name of a command's page, without its section."""
    return "-".join(["cartesia", *command.path])


def _page(command: Command, tree: Command) -> Iterator[str]:
    yield '.\\" Made by tools/draw_man.py: do not edit.'
    yield f'.TH {escape(page_name(command).upper())} 1 "" "cartesia {__version__}" "Cartesia Manual"'
    yield ".SH NAME"
    yield f"{escape(page_name(command))} \\- {escape(_lowered(command.summary))}"
    yield ".SH SYNOPSIS"
    yield from _synopsis(command)
    yield ".SH DESCRIPTION"
    yield escape(command.summary)
    for paragraph in command.paragraphs:
        yield from (".PP", escape(paragraph))
    if command.arguments:
        yield ".SH ARGUMENTS"
        for argument in command.arguments:
            yield from (".TP", _metavar(argument), escape(argument.help or "See above."))
    if command.commands:
        yield ".SH COMMANDS"
        for each in command.commands:
            yield from (".TP", f"\\fB{escape(each.path[-1])}\\fR", escape(each.summary))
    yield ".SH OPTIONS"
    for option in command.options:
        yield from (".TP", _option(option), escape(option.help))
    yield ".SH EXIT STATUS"
    yield from _table(STATUSES)
    yield ".SH ENVIRONMENT"
    yield from _table(_variables(command))
    yield ".SH FILES"
    yield from _table(FILES)
    examples = [example for each in walk(command) for example in each.examples]
    if examples:
        yield ".SH EXAMPLES"
        yield from (".EX", *map(escape, examples), ".EE")
    yield ".SH SEE ALSO"
    yield ", ".join(f"\\fB{escape(name)}\\fR(1)" for name in _related(command, tree))


def _synopsis(command: Command) -> Iterator[str]:
    name = f"\\fB{escape(' '.join(['cartesia', *command.path]))}\\fR"
    arguments = " ".join(_metavar(each, in_synopsis=True) for each in command.arguments)
    if command.commands:
        arguments = "\\fICOMMAND\\fR [\\fIARGUMENT\\fR]..."
    yield " ".join(filter(None, [name, "[\\fIOPTION\\fR]...", arguments]))


def _metavar(argument: Argument, *, in_synopsis: bool = False) -> str:
    shown = f"\\fI{escape(argument.metavar)}\\fR"
    return f"[{shown}]{'...' if argument.many else ''}" if in_synopsis else shown


def _option(option: Option) -> str:
    names = sorted(option.names, key=len)
    value = f" \\fI{escape(option.metavar)}\\fR" if option.metavar else ""
    return ", ".join(f"\\fB{escape(name)}\\fR" for name in names) + value


def _variables(command: Command) -> dict[str, str]:
    """Return the variables that a command heeds; all of them for the program."""
    if not command.path:
        return VARIABLES
    named = {name for each in command.options for name in re.findall(r"\[env: (\w+)\]", each.help)}
    if any("--engine" in each.names for each in command.options):
        named |= set(_OF_ENGINES)
    general = {"NO_COLOR, FORCE_COLOR", "COLUMNS", "XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_DATA_HOME"}
    return {name: text for name, text in VARIABLES.items() if name in named | general}


def _table(entries: dict[str, str]) -> Iterator[str]:
    for name, text in entries.items():
        yield from (".TP", f"\\fB{escape(name)}\\fR", escape(text))


def _related(command: Command, tree: Command) -> list[str]:
    """Return the pages to go on with: above, below and beside."""
    above = next((each for each in walk(tree) if each.path == command.path[:-1]), tree)
    near = [tree, above, *above.commands, *command.commands] if command.path else list(command.commands)
    return list(dict.fromkeys(page_name(each) for each in near if each.path != command.path))


def _lowered(summary: str) -> str:
    """Return a summary as the line under NAME has it."""
    return (summary[0].lower() + summary[1:]).removesuffix(".")


def escape(text: str) -> str:
    """Return text so that troff shows it as it is."""
    signs = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
    escaped = "".join(signs.get(sign, sign) for sign in text)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    sys.exit(update(FOLDER, pages(read_tree()), check="--check" in sys.argv[1:]))
