"""Names of files that every file system takes: what is wrong with one, and how one is made to fit."""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

LONGEST_PART: Final = 200
"""Bytes; file systems take 255, and the name of an unfinished file is longer than that of the file."""

LONGEST_NAME: Final = 1000
"""Bytes; some systems take a path of 1024."""

_HASH = 8
"""Digits that tell names apart of which the end was cut."""

_OURS = ".cartesia-"
"""How the names of our own files begin, such as the journal's."""

# Windows takes none of the first; the others are control characters, halves of pairs, and no characters.
_UNFIT = re.compile(
    r'[<>:"|?*\\/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff'
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(1, 17))
    + "]"
)
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE | re.DOTALL
)
"""What Windows takes for a device, whatever its ending."""

_IGNORED = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Some file systems take names for the same that differ in these alone."""


def find_fault(name: str) -> str | None:
    """Return why a relative path is not safe everywhere, as the rest of a sentence; None if it is."""
    return next(_faults(name), None)


def fit(part: str, longest: int = LONGEST_PART, ending: str = "") -> str:
    """Return a part of a path, with this ending, that is safe everywhere; what is fit stays as it is.

    Args:
        part: anything.
        longest: bytes, at least 20; of parts that are cut, a hash tells one from the other.
        ending: with its dot; short.
    """
    fitted = _UNFIT.sub("_", unicodedata.normalize("NFC", part)) or "_"
    if fitted[-1] in ". ":
        kept = fitted.rstrip(". ")
        fitted = kept + "_" * (len(fitted) - len(kept))
    if _RESERVED.fullmatch(fitted) or fold(fitted).startswith(_OURS):
        fitted = f"_{fitted}"
    n_bytes = longest - len(ending)
    if len(encoded := fitted.encode()) > n_bytes:
        digest = sha256(part.encode(errors="surrogatepass")).hexdigest()[:_HASH]
        fitted = f"{encoded[: n_bytes - _HASH - 1].decode(errors='ignore')}-{digest}"
    return fitted + ending


def fold(name: str) -> str:
    """Return the same for all names that some file system does not tell apart."""
    if name.isascii():
        return name.lower()
    visible = unicodedata.normalize("NFD", _IGNORED.sub("", name))
    return unicodedata.normalize("NFC", visible.casefold())


def ending_of(name: str) -> str:
    """Return the ending in lower case, with its dot, or ""; dots at the start of a name begin none."""
    stem, dot, ending = name.rpartition("/")[2].lstrip(".").rpartition(".")
    return f".{ending.lower()}" if stem and dot else ""


def _faults(name: str) -> Iterator[str]:
    if not name:
        yield "is empty"
    if name.startswith("/"):
        yield "is an absolute path, not one inside of the output folder"
    if re.match("[A-Za-z]:", name):
        yield "begins with a drive letter"
    if "\\" in name:
        yield "has a backslash, where folders are separated by /"
    for part in name.split("/"):
        yield from _faults_of_part(part)
    if len(name.encode()) > LONGEST_NAME:
        yield f"is longer than {LONGEST_NAME} bytes"


def _faults_of_part(part: str) -> Iterator[str]:
    if not part:
        yield "has an empty part"
    if part in {".", ".."}:
        yield f"has the part {part} and may lead anywhere"
    if found := _UNFIT.search(part):
        char = found[0]
        yield (
            f"holds {char}, which not every system takes"
            if char.isprintable()
            else "holds a control character"
        )
    if part.endswith((".", " ")):
        yield f"has a part that ends with a {'dot' if part[-1] == '.' else 'blank'}"
    if _RESERVED.fullmatch(part):
        yield f"has the part {part[:20]}, which is a device on Windows"
    if fold(part).startswith(_OURS):
        yield f"has a part that begins with {_OURS}, as this program's own files do"
    if len(part.encode()) > LONGEST_PART:
        yield f"has a part longer than {LONGEST_PART} bytes"
