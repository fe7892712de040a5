"""``cartesia serve`` as a process of its own, as people run it: what official clients are pointed at."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import cartesia_cli
from tests.conftest import home_variables

ROOT = Path(cartesia_cli.__file__).parents[1]
TERMINATED = (143, -15)
"""How SIGTERM ends a process: by its own status, or by the signal; a shell shows both as 143."""


@contextmanager
def served(*options: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server with the built-in engine on a free port, and yield its address; it keeps nothing.

    At the end it must stop by SIGTERM alone, and have written nothing but its address on standard output and
    no traceback on standard error.
    """
    command = [sys.executable, "-m", "cartesia_cli", "serve", "--port", "0", "--state", ":memory:", *options]
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryFile("w+", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=home,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                **home_variables(Path(home)),
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        overdue = threading.Timer(60, process.kill)
        overdue.start()
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removesuffix("\n")
            overdue.cancel()
            assert url.startswith("http://127.0.0.1:"), f"no address: {_text(log)}"
            yield url
        finally:
            overdue.cancel()
            process.terminate()
            try:
                rest, _ = process.communicate(timeout=20)
            finally:
                process.kill()
        assert "Traceback" not in _text(log), _text(log)
        assert (process.returncode in TERMINATED, rest) == (True, "")


def socket_url(url: str) -> str:
    """Return the address of a server for its sockets."""
    return url.replace("http", "ws", 1)


def _text(log: TextIO) -> str:
    log.seek(0)
    return log.read()
