"""A server that is hosted as the command hosts it, in a process of its own.

    with hosted("--pace", 4) as server:
        ...  # server.url, server.process, server.answered

As a process it prints its address when it is ready, a JSON object for every answer on standard error, and
ends by the signal that ended it. All that it waits for in vain it waits for ``--patience`` seconds.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cartesia_cli.server.app import create_app
from cartesia_cli.server.entrance.visitors import Answered
from cartesia_cli.server.hosting.patience import Patience
from cartesia_cli.server.hosting.serving import listen_on, serve_forever
from cartesia_cli.server.rules import Rules
from cartesia_cli.server.staff import Staff
from tests.fakes.known import KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.listening_live import ReadsSound


@dataclass
class Hosted:
    """A server process that is ready."""

    process: "subprocess.Popen[bytes]"
    url: str = ""
    log: list[str] = field(default_factory=list)
    """The lines on standard error."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def answered(self) -> list[dict[str, Any]]:
        """What it told about its answers."""
        return [json.loads(line) for line in list(self.log) if line.startswith("{")]

    @property
    def complaints(self) -> list[str]:
        """Everything else that it said."""
        return [line for line in self.log if not line.startswith("{")]

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(signum)
        return self.process.wait(20)


@contextmanager
def hosted(*options: object) -> Iterator[Hosted]:
    """Run this module as a process; what is still there in the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.hosted", *map(str, options)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    server = Hosted(process)
    lines = process.stderr

    def collect() -> None:
        for line in lines:
            server.log.append(line.decode().rstrip("\n"))

    reader = threading.Thread(target=collect)
    reader.start()
    try:
        server.url = process.stdout.readline().decode().strip()
        assert server.url, server.log
        yield server
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
        process.stderr.close()


def patience(seconds: float) -> Patience:
    """Return the patience that waits equally long for everything."""
    return Patience(head=seconds, idle=seconds, body=seconds, answer=seconds, pong=seconds, end=seconds)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--patience", type=float, default=5.0)
    parser.add_argument("--pace", type=float)
    parser.add_argument("--concurrency", type=int)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    engine = KnownSamples(pace=options.pace)
    app = create_app(
        Staff(
            synthesizer=engine,
            catalogue=engine,
            transcriber=KnownRecordings(),
            live_transcriber=ReadsSound(),
        ),
        rules=Rules(concurrency=options.concurrency),
    )

    def ready(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    def tell(answered: Answered) -> None:
        sys.stderr.write(f"{json.dumps(asdict(answered))}\n")
        sys.stderr.flush()

    signum = serve_forever(
        app,
        listen_on("127.0.0.1", options.port),
        on_ready=ready,
        patience=patience(options.patience),
        on_answer=tell,
    )
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


if __name__ == "__main__":
    main()
