"""The voices of the API."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from cartesia_cli.api.bodies import Form
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.paging import pages
from cartesia_cli.api.paths import part
from cartesia_cli.api.recordings import Recording
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import Accent, CloneRequest, LocalizeRequest, Voice
from cartesia_cli.wire.version import FIRST_WITHOUT_EMBEDDINGS
from cartesia_cli.wire.voices import (
    decode_accents,
    decode_embedding,
    decode_new_voice,
    decode_voice,
    encode_changes,
    encode_clone,
    encode_localize,
    encode_mix,
)

MAX_PAGE = 100
"""Voices that the API sends at once."""

_GENDERS = frozenset({"masculine", "feminine", "gender_neutral"})


class Voices:
    """What ``api.Client`` does as ``engines.VoiceLibrary``.

    Every method raises CredentialsError, LimitError or UnavailableError where there is no answer,
    RequestError where the API refuses, and UsageError for what cannot be sent.
    """

    _exchange: Exchange

    def get_voice(self, voice_id: str, /, *, embedding: bool = False) -> Voice:
        """Return one voice.

        Args:
            voice_id: its ID.
            embedding: whether the embedding is wanted too, under that key in ``fields``; of the older API.

        Raises:
            RequestError: no voice has this ID, or there are no embeddings.
        """
        params = {"expand[]": "embedding"} if embedding else None
        voice = decode_voice(self._exchange.json(f"/voices/{part(voice_id, 'a voice')}", params))
        if embedding:
            if not voice.fields.get("embedding"):
                raise _no_embeddings()
            decode_embedding(voice.fields)
        return voice

    def voices(
        self,
        *,
        query: str | None = None,
        language: str | None = None,
        gender: str | None = None,
        owned: bool | None = None,
        page_size: int = MAX_PAGE,
    ) -> Iterator[Voice]:
        """Yield every voice, or those that are asked for, page by page; see ``engines.VoiceCatalogue``.

        The API chooses; what it cannot choose by is chosen here.
        """
        params = {
            "limit": str(min(max(page_size, 1), MAX_PAGE)),
            "q": query,
            "language": language,
            "gender": gender,
            "is_owner": None if owned is None else str(owned).lower(),
        }
        sent = {name: value for name, value in params.items() if value}
        path = "/voices/" if self._is_old else "/voices"  # as each version's own client has it
        for items, has_searched in pages(self._exchange, path, sent, "voices"):
            for voice in [decode_voice(item) for item in items]:
                if _fits(voice, language, gender, owned) and (has_searched or _is_named_by(voice, query)):
                    yield voice

    def update_voice(self, voice_id: str, changes: Mapping[str, str | None], /) -> Voice:
        """Return a voice after it was changed; see ``engines.VoiceLibrary``."""
        path = f"/voices/{part(voice_id, 'a voice')}"
        if self._is_old and not {"name", "description"} <= changes.keys():
            voice = self.get_voice(voice_id)  # both are required there
            changes = {"name": voice.name, "description": voice.description, **changes}
        return decode_voice(self._exchange.json(path, body=encode_changes(changes), method="PATCH"))

    @property
    def _is_old(self) -> bool:
        """Whether the API is asked for a version in which voices were embeddings."""
        return self._exchange.version < FIRST_WITHOUT_EMBEDDINGS

    def delete_voice(self, voice_id: str, /) -> None:
        """Delete a voice for good."""
        self._exchange.delete(f"/voices/{part(voice_id, 'a voice')}")

    def clone_voice(self, clip: Path | BinaryIO, request: CloneRequest, /) -> Voice:
        """Return a new voice made from a clip, which is sent as it is."""
        fields = encode_clone(request, version=self._exchange.version)
        with Recording(clip) as file:
            form = Form(fields, {"clip": file})
            return decode_new_voice(self._exchange.json("/voices/clone", body=form, once=True))

    def localize_voice(self, request: LocalizeRequest, /) -> Voice:
        """Return a new voice: another one's, in another accent."""
        body = encode_localize(request)
        return decode_new_voice(self._exchange.json("/voices/localize", body=body, once=True))

    def accents(self) -> Iterator[Accent]:
        """Yield every accent there is, by ID."""
        yield from decode_accents(self._exchange.json("/accents", absent=_no_accents()))

    def add_accents(self, voice_id: str, accents: Sequence[str], /) -> Voice:
        """Return a voice after it has learnt accents, given by ID."""
        if not accents:
            raise UsageError("There is no accent to add.", hint="Give the ID of an accent.")
        path = f"/voices/{part(voice_id, 'a voice')}/accents"
        return decode_voice(self._exchange.json(path, body={"accents": [*accents]}, method="PATCH"))

    def remove_accent(self, voice_id: str, accent: str, /) -> Voice:
        """Return a voice after it has lost an accent."""
        path = f"/voices/{part(voice_id, 'a voice')}/accents/{part(accent, 'an accent')}"
        return decode_voice(self._exchange.json(path, method="DELETE"))

    def mix_voices(self, parts: Sequence[tuple[str, float]], /) -> tuple[float, ...]:
        """Return the embedding that lies between voices, given by ID and weight; of the older API.

        Raises:
            RequestError: the API has no embeddings any more, or no such voice.
        """
        body = encode_mix(parts)
        return decode_embedding(self._exchange.json("/voices/mix", body=body, absent=_no_embeddings()))

    def create_voice(
        self, name: str, embedding: Sequence[float], *, description: str | None, language: str | None
    ) -> Voice:
        """Return a new voice made from an embedding; of the older API.

        Raises:
            RequestError: the API has no embeddings any more.
        """
        body = {"name": name, "description": description or "", "embedding": [*embedding]}
        if language is not None:
            body["language"] = language
        answer = self._exchange.json("/voices/", body=body, once=True, absent=_no_embeddings())
        return decode_new_voice(answer)


def _fits(voice: Voice, language: str | None, gender: str | None, owned: bool | None) -> bool:
    """Whether nothing that is known of a voice speaks against it: not every server can choose by all."""
    if owned is not None and voice.fields.get("is_owner", owned) is not owned:
        return False
    if gender is not None and voice.gender in _GENDERS - {gender}:
        return False
    return language is None or _main(language) in _languages(voice)


def _is_named_by(voice: Voice, query: str | None) -> bool:
    """Whether a query stands in a voice's name, description or ID."""
    wanted = (query or "").casefold()
    return any(wanted in text.casefold() for text in (voice.id, voice.name, voice.description))


def _languages(voice: Voice) -> set[str]:
    """Return the languages that a voice speaks, without their regions."""
    locales = voice.fields.get("locales")
    names = (
        [item.get("locale") for item in locales if isinstance(item, dict)]
        if isinstance(locales, list)
        else []
    )
    return {_main(name) for name in [voice.language, *names] if isinstance(name, str)}


def _main(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].casefold()


def _no_embeddings() -> RequestError:
    return RequestError(
        "This API has no embeddings any more.",
        hint="Make a voice from a recording instead, or give the --base-url of a server of the older API.",
    )


def _no_accents() -> RequestError:
    return RequestError("This API has no accents to choose from.", hint="It is of an older version.")
