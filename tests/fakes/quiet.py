"""A changer of voices whose work takes no time."""

from cartesia_cli.models import AudioChunk, SpeechEvents


class Quiet:
    """A changer of which nothing is heard but two samples."""

    def change_voice(self, *_asked: object) -> SpeechEvents:
        """Yield two samples."""
        yield AudioChunk(bytes(4))

    def infill(self, *_asked: object) -> SpeechEvents:
        """Yield two samples."""
        yield AudioChunk(bytes(4))
