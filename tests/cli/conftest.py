"""The program, the API on a socket, and a folder to work in."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from tests.cli.cloud import Cloud
from tests.cli.program import Program, Result, fork_server
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
