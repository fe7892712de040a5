"""``cartesia serve`` under load: requests a second, first bytes, open sockets and memory. Linux only.

    python -m benchmarks.server

The reference for speed is the ideal schedule: the same voice spoken directly, without any server, by one
process for each core, each of which is never idle; the first sounds of a crowd would then come one after the
other, as many at a time as there are cores. That of open sockets is a bare server of the library websockets,
which answers nothing. Clients are a thread of this process that takes 1 to 5 % of a core.
"""

import contextlib
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import measure
from benchmarks.crowd import ask_at_once, open_sockets
from benchmarks.references import (
    SENTENCE,
    TEXT,
    Voice,
    bare_sockets,
    child,
    first_line,
    open_voice,
    speak_directly,
)

CROWDS = (1, 8, 64)
N_IDLE = 500
IDLE_SECONDS = 2.0
_SETTLE = 0.5
_REST = 7.0
"""Seconds after its last work until the server has returned memory and ended threads."""

MINUTE = 20
"""Sentences in a minute."""

_PATHS = ("/tts/bytes", "/tts/sse")
_TTS, _STT = "/tts/websocket", "/stt/websocket?model=ink-whisper&encoding=pcm_s16le&sample_rate=16000"
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print the tables."""
    given = measure.options(__doc__, rounds=3).parse_args()
    found = measure.programs(given)
    _measure_speed(found, given.rounds)
    _measure_idleness(found)
    _measure_memory(found)


def _measure_speed(found: measure.Programs, rounds: int) -> None:
    results: defaultdict[str, list[float]] = defaultdict(list)
    with contextlib.ExitStack() as stack:
        url, pid = stack.enter_context(_serving(found))
        voices = [stack.enter_context(open_voice()) for _ in range(os.cpu_count() or 1)]
        for path in _PATHS:
            ask_at_once(url, path, SENTENCE, 2, 2)
        for _ in range(rounds):
            for n_clients in CROWDS:
                _one_round(results, url, pid, voices[:n_clients], n_clients)
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    middle = {name: statistics.median(values) * 1000 for name, values in results.items()}
    rows = [
        measure.compare(
            f"{path}, {_clients(n)}: a request,{what or ' wall'}",
            middle[f"voice {n}{what}"],
            middle[f"{path} {n}{what}"],
            unit="ms",
        )
        for path in _PATHS
        for n in CROWDS
        for what in ("", " CPU")
    ]
    measure.print_table(
        "The server: one sentence after the other; reference: the voice alone, on all cores", rows
    )
    rows = [
        measure.compare(
            f"{path}, {_clients(n)}, {share}",
            middle[f"ideal {n} {share}"],
            middle[f"{path} {n} {share}"],
            unit="ms",
        )
        for path in ("/tts/sse", _TTS)
        for n in CROWDS
        for share in ("median", "95 in 100")
        if n > 1 or share == "median"
    ]
    measure.print_table(
        "The server: first audio of three sentences each, asked at once; reference: the ideal", rows
    )
    used = " ".join(f"{_clients(n)}: {statistics.median(results[f'cores {n}']):.2f}." for n in CROWDS)
    print(f"\nCores in use while sentences were asked for one after the other: {used}")


def _one_round(
    results: defaultdict[str, list[float]], url: str, pid: int, voices: list[Voice], n_clients: int
) -> None:
    """Measure each way of asking once, between two measurements of the reference."""
    n_each = max(1, 12 // n_clients)
    direct = speak_directly(voices)
    for path in _PATHS:
        before = _cpu(pid)
        heard = ask_at_once(url, path, SENTENCE, n_clients, n_each)
        results[f"{path} {n_clients}"].append(heard.wall / (n_clients * n_each))
        cpu = _cpu(pid) - before
        results[f"{path} {n_clients} CPU"].append(cpu / (n_clients * n_each))
        results[f"cores {n_clients}"].append(cpu / heard.wall)
    for path in ("/tts/sse", _TTS):
        firsts = ask_at_once(url, path, TEXT, n_clients).firsts
        for share, value in _shares(firsts).items():
            results[f"{path} {n_clients} {share}"].append(value)
    again = speak_directly(voices)
    results[f"voice {n_clients}"].append((direct.sentence + again.sentence) / 2 / len(voices))
    results[f"voice {n_clients} CPU"].append((direct.cpu + again.cpu) / 2)
    first = (direct.first + again.first) / 2
    ideal = [(k // len(voices) + 1) * first for k in range(n_clients)]
    for share, value in _shares(ideal).items():
        results[f"ideal {n_clients} {share}"].append(value)


def _measure_idleness(found: measure.Programs) -> None:
    """Open sockets on which nothing is said, on our server and on a bare one."""
    rows = []
    with bare_sockets() as (bare, peer), _serving(found) as (url, pid):
        time.sleep(_REST)
        reference = _weight(bare, peer, "/")
        for path, name in ((_TTS, "for speech"), (_STT, "for sound")):
            claim = f"memory of a socket {name}, {N_IDLE} open"
            rows.append(measure.compare(claim, reference, _weight(url, pid, path), unit="kB"))
        n_threads = _status(pid, "Threads")
        with open_sockets(url, _TTS, N_IDLE), open_sockets(url, _STT, N_IDLE):
            time.sleep(_SETTLE)
            before = _cpu(pid)
            time.sleep(IDLE_SECONDS)
            share = (_cpu(pid) - before) / IDLE_SECONDS * 100
            more = _status(pid, "Threads") - n_threads
            crowded = ask_at_once(url, "/tts/sse", SENTENCE, 1, 8).firsts
        alone = ask_at_once(url, "/tts/sse", SENTENCE, 1, 8).firsts
        rows += [
            measure.limit(f"threads of {2 * N_IDLE} idle sockets", more, unit="", must=0),
            measure.limit(f"a core's time for {2 * N_IDLE} idle sockets", share, unit="%", must=2),
            measure.compare(
                f"first audio of one more, {2 * N_IDLE} idle sockets; reference: without them",
                statistics.median(alone) * 1000,
                statistics.median(crowded) * 1000,
                unit="ms",
                must=0.8,
            ),
        ]
    measure.print_table("The server: idle sockets; reference: a bare server of the library websockets", rows)


def _weight(url: str, pid: int, path: str) -> float:
    """Return the kilobytes that an open socket takes; those that were open before have warmed the server."""
    open_sockets(url, path, N_IDLE // 5).close()
    time.sleep(_SETTLE)
    before = _status(pid, "VmRSS")
    with open_sockets(url, path, N_IDLE):
        time.sleep(_SETTLE)
        return (_status(pid, "VmRSS") - before) / N_IDLE


def _measure_memory(found: measure.Programs) -> None:
    """Serve so many minutes and then ten, as one text and as many."""
    rows = []
    for path, n_clients, minutes, name in (
        ("/tts/bytes", 1, 1, "bytes, one text"),
        ("/tts/sse", 1, 1, "events, one text"),
        ("/tts/sse", 1, 1, "events, a text a sentence"),
        ("/tts/sse", 4, 1, "events, a text a sentence, 4 clients"),
        ("/tts/sse", 8, 10, "events, a text a sentence, 8 clients"),
    ):
        with _serving(found) as (url, pid):
            after = []
            for n_sentences in (minutes * MINUTE, 10 * MINUTE):
                if "one text" in name:
                    ask_at_once(url, path, " ".join([SENTENCE] * n_sentences), 1)
                else:
                    ask_at_once(url, path, SENTENCE, n_clients, n_sentences // n_clients)
                after.append(_status(pid, "VmRSS") / 1000)
            print(".", end="", file=sys.stderr, flush=True)
        grown = after[1] - after[0]
        claim = f"{name}: growth from {minutes} min to {minutes + 10}, to {after[1]:.0f} MB"
        rows.append(measure.limit(claim, grown, unit="MB", must=5))
    print(file=sys.stderr)
    measure.print_table("The server: memory after minutes of audio, and after ten more", rows)


@contextlib.contextmanager
def _serving(found: measure.Programs) -> Iterator[tuple[str, int]]:
    """Run ``cartesia serve`` and yield its address and process."""
    argv: list[str | Path] = [found.cartesia, "serve", "--port", "0", "--state", ":memory:"]
    with child(argv) as process:
        url = first_line(process)
        ask_at_once(url, "/tts/bytes", SENTENCE, 1)  # which loads the voice, if it is not loaded
        yield url, process.pid


def _shares(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "95 in 100": ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)],
    }


def _clients(n_clients: int) -> str:
    return f"{n_clients} client{'s' * (n_clients > 1)}"


def _cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _status(pid: int, name: str) -> int:
    """Return a number of ``/proc/PID/status``; sizes are in kilobytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
