"""Assembles the commands; the one place where an error becomes an exit status."""

import errno
import importlib
import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from cartesia_cli import __version__, console
from cartesia_cli.errors import CartesiaError, ExitCode, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_HELP = {"help_option_names": ["-h", "--help"]}


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived; everything open is closed on the way out."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.status = 128 + signum


COMMANDS = {
    "say": "Speak TEXT: into files, to stdout, to the loudspeaker; with the time of every word.",
    "stream": "Speak text from stdin while it is still being written, as one utterance.",
    "transcribe": "Turn recordings, or what is being said, into text, words with their times, and subtitles.",
    "batch": "Speak every line of MANIFEST into a file; run again, it makes what is missing or changed.",
    "captions": "Convert, check, retime and make subtitle files.",
    "voices": "Find, choose, make, change and delete voices.",
    "clone": "Make a voice from a CLIP of someone speaking, and print its ID.",
    "change-voice": "Say a recording again with another voice; words, melody and pauses stay.",
    "infill": "Say TEXT so that it fits after one recording, before another, or between the two.",
    "dicts": "Keep pronunciation dictionaries: how words are to be said.",
    "serve": "Speak the Cartesia API on this machine, for every program written for it.",
    "auth": "Keep the API key, show where it is, or make an access token.",
    "config": "Show and change the settings.",
    "doctor": "Check this installation, and say how to mend what is wrong.",
    "devices": "List the microphones and loudspeakers.",
    "cache": "Show and shrink what is kept so that it need not be asked for twice.",
    "completion": "Print or install the completion of a shell.",
    "man": "Show the manual.",
}
"""Each subcommand with its summary, in the order of ``--help``.

Its name, hyphens as underscores, is that of its module, and in there of a function, or of a mapping: the
functions of a group.
"""


class _Group(TyperGroup):
    """Lists its commands with their whole summaries."""

    def summaries(self) -> list[tuple[str, str]]:
        """Return each command with the first line of its help."""
        return [(name, (each.help or "").split("\n")[0]) for name, each in self.commands.items()]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries())


class _Commands(_Group):
    """Imports a command when it is asked for, and turns whatever ends it into one line and a status.

    The border stands inside the Typer group, not around ``app()``, so that a
    test which calls the app in its own process sees what a shell sees.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"cartesia_cli.commands.{name}")
        return _build(cmd_name, getattr(module, name))

    def summaries(self) -> list[tuple[str, str]]:
        return list(COMMANDS.items())

    def invoke(self, ctx: Any) -> Any:
        return _guard(lambda: super(_Commands, self).invoke(ctx))

    def make_context(self, *args: Any, **options: Any) -> Any:
        return _guard(lambda: super(_Commands, self).make_context(*args, **options))


def _build(name: str, command: Callable[..., None] | Mapping[str, Callable[..., None]]) -> Any:
    """Return Typer's form of a command, or of a group of commands."""
    built = typer.Typer(
        name=name,
        cls=_Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=_HELP,
    )
    if isinstance(command, Mapping):
        built.callback(invoke_without_command=True, help=COMMANDS[name])(_show_help)
        for subcommand, function in command.items():
            built.command(subcommand)(function)
    else:
        built.command(name)(command)
    return typer.main.get_command(built)


def _show_help(ctx: typer.Context) -> None:
    """Print the help of a group that is given nothing to do."""
    if ctx.invoked_subcommand is None:
        console.data(ctx.get_help() + "\n")


def _guard(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except typer.Exit:
        raise
    except (KeyboardInterrupt, BrokenPipeError, typer.Abort) as reason:
        _leave(console.end_quietly(reason), reason)
    except CartesiaError as failure:
        console.error(failure)
        _leave(failure.exit_code, failure)
    except typer.TyperException as failure:
        usage = _usage_error(failure)
        console.error(usage)
        _leave(usage.exit_code, failure)
    except OSError as failure:
        if failure.errno not in _FULL:
            console.bug(failure)
            _leave(ExitCode.BUG, failure)
        # Help is written by Typer, past our console.
        _leave(console.error(console.stdout_failure(failure)), failure)
    except Exception as bug:  # noqa: BLE001  the last resort: a bug is logged, and named to the user
        console.bug(bug)
        _leave(ExitCode.BUG, bug)


def _leave(status: int, reason: BaseException) -> NoReturn:
    raise typer.Exit(status) from reason


def _usage_error(failure: Any) -> UsageError:
    """Return Typer's complaint about the command line as ours."""
    message = str(failure.format_message()).rstrip(".") + "."
    path = failure.ctx.command_path if getattr(failure, "ctx", None) else "cartesia"
    return UsageError(message, hint=f"See '{path} --help'.")


app = typer.Typer(
    name="cartesia",
    cls=_Commands,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: no Rich to load, and square brackets stay text
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Speak, with Cartesia's voices or with the one that is built in."""
    if version:
        console.data(f"cartesia {__version__}\n")
        raise typer.Exit
    _show_help(ctx)


def run() -> int:
    """Run the program with the process's own arguments and return its exit status."""

    def terminate(signum: int, _frame: FrameType | None) -> None:
        raise _Terminated(signum)

    for name in ("SIGTERM", "SIGHUP"):
        signum = getattr(signal, name, None)
        # What our parent ignores, as nohup does, stays ignored.
        if signum is not None and signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, terminate)
    try:
        app(prog_name="cartesia")
    except SystemExit as end:
        status = end.code
    else:
        status = ExitCode.OK
    return console.flush_data(int(status or 0))
