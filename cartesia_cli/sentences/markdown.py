"""Turns Markdown that is still being written into text that can be read aloud."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from cartesia_cli.sentences.markup import Markup, plain
from cartesia_cli.sentences.punctuation import CLOSERS, PAUSES, STOPS, STRONG_PAUSES, STRONG_STOPS

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST: Final = 8000
"""Characters of a table's row, or of what else can only be judged at the end of its line."""

_LONGEST_RULE: Final = 200
"""Characters of a horizontal rule, or of white space that begins a line."""

_SLICE: Final = 4096
"""Characters looked at together, so that a long text takes no time of its length squared."""

_ENDS: Final = STOPS + STRONG_STOPS + PAUSES + STRONG_PAUSES
_Kind = Literal["text", "heading", "item"]


class MarkdownStripper:
    """Gives Markdown back without what nobody would read aloud, as soon as that can be told apart.

    The marks of headings, quotations, lists and emphasis go, and so do rules, HTML, comments, footnote
    marks and definitions of links. Of a link its text stays, of an image its description, of a web address
    its host. Nothing is said of code blocks, which are those between fences: indented text is text. Rows
    of tables, which begin with a bar, are read cell by cell. Headings, rows and items of lists that end
    without punctuation get a full stop. Tags of the API and formulas (``$…$``) stay as they are, and so do
    line ends, all of them as a line feed.

    The texts returned, joined, depend on the text given, not on how it was cut.
    """

    def __init__(self) -> None:
        self._text = ""
        self._position = 0
        self._markup = Markup()
        self._kind: _Kind = "text"
        self._is_at_start = True
        # The mark that ends the code block, the start of it in the source included.
        self._fence = ""
        self._is_in_code = False  # within a line of the block
        self._in_paragraph = False
        # A line of an item has ended, and it depends on the next line whether the item has, too.
        self._owes_end = False
        # The marker of an item was read, and what the item begins with was not.
        self._is_behind_marker = False
        self._waiting = ""
        self._tail = ""
        self._is_after_return = False
        self._readers: dict[str, Callable[[int], str | None]] = {
            "\n": self._empty_line,
            "#": self._heading,
            ">": self._quotation,
            "|": self._row,
            "[": self._definition,
            **dict.fromkeys("`~", self._fence_line),
            **dict.fromkeys("-*_+=", self._rule_or_item),
        }

    def feed(self, text: str) -> str:
        """Return what can be said now that ``text`` is there too; often less, or nothing."""
        if self._is_after_return and text.startswith("\n"):
            text = text[1:]
            self._is_after_return = False
        if text:
            self._is_after_return = text.endswith("\r")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        return "".join(self._advance(text[i : i + _SLICE]) for i in range(0, len(text), _SLICE))

    def finish(self) -> str:
        """Return the rest, at the end of the text."""
        is_in_line = not self._is_at_start or self._position < len(self._text)
        said = self._advance("\n") if is_in_line else ""
        said += self._end_item()
        return said.removesuffix("\n") if is_in_line else said

    def _advance(self, text: str) -> str:
        self._text += text
        said: list[str] = []
        while self._position < len(self._text):
            if self._is_at_start and not self._markup.is_verbatim:
                piece = self._skip_code() if self._fence else self._begin_line()
                if piece is None:
                    break
                said.append(piece)
                continue
            self._is_at_start = False
            self._position, piece = self._markup.read(self._text, self._position)
            said.append(self._say(piece))
            if self._markup.is_in_comment or self._text[self._position : self._position + 1] != "\n":
                break
            self._position += 1
            said.append(self._end_line())
        # One character is kept: what it was decides what the next one means.
        gone = max(0, self._position - 1)
        self._text = self._text[gone:]
        self._position -= gone
        return "".join(said)

    def _say(self, piece: str) -> str:
        """Return what of a piece can be said; a mark at the end of a heading or an item may have to go."""
        if self._kind != "text":
            piece = self._waiting + piece
            trailing = (_heading_end_pattern() if self._kind == "heading" else _space_pattern()).search(piece)
            cut = trailing.start() if trailing and len(piece) - trailing.start() < _LONGEST else len(piece)
            piece, self._waiting = piece[:cut], piece[cut:]
            piece = piece if self._tail else piece.lstrip(" \t")
        self._tail = (self._tail + piece)[-16:]
        return piece

    def _stop(self) -> str:
        """Return the full stop that what was said last needs, if any."""
        ending = self._tail.rstrip().rstrip(CLOSERS)
        return "." if ending and ending[-1] not in _ENDS else ""

    def _end_line(self) -> str:
        self._waiting = ""
        self._markup.end_line()
        self._is_at_start = True
        if self._kind == "heading":
            self._in_paragraph = False
            return self._stop() + "\n"
        self._in_paragraph = True
        if self._kind == "item":
            self._owes_end = True
            return ""
        return "\n"

    def _begin(self, kind: _Kind, position: int) -> str:
        """Note what the line is; return what ends the lines before it."""
        goes_on = self._owes_end and kind == "text"
        ended = self._end_item(is_ended=not goes_on)
        self._kind = "item" if goes_on or (self._is_behind_marker and kind == "text") else kind
        self._is_behind_marker = False
        self._position = position
        self._tail = ""
        return ended

    def _end_item(self, *, is_ended: bool = True) -> str:
        if not self._owes_end:
            return ""
        self._owes_end = False
        return (self._stop() if is_ended else "") + "\n"

    def _begin_line(self) -> str | None:
        """Read the marks a line begins with; return what can be said then, None while it is not clear."""
        text = self._text
        found = re.compile(r"[ \t]*").match(text, self._position)
        start = found.end() if found else self._position
        if start == len(text):
            return None if start - self._position < _LONGEST_RULE else self._begin_text()
        read = self._readers.get(text[start])
        if read is None:
            read = self._numbered_item if text[start].isdecimal() else self._text_line
        return read(start)

    def _text_line(self, _start: int) -> str:
        return self._begin_text()

    def _begin_text(self) -> str:
        self._is_at_start = False
        return self._begin("text", self._position)

    def _quotation(self, start: int) -> str:
        self._position = start + 1
        return ""

    def _empty_line(self, start: int) -> str:
        ended = self._begin("heading", start + 1)
        self._kind = "text"
        self._in_paragraph = False
        self._markup.end_paragraph()
        return ended + "\n"

    def _heading(self, start: int) -> str | None:
        found = re.compile(r"#{1,6}(?:[ \t]|(?=\n))").match(self._text, start)
        if found is not None:
            self._is_at_start = False
            ended = self._begin("heading", found.end())
            self._waiting = " "
            return ended
        is_open = re.compile(r"#{1,6}\Z").match(self._text, start) is not None
        return None if is_open else self._begin_text()

    def _line(self, start: int) -> str | None:
        """Return a line without its end; None while that is not there."""
        end = self._text.find("\n", start)
        return None if end < 0 else self._text[start:end]

    def _fence_line(self, start: int) -> str | None:
        text = self._text
        run = re.compile(r"`+|~+").match(text, start)
        end = run.end() if run else start
        if end - start < 3 and end < len(text):
            return self._begin_text()
        line = self._line(start)
        if line is None:
            return None if len(text) - start < _LONGEST else self._begin_text()
        if "`" in text[end : start + len(line)]:
            return self._begin_text()
        ended = self._begin("heading", start + len(line) + 1)
        self._kind, self._fence, self._in_paragraph = "text", text[start:end], False
        return ended

    def _skip_code(self) -> str | None:
        """Skip a line of a code block, or what is there of it."""
        text, start = self._text, self._position
        found = None if self._is_in_code else _fence_end_pattern(self._fence).match(text, start)
        if found is not None and found["end"]:
            self._fence = ""
            self._position = found.end()
            return ""
        if found is not None and found.end() == len(text):
            return None
        line = self._line(start)
        self._is_in_code = line is None
        self._position = len(text) if line is None else start + len(line) + 1
        return ""

    def _row(self, start: int) -> str | None:
        line = self._line(start)
        if line is None:
            return None if len(self._text) - start < _LONGEST else self._begin_text()
        row = line.rstrip()
        if not row.endswith("|") or len(row) < 2:
            return self._begin_text()
        ended = self._begin("heading", start + len(line) + 1)
        self._kind, self._in_paragraph = "text", False
        if re.fullmatch(r"[|:\- \t]+", row):
            return ended
        cells = [plain(cell.strip()).strip() for cell in _cell_pattern().findall(row[1:])]
        self._tail = said = ", ".join(filter(None, cells))
        return ended + said + self._stop() + "\n"

    def _rule_or_item(self, start: int) -> str | None:
        text = self._text
        found = re.compile(r"(?:([-*_])(?:[ \t]*+\1){2,}+|=+|-+|[*+])[ \t]*\n").match(text, start)
        if found is not None:
            ended = self._begin("heading", found.end())
            self._kind, self._in_paragraph = "text", False
            return ended + "\n"
        begun = re.compile(r"[-*_=+ \t]*\Z").match(text, start)
        if begun is not None and len(text) - start < _LONGEST_RULE:
            return None
        marker = re.compile(r"[-*+][ \t]+").match(text, start)
        return self._begin_text() if marker is None else self._item(marker.end())

    def _numbered_item(self, start: int) -> str | None:
        text = self._text
        marker = re.compile(r"(\d{1,3})[.)][ \t]+").match(text, start)
        if marker is None or marker.end() == len(text):
            is_open = re.compile(r"\d{1,3}(?:[.)][ \t]*)?\Z").match(text, start) is not None
            return None if is_open and len(text) - start < _LONGEST_RULE else self._begin_text()
        if self._in_paragraph and self._kind == "text" and marker[1] != "1":
            return self._begin_text()
        return self._item(marker.end())

    def _item(self, position: int) -> str | None:
        """Begin an item behind its marker; the box of a task goes, too."""
        box = re.compile(r"\[[ xX]\](?:[ \t]|(?=\n))").match(self._text, position)
        if box is not None:
            position = box.end()
        elif re.compile(r"\[(?:[ xX]\]?)?\Z").match(self._text, position):
            return None
        if position == len(self._text):
            return None
        ended = self._begin("item", position)
        self._is_behind_marker = self._text[position] in {"-", "*", "+", "#", ">", "`"}
        self._is_at_start = self._is_behind_marker  # one more mark may stand there
        return ended

    def _definition(self, start: int) -> str | None:
        """Skip the definition of a link; of a footnote only its mark."""
        text = self._text
        found = re.compile(r"\[(\^?)[^\[\]\n]{1,300}\]:[ \t]*").match(text, start)
        if found is None:
            is_open = re.compile(r"\[[^\[\]\n]{0,300}\]?\Z").match(text, start) is not None
            return None if is_open else self._begin_text()
        if found[1]:
            if found.end() == len(text):
                return None
            ended = self._begin("heading", found.end())
            self._kind, self._is_at_start = "text", False
            return ended
        line = self._line(found.end())
        if line is None:
            return None if len(text) - start < _LONGEST else self._begin_text()
        if not _target_pattern().fullmatch(line):
            return self._begin_text()
        ended = self._begin("heading", found.end() + len(line) + 1)
        self._kind = "text"
        return ended


@cache
def _heading_end_pattern() -> re.Pattern[str]:
    """Return what matches the end of a heading that is not part of it, if nothing follows."""
    return re.compile(r"(?:[ \t]++(?:#++[ \t]*+)?)\Z")


@cache
def _fence_end_pattern(fence: str) -> re.Pattern[str]:
    """Return what matches the line that ends a code block, or what may be the beginning of one."""
    return re.compile(rf"[ \t]*+(?:{fence[0]}*+(?<={fence})[ \t]*+(?P<end>\n)?|{fence[0]}*+)")


@cache
def _space_pattern() -> re.Pattern[str]:
    return re.compile(r"[ \t]++\Z")


@cache
def _cell_pattern() -> re.Pattern[str]:
    """Return what matches one cell and the bar behind it; bars in code, or escaped, are part of the cell."""
    return re.compile(r"((?:[^|\\`]|\\.|`[^`]*`|`)*+)\|")


@cache
def _target_pattern() -> re.Pattern[str]:
    """Return what matches the address, and the title, in the definition of a link."""
    return re.compile(
        r"(?:<[^>]*>|[/#]\S*|\S*?(?:://|\w\.\w|\w/\w|mailto:)\S*)"
        r"(?:[ \t]+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?[ \t]*"
    )
