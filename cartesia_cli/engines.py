"""What an engine can do, as protocols; and the only place that chooses cloud or local."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from cartesia_cli.cache import VoiceNames
from cartesia_cli.credentials import Key
from cartesia_cli.errors import CredentialsError, LimitError, RequestError, UnavailableError, UsageError
from cartesia_cli.local.packages import INSTALL, has_speech
from cartesia_cli.models import (
    Accent,
    AudioFormat,
    CloneRequest,
    EngineName,
    ListenRequest,
    LocalizeRequest,
    Pronunciation,
    PronunciationDictionary,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
    Transcript,
    TranscriptUpdates,
    Voice,
    WordTiming,
)
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.api import Client
    from cartesia_cli.local.catalogue import LocalCatalogue
    from cartesia_cli.local.engine import LocalEngine
    from cartesia_cli.local.transcriber import LocalTranscriber

BUILT_IN_NOTICE = (
    "no API key, using the built-in voice (CARTESIA_API_KEY or 'cartesia auth login' for Cartesia)"
)
CLOUD_FAILURES = UnavailableError, LimitError, CredentialsError, RequestError
"""What ``--fallback local`` answers."""

_LIST_HINT = "Use the ID of a voice; see all: cartesia voices list"
_MOST_LISTED = 5
_VOICE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Synthesizer(Protocol):
    """Turns a transcript into speech. ``api.Client`` and ``local.LocalEngine`` fit."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""

    @property
    def traffic(self) -> Traffic:
        """Requests made and repeated so far."""

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Yield audio and timings in order; the generator's end is the end.

        Raises:
            CartesiaError: before the first event or after any; what was yielded stays valid.
        """

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Yield the speech of a text that is still being written, as one utterance on one timeline.

        Every ``Flush`` among the pieces is answered by one ``Flushed``, in order.

        Args:
            request: how to speak; its ``transcript`` is not used.
            pieces: the text as it comes; waiting for the next may block. It may be pulled by another
                thread than the caller's, and what it raises is raised here. Whoever closes the
                generator before its end also ends the pieces.

        Raises:
            UsageError: the pieces ended and there was nothing to say.
            CartesiaError: before the first event or after any; what was yielded stays valid.
        """

    def close(self) -> None:
        """Free connections and models."""


class LiveTranscriber(Protocol):
    """Turns sound into text while it arrives. ``api.Client`` and ``local.LocalTranscriber`` fit."""

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        """Yield what is understood, and after the end of the sound the last of it.

        Args:
            request: what the bytes mean, and what is wanted.
            sound: samples as they come, cut anywhere; waiting for the next may block. It may be pulled by
                another thread than the caller's, and what it raises is raised here. Whoever closes the
                generator before its end also ends the sound.

        Raises:
            CartesiaError: before the first update or after any; what was yielded stays valid.
        """

    def close(self) -> None:
        """Free connections and models."""


class Transcriber(Protocol):
    """Turns a recording into text. ``api.Client`` and ``local.LocalTranscriber`` fit."""

    def transcribe(
        self,
        recording: Path,
        /,
        *,
        words: bool,
        language: str | None = None,
        model_id: str | None = None,
        encoding: str | None = None,
        sample_rate: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Return what is said in a recording; without speech the text is empty.

        Args:
            recording: a file of any length.
            words: whether the times of the words are wanted.
            language: its code; None leaves it to the engine.
            model_id: of the API; the embedded engine has one model.
            encoding: of samples without a header.
            sample_rate: of samples without a header, in hertz.
            progress: told now and then which share of the work is done, 0 to 1.

        Raises:
            CartesiaError: the recording cannot be used, or there is no answer.
        """

    def close(self) -> None:
        """Free connections and models."""


class Aligner(Protocol):
    """Finds the words of a known text in a recording of it; a local engine's work."""

    def align(self, text: str, recording: Path, /) -> tuple[WordTiming, ...]:
        """Return when each word of ``text``, as it is written there, is said.

        Raises:
            CartesiaError: the recording cannot be used.
        """


class VoiceCatalogue(Protocol):
    """Knows voices by ID and lists them."""

    def get_voice(self, voice_id: str, /) -> Voice:
        """Return one voice.

        Raises:
            RequestError: no voice has this ID.
        """

    def voices(
        self,
        *,
        query: str | None = None,
        language: str | None = None,
        gender: str | None = None,
        owned: bool | None = None,
        page_size: int = 100,
    ) -> Iterator[Voice]:
        """Yield every voice, or those that are asked for; None does not choose.

        Args:
            query: matches the name, the description or the ID.
            language: its code.
            gender: ``masculine``, ``feminine`` or ``gender_neutral``.
            owned: whether it is one's own.
            page_size: how many to ask the API for at once, 1 to 100: fewer where only the first are wanted.
        """


class VoiceLibrary(VoiceCatalogue, Protocol):
    """Makes, changes and deletes voices too. ``api.Client`` and ``local.LocalCatalogue`` fit.

    Every method raises UsageError for what cannot be, RequestError for an ID that is not there or for what
    this engine, or this version of the API, cannot do.
    """

    def update_voice(self, voice_id: str, changes: Mapping[str, str | None], /) -> Voice:
        """Return a voice after its ``name``, ``description``, ``gender`` or ``accent`` was changed.

        None takes a gender away.
        """

    def delete_voice(self, voice_id: str, /) -> None:
        """Delete a voice for good."""

    def clone_voice(self, clip: Path, request: CloneRequest, /) -> Voice:
        """Return a new voice made from a clip, a recording of someone speaking."""

    def localize_voice(self, request: LocalizeRequest, /) -> Voice:
        """Return a new voice: another one's, in another accent."""

    def accents(self) -> Iterator[Accent]:
        """Yield every accent there is, by ID."""

    def add_accents(self, voice_id: str, accents: Sequence[str], /) -> Voice:
        """Return a voice after it has learnt accents, given by ID."""

    def remove_accent(self, voice_id: str, accent: str, /) -> Voice:
        """Return a voice after it has lost an accent."""

    def mix_voices(self, parts: Sequence[tuple[str, float]], /) -> tuple[float, ...]:
        """Return the embedding that lies between voices, given by ID and weight; of the older API."""

    def create_voice(
        self, name: str, embedding: Sequence[float], *, description: str | None, language: str | None
    ) -> Voice:
        """Return a new voice made from an embedding; of the older API."""


class DictionaryCatalogue(Protocol):
    """Keeps pronunciation dictionaries. ``api.Client`` and ``local.LocalCatalogue`` fit.

    Every method with an ID raises RequestError if no dictionary has it.
    """

    def dictionaries(self) -> Iterator[PronunciationDictionary]:
        """Yield every dictionary."""

    def get_dictionary(self, dictionary_id: str, /) -> PronunciationDictionary:
        """Return one dictionary."""

    def create_dictionary(self, name: str, items: Sequence[Pronunciation], /) -> PronunciationDictionary:
        """Return a new dictionary."""

    def update_dictionary(
        self, dictionary_id: str, items: Sequence[Pronunciation], /
    ) -> PronunciationDictionary:
        """Return a dictionary whose items were replaced."""

    def delete_dictionary(self, dictionary_id: str, /) -> None:
        """Delete a dictionary for good."""


class VoiceChanger(Protocol):
    """Gives a recording another voice, and fills gaps. ``api.Client`` and ``local.LocalEngine`` fit."""

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat, /) -> SpeechEvents:
        """Yield the recording, said by another voice.

        Raises:
            CartesiaError: before the first event or after any; what was yielded stays valid.
        """

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None, /) -> SpeechEvents:
        """Yield speech that fits between two recordings; one of them may be missing.

        Raises:
            CartesiaError: before the first event or after any; what was yielded stays valid.
        """


def choose_engine(settings: Settings, key: Key | None) -> EngineName:
    """Return the engine that the settings ask for, or that is set up.

    Raises:
        UsageError: the embedded engine was asked for and is not installed.
        CredentialsError: neither engine is set up.
    """
    if settings.engine == "local":
        if not has_speech():
            raise UsageError("The built-in engine is not installed.", hint=f"Install it with: {INSTALL}")
        return "local"
    if settings.engine == "cloud" or key is not None or settings.origin("base_url") != "default":
        return "cloud"
    if has_speech():
        return "local"
    raise CredentialsError(
        "No API key, and the built-in engine is not installed.",
        hint=f"Set CARTESIA_API_KEY for Cartesia's voices, or {INSTALL} for the built-in one.",
    )


def open_cloud(settings: Settings, key: Key | None) -> "Client":
    """Return a client of the API.

    Raises:
        CredentialsError: there is no key, and the server is not one on this machine.
    """
    if key is None and not _is_loopback(settings.base_url):
        raise CredentialsError(
            "No API key.", hint="Set CARTESIA_API_KEY, or use the built-in voice with --engine local."
        )
    from cartesia_cli.api import Client, Timeouts

    patience = settings.timeout
    timeouts = Timeouts() if patience is None else Timeouts(patience, patience, patience)
    return Client(
        key.value if key else None,
        base_url=settings.base_url,
        timeouts=timeouts,
        retries=settings.retries,
        headers=settings.headers,
    )


def open_local() -> "LocalEngine":
    """Return the embedded engine."""
    from cartesia_cli.local.engine import LocalEngine

    return LocalEngine()


def open_library(settings: Settings, engine: EngineName, key: Key | None) -> "Client | LocalCatalogue":
    """Return the engine as one that keeps voices and dictionaries.

    Raises:
        CredentialsError: there is no key, and the server is not one on this machine.
    """
    if engine == "cloud":
        return open_cloud(settings, key)
    from cartesia_cli.local.catalogue import LocalCatalogue

    return LocalCatalogue()


def open_changer(settings: Settings, engine: EngineName, key: Key | None) -> "Client | LocalEngine":
    """Return the engine as one that changes voices and fills gaps.

    Raises:
        CredentialsError: there is no key, and the server is not one on this machine.
    """
    return open_cloud(settings, key) if engine == "cloud" else open_local()


def open_live_transcriber(settings: Settings, engine: EngineName, key: Key | None) -> LiveTranscriber:
    """Return the engine as one that listens while someone speaks.

    Raises:
        CredentialsError: there is no key, and the server is not one on this machine.
    """
    if engine == "cloud":
        return open_cloud(settings, key)
    return open_local_transcriber()


def open_local_transcriber() -> "LocalTranscriber":
    """Return the embedded recogniser."""
    from cartesia_cli.local.transcriber import LocalTranscriber

    return LocalTranscriber()


def open_aligner() -> Aligner:
    """Return the embedded engine as one that aligns."""
    from cartesia_cli.local.scripts import ScriptAligner
    from cartesia_cli.local.transcriber import LocalTranscriber

    return ScriptAligner(LocalTranscriber())


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_voice_id(text: str) -> bool:
    """Whether a text is the ID of a voice, and no name that has to be looked up."""
    return _VOICE_ID.fullmatch(text) is not None


def find_voice_id(
    wanted: str,
    catalogue: VoiceCatalogue,
    names: VoiceNames | None,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the ID of the voice that is meant by an ID, an alias or a name.

    Args:
        wanted: which voice.
        catalogue: where a name is looked up.
        names: remembers for a day what was looked up; None where the catalogue itself knows voices by their
            names, as that of the embedded engine does.
        aliases: names that stand for an ID or another name.

    Raises:
        UsageError: no voice, or more than one, has this name.
        RequestError: the embedded engine has no voice with this ID.
    """
    wanted = aliases.get(wanted, wanted)
    if names is None:
        return catalogue.get_voice(wanted).id
    if is_voice_id(wanted):
        return wanted.lower()
    known = names.find(wanted)
    if known is not None:
        return known
    if not wanted.strip():
        raise UsageError("The name of a voice is empty.", hint=_LIST_HINT)
    found = list(catalogue.voices(query=wanted))
    same = [voice for voice in found if voice.id == wanted] or [
        voice for voice in found if voice.name.casefold() == wanted.casefold()
    ]
    if len(same) == 1:
        names.remember(wanted, same[0].id)
        return same[0].id
    if same:
        listed = ", ".join(f"{voice.id} ({voice.description or voice.name})" for voice in same[:_MOST_LISTED])
        raise UsageError(f"{len(same)} voices are called {wanted!r}: {listed}.", hint="Use an ID.")
    all_names = [*aliases, *(voice.name for voice in found or catalogue.voices())]
    close = difflib.get_close_matches(wanted, all_names, n=_MOST_LISTED, cutoff=0.4)
    hint = f"Did you mean {', '.join(close)}?" if close else _LIST_HINT
    raise UsageError(f"No voice is called {wanted!r}.", hint=hint)
