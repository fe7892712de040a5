"""The dates of the API: which one this program speaks, and where older ones differ."""

FIRST_WITH_PAGES = "2024-11-13"
"""Before it, voices came all at once, with what newer versions send only to who asks for it."""

FIRST_WITHOUT_EMBEDDINGS = "2025-04-16"
"""Before it, voices were numbers that could be mixed, and clients counted flushes in another way."""

FIRST_WITH_ACCENT_IDS = "2026-08-14"
"""Before it, accents had names like ``British English``."""

API_VERSION = "2026-08-14"
"""Sent with every request; the newest that the API's own clients send."""
