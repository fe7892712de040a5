"""Recordings that say what they say in plain bytes, the form they travel in, and a server that keeps nothing.

``recording("Good day.")`` is a WAV whose samples are the UTF-8 of its text: the API of ``cloud.py`` hears it.
Written from the documentation and RFC 7578, not from the program.
"""

import json
import re
import socket
import struct
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.scripted import CLOSE, RESET, Gate, Pause, Request, Step

FIELDS = {"file", "model", "language", "timestamp_granularities[]"}


def recording(text: str) -> bytes:
    """Return a WAV of 8 bit at 8000 Hz whose samples are the text."""
    data = text.encode()
    form = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    padding = b"\0" * (len(data) % 2)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data + padding
    return b"RIFF" + struct.pack("<I", len(body)) + body


class Upload(NamedTuple):
    """One request to ``/stt``, taken apart."""

    query: dict[str, list[str]]
    fields: dict[str, list[str]]
    """Every part but the file, in order."""

    filename: str
    """As it stands between the quotes."""

    data: bytes

    @property
    def heard(self) -> str | None:
        """What the recording says; None if it is none."""
        if "encoding" in self.query:
            return self.data.decode()
        if not (self.data.startswith(b"RIFF") and self.data[8:12] == b"WAVE" and b"data" in self.data):
            return None
        start = self.data.index(b"data") + 8
        [size] = struct.unpack("<I", self.data[start - 4 : start])
        try:
            return self.data[start : start + size].decode()
        except UnicodeDecodeError:
            return None


def read_upload(request: Request) -> Upload:
    """Return what was sent.

    Raises:
        ValueError: it is not a form as the API's documentation describes it.
    """
    if request.method != "POST":
        raise ValueError(f"{request.method} is not POST")
    found = re.fullmatch(r'multipart/form-data; boundary="?([^"]+)"?', request.header("content-type") or "")
    if found is None:
        raise ValueError(f"{request.header('content-type')} is not a form")
    boundary = b"--" + found[1].encode()
    head, *parts, end = (b"\r\n" + request.body).split(b"\r\n" + boundary)
    if head or end not in {b"--", b"--\r\n"}:
        raise ValueError("the form does not begin and end at its boundary")
    fields: dict[str, list[str]] = {}
    files = []
    for name, filename, content in map(_read_part, parts):
        if name == "file":
            files.append((filename, content))
        else:
            fields.setdefault(name, []).append(content.decode())
    if len(files) != 1 or len(fields.get("model", [])) != 1:
        raise ValueError("there is one file and one model")
    if set(fields.get("timestamp_granularities[]", ())) - {"word"}:
        raise ValueError("the only granularity is the word")
    query = parse_qs(urlsplit(request.target).query)
    if query.keys() - {"encoding", "sample_rate"}:
        raise ValueError(f"a query that nobody knows: {query}")
    return Upload(query, fields, *files[0])


def _read_part(part: bytes) -> tuple[str, str, bytes]:
    """Return name, file name and content of one part of a form."""
    headers, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    pattern = r'(?i)^content-disposition: form-data; name="([^"]*)"(?:; filename="([^"]*)")?'
    found = re.search(pattern, headers.decode(), re.MULTILINE)
    if found is None or found[1] not in FIELDS:
        raise ValueError(f"a part that nobody knows: {headers!r}")
    if (found[1] == "file") != bool(found[2]):
        raise ValueError(f"the file, and it alone, has a file name: {headers!r}")
    return found[1], found[2] or "", content


def transcript(text: str, words: Any = None, **more: Any) -> bytes:
    """Return the body of an answer, with whatever a test takes for words."""
    answer = {"type": "transcript", "request_id": "0b6e", "text": text, "language": "en", "duration": 2.5}
    return json.dumps(answer | {"words": words} | more).encode()


@dataclass(slots=True)
class Taken:
    """How much of one upload was read."""

    head: bytes
    n_bytes: int = 0
    crc: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with one upload: so much of it is read, then the steps are taken."""

    steps: Sequence[Step] = (CLOSE,)
    read: int | None = None
    """Bytes of the body; None is all of them."""

    then: Sequence[Step] = ()
    """What is done once the rest has been read as well; nothing: it is not read."""

    every: float = 0.0
    """Seconds of silence before each 256 KiB are read."""


class Receiver:
    """A server on 127.0.0.1 that reads bodies of any size without keeping them; the last plan stays."""

    def __init__(self, *plans: Plan) -> None:
        self.uploads: list[Taken] = []
        self._plans = plans
        self._stopped = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16
        )  # what is not read is not sent
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        socket.create_connection(self._listener.getsockname()).close()  # wakes accept()
        self._threads[0].join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopped.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        with connection:
            try:
                while (head := self._head(connection)) is not None:
                    if not self._take(connection, *head):
                        return
            except OSError:
                return  # the client has gone

    def _read(self, connection: socket.socket, size: int) -> bytes:
        """Return some bytes; none if the client, or the test, is done."""
        while not self._stopped.is_set():
            try:
                return connection.recv(size)
            except TimeoutError:
                continue
        return b""

    def _head(self, connection: socket.socket) -> tuple[bytes, bytes] | None:
        """Return the head of a request and what of its body came along."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._read(connection, 1 << 14)
            if not more:
                return None
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest

    def _take(self, connection: socket.socket, head: bytes, rest: bytes) -> bool:
        """Read one body and answer; return whether the connection is still to be used."""
        taken = Taken(head)
        plan = self._plans[min(len(self.uploads), len(self._plans) - 1)]
        self.uploads.append(taken)
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        total = int(length[1]) if length else 0
        if not self._drain(
            connection, taken, rest, total if plan.read is None else min(total, plan.read), plan
        ):
            return False
        if not all(self._do(connection, step) for step in plan.steps):
            return False
        if plan.then:
            return self._drain(connection, taken, b"", total, plan) and all(
                self._do(connection, step) for step in plan.then
            )
        return taken.n_bytes == total

    def _drain(self, connection: socket.socket, taken: Taken, first: bytes, wanted: int, plan: Plan) -> bool:
        """Read until so much of the body has come; return whether it has."""
        data = first
        while True:
            taken.n_bytes += len(data)
            taken.crc = zlib.crc32(data, taken.crc)
            if taken.n_bytes >= wanted:
                return True
            self._stopped.wait(plan.every)
            data = self._read(connection, min(1 << 18, wanted - taken.n_bytes))
            if not data:
                return False

    def _do(self, connection: socket.socket, step: Step) -> bool:
        """Take one step; return whether the connection is still to be used."""
        match step:
            case bytes():
                connection.settimeout(None)
                connection.sendall(step)
                connection.settimeout(0.05)
            case Pause(seconds):
                self._stopped.wait(seconds)
            case Gate():
                step.reached.set()
                while not step.opened.wait(0.01) and not self._stopped.is_set():
                    pass
            case _ if step is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case _ if step is CLOSE:
                return False
            case _:  # HANG: not even read
                self._stopped.wait()
                return False
        return not self._stopped.is_set()
