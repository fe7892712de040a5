"""What became of every line of a manifest, as a file for other programs: JSON, or XML as JUnit's."""

import os
import re
import tempfile
from datetime import UTC, datetime
from json import JSONEncoder
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

from cartesia_cli.errors import CartesiaError, UsageError
from cartesia_cli.files import TargetFile, is_written_in_place, naming

_VERSION = 1
_MOST_WAITING = 512
"""Items that are kept in memory before they go to the disk."""

_BLOCK = 1 << 18
"""Bytes that are copied at a time."""

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")
_NO_JSON = re.compile("[\x7f-\x9f\ud800-\udfff]")
"""Halves of characters, which are no UTF-8, and controls that could drive a terminal."""

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot have, not even as a reference."""

_REFERRED = re.compile('[&<>"\t\n\r\x7f-\x9f]')
"""What means something to XML, is changed by its readers, or could drive a terminal."""

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_TIDY = str.maketrans(". ", "__")
"""A full stop would end the name of a package."""


class Item(NamedTuple):
    """How one line of the manifest ended."""

    line: int
    """Of the manifest, from 1."""

    id: str | None
    output: str
    """The audio file: a relative path with ``/`` between folders."""

    status: Literal["done", "skipped", "failed"]
    duration: float | None
    """Seconds of speech, where it is known."""

    error: CartesiaError | None
    """Why it failed."""

    wall: float
    """Seconds that it took."""


class Totals(NamedTuple):
    """How the run ended."""

    done: int
    skipped: int
    failed: int
    left: int
    """Lines that the run did not come to."""

    credits: int
    wall: float
    """Seconds that it took."""


def report_format(path: Path) -> Literal["json", "xml"]:
    """Return how a report is written, by its name's ending; a device or a pipe without one gets JSON.

    Raises:
        UsageError: the ending is another.
    """
    ending = path.suffix.lower()
    if ending == ".xml":
        return "xml"
    if ending == ".json" or (not ending and is_written_in_place(path)):
        return "json"
    raise UsageError(
        f"A report is JSON or XML, and {path.name!r} is neither.",
        hint="Choose a name that ends in .json or .xml.",
    )


def item_fields(item: Item) -> dict[str, Any]:
    """Return an item as ``batch --json`` and the report in JSON show it."""
    return {
        "line": item.line,
        "id": item.id,
        "output": item.output,
        "status": item.status,
        "duration": None if item.duration is None else round(item.duration, 3),
        "error": None if item.error is None else _error_fields(item.error),
    }


def _error_fields(error: CartesiaError) -> dict[str, Any]:
    """Return what is known of an error, under the names that it has on stderr with ``--json``."""
    facts = {
        "status": int(error.exit_code),
        "code": error.code,
        "title": error.title,
        "message": _message(error),
        "request_id": error.request_id,
        "hint": error.hint,
    }
    return {
        name: value.translate(_CONTROLS) if isinstance(value, str) else value
        for name, value in facts.items()
        if value is not None
    }


def _message(error: CartesiaError) -> str:
    return str(error).removeprefix(f"{error.title}: ")


class Report:
    """A report that grows by an item a time and appears when it is finished, or not at all.

    It claims its place when it is made, so that one that cannot be written is known before anything is paid
    for. Its head needs the totals: until they are known, the items wait in a temporary file without a name.
    To be used by one thread at a time, as a context manager.

    Args:
        path: where it goes, a file, a device or a pipe; see ``report_format``.
        manifest: what the manifest is called.

    Raises:
        UsageError: the path is a folder, or its ending is not one of ours.
        OutputError: the folder is missing or not writable.
    """

    def __init__(self, path: Path, manifest: str) -> None:
        self._path = path
        self._format: _Format = _Json(manifest) if report_format(path) == "json" else _JUnit(manifest)
        self._waiting: list[bytes] = []
        self._size = 0
        self._target = TargetFile(path)
        try:
            folder = None if self._target.in_place else Path(os.path.realpath(path)).parent
            with naming(path):
                self._spool = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  see close
        except BaseException:
            self._target.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave nothing behind, unless the report is finished."""
        self._target.discard()
        self._spool.close()

    def add(self, item: Item) -> None:
        """Take one more item; they keep their order.

        Raises:
            OutputError: the disk is full. What was taken before can still be finished.
        """
        self._waiting.append(self._format.item(item))
        if len(self._waiting) >= _MOST_WAITING:
            self._spill()

    def _spill(self) -> None:
        """Bring what waits to the disk; where that fails or is interrupted, it waits on."""
        separator = self._format.separator
        data = separator.join([b"", *self._waiting] if self._size else self._waiting)
        with naming(self._path):
            self._spool.seek(self._size)
            rest = memoryview(data)
            while rest:
                rest = rest[self._spool.write(rest) :]
        self._size, self._waiting = self._size + len(data), []

    def finish(self, totals: Totals) -> None:
        """Write the report with every item that there was, and give it its name.

        Raises:
            OutputError: the disk is full.
            BrokenPipeError: the reader of a pipe went away.
        """
        if self._waiting:
            self._spill()
        head, tail = self._format.frame(totals)
        file, left = self._target.file, self._size
        file.write(head)
        with naming(self._path):
            self._spool.seek(0)
            while block := self._spool.read(min(left, _BLOCK)):
                file.write(block)
                left -= len(block)
        file.write(tail)
        self._target.finish()
        self._target.publish()


class _Format(Protocol):
    """How the parts of a report are written."""

    separator: bytes
    """What stands between two items."""

    def item(self, item: Item) -> bytes: ...

    def frame(self, totals: Totals) -> tuple[bytes, bytes]:
        """Return what stands before and after the items."""


class _Json:
    """One object, with an item a line."""

    separator = b",\n"

    def __init__(self, manifest: str) -> None:
        self._manifest = manifest
        self._readable = JSONEncoder(ensure_ascii=False)
        self._ascii = JSONEncoder()

    def item(self, item: Item) -> bytes:
        return self._encode(item_fields(item))

    def frame(self, totals: Totals) -> tuple[bytes, bytes]:
        counts = totals._asdict()
        n_credits, wall = counts.pop("credits"), counts.pop("wall")
        head = self._encode(
            {
                "version": _VERSION,
                "manifest": self._manifest,
                "counts": counts,
                "credits": n_credits,
                "wall": round(wall, 3),
            }
        )
        return head.removesuffix(b"}") + b', "items": [\n', b"\n]}\n"

    def _encode(self, value: dict[str, Any]) -> bytes:
        text = self._readable.encode(value)
        if _NO_JSON.search(text):
            text = self._ascii.encode(value).replace("\x7f", "\\u007f")
        return text.encode()


class _JUnit:
    """A suite with a case a line, as Jenkins and all that learned from it read it.

    What the run did not come to is no case: how many those are is a property of the suite.
    """

    separator = b"\n"

    def __init__(self, manifest: str) -> None:
        self._manifest = manifest
        # A manifest is a class and a file is a case: those are the names that stay from run to run.
        self._class = _xml(f"cartesia.{PurePath(manifest).stem.translate(_TIDY) or 'batch'}")
        # In UTC, and without saying so: the schemas have no place for a time zone.
        self._started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def item(self, item: Item) -> bytes:
        name = _xml(item.output or f"line {item.line}")
        case = f'<testcase name="{name}" classname="{self._class}" time="{item.wall:.3f}"'
        if item.status == "done":
            return f"{case}/>".encode()
        outcome = "<skipped/>" if item.status == "skipped" else self._failure(item)
        return f"{case}>{outcome}</testcase>".encode()

    def _failure(self, item: Item) -> str:
        error = item.error or CartesiaError("No reason is known.")
        kind = error.code or error.exit_code.name.lower()
        lines = [
            f"{self._manifest}, line {item.line}: {error}",
            f"id: {item.id}" if item.id is not None else "",
            f"request: {error.request_id}" if error.request_id else "",
            f"hint: {error.hint}" if error.hint else "",
        ]
        text = "\n".join(_xml(line.translate(_CONTROLS)) for line in lines if line)
        message = _xml(_message(error).translate(_CONTROLS))
        return f'<failure message="{message}" type="{_xml(kind)}">{text}</failure>'

    def frame(self, totals: Totals) -> tuple[bytes, bytes]:
        name = _xml(self._manifest)
        n_cases = totals.done + totals.skipped + totals.failed
        counts = f'tests="{n_cases}" failures="{totals.failed}" errors="0"'
        head = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuites name="cartesia batch" {counts} time="{totals.wall:.3f}">\n'
            f'<testsuite name="{name}" {counts} skipped="{totals.skipped}" time="{totals.wall:.3f}"'
            f' timestamp="{self._started}">\n'
            f'<properties><property name="left" value="{totals.left}"/>'
            f'<property name="credits" value="{totals.credits}"/></properties>\n'
        )
        return head.encode(), b"\n</testsuite>\n</testsuites>\n"


def _xml(text: str) -> str:
    """Return text for an attribute or an element; what XML cannot have at all becomes U+FFFD."""
    return _REFERRED.sub(_refer, _NO_XML.sub("\ufffd", text))


def _refer(character: re.Match[str]) -> str:
    return _NAMED.get(character[0]) or f"&#{ord(character[0])};"
