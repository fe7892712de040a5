"""Whether the packages of the extra ``serve`` are there. Finds them without importing them."""

from importlib.util import find_spec

INSTALL = "pip install 'cartesia-cli[serve]'"
"""What a user types to have the server."""


def has_server() -> bool:
    """Whether everything is there that the server imports; says nothing of whether it works."""
    return all(find_spec(name) for name in ("msgspec", "python_multipart", "starlette", "uvicorn"))
