"""Markdown within a line: emphasis, code, links, addresses, tags, entities and formulas."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from cartesia_cli.sentences.tags import open_tag_pattern, tag_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST: Final = 1000
"""Characters of a link's text, or of its address; what would be longer is plain text."""

_LONGEST_FORMULA: Final = 200
_LONGEST_RUN: Final = 64
_PUNCTUATION: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_BEHIND_ADDRESS: Final = ".,;:!?'\"*_~)}…"
_SPOKEN_TAGS: Final = ("break", "spell", "emotion", "speed", "volume")
"""Tags of the API."""

_Step = tuple[int, str] | None
"""Where to go on and what is to be said; None if the text is not there yet that decides."""


class Markup:
    """Reads the text of lines, piece by piece; what it has read it never takes back."""

    def __init__(self) -> None:
        self._before = "\n"
        self._opened: set[str] = set()
        self._code = 0
        self.is_in_comment = False
        """Whether nothing is said until the end of a comment, line ends included."""

        self._in_formula = False
        self._readers: dict[str, Callable[[str, int], _Step]] = {
            "\\": _escaped,
            "&": _entity,
            "`": self._code_mark,
            "*": self._emphasis,
            "_": self._emphasis,
            "~": self._emphasis,
            "!": self._image,
            "[": _link,
            "<": self._angle,
            "$": self._formula,
        }

    @property
    def is_verbatim(self) -> bool:
        """Whether a comment or a formula goes on in the next line, whatever that begins with."""
        return self.is_in_comment or self._in_formula

    def end_line(self) -> None:
        """Note the end of a line; code ends there."""
        self._before = "\n"
        self._code = 0

    def end_paragraph(self) -> None:
        """Note an empty line, at which all but comments ends."""
        self.end_line()
        self._opened.clear()
        self._in_formula = False

    def read(self, text: str, position: int) -> tuple[int, str]:
        """Return how far a line can be judged, at most to its end, and what of it is to be said."""
        said = []
        while position < len(text) and (text[position] != "\n" or self.is_in_comment):
            step = self._step(text, position)
            if step is None:
                break
            position, piece = step
            self._before = text[position - 1]
            said.append(piece)
        return position, "".join(said)

    def _step(self, text: str, start: int) -> _Step:
        if self.is_in_comment:
            return self._comment(text, start)
        if self._in_formula:
            return self._formula_text(text, start)
        if self._code:
            return self._code_text(text, start)
        read = self._readers.get(text[start], self._words)
        return read(text, start)

    def _comment(self, text: str, start: int) -> _Step:
        end = text.find("-->", start)
        if end >= 0:
            self.is_in_comment = False
            return end + 3, ""
        return (len(text) - 2, "") if len(text) - 2 > start else None

    def _formula_text(self, text: str, start: int) -> _Step:
        if text[start] != "$":
            found = re.compile(r"[^$\n]+").match(text, start)
            return _whole(found)
        if start + 1 == len(text):
            return None
        if text[start + 1] != "$":
            return start + 1, "$"
        self._in_formula = False
        return start + 2, "$$"

    def _code_text(self, text: str, start: int) -> _Step:
        if text[start] != "`":
            return _whole(re.compile(r"[^`\n]+").match(text, start))
        run = _run(text, start)
        if run is None:
            return None
        if len(run) == self._code:
            self._code = 0
            return start + len(run), ""
        return start + len(run), run

    def _code_mark(self, text: str, start: int) -> _Step:
        run = _run(text, start)
        if run is None:
            return None
        if len(run) == 1 and self._before.isalnum():
            return start + 1, run
        self._code = len(run)
        return start + len(run), ""

    def _emphasis(self, text: str, start: int) -> _Step:
        run = _run(text, start)
        if run is None or start + len(run) == len(text):
            return None
        end = start + len(run)
        before, after = self._before, text[end]
        is_mark = not (before.isspace() and after.isspace())
        if run[0] == "~":
            return end, "" if is_mark and len(run) == 2 else run
        is_open = run[0] in self._opened
        if before.isalnum() and not is_open and (after.isalnum() or after == "("):
            is_mark = _is_mark_in_word(run, before, after)
        if is_mark and not after.isspace() and not (before.isalnum() and is_open):
            self._opened.add(run[0])
        elif is_mark and not (run[0] == "_" and before.isalnum() and after.isalnum()):
            self._opened.discard(run[0])
        else:
            is_mark = False
        return end, "" if is_mark else run

    def _image(self, text: str, start: int) -> _Step:
        if start + 1 == len(text):
            return None
        return _link(text, start + 1, "![") if text[start + 1] == "[" else (start + 1, "!")

    def _angle(self, text: str, start: int) -> _Step:
        if text.startswith("<!--", start):
            self.is_in_comment = True
            return start + 4, ""
        line_end = text.find("\n", start)
        if line_end < 0:
            if "<!--".startswith(text[start:]) or open_tag_pattern().match(text, start):
                return None
            line_end = len(text)
        found = tag_pattern().match(text, start, line_end)
        return (found.end(), _said_of_tag(found[0])) if found else (start + 1, "<")

    def _formula(self, text: str, start: int) -> _Step:
        if start + 1 == len(text):
            return None
        after = text[start + 1]
        if after == "$":
            self._in_formula = True
            return start + 2, "$$"
        if not (after.isalpha() or after in "\\({[-|"):
            return start + 1, "$"
        found = re.compile(rf"\$[^$\n]{{1,{_LONGEST_FORMULA}}}").match(text, start)
        end = found.end() if found else start + 1
        if end == len(text) and end - start <= _LONGEST_FORMULA:
            return None
        is_whole = text[end : end + 1] == "$" and not text[end - 1].isspace()
        return (end + 1, text[start : end + 1]) if is_whole else (start + 1, "$")

    def _words(self, text: str, start: int) -> _Step:
        if not self._before.isalnum() and text[start] in "hHfFwW":
            if _begun_address_pattern().match(text, start):
                return None
            found = _address_pattern().match(text, start)
            if found is not None:
                return None if found.end() == len(text) else _address(found)
        return _whole(re.compile(r"[^\W_]++|[^\w\\&`*~!\[<$\n]").match(text, start))


def plain(text: str) -> str:
    """Return what is to be said of one line of Markdown."""
    return Markup().read(text + "\n", 0)[1]


def _whole(found: re.Match[str] | None) -> _Step:
    return None if found is None else (found.end(), found[0])


def _run(text: str, start: int) -> str | None:
    """Return the same character as often as it stands here, None while more of it may come."""
    end = start + 1
    while end < len(text) and end - start < _LONGEST_RUN and text[end] == text[start]:
        end += 1
    return None if end == len(text) and end - start < _LONGEST_RUN else text[start:end]


def _is_mark_in_word(run: str, before: str, after: str) -> bool:
    """Return whether asterisks or underscores within a word make it stand out, as in ``**B**old``."""
    if run[0] == "_" or after == "(":
        return False
    if len(run) == 1:
        return not (before.isascii() and after.isascii())
    return not (before.isdigit() or after.isdigit())


def _escaped(text: str, start: int) -> _Step:
    if start + 1 == len(text):
        return None
    after = text[start + 1]
    if after == "\n":
        return start + 1, ""
    return (start + 2, after) if after in _PUNCTUATION else (start + 1, "\\")


def _entity(text: str, start: int) -> _Step:
    found = re.compile(r"&(?:#[xX][0-9a-fA-F]{0,6}|#\d{0,7}|[A-Za-z][A-Za-z0-9]{0,31})?").match(text, start)
    end = found.end() if found else start + 1
    if end == len(text):
        return None
    if text[end] != ";":
        return start + 1, "&"
    from html import unescape

    return end + 1, unescape(text[start : end + 1])


def _link(text: str, bracket: int, opening: str = "[") -> _Step:
    """Read a link or an image whose ``[`` stands at ``bracket``; what is none begins with ``opening``."""
    none = bracket + 1, opening
    line_end = text.find("\n", bracket)
    is_line_here = line_end >= 0
    limit = min(bracket + _LONGEST, line_end if is_line_here else len(text))
    found = _bracket_pattern().match(text, bracket, limit)
    if found is None:
        return none if is_line_here or limit < len(text) else None
    end, content = found.end(), found["content"]
    if end == len(text):
        return None
    if text[end] in "([":
        pattern = _target_pattern() if text[end] == "(" else _bracket_pattern()
        limit = min(end + _LONGEST, line_end if is_line_here else len(text))
        target = pattern.match(text, end, limit)
        if target is not None:
            return target.end(), plain(content)
        if not is_line_here and limit == len(text):
            return None
    if content.startswith("^") and " " not in content:
        return end, ""
    return (end, found[0]) if content == "laughter" else none


def _address(found: re.Match[str]) -> tuple[int, str]:
    """Return the end of a web address, and its host."""
    address = found[0]
    while address[-1] in _BEHIND_ADDRESS and (address[-1] != ")" or "(" not in address):
        address = address[:-1]
    host = re.split(r"[/?#]", address.partition("://")[2] or address)[0]
    host = host.rpartition("@")[2].partition(":")[0]
    host = host[4:] if host[:4].lower() == "www." else host
    return found.start() + len(address), host or address


def _said_of_tag(tag: str) -> str:
    """Return a tag of the API as it is, the host of an address, and nothing of HTML."""
    inner = tag[1:-1]
    if tag.startswith(("<<", "[")):
        return tag
    found = _address_pattern().fullmatch(inner)
    if found:
        return _address(found)[1]
    if "@" in inner and " " not in inner:
        return inner.removeprefix("mailto:")
    named = re.match(r"/?([A-Za-z]+)", inner)
    name = named[1].lower() if named else ""
    return tag if name in _SPOKEN_TAGS else " " if name == "br" else ""


@cache
def _bracket_pattern() -> re.Pattern[str]:
    """Return what matches a text in brackets, which may hold brackets once more."""
    inner = r"[^\[\]\n\\]|\\."
    return re.compile(rf"\[(?P<content>(?:{inner}|\[(?:{inner})*+\](?:\((?:[^()\n])*+\))?+)*+)\]")


@cache
def _target_pattern() -> re.Pattern[str]:
    """Return what matches the address and the title of a link, with its parentheses."""
    return re.compile(r"\((?:[^()\n\\]|\\.|\((?:[^()\n\\]|\\.)*+\))*+\)")


@cache
def _address_pattern() -> re.Pattern[str]:
    return re.compile(r"(?:(?:https?|ftp)://|www\.)[^\s<>\"`|\[\]]{1,2000}", re.IGNORECASE)


@cache
def _begun_address_pattern() -> re.Pattern[str]:
    """Return what matches the first letters of a web address at the end of a text."""
    begun = r"h(?:t(?:t(?:p(?:s?(?::/{0,2})?)?)?)?)?|f(?:t(?:p(?::/{0,2})?)?)?|w{1,3}|www\."
    return re.compile(rf"(?:{begun})\Z", re.IGNORECASE)
