"""Starts the program; what needs no command line is answered before anything is imported."""

import gc
import os
import sys

_NARROWEST = 80
"""Columns that the help pages are drawn for; a narrower terminal gets them drawn anew."""


def main() -> None:
    """Run ``cartesia`` and end the process as a shell expects it."""
    arguments = sys.argv[1:]
    try:
        if arguments == ["--version"]:
            from cartesia_cli import __version__

            _write(f"cartesia {__version__}\n".encode())
            return
        page = _help_page(arguments)
        if page is not None and _columns() >= _NARROWEST:
            _write(page)
            return
        # Nearly everything that is made while importing lives to the end; looking for garbage is in vain.
        gc.set_threshold(50_000)
        from cartesia_cli.cli import run

        status = run()
    except KeyboardInterrupt:  # while the program was still being imported
        status = 130
    except BrokenPipeError:
        status = 141
    except OSError as failure:  # a full disk behind the redirection
        from cartesia_cli import console

        status = console.error(console.stdout_failure(failure))
    _end(status)


def _help_page(arguments: list[str]) -> bytes | None:
    """Return the page for ``COMMAND --help``, drawn when the program was built; None if there is none."""
    *command, last = arguments or [""]
    if last not in {"--help", "-h"} or not all(word.replace("-", "").isalpha() for word in command):
        return None
    name = "-".join(["cartesia", *command])
    try:
        # Not pathlib, whose import takes as long as all the rest.
        with open(os.path.join(os.path.dirname(__file__), "help", f"{name}.txt"), "rb") as file:
            return file.read()
    except OSError:
        return None


def _columns() -> int:
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal():
        return int(wanted)
    try:
        return os.get_terminal_size().columns
    except OSError:  # not a terminal
        return _NARROWEST


def _write(text: bytes) -> None:
    if sys.stdout is not None:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


def _end(status: int) -> None:
    """End with ``status``; 130, 141 and 143 by the signal they stand for.

    A shell that runs a loop stops it only if the child really died of the
    signal; an ordinary exit with the same number would let the loop go on.
    """
    if status > 128 and sys.platform != "win32":
        import signal

        signum = status - 128
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
    gc.freeze()  # or the interpreter would look through everything once more before it ends
    sys.exit(status)


if __name__ == "__main__":
    main()
