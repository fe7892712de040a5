"""What is kept of a voice that was made here."""

from collections.abc import Mapping

from cartesia_cli.database import Record
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local import accents as accent_table
from cartesia_cli.local.voices import Timbre, Variant
from cartesia_cli.models import Accent, Voice

GENDERS = ("masculine", "feminine", "gender_neutral")
_LONGEST_NAME, _LONGEST_DESCRIPTION = 200, 2_000


def read_voice(record: Record) -> Variant:
    """Return the voice in a record, and how it sounds."""
    accents = accent_table.known_accents()
    native = accents[record["accent"]]
    learnt = dict.fromkeys(accents[name].locale for name in record["accents"])
    fields = {
        "id": record["id"],
        "name": record["name"],
        "tagline": record["tagline"],
        "description": record["description"],
        "created_at": record["created_at"],
        "is_owner": True,
        "is_public": False,
        "access": "private",
        "visibility": "owner",
        "language": "en",
        "locales": [
            {"locale": native.locale, "is_native": True},
            *({"locale": locale, "is_native": False} for locale in learnt if locale != native.locale),
        ],
        "gender": record["gender"],
        "accent": record["accent"],
        "accents": [record["accent"], *record["accents"]],
        "base": record["base"],
    }
    voice = Voice(record["id"], record["name"], record["description"], "en", record["gender"], True, fields)
    return Variant(voice, Timbre(**record["timbre"]))


def check_fields(changes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return changes of a voice as they are kept; an accent of None is the built-in voice's.

    Raises:
        RequestError: an accent that the catalogue has not.
        UsageError: anything else that cannot be.
    """
    return {name: _checked_value(name, value) for name, value in changes.items()}


def _checked_value(name: str, value: str | None) -> str | None:
    match name, value:
        case "gender", _ if value in {None, *GENDERS}:
            return value
        case "gender", _:
            raise UsageError(f"A gender is one of {', '.join(GENDERS)}, not {value!r}.")
        case "accent", _:
            return accent_table.NATIVE if value is None else find_accent(value).id
        case "name", str(text) if text.strip():
            return _short(name, text.strip(), _LONGEST_NAME)
        case "name", _:
            raise UsageError("A voice needs a name.")
        case "description", _:
            return _short(name, value or "", _LONGEST_DESCRIPTION)
        case _:
            raise UsageError(f"A voice has no {name} that can be changed.")


def _short(name: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise UsageError(f"The {name} of a voice has at most {limit} characters.")
    return text


def find_accent(accent_id: str) -> Accent:
    """Return the accent with this ID.

    Raises:
        RequestError: the catalogue has none.
    """
    accent = accent_table.known_accents().get(accent_id)
    if accent is None:
        raise RequestError(f"There is no accent {accent_id!r}.", title="Invalid accent")
    return accent
