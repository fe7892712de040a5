"""The engines that do a server's work."""

from dataclasses import dataclass

from cartesia_cli.engines import (
    LiveTranscriber,
    Synthesizer,
    Transcriber,
    VoiceCatalogue,
    VoiceChanger,
    VoiceLibrary,
)
from cartesia_cli.server.dictionaries import Dictionaries


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
