"""The tags of the API in a text, whole or still open."""

import re
from functools import cache

SILENT_TAG = r"(?<!<)</?[A-Za-z][^<>]{0,300}>|\[laughter\]"
TAG = rf"<spell>[^<]{{0,900}}</spell>|<<[^<>]{{1,300}}>>|{SILENT_TAG}"
NO_TAG = r"(?:<(?=<<))++|(?:\[(?=\[))++"
"""A run of brackets, but for those that may begin a tag."""

MAX_TAG = 1000
"""Characters, above every bound in ``TAG``; what would be longer is plain text."""


@cache
def tag_pattern() -> re.Pattern[str]:
    """Return what matches one whole tag."""
    return re.compile(TAG)


@cache
def open_tag_pattern() -> re.Pattern[str]:
    """Return what matches a tag of which the end has not come yet, up to the end of the text."""
    spelled = rf"<spell>[^<]{{0,900}}(?:{_begun('</spell>')})?"
    silent = r"(?<!<)<(?:/|/?[A-Za-z][^<>]{0,300})?"
    return re.compile(rf"(?:{spelled}|<<(?:[^<>]{{1,300}}>?)?|{silent}|{_begun('[laughter]')})\Z")


def _begun(word: str) -> str:
    """Return a pattern of all beginnings of a word but the word itself and the empty one."""
    pattern = ""
    for character in reversed(word[1:-1]):
        pattern = f"(?:{re.escape(character)}{pattern})?"
    return re.escape(word[0]) + pattern
