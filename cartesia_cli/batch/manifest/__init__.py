"""What is to be said: the lines of a manifest, in four formats, and every mistake in them."""

from cartesia_cli.batch.manifest.lines import COLUMNS, Line, ManifestFormat, manifest_format, read_manifest
from cartesia_cli.batch.manifest.records import Mistake

__all__ = ["COLUMNS", "Line", "ManifestFormat", "Mistake", "manifest_format", "read_manifest"]
