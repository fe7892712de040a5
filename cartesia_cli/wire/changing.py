"""The forms of ``POST /voice-changer/bytes``, ``/voice-changer/sse`` and ``POST /infill/bytes``."""

from collections.abc import Iterator

from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat, SpeechRequest
from cartesia_cli.wire.requests import encode_format

_NEWEST = "sonic-latest"
_INFILLING = "sonic-3"
"""What infilling has instead: it does not know its models by other names than their own."""


def encode_change(voice_id: str, audio: AudioFormat) -> dict[str, str]:
    """Return the fields beside the clip."""
    return {"voice[id]": voice_id, **_format_fields(audio)}


def encode_infill(request: SpeechRequest) -> dict[str, str]:
    """Return the fields beside the recordings; see ``left_out``.

    Raises:
        UsageError: the voice is an embedding.
    """
    if request.voice_embedding is not None:
        raise UsageError("Infilling needs a voice, not an embedding.", hint="Choose one with --voice.")
    language = request.language or (request.locale or "").partition("-")[0]
    return {
        "model_id": _INFILLING if request.model_id == _NEWEST else request.model_id,
        **({"language": language} if language else {}),
        "transcript": request.transcript,
        "voice_id": request.voice_id,
        **_format_fields(request.format),
    }


def left_out(request: SpeechRequest) -> tuple[str, ...]:
    """Return what of a request infilling has no field for, in words."""
    return tuple(_left_out(request))


def _left_out(request: SpeechRequest) -> Iterator[str]:
    if request.speed is not None:
        yield "the speed"
    if request.volume is not None:
        yield "the volume"
    if request.emotion:
        yield "the emotion"
    if request.normalization is not None:
        yield "the normalization"
    if request.pronunciation_dict_id is not None:
        yield "the pronunciation dictionary"


def _format_fields(audio: AudioFormat) -> dict[str, str]:
    return {f"output_format[{name}]": str(value) for name, value in encode_format(audio).items()}
