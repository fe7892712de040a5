"""IDs as parts of a path."""

from urllib.parse import quote

from cartesia_cli.errors import UsageError


def part(identifier: str, thing: str) -> str:
    """Return an ID as one part of a path, which cannot lead elsewhere.

    Args:
        identifier: of any characters.
        thing: what it stands for, for an error.

    Raises:
        UsageError: it is empty, or a step up in the path.
    """
    name = quote(identifier, safe="", errors="replace")
    if not name.strip("."):
        raise UsageError(f"{identifier!r} is not the ID of {thing}.", hint=f"Use the ID of {thing}.")
    return name
