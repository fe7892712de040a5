"""What a text holds: what is not text, and whether there is something to say."""

import re

from cartesia_cli.errors import UsageError
from cartesia_cli.sentences.tags import SILENT_TAG


def clean_text(text: str) -> tuple[str, int]:
    """Return the text without a byte order mark and control characters, and how many of these it had.

    Tabs and line ends stay, and so do the invisible characters that shape text, such as joiners.

    Raises:
        UsageError: the text was not valid UTF-8 where it came from.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"The text is not UTF-8: character {error.start + 1} cannot be read.",
            hint="Convert it first, for example with: iconv -f ISO-8859-1 -t UTF-8 FILE",
        ) from error
    return re.subn(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", text.removeprefix("\ufeff"))


def is_speakable(text: str) -> bool:
    """Return whether there is something to say: a letter or a digit, of any script, outside a tag.

    Punctuation, symbols ($, +), emoji, ``[laughter]`` and tags alone are nothing to say, as their sound
    is the engine's choice and often silence. What ``<spell>`` and ``<<…>>`` hold is something.
    """
    if "<" not in text and "[" not in text:
        return any(map(str.isalnum, text))
    found = re.finditer(rf"{SILENT_TAG}|(?P<letter>[^\W_])", text)
    return any(match["letter"] for match in found)
