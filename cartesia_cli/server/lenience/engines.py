"""Engines of a lenient server: they know every ID and hear every recording, if only with an example."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from cartesia_cli.engines import Synthesizer, Transcriber, VoiceCatalogue, VoiceChanger, VoiceLibrary
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import (
    Accent,
    AudioFormat,
    CloneRequest,
    EngineName,
    LocalizeRequest,
    Pronunciation,
    PronunciationDictionary,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
    Transcript,
    Voice,
)
from cartesia_cli.server.lenience.examples import DICTIONARY, TRANSCRIPT, VOICE, silence
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.voices.dictionaries import Dictionaries


def lenient(staff: Staff) -> Staff:
    """Return the same engines; none refuses an ID that nobody has, or a recording that cannot be read."""
    voices = LenientCatalogue(staff.catalogue)
    return replace(
        staff,
        catalogue=voices,
        synthesizer=LenientSynthesizer(staff.synthesizer, voices, staff.dictionaries),
        transcriber=staff.transcriber and LenientTranscriber(staff.transcriber),
        library=staff.library and LenientLibrary(staff.library),
        dictionaries=staff.dictionaries and LenientDictionaries(staff.dictionaries),
        changer=staff.changer and LenientVoiceChanger(staff.changer, voices, staff.dictionaries),
    )


@dataclass(frozen=True, slots=True)
class LenientCatalogue:
    """Fits ``VoiceCatalogue``."""

    engine: VoiceCatalogue

    def find(self, voice_id: str) -> Voice | None:
        """Return a voice; None if there is none."""
        try:
            return self.engine.get_voice(voice_id)
        except (RequestError, UsageError):
            return None

    def known(self, voice_id: str) -> str:
        """Return the ID of a voice that is there: this one, or else the first."""
        if self.find(voice_id) is not None:
            return voice_id
        return next((voice.id for voice in self.engine.voices(page_size=1)), voice_id)

    def get_voice(self, voice_id: str, /) -> Voice:
        """Return one voice, or an example."""
        return self.find(voice_id) or replace(VOICE, id=voice_id)

    def voices(self, **asked: Any) -> Iterator[Voice]:
        """Yield what the engine does."""
        return self.engine.voices(**asked)


@dataclass(frozen=True, slots=True)
class LenientSynthesizer:
    """Fits ``Synthesizer``; voices that nobody has sound like the first one."""

    engine: Synthesizer
    catalogue: LenientCatalogue
    dictionaries: Dictionaries | None

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return self.engine.name

    @property
    def traffic(self) -> Traffic:
        """Requests made and repeated so far."""
        return self.engine.traffic

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Yield what the engine does."""
        return self.engine.synthesize(_known(request, self.catalogue, self.dictionaries))

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Yield what the engine does."""
        return self.engine.stream(_known(request, self.catalogue, self.dictionaries), pieces)

    def close(self) -> None:
        """Free connections and models."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class LenientTranscriber:
    """Fits ``Transcriber``; a recording that cannot be used has an example for its text."""

    engine: Transcriber

    def transcribe(self, recording: Path, /, **how: Any) -> Transcript:
        """Return what the engine does, or an example."""
        try:
            return self.engine.transcribe(recording, **how)
        except (RequestError, UsageError):
            return replace(TRANSCRIPT, language=how.get("language") or TRANSCRIPT.language)

    def close(self) -> None:
        """Free connections and models."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class LenientVoiceChanger:
    """Fits ``VoiceChanger``; of a recording that cannot be used silence is made."""

    engine: VoiceChanger
    catalogue: LenientCatalogue
    dictionaries: Dictionaries | None

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat, /) -> SpeechEvents:
        """Yield what the engine does, or silence."""
        known = self.catalogue.known(voice_id)
        return _or_silence(lambda: self.engine.change_voice(recording, known, format), format)

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None, /) -> SpeechEvents:
        """Yield what the engine does, or silence."""
        known = _known(request, self.catalogue, self.dictionaries)
        return _or_silence(lambda: self.engine.infill(known, left, right), request.format)


class LenientLibrary(LenientCatalogue):
    """Fits ``VoiceLibrary``; who changes a voice that nobody has is shown how it would be."""

    engine: VoiceLibrary

    def update_voice(self, voice_id: str, changes: Mapping[str, str | None], /) -> Voice:
        """Return a voice after it was changed."""
        if self.find(voice_id) is not None:
            return self.engine.update_voice(voice_id, changes)
        return Voice(
            voice_id,
            changes.get("name") or VOICE.name,
            changes.get("description") or VOICE.description,
            gender=changes.get("gender", VOICE.gender),
            is_owner=True,
            fields={**VOICE.fields, "accent": changes.get("accent") or VOICE.fields["accent"]},
        )

    def delete_voice(self, voice_id: str, /) -> None:
        """Delete a voice, if it is there."""
        if self.find(voice_id) is not None:
            self.engine.delete_voice(voice_id)

    def clone_voice(self, clip: Path, request: CloneRequest, /) -> Voice:
        """Return a new voice; of a clip that cannot be used an example, which nobody keeps."""
        if request.base_voice_id is not None and self.find(request.base_voice_id) is None:
            request = replace(request, base_voice_id=None)
        try:
            return self.engine.clone_voice(clip, request)
        except (RequestError, UsageError):
            return replace(
                VOICE,
                id=str(uuid4()),
                name=request.name,
                description=request.description or "",
                language=request.language,
            )

    def localize_voice(self, request: LocalizeRequest, /) -> Voice:
        """Return a new voice; in an accent that the engine cannot speak an example, which nobody keeps."""
        request = replace(request, voice_id=self.known(request.voice_id))
        try:
            return self.engine.localize_voice(request)
        except RequestError:
            if all(accent.id != request.accent for accent in self.engine.accents()):
                raise
            return replace(
                VOICE,
                id=str(uuid4()),
                name=request.name,
                description=request.description or "",
                fields={**VOICE.fields, "accent": request.accent, "tagline": request.tagline or ""},
            )

    def accents(self) -> Iterator[Accent]:
        """Yield every accent there is, by ID."""
        return self.engine.accents()

    def add_accents(self, voice_id: str, accents: Sequence[str], /) -> Voice:
        """Return a voice after it has learnt accents."""
        found = self.find(voice_id)
        return self.get_voice(voice_id) if found is None else self.engine.add_accents(voice_id, accents)

    def remove_accent(self, voice_id: str, accent: str, /) -> Voice:
        """Return a voice after it has lost an accent."""
        found = self.find(voice_id)
        return self.get_voice(voice_id) if found is None else self.engine.remove_accent(voice_id, accent)

    def mix_voices(self, parts: Sequence[tuple[str, float]], /) -> tuple[float, ...]:
        """Return the embedding that lies between voices."""
        return self.engine.mix_voices([(self.known(voice_id), weight) for voice_id, weight in parts])

    def create_voice(
        self, name: str, embedding: Sequence[float], *, description: str | None, language: str | None
    ) -> Voice:
        """Return a new voice made from an embedding."""
        return self.engine.create_voice(name, embedding, description=description, language=language)


@dataclass(frozen=True, slots=True)
class LenientDictionaries:
    """Fits ``Dictionaries``."""

    engine: Dictionaries

    def dictionaries(self) -> Iterator[PronunciationDictionary]:
        """Yield every dictionary."""
        return iter(self.engine.dictionaries())

    def get_dictionary(self, dictionary_id: str, /) -> PronunciationDictionary:
        """Return one dictionary, or an example."""
        return _find_dictionary(self.engine, dictionary_id) or replace(DICTIONARY, id=dictionary_id)

    def create_dictionary(self, name: str, items: Sequence[Pronunciation], /) -> PronunciationDictionary:
        """Return a new dictionary."""
        return self.engine.create_dictionary(name, items)

    def update_dictionary(
        self, dictionary_id: str, items: Sequence[Pronunciation] | None, /, *, name: str | None = None
    ) -> PronunciationDictionary:
        """Return a dictionary after it was changed; an example shows how it would be."""
        if _find_dictionary(self.engine, dictionary_id) is not None:
            return self.engine.update_dictionary(dictionary_id, items, name=name)
        return replace(DICTIONARY, id=dictionary_id, name=name or DICTIONARY.name, items=tuple(items or ()))

    def delete_dictionary(self, dictionary_id: str, /) -> None:
        """Delete a dictionary, if it is there."""
        if _find_dictionary(self.engine, dictionary_id) is not None:
            self.engine.delete_dictionary(dictionary_id)


def _known(
    request: SpeechRequest, catalogue: LenientCatalogue, dictionaries: Dictionaries | None
) -> SpeechRequest:
    """Return a request whose voice is there, and without a dictionary that is not."""
    if request.voice_embedding is None:
        request = replace(request, voice_id=catalogue.known(request.voice_id))
    wanted = request.pronunciation_dict_id
    if wanted is not None and (dictionaries is None or _find_dictionary(dictionaries, wanted) is None):
        request = replace(request, pronunciation_dict_id=None)
    return request


def _find_dictionary(dictionaries: Dictionaries, dictionary_id: str) -> PronunciationDictionary | None:
    try:
        return dictionaries.get_dictionary(dictionary_id)
    except RequestError:
        return None


def _or_silence(make: Callable[[], SpeechEvents], format: AudioFormat) -> SpeechEvents:
    """Yield the events that ``make`` returns; silence if it refuses before the first."""
    begun = False
    try:
        with closing(make()) as events:
            for event in events:
                begun = True
                yield event
    except (RequestError, UsageError):
        if begun:
            raise
        yield silence(format)
