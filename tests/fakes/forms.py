"""Forms as a server finds them: RFC 7578, read without any library."""

import re
from typing import NamedTuple

from tests.fakes.scripted import Request


class Part(NamedTuple):
    """One field of a form."""

    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


def form_of(request: Request) -> list[Part]:
    """Return the fields of a form, by name; those of one name in their order."""
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\S+)", request.header("content-type") or "")
    assert boundary is not None
    start, *found, end = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    assert (start, end) == (b"", b"--\r\n")
    return sorted((_read(part) for part in found), key=lambda part: part.name)


def _read(part: bytes) -> Part:
    head, _, content = part.partition(b"\r\n\r\n")
    text = head.decode()
    name = re.search(r'; name="([^"]*)"', text)
    filename = re.search(r'; filename="([^"]*)"', text)
    kind = re.search(r"Content-Type: (.*)", text)
    assert name is not None
    return Part(name[1], content, filename and filename[1], kind and kind[1])
