"""Accents by name: versions before 2026-08-14 know no IDs of them."""

from cartesia_cli.engines import VoiceLibrary
from cartesia_cli.wire.version import FIRST_WITH_ACCENT_IDS

_OLDER_NAMES = {
    "abruzzo-italian": "Abruzzo Italian",
    "bagheli": "Bagheli Hindi",
    "california": "California English",
    "campania": "Campania Italian",
    "mandarin": "Mandarin Chinese",
    "manila": "Manila Filipino",
    "southern-us": "Southern American English",
}
"""Of those that have another name by now."""


def shown_accent(accent_id: str, version: str, library: VoiceLibrary | None) -> str:
    """Return an accent as a version of the API names it; what nobody knows stays as it is."""
    if version >= FIRST_WITH_ACCENT_IDS:
        return accent_id
    return _names(library).get(accent_id, accent_id)


def read_accent(text: str, version: str, library: VoiceLibrary | None) -> str:
    """Return the ID of an accent that a client of a version names; what nobody knows stays as it is."""
    if version >= FIRST_WITH_ACCENT_IDS:
        return text
    return next((accent_id for accent_id, name in _names(library).items() if name == text), text)


def _names(library: VoiceLibrary | None) -> dict[str, str]:
    known = {} if library is None else {accent.id: accent.name for accent in library.accents()}
    return known | _OLDER_NAMES
