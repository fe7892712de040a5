"""Whether what arrived can be all."""

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import AudioFormat, Container


def require_audio(n_bytes: int, audio: AudioFormat) -> None:
    """Check that there was audio, and that it ends with a sample: or it makes noise of all that follows.

    Raises:
        UnavailableError: otherwise.
    """
    if n_bytes == 0:
        raise UnavailableError("The API answered without any audio.", hint="Try again.")
    if audio.container is Container.RAW and n_bytes % audio.encoding.sample_width:
        raise UnavailableError("The audio from the API ends in the middle of a sample.", hint="Try again.")
