"""One layer of settings from the environment, one from the command line; and how mistakes are told."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from cartesia_cli.access import check_header
from cartesia_cli.errors import UsageError
from cartesia_cli.settings.keys import SETTINGS

Layer = dict[str, tuple[Any, str]]
"""Values with their origins, by key; entries of a table are ``headers.NAME`` and ``aliases.NAME``."""

Problems = list[UsageError]
Complain = Callable[[UsageError], object]
"""Takes a mistake: raises it, or notes it so that reading can go on."""

HEADERS_VARIABLE = "CARTESIA_CUSTOM_HEADERS"


def raise_problem(problem: UsageError) -> NoReturn:
    """Raise it."""
    raise problem


def read_options(options: Mapping[str, object | None]) -> Layer:
    """Return what was given on the command line.

    Raises:
        UsageError: a value that cannot be used.
        KeyError: no setting has such a name.
    """
    layer: Layer = {}
    for name, value in options.items():
        if value is None or name == "profile":
            continue
        try:
            layer[name] = SETTINGS[name].parse(value), "option"
        except ValueError as error:
            raise UsageError(f"--{name.replace('_', '-')} {error}.") from error
    return layer


def read_environment(environ: Mapping[str, str], complain: Complain) -> Layer:
    """Return what the environment sets; an empty variable counts as unset."""
    layer: Layer = {}
    for name, setting in SETTINGS.items():
        variable = next((variable for variable in setting.variables if environ.get(variable)), None)
        if variable is None:
            continue
        try:
            value = setting.parse_text(setting.variables[variable] or environ[variable])
        except ValueError as error:
            complain(
                UsageError(f"{variable} {error}.", hint=f"Correct it, or leave it out: unset {variable}")
            )
        else:
            layer[name] = value, f"environment {variable}"
    return layer | _read_headers(environ.get(HEADERS_VARIABLE, ""), complain)


def _read_headers(lines: str, complain: Complain) -> Layer:
    layer: Layer = {}
    for number, line in enumerate(lines.split("\n"), start=1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        try:
            parsed = check_header(name.strip() if colon else "", value)
        except ValueError as error:
            complain(
                UsageError(f"{HEADERS_VARIABLE}, line {number} {error}.", hint="A line is 'Name: value'.")
            )
        else:
            layer[header_key(name.strip())] = parsed, f"environment {HEADERS_VARIABLE}"
    return layer


def header_key(name: str) -> str:
    """Return a header's name as a key of a layer: names differ in more than capitals."""
    return f"headers.{name.lower()}"


def profile_error(name: str, profiles: Mapping[str, Layer], user_file: Path | None) -> UsageError:
    """Return the mistake of asking for a profile that does not exist."""
    if profiles:
        hint = f"{user_file} has {', '.join(sorted(profiles))}."
    else:
        hint = f"Add a table [profiles.{name}] to {user_file or 'the configuration'}."
    return UsageError(f"There is no profile {name!r}.", hint=hint)
