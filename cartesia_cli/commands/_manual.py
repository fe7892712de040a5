"""Shows a man page: by the system's ``man`` on a terminal, else as plain text."""

import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.commands._shipped import find_shipped
from cartesia_cli.commands.man import PageOptions
from cartesia_cli.errors import UsageError

_SECRETS = ("CARTESIA_API_KEY", "CARTESIA_SERVE_KEYS", "CARTESIA_CUSTOM_HEADERS")
"""Variables that no pager has to know."""

_WIDTH = 80
_INDENT = 7
_DEEPER = 14

_ESCAPES = {
    r"\-": "-",
    r"\e": "\\",
    r"\&": "",
    r"\(aq": "'",
    r"\(dq": '"',
    r"\(ga": "`",
    r"\(ha": "^",
    r"\(ti": "~",
    r"\fB": "",
    r"\fI": "",
    r"\fR": "",
}
_ESCAPE = re.compile("|".join(re.escape(escape) for escape in _ESCAPES))


def run(options: PageOptions) -> None:
    """Show the page.

    Raises:
        UsageError: there is no such command.
    """
    path = _find_page(options.command or [])
    if console.stdout_is_terminal() and _show_by_man(path):
        return
    console.data(as_text(path.read_text("utf-8")))


def _find_page(words: Iterable[str]) -> Path:
    overview = find_shipped("man", "cartesia.1")
    pages = {path.stem.removeprefix("cartesia").lstrip("-"): path for path in overview.parent.glob("*.1")}
    wanted = "-".join(part for word in words for part in word.split())
    if wanted in pages:
        return pages[wanted]
    close = get_close_matches(wanted, pages, n=1)
    hint = f"Did you mean {close[0]}?" if close else "See all commands: cartesia man"
    raise UsageError(f"There is no page on {wanted!r}.", hint=hint)


def _show_by_man(path: Path) -> bool:
    """Show a page in the system's pager; return whether that worked."""
    program = shutil.which("man")
    if program is None or os.name == "nt":
        return False
    environ = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    # A name with a slash is a file to every man, also to those that have no -l.
    return subprocess.run([program, str(path)], env=environ, check=False).returncode == 0  # noqa: S603  our page


def as_text(page: str) -> str:
    """Return a page as plain text of 80 columns. Knows what our own pages are written with."""
    return "\n".join(_lines(page.splitlines())).strip("\n") + "\n"


def _lines(source: Iterable[str]) -> Iterator[str]:
    rest = iter(source)
    indent, as_is, follows_heading = _INDENT, False, False
    paragraph: list[str] = []
    for line in rest:
        macro, _, argument = line.partition(" ")
        if not line.startswith((".", "'")):
            paragraph.append(_plain(line))
            if not as_is:
                continue
        yield from _filled(paragraph, indent, as_is=as_is)
        paragraph = []
        match macro:
            case ".TH":
                name, section, *_ = _words(argument)
                yield f"{name}({section})"
            case ".SH":
                indent, follows_heading = _INDENT, True
                yield from ("", _plain(argument.strip('"')))
                continue
            case ".PP":
                indent = _INDENT
                yield ""
            case ".TP":
                indent = _DEEPER
                yield from [""] * (not follows_heading)
                yield " " * _INDENT + _plain(next(rest, ""))
            case ".EX" | ".EE":
                as_is = macro == ".EX"
            case _:
                pass
        follows_heading = False
    yield from _filled(paragraph, indent, as_is=as_is)


def _filled(paragraph: list[str], indent: int, *, as_is: bool) -> Iterator[str]:
    space = " " * indent
    if as_is:
        yield from (space + line for line in paragraph)
    elif paragraph:
        yield from textwrap.wrap(
            " ".join(paragraph),
            _WIDTH,
            initial_indent=space,
            subsequent_indent=space,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _words(argument: str) -> list[str]:
    return [_plain(quoted or bare) for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', argument)]


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text)
