"""Which date of the API this program speaks."""

FIRST_WITHOUT_EMBEDDINGS = "2025-04-16"
"""Before it, voices were numbers that could be mixed, and clients counted flushes in another way."""

API_VERSION = "2026-08-14"
"""Sent with every request; the newest that the API's own clients send."""
