"""Whether the packages of the extra ``cluster`` are there. Finds them without importing them."""

from importlib.util import find_spec

INSTALL = "pip install 'cartesia-cli[cluster]'"
"""What a user types to write to URLs, and to work on a cluster."""


def has_places() -> bool:
    """Whether files can be written to URLs; each kind of them may need a package more."""
    return find_spec("fsspec") is not None


def has_cluster() -> bool:
    """Whether there is what a cluster is spoken to with."""
    return find_spec("distributed") is not None
