"""The body of a request: described while it goes by, in constant memory."""

import hashlib
import json
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

_MAX_TEXT = 4 * 2**20
"""Bytes of JSON or text that are kept; of more there is only the sum."""

_MAX_FIELD = 2**16
"""Bytes of a field of a form that are kept."""


class Upload:
    """A body that arrives in pieces.

    Args:
        content_type: as the client names it.
    """

    def __init__(self, content_type: str) -> None:
        self.is_complete = False
        """Whether nothing more is to come; set by whoever feeds it."""

        self._sum = hashlib.sha256()
        self._n_bytes = 0
        self._text: bytearray | None = bytearray()
        self._form = _Form.of(content_type)

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        self._n_bytes += len(data)
        if self._form is not None:
            self._form = self._form if self._form.feed(data) else None
        self._sum.update(data)
        if self._text is not None:
            self._text += data
            if len(self._text) > _MAX_TEXT or self._form is not None:
                self._text = None

    def describe(self) -> dict[str, Any] | None:
        """Return the body as it stands in a cassette."""
        if not self._n_bytes:
            return None
        if self._form is not None:
            return {"form": self._form.parts}
        if self._text is not None:
            try:
                text = self._text.decode()
            except UnicodeDecodeError:
                return self._described
            try:
                return {"json": json.loads(text)}
            except (ValueError, RecursionError):
                return {"text": text}
        return self._described

    @property
    def _described(self) -> dict[str, Any]:
        return {"bytes": self._n_bytes, "sha256": self._sum.hexdigest()}


class _Form:
    """The parts of a form."""

    def __init__(self, boundary: bytes) -> None:
        self.parts: list[dict[str, Any]] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_name,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_part_end": self._end,
            },
        )
        self._begin()

    @classmethod
    def of(cls, content_type: str) -> "_Form | None":
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            return None
        try:
            return cls(boundary)
        except FormParserError:
            return None

    def feed(self, data: bytes) -> bool:
        """Return whether it is a form so far."""
        try:
            self._parser.write(data)
        except FormParserError:
            return False
        return True

    def _begin(self) -> None:
        self._name, self._value = bytearray(), bytearray()
        self._part: dict[str, Any] = {"name": ""}
        self._data = bytearray()
        self._sum = hashlib.sha256()
        self._n_bytes = 0

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._part["name"] = options.get(b"name", b"").decode("utf-8", "replace")
            if b"filename" in options:
                self._part["filename"] = options[b"filename"].decode("utf-8", "replace")
        self._name.clear()
        self._value.clear()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        self._sum.update(piece)
        self._n_bytes += len(piece)
        if "filename" not in self._part and len(self._data) <= _MAX_FIELD:
            self._data += piece

    def _end(self) -> None:
        if "filename" in self._part or self._n_bytes > _MAX_FIELD:
            self._part |= {"bytes": self._n_bytes, "sha256": self._sum.hexdigest()}
        else:
            self._part["value"] = self._data.decode("utf-8", "replace")
        self.parts.append(self._part)
