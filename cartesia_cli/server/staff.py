"""The engines that do a server's work."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cartesia_cli.engines import (
    LiveTranscriber,
    Synthesizer,
    Transcriber,
    VoiceCatalogue,
    VoiceChanger,
    VoiceLibrary,
)
from cartesia_cli.server.speech.turnstile import Turnstile
from cartesia_cli.server.voices.dictionaries import Dictionaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who does what; what nobody does is answered with status 501."""

    synthesizer: Synthesizer
    catalogue: VoiceCatalogue
    transcriber: Transcriber | None = None
    live_transcriber: LiveTranscriber | None = None
    library: VoiceLibrary | None = None
    """Makes and changes the voices of ``catalogue``."""

    dictionaries: Dictionaries | None = None
    changer: VoiceChanger | None = None
    load: Callable[[], None] = lambda: None
    """Loads what the engines need, so that the first request need not wait for it."""


def built_in_staff(place: Path | Literal[":memory:"] | None) -> Staff:
    """Return the built-in engine in every role; where there is no recogniser, nobody transcribes.

    It works on all cores, what is waited for first. Its models are loaded with the first request.

    Args:
        place: the file of its voices and dictionaries; None is the user's.

    Raises:
        UsageError: it is not installed.
    """
    from cartesia_cli.local.catalogue import LocalCatalogue
    from cartesia_cli.local.engine import LocalEngine
    from cartesia_cli.local.packages import find_speech_assets, has_recognizer
    from cartesia_cli.local.transcriber import LocalTranscriber

    find_speech_assets()
    catalogue = (
        LocalCatalogue(place.parent, name=place.name) if isinstance(place, Path) else LocalCatalogue(place)
    )
    # Each has its own: what is being heard cannot be interrupted, and speech would wait for it.
    engine = LocalEngine(catalogue, work=Turnstile())
    transcriber = LocalTranscriber(work=Turnstile()) if has_recognizer() else None
    return Staff(
        synthesizer=engine,
        catalogue=engine,
        transcriber=transcriber,
        live_transcriber=transcriber,
        library=catalogue,
        dictionaries=catalogue,
        changer=engine,
        load=engine.load,
    )
