"""Which date of the API this program speaks."""

API_VERSION = "2026-08-14"
"""Sent with every request; the newest that the API's own clients send."""
