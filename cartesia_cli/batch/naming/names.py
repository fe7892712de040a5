"""Where the file of each line goes: names that every file system takes.

A name is a relative path with ``/`` between its parts. What a line gives as ``output`` is taken as it is, or
refused; names made of a template or an ID are made to fit.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from cartesia_cli.batch.manifest import Line
from cartesia_cli.batch.naming.filenames import LONGEST_NAME, LONGEST_PART, ending_of, find_fault, fit
from cartesia_cli.errors import UsageError
from cartesia_cli.models import FILE_FORMATS
from cartesia_cli.sentences.tags import SILENT_TAG
from cartesia_cli.wire.values import shorten

FIELDS: Final = ("id", "line", "voice", "slug")
"""What a template may name in braces."""

_MOST_PARTS = 12
"""Of a template; each can have a name long enough."""

_LONGEST_SLUG = 40
"""Characters."""

_TEXT_FOR_SLUG = 1000
"""Characters at the start of a text, more than enough for a slug."""

_APOSTROPHES = "'’\u02bc"
_ENDINGS = frozenset(f".{name}" for name in FILE_FORMATS)
_OUTPUT_HINT = "Give a relative path with / between folders, or leave it out."


class Names:
    """How the files of a run are called.

    Args:
        template: of names without ``output``, with ``FIELDS`` in braces and ``/`` between folders.

    Raises:
        UsageError: the template has an unknown field or a brace too many, or makes no name.
    """

    def __init__(self, template: str | None = None) -> None:
        self._parts = [] if template is None else _split_template(template)
        self._longest = min(LONGEST_PART, LONGEST_NAME // max(len(self._parts), 1) - 1)
        self._has_slug = "{slug}" in (template or "")

    def name(self, line: Line, voice: str, format: str) -> str:
        """Return where the file of a line goes.

        Args:
            line: of the manifest.
            voice: who speaks, as it is to appear in names.
            format: the ending, one of ``FILE_FORMATS``; a known ending of the line's ``output`` goes first.

        Raises:
            UsageError: the line's ``output`` is no name that every file system takes, or has an ending
                other than the line's ``format``.
        """
        ending = f".{format}"
        if line.output is not None:
            return _checked_output(line.output, line.format, ending)
        number = f"{line.number:06}"
        if not self._parts:
            return fit(line.id or number, LONGEST_PART, ending)
        values = {"id": line.id or number, "line": number, "voice": voice}
        if self._has_slug:
            values["slug"] = _slug(line.text) or number
        *folders, file = (part.format_map(values) for part in self._parts)
        return "/".join(
            [*(fit(folder, self._longest) for folder in folders), fit(file, self._longest, ending)]
        )


def _split_template(template: str) -> list[str]:
    """Return the parts between the slashes.

    Raises:
        UsageError: see ``Names``.
    """
    shown = f"The name template {shorten(template)}"
    hint = f"Give something like {{id}}; there are {', '.join(f'{{{field}}}' for field in FIELDS)}."
    for field in re.findall(r"\{([^{}]*)\}", template):
        if field not in FIELDS:
            raise UsageError(f"{shown} has an unknown field {{{shorten(field)}}}.", hint=hint)
    sample = re.sub(r"\{[^{}]*\}", "x", template)
    if "{" in sample or "}" in sample:
        raise UsageError(f"{shown} has a brace without its other half.", hint=hint)
    if (fault := find_fault(sample)) is not None:
        raise UsageError(f"{shown} {fault}.", hint=hint)
    if (ending := ending_of(sample)) in _ENDINGS:
        raise UsageError(f"{shown} ends with {ending}.", hint="Leave it out: the format adds it.")
    parts = template.split("/")
    if len(parts) > _MOST_PARTS:
        raise UsageError(f"{shown} has more than {_MOST_PARTS - 1} folders.", hint="Give fewer.")
    return parts


def _checked_output(output: str, format: str | None, usual_ending: str) -> str:
    shown = f"The output {shorten(output)}"
    if (fault := find_fault(output)) is not None:
        raise UsageError(f"{shown} {fault}.", hint=_OUTPUT_HINT)
    ending = ending_of(output)
    if ending in _ENDINGS:
        if format is not None and ending != f".{format}":
            raise UsageError(f"{shown} contradicts the format {format}.", hint="Give one of them.")
        return output
    name = f"{output}{usual_ending}"
    if (fault := find_fault(name)) is not None:
        raise UsageError(f"{shown} {fault}.", hint=_OUTPUT_HINT)
    return name


def _slug(text: str) -> str:
    """Return the first words of a text in lower case, joined by ``-``, or "" if none is near its start."""
    spoken = re.sub(SILENT_TAG, " ", text[:_TEXT_FOR_SLUG])
    start = re.search(r"[^\W_]", spoken)
    if start is None:
        return ""
    words = "".join(_plain(spoken[start.start() :][: 3 * _LONGEST_SLUG])).lower().split()
    if not words:  # some apostrophes are letters to Unicode
        return ""
    slug = words[0][:_LONGEST_SLUG]
    for word in words[1:]:
        if len(slug) + 1 + len(word) > _LONGEST_SLUG:
            break
        slug += f"-{word}"
    return slug


def _plain(text: str) -> Iterator[str]:
    """Yield its letters and digits, in ASCII where Unicode knows how, and a blank for what parts words."""
    before = " "
    for char in unicodedata.normalize("NFC", text):
        if char in _APOSTROPHES:
            continue
        if char.isascii():
            before = char if char.isalnum() else " "
        elif (category := unicodedata.category(char)) == "Cf":
            continue
        elif category[0] == "M":  # a vowel in some scripts, an accent in others
            if before.isascii():
                continue
            before = char
        else:
            before = _in_ascii(char) or (char if char.isalnum() else " ")
        yield before


def _in_ascii(char: str) -> str:
    decomposed = unicodedata.normalize("NFKD", char)
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return letters if letters.isascii() and letters.isalnum() else ""
