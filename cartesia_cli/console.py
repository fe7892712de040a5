"""The one module that prints: data on stdout, everything else on stderr."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from cartesia_cli.errors import CartesiaError, ExitCode, OutputError, UsageError


class _State:
    """How this run wants to be spoken to; set once by ``configure``."""

    json: bool = False
    quiet: bool = False
    color: str = "auto"
    secret: str | None = None
    log_file: Path | None = None
    logs: bool = False


_state = _State()
_SHORTEST_SECRET = 8


def configure(
    *,
    json: bool = False,
    quiet: bool = False,
    verbose: int = 0,
    log_file: Path | None = None,
) -> None:
    """Set how this run reports; ``verbose`` 1 logs steps, 2 logs details."""
    _state.json, _state.quiet, _state.log_file = json, quiet, log_file
    _state.logs = bool(verbose) or log_file is not None
    if _state.logs:
        _configure_log(verbose, log_file)


def _configure_log(verbose: int, log_file: Path | None) -> None:
    import logging

    class Redacted(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return _redact(super().format(record))

    logging.raiseExceptions = False  # a log that cannot be written must not print tracebacks
    log = logging.getLogger("cartesia_cli")
    log.handlers.clear()
    log.setLevel(logging.DEBUG)
    log.propagate = False
    if verbose:
        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
        handler.setFormatter(Redacted("cartesia: %(message)s"))
        log.addHandler(handler)
    if log_file is not None:
        try:
            handler = logging.FileHandler(log_file, encoding="utf-8")
        except IsADirectoryError as error:
            raise UsageError(f"The log {log_file} is a folder.", hint="Name a file.") from error
        except OSError as error:
            raise OutputError(f"Cannot write the log {log_file}: {error.strerror}.") from error
        handler.setFormatter(Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)


def set_color(color: str) -> None:
    """Use colour "auto", "always" or "never", from the settings."""
    _state.color = color


def keep_secret(key: str | None) -> None:
    """Never show ``key`` again, whatever a message or a log record holds."""
    _state.secret = key


def _redact(text: str) -> str:
    secret = _state.secret
    # A key of a few letters is none, and taking it out would leave messages without them.
    return text.replace(secret, "[key]") if secret and len(secret) >= _SHORTEST_SECRET else text


def binary_stdout() -> BinaryIO:
    """Return stdout for bytes.

    Raises:
        OutputError: it is closed.
    """
    if sys.stdout is None:
        raise OutputError("Standard output is closed.", hint="Write to a file with -o.")
    return sys.stdout.buffer


def data(text: str) -> None:
    """Write to stdout, where the next program reads."""
    try:
        # Always UTF-8, whatever the locale; a file's name that is not text goes out as the bytes it is.
        binary_stdout().write(text.encode(errors="surrogateescape"))
    except OSError as error:
        raise _lost(error) from error


def pass_on(data: bytes) -> None:
    """Write bytes to stdout at once, as they are."""
    try:
        binary_stdout().write(data)
        binary_stdout().flush()
    except OSError as error:
        raise _lost(error) from error


def data_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object as a line to stdout, at once."""
    import json

    line = json.dumps(value, ensure_ascii=False)
    # Halves of characters come from a file's name, and JSON is always text; a control could drive a terminal.
    if any("\ud800" <= c <= "\udfff" or "\x7f" <= c <= "\x9f" for c in line):
        line = json.dumps(value).replace("\x7f", "\\u007f")
    data(line + "\n")
    try:
        binary_stdout().flush()
    except OSError as error:
        raise _lost(error) from error


def _lost(error: OSError) -> BaseException:
    return error if isinstance(error, BrokenPipeError) else stdout_failure(error)


def stdout_failure(error: OSError) -> OutputError:
    """Return what to tell the user about a stdout that takes no more, and try no more."""
    _abandon_stdout()
    return OutputError(f"Cannot write to standard output: {error.strerror}.")


def note(message: str) -> None:
    """Tell a person something that a script need not know; silent with ``--quiet``."""
    if not _state.quiet:
        _print_error(f"cartesia: {message}")


def hint_to_person(message: str) -> None:
    """Like ``note``, and silent where no person looks at stderr."""
    if stderr_is_terminal():
        note(message)


def note_failure(item: str, failure: CartesiaError) -> None:
    """Tell that one of many items failed, and why; the run goes on."""
    if _state.json:
        error(failure, item=item)
        return
    told = str(failure) if str(failure).startswith(item) else f"{item}: {failure}"
    _print_error(f"cartesia: {told}")


def shows_progress() -> bool:
    """Tell whether a person wants to see how far the run is."""
    return stderr_is_terminal() and not _state.quiet and not _state.json


def detail(message: str) -> None:
    """Tell what the run does, for ``--verbose`` and ``--log-file``."""
    if _state.logs:
        import logging

        logging.getLogger("cartesia_cli").info(message)


def log(message: str) -> None:
    """Write a line of a server's log to stderr, and to the log file; silent there with ``--quiet``."""
    if not _state.quiet:
        _print_error(message)
    if _state.log_file is not None:
        import logging

        record = logging.makeLogRecord(
            {"name": "cartesia_cli", "levelno": logging.INFO, "levelname": "INFO", "msg": message}
        )
        for handler in logging.getLogger("cartesia_cli").handlers:
            if isinstance(handler, logging.FileHandler):
                handler.handle(record)


def warn(message: str) -> None:
    """Say what could not be done as asked."""
    note(f"warning: {message}")


def report(lines: Mapping[str, object]) -> None:
    """Show what the user asked to know (``--stats``), a name and a value a line."""
    for name, value in lines.items():
        _print_error(f"{name}: {value}")


def error(failure: CartesiaError, *, item: str | None = None) -> ExitCode:
    """Show a failure as one line and its hint as a second, or as one JSON object; return its status.

    ``item`` is the one of many that failed, under ``source`` in the object.
    """
    if _state.json or _asked_for_json():
        facts = {
            "source": item,
            "status": int(failure.exit_code),
            "code": failure.code,
            "title": failure.title,
            "message": str(failure).removeprefix(f"{failure.title}: "),
            "request_id": failure.request_id,
            "hint": failure.hint,
        }
        import json

        known = {
            name: _printable(value) if isinstance(value, str) else value
            for name, value in facts.items()
            if value is not None
        }
        _print_error(json.dumps({"error": known}, ensure_ascii=False))
        return failure.exit_code
    request = f" (request {failure.request_id})" if failure.request_id else ""
    _print_error(f"cartesia: {failure}{request}")
    if failure.hint:
        _print_error(f"hint: {failure.hint}")
    return failure.exit_code


def _asked_for_json() -> bool:
    """Tell whether ``--json`` was given, even on a command line that could not be read."""
    arguments = sys.argv[1:]
    return "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)


def bug(failure: Exception) -> None:
    """Log the traceback of an unexpected exception and tell the user where it is."""
    import tempfile
    import traceback

    text = _redact("".join(traceback.format_exception(failure)))
    path: Path | None = _state.log_file
    try:
        if path is None:
            handle, name = tempfile.mkstemp(prefix="cartesia-bug-", suffix=".log")
            os.close(handle)
            path = Path(name)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        path = None
    where = f"The details are in {path}." if path else "No log file could be written."
    hint = "Please report it, with that file." if path else "Please report it, with the command that you ran."
    error(CartesiaError(f"Internal error ({type(failure).__name__}). {where}", hint=hint))


def end_quietly(reason: BaseException) -> int:
    """Return the status of a run that was ended from outside, and make sure nothing more is said."""
    if isinstance(reason, BrokenPipeError):
        _abandon_stdout()
        return ExitCode.PIPE_CLOSED
    return int(getattr(reason, "status", ExitCode.INTERRUPTED))


def flush_data(status: int) -> int:
    """Bring everything to stdout before the end; return the run's status, which was ``status`` so far."""
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except BrokenPipeError as reason:
        return end_quietly(reason)
    except OSError as failure:  # a full disk behind the redirection
        told = stdout_failure(failure)
        return status or error(told)
    return status


def _abandon_stdout() -> None:
    """Drop what could not be written: Python would try once more when it ends, and complain."""
    _abandon(sys.stdout)


def _abandon(stream: TextIO) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, stream.fileno())


def _printable(text: str) -> str:
    """Return text without control characters: neither a server nor a file must drive a terminal."""
    return "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in _redact(text))


def _print_error(line: str) -> None:
    if sys.stderr is None:
        return  # and print() would take stdout instead
    try:
        print(_printable(line), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        # It is closed or full, and nobody is left to tell; what it holds must not cost the status either.
        with suppress(OSError, ValueError):
            _abandon(sys.stderr)


def stdout_is_terminal() -> bool:
    """Tell whether a person looks at stdout."""
    return sys.stdout is not None and sys.stdout.isatty()


def stderr_is_terminal() -> bool:
    """Tell whether a person looks at stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


def use_color(stream: TextIO | None) -> bool:
    """Decide on colour: the option, then NO_COLOR and FORCE_COLOR, then whether it is a terminal."""
    if _state.color != "auto":
        return _state.color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream is not None and stream.isatty())


def status(text: str) -> None:
    """Replace the line at the cursor on stderr with ``text``; for a terminal only."""
    _write_status(f"\r\x1b[2K{text}")


def end_status() -> None:
    """Leave the line that ``status`` wrote and start a new one."""
    _write_status("\n")


def _write_status(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        return
