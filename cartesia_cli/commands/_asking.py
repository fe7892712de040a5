"""Questions to the person at the terminal, and what stands for the answer where there is none."""

import sys

from cartesia_cli import console
from cartesia_cli.errors import UsageError


def can_ask(*, no_input: bool) -> bool:
    """Return whether a person sees a question and can answer it."""
    has_keyboard = sys.stdin is not None and sys.stdin.isatty()
    return has_keyboard and console.stderr_is_terminal() and not no_input


def ask(question: str, *, default: bool = False) -> bool:
    """Return whether the answer is yes; ``default`` is that of Enter alone, and the end of input is a no."""
    choices = "Y/n" if default else "y/N"
    while True:
        console.status(f"{question} [{choices}] ")
        answer = sys.stdin.readline()
        if not answer:
            console.end_status()
            return False
        match answer.strip().casefold():
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case _:
                console.note("please answer yes or no")


def require_yes(question: str, *, yes: bool, no_input: bool, refusal: UsageError) -> None:
    """Go on only if a person says yes, or ``--yes`` did.

    Args:
        question: what is asked.
        yes: whether ``--yes`` was given.
        no_input: whether nobody may be asked.
        refusal: what is raised where nobody can be asked.

    Raises:
        UsageError: the answer is no, or nobody can be asked.
    """
    if yes:
        return
    if not can_ask(no_input=no_input):
        raise refusal
    if not ask(question):
        raise UsageError("Nothing was done, as you wished.")
