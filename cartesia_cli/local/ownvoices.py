"""Voices that were made on this machine: variants of the built-in voice that somebody named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from cartesia_cli.database import Record, Shelf
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local import accents as accent_table
from cartesia_cli.local.embedding import decode_timbre, encode_timbre, mix
from cartesia_cli.local.voicerecords import check_fields, find_accent, read_voice
from cartesia_cli.local.voices import (
    Timbre,
    Variant,
    known_variant,
    list_voices,
    matches,
    unknown_voice,
)
from cartesia_cli.models import Accent, CloneRequest, LocalizeRequest, Voice

_LONGEST_TAGLINE = 32


class OwnVoices:
    """The built-in variants and the voices that were made here; fits ``VoiceLibrary``.

    A voice is found by its ID or its name. The built-in ones cannot be changed.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._made = shelf

    def find(self, voice: str) -> Variant:
        """Return a built-in variant, or else a voice made here, by its ID or its name in any case.

        Raises:
            RequestError: no voice has this ID.
            UsageError: no voice, or more than one, has this name.
        """
        if (variant := known_variant(voice)) is not None:
            return variant
        wanted = voice.strip().casefold()
        if (record := self._made.get(wanted)) is not None:
            return read_voice(record)
        own = [*self._made]
        same = [record for record in own if record["name"].casefold() == wanted]
        if len(same) > 1:
            raise UsageError(
                f"{len(same)} voices are called {voice!r}.",
                hint=f"Use an ID: {', '.join(record['id'] for record in same[:5])}.",
            )
        if not same:
            raise unknown_voice(voice, [record["name"] for record in own])
        return read_voice(same[0])

    def get_voice(self, voice_id: str, /, *, embedding: bool = False) -> Voice:
        """Return the voice with this ID or name; on demand with its ``embedding`` among the fields.

        Raises:
            RequestError, UsageError: as ``find``.
        """
        found = self.find(voice_id)
        if not embedding:
            return found.voice
        fields = {**found.voice.fields, "embedding": [*encode_timbre(found.timbre)]}
        return replace(found.voice, fields=fields)

    def voices(
        self,
        *,
        query: str | None = None,
        language: str | None = None,
        gender: str | None = None,
        owned: bool | None = None,
        page_size: int = 100,
    ) -> Iterator[Voice]:
        """Yield every voice, or those that are asked for, own ones last; see ``engines.VoiceCatalogue``."""
        if owned is not True:
            yield from (voice for voice in list_voices(query) if _fits(voice, language, gender))
        if owned is not False:
            for record in self._made:
                voice = read_voice(record).voice
                if matches(voice, query) and _fits(voice, language, gender):
                    yield voice

    def update_voice(self, voice_id: str, changes: Mapping[str, str | None], /) -> Voice:
        """Return a voice made here after its ``name``, ``description``, ``gender`` or ``accent`` was changed.

        Raises:
            RequestError: the voice is built in, or there is none, or the accent is none of the catalogue.
            UsageError: a change that cannot be.
        """
        checked = check_fields(changes)

        def change(record: Record) -> Record:
            changed = {**record, **checked}
            changed["accents"] = [accent for accent in record["accents"] if accent != changed["accent"]]
            return changed

        return self._changed(voice_id, change)

    def delete_voice(self, voice_id: str, /) -> None:
        """Delete a voice made here for good.

        Raises:
            RequestError: the voice is built in, or there is none.
        """
        _refuse_built_in(voice_id)
        if not self._made.delete(voice_id.strip().casefold()):
            raise _missing(voice_id)

    def clone_voice(self, clip: Path, request: CloneRequest, /) -> Voice:
        """Return a new voice: a variant of the built-in one at the pitch and speaking rate of a clip.

        Nothing else of the speaker is in it, and its description says so.

        Raises:
            RequestError: a base voice or an accent that there is not.
            UsageError: another language than English, or a clip without speech.
        """
        _check_english(request.language)
        base = None if request.base_voice_id is None else self.find(request.base_voice_id)
        check_fields(
            {"name": request.name, "description": request.description or "", "accent": request.accent}
        )
        from cartesia_cli.local.cloning import match_clip

        match = match_clip(clip, base)
        description = f"{match.description}."
        if request.description:
            description = f"{request.description} ({match.description})"
        return self._add(
            request.name,
            match.timbre,
            base=match.base,
            description=description,
            gender=match.gender,
            accent=request.accent,
        )

    def localize_voice(self, request: LocalizeRequest, /) -> Voice:
        """Return a copy of a voice, in the one accent that the built-in voice has.

        Raises:
            RequestError: another accent, or no such voice.
            UsageError: a name, a description or a tagline that cannot be.
        """
        source = self.find(request.voice_id)
        accent = find_accent(request.accent)
        if accent.id != accent_table.NATIVE:
            raise RequestError(
                f"The built-in engine cannot speak with the accent {accent.id}: it has one,"
                f" {accent_table.NATIVE}.",
                title="Invalid accent",
                hint="Use --engine cloud for other accents.",
            )
        return self._add(
            request.name,
            source.timbre,
            base=str(source.voice.fields.get("base") or source.voice.name),
            description=request.description or source.voice.description,
            gender=source.voice.gender,
            tagline=request.tagline,
        )

    def accents(self) -> Iterator[Accent]:
        """Yield every accent of the API's catalogue, by ID. The built-in voice has one of them."""
        yield from accent_table.known_accents().values()

    def add_accents(self, voice_id: str, accents: Sequence[str], /) -> Voice:
        """Return a voice made here after accents were noted for it; they do not change how it sounds.

        Raises:
            RequestError: the voice is built in, or there is none; an accent that no voice can learn, or too
                many of them.
        """
        for accent in accents:
            if find_accent(accent).id not in accent_table.ATTACHABLE:
                raise RequestError(f"No voice can learn the accent {accent}.", title="Invalid accent")

        def change(record: Record) -> Record:
            known = dict.fromkeys(
                [*record["accents"], *(name for name in accents if name != record["accent"])]
            )
            if len(known) + 1 > accent_table.MOST:
                raise RequestError(
                    f"A voice has at most {accent_table.MOST} accents, its own among them.",
                    title="Too many accents",
                )
            return {**record, "accents": [*known]}

        return self._changed(voice_id, change)

    def remove_accent(self, voice_id: str, accent: str, /) -> Voice:
        """Return a voice made here after it has lost an accent that was noted for it.

        Raises:
            RequestError: the voice is built in, or there is none, or it has no such accent.
        """

        def change(record: Record) -> Record:
            if accent == record["accent"]:
                raise RequestError(
                    f"The accent {accent} is the voice's own, which it cannot lose.", title="Invalid accent"
                )
            if accent not in record["accents"]:
                raise RequestError(
                    f"The voice has no accent {accent}.", title="Accent not found", code="not_found"
                )
            return {**record, "accents": [name for name in record["accents"] if name != accent]}

        return self._changed(voice_id, change)

    def mix_voices(self, parts: Sequence[tuple[str, float]], /) -> tuple[float, ...]:
        """Return the embedding of a timbre that lies between voices, given by ID or name and weight.

        Raises:
            RequestError, UsageError: as ``find``, or the weights cannot be.
        """
        return mix([(encode_timbre(self.find(voice).timbre), weight) for voice, weight in parts])

    def create_voice(
        self, name: str, embedding: Sequence[float], *, description: str | None, language: str | None
    ) -> Voice:
        """Return a new voice with the timbre of an embedding that was made here.

        Raises:
            RequestError: the embedding is of another engine.
            UsageError: another language than English, or a name that cannot be.
        """
        _check_english(language or "en")
        timbre = decode_timbre(embedding)
        return self._add(name, timbre, base="heart", description=description or "", gender=None)

    def _add(
        self,
        name: str,
        timbre: Timbre,
        *,
        base: str,
        description: str,
        gender: str | None,
        accent: str | None = None,
        tagline: str | None = None,
    ) -> Voice:
        checked = check_fields({"name": name, "description": description, "gender": gender, "accent": accent})
        if tagline is not None and len(tagline) > _LONGEST_TAGLINE:
            raise UsageError(f"A tagline has at most {_LONGEST_TAGLINE} characters.")
        record: Record = {
            **checked,
            "id": str(uuid4()),
            "tagline": tagline or "",
            "created_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "accents": [],
            "base": base,
            "timbre": asdict(timbre),
        }
        self._made.add(record)
        return read_voice(record).voice

    def _changed(self, voice_id: str, change: Callable[[Record], Record]) -> Voice:
        _refuse_built_in(voice_id)
        key = voice_id.strip().casefold()
        # Without a record there is nothing to write, and no file to make.
        record = None if self._made.get(key) is None else self._made.update(key, change)
        if record is None:
            raise _missing(voice_id)
        return read_voice(record).voice


def _fits(voice: Voice, language: str | None, gender: str | None) -> bool:
    wanted = None if language is None else language.replace("_", "-").partition("-")[0].lower()
    return wanted in {None, voice.language} and gender in {None, voice.gender}


def _check_english(language: str) -> None:
    if language.replace("_", "-").partition("-")[0].lower() != "en":
        raise UsageError(
            f"The built-in voice speaks English only, not {language!r}.",
            hint="Use --engine cloud for other languages.",
        )


def _refuse_built_in(voice_id: str) -> None:
    if (variant := known_variant(voice_id)) is not None:
        raise RequestError(
            f"The voice {variant.voice.name} is built in: it cannot be changed or deleted.",
            title="Built-in voice",
            hint="Only voices that were made here can.",
        )


def _missing(voice_id: str) -> RequestError:
    return RequestError(
        f"No voice made here has the ID {voice_id}.", title="Voice not found", code="voice_not_found"
    )
