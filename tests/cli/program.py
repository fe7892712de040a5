"""Runs the program as a shell does: a process with real streams, an environment of its own, an exit status.

    result = run("say", "Hello", "-o", "hello.wav", env={"CARTESIA_API_KEY": "k"})
    assert result.status == 0

A run is forked from a process that has the imports behind it (see forkserver.py), because hundreds of runs
would else spend their time importing. ``cold=True`` starts the interpreter from nothing; so does every run
whose environment, wrapper or locale the interpreter itself must see.
"""

import contextlib
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cartesia_cli
from tests.conftest import home_variables

ROOT = Path(cartesia_cli.__file__).parents[1]
WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
"""A wrapper under which permissions bind root as well."""

KEY = "sk_car_q7wTz0-never-to-be-shown"
COMMAND = (sys.executable, "-m", "cartesia_cli")

EXTRA = ("hibari", "onnxruntime", "moonshine_voice")
"""The packages that the built-in engine needs."""

ABSENT = '''
import sys
from importlib.machinery import PathFinder

NAMES = {names!r}


class Finder(PathFinder):
    """Finds what a machine has that never had these packages."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in NAMES else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
'''

Stream = Literal["stdin", "stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    args: tuple[str, ...]
    status: int
    """As the shell's ``$?`` shows it: 128 + the number of a signal that ended the run."""

    stdout: bytes
    stderr: str
    seconds: float

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.stdout.decode()

    @property
    def json(self) -> Any:
        """The one JSON object on standard output."""
        return json.loads(self.stdout)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output, one a line."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def lines(self) -> list[str]:
        """Standard error, line by line."""
        return self.stderr.splitlines()


class Reader(threading.Thread):
    """Collects what the program writes, so that it never waits for us."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._descriptor = descriptor
        self._data = bytearray()
        self._grown = threading.Condition()
        self.start()

    def run(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except OSError:  # a terminal whose other side was closed
                data = b""
            with self._grown:
                if not data:
                    os.close(self._descriptor)
                    self._grown.notify_all()
                    return
                self._data += data
                self._grown.notify_all()

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def wait_for(self, n_bytes: int, timeout: float = 10) -> bytes:
        """Return what there is once it is at least so much."""
        with self._grown:
            assert self._grown.wait_for(lambda: len(self._data) >= n_bytes, timeout), bytes(self._data)
            return bytes(self._data)

    def all(self) -> bytes:
        """Return everything, once the other side is closed."""
        self.join(10)
        assert not self.is_alive(), "someone still holds the stream"
        return bytes(self._data)


@dataclass(slots=True)
class Running:
    """A run that may still be under way."""

    args: tuple[str, ...]
    pid: int
    started: float
    stdin: int | None
    stdout: Reader | None
    stderr: Reader | None
    _report: socket.socket
    _wait_status: int | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether the result has been asked for."""
        return self._report.fileno() == -1

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def type(self, text: str) -> None:
        """Type on the terminal that is the program's standard input."""
        assert self.stdin is not None
        os.write(self.stdin, text.encode())

    def wait(self, timeout: float = 30) -> Result:
        """Return the result; a run that does not end is killed and fails the test."""
        self._report.settimeout(timeout)
        try:
            wait_status = int(self._report.recv(32))
        except TimeoutError:
            self.send(signal.SIGKILL)
            self._report.settimeout(10)
            self._report.recv(32)
            output = self.stderr.all() if self.stderr else b""
            raise AssertionError(f"{self.args} still ran after {timeout} s; stderr: {output!r}") from None
        finally:
            self._report.close()
            if self.stdin is not None:
                os.close(self.stdin)
        seconds = time.monotonic() - self.started
        code = os.waitstatus_to_exitcode(wait_status)
        result = Result(
            args=self.args,
            status=code if code >= 0 else 128 - code,
            stdout=self.stdout.all() if self.stdout else b"",
            stderr=(self.stderr.all() if self.stderr else b"").decode(errors="replace"),
            seconds=seconds,
        )
        check_promises(result)
        return result


def check_promises(result: Result) -> None:
    """Check what holds for every run whatever: no traceback, no key, no bug, nothing raw on a terminal."""
    assert "Traceback" not in result.stderr, result.stderr
    assert "Exception ignored" not in result.stderr, result.stderr
    assert KEY not in result.stderr, result.stderr
    assert KEY.encode() not in result.stdout
    assert result.status != 1, result.stderr


class Program:
    """Starts runs in one folder, with one environment; see ``__call__`` for what a run can be given."""

    def __init__(self, server: socket.socket, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.env = clean_environment(home)
        self._server = server

    def __call__(self, *args: object, timeout: float = 30, **options: Any) -> Result:
        """Run to the end and return the result; the options are those of ``start``."""
        return self.start(*args, **options).wait(timeout)

    def start(
        self,
        *args: object,
        stdin: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        tty: bool | Collection[Stream] = False,
        columns: int = 80,
        cold: bool = False,
        wrapper: Sequence[str] = (),
        user: int | None = None,
        limits: Mapping[int, int] | None = None,
        closed: int | None = None,
        stdout: int | None = None,
    ) -> Running:
        """Start a run.

        Args:
            args: what stands after ``cartesia``.
            stdin: the whole of standard input; nothing where it is None and no terminal.
            env: variables to add, or with None to remove.
            cwd: the working folder, if it is not the test's own.
            tty: which streams are terminals; True means all.
            columns: how wide the terminals are.
            cold: start the interpreter from nothing.
            wrapper: a command that is given the program's command line, like ``env`` or ``unshare``.
            user: the numeric user and group to run as.
            limits: resource limits, by their number in ``resource``.
            closed: a file descriptor that is not open at all, as after ``>&-``.
            stdout: a descriptor of the test's own; it is closed here once the program has it.
        """
        environment = self.env | {name: value for name, value in (env or {}).items() if value is not None}
        for name, value in (env or {}).items():
            if value is None:
                environment.pop(name, None)
        interpreted = any(name.startswith(("PYTHON", "LC_", "LANG")) for name in env or {})
        cold = cold or bool(wrapper) or interpreted
        arguments = tuple(os.fsdecode(arg) if isinstance(arg, bytes) else str(arg) for arg in args)
        terminals = {"stdin", "stdout", "stderr"} if tty is True else set(tty or ())
        ours, theirs = _open_streams(terminals, columns, stdout)
        report, their_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = {
            "args": [*wrapper, *COMMAND, *arguments] if cold else arguments,
            "cold": cold,
            "closed": closed,
            "cwd": str(cwd or self.folder),
            "env": environment,
            "limits": list((limits or {}).items()),
            "user": user,
        }
        started = time.monotonic()
        socket.send_fds(self._server, [json.dumps(message).encode()], [*theirs, their_report.fileno()])
        for descriptor in theirs:
            os.close(descriptor)
        their_report.close()
        report.settimeout(20)
        pid = int(report.recv(32))
        if "stdin" not in terminals:
            _feed(ours[0], stdin or b"")
        return Running(
            args=arguments,
            pid=pid,
            started=started,
            stdin=ours[0] if "stdin" in terminals else None,
            stdout=None if stdout is not None else Reader(ours[1]),
            stderr=Reader(ours[2]),
            _report=report,
        )


def _open_streams(
    terminals: Collection[str], columns: int, stdout: int | None
) -> tuple[list[int], list[int]]:
    """Return our ends and the program's ends of its three streams."""
    ours, theirs = [], []
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if number == 1 and stdout is not None:
            mine, its = -1, stdout
        elif name in terminals:
            mine, its = open_terminal(columns)
        elif number == 0:
            its, mine = os.pipe()
        else:
            mine, its = os.pipe()
        ours.append(mine)
        theirs.append(its)
    return ours, theirs


def open_terminal(columns: int) -> tuple[int, int]:
    """Return both sides of a terminal that passes bytes through as they are written."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST  # no carriage returns of the terminal's own
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    return ours, theirs


def _feed(descriptor: int, data: bytes) -> None:
    """Write standard input from a thread, so that a program that does not read it blocks nobody."""

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb", buffering=0) as pipe:
            view = memoryview(data)
            while view:
                view = view[pipe.write(view) :]

    if data:
        threading.Thread(target=write, daemon=True).start()
    else:
        os.close(descriptor)


def clean_environment(home: Path) -> dict[str, str]:
    """Return all that a run knows of its surroundings."""
    return {
        **home_variables(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
    }


@contextlib.contextmanager
def fork_server() -> Iterator[socket.socket]:
    """Start the process that starts the runs."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
    environment = clean_environment(Path("/nonexistent")) | {"OPENBLAS_NUM_THREADS": "1"}
    script = Path(__file__).with_name("forkserver.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(theirs.fileno())], env=environment, pass_fds=[theirs.fileno()]
    ) as process:
        theirs.close()
        try:
            yield ours
        finally:
            ours.close()
            process.wait(10)


def without(tmp_path: Path, run: Program, *names: str, then: str = "") -> dict[str, str]:
    """Return the environment of a machine without these packages, where ``then`` is run at every start."""
    (tmp_path / "site").mkdir(exist_ok=True)
    code = ABSENT.format(names=set(names)) + then
    (tmp_path / "site" / "sitecustomize.py").write_text(code, encoding="utf-8")
    return {"PYTHONPATH": f"{tmp_path / 'site'}:{run.env['PYTHONPATH']}"}


def wait_until(condition: Callable[[], bool], timeout: float = 10) -> None:
    """Return as soon as the condition holds; fail the test if it never does."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.005)


def assert_failure(result: Result, status: int, *fragments: str) -> None:
    """Check an error: its status, nothing on stdout, one line ``cartesia: CAUSE``, then perhaps a hint.

    The fragments are what the two lines must name, in any capitalisation.
    """
    assert result.status == status, result.stderr
    assert result.stdout == b""
    assert result.lines, "it failed without a word"
    cause, *rest = result.lines
    assert cause.startswith("cartesia: ")
    assert len(cause) > len("cartesia: ")
    assert len(rest) <= 1, result.stderr
    assert all(line.startswith("hint: ") for line in rest), result.stderr
    assert_printable(result.stderr)
    for fragment in fragments:
        assert fragment.lower() in result.stderr.lower()


def assert_printable(text: str) -> None:
    """Check that no control character but the line feed is in a text."""
    assert not [c for c in text if c != "\n" and unicodedata.category(c) == "Cc"], repr(text)
