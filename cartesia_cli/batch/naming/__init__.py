"""How files are called, safe on every file system, and that no two lines have the same."""

from cartesia_cli.batch.naming.claims import Claims
from cartesia_cli.batch.naming.names import Names

__all__ = ["Claims", "Names"]
