"""The embedded engine: speaks on this machine, without a network and without a key."""

import gc
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from cartesia_cli.errors import UsageError
from cartesia_cli.local.packages import broken, find_speech_assets
from cartesia_cli.local.speakable import Survey, nothing_to_say, survey
from cartesia_cli.local.voices import Manner, find_variant, list_voices
from cartesia_cli.models import (
    SPEEDS,
    VOLUMES,
    EngineName,
    SpeechEvents,
    SpeechRequest,
    SpeechWarning,
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
    """Fits ``Synthesizer`` and ``VoiceCatalogue``. Loads its models with the first text.

    Several threads may use one engine.
    """

    name: EngineName = "local"

    def __init__(self) -> None:
        self.traffic = Traffic()
        self._models: tuple[Pronouncer, SpeechModel] | None = None
        self._lock = Lock()

    def synthesize(self, request: SpeechRequest) -> SpeechEvents:
        """Yield raw PCM in the request's encoding and rate, and the timings asked for.

        The first sound comes after the first sentence, or clause of a long one. A sentence's
        timings come after its sound. The same request gives the same bytes; without a seed it is 0.

        Raises:
            UsageError: nothing to say, a language other than English, a value out of range, an
                unknown voice name, or the extra ``local`` is missing or broken.
            RequestError: an unknown voice ID.
        """
        variant = find_variant(request.voice_id)
        _check_language(request)
        manner = Manner(variant.timbre, _speed(request), _volume(request))
        found = survey(request.transcript)
        if not found.has_words:
            raise nothing_to_say(found.unspeakable)
        with self._lock:
            self.traffic.requests += 1
        return self._speak(request, manner, [*_warnings(request, found)])

    def get_voice(self, voice_id: str) -> Voice:
        """Return the voice with this name or ID.

        Raises:
            UsageError: no voice has this name.
            RequestError: no voice has this ID.
        """
        return find_variant(voice_id).voice

    def voices(self, *, query: str | None = None) -> Iterator[Voice]:
        """Yield every voice, or those whose name, description or ID has ``query`` in it."""
        return list_voices(query)

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

    def _speak(
        self, request: SpeechRequest, manner: Manner, warnings: Sequence[SpeechWarning]
    ) -> SpeechEvents:
        yield from warnings
        pronouncer, model = self._loaded()
        from cartesia_cli.local.utterance import speak

        yield from speak(request, manner, pronouncer, model)


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


def _check_language(request: SpeechRequest) -> None:
    for name in (request.language, request.locale):
        if name is not None and name.replace("_", "-").partition("-")[0].lower() != "en":
            raise UsageError(
                f"The built-in voice speaks English only, not {name!r}.",
                hint="Use --engine cloud for other languages.",
            )


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


def _warnings(request: SpeechRequest, found: Survey) -> Iterator[SpeechWarning]:
    """Yield what will not be as asked: one warning for manner, one for text."""
    ignored = [f'emotion "{name}"' for name in request.emotion]
    if request.pronunciation_dict_id:
        ignored.append(f"pronunciation dictionary {request.pronunciation_dict_id}")
    ignored += found.ignored
    if ignored:
        yield SpeechWarning(f"The built-in voice ignores: {_named(ignored)}.")
    if found.unspeakable:
        yield SpeechWarning(f"The built-in voice cannot say: {_named(found.unspeakable)}.")


def _named(things: Sequence[str]) -> str:
    """Return the first few things, each cut to a readable length."""
    shown = [
        thing if len(thing) <= _MAX_NAME else thing[: _MAX_NAME - 1] + "…" for thing in things[:_MAX_NAMED]
    ]
    more = f" and {len(things) - _MAX_NAMED} more" if len(things) > _MAX_NAMED else ""
    return ", ".join(shown) + more
