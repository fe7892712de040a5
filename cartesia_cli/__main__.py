"""Starts the program; ``--version`` is answered before anything else is imported."""

import sys


def main() -> None:
    """Run ``cartesia`` and end the process as a shell expects it."""
    if sys.argv[1:] == ["--version"]:
        from cartesia_cli import __version__

        print(f"cartesia {__version__}")
        return
    try:
        from cartesia_cli.cli import run

        status = run()
    except KeyboardInterrupt:  # while the program was still being imported
        status = 130
    _end(status)


def _end(status: int) -> None:
    """End with ``status``; 130, 141 and 143 by the signal they stand for.

    A shell that runs a loop stops it only if the child really died of the
    signal; an ordinary exit with the same number would let the loop go on.
    """
    if status > 128 and sys.platform != "win32":
        import os
        import signal

        signum = status - 128
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
    sys.exit(status)


if __name__ == "__main__":
    main()
