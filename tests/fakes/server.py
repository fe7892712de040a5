"""A server that speaks the API with a voice whose every sample is known beforehand.

In a test::

    with running_server(KnownSamples(chunk_bytes=333), faults=["429*2"]) as server:
        ...  # server.url, server.requests

As a process of its own (it prints its address and ends when its standard input does)::

    python -m tests.fakes.server --fault 429*2 --pace 4
"""

import argparse
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from json import loads
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cartesia_cli.engines import (
    LiveTranscriber,
    Synthesizer,
    Transcriber,
    VoiceCatalogue,
    VoiceChanger,
    VoiceLibrary,
)
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.app import create_app
from cartesia_cli.server.faults import parse_fault
from cartesia_cli.server.rules import Rules
from cartesia_cli.server.staff import Staff, built_in_staff
from cartesia_cli.server.voices.dictionaries import Dictionaries
from tests.fakes.apps import running_app
from tests.fakes.known import WORD_SECONDS, KnownSamples


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request that a server got; ``body`` grows while it arrives."""

    method: str
    path: str
    """With prefix, without query, percent-decoded."""

    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    """Names in lower case."""

    body: bytearray

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return loads(bytes(self.body))


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that runs."""

    url: str
    """With the prefix, without a slash at the end."""

    requests: list[Recorded]
    """In the order in which they began."""


@contextmanager
def running_server(
    synthesizer: Synthesizer | None = None,
    catalogue: VoiceCatalogue | None = None,
    *,
    keys: Collection[str] | None = None,
    prefix: str = "",
    faults: Iterable[str] = (),
    seed: int = 0,
    chunk_seconds: float | None = 0.1,
    transcriber: Transcriber | None = None,
    max_recording: int = 2 * 10**9,
    live_transcriber: LiveTranscriber | None = None,
    context_expiry: float = 1.0,
    idle: float = 300.0,
    library: VoiceLibrary | None = None,
    dictionaries: Dictionaries | None = None,
    changer: VoiceChanger | None = None,
    max_clip: int = 64 * 2**20,
    clock: Callable[[], float] = time.time,
) -> Iterator[RunningServer]:
    """Run a server in a thread, on a free port of the loopback interface.

    Args:
        synthesizer: what speaks; ``KnownSamples()`` if it is not said.
        catalogue: whose voices there are; those of ``KnownSamples`` if it is not said.
        keys: as in ``create_app``.
        prefix: as in ``create_app``.
        faults: as after ``--fault``.
        seed: as in ``create_app``.
        chunk_seconds: as in ``Rules``.
        transcriber: as in ``Staff``.
        max_recording: as in ``Rules``.
        live_transcriber: as in ``Staff``.
        context_expiry: as in ``Rules``.
        idle: of a socket for speech, as in ``Rules``.
        library: as in ``Staff``; it is the catalogue too, unless one is given.
        dictionaries: as in ``Staff``.
        changer: as in ``Staff``.
        max_clip: as in ``Rules``.
        clock: as in ``create_app``.
    """
    engine = synthesizer or KnownSamples()
    voices = catalogue or library or (engine if isinstance(engine, KnownSamples) else KnownSamples())
    app = create_app(
        Staff(
            synthesizer=engine,
            catalogue=voices,
            transcriber=transcriber,
            live_transcriber=live_transcriber,
            library=library,
            dictionaries=dictionaries,
            changer=changer,
        ),
        rules=Rules(
            chunk_seconds=chunk_seconds,
            max_recording=max_recording,
            context_expiry=context_expiry,
            speaking_idle=idle,
            max_clip=max_clip,
        ),
        keys=keys,
        prefix=prefix,
        faults=[parse_fault(spec) for spec in faults],
        seed=seed,
        clock=clock,
    )
    requests: list[Recorded] = []
    with running_app(_Recorder(app, requests), waits=False) as url:
        yield RunningServer(url + prefix.rstrip("/"), requests)


@contextmanager
def built_in_server(**options: Any) -> Iterator[RunningServer]:
    """Run a server with the built-in engine in every role; what it keeps is in memory.

    The options are those of ``running_server``.
    """
    staff = built_in_staff(":memory:")
    assert isinstance(staff.library, LocalCatalogue)
    with (
        closing(staff.library),
        running_server(
            staff.synthesizer,
            staff.catalogue,
            transcriber=staff.transcriber,
            live_transcriber=staff.live_transcriber,
            library=staff.library,
            dictionaries=staff.dictionaries,
            changer=staff.changer,
            **options,
        ) as server,
    ):
        yield server


class _Recorder:
    def __init__(self, app: ASGIApp, requests: list[Recorded]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        params = connection.query_params
        query = {name: params.getlist(name) for name in params}
        body = bytearray()
        self._requests.append(
            Recorded(scope.get("method", "GET"), scope["path"], query, dict(connection.headers.items()), body)
        )

        async def receive_recorded() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        await self._app(scope, receive_recorded, send)


def main() -> None:
    """Run a server until standard input ends; print its address on the first line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--key", action="append")
    parser.add_argument("--pace", type=float)
    parser.add_argument("--chunk-bytes", type=int)
    parser.add_argument("--word-seconds", type=float, default=WORD_SECONDS)
    options = parser.parse_args()
    engine = KnownSamples(options.word_seconds, options.chunk_bytes, options.pace)
    with running_server(
        engine, keys=options.key, prefix=options.prefix, faults=options.fault, seed=options.seed
    ) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
