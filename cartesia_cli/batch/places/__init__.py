"""Where files go: a folder of this machine, or a store that has a URL."""

from cartesia_cli.batch.places.choosing import is_url, open_place

__all__ = ["is_url", "open_place"]
