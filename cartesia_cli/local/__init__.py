"""The embedded engine, behind the extra ``local``. Nothing in it uses the network."""

from cartesia_cli.local.engine import LocalEngine

__all__ = ["LocalEngine"]
