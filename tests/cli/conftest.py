"""The program, the API on a socket, and a folder to work in."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import termios
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from tests.cli.cloud import Cloud
from tests.cli.program import Program, Reader, Result, Running, fork_server, wait_until
from tests.fakes.scripted import Scripted


class Command(Protocol):
    """``say("Hello", "-o", "a.wav")``, with a key, against the cloud; takes what ``Program`` takes."""

    def __call__(self, *args: object, **options: object) -> Result: ...


Say = Command
Transcribe = Command


@pytest.fixture(scope="session")
def server() -> Iterator[socket.socket]:
    """The process that starts the runs."""
    with fork_server() as channel:
        yield channel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the program runs; nothing else is in it."""
    path = tmp_path / "here"
    path.mkdir()
    return path


@pytest.fixture
def run(server: socket.socket, tmp_path: Path, folder: Path) -> Program:
    """Return the program, with no key and no network, in an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    return Program(server, folder, home)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An API that answers everything as documented."""
    api = Cloud()
    with Scripted(api.answer) as served:
        api.url = served.url
        yield api


@pytest.fixture
def in_cloud(run: Program, cloud: Cloud) -> Program:
    """Return the program with a key and the address of the API in its environment."""
    run.env.update(cloud.env)
    return run


@pytest.fixture
def say(in_cloud: Program) -> Say:
    """Return ``cartesia say`` with a key and the API."""
    return partial(in_cloud, "say")


@pytest.fixture
def transcribe(in_cloud: Program) -> Transcribe:
    """Return ``cartesia transcribe`` with a key and the API."""
    return partial(in_cloud, "transcribe")


class Pipe:
    """The standard input of a run that a test writes while it runs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, *pieces: str | bytes) -> None:
        """Write pieces, each when the one before it has been read."""
        for piece in pieces:
            data = memoryview(piece.encode() if isinstance(piece, str) else piece)
            while data:
                data = data[os.write(self._descriptor, data) :]
            wait_until(lambda: self.n_unread == 0)

    def offer(self, piece: bytes) -> int:
        """Write what there is room for, without waiting; return how much that was."""
        os.set_blocking(self._descriptor, False)
        try:
            return os.write(self._descriptor, piece)
        except BlockingIOError:
            return 0
        finally:
            os.set_blocking(self._descriptor, True)

    @property
    def n_unread(self) -> int:
        """How many bytes wait to be read."""
        (n_bytes,) = struct.unpack("i", fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(4)))
        return int(n_bytes)

    def close(self) -> None:
        """End the input; harmless where it has ended."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1


Begin = Callable[..., tuple[Running, Pipe]]


@pytest.fixture
def begin(run: Program, server: socket.socket) -> Iterator[Begin]:
    """Return ``begin("stream", "-o", "a.wav")``, which starts a run with standard input open.

    It takes ``env`` and ``stdout`` as ``Program.start`` does.
    """
    begun: list[tuple[Pipe, int, socket.socket]] = []

    def start(
        *args: object, env: Mapping[str, str] | None = None, stdout: int | None = None
    ) -> tuple[Running, Pipe]:
        stdin, writing = os.pipe()
        reading, stdout = os.pipe() if stdout is None else (None, stdout)
        errors, stderr = os.pipe()
        report, their_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = tuple(map(str, args))
        message = {
            "args": arguments,
            "cold": False,
            "closed": None,
            "cwd": str(run.folder),
            "env": run.env | dict(env or {}),
            "limits": [],
            "user": None,
        }
        theirs: Collection[int] = [stdin, stdout, stderr, their_report.fileno()]
        started = time.monotonic()
        socket.send_fds(server, [json.dumps(message).encode()], [*theirs])
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        their_report.close()
        report.settimeout(20)
        pid = int(report.recv(32))
        begun.append((Pipe(writing), pid, report))
        running = Running(
            args=arguments,
            pid=pid,
            started=started,
            stdin=None,
            stdout=None if reading is None else Reader(reading),
            stderr=Reader(errors),
            _report=report,
        )
        return running, begun[-1][0]

    yield start
    for pipe, pid, report in begun:
        pipe.close()
        if report.fileno() >= 0:  # the test has failed before the run was over
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            report.close()
