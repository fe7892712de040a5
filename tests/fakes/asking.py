"""A recipe that workers of a cluster follow, and the API that they ask; it counts what it is asked."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.batch.jobs import Job, Made, MadeFile
from cartesia_cli.batch.making.recipe import Gate
from cartesia_cli.batch.places import open_place
from cartesia_cli.errors import CartesiaError, CredentialsError, LimitError, RequestError, UnavailableError
from cartesia_cli.files import signature_of
from cartesia_cli.models import AudioFormat, Encoding, SpeechRequest

SOUND = AudioFormat(Encoding.PCM_S16LE, 8000)
LAST_WORDS = "last words"
"""The first worker that has made this dies before it can tell."""

POISON = "poison"
"""Every worker that begins with this dies."""


def job(line: int, text: str = "Hello.", *more: str, folder: str = "") -> Job:
    """Return a job of as many parts as there are texts."""
    requests = tuple(SpeechRequest(part, "voice", SOUND) for part in (text, *more))
    name = f"{folder}{line:06}.pcm"
    return Job(line, None, name, requests, OutputFormat("raw", SOUND.encoding, 8000), (), f"{line}-{text}")


@dataclass
class Api:
    """A server of which each path is a line of a manifest."""

    pause: float = 0.0
    """Seconds that an answer takes."""

    refused: dict[str, int] = field(default_factory=dict)
    """The status that a line gets, if it is not 200."""

    release: threading.Event | None = None
    """Without it nobody gets an answer."""

    asked: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    askers: dict[str, list[int]] = field(default_factory=dict)
    """The processes that asked for each line."""

    under_way: Counter[str] = field(default_factory=Counter)
    n_most: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    """Run the server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            line = self.path.strip("/")
            with api.lock:
                api.asked[line] += 1
                api.keys.add(self.headers["Authorization"])
                api.askers.setdefault(line, []).append(int(self.headers["Worker"]))
                api.under_way[line] += 1
                api.n_most = max(api.n_most, api.under_way.total())
            time.sleep(api.pause)
            if api.release is not None:
                api.release.wait(30)
            status = api.refused.get(line, 200)
            with api.lock:
                api.under_way[line] -= 1
            self.send_response(status)
            self.end_headers()
            self.wfile.write(f"sound of {line}".encode())

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_who: object) -> None:
            """Say nothing of those that were killed."""

    server = Server(("127.0.0.1", 0), Handler)
    api.url = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield api
    finally:
        if api.release is not None:
            api.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Asking:
    """A recipe."""

    target: str
    api: str
    marker: Path
    """A folder: what is there stays when a worker dies."""

    def open(self, secret: object, /, *, gate: Gate, stop: threading.Event) -> "Asker":
        """Return a workshop."""
        key = cast("str | None", secret) or os.environ.get("CARTESIA_API_KEY")
        if key is None:
            raise CredentialsError("No API key.", hint="Set one.")
        (self.marker / f"opened-{os.getpid()}-{time.monotonic_ns()}").touch()
        return Asker(self, key, gate)


class Asker:
    """A workshop."""

    def __init__(self, recipe: Asking, key: str, gate: Gate) -> None:
        self._recipe = recipe
        self._key = key
        self._gate = gate
        self._place = open_place(recipe.target)

    def make(self, job: Job) -> Made:
        """Ask for each part; write what comes, and what it is that was asked."""
        if job.text == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        parts = []
        for i in range(len(job.requests)):
            with self._gate():
                parts.append(self._ask(f"{job.line}" if i == 0 else f"{job.line}.{i}"))
        path = self._place.path(job.name)
        path.write_bytes(b"".join(parts))
        signature = self._place.deliver(job.name) if self._place.is_remote else signature_of(path)
        assert signature is not None
        if job.text == LAST_WORDS:
            witness = self._recipe.marker / f"died-{job.line}"
            if not witness.exists():
                witness.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return Made("done", 1.0, (MadeFile(signature, "digest"),), n_credits=job.n_characters)

    def close(self) -> None:
        """Tell that it was closed."""
        (self._recipe.marker / f"closed-{os.getpid()}-{time.monotonic_ns()}").touch()

    def _ask(self, line: str) -> bytes:
        connection = HTTPConnection(self._recipe.api, timeout=30)
        try:
            headers = {"Authorization": self._key, "Worker": str(os.getpid())}
            connection.request("POST", f"/{line}", headers=headers)
            answer = connection.getresponse()
            data = answer.read()
        except OSError as error:
            raise UnavailableError("No answer.") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise _error(answer.status)
        return data


def _error(status: int) -> CartesiaError:
    if status == 401:
        return CredentialsError("The key was refused.", hint="Use another.")
    if status == 402:
        error = LimitError("The credits are used up.", code="quota_exceeded", request_id="r-402")
        error.is_passing = False
        return error
    return RequestError("This cannot be said.", title="Bad text", code="bad", request_id="r-400")
