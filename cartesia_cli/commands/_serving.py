"""Does what ``cartesia serve`` was asked for."""

import errno
import logging
import os
import signal
import socket
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal

from cartesia_cli import console
from cartesia_cli.access import check_key
from cartesia_cli.commands._options import EngineOptions, ReportOptions
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands.serve import AccessOptions, AddressOptions, ServeOptions
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.folders import user_folder
from cartesia_cli.server.packages import INSTALL, has_server
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.server.entrance.visitors import Answered
    from cartesia_cli.server.faults import Fault
    from cartesia_cli.server.hosting.serving import App

_KEYS_VARIABLE = "CARTESIA_SERVE_KEYS"
_MB = 10**6


def run(options: ServeOptions) -> None:
    """Serve until a signal ends it.

    Raises:
        UsageError, OutputError, CredentialsError: it cannot begin.
        KeyboardInterrupt: a signal came.
    """
    log = options.log
    report = ReportOptions(quiet=log.quiet, verbose=log.verbose, log_file=log.log_file, color=log.color)
    settings = set_up(EngineOptions(profile=options.test.profile, base_url=options.test.base_url), report, {})
    if not has_server():
        raise UsageError("The server is not installed.", hint=f"Install it with: {INSTALL}")
    _check(options)
    keys = _keys(options.access, options.address)
    from cartesia_cli.server.cassettes import create_player
    from cartesia_cli.server.faults import parse_fault, with_faults
    from cartesia_cli.server.hosting.serving import serve_forever

    with ExitStack() as stack:
        # The port first: whoever finds it taken need not wait for anything else.
        listener = stack.enter_context(closing(_listen(options.address)))
        faults = [parse_fault(spec) for spec in options.test.fault or ()]
        if options.test.record is not None:
            app = with_faults(_recorder(settings, options.test.record, stack), faults, options.test.seed)
        elif options.test.replay is not None:
            app = with_faults(create_player(options.test.replay), faults, options.test.seed)
        else:
            app = _server(options, keys, faults, stack)
        _take_over_logs()
        signum = serve_forever(
            app,
            listener,
            on_ready=lambda url: _tell(url, shows_page=options.address.open),
            hosts=None if keys is not None else (),
            on_answer=lambda answered: console.log(_line(answered)),
        )
    signal.raise_signal(signum)  # the program's own way to end


def _check(options: ServeOptions) -> None:
    test, access = options.test, options.access
    for name, value in {"--host": options.address.host, "--state": access.state}.items():
        if value == "":
            raise UsageError(f"{name} is empty.", hint="Give it a value, or leave it out.")
    if test.record is not None and test.replay is not None:
        raise UsageError("--record and --replay exclude each other.", hint="Record first, then replay.")
    tape = "--record" if test.record is not None else "--replay" if test.replay is not None else None
    given = {
        "--state": access.state,
        "--require-key": access.require_key or None,
        "--concurrency": access.concurrency,
        "--max-upload": access.max_upload,
        "--lenient": access.lenient or None,
    }
    useless = [name for name, value in given.items() if value is not None]
    if tape is not None and useless:
        raise UsageError(f"{tape} has no use for {', '.join(useless)}.", hint="Leave that out.")


def _server(
    options: ServeOptions, keys: frozenset[str] | None, faults: "list[Fault]", stack: ExitStack
) -> "App":
    """Return the API on the built-in engine."""
    from cartesia_cli.server.app import create_app
    from cartesia_cli.server.rules import Rules
    from cartesia_cli.server.staff import built_in_staff
    from cartesia_cli.server.storage.state import State

    access, state_path = options.access, _state_path(options.access.state)
    staff = built_in_staff(None if access.state is None else state_path)
    if staff.transcriber is None:
        console.note("the built-in recogniser is not installed: recordings are answered with status 501")
    rules = Rules(is_lenient=access.lenient, concurrency=access.concurrency)
    if access.max_upload is not None:
        most = access.max_upload * _MB
        rules = replace(rules, max_recording=most, max_clip=most)
    Thread(target=staff.load, name="models", daemon=True).start()
    state = stack.enter_context(closing(State(state_path)))
    return create_app(staff, rules=rules, state=state, keys=keys, faults=faults, seed=options.test.seed)


def _recorder(settings: Settings, folder: Path, stack: ExitStack) -> "App":
    """Return a way to the API that keeps what goes over it."""
    from cartesia_cli.api.relay import Relay
    from cartesia_cli.server.cassettes import create_recorder

    key = find_secret_key(settings)
    relay = stack.enter_context(
        closing(Relay(settings.base_url, key.value if key else None, headers=settings.headers))
    )
    console.note(f"recording {settings.base_url} in {folder}")
    return create_recorder(relay, folder)


def _state_path(given: str | None) -> "Path | Literal[':memory:']":
    """Return where the state is kept.

    Raises:
        UsageError: nobody said where, and there is no home for it.
    """
    if given == ":memory:":
        return ":memory:"
    if given is not None:
        if Path(given).is_dir():
            raise UsageError(f"{given} is a folder where a file is needed.", hint="Add a file name.")
        return Path(given)
    from cartesia_cli.server.storage.state import FILE_NAME

    folder = user_folder("data", os.environ)
    if folder is None:
        raise UsageError(
            "There is no folder to keep the server's state in.", hint="Name a file, or give --state :memory:."
        )
    return folder / FILE_NAME


def _listen(address: AddressOptions) -> socket.socket:
    """Return a socket at the address.

    Raises:
        OutputError: it cannot be had.
    """
    from cartesia_cli.server.hosting.serving import listen_on

    host, port = address.host, address.port
    try:
        return listen_on(host, port)
    except socket.gaierror as error:
        raise OutputError(
            f"Cannot listen on {host}: {error.strerror}.", hint="Give --host a name of this machine."
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OutputError(
                f"Port {port} of {host} is taken.", hint="Give another --port; 0 takes a free one."
            ) from error
        hint = "Give --host an address of this machine."
        if error.errno == errno.EACCES:
            hint = "Give a --port above 1023."
        reason = os.strerror(error.errno or 0)  # its own goes on about what it was doing
        raise OutputError(f"Cannot listen on {host}:{port}: {reason}.", hint=hint) from error


def _tell(url: str, *, shows_page: bool) -> None:
    """Print the address, and show the page if that is wanted."""
    console.pass_on(f"{url}\n".encode())
    if shows_page:
        import webbrowser

        # A thread: some browsers run until they are closed.
        Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()


def _line(answered: "Answered") -> str:
    """Return the line of the log for an answer."""
    parts = [answered.method, answered.path, str(answered.status or "-"), _duration(answered.seconds)]
    parts.append(f"{answered.n_bytes} B")
    if answered.close_code is not None:
        parts.append(f"closed {answered.close_code}")
    elif not answered.is_whole:
        parts.append("broken off")
    parts += [text for text in (answered.agent, answered.note) if text]
    return "  ".join([" ".join(part for part in parts[:3] if part), *parts[3:]])


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


class _ToConsole(logging.Handler):
    """Passes on what libraries log; a traceback goes to a file."""

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[1] if record.exc_info else None
        if isinstance(failure, Exception):
            console.bug(failure)
        else:
            console.log(record.getMessage())


def _take_over_logs() -> None:
    for name in ("uvicorn", "cartesia_cli.server"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [_ToConsole(logging.WARNING)], False
    # It complains of what clients send, who are told themselves.
    logging.getLogger("python_multipart").addHandler(logging.NullHandler())


def _keys(access: AccessOptions, address: AddressOptions) -> frozenset[str] | None:
    """Return the keys that are accepted; None accepts every request.

    Raises:
        UsageError: none were given and some are needed, or one of them can be none.
    """
    from cartesia_cli.server.entrance.site import is_loopback

    if not access.require_key:
        if access.key_file is not None:
            raise UsageError("--key-file needs --require-key.", hint="Give both, or neither.")
        if not is_loopback(address.host):
            raise UsageError(
                f"Others can reach {address.host}: that needs --require-key.",
                hint=f"Set {_KEYS_VARIABLE} and give --require-key, or leave --host out.",
            )
        return None
    found = [(key, _KEYS_VARIABLE) for key in os.environ.get(_KEYS_VARIABLE, "").split(",")]
    if access.key_file is not None:
        found += [(line, str(access.key_file)) for line in _lines(access.key_file)]
    keys = frozenset(_checked(key.strip(), source) for key, source in found if key.strip())
    if not keys:
        raise UsageError(
            "--require-key without keys refuses everybody.",
            hint=f"Set {_KEYS_VARIABLE} to keys with commas between them, or give --key-file.",
        )
    return keys


def _checked(key: str, source: str) -> str:
    try:
        return check_key(key)
    except ValueError as error:
        raise UsageError(
            f"A key in {source} {error}.", hint="A key is one word of visible letters."
        ) from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"Cannot read the keys in {path}: {reason}.", hint="Give one key a line.") from error
