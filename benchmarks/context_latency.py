"""Sockets: what a client adds to the server's time, and 64 contexts on one connection, against the SDK.

    python -m benchmarks.context_latency

Text goes in, and the clock runs until its first audio is out; the server's own 20 ms are taken off. Then 64
contexts share a connection, each of 10 s of audio that comes five times as fast as it plays: what counts
is the slowest context's first audio, and the CPU of the whole.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import measure

SERVER_SECONDS = 0.02
N_CONTEXTS = 64
CONTEXT_SECONDS = 10
PACE_MS = 20
N_TURNS = 5
VOICE = measure.VOICE


def main() -> None:
    """Measure and print the tables; as its own child, measure one client."""
    parser = measure.options(__doc__, rounds=100)
    parser.add_argument("--one", nargs=3, metavar=("CLIENT", "WHAT", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        client, what, url = given.one
        print(*CLIENTS[client, what](url, given.rounds))
        return
    found = measure.programs(given)
    with measure.fast_server("--first-byte", f"{SERVER_SECONDS * 1000}", pin=False) as url:
        sdk, ours = _in_turns(found.python, "latency", url, given.rounds)
    rows = [
        measure.compare(f"text in to first audio out: {what}", theirs * 1e6, our * 1e6, unit="µs")
        for what, theirs, our in zip(("median", "99 in 100"), sdk, ours, strict=True)
    ]
    measure.print_table("A text on an open socket, beyond the server's own time; reference: the SDK", rows)
    with measure.fast_server("--pace", f"{PACE_MS}") as url:
        sdk, ours = _in_turns(found.python, "crowd", url, given.rounds)
    rows = [
        measure.compare(what, theirs, our)
        for what, theirs, our in zip(("the slowest first audio", "wall", "CPU"), sdk, ours, strict=True)
    ]
    title = f"{N_CONTEXTS} contexts of {CONTEXT_SECONDS} s on one socket; reference: the SDK, asyncio"
    measure.print_table(title, rows)


def _in_turns(python: Path, what: str, url: str, rounds: int) -> list[list[float]]:
    """Return the medians of what the SDK and ours measured, each in a process of its own, in turns."""
    results: dict[str, list[list[float]]] = {"sdk": [], "ours": []}
    for _ in range(N_TURNS):
        for name, found in results.items():
            found.append(_child(python, name, what, url, rounds))
    return [[statistics.median(values) for values in zip(*found, strict=True)] for found in results.values()]


def _child(python: Path, client: str, what: str, url: str, rounds: int) -> list[float]:
    argv: list[str | Path] = [
        python,
        "-m",
        "benchmarks.context_latency",
        "--rounds",
        str(rounds),
        "--one",
        client,
        what,
        url,
    ]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=measure.inherited())
    return [float(word) for word in done.stdout.split()]


def _quantiles(times: list[float]) -> tuple[float, float]:
    beyond = [taken - SERVER_SECONDS for taken in times]
    return statistics.median(beyond), statistics.quantiles(beyond, n=100)[98]


def sdk_latency(url: str, rounds: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of the official SDK."""
    from cartesia import Cartesia

    from benchmarks.sdk_client import FORMAT, MODEL

    client = Cartesia(api_key="benchmark", base_url=url, websocket_base_url=url.replace("http", "ws", 1))
    times = []
    with client.tts.websocket_connect() as connection:
        for _ in range(rounds + 10):
            began = time.perf_counter()
            context = connection.context(model_id=MODEL, voice=VOICE, output_format=FORMAT)
            context.push("Good day. ")
            first = None
            for message in context.receive():
                if message.type == "chunk" and message.audio and first is None:
                    first = time.perf_counter() - began
                    context.no_more_inputs()
            times.append(first or 0.0)
    return _quantiles(times[10:])


def our_latency(url: str, rounds: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of our ``stream``."""
    from cartesia_cli.api import Client
    from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest

    times: list[float] = []
    with Client("benchmark", base_url=url) as client:
        for _ in range(rounds + 10):
            text = OneText()
            for event in client.stream(SpeechRequest("", VOICE, AudioFormat()), text):
                if isinstance(event, AudioChunk) and not text.heard.is_set():
                    times.append(time.perf_counter() - text.began)
                    text.heard.set()
    return _quantiles(times[10:])


class OneText:
    """A text that comes a moment after it is waited for, as the first word of a model does."""

    def __init__(self) -> None:
        self.began = 0.0
        self.heard = threading.Event()

    def __iter__(self) -> Iterator[str]:
        """Yield the text, note when, and end once it is heard."""
        time.sleep(0.005)
        self.began = time.perf_counter()
        yield "Good day. "
        self.heard.wait(10)


def sdk_crowd(url: str, _rounds: int) -> tuple[float, float, float]:
    """Return the slowest first audio, the wall and the CPU time of the official SDK's asynchronous client."""
    import asyncio

    from cartesia import AsyncCartesia

    from benchmarks.sdk_client import FORMAT, MODEL

    async def speak(connection: Any, began: float) -> float:
        context = connection.context(model_id=MODEL, voice=VOICE, output_format=FORMAT)
        await context.push(f"{CONTEXT_SECONDS} seconds")
        await context.no_more_inputs()
        first, n_bytes = 0.0, 0
        async for message in context.receive():
            if message.type == "chunk" and message.audio:
                first = first or time.perf_counter() - began
                n_bytes += len(message.audio)
        _check(n_bytes)
        return first

    async def speak_all() -> float:
        client = AsyncCartesia(
            api_key="benchmark", base_url=url, websocket_base_url=url.replace("http", "ws", 1)
        )
        async with client.tts.websocket_connect() as connection:
            began = time.perf_counter()
            return max(await asyncio.gather(*(speak(connection, began) for _ in range(N_CONTEXTS))))

    began, cpu = time.perf_counter(), time.process_time()
    slowest = asyncio.run(speak_all())
    return slowest, time.perf_counter() - began, time.process_time() - cpu


def our_crowd(url: str, _rounds: int) -> tuple[float, float, float]:
    """Return the slowest first audio, the wall and the CPU time of our client with a thread a context."""
    from cartesia_cli.api import Client
    from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest

    firsts: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()

    def speak() -> None:
        first, n_bytes = 0.0, 0
        request = SpeechRequest(f"{CONTEXT_SECONDS} seconds", VOICE, AudioFormat())
        for event in client.synthesize(request, transport="websocket"):
            if isinstance(event, AudioChunk):
                first = first or time.perf_counter() - began
                n_bytes += len(event.data)
        _check(n_bytes)
        firsts.append(first)

    with Client("benchmark", base_url=url) as client:
        threads = [threading.Thread(target=speak) for _ in range(N_CONTEXTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if len(firsts) < N_CONTEXTS:
        sys.exit("a context failed")
    return max(firsts), time.perf_counter() - began, time.process_time() - cpu


def _check(n_bytes: int) -> None:
    if n_bytes != CONTEXT_SECONDS * 44_100 * 4:
        sys.exit(f"a context of {n_bytes} bytes")


CLIENTS: dict[tuple[str, str], Callable[[str, int], tuple[float, ...]]] = {
    ("sdk", "latency"): sdk_latency,
    ("ours", "latency"): our_latency,
    ("sdk", "crowd"): sdk_crowd,
    ("ours", "crowd"): our_crowd,
}

if __name__ == "__main__":
    main()
