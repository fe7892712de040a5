"""What a server is compared with: the voice without any server, and sockets without any speech.

Each is a process of its own: ``python -m benchmarks.references voice`` and ``… sockets``.
"""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure

SENTENCE = "A good book and a warm cup of tea make a pleasant evening."
"""About 3 seconds."""

TEXT = " ".join([SENTENCE] * 3)


@dataclass(frozen=True, slots=True)
class Direct:
    """Seconds that the voice takes where nothing stands between."""

    sentence: float
    first: float
    """Until the first audio of ``TEXT``."""

    cpu: float
    """Of the processor, for a sentence."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A process that speaks when it is told to."""

    process: "subprocess.Popen[str]"

    def begin(self) -> None:
        """Have it speak."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self) -> Direct:
        """Return what it took, once it is done."""
        return Direct(*map(float, first_line(self.process).split()))


@contextlib.contextmanager
def open_voice() -> Iterator[Voice]:
    """Yield a process that has its voice loaded."""
    with child(_argv("voice")) as process:
        first_line(process)
        yield Voice(process)


def speak_directly(voices: list[Voice]) -> Direct:
    """Return the means of voices that speak at the same time."""
    for voice in voices:
        voice.begin()
    results = [voice.result() for voice in voices]
    return Direct(
        statistics.mean(result.sentence for result in results),
        statistics.mean(result.first for result in results),
        statistics.mean(result.cpu for result in results),
    )


def _be_voice() -> None:
    """For each line of standard input, print what the voice takes."""
    from cartesia_cli.local.engine import LocalEngine
    from cartesia_cli.models import AudioFormat, SpeechRequest

    engine = LocalEngine()

    def speak(text: str) -> tuple[float, float]:
        began = time.perf_counter()
        events = engine.synthesize(SpeechRequest(text, "heart", AudioFormat()))
        next(events)
        first = time.perf_counter() - began
        for _ in events:
            pass
        return first, time.perf_counter() - began

    speak(SENTENCE)
    print("ready", flush=True)
    for _ in sys.stdin:
        cpu = time.process_time()
        sentences = [speak(SENTENCE)[1] for _ in range(6)]
        cpu = time.process_time() - cpu
        firsts = [speak(TEXT)[0] for _ in range(2)]
        print(statistics.mean(sentences), statistics.mean(firsts), cpu / len(sentences), flush=True)


async def _be_sockets() -> None:
    """Accept WebSockets and never say anything."""
    from websockets.asyncio.server import ServerConnection, serve

    async def hold(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(hold, "127.0.0.1", 0, compression=None) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        print(f"http://{host}:{port}", flush=True)
        await asyncio.get_running_loop().create_future()


@contextlib.contextmanager
def bare_sockets() -> Iterator[tuple[str, int]]:
    """Yield the address and the process of a server of WebSockets that never says anything."""
    with child(_argv("sockets")) as process:
        yield first_line(process), process.pid


@contextlib.contextmanager
def child(argv: list[str | Path]) -> "Iterator[subprocess.Popen[str]]":
    """Run a program until the end of the block."""
    with subprocess.Popen(
        [str(part) for part in argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**measure.inherited(), "PYTHONPATH": str(Path(__file__).parents[1])},
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def first_line(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a program prints.

    Raises:
        BenchmarkError: it has ended.
    """
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    line = process.stdout.readline().strip()
    if not line:
        raise measure.BenchmarkError("a program did not start")
    return line


def _argv(what: str) -> list[str | Path]:
    return [sys.executable, "-m", "benchmarks.references", what]


if __name__ == "__main__":
    if sys.argv[1] == "voice":
        _be_voice()
    else:
        asyncio.run(_be_sockets())
