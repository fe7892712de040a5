"""Where the files of a run go: a folder of this machine, or whatever has an fsspec URL, such as ``s3://``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cartesia_cli.batch.places.folder import Folder
from cartesia_cli.errors import UsageError

if TYPE_CHECKING:
    from cartesia_cli.batch.places.bucket import Bucket

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def is_url(target: str) -> bool:
    """Return whether a target is a URL, and no path of this machine."""
    return _URL.match(target) is not None


def open_place(target: str, *, is_listed: bool = False) -> "Folder | Bucket":
    """Return the place that a path or a URL names. Nothing is asked of it yet.

    Args:
        target: a path, or any URL that fsspec knows.
        is_listed: see ``Bucket``.

    Raises:
        UsageError: nobody can write there, or a package is missing for it.
        OutputError: it cannot be reached.
    """
    found = _URL.match(target)
    if found is None:
        return Folder(Path(target))
    scheme = found[1].lower()
    if scheme in {"file", "local"}:
        return Folder(_local_path(target))
    if scheme in {"http", "https"}:
        raise UsageError(
            f"Files cannot be written to {scheme}://.",
            hint="Name a folder, or a store such as s3://BUCKET/DIR.",
        )
    from cartesia_cli.batch.places.bucket import Bucket

    return Bucket(target, is_listed=is_listed)


def _local_path(url: str) -> Path:
    """Return the path that a ``file://`` URL names.

    Raises:
        UsageError: it is on another machine.
    """
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"}:
        raise UsageError(
            f"{url} is on another machine.", hint="Write file:///PATH with three slashes, or the path alone."
        )
    from urllib.request import url2pathname

    return Path(url2pathname(parts.path))
