"""The built-in voice and its variants, and the IDs and names they answer to."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import Voice
from cartesia_cli.wire.values import one_line


@dataclass(frozen=True, slots=True)
class Timbre:
    """How a variant differs from the voice that it is made of."""

    pitch: float = 1.0
    """Factor of the fundamental frequency."""

    formant: float = 1.0
    """Factor of the resonances: below 1 is a longer throat."""

    gain: float = 1.0
    """Factor of the samples that brings the variant to the level of all voices; measured."""

    pace: float = 1.0
    """Factor of the speed."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a text is to be spoken, where no tag in it says otherwise."""

    timbre: Timbre
    speed: float = 1.0
    """Times the voice's own pace, within ``SPEEDS``."""

    volume: float = 1.0
    """0.5 to 2.0 times the voice's own level."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One built-in voice and how it is made."""

    voice: Voice
    timbre: Timbre


def _variant(name: str, voice_id: str, gender: str, description: str, timbre: Timbre) -> Variant:
    fields = {
        "id": voice_id,
        "name": name,
        "tagline": description.partition(",")[0],
        "description": description,
        "created_at": "2026-11-21T00:00:00Z",
        "is_owner": False,
        "is_public": True,
        "access": "public",
        "visibility": "all",
        "language": "en",
        "locales": [{"locale": "en-US", "is_native": True}],
        "gender": gender,
        "accent": "general-american",
        "country": "US",
    }
    return Variant(Voice(voice_id, name, description, "en", gender, fields=fields), timbre)


_VARIANTS = tuple(
    _variant(*row)
    for row in (
        (
            "heart",
            "7eef6874-fa50-566f-9102-5b6844916d4f",
            "feminine",
            "Warm American voice, the one built-in speaker",
            Timbre(gain=1.94),
        ),
        (
            "deep",
            "2324a26e-cec0-5185-b567-f178a0073743",
            "masculine",
            "Very low voice, a variant of heart",
            Timbre(0.62, 0.84, gain=1.82),
        ),
        (
            "male",
            "4de8f8f6-c905-5dee-9a6c-448664e46d82",
            "masculine",
            "Low voice, a variant of heart",
            Timbre(0.70, 0.88, gain=1.87),
        ),
        (
            "tenor",
            "7aa710b2-ce86-54af-bfc3-4a974fe2c7ce",
            "masculine",
            "Light male voice, a variant of heart",
            Timbre(0.80, 0.93, gain=1.93),
        ),
        (
            "bright",
            "b1e610c8-3ff7-54d5-95fe-f008d8728d5c",
            "feminine",
            "Bright voice, a variant of heart",
            Timbre(1.12, 1.06, gain=2.20),
        ),
        (
            "child",
            "7f07ecc6-fce3-5ac9-8857-9372d143c75b",
            "gender_neutral",
            "Small voice, a variant of heart",
            Timbre(1.35, 1.15, gain=2.51),
        ),
    )
)

_MOST_SHOWN = 100
"""Characters of a name that nobody has."""

_MAX_NAMED = 12
"""How many names a hint lists."""

_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")

_DOCUMENTED_IDS = {
    "6ccbfb76-1fc6-48f7-b71d-91ac6298247b": "heart",
    "e07c00bc-4134-4eae-9ea4-1a55fb45746b": "heart",
    "db6b0ed5-d5d3-463d-ae85-518a07d3c2b4": "heart",
    "f786b574-daa5-4673-aa0c-cbe3e8534c02": "bright",
    "a0e99841-438c-4a64-b679-ae501e7d6091": "male",
    "694f9389-aac1-45b6-b726-9d9369183238": "heart",
    "f9836c6e-a0bd-460e-9d3c-f7299fa60f94": "bright",
}
"""IDs that the API's documents and examples use, so that scripts written for it run here."""


def find_variant(voice: str) -> Variant:
    """Return the variant with this name, whatever its case, or this ID.

    A documented ID of the API gives the variant that stands in for it, under that ID.

    Raises:
        RequestError: an ID that no built-in voice has.
        UsageError: a name that no built-in voice has.
    """
    found = known_variant(voice)
    if found is None:
        raise unknown_voice(voice)
    return found


def known_variant(voice: str) -> Variant | None:
    """Return the variant with this name or ID, as ``find_variant`` does; None if it is none."""
    wanted = voice.strip().casefold()
    by_key = {key: variant for variant in _VARIANTS for key in (variant.voice.name, variant.voice.id)}
    if wanted in _DOCUMENTED_IDS:
        variant = by_key[_DOCUMENTED_IDS[wanted]]
        return replace(
            variant, voice=replace(variant.voice, id=wanted, fields={**variant.voice.fields, "id": wanted})
        )
    return by_key.get(wanted)


def unknown_voice(voice: str, others: Sequence[str] = ()) -> RequestError | UsageError:
    """Return the error for an ID or a name that nobody has.

    Args:
        voice: as it was given.
        others: names of voices that were made here.
    """
    names = [*(variant.voice.name for variant in _VARIANTS), *others]
    listed = ", ".join(names[:_MAX_NAMED]) + (" and others" if len(names) > _MAX_NAMED else "")
    wanted = voice.strip().casefold()
    if _UUID.fullmatch(wanted):
        return RequestError(
            f"The built-in engine has no voice {voice}.",
            title="Voice not found",
            code="voice_not_found",
            hint=f"Its voices are {listed}.",
        )
    from difflib import get_close_matches  # 5 ms that only a mistake costs

    close = get_close_matches(wanted, names, n=1)
    return UsageError(
        f"The built-in engine has no voice called {one_line(voice, _MOST_SHOWN)!r}.",
        code="voice_not_found",
        hint=(f"Did you mean {close[0]}? " if close else "") + f"Its voices are {listed}.",
    )


def variants() -> tuple[Variant, ...]:
    """Return every built-in variant; the first is the voice that the others are made of."""
    return _VARIANTS


def list_voices(query: str | None = None) -> Iterator[Voice]:
    """Yield every built-in voice, or those whose name, description or ID has ``query`` in it."""
    return (variant.voice for variant in _VARIANTS if matches(variant.voice, query))


def matches(voice: Voice, query: str | None) -> bool:
    """Whether the name, the description or the ID of a voice has ``query`` in it."""
    wanted = (query or "").casefold()
    return any(wanted in text.casefold() for text in (voice.name, voice.description, voice.id))
