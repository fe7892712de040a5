"""The embedded engine: speaks on this machine, without a network and without a key."""

import gc
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cartesia_cli.errors import UsageError
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.embedding import decode_timbre
from cartesia_cli.local.languages import check_language
from cartesia_cli.local.lexicon import Lexicon
from cartesia_cli.local.packages import broken, find_speech_assets
from cartesia_cli.local.speakable import Survey, nothing_to_say, survey
from cartesia_cli.local.streaming import arriving_elements
from cartesia_cli.local.tags import Break
from cartesia_cli.local.text import Rest, Sentence, sentences, sentences_of
from cartesia_cli.local.voices import Manner
from cartesia_cli.local.workers import Work, at_once
from cartesia_cli.models import (
    SPEEDS,
    VOLUMES,
    AudioFormat,
    EngineName,
    Flush,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
    TextPiece,
    Traffic,
    Voice,
)

if TYPE_CHECKING:
    from cartesia_cli.local.pronounce import Pronouncer
    from cartesia_cli.local.voice import SpeechModel

_SPEEDS = {"slow": 0.8, "normal": 1.0, "fast": 1.2}
_MAX_NAMED, _MAX_NAME = 8, 40
"""How many things a warning names, and with how many characters each."""


class LocalEngine:
    """Fits ``Synthesizer``, ``VoiceCatalogue`` and ``VoiceChanger``. Loads its models with the first text.

    Several threads may use one engine.

    Args:
        catalogue: the voices and dictionaries that were made here; None is the user's.
        work: who makes the sound; the caller's thread if it is not said.
    """

    name: EngineName = "local"

    def __init__(self, catalogue: LocalCatalogue | None = None, *, work: Work = at_once) -> None:
        self.traffic = Traffic()
        self._work = work
        self.catalogue = catalogue or LocalCatalogue()
        self._models: tuple[Pronouncer, SpeechModel] | None = None
        self._lock = Lock()

    def synthesize(self, request: SpeechRequest) -> SpeechEvents:
        """Yield raw PCM in the request's encoding and rate, and the timings asked for.

        The first sound comes after the first sentence, or clause of a long one. A sentence's
        timings come after its sound. The same request gives the same bytes; without a seed it is 0.

        Raises:
            UsageError: nothing to say, a language other than English, a value out of range, an
                unknown voice name, or the extra ``local`` is missing or broken.
            RequestError: an unknown ID of a voice or a dictionary.
        """
        manner, lexicon = self._manner(request), self._lexicon(request)
        found = survey(request.transcript, lexicon)
        if not found.has_words:
            raise nothing_to_say(found.unspeakable)
        self._count()
        return self._speak(request, manner, lexicon, found)

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece]) -> SpeechEvents:
        """Yield the speech of a text that is still being written: that of ``synthesize`` for all of it.

        A sentence is spoken when the first word after it has come, so that it is known to be over. A
        ``Flush`` lets it be spoken at once, and may cut it. The pieces are pulled by who pulls the events.

        Raises:
            UsageError, RequestError: as ``synthesize``.
        """
        manner, lexicon = self._manner(request), self._lexicon(request)
        self._count()
        return self._stream(request, manner, lexicon, pieces)

    def get_voice(self, voice_id: str) -> Voice:
        """Return the voice with this name or ID.

        Raises:
            UsageError: no voice has this name.
            RequestError: no voice has this ID.
        """
        return self.catalogue.get_voice(voice_id)

    def voices(
        self,
        *,
        query: str | None = None,
        language: str | None = None,
        gender: str | None = None,
        owned: bool | None = None,
        page_size: int = 100,
    ) -> Iterator[Voice]:
        """Yield every voice, or those that are asked for; see ``engines.VoiceCatalogue``."""
        return self.catalogue.voices(
            query=query, language=language, gender=gender, owned=owned, page_size=page_size
        )

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat) -> SpeechEvents:
        """Yield a recording at the pitch of a voice and with its throat, as raw PCM of the same length.

        The words, the melody and the pace stay the speaker's, in any language.

        Raises:
            RequestError: an unknown voice ID.
            UsageError: an unknown voice name, or a recording that cannot be read or holds no voice.
        """
        timbre = self.catalogue.find(voice_id).timbre
        self._count()
        from cartesia_cli.local.changing import change_recording

        return change_recording(recording, timbre, format)

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None) -> SpeechEvents:
        """Yield the speech of ``synthesize``, as loud as the speech in the recordings on either side.

        Raises:
            RequestError: an unknown ID of a voice or a dictionary.
            UsageError: as ``synthesize``, or a recording that cannot be read; there is none.
        """
        manner, lexicon = self._manner(request), self._lexicon(request)
        found = survey(request.transcript, lexicon)
        if not found.has_words:
            raise nothing_to_say(found.unspeakable)
        self._count()
        from cartesia_cli.local.changing import level_between

        manner = replace(manner, volume=manner.volume * level_between(left, right))
        return self._speak(request, manner, lexicon, found)

    def load(self) -> None:
        """Load the models now, so that the first text need not wait for them.

        Raises:
            UsageError: the extra ``local`` is missing or broken.
        """
        self._loaded()

    def close(self) -> None:
        """Free the models; another text loads them again."""
        with self._lock:
            self._models = None

    def _loaded(self) -> "tuple[Pronouncer, SpeechModel]":
        with self._lock:
            if self._models is None:
                self._models = _load_models()
            return self._models

    def _count(self) -> None:
        with self._lock:
            self.traffic.requests += 1

    def _manner(self, request: SpeechRequest) -> Manner:
        """Return how the voice speaks a request.

        Raises:
            UsageError, RequestError: it cannot.
        """
        if request.voice_embedding is None:
            timbre = self.catalogue.find(request.voice_id).timbre
        else:
            timbre = decode_timbre(request.voice_embedding)
        check_language(request.language, request.locale)
        return Manner(timbre, _speed(request), _volume(request))

    def _lexicon(self, request: SpeechRequest) -> Lexicon | None:
        """Return the dictionary of a request, if it names one.

        Raises:
            RequestError: no dictionary has this ID.
        """
        if request.pronunciation_dict_id is None:
            return None
        return Lexicon(self.catalogue.get_dictionary(request.pronunciation_dict_id).items)

    def _speak(
        self, request: SpeechRequest, manner: Manner, lexicon: Lexicon | None, found: Survey
    ) -> SpeechEvents:
        yield from _warnings([*_ignored(request), *found.ignored], found.unspeakable)
        pronouncer, model = self._loaded()
        from cartesia_cli.local.utterance import speak

        items = _applied(lexicon, sentences(request.transcript))
        yield from speak(items, request, manner, pronouncer, model, self._work)

    def _stream(
        self, request: SpeechRequest, manner: Manner, lexicon: Lexicon | None, pieces: Iterable[TextPiece]
    ) -> SpeechEvents:
        yield from _warnings(_ignored(request), ())
        pronouncer, model = self._loaded()
        from cartesia_cli.local.utterance import speak

        news, known = deque[SpeechWarning](), set[str]()

        def learn(found: Survey) -> None:
            ignored, unspeakable = (
                [thing for thing in things if thing not in known]
                for things in (found.ignored, found.unspeakable)
            )
            known.update(ignored, unspeakable)
            news.extend(_warnings(ignored, unspeakable))

        items = _applied(lexicon, sentences_of(arriving_elements(pieces, learn, lexicon)))
        for event in speak(items, request, manner, pronouncer, model, self._work):
            while news:
                yield news.popleft()
            yield event


def _applied(
    lexicon: Lexicon | None, items: Iterable[Sentence | Break | Rest | Flush]
) -> Iterator[Sentence | Break | Rest | Flush]:
    """Yield sentences as a dictionary has them said."""
    for item in items:
        yield lexicon.apply(item) if lexicon and isinstance(item, Sentence) else item


def _load_models() -> "tuple[Pronouncer, SpeechModel]":
    """Return the dictionaries and the network, read at the same time."""
    assets = find_speech_assets()
    try:
        from concurrent.futures import ThreadPoolExecutor

        from cartesia_cli.local.pronounce import Pronouncer
        from cartesia_cli.local.voice import SpeechModel

        with _no_collection(), ThreadPoolExecutor(1, thread_name_prefix="speech-model") as pool:
            model = pool.submit(SpeechModel, assets)
            return Pronouncer(assets), model.result()
    except (ImportError, OSError, EOFError, ValueError, zlib.error) as error:
        raise broken(error) from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Suspend the garbage collector: the tables are a million objects, none of which is garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _speed(request: SpeechRequest) -> float:
    speed = request.speed
    if isinstance(speed, str):
        return _SPEEDS[speed]
    return 1.0 if speed is None else _within(SPEEDS, "Speed", speed)


def _volume(request: SpeechRequest) -> float:
    return 1.0 if request.volume is None else _within(VOLUMES, "Volume", request.volume)


def _within(limits: tuple[float, float], name: str, value: float) -> float:
    lowest, highest = limits
    if not lowest <= value <= highest:
        raise UsageError(f"{name} must be from {lowest} to {highest}, not {value:g}.")
    return value


def _ignored(request: SpeechRequest) -> list[str]:
    """Return what of a request's manner this engine cannot do."""
    return [f'emotion "{name}"' for name in request.emotion]


def _warnings(ignored: Sequence[str], unspeakable: Sequence[str]) -> Iterator[SpeechWarning]:
    """Yield what will not be as asked: one warning for manner, one for text."""
    if ignored:
        yield SpeechWarning(f"The built-in voice ignores: {_named(ignored)}.")
    if unspeakable:
        yield SpeechWarning(f"The built-in voice cannot say: {_named(unspeakable)}.")


def _named(things: Sequence[str]) -> str:
    """Return the first few things, each cut to a readable length."""
    shown = [
        thing if len(thing) <= _MAX_NAME else thing[: _MAX_NAME - 1] + "…" for thing in things[:_MAX_NAMED]
    ]
    more = f" and {len(things) - _MAX_NAMED} more" if len(things) > _MAX_NAMED else ""
    return ", ".join(shown) + more
