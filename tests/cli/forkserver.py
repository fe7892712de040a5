"""Starts the program for the tests: quickly, by forking a process that has its imports behind it.

Run as a script with the descriptor of a Unix socket as its argument. A message is a JSON object with the
arguments, environment and folder of one run, and carries four descriptors: stdin, stdout, stderr, and a
socket on which the process ID is sent when the run begins and the wait status when it has ended.

With ``"cold": true`` the command line is executed instead, so that the interpreter starts from nothing.
Either way the program is a process of its own, with real streams, signals and an exit status.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import signal
import socket
import sys
from typing import Any

import cartesia_cli

PRELOADED = ("typer", "httpx", "httpx_sse", "platformdirs", "pybase64", "numpy", "soundfile", "soxr", "regex")
LEFT_OUT = ("cartesia_cli.server",)


def serve(number: int) -> dict[str, Any] | None:
    """Fork a run for each message; return its description in the run's process, None at the end."""
    with socket.socket(fileno=number) as channel:
        while True:
            message, descriptors, _, _ = socket.recv_fds(channel, 1 << 20, 4)
            if not message:
                return None
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.close(channel.detach())
                return watch(json.loads(message), descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def watch(run: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
    """Return in the run's process; in this one, report how that ends and leave."""
    *streams, report = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(report)
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
        for stream in streams:
            os.close(stream)
        return run
    for stream in streams:
        os.close(stream)
    os.write(report, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    os.write(report, b"%d\n" % status)
    os._exit(0)


def become(run: dict[str, Any]) -> None:
    """Turn this process into the program."""
    os.setsid()
    for number, limit in run["limits"]:
        resource.setrlimit(number, (limit, limit))
    if run["closed"] is not None:
        os.close(run["closed"])
    os.chdir(run["cwd"])
    if run["user"] is not None:
        os.setgroups([])
        os.setgid(run["user"])
        os.setuid(run["user"])
    if run["cold"]:
        os.execvpe(run["args"][0], run["args"], run["env"])  # noqa: S606 - no shell is the point
    os.environ.clear()
    os.environ.update(run["env"])
    for target, name in enumerate(("stdin", "stdout", "stderr")):
        reopen(target, name)
    sys.argv = ["cartesia", *run["args"]]
    sys.path[0] = run["cwd"]
    runpy.run_module("cartesia_cli", run_name="__main__", alter_sys=True)


def reopen(target: int, name: str) -> None:
    """Give the interpreter the stream that it would have made for this descriptor."""
    try:
        terminal = os.isatty(target)
        stream = os.fdopen(
            target,
            "w" if target else "r",
            encoding="utf-8",
            errors="backslashreplace" if target == 2 else "strict",
            buffering=1 if target == 2 or terminal else -1,
            closefd=False,
        )
    except OSError:
        stream = None
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def own_modules() -> list[str]:
    """Return the program's modules that can be imported without starting it."""
    found = pkgutil.walk_packages(cartesia_cli.__path__, "cartesia_cli.")
    return [m.name for m in found if not m.name.startswith(LEFT_OUT) and not m.name.endswith("__main__")]


def main() -> None:
    """Import, then serve; in a run's process, become the program."""
    for name in (*PRELOADED, *own_modules()):
        with contextlib.suppress(ImportError):  # a run that needs it says so
            importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    run = serve(int(sys.argv[1]))
    if run is not None:
        become(run)


main()
